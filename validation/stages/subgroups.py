"""The same figures in parts of the cohort: by patient and acquisition strata, and by severity of the finding.

A part with too few patients is listed as not evaluated, with its n, so that nobody reads noise as a difference. The protocol names one figure by which each part
is compared with the rest of its stratum, corrected for the number of comparisons (`subgroup_differences`); the other figures are descriptive and decide nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from validation.metrics import froc, rates
from validation.stages import figures
from validation.stages.subgroup_differences import differences

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from validation.cohort import Film
    from validation.metrics.intervals import Replicates
    from validation.metrics.matching import FindingMatches
    from validation.protocol import Protocol
    from validation.stages.selection import Selection

FIGURES = ("ap30", "ap50")
"""Given for every subgroup besides the sensitivity at the operating point."""


def by_stratum(
    selection: Selection, thresholds: Mapping[str, float], replicates: Replicates, protocol: Protocol
) -> dict[str, Any]:
    """Return, per stratum and value, n, the figures of the films with that value and its difference from the rest, or why they were not evaluated.

    Args:
        selection: the films and their matching.
        thresholds: operating point per finding.
        replicates: of all scored test films; a subgroup's interval conditions on nothing else.
        protocol: strata, minimum n and the overlap of a hit.
    """
    found: dict[str, Any] = {}
    compared = differences(selection, thresholds, replicates, protocol)
    for stratum in protocol.subgroups.strata:
        parts: dict[str, list[Film]] = {}
        for film in selection.analysed:
            parts.setdefault(str(film.strata[stratum]), []).append(film)
        found[stratum] = {
            value: _part(selection.matches, parts[value], thresholds, replicates, protocol) | compared.of(stratum, value)
            for value in sorted(parts)
        }
    plan = protocol.subgroups
    return {
        "minimum_n": plan.minimum_n,
        "figure": f"{plan.figure} at the operating point, pooled over the findings, minus that of the rest of the stratum",
        "multiplicity": plan.multiplicity,
        "gap": plan.gap,
        "comparisons": compared.tests,
        "limitations": compared.limitations,
        "strata": found,
    }


def _part(
    matches: Mapping[str, FindingMatches],
    films: Sequence[Film],
    thresholds: Mapping[str, float],
    replicates: Replicates,
    protocol: Protocol,
) -> dict[str, Any]:
    patients = len({film.patient_id for film in films})
    size = {"films": len(films), "patients": patients}
    if patients < protocol.subgroups.minimum_n:
        return size | {"not_evaluated": f"n={patients}, minimum {protocol.subgroups.minimum_n}"}
    ids = frozenset(film.film_id for film in films)
    part = {name: matched.subset(ids) for name, matched in matches.items()}
    counts = [froc.at_threshold(matched, thresholds[name], protocol.iou) for name, matched in part.items()]
    pooled = rates.sensitivity(counts).estimate(replicates, protocol.level)
    estimates = figures.table(part, replicates, protocol.level, FIGURES)
    return size | {"sensitivity": pooled.to_json(), "figures": {key: found.metric.to_json() for key, found in estimates.items()}}


def by_severity(selection: Selection, replicates: Replicates, protocol: Protocol) -> dict[str, Any]:
    """Return AP50 per finding and severity tercile, or why there is none.

    A film's severity is that of its most severe box of the finding. Cut points are the terciles of the positive analysed films; each tercile is scored with
    its own positive films and all negative ones, so that the three share their false positives.
    """
    return {finding: _terciles(finding, selection, replicates, protocol) for finding in selection.findings}


def _terciles(finding: str, selection: Selection, replicates: Replicates, protocol: Protocol) -> dict[str, Any]:
    scored = [film for film in selection.analysed if film.left_out(finding) is None]
    severity = {film.film_id: _severity(film, finding) for film in scored if film.boxes_of(finding)}
    known = {film: value for film, value in severity.items() if value is not None}
    if len(known) < len(severity) or len(known) < 3:
        return {
            "not_evaluated": f"{len(known)} of {len(severity)} positive films have a known severity, at least 3 and all are needed"
        }
    cuts = [float(cut) for cut in np.quantile(list(known.values()), [1 / 3, 2 / 3])]
    negative = {film.film_id for film in scored} - set(severity)
    parts = []
    for index in range(3):
        chosen = {film for film, value in known.items() if int(np.searchsorted(cuts, value, side="left")) == index}
        matched = selection.matches[finding].subset(frozenset(chosen | negative))
        found = figures.estimate(figures.FIGURES["ap50"], matched, replicates, protocol.level)
        mean = float(np.mean([known[film] for film in sorted(chosen)])) if chosen else None
        parts.append({"tercile": index + 1, "films": len(chosen), "mean_severity": mean, "ap50": found.metric.to_json()})
    return {"cuts": cuts, "negative_films": len(negative), "terciles": parts}


def _severity(film: Film, finding: str) -> float | None:
    values = [box.severity for box in film.boxes_of(finding)]
    return None if any(value is None for value in values) else max(value for value in values if value is not None)
