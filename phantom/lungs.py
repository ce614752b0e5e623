"""The shape of each lung: outline by height, depth by position, diaphragm dome below, and how deep a ray runs in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from phantom.anatomy import Anatomy
    from phantom.chord import Interval, Rays

    Map = NDArray[np.float32]

_STEP = 0.1
_TOP = -330.0
_COUNT = 6600


@dataclass(frozen=True, slots=True)
class Lung:
    """One lung as tables over height: centre, half-width, half-depth, depth of centre (mm), and its diaphragm dome.

    ``side`` is -1 for the right lung (left of the image) and +1 for the left one.
    """

    side: int
    centre: Map
    half_width: Map
    half_depth: Map
    depth: Map
    shift: Map
    base: float
    dome: tuple[float, float, float, float, float]

    def _index(self, y: Map) -> NDArray[np.int32]:
        return np.clip((y - np.float32(_TOP)) * np.float32(1 / _STEP), 0, _COUNT - 1).astype(np.int32)

    def border(self, y: Map) -> Map:
        """Return the x of the lung's outer border at height y, mm."""
        index = self._index(y)
        return self.centre[index] + self.side * self.half_width[index]

    def section(self, y: Map) -> tuple[Map, Map, Map]:
        """Return half-width from the body's axis to the outer border (without the spine's shift), half-depth and depth of centre at height y, mm."""
        index = self._index(y)
        return np.abs(self.centre[index] - self.shift[index]) + self.half_width[index], self.half_depth[index], self.depth[index]

    def half_chord(self, x: Map, y: Map) -> tuple[Map, Map]:
        """Return depth of the centre and half-depth of the lung at body position (x, y), half-depth 0 outside.

        Formula: half-depth ``D(y) sqrt(1 - 0.25 r^2 - 0.75 |r|^3)`` laterally and ``D(y) sqrt(1 - r^4)`` medially, with r the relative distance from the centre.
        """
        index = self._index(y)
        r = (x - self.centre[index]) / self.half_width[index] * np.float32(self.side)
        squared = r * r
        lateral = squared * (0.25 + 0.75 * np.abs(r))
        inside = np.maximum(np.where(r > 0, 1.0 - lateral, 1.0 - squared * squared), 0.0)
        return self.depth[index], self.half_depth[index] * np.sqrt(inside)

    def interval(self, rays: Rays, lowered: Map | float = 0.0) -> Interval:
        """Return the depths where a ray enters and leaves the lung's envelope, diaphragm not yet taken out.

        ``lowered`` moves the lung's apex down by that many mm: the lung below a pleural cap.
        """
        u, v = rays.u, rays.v
        p, q = np.float32(rays.beam.p), np.float32(rays.beam.q)
        w = p
        depth, half = self.half_chord(u * w, v * w - lowered)
        front, back = depth + half, depth - half
        w_front, w_back = p + q * front, p + q * back
        depth, half = self.half_chord(u * w_front, v * w_front - lowered)
        high = depth + half
        depth, half = self.half_chord(u * w_back, v * w_back - lowered)
        low = depth - half
        return low, np.maximum(high, low)

    def dome_interval(self, rays: Rays) -> Interval:
        """Return the depths a ray runs below the diaphragm.

        Formula: below ``y = base - H (1 - 0.6 r^2 - 0.4 |r|^3 - ((a - ca) / ra)^2)`` with ``r = (x - c) / rx``, solved for a.
        """
        cx, rx, ca, ra, height = self.dome
        w = np.float32(rays.beam.p + rays.beam.q * ca)
        x, y = rays.u * w, rays.v * w
        across = np.abs((x - np.float32(cx)) * np.float32(1 / rx))
        room = 1.0 - across * across * (0.6 + 0.4 * across) - (np.float32(self.base) - y) * np.float32(1 / height)
        room = np.where(y > self.base, np.float32(4.0), room)
        extent = np.float32(ra) * np.sqrt(np.maximum(room, 0.0))
        return np.float32(ca) - extent, np.float32(ca) + extent


def lung(anatomy: Anatomy, side: int) -> Lung:
    """Return the patient's right (side -1) or left (+1) lung."""
    build = anatomy.build
    y = (_TOP + _STEP * np.arange(_COUNT)).astype(np.float64)
    dome_top = build.dome_right if side < 0 else build.dome_left
    base = dome_top + build.dome_height
    t = np.clip((y - build.apex) / (base - build.apex), 0.0, 1.3)
    apex_x = 44.0 * build.scale
    rise = (1.0 - (1.0 - np.minimum(t / 0.78, 1.0)) ** 2.3) ** 0.62
    lateral = apex_x + (build.half_width - apex_x) * rise - 5.0 * np.clip((t - 0.8) / 0.2, 0, 1.5) ** 2
    inner = (
        18.0 - 5.0 * np.exp(-(((t - 0.42) / 0.16) ** 2)) + (2.0 if side < 0 else -1.0) * np.clip(1 - 2.5 * t, 0, 1)
    ) * build.scale
    medial = apex_x - (apex_x - inner) * np.sqrt(1.0 - (1.0 - np.minimum(t / 0.16, 1.0)) ** 2)
    shift = _mediastinal_shift(anatomy, y)
    half_depth = (
        build.half_depth * (0.30 + 0.70 * (1.0 - (1.0 - np.minimum(t / 0.55, 1.0)) ** 2.0) ** 0.7) * np.where(t > 0, 1.0, 0.0)
    )
    depth = -0.42 * build.half_depth * (1.0 - np.minimum(t / 0.55, 1.0)) ** 1.5
    half_width = np.maximum((lateral - medial) / 2, 0.01)
    centre = side * (lateral + medial) / 2 + shift
    dome = (
        side * 60.0 * build.scale + float(np.interp(base, y, shift)),
        build.half_width - 58.0 * build.scale,
        0.10 * build.half_depth,
        1.12 * build.half_depth,
        build.dome_height,
    )
    tables = (table.astype(np.float32) for table in (centre, half_width, half_depth, depth, shift))
    return Lung(side, *tables, base=base, dome=dome)


def _mediastinal_shift(anatomy: Anatomy, y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far the lungs' inner borders follow the spine: 0.4 of its lateral offset."""
    return 0.4 * anatomy.spine.lateral(y)
