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
from phantom.calcium import bulge_end
from phantom.deposit import project
from phantom.skeleton import body_outlines
from phantom.spinal_column import FIRST_THORACIC, LAST_THORACIC, LEVELS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from phantom.anatomy import Anatomy
    from phantom.beam import Beam, Grid
    from phantom.thorax import Shadows

    Mask = NDArray[np.bool_]
    Edges = tuple[float, float, float, float]

MASK_BITS = {"lungs": 1, "heart": 2, "aorta": 4, "spine": 8}
"""Bit of each structure in the label image."""

LUNG_DEPTH = 4.0
"""Depth in mm of lung on a ray from which a pixel counts as lung."""


@dataclass(frozen=True, slots=True)
class Screen:
    """Where shadows fall: the beam, the film's pixels, and how many film pixels a cell of the soft-organ grid is wide."""

    beam: Beam
    film: Grid
    cell: int


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


def spine_mask(anatomy: Anatomy, screen: Screen, first: int, last: int) -> Mask:
    """Return the shadow of the vertebral bodies and discs from level ``first`` to ``last``, on the film's pixels."""
    spine = anatomy.spine
    left, right = [], []
    for level in range(first, last + 1):
        along = np.array([np.sin(spine.tilt[level]), np.cos(spine.tilt[level]), 0.0])
        across = np.array([np.cos(spine.tilt[level]), -np.sin(spine.tilt[level]), 0.0]) * spine.half_width[level]
        for end in (-0.5, 0.5):
            middle = spine.centre[level] + end * spine.height[level] * along
            left.append(middle - across)
            right.append(middle + across)
    column, row, _ = project(np.array(left + right[::-1], dtype=np.float32), screen.beam, screen.film)
    image = Image.new("1", (screen.film.columns, screen.film.rows))
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


def _enlarged(mask: Mask, screen: Screen) -> Mask:
    """Return a mask of the soft-organ grid on the film's pixels."""
    wide = np.repeat(np.repeat(mask, screen.cell, axis=0), screen.cell, axis=1)
    return wide[: screen.film.rows, : screen.film.columns]


def _aortic_region(anatomy: Anatomy, shadows: Shadows, screen: Screen) -> Mask:
    """Return the knob and the bulging part of the descending aorta that stand to the left of the spine's centreline."""
    u, v = screen.film.reduced(screen.cell).coordinates()
    w = screen.beam.p + screen.beam.q * float(anatomy.spine.centre[FIRST_THORACIC + 5, 2])
    lateral = anatomy.spine.lateral(v[:, 0] * w)[:, None]
    mask = (shadows.arch > 0) | ((shadows.descending > 0) & (v * w < bulge_end(anatomy)))
    return mask & (u * w > lateral)


def _degenerate_boxes(anatomy: Anatomy, screen: Screen) -> list[Edges | None]:
    """Return the box around the bodies on both sides of every affected disc, spurs included."""
    levels = anatomy.spine.degenerate
    if not levels:
        return []
    outline = body_outlines(anatomy, range(levels[0], levels[-1] + 2), spurs=True)
    column, row, _ = project(outline, screen.beam, screen.film)
    return [(float(column.min()), float(row.min()), float(column.max()), float(row.max()))]


def _curve(anatomy: Anatomy, screen: Screen) -> Mask:
    """Return the spine from one level above the curve's upper end vertebra to one below its lower one."""
    first, last = anatomy.spine.curve
    return spine_mask(anatomy, screen, max(first - 1, FIRST_THORACIC), min(last + 1, len(LEVELS) - 1))


def _regions(anatomy: Anatomy, shadows: Shadows, screen: Screen) -> dict[str, list[Edges | None]]:
    """Return the boxes each finding would have, whether or not the patient has it."""
    cell, fields = screen.cell, shadows.fields
    edge = literature.table()["infiltration"]["edge_fraction"]
    return {
        "cardiac_hypertrophy": [extent(shadows.heart > 0, cell)],
        "aortic_atherosclerosis_calcification": [extent(shadows.calcium > 0.12 * shadows.calcium.max())],
        "aortic_curvature": [extent(_aortic_region(anatomy, shadows, screen), cell)],
        "intercostal_pleural_thickening": [extent(cap > 0.12 * cap.max(), cell) for cap in fields.caps if cap.max() > 0],
        "lung_field_infiltration": [extent(blob > edge * blob.max(), cell) for blob in fields.opacities],
        "degenerative_joint_disease_of_the_thoracic_spine": _degenerate_boxes(anatomy, screen),
        "scoliosis": [extent(_curve(anatomy, screen))],
    }


def _clip(box: Edges, film: Grid) -> Edges:
    x0, y0, x1, y1 = (round(edge, 2) for edge in box)
    return (max(x0, 0.0), max(y0, 0.0), min(x1, float(film.columns)), min(y1, float(film.rows)))


def _boxes(anatomy: Anatomy, shadows: Shadows, screen: Screen) -> tuple[TruthBox, ...]:
    regions = _regions(anatomy, shadows, screen)
    boxes = []
    for finding, severity in anatomy.spec.severity:
        found = [_clip(box, screen.film) for box in regions[finding] if box is not None]
        if not found:
            raise ValueError(f"{finding} at severity {severity} left no trace on the film of {anatomy.spec.patient_id}")
        boxes += [TruthBox(finding, box, severity) for box in found]
    return tuple(boxes)


def _masks(anatomy: Anatomy, shadows: Shadows, screen: Screen) -> dict[str, Mask]:
    air, caps = shadows.fields.air, shadows.fields.caps
    return {
        "lungs": _enlarged((air[0] + caps[0] > LUNG_DEPTH) | (air[1] + caps[1] > LUNG_DEPTH), screen),
        "heart": _enlarged(shadows.heart > 0, screen),
        "aorta": _enlarged((shadows.arch > 0) | (shadows.descending > 0), screen),
        "spine": spine_mask(anatomy, screen, FIRST_THORACIC, LAST_THORACIC),
    }


def read(anatomy: Anatomy, shadows: Shadows, screen: Screen) -> Truth:
    """Return the truth of one film.

    Raises:
        ValueError: a finding of the specification left no trace on the film, so that its status would be a lie.
    """
    masks = _masks(anatomy, shadows, screen)
    labels = np.zeros((screen.film.rows, screen.film.columns), np.uint8)
    for name, mask in masks.items():
        labels |= np.where(mask, np.uint8(MASK_BITS[name]), np.uint8(0))
    ratio = cardiothoracic_ratio(masks["heart"], masks["lungs"])
    return Truth(_boxes(anatomy, shadows, screen), labels, round(ratio, 4), round(anatomy.spine.cobb, 2))
