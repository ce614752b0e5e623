"""Average precision and average recall as COCO defines them, for one matching or for many weighted resamples of its films at once.

Detections lie by falling score. After each of them, with TP hits and FP false positives so far and P truth boxes in all,

    recall = TP / P        precision = TP / (TP + FP)

and the average precision (AP) is the mean over the 101 recalls 0, 0.01, ..., 1 of the best precision reached at that recall or beyond
(0 where the recall is never reached). The counts are whole numbers throughout, and each is divided once. The 101 levels are those of the reference, bit for bit: ten of
them (0.35, 0.41, 0.47, 0.57, 0.69, 0.70, 0.82, 0.83, 0.94, 0.95) lie one rounding above their fraction, so that 7 hits of 10 do not reach the level 0.70. With levels in
single precision, as torchmetrics has them, others move, and AP changes by up to some thousandths. Average recall (AR_k) is the recall with the k best detections of each film, averaged over IoU 0.50, 0.55, ..., 0.95.
Both are undefined without a truth box.

Weights make the bootstrap cheap: a film drawn w times counts w times. The copies of a detection follow each other, and a run of equal hits or of
equal false positives leaves the same precision envelope whether it is counted at once or one by one, so the weighted figure equals re-evaluating the
copies. (Different detections of equal score keep their order, each with its copies, where a literal re-evaluation would interleave the copies of films.)
Precision can only peak at a hit, so a replicate and threshold costs work by hits; by detections it costs one running sum for all thresholds.

Source: pycocotools 2.0 `cocoeval.accumulate`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from validation.metrics.matching import COCO_IOUS, MAX_DETECTIONS, BoxesByFilm, FindingMatches, match
from validation.metrics.result import Metric, macro

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

RECALLS = np.linspace(0.0, 1.0, 101)
NO_TRUTH = "no truth boxes"


@dataclass(frozen=True, slots=True)
class Summary:
    """What the training loop logs after an epoch.

    Attributes:
        ap50: average precision at IoU 0.5 per finding.
        ap50_macro: their mean, undefined if one of them is.
        ar100: average recall with 100 detections a film, per finding.
        ar100_macro: their mean, undefined if one of them is.
    """

    ap50: Mapping[str, Metric]
    ap50_macro: Metric
    ar100: Mapping[str, Metric]
    ar100_macro: Metric


def summary(truths: BoxesByFilm, detections: BoxesByFilm, findings: Sequence[str]) -> Summary:
    """Match and score in one call.

    Args:
        truths: film id -> finding -> (n, 4) boxes; a finding missing from a film was not looked for there, an empty one was absent.
        detections: film id -> finding -> (n, 5) rows x0, y0, x1, y1, score; an entry for every film of the truths.
        findings: what to score.

    Raises:
        ValidationError: a box, a score or the set of films is not usable (see `matching.match`).

    >>> truths = {"a": {"scoliosis": [(0, 0, 4, 4)]}, "b": {"scoliosis": []}}
    >>> found = {"a": {"scoliosis": [(0, 0, 4, 4, 0.8)]}, "b": {"scoliosis": [(0, 0, 4, 4, 0.9)]}}
    >>> summary(truths, found, ["scoliosis"]).ap50["scoliosis"].value
    0.5
    """
    matched = match(truths, detections, findings, ious=COCO_IOUS)
    ap50 = {finding: average_precision(matches, (0.5,)) for finding, matches in matched.items()}
    ar100 = {finding: average_recall(matches, 100) for finding, matches in matched.items()}
    return Summary(ap50=ap50, ap50_macro=macro(ap50), ar100=ar100, ar100_macro=macro(ar100))


def average_precision(matches: FindingMatches, ious: Sequence[float]) -> Metric:
    """Return the AP of one finding, averaged over the given IoU thresholds.

    Raises:
        ValueError: the matching was not made at one of the thresholds.
    """
    if matches.truth_count == 0:
        return Metric.undefined(NO_TRUTH, denominator=0)
    values = replicated_average_precision(matches, ious, np.ones((1, len(matches.films)), dtype=np.int64))
    return Metric(float(values[0]), denominator=matches.truth_count)


def average_recall(matches: FindingMatches, detections: int, ious: Sequence[float] = COCO_IOUS) -> Metric:
    """Return the recall with the best ``detections`` of each film, averaged over the thresholds.

    Raises:
        ValueError: more detections than the matching kept, or a threshold it was not made at.
    """
    if matches.truth_count == 0:
        return Metric.undefined(NO_TRUTH, denominator=0)
    values = replicated_average_recall(matches, detections, ious, np.ones((1, len(matches.films)), dtype=np.int64))
    return Metric(float(values[0]), denominator=matches.truth_count)


def precision_recall(matches: FindingMatches, iou: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return recall and precision after each detection, for drawing; both empty without a truth box or detection."""
    if matches.truth_count == 0:
        return np.zeros(0), np.zeros(0)
    true = np.cumsum(matches.hits_at(iou))
    return true / matches.truth_count, true / np.arange(1, len(true) + 1)


def replicated_average_precision(
    matches: FindingMatches, ious: Sequence[float], weights: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the AP of each resample, NaN where a resample holds no truth box.

    Args:
        matches: the matching of one finding over F films.
        ious: thresholds to average over.
        weights: (R, F) how often each film counts in each of R resamples.

    Returns:
        (R,) float64 in [0, 1] or NaN.
    """
    counted = np.cumsum(np.take(weights, matches.film, axis=1), axis=1, dtype=np.int64)
    return np.asarray(np.mean([_at_one_iou(matches, iou, weights, counted) for iou in ious], axis=0), dtype=np.float64)


def _at_one_iou(
    matches: FindingMatches, iou: float, weights: NDArray[np.int64], counted: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the (R,) AP at one threshold; ``counted`` is the (R, D) weighted number of detections up to and including each."""
    positives = (weights @ matches.truths).astype(np.float64)
    places = np.flatnonzero(matches.hits_at(iou))
    true = np.cumsum(np.take(weights, matches.film[places], axis=1), axis=1, dtype=np.int64)
    precision = np.divide(true, counted[:, places], out=np.zeros(true.shape), where=true > 0)
    best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    recall = np.divide(true, positives[:, None], out=np.zeros(true.shape), where=positives[:, None] > 0)
    reached = np.searchsorted(RECALLS, recall, side="right") * (true > 0)
    points = np.diff(reached, prepend=0, axis=1)
    return np.where(positives > 0, (best * points).sum(axis=1) / len(RECALLS), np.nan)


def replicated_average_recall(
    matches: FindingMatches, detections: int, ious: Sequence[float], weights: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return AR with the best ``detections`` of each film for each resample, NaN without a truth box; arguments as for the precision.

    Raises:
        ValueError: more detections than the matching kept.
    """
    if not 1 <= detections <= MAX_DETECTIONS:
        raise ValueError(f"detections per film must lie in 1..{MAX_DETECTIONS}, got {detections}")
    positives = (weights @ matches.truths).astype(np.float64)
    within = matches.rank < detections
    per_film = [np.bincount(matches.film[matches.hits_at(iou) & within], minlength=len(matches.films)) for iou in ious]
    found = np.stack([weights @ count for count in per_film]).astype(np.float64)
    recall = np.divide(found, positives, out=np.full_like(found, np.nan), where=positives > 0)
    return np.asarray(recall.mean(axis=0), dtype=np.float64)
