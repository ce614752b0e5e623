"""What changed in each item, with old and new words: every field of a need, requirement, control, hazard, situation, scenario and whatever else has words.

Which items changed is said by the engine of impact (`verification.trace.impact`); here stands what they said before and say now. An item without words of its own
(a module, a page) is listed with the file it stands in, whose redline says the rest.

Source: IEC 62304 8.2.4; ISO 13485 7.3.9.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from requirements_spec import loader as specification_loader
from requirements_spec.fingerprint import content
from risk import loader as risk_loader
from validation.protocol import PROTOCOL
from verification.trace import anomalies, features, seeded
from verification.trace.item_records import ScenarioContent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from verification.trace.features import Scenario
    from verification.trace.impact import Changed

Words = Mapping[str, str]
"""What an item says: text by field."""


@dataclass(frozen=True, slots=True, order=True)
class Field:
    """One field that differs: its name, what it said, what it says; "" where there was nothing."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class ItemChange:
    """One item that differs.

    Attributes:
        id: of the item.
        kind: what it is, in the words of the graph.
        how: ``added``, ``removed``, ``changed`` or ``step changed``.
        title: its title, the newer one.
        where: ``file:line`` in the newer state, else in the older.
        fields: what differs, sorted by name; of an added or removed item every field.
        steps: of a scenario whose steps are defined otherwise, the definitions that differ.
    """

    id: str
    kind: str
    how: str
    title: str
    where: str
    fields: tuple[Field, ...]
    steps: tuple[str, ...] = ()


def changes(changed: Iterable[Changed], before: Mapping[str, Words], after: Mapping[str, Words]) -> tuple[ItemChange, ...]:
    """Return what changed with old and new words, sorted by kind and id."""
    found = (
        ItemChange(
            each.id,
            each.kind,
            each.how,
            each.title,
            each.where,
            differences(before.get(each.id, {}), after.get(each.id, {})),
            each.steps,
        )
        for each in changed
    )
    return tuple(sorted(found, key=lambda each: (each.kind, each.id)))


def differences(before: Words, after: Words) -> tuple[Field, ...]:
    """Return the fields that differ; turned round, the same fields with old and new exchanged.

    >>> differences({"title": "Old", "text": "same"}, {"title": "New", "text": "same"})
    (Field(name='title', before='Old', after='New'),)
    """
    names = sorted({*before, *after})
    found = (Field(name, before.get(name, ""), after.get(name, "")) for name in names)
    return tuple(each for each in found if each.before != each.after)


def read_items(root: Path) -> dict[str, Words]:
    """Return what every item in a folder says, by id; what cannot be read is left out, and impact names it."""
    specification, _ = specification_loader.load(root)
    risk, _ = risk_loader.load(root, specification)
    scenarios, _ = features.load(root)
    listed, _ = anomalies.read_anomalies(root)
    faults, _ = seeded.read_faults(root)
    found: list[Any] = [*specification.needs, *specification.requirements, *specification.items, *specification.soup]
    found += [*risk.situations, *risk.controls, *listed.anomalies, *faults]
    words = {str(each.id): _words(content(each)) for each in found}
    for hazard in risk.hazards:
        words[str(hazard.id)] = _words({name: value for name, value in content(hazard).items() if name != "situations"})
    if risk.policy is not None:
        words[risk.policy.id] = _words(content(risk.policy))
    if specification.system is not None:
        crossing = {f"interface {each.source} -> {each.target}": each.passes for each in specification.interfaces}
        words[specification.system.id] = _words({**content(specification.system), **crossing})
    words |= {scenario.id: _words(_said(scenario)) for scenario in scenarios}
    return words | _endpoints(root)


_STEP = {"Context": "Given", "Action": "When", "Outcome": "Then"}


def _said(scenario: Scenario) -> dict[str, Any]:
    """Return what a scenario says, its steps as they are read."""
    steps = [f"{_STEP.get(step.kind, step.kind)} {step.text}" for step in scenario.steps]
    return {**content(ScenarioContent.of(scenario)), "steps": steps}


def _endpoints(root: Path) -> dict[str, Words]:
    """Return what the protocol says of each endpoint: its rows with the heads of their sets, and what holds for all; a protocol that cannot be read is named by impact."""
    try:
        protocol = tomllib.loads((root / PROTOCOL).read_text(encoding="utf-8"))
        sets = protocol.pop("set", [])
        for_all = _words({"protocol": protocol})
        found: dict[str, dict[str, str]] = {}
        for number, one in enumerate(sets, start=1):
            head = {name: value for name, value in one.items() if name != "endpoint"}
            for row in one["endpoint"]:
                said = _words({f"set {one.get('profile', '')} {number}": {**head, **row}})
                found.setdefault(f"VE:{row['id']}", dict(for_all)).update(said)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
    return dict(found)


def _words(value: Mapping[str, Any]) -> Words:
    return {name: text for name, text in _flat(value) if text}


def _flat(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield each field as text; a list of plain values is one text with a line for each, so that a redline shows which were added."""
    for name, each in value.items():
        path = f"{prefix}{name}"
        if isinstance(each, Mapping):
            yield from _flat(each, f"{path}.")
        else:
            yield path, _text(each)


def _text(value: object) -> str:
    r"""Return a value as text.

    >>> _text(["a", ["Given", "a film"], {"b": 1}])
    'a\nGiven a film\nb: 1'
    """
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {_text(each)}" for name, each in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "\n".join(_row(each) for each in value)
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _row(value: object) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return " ".join(_text(each) for each in value)
    return _text(value)
