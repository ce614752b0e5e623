"""What ``thoratrace replay`` does and says: a verdict, the files compared, and the code of what stood in the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from device_sw._version import __version__
from device_sw.device import Device
from device_sw.errors import ReplayFailed
from device_sw.replay import NOT_COMPARABLE, find_input, read_record, replay, require_same_version

if TYPE_CHECKING:
    from pathlib import Path

SAME, DIFFERENT, NOT_COMPARED = 0, 1, 3
"""Exit codes: built again to the same bytes; the record does not hold; nothing could be compared."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of one replay.

    Attributes:
        exit_code: 0, 1 or 3.
        facts: for stdout.
        error: one line for stderr, empty where the record holds.
    """

    exit_code: int
    facts: dict[str, Any]
    error: str


def replayed(path: Path, film: Path | None, bundle: Path) -> Verdict:
    """Replay one record.

    Raises:
        BundleError: the bundle cannot be used.
    """
    try:
        record = read_record(path)
        require_same_version(record, __version__)
        found = find_input(record, film)
        rebuilt = replay(record, Device(bundle, record.policy, methods=record.methods), found)
    except ReplayFailed as failure:
        word, code = ("not compared", NOT_COMPARED) if failure.code in NOT_COMPARABLE else ("different", DIFFERENT)
        return Verdict(code, {"verdict": word, "code": failure.code, "same": [], "absent": []}, str(failure))
    facts = {"verdict": "same bytes", "code": None, "same": list(rebuilt.same), "absent": list(rebuilt.absent)}
    return Verdict(SAME, facts, "")
