"""Reads protocol.toml strictly: every problem at once, each with its path; unknown and missing keys are problems, TOML itself refuses a key twice."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any, get_args

from validation.cohort import STRATA
from validation.errors import ValidationError
from validation.protocol import (
    HOLM,
    REPAIR,
    SCHEMA,
    Bound,
    Direction,
    Endpoint,
    EndpointSet,
    LockedPlan,
    PlanningValue,
    Protocol,
    SampleSizePlan,
    Spread,
    SubgroupPlan,
    identity_of,
)
from validation.strict import Problems, is_number

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Rule = tuple[Callable[[Any], bool], str]

_TEXT: Rule = (lambda value: isinstance(value, str) and bool(value.strip()), "is not a text")
_TEXTS: Rule = (
    lambda value: isinstance(value, list) and bool(value) and all(isinstance(each, str) for each in value),
    "is not a list of texts",
)
_TABLES: Rule = (
    lambda value: isinstance(value, list) and bool(value) and all(isinstance(each, dict) for each in value),
    "is not an array of tables",
)
_TABLE: Rule = (lambda value: isinstance(value, dict), "is not a table")
_NUMBER: Rule = (is_number, "is not a finite number")
_POSITIVE: Rule = (lambda value: is_number(value) and value > 0, "is not a positive number")
_SHARE: Rule = (lambda value: is_number(value) and 0 < value < 1, "is not in (0, 1)")
_COUNT: Rule = (lambda value: isinstance(value, int) and not isinstance(value, bool) and value > 0, "is not a positive integer")
_FLAG: Rule = (lambda value: isinstance(value, bool), "is not true or false")


def _one_of(*names: str) -> Rule:
    return (lambda value: value in names, f"is not one of {', '.join(names)}")


_TOP: Mapping[str, Rule] = {
    "schema": _one_of(SCHEMA),
    "version": _TEXT,
    "analysis": _TABLE,
    "subgroups": _TABLE,
    "locked": _TABLE,
    "sample_size": _TABLE,
    "set": _TABLES,
}
_ANALYSIS: Mapping[str, Rule] = {
    "iou": _SHARE,
    "level": _SHARE,
    "replicates": _COUNT,
    "seed": _COUNT,
    "undefined_primary": _one_of("not passed"),
    "refusals": _TEXT,
    "primary": _TEXT,
}
_SUBGROUPS: Mapping[str, Rule] = {
    "strata": _TEXTS,
    "minimum_n": _COUNT,
    "figure": _one_of("sensitivity"),
    "multiplicity": _one_of(HOLM),
    "gap": _SHARE,
}
_LOCKED: Mapping[str, Rule] = {"profile": _one_of("phantom"), "budget": _TEXT, "studies": _COUNT, "matrix": _COUNT}
_SIZE: Mapping[str, Rule] = {"power": _SHARE, "smallest_subgroup": _SHARE, "endpoint": _TABLES}
_PLANNED: Mapping[str, Mapping[str, Rule]] = {
    "scaled": {"pilot_half_width": _POSITIVE, "pilot_studies": _COUNT},
    "proportion": {"assumed": _SHARE, "per_study": _POSITIVE, "inflation": _POSITIVE},
    "count": {"inflation": _POSITIVE},
}
_PLANNING: Mapping[str, Rule] = {"id": _TEXT, "model": _one_of(*get_args(Spread)), "assumed": _POSITIVE}
_SET: Mapping[str, Rule] = {"profile": _TEXT, "budgets": _TEXTS, "films": _TEXT, "statement": _TEXT, "endpoint": _TABLES}
_ENDPOINT: Mapping[str, Rule] = {
    "id": _TEXT,
    "title": _TEXT,
    "metric": _TEXT,
    "direction": _one_of(*get_args(Direction)),
    "threshold": _NUMBER,
    "bound": _one_of(*get_args(Bound)),
    "requirement": _TEXT,
    "primary": _FLAG,
}


def parse(text: str) -> Protocol:
    """Return the protocol of a text.

    Raises:
        ValidationError: ``VAL-PROTOCOL``, see `validation.protocol.load`.
    """
    problems = Problems("VAL-PROTOCOL", "protocol.toml")
    try:
        value = tomllib.loads(text)
    except ValueError as error:
        problems.add("$", f"is no TOML: {error}")
        value = {}
    if not problems.found and _fits(value, "$", _TOP, problems):
        _check(value, problems)
    problems.raise_if_any(REPAIR)
    protocol = _protocol(value, identity_of(text))
    _check_plan(protocol)
    return protocol


def _fits(value: Any, path: str, rules: Mapping[str, Rule], problems: Problems) -> bool:
    """Say whether a table has exactly the keys of the rules and values that keep them, and note what does not."""
    if not problems.keys(value, path, tuple(rules)):
        return False
    bad = [(name, text) for name, (holds, text) in rules.items() if not holds(value[name])]
    for name, text in bad:
        problems.add(f"{path}.{name}", text)
    return not bad


def _check(value: Mapping[str, Any], problems: Problems) -> None:
    for name, rules in (("analysis", _ANALYSIS), ("subgroups", _SUBGROUPS), ("locked", _LOCKED), ("sample_size", _SIZE)):
        _fits(value[name], f"$.{name}", rules, problems)
    for stratum in value["subgroups"].get("strata", ()):
        problems.check(stratum in STRATA, "$.subgroups.strata", f"holds {stratum!r}, which no cohort states")
    for index, row in enumerate(_rows(value["sample_size"].get("endpoint"))):
        rules = _PLANNING | _PLANNED.get(str(row.get("model")), {})
        _fits(row, f"$.sample_size.endpoint[{index}]", rules, problems)
    for index, row in enumerate(value["set"]):
        path = f"$.set[{index}]"
        _fits(row, path, _SET, problems)
        endpoints = _rows(row.get("endpoint"))
        for number, endpoint in enumerate(endpoints):
            _fits(endpoint, f"{path}.endpoint[{number}]", _ENDPOINT, problems)
        names = [str(endpoint.get("id")) for endpoint in endpoints]
        problems.check(len(set(names)) == len(names), f"{path}.endpoint", "holds an id twice")
    runs = [(row.get("profile"), budget) for row in value["set"] for budget in row.get("budgets", ())]
    problems.check(len(set(runs)) == len(runs), "$.set", "holds two sets for one run")


def _rows(value: Any) -> list[Mapping[str, Any]]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _protocol(value: dict[str, Any], sha256: str) -> Protocol:
    analysis, subgroups, size = value["analysis"], value["subgroups"], value["sample_size"]
    return Protocol(
        version=value["version"],
        sha256=sha256,
        iou=analysis["iou"],
        level=analysis["level"],
        replicates=analysis["replicates"],
        seed=analysis["seed"],
        subgroups=SubgroupPlan(**{**subgroups, "strata": tuple(subgroups["strata"])}),
        locked=LockedPlan(**value["locked"]),
        sample_size=SampleSizePlan(
            size["power"], size["smallest_subgroup"], tuple(PlanningValue(**row) for row in size["endpoint"])
        ),
        sets=tuple(_set(entry) for entry in value["set"]),
    )


def _set(value: dict[str, Any]) -> EndpointSet:
    fields = {name: value[name] for name in ("profile", "films", "statement")}
    return EndpointSet(
        **fields, budgets=tuple(value["budgets"]), endpoints=tuple(Endpoint(**entry) for entry in value["endpoint"])
    )


def _check_plan(protocol: Protocol) -> None:
    """Refuse planning values for anything but the primary endpoints of the locked set, once each."""
    planned = sorted(value.id for value in protocol.sample_size.endpoints)
    primary = sorted(endpoint.id for endpoint in protocol.locked_set.primary)
    if planned != primary:
        raise ValidationError(
            "VAL-PROTOCOL",
            where="protocol.toml $.sample_size",
            found=f"planning values for {', '.join(planned)}",
            expected=f"one for each primary endpoint of the locked set: {', '.join(primary)}",
            repair=REPAIR,
        )
