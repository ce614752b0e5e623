"""The kinds of items as the exchange sees them, derived from the model itself, so that a field added to the model is exchanged without another table.

A field of the model becomes an attribute by its type: text, choice, whole number, flag, list of texts. A field whose type is the id of another item
becomes a link. A nested value is flattened (``arising.risk``), nested items become items of their own that link to their parent, and what has other
structure becomes canonical JSON. ``where`` says where an item stands and is no content.
"""

from __future__ import annotations

import json
import sys
import types
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any, NewType, Union, get_args, get_origin, get_type_hints

from requirements_spec import model as specification_model
from requirements_spec.fingerprint import NO_CONTENT, content
from requirements_spec.model import Interface, Requirement, SoftwareItem, SoftwareSystem, Soup, Specification, UserNeed
from risk.model import Control, Hazard, Policy, RiskFile, Situation
from verification.trace.assembly import ITEM_PREFIXES
from verification.trace.exchange.document import (
    Attribute,
    Document,
    Item,
    ItemKind,
    ItemLink,
    LinkField,
    Value,
    ValueType,
    compose,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from verification.trace.features import Scenario

NAMED = {
    UserNeed: ("user_need", "User need"),
    Requirement: ("software_requirement", "Software requirement"),
    SoftwareSystem: ("software_system", "Software system"),
    SoftwareItem: ("software_item", "Software item"),
    Interface: ("interface", "Interface"),
    Soup: ("soup", "SOUP item"),
    Policy: ("risk_policy", "Risk policy"),
    Hazard: ("hazard", "Hazard"),
    Situation: ("hazardous_situation", "Hazardous situation"),
    Control: ("risk_control", "Risk control"),
}
"""Kind and title of each class of the model, in the order of the document."""

SCENARIO = "scenario"
PARENT = {Situation: ("arises_from", Hazard)}
"""Nested items and the link to the item that holds them."""

LINK_NAMES = {
    (Requirement, "needs"): "serves",
    (Requirement, "item"): "allocated_to",
    (Requirement, "controls"): "contributes_to",
    (Interface, "source"): "passes_from",
    (Interface, "target"): "passes_to",
    (Soup, "used_by"): "used_by",
    (Control, "situations"): "reduces",
    (Control, "requirements"): "implemented_by",
    (Control, "arising.situations"): "brings",
}
"""The word for a link; a field that is not named here keeps its own name."""

_TARGETS: Mapping[str, type] = {
    "NeedId": UserNeed,
    "RequirementId": Requirement,
    "ControlId": Control,
    "ItemId": SoftwareItem,
    "SoupId": Soup,
    "HazardId": Hazard,
    "SituationId": Situation,
}


@dataclass(frozen=True, slots=True)
class _Field:
    """One field of a class, flattened: the way to it, its type, whether it may be None."""

    path: str
    hint: Any
    optional: bool


@cache
def kinds() -> tuple[ItemKind, ...]:
    """Return every kind, in the order of the document."""
    described = (ItemKind(name, title, _attributes(cls), _links(cls)) for cls, (name, title) in NAMED.items())
    return (*described, _SCENARIO_KIND)


_SCENARIO_KIND = ItemKind(
    SCENARIO,
    "Scenario",
    (
        Attribute("feature", ValueType.TEXT),
        Attribute("feature_title", ValueType.TEXT),
        Attribute("name", ValueType.TEXT),
        Attribute("tags", ValueType.TEXTS),
        Attribute("outline", ValueType.FLAG),
        Attribute("steps", ValueType.TEXTS),
        Attribute("rows", ValueType.TEXTS),
    ),
    (LinkField("verifies", "tags", (NAMED[Requirement][0], NAMED[Control][0])),),
)


def document(specification: Specification, risk: RiskFile, scenarios: Iterable[Scenario] = ()) -> Document:
    """Return everything that is exchanged: all items of the specification, the risk file and the feature files, with their links."""
    items: list[Item] = []
    links: list[ItemLink] = []
    for name, value, parent in _objects(specification, risk):
        items.append(_item(name, value))
        links += _links_of(name, value)
        if parent:
            links.append(ItemLink(PARENT[type(value)][0], name, parent))
    for scenario in scenarios:
        items.append(_scenario(scenario))
        links += [ItemLink("verifies", scenario.id, tag) for tag in scenario.tags if tag.startswith(ITEM_PREFIXES)]
    return compose(kinds(), items, links)


def _objects(specification: Specification, risk: RiskFile) -> Iterator[tuple[str, Any, str]]:
    """Yield id, value and parent's id of every item."""
    plain: tuple[Any, ...] = (
        *specification.needs,
        *specification.requirements,
        *specification.items,
        *specification.soup,
        *risk.controls,
    )
    yield from ((str(each.id), each, "") for each in plain)
    if specification.system is not None:
        yield specification.system.id, specification.system, ""
    yield from ((f"IF-{number:03d}", each, "") for number, each in enumerate(specification.interfaces, start=1))
    if risk.policy is not None:
        yield risk.policy.id, risk.policy, ""
    for hazard in risk.hazards:
        yield str(hazard.id), hazard, ""
        yield from ((str(each.id), each, str(hazard.id)) for each in hazard.situations)


def _item(name: str, value: Any) -> Item:
    cls: type = type(value)
    values = {each.path: _value(_at(value, each.path), _type_of(each)) for each in _fields(cls) if not _is_link(each)}
    return Item(name, NAMED[cls][0], values)


def _links_of(name: str, value: Any) -> Iterator[ItemLink]:
    cls: type = type(value)
    for each in _fields(cls):
        if _is_link(each):
            held = _at(value, each.path)
            targets = held if isinstance(held, tuple) else () if held is None else (held,)
            yield from (ItemLink(_link_name(cls, each.path), name, str(target)) for target in targets)


def _value(held: Any, kind: ValueType) -> Value:
    match kind:
        case ValueType.DATA:
            return None if held is None else json.dumps(content(held), sort_keys=True, ensure_ascii=False)
        case ValueType.TEXTS:
            return tuple(str(each) for each in held)
        case ValueType.CHOICE:
            return None if held is None else str(held)
        case _:
            return held  # type: ignore[no-any-return]


def _scenario(scenario: Scenario) -> Item:
    values: dict[str, Value] = {
        "feature": scenario.feature,
        "feature_title": scenario.title,
        "name": scenario.name,
        "tags": tuple(tag for tag in scenario.tags if not tag.startswith(ITEM_PREFIXES)),
        "outline": scenario.is_outline,
        "steps": tuple(f"{step.kind}: {step.text}" for step in scenario.steps),
        "rows": tuple(row.text for row in scenario.rows),
    }
    return Item(scenario.id, SCENARIO, values)


def _attributes(cls: type) -> tuple[Attribute, ...]:
    return tuple(
        Attribute(each.path, _type_of(each), each.optional, _choices(each)) for each in _fields(cls) if not _is_link(each)
    )


def _links(cls: type) -> tuple[LinkField, ...]:
    own = [LinkField(_link_name(cls, each.path), each.path, (_target(each),)) for each in _fields(cls) if _is_link(each)]
    if cls in PARENT:
        name, parent = PARENT[cls]
        own.append(LinkField(name, "", (NAMED[parent][0],)))
    return tuple(own)


def _link_name(cls: type, path: str) -> str:
    return LINK_NAMES.get((cls, path), path.replace(".", "_"))


@cache
def _fields(cls: type) -> tuple[_Field, ...]:
    return tuple(_flattened(cls, ""))


def _flattened(cls: type, prefix: str) -> Iterator[_Field]:
    """Yield the content fields of a class; a nested value is entered, nested items are left to themselves, the id is none of them."""
    hints = get_type_hints(cls, localns={**vars(specification_model), **vars(sys.modules[cls.__module__])})
    for field in fields(cls):
        if field.name in NO_CONTENT or (field.name == "id" and not prefix):
            continue
        hint, optional = _without_none(hints[field.name])
        if is_dataclass(hint) and isinstance(hint, type) and not optional:
            yield from _flattened(hint, f"{prefix}{field.name}.")
        elif not _holds_items(hint):
            yield _Field(f"{prefix}{field.name}", hint, optional)


def _without_none(hint: Any) -> tuple[Any, bool]:
    if get_origin(hint) in (Union, types.UnionType):
        parts = [part for part in get_args(hint) if part is not type(None)]
        if len(parts) == 1:
            return parts[0], True
    return hint, False


def _holds_items(hint: Any) -> bool:
    return get_origin(hint) is tuple and get_args(hint)[0] in PARENT


def _type_of(each: _Field) -> ValueType:
    hint = each.hint
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return ValueType.CHOICE
    if get_origin(hint) is tuple and get_args(hint) == (str, ...) and not each.optional:
        return ValueType.TEXTS
    return {str: ValueType.TEXT, int: ValueType.WHOLE, bool: ValueType.FLAG}.get(hint, ValueType.DATA)


def _choices(each: _Field) -> tuple[str, ...]:
    return tuple(str(member) for member in each.hint) if _type_of(each) is ValueType.CHOICE else ()


def _is_link(each: _Field) -> bool:
    return _id_type(each.hint) in _TARGETS


def _target(each: _Field) -> str:
    return NAMED[_TARGETS[_id_type(each.hint)]][0]


def _id_type(hint: Any) -> str:
    """Return the name of the id type that a hint is, or is a list of; empty where it is none."""
    inner = get_args(hint)[0] if get_origin(hint) is tuple and len(get_args(hint)) == 2 else hint
    return str(inner.__name__) if isinstance(inner, NewType) else ""


def _at(value: Any, path: str) -> Any:
    for name in path.split("."):
        value = getattr(value, name)
    return value
