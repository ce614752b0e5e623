"""The line integral of everything soft: skin, fat, muscle, breasts, gas and lung."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter

from phantom import organs, skeleton, surface
from phantom.chord import EVERYWHERE, ellipsoid_interval, length, obliquity, union_length
from phantom.random_streams import stream
from phantom.texture import fractal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from phantom.anatomy import Anatomy
    from phantom.attenuation import Tissues
    from phantom.chord import Rays
    from phantom.lung_fields import LungFields

    Map = NDArray[np.float32]


def _gas(anatomy: Anatomy, rays: Rays) -> Map:
    """Return the depth of gas in trachea and stomach, mm."""
    draw = stream(anatomy.spec.seed, anatomy.spec.index, "stomach").random(14)
    gas = [organs.trachea(anatomy).interval(rays)]
    gas += [ellipsoid_interval(shape, rays) for shape in organs.stomach_bubble(anatomy, draw)]
    return union_length(gas, EVERYWHERE)


def _breasts(anatomy: Anatomy, rays: Rays) -> Map:
    """Return the depth of breast before the chest wall, mm: full below, thinning out towards the collar bone, so that only its lower edge is sharp."""
    total = np.zeros((rays.v.shape[0], rays.u.shape[1]), np.float32)
    chest_wall = np.float32(0.93 * surface.reach(anatomy))
    for breast in organs.breasts(anatomy):
        depth = union_length([ellipsoid_interval(breast, rays)], (chest_wall, EVERYWHERE[1]))
        _, y, a = breast.centre
        above = (rays.v * np.float32(rays.beam.p + rays.beam.q * a) - np.float32(y)) / np.float32(breast.radii[1])
        total += depth * np.clip(0.5 + 0.62 * above, 0.0, 1.0) ** 1.5
    return total


def _humeral_heads(anatomy: Anatomy, rays: Rays, tissue: Tissues) -> Map:
    """Return the line integral that the heads of both humeri add to soft tissue."""
    total = np.zeros((rays.v.shape[0], rays.u.shape[1]), np.float32)
    for side in (-1.0, 1.0):
        whole, core = (length(ellipsoid_interval(shape, rays)) for shape in skeleton.humeral_head(anatomy, side))
        total += (tissue.cortical - tissue.soft) * (whole - core) + 0.6 * (tissue.cancellous - tissue.soft) * core
    return total


def soft_integral(anatomy: Anatomy, rays: Rays, tissue: Tissues, fields: LungFields) -> Map:
    """Return the line integral of skin, fat, muscle, organs, gas and lung, (rows, columns) float32.

    Formula: soft (muscle + infiltrate) + fat (skin layer) + (soft + fat) / 2 (breast) + lung (aerated lung - infiltrate), each depth in mm.
    """
    outer, inner = surface.body(anatomy, rays, 0.0), surface.body(anatomy, rays, anatomy.build.fat)
    gas = np.minimum(_gas(anatomy, rays), inner)
    aerated, filled = np.minimum(fields.air[0] + fields.air[1], inner), fields.filled()
    rng = stream(anatomy.spec.seed, anatomy.spec.index, "texture")
    grain = 1.0 + 0.035 * fractal(rng, *aerated.shape, 40, 4)
    total = tissue.soft * (np.maximum(inner - aerated - gas, 0.0) + filled) + tissue.fat * np.maximum(outer - inner, 0.0)
    total = total + 0.5 * (tissue.soft + tissue.fat) * _breasts(anatomy, rays)
    total = total + tissue.lung * np.maximum(aerated * grain - filled, 0.0) + _humeral_heads(anatomy, rays, tissue)
    return gaussian_filter((total * obliquity(rays)).astype(np.float32), 0.6)
