"""What was installed: each combination of device, model, bundle and policy is looked up in the list of releases, and an old one must not come back after an update."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from device_sw.types import Policy
from pipeline.release.errors import ReleaseRefused
from pipeline.release.record.folder import RELEASES, released
from pipeline.release.record.record import Kind
from pipeline.surveillance.errors import SurveillanceRefused

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from pipeline.release.record.folder import ReleaseFolder
    from pipeline.release.record.record import Record
    from pipeline.surveillance.trail import Entry, Installation

INTENDED_USE = Policy.INTENDED_USE.value
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
    return frozenset(filter(None, map(_released, released(root))))


def _released(folder: ReleaseFolder) -> Released | None:
    try:
        record = folder.record()
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

    On the day of an update both may stand: what began that day, and the one in use before it. Inside a trail the order of the chain decides: after the first line
    of a later installation an earlier one may stand with the date of that line only, also where a clock was set back.
    """
    began: dict[Installation, date] = {}
    for entry in entries:
        began.setdefault(entry.made_by, entry.time.date())
    order = list(began)

    def allowed(entry: Entry) -> bool:
        day = entry.time.date()
        earlier = [one for one in order if began[one] < day]
        return began[entry.made_by] >= day or entry.made_by == earlier[-1]

    late = (entry for entry, seen in _with_seen(entries) if not (allowed(entry) and _in_chain(entry, seen, order)))
    return frozenset((entry.trail, entry.line) for entry in late)


def _with_seen(entries: Sequence[Entry]) -> Iterator[tuple[Entry, Mapping[Installation, date]]]:
    """Yield each input with what its trail held before it: each installation with the date of its first line there."""
    trails: dict[int, dict[Installation, date]] = {}
    for entry in entries:
        seen = trails.setdefault(entry.trail, {})
        yield entry, seen
        seen.setdefault(entry.made_by, entry.time.date())


def _in_chain(entry: Entry, seen: Mapping[Installation, date], order: Sequence[Installation]) -> bool:
    """Say whether no later installation stands before an input in its trail, other than with its date."""
    later = order[order.index(entry.made_by) + 1 :]
    return all(seen[one] == entry.time.date() for one in later if one in seen)
