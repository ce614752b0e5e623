"""How long a ray runs inside a shape: closed forms for quadrics, and the length of unions of intervals.

All functions work on the depth coordinate a; multiply by ``obliquity`` to get millimetres along the ray.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from phantom.beam import Beam

    Map = NDArray[np.float32]
    Interval = tuple[Map, Map]


@dataclass(frozen=True, slots=True)
class Rays:
    """The rays of one exposure: the beam, and the detector coordinates u (1, columns) and v (rows, 1) they reach, mm."""

    beam: Beam
    u: Map
    v: Map


EVERYWHERE: Interval = (np.float32(-400.0), np.float32(400.0))  # type: ignore[assignment]
"""Depths wide enough for any body, mm."""


@dataclass(frozen=True, slots=True)
class Ellipsoid:
    """A solid ellipsoid: ``centre`` (x, y, a) and ``radii`` in mm, turned by ``coronal`` then ``axial`` radians.

    ``coronal`` turns x towards y (clockwise on the film), ``axial`` turns x towards a.
    """

    centre: tuple[float, float, float]
    radii: tuple[float, float, float]
    coronal: float = 0.0
    axial: float = 0.0

    def axes(self) -> NDArray[np.float64]:
        """Return the (3, 3) matrix whose rows are the unit axes in the body frame."""
        cc, sc = np.cos(self.coronal), np.sin(self.coronal)
        ca, sa = np.cos(self.axial), np.sin(self.axial)
        coronal = np.array([[cc, sc, 0.0], [-sc, cc, 0.0], [0.0, 0.0, 1.0]])
        axial = np.array([[ca, 0.0, sa], [0.0, 1.0, 0.0], [-sa, 0.0, ca]])
        return np.einsum("ij,jk->ik", coronal, axial)

    def scaled(self, factor: float, about: tuple[float, float, float]) -> Ellipsoid:
        """Return the ellipsoid scaled by ``factor`` about a point."""
        centre = tuple(q + factor * (c - q) for c, q in zip(self.centre, about, strict=True))
        radii = tuple(factor * r for r in self.radii)
        return Ellipsoid(centre, radii, self.coronal, self.axial)  # type: ignore[arg-type]

    def moved(self, dx: float, dy: float, da: float) -> Ellipsoid:
        """Return the ellipsoid moved by the given millimetres."""
        x, y, a = self.centre
        return Ellipsoid((x + dx, y + dy, a + da), self.radii, self.coronal, self.axial)


def length(interval: Interval) -> Map:
    """Return the depth between entry and exit, mm."""
    low, high = interval
    return np.maximum(high - low, 0.0)


def obliquity(rays: Rays) -> Map:
    """Return millimetres of ray per millimetre of depth: ``sqrt(1 + (u^2 + v^2) / distance^2)``."""
    squared = rays.u * rays.u + rays.v * rays.v
    return np.sqrt(1.0 + squared * np.float32(1.0 / rays.beam.distance**2)).astype(np.float32)


def ellipsoid_interval(shape: Ellipsoid, rays: Rays) -> Interval:
    """Return the depths where each ray enters and leaves the ellipsoid; equal where it misses.

    Formula: the ray is ``o + a d`` with ``o = (u p, v p, 0)`` and ``d = (u q, v q, 1)``; in the ellipsoid's own axes, divided by its radii,
    ``|o' + a d'|^2 = 1`` is a quadratic in a.
    """
    beam, u, v = rays.beam, rays.u, rays.v
    scaled = shape.axes() / np.asarray(shape.radii)[:, None]
    aa = np.float32(0.0)
    ab = np.float32(0.0)
    bb = np.float32(-1.0)
    for row in scaled.astype(np.float32):
        lateral = u * row[0] + v * row[1]
        d = lateral * np.float32(beam.q) + row[2]
        o = lateral * np.float32(beam.p) - np.float32(np.sum(row * np.asarray(shape.centre, dtype=np.float32)))
        aa = aa + d * d
        ab = ab + o * d
        bb = bb + o * o
    root = np.sqrt(np.maximum(ab * ab - aa * bb, 0.0))
    return (-ab - root) / aa, (-ab + root) / aa


def union_length(intervals: Sequence[Interval], within: Interval) -> Map:
    """Return the depth that the union of ``intervals`` covers inside ``within``.

    >>> one = lambda a, b: (np.full((1, 1), a, np.float32), np.full((1, 1), b, np.float32))
    >>> float(union_length([one(0, 4), one(3, 6), one(8, 9)], one(1, 100))[0, 0])
    6.0
    """
    edges = np.broadcast_arrays(*within, *(edge for interval in intervals for edge in interval))
    total = np.zeros(edges[0].shape, np.float32)
    window = _window(edges[1] > edges[0])
    low, high, *rest = (edge[window] for edge in edges)
    if len(rest) == 2:
        total[window] = np.maximum(np.minimum(rest[1], high) - np.maximum(rest[0], low), 0.0)
    elif rest:
        total[window] = _swept(np.clip(np.stack(rest[0::2]), low, high), np.clip(np.stack(rest[1::2]), low, high), low)
    return total


def _window(hit: NDArray[np.bool_]) -> tuple[slice, slice]:
    """Return the smallest window of rows and columns that holds every hit: rays beside it need no work."""
    rows, columns = np.flatnonzero(hit.any(axis=1)), np.flatnonzero(hit.any(axis=0))
    if len(rows) == 0:
        return slice(0, 0), slice(0, 0)
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _swept(starts: Map, ends: Map, low: Map) -> Map:
    """Return the length of the union of intervals stacked along axis 0, by a sweep in order of their starts."""
    order = np.argsort(starts, axis=0, kind="stable")
    starts, ends = np.take_along_axis(starts, order, axis=0), np.take_along_axis(ends, order, axis=0)
    reach = np.array(low, dtype=np.float32)
    total = np.zeros_like(reach)
    for start, end in zip(starts, ends, strict=True):
        total += np.maximum(end - np.maximum(start, reach), 0.0)
        np.maximum(reach, end, out=reach)
    return total
