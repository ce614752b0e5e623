"""Reads what a device recorded: an audit trail whose chain holds, and the results that lie beside it where a site passes them on.

The chain is verified by the device's own reader; a trail whose chain is broken, or whose last line was cut, is refused and never summed up. A result counts only where
its bytes have the hash, and its content the Merkle leaf, that its audit line says. What names a film (its UID, its hash, its path) is not kept: of the hash
of a film only a number that is the same for the same film.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from device_sw import merkle
from device_sw.audit import NAME, QUARANTINE, SCHEMA, complete_lines, verify
from pipeline.surveillance.errors import SurveillanceRefused
from validation.stages.standalone import rounded

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

RESULTS = "results"
ANALYSED, REFUSED, FAILED = "analysed", "refused", "failed"

_RECORD = re.compile(r"results/[0-9]{4,9}-[0-9a-f]{8}\.json", re.ASCII)
_CODE = re.compile(r"[A-Z]{2,5}(-[A-Z0-9]{1,20}){1,4}", re.ASCII)
_FINDING = re.compile(r"[a-z_]{1,80}", re.ASCII)
_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)
_VERSION = re.compile(r"[0-9A-Za-z.+-]{1,40}", re.ASCII)
_CUT = re.compile(rf"{QUARANTINE}/audit-[0-9]{{1,18}}-([0-9a-f]{{16}})\.cut", re.ASCII)
_EVENT = frozenset({"schema", "event", "file", "cut_bytes", "cut_sha256", "previous"})
"""The keys of a line that tells of a run that was cut off."""
_REPAIR = "leave the folder as it is and find out with the site what happened to it"


@dataclass(frozen=True, slots=True, order=True)
class Installation:
    """What a device was when it recorded an input: version, model, bundle by hash, policy."""

    device_version: str
    model_version: str
    bundle_sha256: str
    policy: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What surveillance needs of a result.

    Attributes:
        state: of the film beside the reference films: within, outside or not judged.
        distance: the larger of its two distances, None where they were not judged.
        scores: calibrated scores of the marks by finding, the highest first.
    """

    state: str
    distance: float | None
    scores: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class Entry:
    """One recorded input.

    Attributes:
        trail: the place of its trail in the command, from 1.
        line: of its audit line in the trail, from 1.
        time: when it was recorded.
        status: analysed, refused or failed.
        code: of the refusal or failure.
        repeat: whether a film with the same bytes stands earlier in its trail.
        marks: number of marks by finding, of an analysed film.
        made_by: the installation.
        answer: of its result; None where it was not analysed or no results were passed on.
    """

    trail: int
    line: int
    time: datetime
    status: str
    code: str | None
    repeat: bool
    marks: Mapping[str, int]
    made_by: Installation
    answer: Answer | None


@dataclass(frozen=True, slots=True)
class Trail:
    """A trail that holds.

    Attributes:
        number: its place in the command, from 1.
        hashes: SHA-256 of each line, in order.
        entries: the inputs, in order.
        recovered: lines that tell of a run that was cut off.
        with_results: whether results lie beside it.
    """

    number: int
    hashes: tuple[str, ...]
    entries: tuple[Entry, ...]
    recovered: int
    with_results: bool


def read_trail(folder: Path, number: int) -> Trail:
    """Return the trail of an output folder of `thoratrace analyse`, or of a folder to which its audit trail, alone or with its results, was copied.

    Raises:
        OutputFailed: the chain is broken (``OUT-AUDIT-CHAIN``), or the file cannot be read (``OUT-AUDIT``).
        SurveillanceRefused: PMS-LINE, PMS-RECORD.
    """
    lines, cut = complete_lines(folder / NAME)
    last = verify(lines)
    if cut or not lines:
        found = "a last line that was cut" if lines else "no complete line"
        raise _no_line(number, len(lines) + 1, found)
    rows = [json.loads(line) for line in lines]
    reader = _Reader(number, folder if (folder / RESULTS).is_dir() else None)
    return Trail(
        number=number,
        hashes=(*(str(row["previous"]) for row in rows[1:]), last),
        entries=tuple(reader.entries(rows)),
        recovered=sum("event" in row for row in rows),
        with_results=reader.folder is not None,
    )


def require_distinct(trails: Sequence[Trail]) -> None:
    """Refuse a trail that was given twice, also where one of the two is an older copy: each has a first line of its own.

    Raises:
        SurveillanceRefused: PMS-TWICE.
    """
    seen: dict[str, int] = {}
    for trail in trails:
        if (earlier := seen.setdefault(trail.hashes[0], trail.number)) != trail.number:
            found = f"the beginning of trail {earlier} again"
            raise SurveillanceRefused(
                "PMS-TWICE", f"trail {trail.number}", found, "each trail once", "leave the copy out; films would count twice"
            )


def in_order(trails: Sequence[Trail]) -> tuple[Entry, ...]:
    """Return the inputs of all trails by time. Inside a trail the chain says the order, also where a clock was set back.

    Times have milliseconds, of device 0.1.0 whole seconds. Inputs of several trails at the same time stand by the hash of the first line of their trail, never by its place in the command.
    """
    keyed = [
        ((latest, trail.hashes[0], entry.line), entry)
        for trail in trails
        for latest, entry in zip(accumulate((entry.time for entry in trail.entries), max), trail.entries, strict=True)
    ]
    return tuple(entry for _, entry in sorted(keyed, key=itemgetter(0)))


@dataclass(slots=True)
class _Reader:
    """Reads the lines of one trail."""

    number: int
    folder: Path | None

    def entries(self, rows: Sequence[Mapping[str, Any]]) -> Iterator[Entry]:
        films: set[str] = set()
        inputs = 0
        for line, row in enumerate(rows, start=1):
            if "event" in row:
                if not _recovered(row):
                    raise _no_line(self.number, line, "an event that this device does not write")
                continue
            inputs += 1
            try:
                entry = self._entry(row, line, row["content_sha256"] in films)
                _require(row["index"] == inputs, "an input out of its order")
            except (KeyError, TypeError, ValueError, AttributeError) as err:
                raise _no_line(self.number, line, str(err) if isinstance(err, _Odd) else type(err).__name__) from err
            films |= {row["content_sha256"]} - {None}
            yield entry

    def _entry(self, row: Mapping[str, Any], line: int, repeat: bool) -> Entry:  # noqa: FBT001
        _require(row["schema"] == SCHEMA, "another schema")
        status, code, marks = row["status"], row["code"], row["detections"]
        _require(status in {ANALYSED, REFUSED, FAILED}, "an unknown status")
        _require(
            (code is None) == (status == ANALYSED) and (code is None or bool(_CODE.fullmatch(code))), "no code of its status"
        )
        _require(all(_FINDING.fullmatch(name) and type(count) is int and count > 0 for name, count in marks.items()), "no counts")
        time = datetime.fromisoformat(row["time"])
        _require(time.tzinfo is not None, "a time without a zone")
        return Entry(
            trail=self.number,
            line=line,
            time=time,
            status=status,
            code=code,
            repeat=repeat,
            marks=dict(marks),
            made_by=_installation(row),
            answer=self._answer(row, line) if status == ANALYSED and self.folder else None,
        )

    def _answer(self, row: Mapping[str, Any], line: int) -> Answer:
        """Return what a result says, where it is the one of its line."""
        name = row["record"]
        _require(bool(_RECORD.fullmatch(name)), "no name of a result")
        try:
            content = (self.folder / name).read_bytes() if self.folder else b""
        except OSError as err:
            raise _no_record(self.number, line, type(err).__name__) from err
        if hashlib.sha256(content).hexdigest() != row["files"][name]:
            raise _no_record(self.number, line, "a result with another hash than its line says")
        try:
            return _answered(json.loads(content), row)
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as err:
            raise _no_record(self.number, line, str(err) if isinstance(err, _Odd) else type(err).__name__) from err


def _recovered(row: Mapping[str, Any]) -> bool:
    """Say whether a line tells of a run that was cut off, exactly as the device writes it: where the cut line lies, its length and its hash."""
    size, whole, name = row.get("cut_bytes"), row.get("cut_sha256"), row.get("file")
    return (
        set(row) == _EVENT
        and (row["schema"], row["event"]) == (SCHEMA, "recovered")
        and type(size) is int
        and size > 0
        and isinstance(whole, str)
        and bool(_HASH.fullmatch(whole))
        and isinstance(name, str)
        and bool(found := _CUT.fullmatch(name))
        and found[1] == whole[:16]
    )


def _answered(result: Mapping[str, Any], row: Mapping[str, Any]) -> Answer:
    _require(merkle.leaf(result) == row["leaf"], "a result with another leaf than its line says")
    placed = result["distribution"]
    distances = [_rounded(placed[name]) for name in ("picture", "network") if placed[name] is not None]
    scores = {each["id"]: _scores(each["detections"]) for each in result["findings"] if each["detections"]}
    _require({name: len(found) for name, found in scores.items()} == row["detections"], "other marks than its line counts")
    _require(placed["state"] in {"within", "outside", "not judged"}, "an unknown state of the distribution")
    return Answer(str(placed["state"]), max(distances, default=None), scores)


def _rounded(value: float) -> float:
    """Return a figure with as many digits as a baseline keeps, so that equal figures are equal there and in a window."""
    return float(rounded(float(value)))


def _scores(marks: Sequence[Mapping[str, Any]]) -> tuple[float, ...]:
    found = tuple(sorted((_rounded(mark["score"]) for mark in marks), reverse=True))
    _require(all(0.0 <= score <= 1.0 for score in found), "a score outside of 0 to 1")
    return found


def _installation(row: Mapping[str, Any]) -> Installation:
    made_by = Installation(row["device_version"], row["model_version"], row["bundle_sha256"], row["policy"])
    versions = all(_VERSION.fullmatch(version) for version in (made_by.device_version, made_by.model_version, made_by.policy))
    _require(versions and bool(_HASH.fullmatch(made_by.bundle_sha256)), "no versions")
    return made_by


class _Odd(ValueError):
    """Something that the device does not write, in words that repeat nothing of it."""


def _require(holds: bool, otherwise: str) -> None:  # noqa: FBT001
    if not holds:
        raise _Odd(otherwise)


def _no_line(trail: int, line: int, found: str) -> SurveillanceRefused:
    return SurveillanceRefused("PMS-LINE", f"trail {trail}, audit line {line}", found, "a line as this device writes it", _REPAIR)


def _no_record(trail: int, line: int, found: str) -> SurveillanceRefused:
    return SurveillanceRefused(
        "PMS-RECORD", f"trail {trail}, result of audit line {line}", found, "the result of its line", _REPAIR
    )
