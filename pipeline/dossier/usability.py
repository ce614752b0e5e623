"""The usability engineering file as values: users, places, interface, use scenarios and planned evaluations, held to the risk file.

What a use error leads to is read from the risk file and never repeated. A hazardous situation that stands in no scenario and has no reason, and a foreseeable
misuse that no scenario meets, stop the build: so the list of hazard-related use scenarios cannot fall behind the risk file.

Source: IEC 62366-1:2015+A1:2020 5.1 to 5.9; FDA, Applying Human Factors and Usability Engineering to Medical Devices (2016).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.file_error import FileError
from pipeline.handwritten import HS, SRS, require_known, sound, value_of
from requirements_spec.datafile import Table, Tables, Text, Texts

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from requirements_spec.model import Specification
    from risk.model import Policy, RiskFile

USABILITY = "docs/usability.toml"
CRITICAL_FROM = 4
"""The least severity before controls of a situation that makes a scenario critical: lasting impairment, or disclosure of the data of many (risk policy)."""

_USER = {"id": Text(pattern=r"U-\d"), **{name: Text() for name in ("title", "role", "does", "knows", "learns", "limits")}}
_SCENARIO = {
    "id": Text(pattern=r"USE-\d{2}"),
    "title": Text(),
    "user": Text(pattern=r"U-\d"),
    "elements": Texts(each=Text(pattern=r"UI-\d")),
    "steps": Texts(),
    "error": Text(),
    "kind": Text(choices=frozenset({"perception", "cognition", "action"})),
    "situations": Texts(each=HS),
    "misuse": Texts(least=0),
    "task": Text(),
    "criterion": Text(),
}
_EVALUATION = {
    "id": Text(pattern=r"[FS]E-\d"),
    "kind": Text(choices=frozenset({"formative", "summative"})),
    **{name: Text() for name in ("title", "objective", "participants", "method", "measures", "accepted")},
}
_ELEMENT = {
    "id": Text(pattern=r"UI-\d"),
    **{name: Text() for name in ("title", "shows", "matters")},
    "requirements": Texts(each=SRS),
}
_TABLE = Table(
    {
        "schema": Text(choices=frozenset({"thoratrace/usability/1"})),
        "user": Tables(Table(_USER)),
        "environment": Tables(Table({"title": Text(), "text": Text()})),
        "element": Tables(Table(_ELEMENT)),
        "scenario": Tables(Table(_SCENARIO)),
        "technical": Tables(Table({"situations": Texts(each=HS), "reason": Text()})),
        "evaluation": Tables(Table(_EVALUATION)),
    }
)


@dataclass(frozen=True, slots=True)
class User:
    """A group of users (IEC 62366-1 5.1); ``role`` is the one that user needs name."""

    id: str
    title: str
    role: str
    does: str
    knows: str
    learns: str
    limits: str


@dataclass(frozen=True, slots=True)
class Element:
    """A part of the user interface, with the characteristics that matter for safety (5.2) and the requirements that specify it (5.6)."""

    id: str
    title: str
    shows: str
    matters: str
    requirements: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A use scenario with the use error in it, its kind by the user's task that fails, and the situations that it leads to (5.4)."""

    id: str
    title: str
    user: str
    elements: tuple[str, ...]
    steps: tuple[str, ...]
    error: str
    kind: str
    situations: tuple[str, ...]
    misuse: tuple[str, ...]
    task: str
    criterion: str


@dataclass(frozen=True, slots=True)
class PlannedEvaluation:
    """A formative or summative evaluation that is planned (5.7.2, 5.7.3)."""

    id: str
    kind: str
    title: str
    objective: str
    participants: str
    method: str
    measures: str
    accepted: str


@dataclass(frozen=True, slots=True)
class UsabilityFile:
    """All of it; ``technical`` names the situations that no action of a user leads to, with the reason."""

    users: tuple[User, ...]
    environments: tuple[tuple[str, str], ...]
    elements: tuple[Element, ...]
    scenarios: tuple[Scenario, ...]
    technical: tuple[tuple[tuple[str, ...], str], ...]
    evaluations: tuple[PlannedEvaluation, ...]


def load_usability(root: Path, specification: Specification, risk: RiskFile, policy: Policy) -> UsabilityFile:
    """Return the file.

    Raises:
        FileError: FILE-DATA, the table does not hold what it must; FILE-CONTENT, it names what does not exist, or leaves out a hazardous situation, a
            foreseeable misuse or a user group.
    """
    document = sound(root, USABILITY, _TABLE, ("user", "element", "scenario", "evaluation"))
    usability = UsabilityFile(
        tuple(value_of(User, row.data) for row in document.rows("user")),
        tuple((row.data["title"], row.data["text"]) for row in document.rows("environment")),
        tuple(value_of(Element, row.data) for row in document.rows("element")),
        tuple(value_of(Scenario, row.data) for row in document.rows("scenario")),
        tuple((tuple(row.data["situations"]), row.data["reason"]) for row in document.rows("technical")),
        tuple(value_of(PlannedEvaluation, row.data) for row in document.rows("evaluation")),
    )
    _require_names(usability, specification)
    _require_each_situation(usability, [situation.id for situation in risk.situations])
    _require_each_misuse(usability, policy.foreseeable_misuse)
    _require_both_kinds(usability)
    return usability


def critical(scenario: Scenario, risk: RiskFile) -> bool:
    """Say whether a scenario has to be part of the summative evaluation: one of its situations is of severity 4 or 5 before controls (5.5)."""
    severities = {situation.id: situation.severity for situation in risk.situations}
    return max(severities[name] for name in scenario.situations) >= CRITICAL_FROM  # type: ignore[index]


def _require_names(usability: UsabilityFile, specification: Specification) -> None:
    users = {user.id for user in usability.users}
    elements = {element.id for element in usability.elements}
    for scenario in usability.scenarios:
        require_known(_at(scenario.id), [scenario.user], users, "user")
        require_known(_at(scenario.id), scenario.elements, elements, "element")
    for element in usability.elements:
        require_known(_at(element.id), element.requirements, [str(row.id) for row in specification.requirements], "requirement")
    roles = {need.role for need in specification.needs}
    for user in usability.users:
        require_known(_at(user.id), [user.role], roles, "role of a user need")


def _require_each_situation(usability: UsabilityFile, known: Iterable[str]) -> None:
    """Hold scenarios and exceptions together to the risk file: every situation on exactly one side."""
    used = {name: scenario.id for scenario in usability.scenarios for name in scenario.situations}
    excepted = {name for names, _ in usability.technical for name in names}
    require_known(_at("scenario and technical"), {*used, *excepted}, known, "hazardous situation")
    for name in known:
        if name not in used and name not in excepted:
            raise _refused(
                name,
                "no use scenario and no reason why there is none",
                "each hazardous situation",
                "add it to a scenario or to technical",
            )
        if name in used and name in excepted:
            raise _refused(name, f"both in {used[name]} and under technical", "one of the two", "remove it from one")


def _require_each_misuse(usability: UsabilityFile, foreseen: Iterable[str]) -> None:
    met = {text for scenario in usability.scenarios for text in scenario.misuse}
    for text in foreseen:
        if text not in met:
            raise _refused(
                "misuse",
                f"no scenario for {text!r}",
                "each foreseeable misuse of the risk policy",
                "name it in a scenario, word for word",
            )
    require_known(_at("misuse"), met, foreseen, "foreseeable misuse")


def _require_both_kinds(usability: UsabilityFile) -> None:
    planned = {evaluation.kind for evaluation in usability.evaluations}
    for kind in ("formative", "summative"):
        if kind not in planned:
            raise _refused(
                "evaluation", f"no {kind} evaluation", "plans of both kinds (IEC 62366-1 5.7.2, 5.7.3)", "write the plan"
            )


def _at(item: str) -> str:
    return f"{USABILITY} {item}"


def _refused(item: str, found: str, expected: str, repair: str) -> FileError:
    return FileError("FILE-CONTENT", _at(item), found, expected, repair)
