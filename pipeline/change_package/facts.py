"""What a worksheet may rest an answer on: named lists of what changed, each with whether everything it speaks of was compared.

A list that is not complete never speaks for "no": what was not compared is not unchanged.

Source: design 9 (evidence for, never compliant); traceability reference 7.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.change_package.documents import INTENDED_USE, LABELS, PAGES
from pipeline.change_package.ends import NOTHING_SEALED
from pipeline.change_package.made_parts import DATA, WEIGHTS, State
from pipeline.findings_table import FINDINGS
from verification.trace.graph import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from pipeline.change_package.comparison import Comparison
    from pipeline.change_package.items import ItemChange
    from pipeline.change_package.made_parts import PartChange

CUT_OFFS = ("bundle/calibration.json", "bundle/thresholds.json", "bundle/distribution.json", "bundle/distribution.safetensors")
ENVIRONMENT = "files/environment.json"
BUNDLE = "bundle/"
WHEEL = "archive/wheel/"
"""Names and codes of the findings, which the page of the intended use prints."""
INTENDED_USE_PAGES = (f"{PAGES}intended-use.html",)
LABEL_PAGES = (f"{PAGES}label.html", f"{PAGES}labelling")
_ALGORITHM = ("device_sw.detector", "device_sw.preprocessing", "device_sw.explanation")
_PRESENTATION = ("device_sw.report", "device_sw.explanation")
_CROSSING = ("docs/dicom-conformance.md", "docs/ihe-integration.md", "docs/schemas/")
_CROSSING_FILES = frozenset({"device_sw/decision_trace.schema.json"})
_SAID_TO_READERS = frozenset({"ifu_sentence", "label_section"})
"""Fields of a control that the instructions for use print."""
_PURPOSE = ("intended_use", "foreseeable_misuse")


@dataclass(frozen=True, slots=True)
class Fact:
    """One list of what changed: its name in worksheets, its words, the entries, and why it is not complete ("" where it is)."""

    name: str
    title: str
    entries: tuple[str, ...]
    incomplete: str = ""

    @property
    def speaks_for_no(self) -> bool:
        """Whether everything was compared and nothing was found."""
        return not self.entries and not self.incomplete


def facts(found: Comparison) -> dict[str, Fact]:
    """Return every fact of a comparison by its name."""
    unread = "; ".join(found.impact.unread)
    rows = ((name, title, tuple(sorted(set(read(found)))), _why(name, found) or unread) for name, (title, read) in _FACTS.items())
    return {name: Fact(name, title, entries, why) for name, title, entries, why in rows}


def _of_kind(*kinds: str) -> Callable[[Comparison], Iterator[str]]:
    wanted = set(map(str, kinds))

    def entries(found: Comparison) -> Iterator[str]:
        yield from (_said(each) for each in found.items if each.kind in wanted)

    return entries


def _said(each: ItemChange) -> str:
    return f"{each.id} {each.how}"


def _of_type(*types: str, other: bool = False) -> Callable[[Comparison], Iterator[str]]:
    """Return a reader of changed requirements: those that are or were of a type, or (``other``) that are or were of any other."""

    def entries(found: Comparison) -> Iterator[str]:
        for each in found.items:
            if each.kind == Kind.REQUIREMENT:
                held = {words[each.id]["type"] for words in found.words if "type" in words.get(each.id, {})}
                if (held - set(types)) if other else (held & set(types)):
                    yield _said(each)

    return entries


def _modules(*prefixes: str) -> Callable[[Comparison], Iterator[str]]:
    def entries(found: Comparison) -> Iterator[str]:
        yield from (_said(each) for each in found.items if each.kind == Kind.MODULE and each.id.startswith(prefixes))

    return entries


def _documents(*names: str) -> Callable[[Comparison], Iterator[str]]:
    def entries(found: Comparison) -> Iterator[str]:
        yield from (f"{each.name} {each.how}" for each in found.documents if each.name.startswith(names))

    return entries


def _built(*names: str) -> Callable[[Comparison], Iterator[str]]:
    def entries(found: Comparison) -> Iterator[str]:
        yield from (f"{each.name} {each.how}" for each in found.pages if each.name.startswith(names))

    return entries


def _labels(found: Comparison) -> Iterator[str]:
    """Yield what a reader of the label and the instructions gets otherwise: their pages, the sentences of controls, and the risks that remain."""
    yield from _documents(*LABELS)(found)
    yield from _built(*LABEL_PAGES)(found)
    yield from _of_kind(Kind.SITUATION)(found)
    for each in found.items:
        if each.kind == Kind.CONTROL:
            yield from (f"{each.id} {field.name}" for field in each.fields if field.name in _SAID_TO_READERS)


def _purpose(found: Comparison) -> Iterator[str]:
    yield from _documents(INTENDED_USE)(found)
    yield from _built(*INTENDED_USE_PAGES)(found)
    yield from (f"{path} changed" for path in found.files if path == FINDINGS)
    for each in found.items:
        if each.kind == "policy":
            yield from (f"{each.id} {field.name}" for field in each.fields if field.name in _PURPOSE)


def _suspects(kind: Kind) -> Callable[[Comparison], Iterator[str]]:
    def entries(found: Comparison) -> Iterator[str]:
        yield from (each.id for each in found.impact.suspects if each.kind == kind)

    return entries


def _soup(found: Comparison) -> Iterator[str]:
    yield from _of_kind(Kind.SOUP)(found)
    yield from (f"{each.name} {each.before or 'not locked'} -> {each.after or 'not locked'}" for each in found.components)


def _claim(name: str) -> Callable[[Comparison], Iterator[str]]:
    """Return a reader of a claim of both records; where one end is not sealed it says nothing, since nobody knows what will be made."""

    def entries(found: Comparison) -> Iterator[str]:
        for each in found.claims:
            if each.name == name and each.state is State.OTHER:
                yield f"{each.before[:16]} -> {each.after[:16]}"

    return entries


def _parts(*names: str) -> Callable[[Comparison], Iterator[str]]:
    """Return a reader of sealed parts whose names begin so."""

    def entries(found: Comparison) -> Iterator[str]:
        quiet = {State.EQUAL, State.NOT_COMPARED}
        yield from (
            f"{each.name} {each.state}" for each in found.parts if each.name.startswith(names) and each.state not in quiet
        )

    return entries


def _parameters(found: Comparison) -> Iterator[str]:
    yield from (f"{each.name}: {each.before or 'none'} -> {each.after or 'none'}" for each in found.parameters)


def _performance(found: Comparison) -> Iterator[str]:
    for exam in found.exams:
        moved = [each for each in exam.figures if each.is_changed]
        if moved:
            yield f"{exam.title}: {len(moved)} of {len(exam.figures)} figures differ"


def _interfaces(found: Comparison) -> Iterator[str]:
    yield from _documents(*_CROSSING)(found)
    yield from (f"{path} changed" for path in found.files if path in _CROSSING_FILES)
    for each in found.items:
        if each.kind == "system":
            yield from (f"{each.id} {field.name}" for field in each.fields if "interface" in field.name)


def _why(name: str, found: Comparison) -> str:
    """Return why a list of what was made is not complete."""
    if name in {"weights", "data"}:
        title, stage = (WEIGHTS, "train") if name == "weights" else (DATA, "cohort")
        reason = _not_compared(each for each in found.claims if each.name == title)
        again = any(each.is_stale for each in found.stages if each.stage == stage)
        return f"{reason}; to be made again, since the stage {stage} has other inputs" if reason and again else reason
    if name in _MADE_OF:
        reasons = {_not_compared(each for each in found.parts if each.name.startswith(_MADE_OF[name]))}
        ends = (found.pair.before, found.pair.after)
        reasons |= {f"not compared: {each.title}: {NOTHING_SEALED}" for each in ends if each.sealed is None}
        return "; ".join(sorted(reasons - {""}))
    if name == "performance":
        reasons = {each.reason for exam in found.exams for each in exam.figures if each.difference is None}
        reasons |= {source.reason for exam in found.exams for source in (exam.before, exam.after)}
        return "; ".join(sorted(reasons - {""}))
    return ""


def _not_compared(rows: Iterable[PartChange]) -> str:
    return "; ".join(sorted({f"not compared: {each.reason}" for each in rows if each.state is State.NOT_COMPARED}))


_MADE_OF: Mapping[str, tuple[str, ...]] = {
    "intended-use": INTENDED_USE_PAGES,
    "labels": LABEL_PAGES,
    "cut-offs": CUT_OFFS,
    "bundle": (BUNDLE,),
    "wheel": (WHEEL,),
    "environment": (ENVIRONMENT,),
}
"""Beginnings of the names of the sealed parts that a fact speaks of; it is complete only when all of them were compared at two sealed ends."""

_FACTS: Mapping[str, tuple[str, Callable[[Comparison], Iterator[str]]]] = {
    "intended-use": ("intended use", _purpose),
    "labels": ("label and instructions for use", _labels),
    "needs": ("user needs", _of_kind(Kind.NEED)),
    "requirements": ("requirements", _of_kind(Kind.REQUIREMENT)),
    "requirements-security": ("requirements on security", _of_type("security")),
    "requirements-not-security": ("requirements on anything but security", _of_type("security", other=True)),
    "requirements-performance": ("requirements on performance", _of_type("performance")),
    "requirements-usability": ("requirements on usability and labelling", _of_type("usability", "labelling")),
    "requirements-interface": ("requirements on interfaces", _of_type("interface", "data")),
    "architecture": ("software system and software items", _of_kind(Kind.ITEM, "system")),
    "modules": ("modules of the device", _modules("device_sw")),
    "algorithm": ("modules that compute marks", _modules(*_ALGORITHM)),
    "presentation": ("modules that show results", _modules(*_PRESENTATION)),
    "interfaces": ("interfaces and their statements", _interfaces),
    "soup": ("SOUP and locked components", _soup),
    "environment": ("environment that it was made in", _parts(ENVIRONMENT)),
    "controls": ("risk controls", _of_kind(Kind.CONTROL)),
    "controls-suspect": ("risk controls to be judged again", _suspects(Kind.CONTROL)),
    "risks": ("hazards, situations, risk policy", _of_kind(Kind.HAZARD, Kind.SITUATION, "policy")),
    "risks-suspect": ("situations to be judged again", _suspects(Kind.SITUATION)),
    "anomalies": ("known anomalies", _of_kind(Kind.ANOMALY)),
    "endpoints": ("endpoints of the protocol", _of_kind(Kind.ENDPOINT)),
    "parameters": ("parameters of the pipeline", _parameters),
    "weights": (WEIGHTS, _claim(WEIGHTS)),
    "bundle": ("parts of the model bundle", _parts(BUNDLE)),
    "wheel": ("built wheel of the device", _parts(WHEEL)),
    "model-source": ("files that the model is made from", _of_kind("model")),
    "data": (DATA, _claim(DATA)),
    "cut-offs": ("operating points and calibration", _parts(*CUT_OFFS)),
    "performance": ("sealed performance", _performance),
}
"""Every fact: its words, and what is read for it."""

NAMES = frozenset(_FACTS)
