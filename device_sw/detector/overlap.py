"""How much two boxes share: intersection over union, and intersection over the smaller of the two."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from device_sw.types import Box


def intersection(one: Box, other: Box) -> float:
    """Return the area that two boxes share, square pixels; 0 where they only touch.

    >>> from device_sw.types import Box
    >>> intersection(Box(0, 0, 4, 4), Box(2, 2, 6, 6)), intersection(Box(0, 0, 2, 2), Box(2, 0, 4, 2))
    (4.0, 0.0)
    """
    width = min(one.x1, other.x1) - max(one.x0, other.x0)
    height = min(one.y1, other.y1) - max(one.y0, other.y0)
    return float(width * height) if width > 0.0 and height > 0.0 else 0.0


def iou(one: Box, other: Box) -> float:
    """Return ``|A and B| / |A or B|``, in [0, 1].

    >>> from device_sw.types import Box
    >>> iou(Box(0, 0, 4, 2), Box(2, 0, 6, 2)) == 4 / 12
    True
    """
    shared = intersection(one, other)
    return shared / (one.area + other.area - shared)


def share_of_smaller(one: Box, other: Box) -> float:
    """Return ``|A and B| / min(|A|, |B|)``, in [0, 1]: 1 where one lies within the other.

    >>> from device_sw.types import Box
    >>> share_of_smaller(Box(0, 0, 8, 8), Box(2, 2, 4, 4))
    1.0
    """
    return intersection(one, other) / min(one.area, other.area)
