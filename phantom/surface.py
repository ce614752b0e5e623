"""The outside of the body: torso, shoulders and neck, and the fat under the skin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.interpolate import PchipInterpolator

from phantom.chord import EVERYWHERE, Ellipsoid, ellipsoid_interval, union_length

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from phantom.anatomy import Anatomy
    from phantom.chord import Interval, Rays

    Map = NDArray[np.float32]


def reach(anatomy: Anatomy) -> float:
    """Return how far the torso reaches forwards and backwards of its middle, mm."""
    return anatomy.build.half_depth + 0.8 * anatomy.build.wall


def _column(rays: Rays, table: NDArray[np.float64], inset: float, middle: float = 0.0) -> Interval:
    """Return a superelliptic column about the body's axis; ``table`` rows are (y, half-width, half-depth) in mm.

    Formula: half-depth ``D(y) (1 - |x / W(y)|^2.7)^0.5``, both reduced by ``inset``.
    """
    w = rays.beam.p
    y = rays.v[:, :1].astype(np.float64) * w
    wide = _smooth_table(y, table[:, 0], table[:, 1]) - inset
    deep = np.maximum(_smooth_table(y, table[:, 0], table[:, 2]) - inset, 0.0)
    across = np.abs(rays.u * np.float32(w) / np.maximum(wide, 1.0).astype(np.float32))
    half = deep.astype(np.float32) * np.sqrt(np.maximum(1.0 - across * across * np.power(across, np.float32(0.7)), 0.0))
    centre = np.float32(middle)
    return centre - half, centre + half


def _smooth_table(y: NDArray[np.float64], knots: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the table's value at y, monotone between its knots and without kinks (PCHIP)."""
    return PchipInterpolator(knots, values)(np.clip(y, knots[0], knots[-1]))


def _torso(anatomy: Anatomy) -> NDArray[np.float64]:
    build = anatomy.build
    wide, deep = build.half_width + build.wall, reach(anatomy)
    rows = (
        (-330, 40, 20),
        (-175, 55, 40),
        (-150, 92, 58),
        (-125, 0.86 * wide, 0.72 * deep),
        (-95, 0.93 * wide, 0.86 * deep),
        (-50, 0.97 * wide, 0.97 * deep),
        (20, wide, deep),
        (90, 0.99 * wide, 0.99 * deep),
        (150, 0.97 * wide, deep),
        (330, wide + 6, deep),
    )
    return np.array(rows, dtype=float)


def _cape(anatomy: Anatomy) -> NDArray[np.float64]:
    """Return neck, trapezius and shoulder as one column, sloping out from the neck."""
    build = anatomy.build
    drop, neck, out = build.shoulder_drop, 50.0 + 0.32 * build.wall, build.half_width + 0.55 * build.wall
    rows = (
        (-360, neck, 50),
        (-225, neck, 52),
        (-196 + 0.3 * drop, neck + 8, 54),
        (-174 + 0.5 * drop, neck + 38, 54),
        (-158 + drop, 0.80 * out, 50),
        (-146 + drop, out + 22, 50),
        (-126 + drop, out + 58, 54),
        (-100 + drop, out + 72, 56),
        (-70 + drop, out + 62, 54),
        (-44 + drop, out + 26, 50),
        (-18 + drop, out - 6, 44),
        (20, 0.75 * out, 30),
        (60, 60, 10),
    )
    return np.array(rows, dtype=float)


def _arms(anatomy: Anatomy, inset: float) -> tuple[Ellipsoid, ...]:
    build = anatomy.build
    x = build.half_width + 0.5 * build.wall
    thick = 36.0 + 0.4 * build.wall - inset
    return tuple(
        Ellipsoid((side * (x + 74.0), 0.0 + build.shoulder_drop, -6.0), (thick, 170.0, thick), -side * 0.16)
        for side in (-1.0, 1.0)
    )


def body(anatomy: Anatomy, rays: Rays, inset: float) -> Map:
    """Return how deep each ray runs in the body more than ``inset`` mm below the skin, mm of depth."""
    parts = [_column(rays, _torso(anatomy), inset), _column(rays, _cape(anatomy), inset, -8.0)]
    parts += [ellipsoid_interval(shape, rays) for shape in _arms(anatomy, inset)]
    return union_length(parts, EVERYWHERE)
