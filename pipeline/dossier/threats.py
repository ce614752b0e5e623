"""The threat model as values: elements of the data flow, threats by STRIDE for each element with what answers them, and the tests that show it.

Each element and each flow over a border has a threat, or a reason, for each kind that applies to it. Situations, controls, requirements, gaps, decisions and files of
evidence are named and have to exist. What the code touches outside of memory has to be what the model says of its software item.

Source: STRIDE for each element (Shostack, Threat Modeling, 2014); FDA cybersecurity guidance 2026 V.A.1 (threat model), V.B.2 (views), V.C (testing); IEC 81001-5-1 7.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.dossier.surface import TOUCHES, Touch, touches
from pipeline.file_error import FileError
from pipeline.handwritten import GAP, HS, RC, SRS, require_known, sound, value_of
from requirements_spec.datafile import Flag, Table, Tables, Text, Texts, Whole

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from pathlib import Path

    from requirements_spec.model import Specification
    from risk.model import RiskFile

THREATS = "docs/threats.toml"

KINDS: dict[str, str] = {
    "S": "spoofing: somebody or something is not who or what it claims to be",
    "T": "tampering: data, code or a process is altered",
    "R": "repudiation: what was done cannot be shown afterwards",
    "I": "information disclosure: somebody reads what they may not",
    "D": "denial of service: the device does not do its work",
    "E": "elevation of privilege: somebody gets rights that they were not given",
}
"""The six kinds of STRIDE in words."""

APPLIES: dict[str, str] = {"outside": "SR", "process": "STRIDE", "store": "TID", "log": "TRID", "flow": "TID"}
"""Which kinds of threat an element of a kind has to answer."""

_LETTER = Text(choices=frozenset(KINDS))
_ID = Text(pattern=r"[A-Z]{1,2}-\d+")
_ELEMENT = {
    "id": _ID,
    "kind": Text(choices=frozenset(APPLIES) - {"flow"}),
    "column": Whole(1, 5),
    "title": Text(),
    "items": Texts(least=0),
}
_FLOW = {"id": _ID, "from": _ID, "to": _ID, "carries": Text(), "crosses": Flag()}
_THREAT = {
    "id": _ID,
    "elements": Texts(each=_ID),
    "kind": _LETTER,
    "text": Text(),
    "by": Text(choices=frozenset({"device", "release", "site", "nobody"})),
    "answer": Text(),
    "left": Text(required=False),
    "controls": Texts(each=RC, required=False),
    "situations": Texts(each=HS, required=False),
    "decisions": Texts(each=Text(pattern=r"\d{4}"), required=False),
    "tests": Texts(each=_ID, required=False),
    "gaps": Texts(each=GAP, required=False),
    "many": Flag(required=False),
}
_TEST = {
    "id": _ID,
    **{name: Text() for name in ("kind", "title", "limits")},
    "file": Text(blank=True),
    "figures": Texts(least=0),
    "holds": Texts(each=Text(pattern=r".+: /\S* = .+"), least=0),
}
_STEP = {**{name: Text() for name in ("title", "who", "what", "held")}, "gaps": Texts(each=GAP, least=0)}
_TABLE = Table(
    {
        "schema": Text(choices=frozenset({"thoratrace/threats/1"})),
        "element": Tables(Table(_ELEMENT)),
        "flow": Tables(Table(_FLOW)),
        "access": Tables(Table({"item": Text(), "touches": Texts(each=Text(choices=frozenset(TOUCHES)), least=0)})),
        "threat": Tables(Table(_THREAT)),
        "none": Tables(Table({"elements": Texts(each=_ID), "kinds": Texts(each=_LETTER), "reason": Text()})),
        "test": Tables(Table(_TEST)),
        "measure": Tables(
            Table({"title": Text(), "text": Text(), "requirements": Texts(each=SRS, least=0), "gaps": Texts(each=GAP, least=0)})
        ),
        "step": Tables(Table(_STEP)),
        "case": Tables(Table({"title": Text(), "steps": Texts(), "ends": Text(), "requirements": Texts(each=SRS)})),
    }
)


@dataclass(frozen=True, slots=True)
class Element:
    """A source or sink outside, a process, a store or a log; ``items`` are the software items that run in a process."""

    id: str
    kind: str
    column: int
    title: str
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Flow:
    """What passes from one element to another; ``crosses`` where it leaves the machine, or a process by a network address."""

    id: str
    source: str
    end: str
    carries: str
    crosses: bool


@dataclass(frozen=True, slots=True)
class Threat:
    """One threat to one or more elements, who answers it and how, and what is left."""

    id: str
    elements: tuple[str, ...]
    kind: str
    text: str
    by: str
    answer: str
    left: str = ""
    controls: tuple[str, ...] = ()
    situations: tuple[str, ...] = ()
    decisions: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()
    many: bool = False


@dataclass(frozen=True, slots=True)
class SecurityTest:
    """A test of security with its evidence; each of ``holds`` is ``words: pointer = value`` and has to be so for the test to hold."""

    id: str
    kind: str
    title: str
    limits: str
    file: str
    figures: tuple[str, ...]
    holds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ThreatModel:
    """All of it; ``found`` are the places of the code by software item, ``rows`` the tables that are printed as they stand."""

    elements: tuple[Element, ...]
    flows: tuple[Flow, ...]
    threats: tuple[Threat, ...]
    none: tuple[tuple[tuple[str, ...], tuple[str, ...], str], ...]
    tests: tuple[SecurityTest, ...]
    found: Mapping[str, tuple[Touch, ...]]
    rows: Mapping[str, tuple[Mapping[str, Any], ...]]


def load_threats(root: Path, specification: Specification, risk: RiskFile, gaps: Collection[str]) -> ThreatModel:
    """Return the model.

    Raises:
        FileError: FILE-DATA, the table does not hold what it must; FILE-CONTENT, it names what does not exist, leaves a kind of threat to an element without
            a word, or says of a software item what its code does not do.
    """
    document = sound(root, THREATS, _TABLE, ("element", "flow", "threat", "test"))
    modules = {str(item.id): item.modules for item in specification.items}
    model = ThreatModel(
        tuple(value_of(Element, row.data) for row in document.rows("element")),
        tuple(
            Flow(row.id, row.data["from"], row.data["to"], row.data["carries"], row.data["crosses"])
            for row in document.rows("flow")
        ),
        tuple(value_of(Threat, row.data) for row in document.rows("threat")),
        tuple((tuple(row.data["elements"]), tuple(row.data["kinds"]), row.data["reason"]) for row in document.rows("none")),
        tuple(value_of(SecurityTest, row.data) for row in document.rows("test")),
        {name: touches(root, paths) for name, paths in modules.items()},
        {name: tuple(row.data for row in document.rows(name)) for name in ("measure", "step", "case")},
    )
    _require_names(root, model, specification, risk, gaps)
    _require_access({row.data["item"]: row.data["touches"] for row in document.rows("access")}, model.found)
    _require_each_kind(model)
    return model


def _require_names(root: Path, model: ThreatModel, specification: Specification, risk: RiskFile, gaps: Collection[str]) -> None:
    controls = {str(control.id) for control in risk.controls}
    situations = {str(situation.id) for situation in risk.situations}
    requirements = {str(row.id) for row in specification.requirements}
    elements = {element.id for element in model.elements}
    items = {str(item.id) for item in specification.items}
    decisions = {path.name[:4] for path in (root / "docs/adr").glob("[0-9]*.md")}
    for element in model.elements:
        require_known(_at(element.id), element.items, items, "software item")
    for flow in model.flows:
        require_known(_at(flow.id), (flow.source, flow.end), elements, "element")
    for threat in model.threats:
        require_known(_at(threat.id), threat.elements, {*elements, *(flow.id for flow in model.flows)}, "element or flow")
        require_known(_at(threat.id), threat.controls, controls, "control")
        require_known(_at(threat.id), threat.situations, situations, "hazardous situation")
        require_known(_at(threat.id), threat.decisions, decisions, "decision record")
        require_known(_at(threat.id), threat.tests, [test.id for test in model.tests], "test")
        require_known(_at(threat.id), threat.gaps, gaps, "gap")
        _require_answered(threat)
    for rows in model.rows.values():
        for row in rows:
            require_known(_at(row["title"]), row.get("gaps", ()), gaps, "gap")
            require_known(_at(row["title"]), row.get("requirements", ()), requirements, "requirement")
    if left := sorted(items - {name for element in model.elements for name in element.items}):
        raise _refused("element", f"no process with {', '.join(left)}", "each software item in a process", "add it to `items`")


def _require_answered(threat: Threat) -> None:
    """Hold that the device answers by controls, and that what nobody answers is a gap."""
    if threat.by == "device" and not threat.controls:
        raise _refused(
            threat.id, "an answer of the device without a control", "the controls that answer it", "name them, or say who answers"
        )
    if threat.by == "nobody" and not threat.gaps:
        raise _refused(threat.id, "no answer and no gap", "a gap for what nobody answers", "name the gap, or answer the threat")


def _require_access(meant: Mapping[str, Iterable[str]], found: Mapping[str, tuple[Touch, ...]]) -> None:
    require_known(_at("access"), meant, found, "software item")
    for item, places in found.items():
        first = {touch.kind: touch.where for touch in reversed(places)}
        said = set(meant.get(item, ()))
        for kind in sorted(set(first) - said):
            raise _refused(
                item,
                f"code that {_WORDS[kind]} at {first[kind]}",
                "what the model says the item touches",
                "look at it, then add it to `touches`",
            )
        for kind in sorted(said - set(first)):
            raise _refused(item, f"no code that {_WORDS[kind]}", "what its code touches", "remove it from `touches`")


_WORDS = {
    "reads": "reads files",
    "writes": "writes files",
    "environment": "reads or sets variables of the environment",
    "streams": "uses standard input or output",
    "process": "starts or replaces a process",
    "network": "loads a library that opens connections",
}


def _require_each_kind(model: ThreatModel) -> None:
    """Compare what each element has to answer with what is said of it."""
    told = {(name, threat.kind) for threat in model.threats for name in threat.elements}
    excepted = {(name, kind) for names, kinds, _ in model.none for name in names for kind in kinds}
    owed = dict(duties(model))
    for name, kind in sorted(excepted - set(owed)):
        raise _refused(
            name, f"a reason for {KINDS[kind]}, which is not asked of it", "reasons for kinds that apply", "remove the reason"
        )
    for (name, kind), title in owed.items():
        if (name, kind) not in told and (name, kind) not in excepted:
            repair = "write the threat with its answer, or the reason under none"
            raise _refused(name, f"nothing on {KINDS[kind]}", f"a threat or a reason for {title!r}", repair)
        if (name, kind) in told and (name, kind) in excepted:
            raise _refused(name, f"a threat and a reason why there is none: {KINDS[kind]}", "one of the two", "remove one")


def duties(model: ThreatModel) -> Iterator[tuple[tuple[str, str], str]]:
    """Yield ((element or flow, kind), title) for everything that the model has to say a word on."""
    for element in model.elements:
        yield from (((element.id, kind), element.title) for kind in APPLIES[element.kind])
    for flow in model.flows:
        yield from (((flow.id, kind), flow.carries) for kind in (APPLIES["flow"] if flow.crosses else ""))


def _at(item: str) -> str:
    return f"{THREATS} {item}"


def _refused(item: str, found: str, expected: str, repair: str) -> FileError:
    return FileError("FILE-CONTENT", _at(item), found, expected, repair)
