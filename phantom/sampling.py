"""Decides who is in a cohort: findings stratified per split, then age, sex, size, vendor, view, dose and severities from the frozen table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phantom import literature
from phantom.patient import BODY_SIZES, FINDINGS, PatientSpec
from phantom.random_streams import stream
from phantom.vendors import VENDORS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

_OLD = {"aortic_atherosclerosis_calcification", "aortic_curvature", "degenerative_joint_disease_of_the_thoracic_spine"}


def _counts(total: int, shares: list[float]) -> list[int]:
    """Return whole numbers in proportion to ``shares`` that add up to ``total`` (largest remainders).

    >>> _counts(10, [0.25, 0.25, 0.5])
    [3, 2, 5]
    """
    exact = [total * share / sum(shares) for share in shares]
    counts = [int(value) for value in exact]
    order = sorted(range(len(shares)), key=lambda k: (counts[k] - exact[k], k))
    for k in order[: total - sum(counts)]:
        counts[k] += 1
    return counts


def assign_findings(seed: int, split: str, patients: int) -> list[tuple[str, ...]]:
    """Return the findings of every patient of a split, balanced: each finding equally often, the normal share exact.

    Rule: patients with most findings first, each takes the findings used least so far, ties broken by chance.
    """
    row = literature.table()["cohort"]
    shares = row["finding_counts"]
    normal, *others = _counts(patients, [row["normal_share"], *((1 - row["normal_share"]) * share for share in shares.values())])
    numbers = [0] * normal + [int(k) for k, count in zip(shares, others, strict=True) for _ in range(count)]
    rng = stream(seed, 0, f"assign-{split}")
    used = dict.fromkeys(FINDINGS, 0)
    chosen = []
    for number in sorted(numbers, reverse=True):
        chance = rng.random(len(FINDINGS))
        ranked = sorted(range(len(FINDINGS)), key=lambda k: (used[FINDINGS[k]], chance[k]))
        taken = tuple(FINDINGS[k] for k in sorted(ranked[:number]))
        for finding in taken:
            used[finding] += 1
        chosen.append(taken)
    return [chosen[k] for k in rng.permutation(patients)]


def _age(rng: np.random.Generator, findings: tuple[str, ...]) -> int:
    row = literature.table()["age"]
    if _OLD & set(findings):
        low, high = row["degenerative"]
    else:
        low, high = row["infiltration_or_scoliosis"] if findings else row["normal"]
    return int(low + (high - low) * rng.beta(1.6, 1.5))


def _severity(rng: np.random.Generator, finding: str) -> float:
    row = literature.table()["severity"][finding]
    return round(float(row["floor"] + (1 - row["floor"]) * rng.beta(row["alpha"], row["beta"])), 4)


def draw_patient(seed: int, index: int, findings: tuple[str, ...], matrix: int) -> PatientSpec:
    """Return the specification of patient number ``index`` with the given findings."""
    rng = stream(seed, index, "patient")
    row = literature.table()["cohort"]
    age = _age(rng, findings)
    sex, size = str(rng.choice(["F", "M"])), str(rng.choice(BODY_SIZES, p=[0.25, 0.5, 0.25]))
    vendor = sorted(VENDORS)[int(rng.integers(len(VENDORS)))]
    view = "AP" if rng.random() < row["ap_share"] else "PA"
    dose = "low" if rng.random() < row["low_dose_share"] else "standard"
    severity = tuple((finding, _severity(stream(seed, index, f"severity-{finding}"), finding)) for finding in findings)
    return PatientSpec(seed, index, f"P{index:04d}", sex, age, size, vendor, view, dose, matrix, severity)


def draw_cohort(seed: int, patients: Mapping[str, int], matrix: int) -> list[tuple[str, PatientSpec]]:
    """Return (split, specification) of every patient, in order of patient number.

    Raises:
        ValueError: no patients, or a negative number of them.
    """
    if any(number < 0 for number in patients.values()) or sum(patients.values()) == 0:
        raise ValueError(f"patients per split must be zero or more and not all zero, got {dict(patients)}")
    drawn = []
    for split, number in patients.items():
        for findings in assign_findings(seed, split, number):
            drawn.append((split, draw_patient(seed, len(drawn) + 1, findings, matrix)))
    return drawn
