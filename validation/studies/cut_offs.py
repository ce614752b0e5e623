"""What a new version does at the old cut-off, and at its own: two versions on the same films, before the new one may take the old one's place.

Scores of two versions mean different things. A cut-off that was right for one can be wrong for the next although its ranking improved: a commercial chest-film
detector gained AUC from one version to the next and became significantly worse at the cut-off that stayed. So three devices are compared: the old one
at its cut-offs, the new one at the old ones (what happens if nobody looks), the new one at its own (what ships). Differences are new minus old, resampled
together patient by patient; a refused film is a film without marks.

Rule. A finding whose cut-off was *carried over* unchanged is unchecked unless its sensitivity moved by at most 0.02. The comparison holds if no finding is
unchecked, and if the sensitivity over all findings at what ships has not fallen by more than 0.02 with an interval below 0.

Source: Lunit INSIGHT 3.1 to 3.9 as told in ``reference``: detection, section 0 (7); goal G12.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from validation.errors import ValidationError
from validation.metrics import froc
from validation.metrics.intervals import draw, percentile_interval, replicated_ratio
from validation.metrics.matching import match
from validation.metrics.result import Metric, ratio

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from validation.cohort import Film
    from validation.metrics.froc import OperatingCounts
    from validation.metrics.intervals import Replicates
    from validation.predictions import Predictions
    from validation.protocol import Protocol

TOLERANCE = 0.02
"""Change of sensitivity at an unchanged cut-off that needs no new one."""

ALL = "all_findings"
OLD, KEPT, SHIPPED = "old at its cut-off", "new at the old cut-off", "new at its own cut-off"


@dataclass(frozen=True, slots=True, eq=False)
class _Counted:
    """Hits, true boxes and false marks of one finding (or all) per resampled film, for one device at one cut-off."""

    hits: NDArray[np.int64]
    truths: NDArray[np.int64]
    false: NDArray[np.int64]


def compare(films: Sequence[Film], old: Predictions, new: Predictions, plan: Protocol) -> dict[str, Any]:
    """Return cut-offs, figures, differences and the verdict for every finding and over all.

    Args:
        films: scored films that both versions were asked about.
        old: what the version in use says.
        new: what the version says that is to take its place.
        plan: overlap of a hit, level and resamples of the intervals.

    Raises:
        ValidationError: ``VAL-CUT-OFFS``, one of the versions was not asked about a film, or the two mark different findings.
    """
    _require_comparable(films, old, new)
    drawn = draw({film.film_id: film.patient_id for film in films}, plan.replicates, plan.seed)
    counted = {
        OLD: _counts(films, old, old.thresholds, plan.iou),
        KEPT: _counts(films, new, old.thresholds, plan.iou),
        SHIPPED: _counts(films, new, new.thresholds, plan.iou),
    }
    rows = {
        name: _row(name, counted, (old.thresholds.get(name), new.thresholds.get(name)), drawn, plan.level)
        for name in (*new.findings, ALL)
    }
    unchecked = [name for name in new.findings if rows[name]["carried_over"] and not rows[name]["old_cut_off_holds"]]
    worse = _worse(rows[ALL]["sensitivity_shipped_minus_old"])
    return {
        "films": len(films),
        "iou": plan.iou,
        "tolerance": TOLERANCE,
        "rows": rows,
        "unchecked": unchecked,
        "less_sensitive": worse,
        "passed": not unchecked and not worse,
    }


def _require_comparable(films: Sequence[Film], old: Predictions, new: Predictions) -> None:
    missing = [film.film_id for film in films if film.film_id not in old.films or film.film_id not in new.films]
    if missing or set(old.findings) != set(new.findings) or not films:
        raise ValidationError(
            "VAL-CUT-OFFS",
            where="two versions",
            found=f"{len(missing)} of {len(films)} films without an answer of both, findings {sorted(set(old.findings) ^ set(new.findings))} of one only",
            expected="both versions asked about the same films for the same findings",
            repair="ask both versions about the films again",
        )


def _counts(films: Sequence[Film], found: Predictions, thresholds: Mapping[str, float], iou: float) -> dict[str, _Counted]:
    truths = {film.film_id: film.truth(found.findings) for film in films}
    matches = match(truths, {name: found.films[name].rows() for name in truths}, found.findings, (iou,))
    place = {film.film_id: n for n, film in enumerate(films)}
    parts = {name: _laid_out(froc.at_threshold(m, thresholds[name], iou), place) for name, m in matches.items()}
    total = _Counted(*(np.sum([getattr(part, kind) for part in parts.values()], axis=0) for kind in ("hits", "truths", "false")))
    return parts | {ALL: total}


def _laid_out(counts: OperatingCounts, place: Mapping[str, int]) -> _Counted:
    columns = [place[film] for film in counts.films]
    found = []
    for values in (counts.hits, counts.truths, counts.false_positives):
        whole = np.zeros(len(place), dtype=np.int64)
        whole[columns] = values
        found.append(whole)
    return _Counted(*found)


def _row(
    name: str,
    counted: Mapping[str, Mapping[str, _Counted]],
    cut_offs: tuple[float | None, float | None],
    drawn: Replicates,
    level: float,
) -> dict[str, Any]:
    parts = {who: each[name] for who, each in counted.items()}
    kept, shipped = (_difference(parts[who], parts[OLD], drawn, level) for who in (KEPT, SHIPPED))
    return {
        "old_cut_off": cut_offs[0],
        "new_cut_off": cut_offs[1],
        "carried_over": name != ALL and cut_offs[0] == cut_offs[1],
        "old_cut_off_holds": kept.value is not None and abs(kept.value) <= TOLERANCE,
        "sensitivity": {who: _sensitivity(part).to_json() for who, part in parts.items()},
        "false_marks_per_film": {who: float(part.false.sum() / len(part.false)) for who, part in parts.items()},
        "sensitivity_kept_minus_old": kept.to_json(),
        "sensitivity_shipped_minus_old": shipped.to_json(),
    }


def _sensitivity(part: _Counted) -> Metric:
    return ratio(int(part.hits.sum()), int(part.truths.sum()), nothing="no truth boxes")


def _difference(new: _Counted, old: _Counted, drawn: Replicates, level: float) -> Metric:
    if not old.truths.sum():
        return Metric.undefined("no truth boxes", denominator=0)
    values = replicated_ratio(new.hits, new.truths, drawn.weights) - replicated_ratio(old.hits, old.truths, drawn.weights)
    point = (int(new.hits.sum()) - int(old.hits.sum())) / int(old.truths.sum())
    return Metric(point, denominator=int(old.truths.sum())).with_interval(percentile_interval(values, level))


def _worse(difference: Mapping[str, Any]) -> bool:
    """Say whether the sensitivity that ships fell by more than the tolerance, with an interval below 0; undefined counts as worse."""
    if difference["value"] is None or "interval" not in difference:
        return True
    return bool(difference["value"] < -TOLERANCE and difference["interval"]["high"] < 0)
