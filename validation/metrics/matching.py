"""Greedy matching of detections to truth boxes, per film and finding, by the COCO rule.

In each film and finding the detections are taken by falling score; each takes, among the truth boxes that are still free and overlap it by at
least the threshold, the one with the largest intersection over union (IoU). A taken box is gone; a detection that takes none is a false positive.
Every IoU threshold has its own matching. Detections beyond the 100 best of a film and finding are left out.

Order of ties, on which the result may depend: equal scores keep the order of the films in the truths, then the order within the film's
detections; among truth boxes of equal IoU the later one is taken. This is what pycocotools does; `tests/validation/metrics` compares the two.

A metric must not be flattered by broken input, so `boxes` refuses a NaN, an infinity, an inverted or empty box, a box given twice and a score outside [0, 1].

Conventions in which this equals pycocotools: iouType bbox, no crowd and no ignored regions, area range "all", at most 100 detections a film and finding,
classes apart (useCats = 1), an IoU equal to the threshold is a hit, and films in rising order of their ids. pycocotools takes x, y, width, height, so for edges that are
not exact in binary its IoU can differ in the last bit; a figure changes only where an IoU lies on a threshold within that bit.

Source: COCO detection evaluation, pycocotools 2.0 `cocoeval.evaluateImg`; Lin et al., "Microsoft COCO", ECCV 2014.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from validation.errors import ValidationError
from validation.metrics.boxes import gathered, pair_iou

if TYPE_CHECKING:
    from numpy.typing import NDArray

BoxesByFilm = Mapping[str, Mapping[str, Any]]
"""film id -> finding -> rows of boxes. A finding that is missing from a film's truths was not looked for; an empty one was looked for and absent."""

COCO_IOUS: tuple[float, ...] = tuple(float(value) for value in np.linspace(0.5, 0.95, 10))
"""The thresholds behind AP@[.5:.95]."""

ALL_IOUS: tuple[float, ...] = (0.3, 0.4, *COCO_IOUS)
"""The thresholds every full evaluation matches at."""

MAX_DETECTIONS = 100
_NEARLY_ONE = 1 - 1e-10


@dataclass(frozen=True, slots=True, eq=False)
class FindingMatches:
    """The matching of one finding over all films in which it was looked for; every metric of the finding is computed from it alone.

    Attributes:
        finding: the finding's id.
        films: ids of the films in which somebody looked for the finding, in the order of the truths.
        truths: (F,) int64, truth boxes per film.
        film: (D,) int64, index into ``films`` of each detection; detections lie by falling score, ties as the module says.
        rank: (D,) int64, place of the detection within its film, 0 the best.
        scores: (D,) float64, falling.
        hits: (T, D) bool, whether the detection took a truth box at each threshold.
        ious: the T thresholds.
    """

    finding: str
    films: tuple[str, ...]
    truths: NDArray[np.int64]
    film: NDArray[np.int64]
    rank: NDArray[np.int64]
    scores: NDArray[np.float64]
    hits: NDArray[np.bool_]
    ious: tuple[float, ...]

    @property
    def truth_count(self) -> int:
        """Truth boxes over all films."""
        return int(self.truths.sum())

    def hits_at(self, iou: float) -> NDArray[np.bool_]:
        """Return the (D,) hits at a threshold.

        Raises:
            ValueError: the matching was not made at that threshold.
        """
        for index, known in enumerate(self.ious):
            if abs(known - iou) < 1e-9:
                return np.asarray(self.hits[index], dtype=bool)
        raise ValueError(f"no matching at IoU {iou}; matched at {', '.join(f'{value:.2f}' for value in self.ious)}")

    def subset(self, films: frozenset[str]) -> FindingMatches:
        """Return the matching of some of the films; matching is film by film, so nothing has to be matched again."""
        keep = np.array([name in films for name in self.films], dtype=bool)
        renumbered = np.cumsum(keep) - 1
        chosen = keep[self.film]
        return FindingMatches(
            finding=self.finding,
            films=tuple(name for name, kept in zip(self.films, keep, strict=True) if kept),
            truths=self.truths[keep],
            film=renumbered[self.film[chosen]],
            rank=self.rank[chosen],
            scores=self.scores[chosen],
            hits=self.hits[:, chosen],
            ious=self.ious,
        )


def match(
    truths: BoxesByFilm,
    detections: BoxesByFilm,
    findings: Sequence[str],
    ious: Sequence[float] = ALL_IOUS,
    max_detections: int = MAX_DETECTIONS,
) -> dict[str, FindingMatches]:
    """Match every film's detections to its truth boxes, finding by finding.

    Args:
        truths: film id -> finding -> (n, 4) boxes x0, y0, x1, y1 in film pixels.
        detections: film id -> finding -> (n, 5) rows x0, y0, x1, y1, score; every film of the truths must be there, with an empty mapping if nothing was found.
        findings: which findings to match.
        ious: thresholds in (0, 1].
        max_detections: detections kept per film and finding, the best ones.

    Raises:
        ValidationError: ``VAL-FILMS`` where truths and detections are not of the same films; a code of `boxes.gathered` where a box or a score is not usable.
        ValueError: a finding named twice, a threshold outside (0, 1], or no detection to be kept.

    >>> truth = {"a": {"scoliosis": [(0, 0, 4, 4)]}}
    >>> found = match(truth, {"a": {"scoliosis": [(0, 0, 4, 4, 0.9), (0, 0, 4, 3, 0.8)]}}, ["scoliosis"], ious=(0.5,))
    >>> found["scoliosis"].hits.tolist()
    [[True, False]]
    """
    _check_arguments(findings, tuple(ious), max_detections)
    _check_films(truths, detections)
    return {finding: _match_finding(finding, truths, detections, tuple(ious), max_detections) for finding in findings}


def _check_arguments(findings: Sequence[str], ious: tuple[float, ...], max_detections: int) -> None:
    if len(set(findings)) != len(findings):
        raise ValueError(f"a finding is named twice in {', '.join(findings)}")
    if not ious or not all(0 < iou <= 1 for iou in ious):
        raise ValueError(f"thresholds must lie in (0, 1] and there must be one, got {ious}")
    if max_detections < 1:
        raise ValueError(f"at least one detection per film must be kept, got {max_detections}")


def _check_films(truths: BoxesByFilm, detections: BoxesByFilm) -> None:
    """Refuse detections without truth and truths without detections: a film forgotten on one side would pass as a normal one."""
    for left, right, text in ((truths, detections, "no detections entry"), (detections, truths, "no truth entry")):
        missing = [film for film in left if film not in right]
        if missing:
            raise ValidationError(
                "VAL-FILMS",
                where=f"film {missing[0]}",
                found=f"{len(missing)} films have {text}",
                expected="the same films in truths and detections",
                repair="give an empty mapping for a film without boxes",
            )


def _match_finding(
    finding: str, truths: BoxesByFilm, detections: BoxesByFilm, ious: tuple[float, ...], max_detections: int
) -> FindingMatches:
    films = tuple(film for film, found in truths.items() if finding in found)
    truth, truth_film = gathered("truth", finding, films, [truths[film][finding] for film in films])
    found, film = gathered("detection", finding, films, [detections[film].get(finding, ()) for film in films])
    found, film, rank = _best(found, film, max_detections)
    counts = np.bincount(truth_film, minlength=len(films)).astype(np.int64)
    hits = _greedy(found[:, :4], film, truth, counts, np.minimum(np.array(ious), _NEARLY_ONE))
    order = np.argsort(-found[:, 4], kind="stable")
    return FindingMatches(finding, films, counts, film[order], rank[order], found[order, 4], hits[:, order], ious)


def _best(
    found: NDArray[np.float64], film: NDArray[np.int64], max_detections: int
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the detections film by film, by falling score within each, cut to the best ``max_detections``, with their ranks."""
    order = np.lexsort((-found[:, 4], film))
    found, film = found[order], film[order]
    rank = np.arange(len(film), dtype=np.int64) - np.searchsorted(film, film, side="left")
    keep = rank < max_detections
    return found[keep], film[keep], rank[keep]


def _greedy(
    boxes: NDArray[np.float64],
    film: NDArray[np.int64],
    truth: NDArray[np.float64],
    counts: NDArray[np.int64],
    thresholds: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Match all films at once: in round k the k-th overlapping detection of every film chooses, at all thresholds together.

    Returns (T, D) hits for ``boxes`` in their given order (film by film, falling score).
    """
    hits = np.zeros((len(thresholds), len(boxes)), dtype=bool)
    detection, target, overlap = _overlapping_pairs(boxes, film, truth, counts, float(thresholds.min(initial=_NEARLY_ONE)))
    free = np.ones((len(thresholds), len(truth)), dtype=bool)
    for pairs in _rounds(detection, film):
        starts = np.flatnonzero(np.diff(detection[pairs], prepend=-1))
        open_ = free[:, target[pairs]] & (overlap[pairs] >= thresholds[:, None])
        chosen = np.maximum.reduceat(np.where(open_, np.arange(len(pairs)), -1), starts, axis=1)
        level, which = np.nonzero(chosen >= 0)
        free[level, target[pairs][chosen[level, which]]] = False
        hits[level, detection[pairs][starts[which]]] = True
    return hits


def _overlapping_pairs(
    boxes: NDArray[np.float64], film: NDArray[np.int64], truth: NDArray[np.float64], counts: NDArray[np.int64], least: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return (detection, truth box, IoU) of the pairs within a film that overlap by at least ``least``, by detection, then rising IoU."""
    repeats = counts[film]
    detection = np.repeat(np.arange(len(film), dtype=np.int64), repeats)
    within = np.arange(len(detection), dtype=np.int64) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    target = (np.cumsum(counts) - counts)[film[detection]] + within
    overlap = pair_iou(boxes[detection], truth[target])
    keep = overlap >= least
    detection, target, overlap = detection[keep], target[keep], overlap[keep]
    order = np.lexsort((target, overlap, detection))
    return detection[order], target[order], overlap[order]


def _rounds(detection: NDArray[np.int64], film: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Return, for each round, the indices of its pairs: those of the k-th overlapping detection of each film."""
    if not len(detection):
        return []
    distinct, pair_to_distinct = np.unique(detection, return_inverse=True)
    of_film = film[distinct]
    turn = (np.arange(len(distinct)) - np.searchsorted(of_film, of_film, side="left"))[pair_to_distinct]
    order = np.argsort(turn, kind="stable")
    edges = [0, *(np.flatnonzero(np.diff(turn[order])) + 1), len(order)]
    return [order[start:stop] for start, stop in pairwise(edges)]
