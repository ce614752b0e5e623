"""What surveillance cannot sum up, said in five parts."""

from __future__ import annotations

from device_sw.errors import CodedError


class SurveillanceRefused(CodedError):
    """Records are not summed up. No message names a folder, a film or a patient; trails are named by their place in the command.

    Codes: ``PMS-LINE`` an audit line is not as this device writes it, or the last one was cut; ``PMS-RECORD`` a result is absent or not the one of its line;
    ``PMS-TWICE`` a trail, or a copy of it, was given twice; ``PMS-LOST`` lines that were there before are not there now; ``PMS-BASELINE`` a baseline
    cannot be formed, or does not belong to these trails; ``PMS-RELEASES`` the list of releases cannot be read.
    """

    def __init__(self, code: str, where: str, found: str, expected: str, repair: str) -> None:
        """Take the five parts in their order."""
        super().__init__(code, where=where, found=found, expected=expected, repair=repair)
