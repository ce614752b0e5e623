"""What lies on a film besides the patient: lead side markers, ECG leads and the collimator's edge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from phantom.deposit import Matter, disc, gather, smooth_path, tube
from phantom.random_streams import stream

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from phantom.anatomy import Anatomy
    from phantom.attenuation import Tissues
    from phantom.beam import Grid
    from phantom.patient import PatientSpec

    Map = NDArray[np.float32]

_STROKES = {
    "L": (((0, 0), (0, 10)), ((0, 10), (6, 10))),
    "R": (
        ((0, 0), (0, 10)),
        ((0, 0), (5, 0)),
        ((5, 0), (6, 1)),
        ((6, 1), (6, 4)),
        ((6, 4), (5, 5)),
        ((5, 5), (0, 5)),
        ((3, 5), (6, 10)),
    ),
}


def marker(spec: PatientSpec, grid: Grid) -> Map:
    """Return the line integral of the lead marker: an L beside the patient's left shoulder or an R beside the right one."""
    rng = stream(spec.seed, spec.index, "marker")
    letter = "L" if rng.random() < 0.6 else "R"
    size = rng.uniform(1.1, 1.5) / grid.pitch
    x = grid.columns * (rng.uniform(0.89, 0.93) if letter == "L" else rng.uniform(0.05, 0.08))
    y = grid.rows * rng.uniform(0.04, 0.10)
    image = Image.new("L", (grid.columns, grid.rows))
    pen = ImageDraw.Draw(image)
    for begin, end in _STROKES[letter]:
        points = [(x + size * px, y + size * py) for px, py in (begin, end)]
        pen.line(points, fill=255, width=max(round(1.5 * size), 1))
    return np.asarray(image, dtype=np.float32) * np.float32(3.0 / 255.0)


def exposed(spec: PatientSpec, grid: Grid) -> NDArray[np.bool_]:
    """Return where the collimator lets the beam through; its leaves close up to a few per cent of some edges."""
    rng = stream(spec.seed, spec.index, "collimator")
    closed = rng.random(4) < 0.25
    top, bottom, left, right = (rng.uniform(0.01, 0.04, 4) * closed * grid.rows).astype(int)
    field = np.zeros((grid.rows, grid.columns), bool)
    field[top : grid.rows - bottom, left : grid.columns - right] = True
    return field


def leads(anatomy: Anatomy, tissue: Tissues) -> Matter:
    """Return ECG electrodes and their wires on the chest of about half of the bedside patients, none on others."""
    rng = stream(anatomy.spec.seed, anatomy.spec.index, "leads")
    wanted = rng.random() < 0.5
    if anatomy.spec.view != "AP" or not wanted:
        return gather(())
    front = anatomy.build.half_depth + 0.8 * anatomy.build.wall + 3.0
    out = anatomy.build.half_width
    places = np.array([[-0.72 * out, -92.0], [0.72 * out, -95.0], [0.88 * out, 62.0]]) + 8.0 * rng.standard_normal((3, 2))
    parts = []
    for x, y in places:
        across = disc(900) * 5.5
        stud = np.column_stack([x + across[:, 0], y + across[:, 1], np.full(900, front)])
        parts.append(Matter(stud.astype(np.float32), np.full(900, np.pi * 5.5**2 * 0.25 / 900, np.float32)))
        knots = np.array(
            [
                [x, y],
                [x * 0.8 + 12 * rng.standard_normal(), y + 45.0],
                [0.25 * x + 20 * rng.standard_normal(), y + 110.0],
                [30.0, 230.0],
            ]
        )
        path = smooth_path(np.column_stack([knots, np.full(4, front)]), 0.5)
        parts.append(tube(path, np.full(len(path), 0.6), 0.35 * (tissue.metal - tissue.soft)))
    return gather(parts)
