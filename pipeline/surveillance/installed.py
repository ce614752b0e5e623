"""What was installed: each combination of device, model, bundle and policy is looked up in the list of releases, and an old one must not come back after an update."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.release.errors import ReleaseRefused
from pipeline.release.record.folder import RECORD, RELEASES, ReleaseFolder
from pipeline.release.record.record import Kind
from pipeline.surveillance.errors import SurveillanceRefused

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import date
    from pathlib import Path

    from pipeline.release.record.record import Record
    from pipeline.surveillance.trail import Entry, Installation

INTENDED_USE = "intended-use"
_WHEEL = re.compile(r"archive/wheel/thoratrace-([0-9][^-/]*)-[^/]+\.whl", re.ASCII)


@dataclass(frozen=True, slots=True)
class Released:
    """What a release installs: version of the device, version of the model, SHA-256 of the bundle's manifest."""

    device_version: str
    model_version: str
    bundle_sha256: str


def releases(root: Path) -> frozenset[Released]:
    """Return what the releases below a root install. The records are read as they lie; `./qms release verify` says whether one is authentic.

    Raises:
        SurveillanceRefused: PMS-RELEASES, a record cannot be read or holds no wheel.
    """
    return frozenset(filter(None, (_released(path.parent) for path in sorted((root / RELEASES).glob(f"*/{RECORD}")))))


def _released(folder: Path) -> Released | None:
    try:
        record = ReleaseFolder(folder, folder).record()
    except ReleaseRefused as err:
        raise _unreadable(str(err)) from err
    return None if record.kind is Kind.TRIAL else Released(_device(record), record.model.version, record.model.bundle_sha256)


def _device(record: Record) -> str:
    found = [match[1] for each in record.subjects if (match := _WHEEL.fullmatch(each.name))]
    if len(found) != 1:
        raise _unreadable(f"{len(found)} wheels in the record of {record.version}")
    return found[0]


def _unreadable(found: str) -> SurveillanceRefused:
    return SurveillanceRefused("PMS-RELEASES", RELEASES, found, "records as they were sealed", "restore them from the repository")


def foreign(found: Collection[Installation], released: Collection[Released]) -> Iterator[str]:
    """Yield why installations are none of a release under the policy of the intended use."""
    for each in sorted(found):
        if Released(each.device_version, each.model_version, each.bundle_sha256) not in released:
            yield f"device {each.device_version}, model {each.model_version}, bundle {each.bundle_sha256[:12]} is no release"
        if each.policy != INTENDED_USE:
            yield f"policy {each.policy}"


def stale(entries: Sequence[Entry]) -> frozenset[tuple[int, int]]:
    """Return trail and line of inputs that an earlier installation recorded after the day on which a later one began.

    On the day of an update both may stand: what began that day, and the one in use before it.
    """
    began: dict[Installation, date] = {}
    for entry in entries:
        began.setdefault(entry.made_by, entry.time.date())
    order = list(began)

    def allowed(entry: Entry) -> bool:
        day = entry.time.date()
        earlier = [one for one in order if began[one] < day]
        return began[entry.made_by] >= day or entry.made_by == earlier[-1]

    return frozenset((entry.trail, entry.line) for entry in entries if not allowed(entry))
