"""The bones as matter: vertebrae with discs and processes, ribs, clavicles, scapulae, humeral heads, sternum."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from phantom.anatomy import FIRST_THORACIC, LEVELS
from phantom.deposit import Matter, gather, resample, shell_tube

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from phantom.anatomy import Anatomy
    from phantom.attenuation import Tissues
    from phantom.lungs import Lung

_BODY_DEPTH = 0.80


@cache
def _unit_body() -> tuple[NDArray[np.float64], ...]:
    """Return unit points of a vertebral body (x, y, a in [-1, 1]), split in cancellous core, side wall and end plates."""
    x, y, a = np.meshgrid(np.linspace(-0.97, 0.97, 34), np.linspace(-0.97, 0.97, 44), np.linspace(-0.9, 0.9, 7), indexing="ij")
    core = np.stack([x, y, a], axis=-1).reshape(-1, 3)
    core = core[np.abs(core[:, 0]) ** 2.6 + np.abs(core[:, 2]) ** 2.6 < 1]
    angle, level = np.meshgrid(np.linspace(0, 2 * np.pi, 72, endpoint=False), np.linspace(-1, 1, 44), indexing="ij")
    cos, sin = np.cos(angle), np.sin(angle)
    wall = np.stack([np.sign(cos) * np.abs(cos) ** 0.77, level, np.sign(sin) * np.abs(sin) ** 0.77], axis=-1).reshape(-1, 3)
    px, pa = np.meshgrid(np.linspace(-1, 1, 72), np.linspace(-0.95, 0.95, 12), indexing="ij")
    flat = np.stack([px, np.zeros_like(px), pa], axis=-1).reshape(-1, 3)
    flat = flat[np.abs(flat[:, 0]) ** 2.6 + np.abs(flat[:, 2]) ** 2.6 < 1]
    return core, wall, flat


def _place(points: NDArray[np.float64], anatomy: Anatomy, level: int) -> NDArray[np.float32]:
    """Turn points of a vertebra's own frame by its rotation and tilt and move them to its place."""
    spine = anatomy.spine
    cr, sr = np.cos(spine.rotation[level]), np.sin(spine.rotation[level])
    ct, st = np.cos(-spine.tilt[level]), np.sin(-spine.tilt[level])
    x = points[:, 0] * cr + points[:, 2] * sr
    a = -points[:, 0] * sr + points[:, 2] * cr
    turned = np.stack([x * ct - points[:, 1] * st, x * st + points[:, 1] * ct, a], axis=1)
    return (turned + spine.centre[level]).astype(np.float32)


def _body(anatomy: Anatomy, level: int, tissue: Tissues) -> Iterator[tuple[NDArray[np.float64], float]]:
    """Yield points of one vertebral body in its own frame with the mass of each point."""
    spine = anatomy.spine
    core, wall, flat = _unit_body()
    w, h = spine.half_width[level], spine.height[level] / 2
    d = _BODY_DEPTH * w
    waist = 1.0 - 0.13 * (1.0 - core[:, 1:2] ** 2) * np.array([[1.0, 0.0, 0.8]])
    size = np.array([w, h, d])
    yield core * waist * size, (tissue.cancellous - tissue.soft) * 0.85 * 8 * w * h * d * 0.86 / len(core)
    waist = 1.0 - 0.13 * (1.0 - wall[:, 1:2] ** 2) * np.array([[1.0, 0.0, 0.8]])
    yield wall * waist * size, (tissue.cortical - tissue.soft) * 0.45 * (5.9 * w * 0.9) * 2 * h / len(wall)
    area = 3.6 * w * d
    for edge, other in ((-1.0, level - 1), (1.0, level)):
        extra = spine.sclerosis[max(other, 0)]
        for depth in np.linspace(0.0, 0.6 + extra, 3):
            plate = flat * size + np.array([0.0, edge * (h - depth), 0.0])
            yield plate, (tissue.cortical - tissue.soft) * (0.55 + 0.75 * extra) / 3 * area / len(flat)


def _osteophytes(anatomy: Anatomy, level: int, tissue: Tissues) -> Iterator[Matter]:
    """Yield the spurs at the disc below ``level``: beaks that grow sideways from both end plates and curve towards each other."""
    spine = anatomy.spine
    for side, spur in zip((-1.0, 1.0), spine.osteophyte[level], strict=True):
        if spur < 0.4 or level + 1 >= len(LEVELS):
            continue
        t = np.linspace(0.0, 1.0, 14)
        for upper, owner in ((True, level), (False, level + 1)):
            sign = 1.0 if upper else -1.0
            w, h = spine.half_width[owner], spine.height[owner] / 2
            for depth in np.linspace(-0.55, 0.75, 7) * _BODY_DEPTH * w:
                edge = w * (1 - abs(depth / (_BODY_DEPTH * w)) ** 2.6) ** (1 / 2.6)
                x = side * (edge - 2.0 + (spur + 2.0) * t)
                y = sign * (h - 1.5 - 2.2 * (1 - t) + (0.5 * spine.disc[level] + 1.0) * t**2)
                path = np.stack([x, y, np.full_like(t, depth)], axis=1)
                placed = _place(path, anatomy, owner).astype(np.float64)
                radius = 0.35 + (0.9 + 0.17 * spur) * (1 - t) ** 0.8
                for offset in (-0.6, 0.0, 0.6):
                    points = (placed + np.outer(radius, [0.0, offset, 0.0])).astype(np.float32)
                    mass = 2.0 * radius * 2.6 * (spur + 2.0) / len(t) / 3 * (tissue.cortical - tissue.soft) * 0.9
                    yield Matter(points, mass.astype(np.float32))


def _arch(anatomy: Anatomy, level: int, tissue: Tissues) -> Iterator[Matter]:
    """Yield pedicles, transverse processes, laminae and the spinous process."""
    spine = anatomy.spine
    w, h = spine.half_width[level], spine.height[level] / 2
    d = _BODY_DEPTH * w
    bone = (tissue.cortical - tissue.soft, tissue.cancellous - tissue.soft, 0.8)
    for side in (-1.0, 1.0):
        pedicle = np.array([[side * 0.66 * w, -0.38 * h, -d * 0.9], [side * 0.68 * w, -0.36 * h, -d - 9.0]])
        transverse = np.array([[side * 0.7 * w, -0.3 * h, -d - 8.0], [side * (w + 6.0), -0.5 * h, -d - 14.0], [side * (w + 13.0), -0.62 * h, -d - 19.0]])
        lamina = np.array([[side * 0.62 * w, 0.1 * h, -d - 10.0], [0.0, 0.75 * h, -d - 22.0]])
        for path, height, width in ((pedicle, 5.0, 3.0), (transverse, 3.6, 3.2), (lamina, 5.0, 2.0)):
            placed = resample(_place(path, anatomy, level).astype(np.float64), 0.8)
            yield shell_tube(placed, height, width, bone)
    spinous = np.array([[0.0, 0.7 * h, -d - 20.0], [0.0, 1.5 * h, -d - 33.0], [0.0, 2.1 * h, -d - 44.0]])
    yield shell_tube(resample(_place(spinous, anatomy, level).astype(np.float64), 0.8), 4.6, 2.4, bone)


def spine(anatomy: Anatomy, tissue: Tissues) -> Matter:
    """Return all vertebrae from C5 to L3."""
    parts = []
    for level in range(len(LEVELS)):
        for points, mass in _body(anatomy, level, tissue):
            parts.append(Matter(_place(points, anatomy, level), np.full(len(points), mass, np.float32)))
        parts += _osteophytes(anatomy, level, tissue)
        parts += _arch(anatomy, level, tissue)
    return gather(parts)


def body_outlines(anatomy: Anatomy, levels: range, spurs: bool = False) -> NDArray[np.float32]:
    """Return surface points of the bodies of ``levels`` (with their spurs if asked), (n, 3) mm: what the masks and boxes are made from."""
    found = []
    for level in levels:
        w, h = anatomy.spine.half_width[level], anatomy.spine.height[level] / 2
        _, wall, _ = _unit_body()
        found.append(_place(wall * np.array([w, h, _BODY_DEPTH * w]), anatomy, level))
        if spurs and level + 1 < len(LEVELS):
            for side, spur in zip((-1.0, 1.0), anatomy.spine.osteophyte[level], strict=True):
                found.append(_place(np.array([[side * (w + spur), h, 0.0]]), anatomy, level))
    return np.concatenate(found)


def rib_path(anatomy: Anatomy, lung: Lung, number: int) -> NDArray[np.float64]:
    """Return the centreline of rib ``number`` (1 to 12) on the lung's side, (n, 3) mm, from the vertebra to its front end."""
    spine = anatomy.spine
    build = anatomy.build
    level = FIRST_THORACIC + number - 1
    root = spine.centre[level]
    last = {1: 118.0, 2: 132.0, 11: 95.0, 12: 62.0}.get(number, 146.0 - 1.2 * abs(number - 5))
    angle = np.radians(np.linspace(12.0, last, 220))
    back = np.minimum(angle / (np.pi / 2), 1.0)
    front = np.maximum(angle - np.pi / 2, 0.0) / (np.pi / 2)
    drop = np.interp(number, [1, 2, 4, 8, 10, 12], [12.0, 20.0, 33.0, 44.0, 48.0, 50.0]) * build.rib_slope
    fall = np.interp(number, [1, 2, 4, 8, 12], [24.0, 38.0, 52.0, 58.0, 50.0]) * build.rib_slope
    y = root[1] - 3.0 + drop * (back**1.55) - 5.0 * np.sin(np.pi * back) + fall * (1.0 - np.cos(front * np.pi / 2)) * 0.55 + fall * front * 0.62
    tilted = np.tan(spine.tilt[level]) * lung.side * 0.35
    y = y - tilted * 55.0 * np.sin(np.minimum(angle, np.pi / 2))
    index = lung._index(np.maximum(y, build.apex + 9.0).astype(np.float32))  # noqa: SLF001
    wide = np.abs(lung.centre[index] - 0.4 * spine.lateral(y)) + lung.half_width[index] + 3.5
    deep = lung.half_depth[index] + 3.0
    middle = lung.depth[index]
    x = 0.4 * spine.lateral(y) + lung.side * wide * np.sin(angle) ** 0.85
    a = middle - deep * np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** 0.8
    blend = np.clip(1.0 - back / 0.35, 0.0, 1.0) ** 1.5
    x = x * (1 - blend) + (root[0] + lung.side * (spine.half_width[level] + 4.0) + lung.side * 26.0 * back) * blend
    a = a * (1 - blend) + (root[2] - 14.0) * blend
    return resample(np.stack([x, y, a], axis=1).astype(np.float64), 0.7)


def ribs(anatomy: Anatomy, lungs: tuple[Lung, Lung], tissue: Tissues) -> Matter:
    """Return the twelve pairs of ribs."""
    bone = (tissue.cortical - tissue.soft, 0.7 * (tissue.cancellous - tissue.soft), 0.75)
    size = anatomy.build.scale
    return gather(
        shell_tube(rib_path(anatomy, lung, number), (6.6 if number > 1 else 7.4) * size * (0.72 if number > 10 else 1.0), 3.2 * size, bone)
        for lung in lungs
        for number in range(1, 13)
    )


def _clavicle(anatomy: Anatomy, side: float, tissue: Tissues) -> Matter:
    build = anatomy.build
    drop = build.shoulder_drop
    end = build.half_width + 26.0
    knots = np.array([
        [side * 17.0 + 0.4 * build.rotation, -108.0, 52.0], [side * 0.35 * end, -121.0, 50.0], [side * 0.62 * end, -132.0 + 0.4 * drop, 30.0],
        [side * 0.85 * end, -141.0 + 0.8 * drop, 8.0], [side * end, -143.0 + drop, 4.0],
    ])
    t = np.linspace(0, 1, 160)
    path = np.stack([_smooth(t, knots[:, axis]) for axis in range(3)], axis=1)
    bone = (tissue.cortical - tissue.soft, tissue.cancellous - tissue.soft, 1.3)
    return shell_tube(resample(path, 0.6), 6.3 * build.scale, 5.2 * build.scale, bone)


def _smooth(t: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a Catmull-Rom curve through equally spaced values."""
    padded = np.concatenate([[2 * values[0] - values[1]], values, [2 * values[-1] - values[-2]]])
    at = np.clip(t * (len(values) - 1), 0, len(values) - 1 - 1e-9)
    k = at.astype(int)
    f = at - k
    p0, p1, p2, p3 = (padded[k + j] for j in range(4))
    return 0.5 * (2 * p1 + (p2 - p0) * f + (2 * p0 - 5 * p1 + 4 * p2 - p3) * f**2 + (3 * p1 - p0 - 3 * p2 + p3) * f**3)


def _scapula(anatomy: Anatomy, side: float, view: str, tissue: Tissues) -> Iterator[Matter]:
    """Yield blade, borders and spine of the scapula; in a PA film the shoulders are rolled forward and it lies more lateral."""
    build = anatomy.build
    out = build.half_width * (0.86 if view == "PA" else 0.72)
    drop = build.shoulder_drop
    corners = np.array([
        [side * out, -138.0 + drop, -0.8 * build.half_depth], [side * (out + 12.0), -5.0 + drop, -0.95 * build.half_depth],
        [side * (build.half_width + 30.0), -112.0 + drop, -25.0],
    ])
    s, t = np.meshgrid(np.linspace(0, 1, 150), np.linspace(0, 1, 150), indexing="ij")
    keep = s + t <= 1
    s, t = s[keep], t[keep]
    blade = corners[0] * (1 - s - t)[:, None] + corners[1] * s[:, None] + corners[2] * t[:, None]
    area = 0.5 * np.linalg.norm(np.cross(corners[1] - corners[0], corners[2] - corners[0]))
    yield Matter(blade.astype(np.float32), np.full(len(blade), area / len(blade) * 1.5 * (tissue.cortical - tissue.soft) * 0.7, np.float32))
    bone = (tissue.cortical - tissue.soft, tissue.cancellous - tissue.soft, 1.0)
    tip = np.array([side * (build.half_width + 36.0), -142.0 + drop, 0.0])
    root = corners[0] + np.array([0.0, 28.0, -4.0])
    edges = ((corners[1], corners[2], 4.2, 4.2), (corners[0], corners[1], 1.6, 2.0), (root, tip, 3.4, 4.5), (corners[2] + [0, -12, 0], corners[2] + [0, 16, 0], 5.0, 7.0))
    for begin, end, height, width in edges:
        yield shell_tube(resample(np.stack([begin, (begin + end) / 2 + np.array([side * 1.5, 0, 0]), end]), 0.8), height, width, bone)


def _humerus(anatomy: Anatomy, side: float, tissue: Tissues) -> Iterator[Matter]:
    build = anatomy.build
    centre = np.array([side * (build.half_width + 52.0), -110.0 + build.shoulder_drop, -8.0])
    k = np.arange(9000) + 0.5
    z = 1 - 2 * k / 9000
    ring = np.sqrt(1 - z**2)
    turn = k * (np.pi * (3 - np.sqrt(5)))
    shell = np.stack([ring * np.cos(turn), ring * np.sin(turn), z], axis=1)
    radius = 23.0 * build.scale
    yield Matter((centre + radius * shell).astype(np.float32), np.full(9000, 4 * np.pi * radius**2 * 0.9 / 9000 * (tissue.cortical - tissue.soft), np.float32))
    inner = np.concatenate([shell * f for f in (0.35, 0.55, 0.72, 0.86, 0.95)])
    yield Matter((centre + radius * inner).astype(np.float32), np.full(len(inner), 4.19 * radius**3 / len(inner) * 0.6 * (tissue.cancellous - tissue.soft), np.float32))
    shaft = np.stack([centre + [side * 4, 10, 0], centre + [side * 14, 80, 0], centre + [side * 24, 190, 0]])
    yield shell_tube(resample(shaft, 0.8), 11.0, 11.0, (tissue.cortical - tissue.soft, 0.0, 3.2))


def _sternum(anatomy: Anatomy, tissue: Tissues) -> Matter:
    build = anatomy.build
    path = np.array([[0.0, -104.0, 0.80 * build.half_depth], [0.0, -60.0, 0.95 * build.half_depth], [0.0, 40.0, 1.02 * build.half_depth]])
    bone = (tissue.cortical - tissue.soft, tissue.cancellous - tissue.soft, 0.8)
    return shell_tube(resample(path, 0.9), 5.0, 17.0, bone)


def girdle(anatomy: Anatomy, view: str, tissue: Tissues) -> Matter:
    """Return clavicles, scapulae, humeral heads and sternum."""
    parts = [_sternum(anatomy, tissue)]
    for side in (-1.0, 1.0):
        parts.append(_clavicle(anatomy, side, tissue))
        parts += _scapula(anatomy, side, view, tissue)
        parts += _humerus(anatomy, side, tissue)
    return gather(parts)
