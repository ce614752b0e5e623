"""What is known about a film because it was made: boxes, masks, cardiothoracic ratio, Cobb angle.

Boxes are in continuous pixel coordinates of the stored film: a pixel at column 3 covers 3 to 4. They are read from the projected solids, on
the grid on which the soft organs were projected, so their edges lie on multiples of that grid's cell (2 film pixels at 1024).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from phantom import literature
from phantom.anatomy import FIRST_THORACIC, LAST_THORACIC, LEVELS
from phantom.calcium import bulge_end
from phantom.deposit import project
from phantom.skeleton import body_outlines

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from phantom.anatomy import Anatomy
    from phantom.beam import Beam, Grid
    from phantom.patient import PatientSpec
    from phantom.thorax import Shadows

    Mask = NDArray[np.bool_]

MASK_BITS = {"lungs": 1, "heart": 2, "aorta": 4, "spine": 8}
"""Bit of each structure in the label image."""


@dataclass(frozen=True, slots=True)
class TruthBox:
    """One finding's box (x0, y0, x1, y1) in film pixels and its severity in (0, 1]."""

    finding: str
    box: tuple[float, float, float, float]
    severity: float


@dataclass(frozen=True, slots=True)
class Truth:
    """Boxes, label image (rows, columns) uint8, and measurements of one film."""

    boxes: tuple[TruthBox, ...]
    labels: NDArray[np.uint8]
    cardiothoracic_ratio: float
    cobb_angle_deg: float


def extent(mask: Mask, cell: int = 1) -> tuple[float, float, float, float] | None:
    """Return the tight box of a mask whose cells are ``cell`` film pixels wide, None when it is empty.

    >>> extent(np.eye(3, dtype=bool), 2)
    (0.0, 0.0, 6.0, 6.0)
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if len(rows) == 0:
        return None
    return (float(columns[0] * cell), float(rows[0] * cell), float((columns[-1] + 1) * cell), float((rows[-1] + 1) * cell))


def spine_mask(anatomy: Anatomy, beam: Beam, grid: Grid, first: int, last: int) -> Mask:
    """Return the shadow of the vertebral bodies and discs from level ``first`` to ``last``, on the film's grid."""
    spine = anatomy.spine
    left, right = [], []
    for level in range(first, last + 1):
        along = np.array([np.sin(spine.tilt[level]), np.cos(spine.tilt[level]), 0.0])
        across = np.array([np.cos(spine.tilt[level]), -np.sin(spine.tilt[level]), 0.0]) * spine.half_width[level]
        for end in (-0.5, 0.5):
            middle = spine.centre[level] + end * spine.height[level] * along
            left.append(middle - across)
            right.append(middle + across)
    outline = np.array(left + right[::-1], dtype=np.float32)
    column, row, _ = project(outline, beam, grid)
    image = Image.new("1", (grid.columns, grid.rows))
    ImageDraw.Draw(image).polygon([(float(x), float(y)) for x, y in zip(column, row, strict=True)], fill=1)
    return np.asarray(image, dtype=bool)


def cardiothoracic_ratio(heart: Mask, lungs: Mask) -> float:
    """Return the heart's greatest transverse diameter over the chest's greatest inner diameter, both read from the masks.

    Source: Danzer, Am J Med Sci 1919;157:513.
    """
    columns = np.flatnonzero(heart.any(axis=0))
    rows = np.flatnonzero(lungs.any(axis=1))
    first = lungs[rows].argmax(axis=1)
    last = lungs.shape[1] - lungs[rows][:, ::-1].argmax(axis=1)
    return float((columns[-1] + 1 - columns[0]) / (last - first).max())


def _grow(mask: Mask, cell: int, grid: Grid) -> Mask:
    return np.repeat(np.repeat(mask, cell, axis=0), cell, axis=1)[: grid.rows, : grid.columns]


def _aortic_region(anatomy: Anatomy, shadows: Shadows, beam: Beam, soft: Grid) -> Mask:
    """Return the knob and the bulging part of the descending aorta that stand to the left of the spine's centreline."""
    u, v = soft.coordinates()
    w = beam.p + beam.q * float(anatomy.spine.centre[FIRST_THORACIC + 5, 2])
    lateral = anatomy.spine.lateral(v[:, 0] * w)[:, None]
    mask = (shadows.arch > 0) | ((shadows.descending > 0) & (v * w < bulge_end(anatomy)))
    return mask & (u * w > lateral)


def _degenerate_box(anatomy: Anatomy, beam: Beam, grid: Grid) -> tuple[float, float, float, float]:
    levels = anatomy.spine.degenerate
    outline = body_outlines(anatomy, range(levels[0], levels[-1] + 2), spurs=True)
    column, row, _ = project(outline, beam, grid)
    return (float(column.min()), float(row.min()), float(column.max()), float(row.max()))


def _regions(anatomy: Anatomy, shadows: Shadows, beam: Beam, grid: Grid, soft: Grid, cell: int) -> dict[str, list[tuple[float, float, float, float] | None]]:
    """Return the boxes each finding would have, whether or not the patient has it."""
    edge = literature.table()["infiltration"]["edge_fraction"]
    first, last = anatomy.spine.curve
    return {
        "cardiac_hypertrophy": [extent(shadows.heart > 0, cell)],
        "aortic_atherosclerosis_calcification": [extent(shadows.calcium > 0.12 * shadows.calcium.max())],
        "aortic_curvature": [extent(_aortic_region(anatomy, shadows, beam, soft), cell)],
        "intercostal_pleural_thickening": [extent(cap > 0.12 * cap.max(), cell) for cap in shadows.caps if cap.max() > 0],
        "lung_field_infiltration": [extent(blob > edge * blob.max(), cell) for blob in shadows.opacities],
        "degenerative_joint_disease_of_the_thoracic_spine": [_degenerate_box(anatomy, beam, grid)] if anatomy.spine.degenerate else [],
        "scoliosis": [extent(spine_mask(anatomy, beam, grid, max(first - 1, FIRST_THORACIC), min(last + 1, len(LEVELS) - 1)))],
    }


def _clip(box: tuple[float, float, float, float], grid: Grid) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = box
    return (max(x0, 0.0), max(y0, 0.0), min(x1, float(grid.columns)), min(y1, float(grid.rows)))


def read(spec: PatientSpec, anatomy: Anatomy, shadows: Shadows, beam: Beam, grid: Grid, cell: int) -> Truth:
    """Return the truth of one film.

    Raises:
        ValueError: a finding of the specification left no trace on the film, so that its status would be a lie.
    """
    soft = grid.reduced(cell)
    regions = _regions(anatomy, shadows, beam, grid, soft, cell)
    boxes = []
    for finding, severity in spec.severity:
        found = [_clip(box, grid) for box in regions[finding] if box is not None]
        if not found:
            raise ValueError(f"{finding} at severity {severity} left no trace on the film of {spec.patient_id}")
        boxes += [TruthBox(finding, tuple(round(edge, 2) for edge in box), severity) for box in found]  # type: ignore[arg-type]
    masks = {
        "lungs": _grow((shadows.lungs[0] + shadows.caps[0] > 4) | (shadows.lungs[1] + shadows.caps[1] > 4), cell, grid),
        "heart": _grow(shadows.heart > 0, cell, grid),
        "aorta": _grow((shadows.arch > 0) | (shadows.descending > 0), cell, grid),
        "spine": spine_mask(anatomy, beam, grid, FIRST_THORACIC, LAST_THORACIC),
    }
    labels = np.zeros((grid.rows, grid.columns), np.uint8)
    for name, mask in masks.items():
        labels |= np.where(mask, np.uint8(MASK_BITS[name]), np.uint8(0))
    ratio = cardiothoracic_ratio(masks["heart"], masks["lungs"])
    return Truth(tuple(boxes), labels, round(ratio, 4), round(anatomy.spine.cobb, 2))
