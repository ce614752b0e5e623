"""Performance before and after, from the metrics that were sealed: every figure with interval, hash of its file and JSON pointer on both sides.

Figures of two different exams (profile, budget, protocol, films) stand side by side without a difference, because their difference would be one of the exams. A figure
that is undefined stays so, with its reason. Figures on the phantom are phantom results.

Source: traceability reference 7 (numbers from evidence, each to file and hash); RFC 6901 (JSON pointer).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.change_package.ends import refused_part
from verification.trace.audit_log import Event

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pipeline.change_package.ends import End

VALIDATION = "files/validation.json"
AUDIT = "files/audit.jsonl"
DEVELOPMENT, LOCKED = "development films", "locked cohort"
EXAM = ("/profile", "/budget", "/films_are", "/protocol/sha256", "/films/test", "/analysis/iou", "/analysis/level")
"""What has to be the same for two figures to be of one exam, as JSON pointers."""
SHOWN = ("/endpoints/", "/figures/ap50/", "/operating_point/all_findings/", "/operating_point/per_finding/")
"""Beginnings of the pointers of figures that the page shows; the JSON holds all of them."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: where it stands, its value, its interval, what it is counted over, and why it is undefined."""

    pointer: str
    value: float | None
    low: float | None
    high: float | None
    n: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class FigureChange:
    """One figure on both sides; ``difference`` is after minus before, None with ``reason`` where it cannot be told."""

    name: str
    before: Figure | None
    after: Figure | None
    difference: float | None
    reason: str

    @property
    def is_shown(self) -> bool:
        """Whether the page shows it; the JSON holds every figure."""
        return self.name.startswith(SHOWN)

    @property
    def is_changed(self) -> bool:
        """Whether both sides can be compared and value, interval or number counted over differ."""
        if self.before is None or self.after is None or self.reason:
            return False
        one, other = ((each.value, each.low, each.high, each.n) for each in (self.before, self.after))
        return one != other


@dataclass(frozen=True, slots=True)
class Source:
    """A file of figures: its name, its SHA-256, and what was said of the films; without a hash, why there is none."""

    name: str
    sha256: str
    films: str
    reason: str = ""


@dataclass(frozen=True)
class Exam:
    """The figures of one set of films on both sides.

    Attributes:
        title: which films.
        before: file of the older side.
        after: file of the newer side.
        other: what makes it another exam, one sentence each; figures have no difference then.
        figures: every figure that either side has, sorted by name.
    """

    title: str
    before: Source
    after: Source
    other: tuple[str, ...]
    figures: tuple[FigureChange, ...]


def exams(before: End, after: End, old_source: Path, new_source: Path) -> tuple[Exam, ...]:
    """Return the exams of both ends.

    Raises:
        ChangePackageRefused: ``CPK-PART``, sealed metrics that are not of their form, or a judgement that is not the one the audit log names.
    """
    films = tuple(_films(before, after))
    drawn = (*films, *_drawn_for(before, after))
    one = _exam(DEVELOPMENT, _development(before), _development(after), films)
    two = _exam(LOCKED, _locked(before, old_source), _locked(after, new_source), drawn)
    return one, two


def _films(before: End, after: End) -> Iterator[str]:
    """Yield what says that the films are others: the root over the data of both records."""
    if before.sealed and after.sealed and before.sealed.record.data_root != after.sealed.record.data_root:
        yield f"data: {before.sealed.record.data_root[:16]} before, {after.sealed.record.data_root[:16]} after"


def _drawn_for(before: End, after: End) -> Iterator[str]:
    """Yield what says that the locked films are others: they are drawn from the protocol and the weights, so other weights have other films."""
    if before.sealed and after.sealed and before.sealed.record.model.weights_sha256 != after.sealed.record.model.weights_sha256:
        one, other = (each.record.model.weights_sha256[:16] for each in (before.sealed, after.sealed))
        yield f"weights that the films were drawn for: {one} before, {other} after"


def _development(end: End) -> tuple[Source, Any]:
    if reason := end.absence(VALIDATION):
        return Source(VALIDATION, "", "", reason), None
    return _source(VALIDATION, end.part(VALIDATION))


def _source(name: str, content: bytes) -> tuple[Source, Any]:
    try:
        data = json.loads(content)
        films = f"{data['films_are']}; {data['statement']}"
    except (ValueError, KeyError, TypeError) as err:
        raise refused_part(name, type(err).__name__, "the recorded metrics of a validation") from err
    return Source(name, hashlib.sha256(content).hexdigest(), films), data


def _locked(end: End, source: Path) -> tuple[Source, Any]:
    """Return the judgement of the locked cohort that the sealed audit log names for the sealed weights, by its hash."""
    reason = end.absence(AUDIT)
    if reason or end.sealed is None:
        return Source("evidence/locked_validation", "", "", reason), None
    entries = [json.loads(line) for line in end.part(AUDIT).splitlines()]
    weights = end.sealed.record.model.weights_sha256
    facts = [
        each["facts"] for each in entries if each["event"] == Event.JUDGED and each["facts"].get("weights_sha256") == weights
    ]
    if not facts:
        return Source("evidence/locked_validation", "", "", "the sealed audit log holds no judgement of these weights"), None
    name = str(facts[-1]["evidence"])
    try:
        content = (source / name).read_bytes()
    except OSError as err:
        raise refused_part(name, type(err).__name__, "the judgement that the audit log names") from err
    if hashlib.sha256(content).hexdigest() != facts[-1]["evidence_sha256"]:
        raise refused_part(name, "another SHA-256 than the audit log names", "the bytes that were judged")
    return _source(name, content)


def _exam(title: str, before: tuple[Source, Any], after: tuple[Source, Any], films: tuple[str, ...]) -> Exam:
    both = before[1] is not None and after[1] is not None
    other = (*_other(before[1], after[1]), *films) if both else ()
    old, new = (dict(figures(each[1])) if each[1] is not None else {} for each in (before, after))
    names = sorted({*old, *new})
    why = before[0].reason or after[0].reason or "; ".join(other)
    return Exam(title, before[0], after[0], other, tuple(_change(name, old.get(name), new.get(name), why) for name in names))


def _other(before: Any, after: Any) -> Iterator[str]:
    for pointer in EXAM:
        old, new = _at(before, pointer), _at(after, pointer)
        if old != new:
            yield f"{pointer}: {old} before, {new} after"


def _at(value: Any, pointer: str) -> Any:
    for name in pointer.removeprefix("/").split("/"):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _change(name: str, old: Figure | None, new: Figure | None, why: str) -> FigureChange:
    if why:
        return FigureChange(name, old, new, None, why)
    if old is None or new is None:
        return FigureChange(name, old, new, None, "only one side has this figure")
    if old.value is None or new.value is None:
        return FigureChange(name, old, new, None, f"undefined: {old.reason or new.reason or 'no reason recorded'}")
    return FigureChange(name, old, new, round(new.value - old.value, 10), "")


def figures(data: Any, pointer: str = "", name: str = "") -> Iterator[tuple[str, Figure]]:
    """Yield every figure of recorded metrics: each table with a value and an interval. A name is its pointer with ids in place of numbers, so that order does not count.

    >>> [(name, each.pointer, each.value) for name, each in figures({"endpoints": [{"id": "ap50", "value": 0.5, "interval": None}]})]
    [('/endpoints/ap50', '/endpoints/0', 0.5)]
    """
    if isinstance(data, dict):
        if "value" in data and "interval" in data:
            yield name, _figure(pointer, data)
        for key, each in data.items():
            step = str(key).replace("~", "~0").replace("/", "~1")
            yield from figures(each, f"{pointer}/{step}", f"{name}/{step}")
    elif isinstance(data, list):
        for number, each in enumerate(data):
            step = str(each["id"]) if isinstance(each, dict) and "id" in each else str(number)
            yield from figures(each, f"{pointer}/{number}", f"{name}/{step}")


def _figure(pointer: str, data: Mapping[str, Any]) -> Figure:
    interval = data["interval"] or {}
    counted = data.get("n", data.get("denominator"))
    return Figure(
        pointer,
        None if data["value"] is None else float(data["value"]),
        interval.get("low"),
        interval.get("high"),
        counted if isinstance(counted, int) else None,
        str(data.get("reason") or ""),
    )
