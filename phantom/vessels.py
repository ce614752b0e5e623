"""The pulmonary vessels and the main bronchi: branching tubes inside the lungs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from phantom.deposit import Matter, disc, gather, smooth_path, tube
from phantom.random_streams import stream

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from phantom.anatomy import Anatomy
    from phantom.attenuation import Tissues
    from phantom.lungs import Lung

_SAMPLES = 26
_GENERATIONS = 7


def _hilum(anatomy: Anatomy, side: int) -> NDArray[np.float64]:
    """Return the hilum's place; the left one stands about 12 mm higher."""
    y = -22.0 * anatomy.build.scale - (10.0 if side > 0 else 0.0)
    return np.array([side * 36.0 + 0.4 * float(anatomy.spine.lateral(y)), y, -2.0])


def _trunks(rng: np.random.Generator, side: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return directions and radii of the lobar vessels that leave one hilum."""
    down = np.radians(np.array([-80.0, -68, -56, -44, -32, -18, -4, 10, 22, 34, 44, 54, 62, 70, 78, -60, -25, 16, 50, 66]))
    down = down + 0.10 * rng.standard_normal(20)
    fore = np.array(
        [0.1, -0.6, 0.5, -0.3, 0.8, -0.8, 0.5, -0.4, 0.9, 0.2, -0.9, 0.5, -0.3, 0.1, -0.6, 0.1, 0.0, -0.1, 0.1, 0.6]
    ) + 0.2 * rng.standard_normal(20)
    radius = np.array(
        [2.4, 2.4, 2.7, 2.5, 2.2, 2.3, 2.2, 2.4, 2.7, 3.1, 3.4, 3.8, 4.0, 4.2, 3.2, 2.2, 2.0, 2.4, 3.6, 3.4]
    ) * rng.uniform(0.8, 1.15, 20)
    direction = np.stack([side * np.cos(down), np.sin(down), fore], axis=1)
    return direction / np.linalg.norm(direction, axis=1, keepdims=True), radius


def _branches(rng: np.random.Generator, anatomy: Anatomy, side: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return all branches of one lung as points (n, samples, 3) and radii (n, samples)."""
    direction, radius = _trunks(rng, side)
    start = _hilum(anatomy, side) + 3.0 * rng.standard_normal((len(radius), 3)) + direction * 2.0
    length = 29.0 * anatomy.build.scale * rng.uniform(0.7, 1.3, len(radius))
    t = np.linspace(0.0, 1.0, _SAMPLES)
    paths, radii = [], []
    for _ in range(_GENERATIONS):
        bend = 0.17 * rng.standard_normal(direction.shape)
        bend[:, 1] += 0.06
        curved = direction[:, None, :] * t[None, :, None] + bend[:, None, :] * (t**2)[None, :, None]
        path = start[:, None, :] + length[:, None, None] * curved
        paths.append(path)
        radii.append(radius[:, None] * (1.0 - 0.22 * t[None, :]))
        heading = direction + 2.0 * bend
        heading /= np.linalg.norm(heading, axis=1, keepdims=True)
        spread = 0.36 * rng.standard_normal((2, *heading.shape))
        direction = np.concatenate([heading + spread[0], heading - spread[0] + 0.35 * spread[1]])
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        start = np.concatenate([path[:, -1], path[:, -1]])
        share = rng.uniform(0.64, 0.88, len(start))
        radius = np.concatenate([radius, radius]) * share
        length = np.concatenate([length, length]) * rng.uniform(0.70, 0.98, len(start))
    return np.concatenate(paths), np.concatenate(radii)


def pulmonary(anatomy: Anatomy, lungs: tuple[Lung, Lung], tissue: Tissues) -> Matter:
    """Return the vessels of both lungs, blood in place of aerated lung; what would leave the lung is left out."""
    parts = []
    for lung in lungs:
        rng = stream(anatomy.spec.seed, anatomy.spec.index, f"vessels{lung.side}")
        path, radius = _branches(rng, anatomy, lung.side)
        step = np.linalg.norm(np.diff(path, axis=1), axis=2).mean(axis=1)
        mass = np.pi * radius**2 * step[:, None] * (tissue.soft - tissue.lung)
        path, radius, mass = path.reshape(-1, 3), radius.reshape(-1), mass.reshape(-1)
        depth, half = lung.half_chord(path[:, 0].astype(np.float32), path[:, 1].astype(np.float32))
        inside = (np.abs(path[:, 2] - depth) < half) & _above_dome(lung, path) & (radius > 0.22)
        parts += _thicken(path[inside], radius[inside], mass[inside])
    return gather(parts)


def _above_dome(lung: Lung, path: NDArray[np.float64]) -> NDArray[np.bool_]:
    cx, rx, ca, ra, height = lung.dome
    dome = lung.base - height * np.maximum(0.0, 1 - ((path[:, 0] - cx) / rx) ** 2 - ((path[:, 2] - ca) / ra) ** 2)
    return path[:, 1] < dome


def _thicken(path: NDArray[np.float64], radius: NDArray[np.float64], mass: NDArray[np.float64]) -> list[Matter]:
    """Spread every centreline point over its cross-section, with more points the wider it is."""
    parts = []
    for low, high, count in ((0.0, 0.6, 1), (0.6, 1.4, 5), (1.4, 2.6, 14), (2.6, 99.0, 36)):
        chosen = (radius >= low) & (radius < high)
        pattern = disc(count) if count > 1 else np.zeros((1, 2))
        offset = np.concatenate([pattern, np.zeros((count, 1))], axis=1)
        points = path[chosen][:, None, :] + radius[chosen][:, None, None] * offset[None]
        parts.append(Matter(points.reshape(-1, 3).astype(np.float32), np.repeat(mass[chosen] / count, count).astype(np.float32)))
    return parts


def hilar_trunks(anatomy: Anatomy, tissue: Tissues) -> Matter:
    """Return the two main pulmonary arteries where they leave the mediastinum."""
    parts = []
    for side in (-1, 1):
        x, y, a = _hilum(anatomy, side)
        if side < 0:
            knots = np.array([[x + 16, y - 2, a], [x, y + 2, a], [x - 6, y + 14, a - 8], [x - 9, y + 28, a - 18]])
        else:
            knots = np.array([[x - 14, y + 0, a], [x + 0, y - 4, a - 8], [x + 4, y + 8, a - 18], [x + 5, y + 22, a - 26]])
        path = smooth_path(knots, 0.6)
        radius = np.linspace(8.0, 4.8, len(path))
        parts.append(tube(path, radius, (tissue.soft - tissue.lung) * 0.6))
    return gather(parts)


def bronchi(anatomy: Anatomy, tissue: Tissues) -> Matter:
    """Return the air of the main bronchi as negative matter."""
    y = anatomy.aorta.arch_y + 26.0
    x = 0.4 * float(anatomy.spine.lateral(y)) + 0.5 * anatomy.build.rotation
    right = np.array([[x - 1, y, -6.0], [x - 16, y + 18, -9.0], [x - 28, y + 34, -11.0], [x - 34, y + 52, -15.0]])
    left = np.array([[x + 1, y, -6.0], [x + 20, y + 18, -10.0], [x + 38, y + 33, -14.0], [x + 44, y + 46, -18.0]])
    parts = []
    for knots, wide in ((right, 6.8), (left, 5.8)):
        path = smooth_path(knots, 0.6)
        radius = np.linspace(wide, 3.2, len(path)) * anatomy.build.scale
        parts.append(tube(path, radius, -tissue.soft))
    return gather(parts)
