"""AblationCAM for one mark: by how much the mark's score falls when the features of a place are taken away.

No gradient is needed: groups of channels at one place of the region are replaced by their mean over the film, and the head is asked again. Only the head
runs again, since the rest of the network does not change; the region stays where it is. The map is, for each place, the sum of the falls of the log odds
over the groups, and 0 where that is negative. Replacing by the mean stays within what the head knows; features of a pyramid have signs, so that 0 or a
very low value would be something special and not an absence.

AblationCAM as first published ablates a channel at all places at once; what that says of places has the flaw that docs/adr/0023 measures for Grad-CAM.

Source: Desai and Ramaswamy 2020, Ablation-CAM (WACV).
"""

from __future__ import annotations

from itertools import pairwise, product
from typing import TYPE_CHECKING, Any

import torch

from device_sw.explanation.grad_cam import film_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from device_sw.detector.activations import Explainable, Reading, Target

LABEL = (
    "AblationCAM, place by place, for this one mark: how much its score falls when features are replaced by the film's average; "
    "0 outside the region that the network read it from, by construction. It says what the network used, not where disease is."
)
"""The words beside every map of this method."""

VARIANTS = 800
"""About how many times the head is asked for one mark: this many divided by the places is the number of channel groups, from 1 to 16."""

_MOST_GROUPS = 16
_PLACES = 11
"""A region of more cells a side than this is ablated in blocks of cells."""

_BATCH_VALUES = 1 << 22
"""Feature values in one batch of variants, so that memory does not grow with the network."""


def ablation_cam(detector: Explainable[Any], reading: Reading, target: Target) -> Tensor:
    """Return the map (h, w) of what the head sees of the target, not scaled; its values are not negative."""
    with torch.inference_mode():
        seen = detector.seen(reading, target)
        mean = film_mean(reading, target)
        base = detector.log_odds(seen, target)
        parts = list(_parts(seen.shape[1], seen.shape[2], seen.shape[3]))
        size = max(1, _BATCH_VALUES // seen.numel())
        falls = [base - detector.log_odds(_ablated(seen, mean, some), target) for some in _batches(parts, size)]
        return _summed(torch.cat(falls), parts, seen).clamp_min(0.0)


_Part = tuple[slice, slice, slice]
"""Channels, rows and columns that are taken away together."""


def _batches(parts: list[_Part], size: int) -> Iterator[list[_Part]]:
    return (parts[start : start + size] for start in range(0, len(parts), size))


def _parts(channels: int, height: int, width: int) -> Iterator[_Part]:
    """Yield every group of channels at every block of cells.

    >>> len(list(_parts(64, 7, 7))), len(list(_parts(256, 11, 11))), len(list(_parts(2, 1, 1)))
    (784, 726, 2)
    """
    rows, columns = _cut(height, _PLACES), _cut(width, _PLACES)
    groups = min(_MOST_GROUPS, max(1, VARIANTS // (len(rows) * len(columns))))
    return product(_cut(channels, groups), rows, columns)


def _cut(length: int, most: int) -> list[slice]:
    """Cut a length into at most so many parts of about one size.

    >>> _cut(5, 2), _cut(2, 9)
    ([slice(0, 3, None), slice(3, 5, None)], [slice(0, 1, None), slice(1, 2, None)])
    """
    parts = min(length, most)
    ends = [-(-length * number // parts) for number in range(parts + 1)]
    return [slice(a, b) for a, b in pairwise(ends)]


def _ablated(seen: Tensor, mean: Tensor, parts: list[_Part]) -> Tensor:
    variants = seen.repeat(len(parts), 1, 1, 1)
    for number, (channels, rows, columns) in enumerate(parts):
        variants[number, channels, rows, columns] = mean[0, channels]
    return variants


def _summed(falls: Tensor, parts: list[_Part], seen: Tensor) -> Tensor:
    """Add up the falls of each cell; a block's fall is shared evenly by its cells."""
    total = torch.zeros(seen.shape[-2:], dtype=seen.dtype)
    for fall, (_, rows, columns) in zip(falls, parts, strict=True):
        part = total[rows, columns]
        part += fall / part.numel()
    return total
