"""Who made a DICOM object from what: the value that all writers share, and the UIDs that follow from it.

UIDs are derived, never drawn: the same film, outcome, bundle, version and policy give the same objects, so that an archive that receives a result twice
keeps one. The derivation is a name-based UUID (RFC 9562 version 5) of the text that `Origin.name` returns, written under the root 2.25 (PS3.5 B.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta, timezone
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

if TYPE_CHECKING:
    from datetime import datetime

    from device_sw.dicom.source import SourceHeader
    from device_sw.types import Policy

NAMESPACE = UUID("2f1d3a3e-5b0c-5f0e-9a55-7468f2a17ace")
"""Of all UIDs that this device derives; part of its interface, never changed."""

MANUFACTURER = "ThoraTrace project"
MODEL_NAME = "ThoraTrace"
PRIVATE_SCHEME = "99THORATRACE"


@dataclass(frozen=True, slots=True, eq=False)
class Origin:
    """What a DICOM object was made from.

    Attributes:
        source: the film's identity in its archive.
        content_sha256: of the film's file.
        outcome: ``analysed``, or ``not analysed`` with the codes of all reasons.
        policy: the admission policy.
        device_version: version of this software.
        bundle_sha256: SHA-256 of the bundle's manifest.
        run_time: when the run began, with its time zone.
    """

    source: SourceHeader
    content_sha256: str
    outcome: str
    policy: Policy
    device_version: str
    bundle_sha256: str
    run_time: datetime

    def name(self, role: str) -> str:
        """Return the text that a UID is derived from: everything that the object's content follows from but the time, one part a line."""
        parts = (self.source.study_instance_uid, self.source.sop_instance_uid, self.content_sha256, self.outcome)
        return "\n".join((*parts, self.policy.value, self.device_version, self.bundle_sha256, role))

    def uid(self, role: str) -> str:
        """Return the UID of something in this origin's objects, for example ``structured-report/instance``."""
        return derived_uid(self.name(role))

    @property
    def device_uid(self) -> str:
        """Return the UID of the device as an observer: the same for every film that this version analyses with this bundle."""
        return derived_uid(f"device\n{self.device_version}\n{self.bundle_sha256}")

    @property
    def local_time(self) -> datetime:
        """The run's time in the film's own time zone where the film states it, else in the run's."""
        stated = self.source.carried.get("TimezoneOffsetFromUTC", "")
        if not stated:
            return self.run_time
        sign = -1 if stated[0] == "-" else 1
        offset = timedelta(hours=int(stated[-4:-2]), minutes=int(stated[-2:]))
        return self.run_time.astimezone(timezone(sign * offset))


def derived_uid(name: str) -> str:
    """Return the UID that a name stands for.

    >>> derived_uid("a") == derived_uid("a") != derived_uid("b"), derived_uid("a")[:5], len(derived_uid("a")) <= 64
    (True, '2.25.', True)
    """
    return f"2.25.{uuid5(NAMESPACE, name).int}"
