"""Asks the picture itself how it is shown: air dark and bone bright, head up, the patient's left at the right; whatever the header says.

The film is reduced to 64 x 64 blocks, each replaced by its rank among the blocks, which no window, gamma or exposure changes. One small fixed function f
(three convolutions and a weighted sum, 6,393 numbers) says how much such a picture looks like a frontal chest as it should lie. f is asked about the picture in
all sixteen ways in which a square picture can be turned, mirrored and inverted; the way that makes it look right is how the film was altered. Since
the same f sees all sixteen, a film and its altered copies are judged alike: the same sixteen values come out in another order. Films are compared, so that
f needs no scale of its own: the log odds of two groups of ways is the difference of their log-sum-exps.

A film is only judged where it resembles the mean frontal chest at all, once it is laid as f wants it (`likeness`).

Nothing here turns a film for the detector; admission decides with the numbers.

Source: the numbers are in `orientation.json`, fitted by `python -m pipeline.orientation_fit`; measured by `python -m tests.benchmarks.orientation`
(`evidence/orientation/rates.json`). `_EXPECTED` is the mean over 572 training films of the NIH ChestX-ray14 set (Wang et al., CVPR 2017, provided by the NIH
Clinical Center), made symmetrical and rounded to tenths.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

if TYPE_CHECKING:
    from numpy.typing import NDArray

Number = TypeVar("Number", bound=np.generic)

GRID = 64
"""Blocks a side."""

SMALLEST = 16
"""Rows and columns below which nothing can be seen; up to 64 each pixel is repeated."""

LIKENESS = 0.2
"""Smallest rank correlation with the mean chest, laid as it looks best, at which a picture counts as a frontal chest."""

INVERTED = 1.0
"""Log odds of a negative against a positive from which a film counts as inverted."""

TURNED = 1.0
"""Log odds of a turned against an upright film from which it counts as turned."""

MIRRORED = 4.0
"""Log odds of a mirrored against an upright film from which it counts as mirrored: at most 1 % of the validation films do."""

UNCLEAR = 0.0
"""Log odds of a mirrored against an upright film from which the side counts as unclear."""

WAYS = (
    "upright",
    "mirrored",
    "upside down, as a reflection",
    "turned by 180 degrees",
    "turned by 90 degrees and mirrored",
    "turned by 90 degrees anticlockwise",
    "turned by 90 degrees clockwise",
    "turned by 90 degrees and mirrored",
)
"""How a film lies that looks right once it is laid the n-th way of `laid`."""

_LEFT_HALF = (
    (1, 1, 1, 1, 1, 2, 4, 5),
    (1, 2, 2, 2, 2, 3, 4, 6),
    (3, 4, 4, 4, 4, 4, 4, 5),
    (4, 5, 5, 5, 4, 3, 4, 5),
    (5, 6, 6, 5, 3, 2, 3, 5),
    (5, 6, 6, 4, 3, 2, 3, 6),
    (5, 5, 6, 4, 3, 2, 4, 6),
    (4, 5, 5, 4, 3, 3, 5, 7),
    (4, 5, 5, 4, 3, 4, 6, 7),
    (3, 5, 5, 4, 4, 5, 7, 8),
    (3, 4, 5, 5, 5, 6, 7, 8),
    (3, 4, 5, 6, 6, 7, 8, 9),
    (3, 4, 6, 7, 7, 8, 9, 9),
    (2, 4, 6, 7, 8, 9, 9, 9),
    (2, 4, 6, 8, 9, 9, 9, 10),
    (3, 4, 6, 8, 9, 9, 9, 10),
)
"""Mean rank of each of 16 x 16 blocks in tenths, left half of the film from top to bottom; the right half is its mirror image."""

_EXPECTED = np.concatenate([np.asarray(_LEFT_HALF), np.asarray(_LEFT_HALF)[:, ::-1]], axis=1).astype(np.float64)[1:-1, 1:-1]


@dataclass(frozen=True, slots=True)
class Orientation:
    """How a film is shown, as log odds; 0 is undecided and a positive value speaks for the fault.

    Attributes:
        likeness: rank correlation with the mean frontal chest, laid as it looks best, in [-1, 1]; 0 for a picture without structure.
        inverted: a negative against a positive, in any position.
        turned: turned by 90 or 180 degrees, or upside down, against upright, mirrored or not; in the polarity that the film counts as having.
        mirrored: mirrored against upright, in that polarity.
        way: the likeliest way in which the film lies, one of `WAYS`.
    """

    likeness: float
    inverted: float
    turned: float
    mirrored: float
    way: str


NOTHING_SEEN = Orientation(likeness=0.0, inverted=0.0, turned=0.0, mirrored=0.0, way=WAYS[0])
"""What a picture shows that has no structure, or fewer than 16 rows or columns."""


def orientation(pixels: NDArray[np.float32]) -> Orientation:
    """Return how a normalised film is shown.

    Args:
        pixels: (rows, columns) after preprocessing: bone bright if the header is right.

    A picture without structure shows nothing:

    >>> orientation(np.zeros((512, 512), dtype=np.float32)).likeness
    0.0
    """
    if min(pixels.shape) < SMALLEST:
        return NOTHING_SEEN
    rows, columns = (-(-GRID // length) for length in pixels.shape)
    means = blocks(np.repeat(np.repeat(pixels, rows, axis=0), columns, axis=1) if max(rows, columns) > 1 else pixels)
    if float(np.ptp(means)) == 0.0:
        return NOTHING_SEEN
    ranks = ranked(means)
    scores = _scores(np.stack([_polarised(laid(ranks, way), way) for way in range(16)]))
    return _judged(ranks, scores)


def laid(picture: NDArray[Number], way: int) -> NDArray[Number]:
    """Return a picture laid another way: transposed where bit 4 of ``way`` is set, then upside down (2), then left to right (1).

    >>> laid(np.array([[1, 2], [3, 4]]), 5).tolist()  # a quarter turn clockwise
    [[3, 1], [4, 2]]
    """
    turned = picture.T if way & 4 else picture
    turned = turned[::-1] if way & 2 else turned
    return turned[:, ::-1] if way & 1 else turned


def _polarised(ranks: NDArray[np.float32], way: int) -> NDArray[np.float32]:
    return -ranks if way & 8 else ranks


def _judged(ranks: NDArray[np.float32], scores: NDArray[np.float64]) -> Orientation:
    """Turn the sixteen scores, positive ways first, into log odds."""
    positive, negative = scores[:8], scores[8:]
    inverted = _together(negative) - _together(positive)
    likelier = negative if inverted > INVERTED else positive
    best = int(scores.argmax())
    return Orientation(
        likeness=_likeness(_polarised(laid(ranks, best), best)),
        inverted=inverted,
        turned=_together(likelier[2:]) - _together(likelier[:2]),
        mirrored=float(likelier[1] - likelier[0]),
        way=WAYS[int(likelier.argmax())],
    )


def _together(scores: NDArray[np.float64]) -> float:
    """Return the logarithm of the sum of exponentials: the score of a group of ways."""
    top = float(scores.max())
    return top + float(np.log(np.exp(scores - top).sum()))


def _likeness(ranks: NDArray[np.float32]) -> float:
    """Return the rank correlation with the expected chest on the inner 14 x 14 of 16 x 16 blocks: a border of whatever grey tells nothing about the chest."""
    coarse = np.round(ranks.reshape(16, 4, 16, 4).mean(axis=(1, 3), dtype=np.float64), 6)
    inner = ranked(coarse[1:-1, 1:-1])
    spread = float(inner.std())
    return float(np.mean(inner * (_EXPECTED - _EXPECTED.mean())) / (spread * _EXPECTED.std())) if spread else 0.0


def blocks(pixels: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the mean of each of the 64 x 64 blocks."""
    rows, columns = (np.arange(GRID + 1) * length // GRID for length in pixels.shape)
    bands = np.stack([pixels[first:last].sum(axis=0, dtype=np.float64) for first, last in pairwise(rows)])
    sums = np.add.reduceat(bands, columns[:-1], axis=1)
    means: NDArray[np.float64] = sums / (np.diff(rows)[:, None] * np.diff(columns)[None, :])
    return np.round(means, 6)


def ranked(means: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the rank of each block among all as a number in (-1, 1), equal blocks sharing their mean rank.

    >>> ranked(np.array([[0.0, 1.0], [1.0, 5.0]])).tolist()
    [[-0.75, 0.0], [0.0, 0.75]]
    """
    _, inverse, counts = np.unique(means.ravel(), return_inverse=True, return_counts=True)
    ranks = (2.0 * np.cumsum(counts) - counts) / means.size - 1.0
    return ranks[inverse].reshape(means.shape).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class _Layer:
    """One convolution with stride 2: weights (inputs * side * side, outputs), bias (outputs,), and the side of its window."""

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    side: int


@dataclass(frozen=True, slots=True, eq=False)
class _Parameters:
    """The numbers of f: three convolutions, and one weight for each place of the last one's output (rows, columns, outputs)."""

    layers: tuple[_Layer, ...]
    weights: NDArray[np.float32]


@cache
def _parameters() -> _Parameters:
    stored = json.loads(files("device_sw.dicom").joinpath("orientation.json").read_text(encoding="utf-8"))
    layers = tuple(_layer(layer) for layer in stored["layers"])
    return _Parameters(layers, np.asarray(stored["weights"], dtype=np.float32).transpose(1, 2, 0).ravel())


def _layer(stored: dict[str, Any]) -> _Layer:
    """Bring weights from (outputs, inputs, rows, columns) into the order in which windows are read."""
    weights = np.asarray(stored["weights"], dtype=np.float32)
    return _Layer(weights.reshape(len(weights), -1).T.copy(), np.asarray(stored["bias"], dtype=np.float32), weights.shape[-1])


def _scores(pictures: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return f of each picture (n, 64, 64); its constant term is left out, as it is the same for all ways."""
    parameters = _parameters()
    maps = pictures[:, None]
    for layer in parameters.layers:
        maps = _convolved(maps, layer)
    scores = maps.transpose(0, 2, 3, 1).reshape(len(maps), -1) @ parameters.weights
    return scores.astype(np.float64)


def _convolved(maps: NDArray[np.float32], layer: _Layer) -> NDArray[np.float32]:
    """Return max(0, windows x weights + bias) at every second place; the border is padded with zeros."""
    margin = layer.side // 2
    padded = np.pad(maps, ((0, 0), (0, 0), (margin, margin), (margin, margin)))
    windows = sliding_window_view(padded, (layer.side, layer.side), axis=(2, 3))[:, :, ::2, ::2]
    count, _, rows, columns = windows.shape[:4]
    flat = windows.transpose(0, 2, 3, 1, 4, 5).reshape(count * rows * columns, -1)
    out = np.maximum(flat @ layer.weights + layer.bias, np.float32(0.0))
    result: NDArray[np.float32] = out.reshape(count, rows, columns, -1).transpose(0, 3, 1, 2)
    return result
