"""The stand-alone performance of the finished device on the test films: one record with every figure, its n, its interval and what was left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from validation.cohort import exclusions, leaks
from validation.criterion import judge_all
from validation.metrics.intervals import Replicates, draw
from validation.sample_size import rationale
from validation.stages import figures, free_response, operating_point, subgroups
from validation.stages.selection import Selection, refusal_counts, select

if TYPE_CHECKING:
    from validation.cohort import Cohort
    from validation.criterion import CriterionResult
    from validation.predictions import Predictions
    from validation.protocol import EndpointSet, Protocol

SCHEMA = "thoratrace/validation/1"
ABOVE_TRIVIAL = ("ap30", "ap50")
_DIGITS = 10


@dataclass(frozen=True, slots=True)
class Analysis:
    """How a run is judged: the protocol, which fixes the analysis, and the endpoints fixed for this budget."""

    protocol: Protocol
    endpoints: EndpointSet
    budget: str


def run(cohort: Cohort, predictions: Predictions, analysis: Analysis) -> tuple[dict[str, Any], Selection]:
    """Evaluate predictions against a cohort.

    Args:
        cohort: films with truth.
        predictions: the device's outcomes on the cohort's test films.
        analysis: protocol, endpoints and analysis.

    Returns:
        The validation record as plain values without times, and the selection behind it for plots.

    Raises:
        ValidationError: the predictions are not of this cohort, or an endpoint names no figure.
    """
    protocol, endpoints = analysis.protocol, analysis.endpoints
    selection = select(cohort, predictions)
    drawn = draw({film.film_id: film.patient_id for film in selection.scored}, protocol.replicates, protocol.seed)
    ours = figures.table(selection.matches, drawn, protocol.level)
    theirs = figures.table(selection.trivial, drawn, protocol.level)
    with_refusals = figures.table(selection.matches_with_refusals, drawn, protocol.level, ("ap50",))
    above = figures.minus(ours, theirs, ABOVE_TRIVIAL, protocol.level)
    points = operating_point.metrics(selection, predictions.thresholds, drawn, protocol.iou, protocol.level)
    results = judge_all(endpoints, {key: value.metric for key, value in (ours | above).items()} | operating_point.named(points))
    record = {
        "schema": SCHEMA,
        "profile": cohort.profile,
        "budget": analysis.budget,
        "device": dict(predictions.identity),
        **_what_it_is(analysis),
        **_verdict(results),
        "locked_cohort": _locked_plan(protocol),
        **_films(cohort, selection, drawn),
        "figures": figures.to_json(ours),
        "figures_trivial": figures.to_json(theirs),
        "figures_above_trivial": figures.to_json(above),
        "figures_refusals_missed": figures.to_json(with_refusals),
        "trivial_detector": {
            name: {"box": list(box.box), "prevalence": box.prevalence, "boxes": box.boxes}
            for name, box in selection.model.items()
        },
        "froc": free_response.figures(selection.matches, drawn, protocol.iou, protocol.level),
        "operating_point": operating_point.to_json(points, predictions.thresholds, protocol.iou),
        "confusion": operating_point.confusion(selection, predictions.thresholds, _rows(predictions), protocol.iou),
        "severity": subgroups.by_severity(selection, drawn, protocol),
        "subgroups": subgroups.by_stratum(selection, predictions.thresholds, drawn, protocol),
    }
    return rounded(record), selection


def _what_it_is(analysis: Analysis) -> dict[str, Any]:
    protocol, endpoints = analysis.protocol, analysis.endpoints
    return {
        "films_are": endpoints.films,
        "statement": endpoints.statement,
        "protocol": {"version": protocol.version, "sha256": protocol.sha256},
        "analysis": {
            "iou": protocol.iou,
            "level": protocol.level,
            "interval": "patient-level percentile bootstrap; bound of a proportion over patients where every replicate is 0 or 1",
            "replicates": protocol.replicates,
            "seed": protocol.seed,
            "macro": "unweighted mean over the findings, undefined if one is",
            "primary": "every primary endpoint has to be met, each at the whole level (intersection-union test)",
            "unit_of_n": "denominator = truth boxes for AP, AR, CPM and sensitivity; films for film_sensitivity, film_specificity and false positives; "
            "film-finding pairs looked for and absent for specificity, which are films for one finding",
        },
    }


def _locked_plan(protocol: Protocol) -> dict[str, Any]:
    """Return what the protocol plans for the films that nobody has seen, with the reasons for their number."""
    plan = protocol.locked
    return {"profile": plan.profile, "budget": plan.budget, "matrix": plan.matrix, **rationale(protocol).to_json()}


def _verdict(results: list[CriterionResult]) -> dict[str, Any]:
    primary = [result for result in results if result.endpoint.primary]
    return {"endpoints": [result.to_json() for result in results], "primary_passed": bool(primary) and all(primary)}


def _films(cohort: Cohort, selection: Selection, drawn: Replicates) -> dict[str, Any]:
    looked = {name: selection.matches[name] for name in selection.findings}
    return {
        "findings": list(selection.findings),
        "films": {
            "test": len(selection.test),
            "scored": len(drawn.films),
            "scored_patients": drawn.patients,
            "analysed": len(selection.analysed),
            "per_finding": {
                name: {
                    "films": len(found.films),
                    "positive_films": int((found.truths > 0).sum()),
                    "negative_films": int((found.truths == 0).sum()),
                    "truth_boxes": found.truth_count,
                    "detections": len(found.scores),
                    "hits": {f"{iou:.2f}": int(found.hits_at(iou).sum()) for iou in found.ious},
                }
                for name, found in looked.items()
            },
        },
        "refused": refusal_counts(selection),
        "exclusions": exclusions(selection.test, selection.findings),
        "leakage": list(leaks(cohort)),
        "cohort_notes": list(cohort.notes),
    }


def _rows(predictions: Predictions) -> dict[str, dict[str, list[tuple[float, float, float, float, float]]]]:
    return {name: film.rows() for name, film in predictions.films.items()}


def rounded(value: Any) -> Any:
    """Return plain values with every float rounded to ten digits after the point: the last bits of a mean are no evidence.

    >>> rounded({"a": [0.1 + 0.2, 3, None]})
    {'a': [0.3, 3, None]}
    """
    if isinstance(value, dict):
        return {name: rounded(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(part) for part in value]
    return round(value, _DIGITS) if isinstance(value, float) else value
