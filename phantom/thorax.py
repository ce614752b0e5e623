"""Composes one thorax into line integrals: what each pixel's ray met, tissue by tissue, and the shadows the truth is read from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter

from phantom import calcium, organs, skeleton, surface, vessels
from phantom.beam import place
from phantom.chord import EVERYWHERE, Rays, ellipsoid_interval, length, union_length
from phantom.deposit import deposit, gather
from phantom.furniture import leads
from phantom.lung_fields import lung_fields
from phantom.lungs import lung
from phantom.soft_tissue import soft_integral
from phantom.texture import enlarge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from phantom.anatomy import Anatomy
    from phantom.attenuation import Tissues
    from phantom.beam import Beam, Grid
    from phantom.chord import Ellipsoid
    from phantom.deposit import Matter
    from phantom.lung_fields import LungFields
    from phantom.lungs import Lung

    Map = NDArray[np.float32]


UNSHARPNESS = 0.22
"""Blur of the focal spot and of motion in mm (deviation): what keeps fine structures from being sharper than the source that draws them."""


@dataclass(frozen=True, slots=True)
class Shadows:
    """What the truth is read from: lung fields, heart, arch and descending aorta per ray (mm, soft grid); ``calcium`` is a line integral (film grid)."""

    fields: LungFields
    heart: Map
    arch: Map
    descending: Map
    calcium: Map


@dataclass(frozen=True, slots=True)
class Thorax:
    """The line integral of attenuation (rows, columns) float32, and its shadows."""

    integral: Map
    shadows: Shadows


def _heart_width(shapes: Sequence[Ellipsoid], rays: Rays) -> int:
    """Return how many columns the heart's shadow spans."""
    hit = np.zeros(rays.u.shape[1], bool)
    for shape in shapes:
        hit |= (length(ellipsoid_interval(shape, rays)) > 0).any(axis=0)
    columns = np.flatnonzero(hit)
    return int(columns[-1] - columns[0] + 1) if len(columns) else 0


def inner_width(anatomy: Anatomy, lungs: tuple[Lung, Lung], beam: Beam) -> float:
    """Return the widest inner chest in the detector plane, mm, from the lungs' outer borders at mid-depth."""
    y = np.linspace(anatomy.build.apex, lungs[0].base - 2.0, 200).astype(np.float32)
    right, left = (one.border(y) for one in lungs)
    return float((left - right).max() * beam.magnification(0.0))


def heart_scale(anatomy: Anatomy, lungs: tuple[Lung, Lung], grid: Grid) -> float:
    """Return the scale at which the heart's width is the wanted share of the chest's on a standard PA film (bisection).

    The film that is taken plays no part: enlargement is anatomy, and an AP projection magnifies every heart.
    """
    reach = surface.reach(anatomy)
    beam = place("PA", reach, reach)
    u, v = grid.coordinates()
    rays = Rays(beam, u, v[::4])  # the width needs every column, not every row
    goal = anatomy.ctr_goal * inner_width(anatomy, lungs, beam)
    low, high = 0.4, 2.4
    for _ in range(14):
        middle = (low + high) / 2
        narrow = _heart_width(organs.heart(anatomy, middle), rays) * grid.pitch < goal
        low, high = (middle, high) if narrow else (low, middle)
    return (low + high) / 2


def _fine_matter(anatomy: Anatomy, lungs: tuple[Lung, Lung], tissue: Tissues) -> Matter:
    """Return bones, vessels, airways and leads."""
    return gather(
        (
            skeleton.spine(anatomy, tissue),
            skeleton.ribs(anatomy, lungs, tissue),
            skeleton.girdle(anatomy, tissue),
            vessels.hilar_trunks(anatomy, tissue),
            vessels.bronchi(anatomy, tissue),
            vessels.pulmonary(anatomy, lungs, tissue),
            leads(anatomy, tissue),
        )
    )


def compose(anatomy: Anatomy, beam: Beam, grid: Grid, tissue: Tissues, cell: int) -> Thorax:
    """Return the thorax's line integrals on ``grid``; soft organs are computed ``cell`` times coarser and enlarged smoothly.

    Formula: integral = sum over tissues of (attenuation, mm^-1) x (length of ray in it, mm).
    """
    soft = grid.reduced(cell)
    rays = Rays(beam, *soft.coordinates())
    lungs = (lung(anatomy, -1), lung(anatomy, 1))
    heart = [ellipsoid_interval(shape, rays) for shape in organs.heart(anatomy, heart_scale(anatomy, lungs, soft))]
    arch = ellipsoid_interval(organs.aortic_arch(anatomy), rays)
    columns = (organs.descending_aorta, organs.ascending_aorta, organs.superior_vena_cava, organs.left_subclavian)
    descending, *others = (column(anatomy).interval(rays) for column in columns)
    fields = lung_fields(anatomy, lungs, [*heart, arch, descending, *others], rays)
    integral = enlarge(soft_integral(anatomy, rays, tissue, fields), grid.rows, grid.columns)
    plaques = deposit(calcium.plaques(anatomy, tissue), beam, grid)
    fine = deposit(_fine_matter(anatomy, lungs, tissue), beam, grid) + plaques
    integral = integral + gaussian_filter(fine, UNSHARPNESS / grid.pitch, mode="nearest")
    return Thorax(integral, Shadows(fields, union_length(heart, EVERYWHERE), length(arch), length(descending), plaques))
