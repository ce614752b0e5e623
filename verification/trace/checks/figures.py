"""The figures against the build, the protocol and the cohort they claim: nothing is believed that can be counted again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from verification.trace.assembly import VALIDATION
from verification.trace.codes import problem
from verification.trace.validated_build import COHORT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from requirements_spec.problem import Problem
    from verification.trace.case import Case

COPIED = ("metric", "direction", "threshold", "bound", "primary", "requirement")
"""What the record of an endpoint has to repeat from the protocol."""

STATED = {
    "device_version": ("validation", "predictions"),
    "model_version": ("validation", "predictions", "bundle"),
    "bundle_sha256": ("validation", "predictions"),
}
"""Which outputs have to name which part of the build, by the folder of the output."""


def figures_name_this_build(case: Case) -> Iterator[Problem]:
    """Yield each file of figures, predictions or model that names another device version, model version or bundle than those that lie here."""
    build = case.inputs.build
    for each in build.stated:
        for name, folders in STATED.items():
            here, stated = getattr(build.here, name), getattr(each, name)
            if each.where.split("/")[1] in folders and (stated is None or stated != here):
                found = f"{name} {_short(stated)}, here it is {_short(here)}"
                yield problem("TRC-FIGURES-BUILD", each.where, name, found=found)


def _short(value: str | None) -> str:
    return "not stated" if value is None else value[:16]


def endpoints_are_the_protocols(case: Case) -> Iterator[Problem]:
    """Yield endpoints that the protocol sets for this run and that the record leaves out, changes or adds."""
    if case.inputs.endpoints is None:
        return
    recorded = {str(each["id"]): each for each in case.inputs.endpoints}
    for name, owed in case.inputs.build.owed.items():
        where = case.inputs.build.places[name]
        changed = _changed(owed, recorded[name]) if name in recorded else "the record does not hold it"
        if changed:
            yield problem("TRC-ENDPOINT-PROTOCOL", where, f"VE:{name}", found=changed)
    for name in sorted(recorded.keys() - case.inputs.build.owed.keys()):
        yield problem(
            "TRC-ENDPOINT-PROTOCOL", VALIDATION, f"VE:{name}", found="an endpoint that the protocol does not set for this run"
        )


def _changed(owed: Mapping[str, Any], recorded: Mapping[str, Any]) -> str:
    named = [
        f"{key} {recorded.get(key)!r}, the protocol says {owed.get(key)!r}"
        for key in COPIED
        if recorded.get(key) != owed.get(key)
    ]
    return "; ".join(named)


def endpoints_are_counted_again(case: Case) -> Iterator[Problem]:
    """Yield endpoints whose verdict does not follow from their own figure, threshold and direction."""
    for each in case.inputs.endpoints or ():
        counted = holds(each)
        if each.get("passed") is not counted:
            found = f"passed: {each.get('passed')!r}, counted again: {counted}"
            yield problem("TRC-ENDPOINT-RECOUNT", VALIDATION, f"VE:{each['id']}", found=found)


def holds(endpoint: Mapping[str, Any]) -> bool:
    """Say whether an endpoint's figure meets its threshold; one without a figure, or of an unknown direction, never does.

    >>> holds({"value": 0.7, "threshold": 0.65, "direction": "at-least", "bound": "point"})
    True
    >>> holds({"value": 0.7, "interval": {"low": 0.6}, "threshold": 0.65, "direction": "above", "bound": "lower"})
    False
    """
    interval = endpoint.get("interval")
    ends = interval if isinstance(interval, dict) else {}
    value = {"point": endpoint.get("value"), "lower": ends.get("low"), "upper": ends.get("high")}.get(str(endpoint.get("bound")))
    threshold, direction = endpoint.get("threshold"), endpoint.get("direction")
    if not isinstance(value, int | float) or not isinstance(threshold, int | float):
        return False
    return {"at-least": value >= threshold, "above": value > threshold, "at-most": value <= threshold}.get(str(direction), False)


def patients_are_in_one_split(case: Case) -> Iterator[Problem]:
    """Yield patients, and films of equal content, that lie in more than one of train, validation and test."""
    build = case.inputs.build
    for name, table in (("patient", build.splits), ("film", build.contents)):
        for each, splits in sorted(table.items()):
            if len(splits) > 1:
                yield problem("TRC-COHORT-LEAK", COHORT, f"{name} {each[:16]}", found=f"in {' and '.join(splits)}")
