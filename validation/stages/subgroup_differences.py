"""Each subgroup against the rest of its stratum, by the protocol's figure and with its correction for many comparisons.

The figure is the sensitivity at the operating point, pooled over the findings. The difference has a patient-level bootstrap interval; its p value comes from dealing
out anew which patients are of the part, and Holm's rule corrects it over all comparisons that were made. A part and the rest of its stratum both need the
minimum number of patients. Of a stratum with two parts the difference is one comparison, seen from two sides.

Source: Efron & Tibshirani, "An Introduction to the Bootstrap", 1993, 13 (interval), 15 (permutation tests); Holm 1979.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from validation.metrics import froc
from validation.metrics.intervals import percentile_interval, replicated_ratio
from validation.metrics.permutation import share_difference_p
from validation.metrics.result import Metric
from validation.multiplicity import holm

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from validation.cohort import Film
    from validation.metrics.intervals import Replicates
    from validation.protocol import Protocol
    from validation.stages.selection import Selection

    Part = tuple[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class _Pooled:
    """Hits and truth boxes of all findings per film of the resampling, at the operating point."""

    hits: NDArray[np.int64]
    truths: NDArray[np.int64]
    place: Mapping[str, int]
    replicates: Replicates

    def sensitivities(self, films: Sequence[Film]) -> tuple[float | None, NDArray[np.float64]]:
        """Return the sensitivity of some films and its replicated values; None without a truth box."""
        columns = [self.place[film.film_id] for film in films]
        hits, truths = self.hits[columns], self.truths[columns]
        values = replicated_ratio(hits, truths, self.replicates.weights[:, columns])
        return (int(hits.sum()) / int(truths.sum()) if truths.sum() else None), values

    def p_value(self, inside: Sequence[Film], outside: Sequence[Film], seed: int) -> float | None:
        """Return how rarely dealing out the part anew among patients gives such a difference; a patient with films on both sides counts on each."""
        columns = np.array([self.place[film.film_id] for film in (*inside, *outside)])
        side = np.repeat([1, 0], [len(inside), len(outside)])
        units, unit = np.unique(self.replicates.patient[columns] * 2 + side, return_inverse=True)
        hits, truths = (np.bincount(unit, each[columns]).astype(np.int64) for each in (self.hits, self.truths))
        return share_difference_p(hits, truths, units % 2 == 1, seed=seed)


@dataclass(frozen=True, slots=True, eq=False)
class Differences:
    """All comparisons of an evaluation.

    Attributes:
        rows: (stratum, value) -> difference, interval, p, corrected p, and whether it is significant and a limitation; or why it was not compared.
        tests: comparisons that Holm's rule corrected for; a stratum of two parts counts once.
    """

    rows: Mapping[Part, dict[str, Any]]
    tests: int

    def of(self, stratum: str, value: str) -> dict[str, Any]:
        """Return the part's comparison under the key ``difference``; nothing for the only part of a stratum."""
        return {"difference": self.rows[stratum, value]} if (stratum, value) in self.rows else {}

    @property
    def limitations(self) -> list[str]:
        """The parts whose difference the labelling has to state, ``stratum: value``."""
        return [_name(part) for part, row in sorted(self.rows.items()) if row.get("limitation")]


def differences(selection: Selection, thresholds: Mapping[str, float], replicates: Replicates, protocol: Protocol) -> Differences:
    """Compare each part of each stratum with the rest of it.

    Args:
        selection: the films and their matching.
        thresholds: operating point per finding.
        replicates: of all scored test films.
        protocol: strata, minimum n, level and gap.
    """
    pooled = _pooled(selection, thresholds, replicates, protocol.iou)
    metrics: dict[Part, tuple[Metric, float | None]] = {}
    found: dict[Part, dict[str, Any]] = {}
    for part, inside, outside in _comparisons(selection, protocol):
        if reason := _too_small(inside, outside, protocol.subgroups.minimum_n):
            found[part] = {"not_compared": reason}
        else:
            metrics[part] = _difference(pooled, inside, outside, protocol)
    corrected = holm({_name(part): p for part, (_, p) in metrics.items() if p is not None})
    for part, (metric, p) in metrics.items():
        found[part] = _row(metric, p, corrected.get(_name(part)), protocol)
    return Differences(found | _mirrored(found, selection, protocol), len(corrected))


def _comparisons(selection: Selection, protocol: Protocol) -> Iterator[tuple[Part, list[Film], list[Film]]]:
    """Yield each part with its films and the rest of its stratum's; of two parts, the first only."""
    for stratum in protocol.subgroups.strata:
        values = _values(selection, stratum)
        for value in values[:1] if len(values) == 2 else values if len(values) > 2 else ():
            inside = [film for film in selection.analysed if str(film.strata[stratum]) == value]
            yield (stratum, value), inside, [film for film in selection.analysed if str(film.strata[stratum]) != value]


def _values(selection: Selection, stratum: str) -> list[str]:
    return sorted({str(film.strata[stratum]) for film in selection.analysed})


def _too_small(inside: Sequence[Film], outside: Sequence[Film], minimum: int) -> str | None:
    fewest = min(len({film.patient_id for film in films}) for films in (inside, outside))
    return f"n={fewest} on one side, minimum {minimum}" if fewest < minimum else None


def _pooled(selection: Selection, thresholds: Mapping[str, float], replicates: Replicates, iou: float) -> _Pooled:
    place = {film: index for index, film in enumerate(replicates.films)}
    hits, truths = np.zeros(len(place), dtype=np.int64), np.zeros(len(place), dtype=np.int64)
    for name, matched in selection.matches.items():
        counts = froc.at_threshold(matched, thresholds[name], iou)
        columns = [place[film] for film in counts.films]
        hits[columns] += counts.hits
        truths[columns] += counts.truths
    return _Pooled(hits, truths, place, replicates)


def _difference(
    pooled: _Pooled, inside: Sequence[Film], outside: Sequence[Film], protocol: Protocol
) -> tuple[Metric, float | None]:
    (ours, our_values), (theirs, their_values) = pooled.sensitivities(inside), pooled.sensitivities(outside)
    if ours is None or theirs is None:
        return Metric.undefined("no truth boxes on one side"), None
    metric = Metric(ours - theirs).with_interval(percentile_interval(our_values - their_values, protocol.level))
    return metric, pooled.p_value(inside, outside, protocol.seed)


def _row(metric: Metric, p: float | None, corrected: float | None, protocol: Protocol) -> dict[str, Any]:
    significant = corrected is not None and corrected < 1 - protocol.level
    gap = metric.value is not None and abs(metric.value) > protocol.subgroups.gap
    return metric.to_json() | {"p": p, "p_corrected": corrected, "significant": significant, "limitation": significant and gap}


def _mirrored(found: Mapping[Part, Mapping[str, Any]], selection: Selection, protocol: Protocol) -> dict[Part, dict[str, Any]]:
    """Return the second parts of strata with two: the same comparison from the other side."""
    mirrored: dict[Part, dict[str, Any]] = {}
    for stratum in protocol.subgroups.strata:
        values = _values(selection, stratum)
        if len(values) == 2:
            mirrored[stratum, values[1]] = _negated(found[stratum, values[0]])
    return mirrored


def _negated(row: Mapping[str, Any]) -> dict[str, Any]:
    other = dict(row)
    if row.get("value") is not None:
        other["value"] = -row["value"]
    if "interval" in row:
        other["interval"] = {**row["interval"], "low": -row["interval"]["high"], "high": -row["interval"]["low"]}
    return other


def _name(part: Part) -> str:
    return f"{part[0]}: {part[1]}"
