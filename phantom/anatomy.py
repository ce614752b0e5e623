"""The thorax in millimetres: draws one patient's measures and bends them by the findings.

Frame: x to the patient's left, y caudad, a anterior (see ``phantom.beam``). Every group of measures has its own random stream.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from phantom import literature
from phantom.random_streams import stream

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from phantom.patient import PatientSpec

LEVELS = ("C5", "C6", "C7", *(f"T{k}" for k in range(1, 13)), "L1", "L2", "L3")
"""Vertebrae from top to bottom."""

FIRST_THORACIC = LEVELS.index("T1")
LAST_THORACIC = LEVELS.index("T12")


@dataclass(frozen=True, slots=True)
class Build:
    """The frame of the chest, mm: ``scale`` of the skeleton, inner half-width and half-depth, wall, fat, breast."""

    scale: float
    half_width: float
    half_depth: float
    wall: float
    fat: float
    breast: float
    apex: float
    dome_right: float
    dome_left: float
    dome_height: float
    shoulder_drop: float
    rib_slope: float
    rotation: float


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
class Aorta:
    """Knob radius, arch height, bulge of the descending aorta to the left and its level, mm; ``calcium`` None or (arc degrees, thickness mm)."""

    knob: float
    arch_y: float
    arch_x: float
    bulge: float
    bulge_y: float
    tortuous: bool
    calcium: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Opacity:
    """One infiltrate: centre on the film plane x, y (mm), radii, equivalent soft-tissue thickness (mm), severity."""

    x: float
    y: float
    radius_x: float
    radius_y: float
    angle: float
    thickness: float
    stream: str


@dataclass(frozen=True, slots=True)
class Anatomy:
    """One patient's thorax; of the candidate ``opacities`` the first ``opacity_count`` that find room in the lung are kept."""

    spec: PatientSpec
    build: Build
    spine: Spine
    ctr_goal: float
    heart_shift: tuple[float, float]
    aorta: Aorta
    caps: tuple[float, float]
    opacities: tuple[Opacity, ...]
    opacity_count: int


def _build(spec: PatientSpec) -> Build:
    rng = stream(spec.seed, spec.index, "build")
    n = rng.standard_normal(12)
    size = {"small": -1.0, "medium": 0.0, "large": 1.0}[spec.body_size]
    male = 1.0 if spec.sex == "M" else 0.0
    supine = 1.0 if spec.view == "AP" else 0.0
    scale = 0.95 + 0.06 * male + 0.015 * size + 0.02 * n[0]
    inspiration = 4.0 * n[6] + 14.0 * supine
    return Build(
        scale=scale,
        half_width=(124.0 + 10.0 * male + 4.0 * size + 4.0 * n[1] + 2.0 * supine),
        half_depth=(66.0 + 6.0 * male + 4.0 * size + 3.0 * n[2]),
        wall=(24.0 + 11.0 * (size + 1.0) + 2.5 * n[3]),
        fat=max(4.0, 7.0 + 7.0 * (size + 0.6) + 3.0 * (1 - male) + 2.0 * n[4]),
        breast=(1 - male) * max(6.0, 22.0 + 11.0 * size + 6.0 * n[5]),
        apex=-148.0 * scale + 4.0 * n[7],
        dome_right=58.0 * scale - inspiration,
        dome_left=58.0 * scale - inspiration + 9.0 + 3.0 * n[8],
        dome_height=40.0 + 5.0 * n[9] - 3.0 * supine,
        shoulder_drop=6.0 * n[10],
        rib_slope=1.0 + 0.12 * n[11] - 0.12 * supine,
        rotation=float(np.clip(rng.standard_normal() * 2.0, -4.5, 4.5)),
    )


def _curve(spec: PatientSpec) -> tuple[float, float, float, float]:
    """Return signed Cobb goal in degrees (positive bends to the right), apex position in level units, half-length in levels, secondary share."""
    rng = stream(spec.seed, spec.index, "scoliosis")
    row = literature.table()["scoliosis"]
    normal = float(np.clip(abs(rng.standard_normal()) * row["normal_cobb_sd_deg"], 0.0, row["normal_cobb_max_deg"]))
    right = rng.random() < row["right_convex_share"]
    apex = FIRST_THORACIC + rng.uniform(6.0, 9.0)
    half = rng.uniform(3.2, 4.6)
    secondary = rng.uniform(0.35, 0.7)
    severity = spec.grade("scoliosis")
    angle = normal if severity is None else literature.between("scoliosis", "cobb", severity)
    return (angle if right else -angle), apex, half, secondary


def _degeneration(spec: PatientSpec, disc: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Return disc heights, osteophytes (n, 2), sclerosis (n,) and the affected disc levels."""
    rng = stream(spec.seed, spec.index, "degeneration")
    count = len(LEVELS)
    draw = rng.random((count, 4))
    start_draw = rng.random()
    row = literature.table()["spine_degeneration"]
    osteophyte = np.zeros((count, 2))
    sclerosis = np.zeros(count)
    wear = max(0.0, (spec.age - 45) / 35) * row["normal_osteophyte_mm_at_80_years"]
    osteophyte += wear * draw[:, 1:3]
    disc = disc * (1 - 0.12 * max(0.0, (spec.age - 45) / 35) * draw[:, 0])
    severity = spec.grade("degenerative_joint_disease_of_the_thoracic_spine")
    if severity is None:
        return disc, osteophyte, sclerosis, np.zeros(0, int)
    levels = round(literature.between("spine_degeneration", "levels", severity))
    lowest = LAST_THORACIC - 1
    start = round(FIRST_THORACIC + 4 + start_draw * (lowest - levels + 1 - FIRST_THORACIC - 4))
    affected = np.arange(start, start + levels)
    kept = literature.between("spine_degeneration", "disc_height_kept", severity)
    spur = literature.between("spine_degeneration", "osteophyte_mm", severity)
    disc[affected] *= np.clip(kept + 0.15 * (draw[affected, 0] - 0.5), 0.1, 1.0)
    osteophyte[affected] = spur * (0.7 + 0.5 * draw[affected, 1:3]) * np.array([1.0, 0.75])
    sclerosis[affected] = literature.between("spine_degeneration", "sclerosis_mm", severity) * (0.8 + 0.4 * draw[affected, 3])
    return disc, osteophyte, sclerosis, affected


def _spine(spec: PatientSpec, build: Build) -> Spine:
    count = len(LEVELS)
    level = np.arange(count, dtype=float)
    height = np.interp(level, [0, 3, 14, 17], [13.0, 16.5, 23.5, 26.0]) * build.scale
    half_width = np.interp(level, [0, 3, 6, 14, 17], [13.5, 15.5, 14.5, 19.5, 22.5]) * build.scale
    disc = np.interp(level, [0, 3, 9, 14, 17], [5.0, 4.0, 4.6, 6.2, 8.5]) * build.scale
    disc, osteophyte, sclerosis, affected = _degeneration(spec, disc)
    goal, apex, half, secondary = _curve(spec)
    y = np.cumsum(np.concatenate([[0.0], (height[:-1] + height[1:]) / 2 + disc[:-1]]))
    y -= y[FIRST_THORACIC] + 150.0 * build.scale
    primary = np.exp(-(((level - apex) / (half * 0.72)) ** 2))
    counter = np.exp(-(((level - apex + 2.05 * half) / (half * 0.7)) ** 2)) + np.exp(
        -(((level - apex - 2.05 * half) / (half * 0.7)) ** 2)
    )
    shape = -(primary - 0.5 * secondary * counter)
    slope = np.gradient(shape, y)
    thoracic = slice(FIRST_THORACIC, LAST_THORACIC + 2)
    amplitude = _amplitude(slope[thoracic], abs(goal)) * np.sign(goal)
    x = amplitude * shape
    tilt = np.arctan(np.gradient(x, y))
    ends = sorted((int(np.argmax(tilt[thoracic])) + FIRST_THORACIC, int(np.argmin(tilt[thoracic])) + FIRST_THORACIC))
    x = x - np.interp(apex, level, x) * 0.35
    rotation = np.radians(build.rotation) + 0.55 * np.radians(goal) * primary
    t = np.clip((y - y[FIRST_THORACIC]) / (y[LAST_THORACIC] - y[FIRST_THORACIC]), -0.4, 1.4)
    depth = (
        -build.half_depth * 0.62 - 14.0 * np.sin(np.pi * np.clip(t, 0, 1)) + 14.0 * np.clip(-t, 0, 1) + 10 * np.clip(t - 1, 0, 1)
    )
    cobb = float(np.degrees(tilt[thoracic].max() - tilt[thoracic].min()))
    return Spine(
        np.stack([x, y, depth], axis=1),
        tilt,
        rotation,
        height,
        half_width,
        disc,
        osteophyte,
        sclerosis,
        cobb,
        (ends[0], ends[1]),
        tuple(int(k) for k in affected),
    )


def _amplitude(slope: NDArray[np.float64], goal: float) -> float:
    """Return the factor that gives the curve its Cobb angle: bisection on ``atan(k s_max) - atan(k s_min) = goal``."""
    low, high = 0.0, 400.0
    for _ in range(60):
        middle = (low + high) / 2
        angle = np.degrees(np.arctan(middle * slope.max()) - np.arctan(middle * slope.min()))
        low, high = (middle, high) if angle < goal else (low, middle)
    return (low + high) / 2


def _aorta(spec: PatientSpec, build: Build) -> Aorta:
    rng = stream(spec.seed, spec.index, "aorta")
    row = literature.table()["aorta"]
    low, high = row["knob_radius_mm"]
    knob = low + (high - low) * (0.5 * rng.random() + 0.5 * np.clip((spec.age - 20) / 65, 0, 1))
    bulge = rng.uniform(*row["bulge_normal_mm"])
    bulge_y = rng.uniform(-28.0, 12.0)
    arch_y = -78.0 * build.scale + 4.0 * rng.standard_normal()
    severity = spec.grade("aortic_curvature")
    if severity is not None:
        knob += literature.between("aorta", "knob_growth", severity)
        bulge = literature.between("aorta", "bulge", severity)
        arch_y -= 6.0 * severity
    calcium = spec.grade("aortic_atherosclerosis_calcification")
    deposit = None
    if calcium is not None:
        deposit = (literature.between("calcium", "arc_degrees", calcium), literature.between("calcium", "thickness_mm", calcium))
    return Aorta(knob, arch_y, 21.0 * build.scale, bulge, bulge_y, severity is not None, deposit)


def _caps(spec: PatientSpec) -> tuple[float, float]:
    rng = stream(spec.seed, spec.index, "cap")
    both, right, less = rng.random(), rng.random() < 0.5, rng.uniform(0.5, 1.0)
    severity = spec.grade("intercostal_pleural_thickening")
    if severity is None:
        return (0.0, 0.0)
    thickness = literature.between("pleural_cap", "thickness_mm", severity)
    other = thickness * less if both < literature.table()["pleural_cap"]["bilateral_share"] else 0.0
    return (thickness, other) if right else (other, thickness)


def _opacities(spec: PatientSpec, build: Build) -> tuple[tuple[Opacity, ...], int]:
    severity = spec.grade("lung_field_infiltration")
    rng = stream(spec.seed, spec.index, "infiltration")
    if severity is None:
        return (), 0
    row = literature.table()["infiltration"]["count"]
    count = int(rng.choice([int(k) for k in row], p=list(row.values())))
    found: list[Opacity] = []
    for number in range(80):
        side = rng.choice([-1.0, 1.0])
        radius = literature.between("infiltration", "radius_mm", severity) * rng.uniform(0.75, 1.2) * (1.0 if not found else 0.75)
        aspect = rng.uniform(0.75, 1.35)
        y = build.apex + (build.dome_right - build.apex) * rng.uniform(0.22, 1.0)
        x = side * (30.0 + (build.half_width - 45.0) * rng.uniform(0.15, 0.85))
        thickness = literature.between("infiltration", "opacity_mm", severity) * rng.uniform(0.8, 1.2)
        angle = rng.uniform(-0.6, 0.6)
        blob = Opacity(x, y, radius * aspect, radius / aspect, angle, thickness, f"infiltration-{number}")
        apart = all(np.hypot(x - o.x, y - o.y) > 1.05 * (max(o.radius_x, o.radius_y) + radius) for o in found)
        if apart:
            found.append(blob)
    return tuple(found), count


def grow(spec: PatientSpec) -> Anatomy:
    """Return the thorax of a patient: normal variation from the seed, then the findings at their severities."""
    build = _build(spec)
    rng = stream(spec.seed, spec.index, "heart")
    row = literature.table()["heart"]
    normal = float(min(row["normal_ctr_mean"] + row["normal_ctr_sd"] * rng.standard_normal(), row["normal_ctr_max"]))
    severity = spec.grade("cardiac_hypertrophy")
    goal = max(normal, 0.36) if severity is None else literature.between("heart", "ctr", severity)
    shift = (float(3.0 * rng.standard_normal()), float(4.0 * rng.standard_normal()))
    return Anatomy(spec, build, _spine(spec, build), goal, shift, _aorta(spec, build), _caps(spec), *_opacities(spec, build))
