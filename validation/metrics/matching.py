"""Greedy matching of detections to truth boxes, per film and finding, by the COCO rule.

In each film and finding the detections are taken by falling score; each takes, among the truth boxes that are still free and overlap it by at
least the threshold, the one with the largest intersection over union (IoU). A taken box is gone; a detection that takes none is a false positive.
Every IoU threshold has its own matching. Detections beyond the 100 best of a film and finding are left out.

Order of ties, on which the result may depend: equal scores keep the order of the films in the truths, then the order within the film's
detections; among truth boxes of equal IoU the later one is taken. This is what pycocotools does; `tests/validation/metrics` compares the two.

A metric must not be flattered by broken input, so a NaN, an infinity, an inverted or empty box, a box given twice and a score outside [0, 1] raise.

Source: COCO detection evaluation, pycocotools 2.0 `cocoeval.evaluateImg`; Lin et al., "Microsoft COCO", ECCV 2014.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

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
        ValueError: a film is missing or unknown, or a box or score is not usable; the message names film and finding.

    >>> truth = {"a": {"scoliosis": [(0, 0, 4, 4)]}}
    >>> found = match(truth, {"a": {"scoliosis": [(0, 0, 4, 4, 0.9), (0, 0, 4, 3, 0.8)]}}, ["scoliosis"], ious=(0.5,))
    >>> found["scoliosis"].hits.tolist()
    [[True, False]]
    """
    _check_films(truths, detections)
    return {finding: _match_finding(finding, truths, detections, tuple(ious), max_detections) for finding in findings}


def _check_films(truths: BoxesByFilm, detections: BoxesByFilm) -> None:
    """Refuse detections without truth and truths without detections: a film forgotten on one side would pass as a normal one."""
    for left, right, text in ((truths, detections, "no detections entry"), (detections, truths, "no truth entry")):
        missing = [film for film in left if film not in right]
        if missing:
            raise ValueError(
                f"{len(missing)} films have {text}, the first is {missing[0]}; give an empty mapping for a film without boxes"
            )


def _match_finding(
    finding: str, truths: BoxesByFilm, detections: BoxesByFilm, ious: tuple[float, ...], max_detections: int
) -> FindingMatches:
    films = tuple(film for film, found in truths.items() if finding in found)
    truth, truth_film = _gather([truths[film][finding] for film in films], 4)
    found, film = _gather([detections[film].get(finding, ()) for film in films], 5)
    _check_boxes("truth", finding, films, truth, truth_film)
    _check_boxes("detection", finding, films, found[:, :4], film)
    _check_scores(finding, films, found[:, 4], film)
    found, film, rank = _best(found, film, max_detections)
    counts = np.bincount(truth_film, minlength=len(films)).astype(np.int64)
    hits = _greedy(found[:, :4], film, truth, counts, np.minimum(np.array(ious), _NEARLY_ONE))
    order = np.argsort(-found[:, 4], kind="stable")
    return FindingMatches(finding, films, counts, film[order], rank[order], found[order, 4], hits[:, order], ious)


def _gather(rows: Sequence[Any], width: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return all films' rows one below the other, and the film each row belongs to."""
    arrays = [np.asarray(row, dtype=np.float64).reshape(-1, width) for row in rows]
    film = np.repeat(np.arange(len(arrays), dtype=np.int64), [len(array) for array in arrays])
    return (np.concatenate(arrays) if arrays else np.zeros((0, width))), film


def _check_boxes(kind: str, finding: str, films: tuple[str, ...], boxes: NDArray[np.float64], film: NDArray[np.int64]) -> None:
    finite = np.isfinite(boxes).all(axis=1)
    whole = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    for good, text in ((finite, "an edge that is not finite"), (whole, "x1 <= x0 or y1 <= y0")):
        bad = np.flatnonzero(~good)
        if bad.size:
            raise ValueError(f"{kind} box of {finding} in film {films[film[bad[0]]]} has {text}: {boxes[bad[0]].tolist()}")
    twice = _first_duplicate(boxes, film)
    if twice is not None:
        raise ValueError(f"{kind} box of {finding} in film {films[film[twice]]} is given twice: {boxes[twice].tolist()}")


def _first_duplicate(boxes: NDArray[np.float64], film: NDArray[np.int64]) -> int | None:
    """Return the index of a row that repeats another of its film: equal rows have equal keys, so only equal keys are looked at closely."""
    key = boxes @ np.array([1.0, 3.7, 11.3, 41.9]) + film * 131.7
    order = np.argsort(key, kind="stable")
    suspects = np.flatnonzero(np.diff(key[order]) == 0)
    if not suspects.size:
        return None
    among = np.unique(np.concatenate([order[suspects], order[suspects + 1]]))
    seen: set[tuple[float, ...]] = set()
    for index in among:
        row = (float(film[index]), *boxes[index].tolist())
        if row in seen:
            return int(index)
        seen.add(row)
    return None


def _check_scores(finding: str, films: tuple[str, ...], scores: NDArray[np.float64], film: NDArray[np.int64]) -> None:
    bad = np.flatnonzero(~((scores >= 0) & (scores <= 1)))
    if bad.size:
        raise ValueError(f"detection of {finding} in film {films[film[bad[0]]]} has score {scores[bad[0]]}, outside [0, 1]")


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


def pair_iou(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the IoU of each row of ``first`` with the same row of ``second``: intersection area / union area, both (n, 4).

    >>> pair_iou(np.array([[0.0, 0.0, 2.0, 2.0]]), np.array([[1.0, 0.0, 3.0, 2.0]])).round(6).tolist()
    [0.333333]
    """
    width = np.minimum(first[:, 2], second[:, 2]) - np.maximum(first[:, 0], second[:, 0])
    height = np.minimum(first[:, 3], second[:, 3]) - np.maximum(first[:, 1], second[:, 1])
    shared = np.maximum(width, 0.0) * np.maximum(height, 0.0)
    areas = [(boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]) for boxes in (first, second)]
    return np.asarray(shared / (areas[0] + areas[1] - shared), dtype=np.float64)
