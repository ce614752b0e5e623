"""The bones as matter: vertebrae with discs and processes, ribs, clavicles, scapulae, humeral heads, sternum."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from phantom.chord import Ellipsoid
from phantom.deposit import Bone, Matter, even, gather, resample, shell_tube, smooth_path
from phantom.spinal_column import FIRST_THORACIC, LEVELS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from phantom.anatomy import Anatomy
    from phantom.attenuation import Tissues
    from phantom.lungs import Lung

_BODY_DEPTH = 0.80


@cache
def _unit_body() -> tuple[NDArray[np.float64], ...]:
    """Return unit points of a vertebral body (x, y, a in [-1, 1]), split in cancellous core, side wall and end plate."""
    core = even(17000, 3) * 2 - 1
    core = core[np.abs(core[:, 0]) ** 2.6 + np.abs(core[:, 2]) ** 2.6 < 1]
    spread = even(4500, 2)
    angle = 2 * np.pi * spread[:, 0]
    cos, sin = np.cos(angle), np.sin(angle)
    wall = np.stack([np.sign(cos) * np.abs(cos) ** 0.77, spread[:, 1] * 2 - 1, np.sign(sin) * np.abs(sin) ** 0.77], axis=-1)
    spread = even(1500, 2) * 2 - 1
    flat = np.stack([spread[:, 0], np.zeros(1500), spread[:, 1]], axis=-1)
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


def _waist(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the factors that draw a body in at its middle: 1 at the end plates, 0.87 in between (x and a)."""
    return 1.0 - 0.13 * (1.0 - points[:, 1:2] ** 2) * np.array([[1.0, 0.0, 0.8]])


def _body(anatomy: Anatomy, level: int, tissue: Tissues) -> Iterator[tuple[NDArray[np.float64], float]]:
    """Yield points of one vertebral body in its own frame with the mass of each point."""
    spine = anatomy.spine
    core, wall, flat = _unit_body()
    w, h = spine.half_width[level], spine.height[level] / 2
    d = _BODY_DEPTH * w
    size = np.array([w, h, d])
    yield core * _waist(core) * size, (tissue.cancellous - tissue.soft) * 0.8 * 6.3 * w * h * d / len(core)
    yield wall * _waist(wall) * size, (tissue.cortical - tissue.soft) * 0.35 * (5.3 * w) * 2 * h / len(wall)
    area = 3.4 * w * d
    for edge, disc in ((-1.0, max(level - 1, 0)), (1.0, level)):
        extra = spine.sclerosis[disc]
        layers = np.linspace(0.0, 0.8 + 1.3 * extra, 4)
        for depth in layers:
            dish = 0.9 * (1.0 - flat[:, 0] ** 2 - 0.5 * flat[:, 2] ** 2)
            plate = flat * size
            plate[:, 1] = edge * (h - depth - dish)
            yield plate, (tissue.cortical - tissue.soft) * (0.30 + 0.34 * extra) / len(layers) * area / len(flat)


def _osteophytes(anatomy: Anatomy, level: int, tissue: Tissues) -> Iterator[Matter]:
    """Yield the spurs at the disc below ``level``: beaks that grow sideways from both end plates and curve towards each other."""
    spine = anatomy.spine
    if level + 1 >= len(LEVELS):
        return
    spread = even(900, 3)
    for side, spur in zip((-1.0, 1.0), spine.osteophyte[level], strict=True):
        if spur < 0.3:
            continue
        for owner, sign in ((level, 1.0), (level + 1, -1.0)):
            w, h = spine.half_width[owner], spine.height[owner] / 2
            depth = (spread[:, 2] * 1.3 - 0.6) * _BODY_DEPTH * w
            edge = w * (1 - np.abs(depth / (_BODY_DEPTH * w)) ** 2.6) ** (1 / 2.6)
            t = spread[:, 0]
            thick = (1.2 + 0.42 * spur) * (1 - t) ** 0.8 + 0.3
            x = side * (edge - 1.5 + (spur + 1.5) * t)
            y = sign * (h - thick * spread[:, 1] + (0.5 * spine.disc[level] + 1.0) * t**2)
            volume = (spur + 1.5) * (1.2 + 0.42 * spur) * 0.62 * 1.3 * _BODY_DEPTH * w
            mass = np.full(900, volume * 0.55 * (tissue.cortical - tissue.soft) / 900)
            yield Matter(_place(np.stack([x, y, depth], axis=1), anatomy, owner), mass.astype(np.float32))


def _arch(anatomy: Anatomy, level: int, tissue: Tissues) -> Iterator[Matter]:
    """Yield pedicles, transverse processes, laminae and the spinous process."""
    spine = anatomy.spine
    w, h = spine.half_width[level], spine.height[level] / 2
    d = _BODY_DEPTH * w
    bone = Bone(tissue.cortical - tissue.soft, 0.6 * (tissue.cancellous - tissue.soft), 0.5)
    for side in (-1.0, 1.0):
        pedicle = np.array([[side * 0.66 * w, -0.38 * h, -d * 0.9], [side * 0.68 * w, -0.36 * h, -d - 9.0]])
        transverse = np.array(
            [
                [side * 0.7 * w, -0.3 * h, -d - 8.0],
                [side * (w + 6.0), -0.5 * h, -d - 14.0],
                [side * (w + 13.0), -0.62 * h, -d - 19.0],
            ]
        )
        lamina = np.array([[side * 0.62 * w, 0.1 * h, -d - 10.0], [0.0, 0.75 * h, -d - 22.0]])
        for path, height, width in ((pedicle, 4.8, 3.0), (transverse, 3.6, 3.0), (lamina, 5.0, 1.6)):
            yield shell_tube(resample(_place(path, anatomy, level).astype(np.float64), 0.8), height, width, bone)
    spinous = np.array([[0.0, 0.7 * h, -d - 20.0], [0.0, 1.5 * h, -d - 33.0], [0.0, 2.1 * h, -d - 44.0]])
    yield shell_tube(resample(_place(spinous, anatomy, level).astype(np.float64), 0.8), 4.4, 2.2, bone)


def spine(anatomy: Anatomy, tissue: Tissues) -> Matter:
    """Return all vertebrae from C5 to L3."""
    parts = []
    for level in range(len(LEVELS)):
        for points, mass in _body(anatomy, level, tissue):
            parts.append(Matter(_place(points, anatomy, level), np.full(len(points), mass, np.float32)))
        parts += _osteophytes(anatomy, level, tissue)
        parts += _arch(anatomy, level, tissue)
    return gather(parts)


def body_outlines(anatomy: Anatomy, levels: range, *, spurs: bool) -> NDArray[np.float32]:
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
    fall = np.interp(number, [1, 2, 4, 8, 12], [10.0, 20.0, 34.0, 30.0, 20.0]) * build.rib_slope
    y = root[1] - 3.0 + drop * back**1.6 - 5.0 * np.sin(np.pi * back) + (1.6 * drop + 4.0) * front + fall * front**2
    tilted = np.tan(spine.tilt[level]) * lung.side * 0.35
    y = y - tilted * 55.0 * np.sin(np.minimum(angle, np.pi / 2))
    wide, deep, middle = lung.section(np.maximum(y, build.apex + 9.0).astype(np.float32))
    wide, deep = wide + 3.5, deep + 3.0
    x = 0.4 * spine.lateral(y) + lung.side * wide * np.sin(angle) ** 0.74
    a = middle - deep * np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** 0.8
    blend = np.clip(1.0 - back / 0.35, 0.0, 1.0) ** 1.5
    x = x * (1 - blend) + (root[0] + lung.side * (spine.half_width[level] + 4.0) + lung.side * 26.0 * back) * blend
    a = a * (1 - blend) + (root[2] - 14.0) * blend
    return resample(np.stack([x, y, a], axis=1).astype(np.float64), 0.5)


def _rib(anatomy: Anatomy, lung: Lung, number: int, tissue: Tissues) -> Matter:
    """Return one rib: thick and round behind, flat and tall in front."""
    path = rib_path(anatomy, lung, number)
    along = np.linspace(0.0, 1.0, len(path))
    size = anatomy.build.scale * (0.75 if number > 10 else 1.0)
    tall = np.interp(along, [0, 0.08, 0.35, 0.7, 1.0], [4.2, 5.4, 6.2, 6.4, 7.4]) * size
    wide = np.interp(along, [0, 0.08, 0.35, 0.6, 1.0], [4.0, 4.6, 3.9, 3.0, 3.2]) * size
    bone = Bone(tissue.cortical - tissue.soft, 1.4 * (tissue.cancellous - tissue.soft), 0.66)
    return shell_tube(path, tall, wide, bone)


def ribs(anatomy: Anatomy, lungs: tuple[Lung, Lung], tissue: Tissues) -> Matter:
    """Return the twelve pairs of ribs."""
    return gather(_rib(anatomy, lung, number, tissue) for lung in lungs for number in range(1, 13))


def _clavicle(anatomy: Anatomy, side: float, tissue: Tissues) -> Matter:
    """Return a clavicle: an S from the manubrium to the acromion, thick at its inner end, flat at its outer one."""
    build = anatomy.build
    drop = build.shoulder_drop
    end = build.half_width + 24.0
    turn = side * 0.9 * build.rotation
    knots = np.array(
        [
            [side * 15.0 + 0.5 * build.rotation, -106.0, 50.0],
            [side * 0.30 * end, -113.0 + turn, 58.0],
            [side * 0.54 * end, -126.0 + 0.4 * drop, 46.0],
            [side * 0.80 * end, -141.0 + 0.8 * drop, 14.0],
            [side * end, -140.0 + drop, 8.0],
        ]
    )
    path = smooth_path(knots, 0.45)
    along = np.linspace(0, 1, len(path))
    tall = np.interp(along, [0, 0.06, 0.2, 0.5, 0.8, 0.97, 1], [6.5, 9.5, 7.2, 5.8, 5.6, 6.0, 3.5]) * build.scale
    wide = np.interp(along, [0, 0.06, 0.2, 0.5, 0.8, 1], [6.0, 8.0, 6.0, 5.2, 6.5, 7.0]) * build.scale
    return shell_tube(path, tall, wide, Bone(tissue.cortical - tissue.soft, 0.8 * (tissue.cancellous - tissue.soft), 1.2))


def _scapula(anatomy: Anatomy, side: float, tissue: Tissues) -> Iterator[Matter]:
    """Yield blade, borders and spine of the scapula; in a PA film the shoulders are rolled forward and it lies more lateral."""
    build = anatomy.build
    out = build.half_width * (0.90 if anatomy.spec.view == "PA" else 0.74)
    drop = build.shoulder_drop
    top, tip, socket = np.array(
        [
            [side * out, -132.0 + drop, -0.80 * build.half_depth],
            [side * (out + 10.0), 4.0 + drop, -0.95 * build.half_depth],
            [side * (build.half_width + 25.0), -108.0 + drop, -24.0],
        ]
    )
    s, t = np.sort(even(30000, 2), axis=1).T
    t = 1 - t
    bow = 9.0 * np.sin(np.pi * s) * side
    blade = top * (1 - s - t)[:, None] + tip * s[:, None] + socket * t[:, None] + np.outer(bow * (1 - t), [-0.5, 0.0, 0.0])
    area = 0.5 * np.linalg.norm(np.cross(tip - top, socket - top))
    thick = 1.3 + 2.4 * np.clip(1 - np.abs(1 - s - t) * 4, 0, 1) + 1.0 * np.clip(1 - t * 12, 0, 1)
    yield Matter(blade.astype(np.float32), (area / 30000 * thick * 0.75 * (tissue.cortical - tissue.soft)).astype(np.float32))
    bone = Bone(tissue.cortical - tissue.soft, 0.8 * (tissue.cancellous - tissue.soft), 0.32)
    acromion = np.array([side * (build.half_width + 38.0), -138.0 + drop, 2.0])
    root = 0.75 * top + 0.25 * tip
    ridge = np.stack([root, 0.5 * (root + acromion) + [0.0, 2.0, -12.0], acromion])
    edge = np.stack([tip, 0.55 * tip + 0.45 * socket + np.array([side * 2.0, 0.0, 0.0]), socket])
    glenoid = np.stack(
        [
            socket + np.array([side * 1.0, -15.0, 4.0]),
            socket + np.array([-side * 1.5, 0.0, 0.0]),
            socket + np.array([side * 1.0, 15.0, -2.0]),
        ]
    )
    coracoid = np.stack(
        [
            socket + np.array([-side * 10.0, -14.0, 6.0]),
            socket + np.array([-side * 8.0, -26.0, 18.0]),
            socket + np.array([side * 3.0, -22.0, 32.0]),
        ]
    )
    for path, tall, wide in (
        (ridge, np.array([1.5, 3.0, 5.5]), 3.6),
        (edge, np.array([2.0, 3.4, 4.6]), 3.2),
        (glenoid, 4.0, 9.0),
        (coracoid, 5.0, 4.6),
    ):
        fine = smooth_path(path, 0.7)
        height = np.interp(np.linspace(0, 1, len(fine)), np.linspace(0, 1, 3), np.broadcast_to(tall, 3))
        yield shell_tube(fine, height, wide, bone)


def humeral_head(anatomy: Anatomy, side: float) -> tuple[Ellipsoid, Ellipsoid]:
    """Return the head of the humerus and, inside its cortex, its cancellous core."""
    build = anatomy.build
    centre = (side * (build.half_width + 48.0), -108.0 + build.shoulder_drop, -8.0)
    radius = 23.0 * build.scale
    return Ellipsoid(centre, (radius,) * 3), Ellipsoid(centre, (radius - 0.8,) * 3)


def _humerus(anatomy: Anatomy, side: float, tissue: Tissues) -> Matter:
    """Return the shaft of the humerus; its head is a solid (``humeral_head``)."""
    centre = np.array(humeral_head(anatomy, side)[0].centre)
    shaft = np.stack(
        [
            centre + np.array([side * 8, 12, 0]),
            centre + np.array([side * 14, 50, 0]),
            centre + np.array([side * 22, 120, 0]),
            centre + np.array([side * 30, 220, 0]),
        ]
    )
    fine = resample(shaft, 0.8)
    along = np.linspace(0, 1, len(fine))
    wide = np.interp(along, [0, 0.2, 0.4, 1], [17.0, 14.0, 11.5, 11.0])
    return shell_tube(fine, wide, wide, Bone(tissue.cortical - tissue.soft, 0.0, 1.6))


def _sternum(anatomy: Anatomy, tissue: Tissues) -> Matter:
    build = anatomy.build
    path = np.array(
        [[0.0, -104.0, 0.80 * build.half_depth], [0.0, -60.0, 0.95 * build.half_depth], [0.0, 40.0, 1.02 * build.half_depth]]
    )
    fine = resample(path, 0.9)
    wide = np.interp(np.linspace(0, 1, len(fine)), [0, 0.12, 0.3, 0.45, 1], [26.0, 24.0, 14.0, 16.0, 15.0])
    return shell_tube(fine, 4.5, wide, Bone(tissue.cortical - tissue.soft, 0.5 * (tissue.cancellous - tissue.soft), 0.4))


def girdle(anatomy: Anatomy, tissue: Tissues) -> Matter:
    """Return clavicles, scapulae, humeral heads and sternum."""
    parts = [_sternum(anatomy, tissue)]
    for side in (-1.0, 1.0):
        parts.append(_clavicle(anatomy, side, tissue))
        parts += _scapula(anatomy, side, tissue)
        parts.append(_humerus(anatomy, side, tissue))
    return gather(parts)
