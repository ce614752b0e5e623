"""The device's errors: few branches, each with a stable code, a place, what was found, what was expected and how to repair it.

A risk control may cite a code, a hospital's log may filter on it, and a test matches it; so a code is never renamed or reused.
Messages carry no patient data: `found` may quote a technical attribute (modality, photometric interpretation), never a name, an id or a date of birth.
"""

from __future__ import annotations

from functools import partial
from typing import Any


class CodedError(Exception):
    """Something that cannot be done, said so that a person can act on it; the one form of every error of ours.

    Attributes:
        code: stable identifier, for example ``ADM-MODALITY``.
        where: the input or attribute concerned, without patient data.
        found: what was there.
        expected: what the device needs.
        repair: what the reader can do about it.

    >>> error = CodedError("ADM-MODALITY", where="(0008,0060) Modality", found="CT", expected="CR or DX", repair="send a radiograph")
    >>> print(error)
    ADM-MODALITY at (0008,0060) Modality: found CT, expected CR or DX. Repair: send a radiograph.
    """

    def __init__(self, code: str, *, where: str, found: str, expected: str, repair: str) -> None:
        """Keep the five parts and build the one-line message from them."""
        self.code = code
        self.where = where
        self.found = found
        self.expected = expected
        self.repair = repair
        super().__init__(f"{code} at {where}: found {found}, expected {expected}. Repair: {repair}.")

    def __reduce__(self) -> tuple[Any, ...]:
        """Let the error cross into another process whole, with what was attached to it: exceptions pickle their message alone.

        >>> import pickle
        >>> error = CodedError("BND-HASH", where="a", found="b", expected="c", repair="d")
        >>> str(pickle.loads(pickle.dumps(error))) == str(error)
        True
        """
        parts = {"where": self.where, "found": self.found, "expected": self.expected, "repair": self.repair}
        return partial(type(self), self.code, **parts), (), self.__dict__


class DeviceError(CodedError):
    """Something the device cannot do.

    Attributes:
        content_sha256: of the file concerned, once it was read.
        sop_instance_uid: of the image concerned, once its header was read.
        source: the image's `device_sw.dicom.source.SourceHeader`, once its header was read; for the writers of DICOM objects only.
    """

    content_sha256: str | None = None
    sop_instance_uid: str | None = None
    source: object | None = None


class InputRefused(DeviceError):
    """The input is not analysed; the reason is the result. Codes start with ``ADM-`` (admission) or ``IN-`` (reading).

    Attributes:
        also: further reasons that hold for the same input, so that the sender can repair all of them at once.
    """

    def __init__(  # noqa: PLR0913 - the five parts of every error, and the further ones
        self, code: str, *, where: str, found: str, expected: str, repair: str, also: tuple[InputRefused, ...] = ()
    ) -> None:
        """Keep the primary reason and the further ones."""
        super().__init__(code, where=where, found=found, expected=expected, repair=repair)
        self.also = also


class BundleError(DeviceError):
    """The model bundle is missing, altered or not the one this device can run. Codes start with ``BND-``."""


class InferenceFailed(DeviceError):
    """The network produced something that is not a result. Codes start with ``INF-``."""


class OutputFailed(DeviceError):
    """A result could not be written in full. Codes start with ``OUT-``."""


class DeidentificationError(DeviceError):
    """A film or a key from which no identity can be removed safely. Codes start with ``DEI-``."""


class EnvironmentUnfit(DeviceError):
    """Something that the device needs of its machine is missing. Codes start with ``ENV-``."""


class ReplayFailed(DeviceError):
    """A recorded result could not be built again, or not to the same bytes. Codes start with ``REP-``."""
