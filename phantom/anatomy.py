"""The thorax in millimetres: draws one patient's measures and bends them by the findings.

Frame: x to the patient's left, y caudad, a anterior (see ``phantom.beam``). Every group of measures has its own random stream.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from phantom import literature
from phantom.random_streams import stream
from phantom.spinal_column import Spine, spinal_column

if TYPE_CHECKING:
    from phantom.patient import PatientSpec


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
    heart_tilt: float
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
    """Return candidate infiltrates all over both lungs, and how many of them the patient has."""
    severity = spec.grade("lung_field_infiltration")
    if severity is None:
        return (), 0
    rng = stream(spec.seed, spec.index, "infiltration")
    row = literature.table()["infiltration"]["count"]
    count = int(rng.choice([int(k) for k in row], p=list(row.values())))
    radius, thickness = (literature.between("infiltration", name, severity) for name in ("radius_mm", "opacity_mm"))
    found = []
    for number in range(40):
        side, size, aspect = rng.choice([-1.0, 1.0]), rng.uniform(0.7, 1.15), rng.uniform(0.70, 1.10)
        x = side * (30.0 + (build.half_width - 45.0) * rng.uniform(0.15, 0.85))
        y = build.apex + (build.dome_right - build.apex) * rng.uniform(0.22, 1.0)
        radii = (radius * size * aspect, radius * size / aspect)
        found.append(Opacity(x, y, *radii, rng.uniform(-0.4, 0.4), thickness * rng.uniform(0.8, 1.2), f"infiltration-{number}"))
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
    tilt = float(np.clip(0.12 * rng.standard_normal(), -0.25, 0.25))
    return Anatomy(
        spec,
        build,
        spinal_column(spec, build.scale, build.half_depth, build.rotation),
        goal,
        shift,
        tilt,
        _aorta(spec, build),
        _caps(spec),
        *_opacities(spec, build),
    )
