"""Fine structures as dense points of matter, dropped onto the detector: bones, vessels, airways, calcium.

A body element of volume dV and attenuation difference m contributes ``m dV w^-2 / pixel area`` to the line integral of the pixel it
projects to (w: inverse magnification). Summed over a dense sampling this is the line integral itself, also where a rib runs along the ray.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from phantom.beam import Beam, Grid

    Map = NDArray[np.float32]
    Points = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Matter:
    """``points`` (n, 3) float32 in mm (x, y, a) and ``mass`` (n,) float32 in mm^3 times mm^-1, that is mm^2."""

    points: Points
    mass: Points


def gather(parts: Iterable[Matter]) -> Matter:
    """Return all parts as one."""
    parts = tuple(parts)
    if not parts:
        return Matter(np.zeros((0, 3), np.float32), np.zeros(0, np.float32))
    return Matter(np.concatenate([part.points for part in parts]), np.concatenate([part.mass for part in parts]))


def project(points: Points, beam: Beam, grid: Grid) -> tuple[Points, Points, Points]:
    """Return columns, rows (continuous pixel coordinates) and magnification of the points."""
    magnification = 1.0 / (np.float32(beam.p) + np.float32(beam.q) * points[:, 2])
    scale = magnification * np.float32(1.0 / grid.pitch)
    return points[:, 0] * scale + np.float32(grid.cx), points[:, 1] * scale + np.float32(grid.cy), magnification


def deposit(matter: Matter, beam: Beam, grid: Grid) -> Map:
    """Return the line integral of the matter on the grid, (rows, columns) float32, each point shared by its four nearest pixels."""
    column, row, magnification = project(matter.points, beam, grid)
    weight = matter.mass * magnification * magnification * np.float32(1.0 / grid.pitch**2)
    column = column - np.float32(0.5)
    row = row - np.float32(0.5)
    i = np.floor(column).astype(np.int32)
    j = np.floor(row).astype(np.int32)
    inside = (i >= 0) & (j >= 0) & (i < grid.columns - 1) & (j < grid.rows - 1)
    i, j, column, row, weight = i[inside], j[inside], column[inside], row[inside], weight[inside]
    fx = column - i
    fy = row - j
    flat = j * np.int32(grid.columns) + i
    size = grid.rows * grid.columns
    upper, lower = weight * (1.0 - fy), weight * fy
    total = np.bincount(flat, upper * (1.0 - fx), size)
    total += np.bincount(flat + 1, upper * fx, size)
    total += np.bincount(flat + grid.columns, lower * (1.0 - fx), size)
    total += np.bincount(flat + grid.columns + 1, lower * fx, size)
    return total.reshape(grid.rows, grid.columns).astype(np.float32)


def frames(path: NDArray[np.float64], up: tuple[float, float, float]) -> tuple[NDArray[np.float64], ...]:
    """Return unit tangent, unit "height" (closest to ``up``) and unit normal along a path, each (n, 3)."""
    tangent = np.gradient(path, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    height = np.asarray(up) - tangent * (tangent * np.asarray(up)).sum(axis=1, keepdims=True)
    height /= np.linalg.norm(height, axis=1, keepdims=True)
    return tangent, height, np.cross(tangent, height)


def disc(count: int) -> NDArray[np.float64]:
    """Return ``count`` points spread evenly over the unit disc (sunflower spiral), (count, 2)."""
    k = np.arange(count) + 0.5
    radius = np.sqrt(k / count)
    angle = k * (np.pi * (3.0 - np.sqrt(5.0)))
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def tube(path: NDArray[np.float64], radius: NDArray[np.float64], attenuation: float) -> Matter:
    """Return a filled round tube along ``path`` (n, 3), with ``radius`` (n,) mm and attenuation difference in mm^-1."""
    return shell_tube(path, radius, radius, Bone(attenuation, attenuation, 0.05 * float(radius.min())))


def smooth(t: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a Catmull-Rom curve through equally spaced values, at ``t`` in [0, 1].

    >>> [float(x) for x in smooth(np.array([0.0, 0.5, 1.0]), np.array([1.0, 5.0, 2.0]))]
    [1.0, 5.0, 2.0]
    """
    padded = np.concatenate([[2 * values[0] - values[1]], values, [2 * values[-1] - values[-2]]])
    at = np.clip(t * (len(values) - 1), 0, len(values) - 1)
    k = np.minimum(at.astype(int), len(values) - 2)
    f = at - k
    p0, p1, p2, p3 = (padded[k + j] for j in range(4))
    return 0.5 * (2 * p1 + (p2 - p0) * f + (2 * p0 - 5 * p1 + 4 * p2 - p3) * f**2 + (3 * p1 - p0 - 3 * p2 + p3) * f**3)


def smooth_path(knots: NDArray[np.float64], step: float) -> NDArray[np.float64]:
    """Return a smooth path through ``knots`` (n, 3), resampled every ``step`` mm."""
    t = np.linspace(0.0, 1.0, 40 * len(knots))
    return resample(np.stack([smooth(t, knots[:, axis]) for axis in range(3)], axis=1), step)


def resample(path: NDArray[np.float64], step: float) -> NDArray[np.float64]:
    """Return the polyline resampled at equal arc lengths of about ``step`` mm."""
    arc = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    count = max(int(arc[-1] / step) + 1, 3)
    at = np.linspace(0.0, arc[-1], count)
    return np.stack([np.interp(at, arc, path[:, axis]) for axis in range(3)], axis=1)


def even(count: int, dimensions: int) -> NDArray[np.float64]:
    """Return ``count`` points spread evenly over the unit cube without forming a lattice, (count, dimensions).

    Formula: ``frac(0.5 + k g^-d)`` with g the positive root of ``x^(D+1) = x + 1``.

    Source: Roberts, The unreasonable effectiveness of quasirandom sequences, 2018 (R sequence).
    """
    root = {2: 1.32471795724474602596, 3: 1.22074408460575947536}[dimensions]
    step = root ** -np.arange(1.0, dimensions + 1.0)
    return (0.5 + np.arange(1, count + 1)[:, None] * step) % 1.0


@dataclass(frozen=True, slots=True)
class Bone:
    """Material of a long bone: attenuation differences of cortical and cancellous bone to soft tissue (mm^-1), thickness of the cortex (mm)."""

    cortical: float
    cancellous: float
    cortex: float


def shell_tube(
    path: NDArray[np.float64], half_height: NDArray[np.float64] | float, half_width: NDArray[np.float64] | float, bone: Bone
) -> Matter:
    """Return a bone: an elliptical tube of cancellous inside and a cortical shell.

    ``half_height`` lies along the film's vertical, ``half_width`` across it; both may vary along the path, mm.
    """
    step = np.linalg.norm(np.gradient(path, axis=0), axis=1)
    _, height, normal = frames(path, (0.0, 1.0, 0.0))
    tall = np.broadcast_to(np.asarray(half_height, dtype=float), len(path))[:, None]
    wide = np.broadcast_to(np.asarray(half_width, dtype=float), len(path))[:, None]
    rows = max(int(2 * tall.max() / 0.6), 6)
    stagger = ((np.arange(len(path)) * 0.618034) % 1.0)[:, None] - 0.5
    t = np.clip((np.arange(rows)[None, :] + 0.5 + stagger) / rows * 2 - 1, -0.999, 0.999)
    outer = wide * np.sqrt(1 - t**2)
    inner = (wide - bone.cortex) * np.sqrt(np.maximum(1 - (t * tall / (tall - bone.cortex)) ** 2, 0.0))
    element = step[:, None] * 2 * tall / rows
    shell, core = 2 * (outer - inner) * bone.cortical * element, 2 * inner * bone.cancellous * element
    layers = ((-0.9, 0.5, 0.2), (-0.35, 0.0, 0.3), (0.35, 0.0, 0.3), (0.9, 0.5, 0.2))
    vertical = path[:, None, :] + height[:, None, :] * (t * tall)[:, :, None]
    points = [vertical + normal[:, None, :] * (outer * place)[:, :, None] for place, _, _ in layers]
    mass = [share_shell * shell + share_core * core for _, share_shell, share_core in layers]
    return Matter(np.concatenate(points).reshape(-1, 3).astype(np.float32), np.concatenate(mass).reshape(-1).astype(np.float32))
