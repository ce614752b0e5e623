"""The outside of the body: torso, shoulders and neck, and the fat under the skin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from phantom.chord import Ellipsoid, ellipsoid_interval, union_length

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from phantom.anatomy import Anatomy
    from phantom.beam import Beam
    from phantom.chord import Interval

    Map = NDArray[np.float32]


def reach(anatomy: Anatomy) -> float:
    """Return how far the torso reaches forwards and backwards of its middle, mm."""
    return anatomy.build.half_depth + 0.8 * anatomy.build.wall


def _torso(anatomy: Anatomy, beam: Beam, u: Map, v: Map, inset: float) -> Interval:
    """Return the torso as a superelliptic column, ``inset`` mm below the skin."""
    build = anatomy.build
    top = build.apex - 25.0
    v_column = v[:, :1]
    y = v_column * np.float32(beam.p)
    t = np.clip((y - top) / (build.dome_right - top), 0.0, 1.6)
    half_width = (build.half_width + build.wall) * (0.80 + 0.20 * np.sin(np.pi / 2 * np.minimum(t, 1.0))) - inset
    taper = np.clip((y - top) / 70.0, 0.0, 1.0)
    depth = (reach(anatomy) - inset) * (0.62 + 0.38 * np.sqrt(1.0 - (1.0 - taper) ** 2)) * np.where(y > top, 1.0, np.exp((y - top) / 22.0))
    lateral = np.abs(u * np.float32(beam.p)) / half_width
    half = depth * np.sqrt(np.maximum(1.0 - lateral * lateral * lateral, 0.0))
    half = half.astype(np.float32)
    return -half, half


def _shoulders(anatomy: Anatomy, inset: float) -> tuple[Ellipsoid, ...]:
    build = anatomy.build
    x = build.half_width + 0.5 * build.wall
    found = []
    for side in (-1.0, 1.0):
        drop = build.shoulder_drop
        found.append(Ellipsoid((side * (x + 22.0), -112.0 + drop, -8.0), (60.0 + build.wall * 0.5 - inset, 52.0 + 0.4 * build.wall - inset, 54.0 - inset), side * 0.5))
        found.append(Ellipsoid((side * 62.0, -150.0, -22.0), (92.0 - inset, 36.0 + 0.3 * build.wall - inset, 48.0 - inset), side * 0.42))
        found.append(Ellipsoid((side * (x + 62.0), -20.0, -6.0), (38.0 + 0.35 * build.wall - inset, 150.0, 42.0 - inset), -side * 0.20))
    return tuple(found)


def _neck(anatomy: Anatomy, inset: float) -> Ellipsoid:
    return Ellipsoid((0.5 * float(anatomy.spine.lateral(-190.0)), -215.0, -12.0), (54.0 + 0.3 * anatomy.build.wall - inset, 120.0, 56.0 + 0.2 * anatomy.build.wall - inset))


def body(anatomy: Anatomy, beam: Beam, u: Map, v: Map, inset: float) -> Map:
    """Return how deep each ray runs in the body more than ``inset`` mm below the skin, mm of depth."""
    parts = [_torso(anatomy, beam, u, v, inset), ellipsoid_interval(_neck(anatomy, inset), beam, u, v)]
    parts += [ellipsoid_interval(shape, beam, u, v) for shape in _shoulders(anatomy, inset)]
    return union_length(parts, (np.float32(-400.0), np.float32(400.0)))
