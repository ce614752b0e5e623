"""Twelve ways in which a radiograph is worse than it should be, in five grades each.

A picture is given in *display units*: (rows, columns) float64, 0 at the dark end of the window that the film asks for and 1 at its bright end, bone bright;
what lies outside the window is below 0 or above 1 and is kept. So one grade means the same for every vendor's bits, windows and polarity. Lengths are in
thousandths of the film's longer side. Nothing here knows DICOM, the device or a finding.

The grades were set by what each does to the picture (a grade 1 that a radiographer would let pass, a grade 5 that would be taken again), before the first run.

Source: after Hendrycks and Dietterich 2019 (arXiv:1903.12261) in form, with the causes of retaken chest films instead of weather; MedMNIST-C 2024 (arXiv:2406.17536).
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from math import cos, radians, sin
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter, rotate, uniform_filter1d

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Picture = NDArray[np.float64]
    Box = tuple[float, float, float, float]

GRADES = (1, 2, 3, 4, 5)


@dataclass(frozen=True, slots=True)
class Corruption:
    """One way to spoil a film.

    Attributes:
        name: in words, as the tables show it.
        grades: what the number means at grades 1 to 5.
        spoil: (picture, number, generator) -> picture of the same shape.
        lossy: whether the file has to say that it was compressed with loss.
        degrees: the number turns the picture by so many degrees, and the true boxes with it.
    """

    name: str
    grades: tuple[float, float, float, float, float]
    spoil: Callable[[Picture, float, np.random.Generator], Picture]
    lossy: bool = False
    degrees: bool = False

    def at(self, grade: int) -> float:
        """Return the number at a grade from 1 to 5."""
        return self.grades[grade - 1]


def _side(picture: Picture) -> float:
    """Return a thousandth of the longer side in pixels."""
    return max(picture.shape) / 1000.0


def _quantum_noise(picture: Picture, amount: float, generator: np.random.Generator) -> Picture:
    """Add noise that grows where few photons arrive, which is where the film is bright; ``amount`` is its deviation at the bright end."""
    spread = amount * np.sqrt(np.exp(2.0 * (np.clip(picture, 0.0, 1.0) - 1.0)))
    return picture + spread * generator.standard_normal(picture.shape)


def _scatter(picture: Picture, amount: float, _: np.random.Generator) -> Picture:
    """Replace a share of the signal by its own blur over 80 thousandths: the veil of a missing or misaligned grid."""
    rows, columns = picture.shape
    step = max(round(8.0 * _side(picture)), 1)
    small = Image.fromarray(picture.astype(np.float32)).resize(
        (max(columns // step, 1), max(rows // step, 1)), Image.Resampling.BOX
    )
    veil = Image.fromarray(gaussian_filter(np.asarray(small), 80.0 * _side(picture) / step, mode="nearest"))
    return (1.0 - amount) * picture + amount * np.asarray(veil.resize((columns, rows), Image.Resampling.BILINEAR))


def _unsharp_focus(picture: Picture, amount: float, _: np.random.Generator) -> Picture:
    """Blur by a Gaussian whose deviation is ``amount`` thousandths."""
    return gaussian_filter(picture, amount * _side(picture), mode="nearest")


def _breathing(picture: Picture, amount: float, _: np.random.Generator) -> Picture:
    """Smear from top to bottom over ``amount`` thousandths."""
    return uniform_filter1d(picture, max(round(amount * _side(picture)), 1), axis=0, mode="nearest")


def _brighter(picture: Picture, amount: float, _: np.random.Generator) -> Picture:
    """Lift every value by a share of the window: a window set for another exposure."""
    return picture + amount


def _darker(picture: Picture, amount: float, _: np.random.Generator) -> Picture:
    """Lower every value by a share of the window."""
    return picture - amount


def _wrong_curve(picture: Picture, amount: float, _: np.random.Generator) -> Picture:
    """Raise to a power, as a display curve applied twice does."""
    return np.clip(picture, 0.0, None) ** amount


def _grid_lines(picture: Picture, amount: float, _: np.random.Generator) -> Picture:
    """Add the lines of a resting grid, seven thousandths apart; ``amount`` is their amplitude."""
    columns = np.arange(picture.shape[1])
    return picture + amount * np.sin(2.0 * np.pi * columns / (7.0 * _side(picture)))[None, :]


def _tilted(picture: Picture, amount: float, generator: np.random.Generator) -> Picture:
    """Turn about the middle by ``amount`` degrees (see `tilted_box`); what comes in from outside is dark."""
    del generator
    return rotate(picture, amount, reshape=False, order=1, mode="constant", cval=float(picture.min()))


def _collimated(picture: Picture, amount: float, _: np.random.Generator) -> Picture:
    """Cover a margin of ``amount`` of each side, as a shutter does; the covered part is dark."""
    rows, columns = (round(amount * side) for side in picture.shape)
    covered = np.full_like(picture, picture.min())
    covered[rows : -rows or None, columns : -columns or None] = picture[rows : -rows or None, columns : -columns or None]
    return covered


def _implant(picture: Picture, amount: float, _: np.random.Generator) -> Picture:
    """Lay a pacemaker over the upper chest on the image's right, with its lead to the heart; ``amount`` is the can's width in thousandths."""
    rows, columns = picture.shape
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float64)
    half = amount * _side(picture) / 2.0
    can = ((x - 0.72 * columns) / half) ** 4 + ((y - 0.26 * rows) / (0.8 * half)) ** 4 <= 1.0
    along = np.linspace(0.0, 1.0, 400)
    lead_x = columns * (0.72 - 0.17 * along - 0.06 * np.sin(np.pi * along))
    lead_y = rows * (0.26 + 0.32 * along)
    thick = max(amount / 40.0 * _side(picture), 1.0)
    lead = np.zeros(picture.shape, dtype=bool)
    for px, py in zip(lead_x, lead_y, strict=True):
        top, left = int(py - thick), int(px - thick)
        lead[max(top, 0) : int(py + thick) + 1, max(left, 0) : int(px + thick) + 1] = True
    return np.where(can | lead, np.maximum(picture, 1.1), picture)


def _jpeg(picture: Picture, quality: float, _: np.random.Generator) -> Picture:
    """Send the window's eight most significant bits through JPEG at a quality."""
    stream = BytesIO()
    Image.fromarray(np.round(np.clip(picture, 0.0, 1.0) * 255.0).astype(np.uint8)).save(stream, "JPEG", quality=int(quality))
    return np.asarray(Image.open(BytesIO(stream.getvalue())), dtype=np.float64) / 255.0


CORRUPTIONS: Mapping[str, Corruption] = MappingProxyType(
    {
        one.name: one
        for one in (
            Corruption("quantum noise", (0.02, 0.04, 0.07, 0.11, 0.16), _quantum_noise),
            Corruption("scatter", (0.10, 0.20, 0.30, 0.40, 0.50), _scatter),
            Corruption("unsharp focus", (0.7, 1.4, 2.5, 4.0, 6.0), _unsharp_focus),
            Corruption("breathing", (3.0, 6.0, 10.0, 16.0, 24.0), _breathing),
            Corruption("too bright", (0.04, 0.08, 0.13, 0.19, 0.26), _brighter),
            Corruption("too dark", (0.04, 0.08, 0.13, 0.19, 0.26), _darker),
            Corruption("wrong display curve", (1.15, 1.3, 1.5, 1.75, 2.0), _wrong_curve),
            Corruption("grid lines", (0.01, 0.02, 0.04, 0.07, 0.11), _grid_lines),
            Corruption("tilted", (2.0, 4.0, 6.0, 8.0, 10.0), _tilted, degrees=True),
            Corruption("collimated", (0.02, 0.04, 0.06, 0.09, 0.12), _collimated),
            Corruption("implant", (60.0, 90.0, 120.0, 160.0, 200.0), _implant),
            Corruption("JPEG", (60.0, 40.0, 25.0, 15.0, 8.0), _jpeg, lossy=True),
        )
    }
)
"""Name -> corruption, twelve of them."""


def tilted_box(box: Box, degrees: float, rows: int, columns: int) -> Box:
    """Return where a true box lies after `_tilted`: the box around the turned ellipse that the box held, cut to the film.

    The corners of a box hold nothing of a round finding, so the box around its turned corners would be too large.

    >>> tilted_box((40.0, 40.0, 60.0, 60.0), 10.0, 100, 100)
    (40.0, 40.0, 60.0, 60.0)
    """
    angle, (mx, my) = radians(degrees), (columns / 2.0 - 0.5, rows / 2.0 - 0.5)
    cx, cy = (box[0] + box[2] - 1.0) / 2.0 - mx, (box[1] + box[3] - 1.0) / 2.0 - my
    wide, high = (box[2] - box[0]) / 2.0, (box[3] - box[1]) / 2.0
    x, y = cos(angle) * cx + sin(angle) * cy, -sin(angle) * cx + cos(angle) * cy
    half_x, half_y = np.hypot(wide * cos(angle), high * sin(angle)), np.hypot(wide * sin(angle), high * cos(angle))
    edges = (x + mx + 0.5 - half_x, y + my + 0.5 - half_y, x + mx + 0.5 + half_x, y + my + 0.5 + half_y)
    x0, y0, x1, y1 = (round(float(edge), 6) for edge in edges)
    return max(x0, 0.0), max(y0, 0.0), min(x1, float(columns)), min(y1, float(rows))


def spoilt(picture: Picture, corruption: Corruption, grade: int, seed: int) -> Picture:
    """Return a picture spoilt at a grade; the same seed gives the same noise."""
    generator = np.random.Generator(np.random.Philox(seed))
    return np.asarray(corruption.spoil(picture, corruption.at(grade), generator), dtype=np.float64)
