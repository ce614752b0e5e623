"""The spine in millimetres: vertebral bodies, discs, the curve they follow and the wear they show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from phantom import literature
from phantom.random_streams import stream

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from phantom.patient import PatientSpec

    Row = NDArray[np.float64]

LEVELS = ("C5", "C6", "C7", *(f"T{k}" for k in range(1, 13)), "L1", "L2", "L3")
"""Vertebrae from top to bottom."""

FIRST_THORACIC = LEVELS.index("T1")
LAST_THORACIC = LEVELS.index("T12")
_MEASURED = slice(FIRST_THORACIC, LAST_THORACIC + 2)


@dataclass(frozen=True, slots=True)
class Spine:
    """Vertebral bodies from C5 to L3. ``centre`` (n, 3) mm, ``tilt`` and ``rotation`` radians, ``height`` and ``half_width`` mm, per level.

    ``disc`` is the height of the disc below each body; ``osteophyte`` (n, 2) mm is the spur at that disc, right and left; ``sclerosis`` mm.
    ``cobb`` is the angle in degrees between the most tilted thoracic bodies; ``curve`` names the first and last level of the curve.
    """

    centre: NDArray[np.float64]
    tilt: NDArray[np.float64]
    rotation: NDArray[np.float64]
    height: NDArray[np.float64]
    half_width: NDArray[np.float64]
    disc: NDArray[np.float64]
    osteophyte: NDArray[np.float64]
    sclerosis: NDArray[np.float64]
    cobb: float
    curve: tuple[int, int]
    degenerate: tuple[int, ...]

    def lateral(self, y: NDArray[np.float32] | float) -> NDArray[np.float64]:
        """Return the x of the spine's centreline at height y (mm)."""
        return np.interp(y, self.centre[:, 1], self.centre[:, 0])

    def depth(self, y: NDArray[np.float32] | float) -> NDArray[np.float64]:
        """Return the depth a of the bodies' centres at height y (mm)."""
        return np.interp(y, self.centre[:, 1], self.centre[:, 2])


@dataclass(frozen=True, slots=True)
class Curve:
    """A curve of the spine and its counter-curves.

    ``goal``: signed Cobb angle in degrees, positive when convex to the right. ``apex`` and ``half``: place and half-length in levels.
    ``secondary``: share of the counter-curves above and below.
    """

    goal: float
    apex: float
    half: float
    secondary: float

    def shape(self, level: Row) -> Row:
        """Return the lateral offset at (fractional) levels, before it is scaled to its angle: a bell less two smaller bells beside it."""
        counter = sum(np.exp(-(((level - self.apex + sign * 2.05 * self.half) / (0.7 * self.half)) ** 2)) for sign in (-1.0, 1.0))
        return -(self.bell(level) - 0.5 * self.secondary * counter)

    def bell(self, level: Row) -> Row:
        """Return how close a level is to the apex, 1 at the apex."""
        return np.exp(-(((level - self.apex) / (0.72 * self.half)) ** 2))


@dataclass(frozen=True, slots=True)
class Wear:
    """Disc heights (n,) mm, osteophytes (n, 2) mm right and left, sclerosis (n,) mm, and the levels above the affected discs."""

    disc: Row
    osteophyte: Row
    sclerosis: Row
    affected: tuple[int, ...]


def _curve(spec: PatientSpec) -> Curve:
    rng = stream(spec.seed, spec.index, "scoliosis")
    row = literature.table()["scoliosis"]
    normal = float(np.clip(abs(rng.standard_normal()) * row["normal_cobb_sd_deg"], 0.0, row["normal_cobb_max_deg"]))
    right = rng.random() < row["right_convex_share"]
    apex, half, secondary = FIRST_THORACIC + rng.uniform(6.0, 9.0), rng.uniform(3.2, 4.6), rng.uniform(0.35, 0.7)
    severity = spec.grade("scoliosis")
    angle = normal if severity is None else literature.between("scoliosis", "cobb", severity)
    return Curve(angle if right else -angle, apex, half, secondary)


def _wear(spec: PatientSpec, disc: Row) -> Wear:
    """Return the wear of age, and on top of it that of degenerative disease at its severity."""
    rng = stream(spec.seed, spec.index, "degeneration")
    draw, start = rng.random((len(LEVELS), 4)), rng.random()
    years = max(0.0, (spec.age - 45) / 35)
    osteophyte = years * literature.table()["spine_degeneration"]["normal_osteophyte_mm_at_80_years"] * draw[:, 1:3]
    disc = disc * (1 - 0.12 * years * draw[:, 0])
    sclerosis = np.zeros(len(LEVELS))
    severity = spec.grade("degenerative_joint_disease_of_the_thoracic_spine")
    if severity is None:
        return Wear(disc, osteophyte, sclerosis, ())
    at = {
        name: literature.between("spine_degeneration", name, severity)
        for name in ("levels", "disc_height_kept", "osteophyte_mm", "sclerosis_mm")
    }
    levels = round(at["levels"])
    first = round(FIRST_THORACIC + 4 + start * (LAST_THORACIC - levels - FIRST_THORACIC - 4))
    rows = np.arange(first, first + levels)
    disc[rows] *= np.clip(at["disc_height_kept"] + 0.15 * (draw[rows, 0] - 0.5), 0.1, 1.0)
    osteophyte[rows] = at["osteophyte_mm"] * (0.7 + 0.5 * draw[rows, 1:3]) * np.array([1.0, 0.75])
    sclerosis[rows] = at["sclerosis_mm"] * (0.8 + 0.4 * draw[rows, 3])
    return Wear(disc, osteophyte, sclerosis, tuple(int(k) for k in rows))


def _bend(curve: Curve, y: Row) -> tuple[Row, Row]:
    """Return lateral offset (mm) and tilt (radians) of every body, scaled so that the thoracic Cobb angle is the goal.

    Formula: Cobb = ``max atan(dx/dy) - min atan(dx/dy)`` over the bodies T1 to L1, the slope taken as the curve's own derivative.

    Source: Cobb, Instr Course Lect 1948;5:261.
    """
    level = np.arange(len(y), dtype=float)
    slope = (curve.shape(level + 0.01) - curve.shape(level - 0.01)) / 0.02 / np.gradient(y)
    amplitude = _amplitude(slope[_MEASURED], abs(curve.goal)) * np.sign(curve.goal)
    offset = amplitude * curve.shape(level)
    return offset - 0.35 * amplitude * float(curve.shape(np.array([curve.apex]))[0]), np.arctan(amplitude * slope)


def _amplitude(slope: Row, goal: float) -> float:
    """Return the factor k with ``atan(k s_max) - atan(k s_min) = goal`` degrees, by bisection."""
    low, high = 0.0, 400.0
    for _ in range(60):
        middle = (low + high) / 2
        angle = np.degrees(np.arctan(middle * slope.max()) - np.arctan(middle * slope.min()))
        low, high = (middle, high) if angle < goal else (low, middle)
    return (low + high) / 2


def _kyphosis(y: Row, half_depth: float) -> Row:
    """Return the depth of every body's centre, mm: bowed backwards in the chest, forwards above and below it."""
    t = (y - y[FIRST_THORACIC]) / (y[LAST_THORACIC] - y[FIRST_THORACIC])
    bow = 14.0 * np.sin(np.pi * np.clip(t, 0.0, 1.0))
    return -0.62 * half_depth - bow + 14.0 * np.clip(-t, 0.0, 0.4) + 10.0 * np.clip(t - 1.0, 0.0, 0.4)


def spinal_column(spec: PatientSpec, scale: float, half_depth: float, turn: float) -> Spine:
    """Return the spine of a patient; ``scale`` of the skeleton, inner ``half_depth`` of the chest in mm, ``turn`` of the patient in degrees.

    Source: Kunkel et al., J Anat 2010;216:320 (heights and widths of thoracic vertebrae and discs).
    """
    level = np.arange(len(LEVELS), dtype=float)
    height = np.interp(level, [0, 3, 14, 17], [13.0, 16.5, 23.5, 26.0]) * scale
    half_width = np.interp(level, [0, 3, 6, 14, 17], [13.5, 15.5, 14.5, 19.5, 22.5]) * scale
    wear = _wear(spec, np.interp(level, [0, 3, 9, 14, 17], [5.0, 4.0, 4.6, 6.2, 8.5]) * scale)
    y = np.cumsum(np.concatenate([[0.0], (height[:-1] + height[1:]) / 2 + wear.disc[:-1]]))
    y -= y[FIRST_THORACIC] + 150.0 * scale
    curve = _curve(spec)
    x, tilt = _bend(curve, y)
    rotation = np.radians(turn) + 0.55 * np.radians(curve.goal) * curve.bell(level)
    thoracic = tilt[_MEASURED]
    ends = sorted((int(thoracic.argmax()) + FIRST_THORACIC, int(thoracic.argmin()) + FIRST_THORACIC))
    return Spine(
        centre=np.stack([x, y, _kyphosis(y, half_depth)], axis=1),
        tilt=tilt,
        rotation=rotation,
        height=height,
        half_width=half_width,
        disc=wear.disc,
        osteophyte=wear.osteophyte,
        sclerosis=wear.sclerosis,
        cobb=float(np.degrees(thoracic.max() - thoracic.min())),
        curve=(ends[0], ends[1]),
        degenerate=wear.affected,
    )
