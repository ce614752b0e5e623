"""Calcified plaques in the wall of the aortic arch: thin curved sheets, bright where the wall runs along the ray."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from phantom.deposit import Matter
from phantom.organs import BULGE_LENGTH, aortic_arch, descending_aorta
from phantom.random_streams import stream

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from phantom.anatomy import Anatomy
    from phantom.attenuation import Tissues


def _density(rng: np.random.Generator, angle: NDArray[np.float64], along: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how calcified the wall is, patchy in both directions, in [0, 1]."""
    waves = sum(
        np.sin(k * angle + rng.uniform(0, 6.28)) * np.cos(m * 3.1 * along + rng.uniform(0, 6.28)) / np.sqrt(k + m)
        for k, m in ((2, 1), (5, 1), (3, 2), (9, 2), (14, 3))
    )
    return np.clip(0.60 + 0.6 * waves, 0.0, 1.0)


def plaques(anatomy: Anatomy, tissue: Tissues) -> Matter:
    """Return the plaques, empty where the patient has none.

    The arc lies on the knob's outer (left) wall, spreads over the arch's back half and, when long, runs down the descending aorta.
    """
    if anatomy.aorta.calcium is None:
        return Matter(np.zeros((0, 3), np.float32), np.zeros(0, np.float32))
    arc, thickness = anatomy.aorta.calcium
    rng = stream(anatomy.spec.seed, anatomy.spec.index, "calcium")
    shape = aortic_arch(anatomy)
    centre_angle = np.radians(-20.0 + 25.0 * rng.standard_normal())
    half = np.radians(arc) / 2
    angle, along = np.meshgrid(np.linspace(-half, half, 420) + centre_angle, np.linspace(-0.62, 0.55, 60), indexing="ij")
    ring = np.sqrt(1 - along**2)
    local = np.stack([np.cos(angle) * ring, np.sin(angle) * ring, -along], axis=-1).reshape(-1, 3) * (
        np.asarray(shape.radii) - 0.8
    )
    points = np.einsum("ni,ij->nj", local, shape.axes()) + np.asarray(shape.centre)
    edge = np.clip((half - np.abs(angle - centre_angle)) / (0.15 * half), 0, 1)
    area = shape.radii[0] * (2 * half / 420) * shape.radii[2] * (1.17 / 60)
    mass = (_density(rng, angle, along) * edge).reshape(-1) * thickness * area * 0.8 * (tissue.calcium - tissue.soft)
    return Matter(points.astype(np.float32), mass.astype(np.float32))


def bulge_end(anatomy: Anatomy) -> float:
    """Return the y (mm) below its middle where the descending aorta's bulge has fallen to half."""
    column = descending_aorta(anatomy)
    return float(min(column.y[-1], anatomy.aorta.bulge_y + BULGE_LENGTH * np.sqrt(np.log(2.0))))
