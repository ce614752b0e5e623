"""Sensitivity at the seven fixed rates of false marks and their mean, the CPM: per finding, as macro mean, and for the marks of all findings in one list.

Per finding a rate counts false marks of that finding per film in which it was looked for. Under ``all_findings`` it counts the false marks of every finding on a
film together, which is what a reader meets and what published curves over several findings mean; it is the stricter of the two.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from validation.metrics import froc
from validation.metrics.intervals import in_blocks
from validation.metrics.pooling import pool
from validation.stages.figures import Estimate, estimated, macro_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from validation.metrics.intervals import Replicates
    from validation.metrics.matching import FindingMatches

CPM = "cpm"


def figures(matches: Mapping[str, FindingMatches], replicates: Replicates, iou: float, level: float) -> dict[str, Any]:
    """Return finding, ``macro`` and ``all_findings`` -> the seven sensitivities and the CPM, as plain values for JSON.

    Args:
        matches: the matching of each finding, at least one.
        replicates: of all scored test films.
        iou: overlap from which a mark hits.
        level: coverage of the intervals.
    """
    found = {finding: _estimates(matched, replicates, iou, level) for finding, matched in matches.items()}
    keys = [*map(_key, froc.CPM_RATES), CPM]
    macro = {key: macro_of({finding: values[key] for finding, values in found.items()}, level) for key in keys}
    pooled = _estimates(pool(matches), replicates, iou, level)
    return {name: _to_json(values, iou) for name, values in (found | {"macro": macro, "all_findings": pooled}).items()}


def _key(rate: float) -> str:
    return f"{rate:g}"


def _estimates(matches: FindingMatches, replicates: Replicates, iou: float, level: float) -> dict[str, Estimate]:
    values = in_blocks(partial(froc.replicated_sensitivity, matches, froc.CPM_RATES, iou), replicates.of(matches.films))
    points = {_key(rate): froc.sensitivity_at(matches, rate, iou) for rate in froc.CPM_RATES} | {CPM: froc.cpm(matches, iou)}
    columns = [*values.T, values.mean(axis=1)]
    return {
        key: estimated(point, column, matches, replicates, level)
        for (key, point), column in zip(points.items(), columns, strict=True)
    }


def _to_json(estimates: Mapping[str, Estimate], iou: float) -> dict[str, Any]:
    at_rates = {key: found.metric.to_json() for key, found in estimates.items() if key != CPM}
    return {"iou": iou, "sensitivity_at_false_positives_per_film": at_rates, CPM: estimates[CPM].metric.to_json()}
