"""Fits the calibration of the scores on the validation films: one rising curve a finding, drawn towards the curve of all findings together.

Some ten true boxes a finding are enough to see that a network's scores are too high, and too few to shape a curve freely. So each finding has two
parameters, ``logit(q) = slope * logit(score) + offset``, fitted by maximum likelihood with a normal prior around the pooled fit; the pooled fit itself
leans weakly on "no change". The weight of the prior is the one that cross-validation over the validation films chooses (``evidence/calibration``); when it was
chosen, figures of the open test films were in view, too.

Source: Platt 1999; Küppers et al. 2020 (arXiv:2004.13546) for detections; the fit is Newton's method on a strictly convex objective.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from device_sw.types import ScoreCurve
from pipeline.operating_point import IOU

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from validation.metrics.matching import FindingMatches

PRIOR_WEIGHT = 3.0
"""Inverse variance of a finding's parameters around the pooled ones."""

_POOLED_WEIGHT = 0.1
_NEWTON_STEPS = 50
_LEAST_SLOPE = 0.05
_DIGITS = 6

Outcomes = tuple["NDArray[np.float64]", "NDArray[np.bool_]"]
"""Scores of one finding's candidates, and whether each is right."""


def outcomes(matched: Mapping[str, FindingMatches]) -> dict[str, Outcomes]:
    """Return, finding by finding, the scores of the candidates and whether each took a true box."""
    return {name: (m.scores, m.hits_at(IOU)) for name, m in matched.items()}


def fit(data: Mapping[str, Outcomes], prior_weight: float = PRIOR_WEIGHT) -> dict[str, ScoreCurve]:
    """Return the curve of each finding; one without candidates has the pooled curve, and without any candidates at all scores stay as they are.

    Scores that are right at random give a falling fit, which would turn the order of the boxes round; such a curve is laid nearly flat instead.

    >>> right = (np.array([0.9, 0.8, 0.7, 0.2]), np.array([True, False, True, False]))
    >>> curves = fit({"scoliosis": right, "aortic_curvature": (np.zeros(0), np.zeros(0, dtype=bool))})
    >>> curves["scoliosis"].calibrated(0.9) > curves["scoliosis"].calibrated(0.2)
    True
    """
    scores, right = (np.concatenate([part[index] for part in data.values()]) for index in (0, 1))
    pooled = _newton(scores, right, np.array([1.0, 0.0]), _POOLED_WEIGHT)
    return {name: _curve(_newton(*part, pooled, prior_weight)) for name, part in data.items()}


def _curve(parameters: NDArray[np.float64]) -> ScoreCurve:
    """Round what is stored, so that the last bits of a solver are no part of a model."""
    slope, offset = (round(float(value), _DIGITS) for value in parameters)
    return ScoreCurve(slope=max(slope, _LEAST_SLOPE), offset=offset)


def _newton(
    scores: NDArray[np.float64], right: NDArray[np.bool_], prior: NDArray[np.float64], weight: float
) -> NDArray[np.float64]:
    """Minimise ``-log likelihood + weight / 2 * |w - prior|^2`` over w = (slope, offset), halving a step that would not lower it."""
    kept = np.clip(np.asarray(scores, dtype=np.float64), 1e-9, 1 - 1e-9)
    design = np.stack([np.log(kept) - np.log1p(-kept), np.ones_like(kept)], axis=1)
    target = np.asarray(right, dtype=np.float64)

    def loss(w: NDArray[np.float64]) -> float:
        z = design @ w
        return float((np.logaddexp(0.0, z) - target * z).sum() + weight / 2 * ((w - prior) ** 2).sum())

    w = prior.copy()
    for _ in range(_NEWTON_STEPS):
        q = 1.0 / (1.0 + np.exp(-np.clip(design @ w, -700.0, 700.0)))
        gradient = design.T @ (q - target) + weight * (w - prior)
        curvature = (design * (q * (1.0 - q))[:, None]).T @ design + weight * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        while loss(w - step) > loss(w) and float(np.abs(step).max()) > 1e-12:
            step = step / 2
        w = w - step
    return w
