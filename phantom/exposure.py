"""From line integrals to the signal of an exposed detector: Beer-Lambert, scatter, quanta, electronics, blur."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter

from phantom import literature
from phantom.random_streams import stream
from phantom.texture import enlarge

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from phantom.patient import PatientSpec

    Map = NDArray[np.float32]


def primary(integral: Map) -> Map:
    """Return the transmitted share of the beam, in (0, 1].

    Formula: ``exp(-integral)`` (Beer-Lambert).

    >>> round(float(primary(np.array([[0.693147]], np.float32))[0, 0]), 3)
    0.5
    """
    return np.exp(-np.maximum(integral, 0.0)).astype(np.float32)


def scatter(transmitted: Map, pitch: float) -> Map:
    """Return the scatter behind a grid, in the unit of ``transmitted``.

    Rule: a broad (35 mm) average of the primary, with a scatter-to-primary ratio that grows with the depth of tissue.
    """
    rows, columns = transmitted.shape
    factor = max(rows // 128, 1)
    small = transmitted[: rows // factor * factor, : columns // factor * factor]
    small = small.reshape(rows // factor, factor, columns // factor, factor).mean(axis=(1, 3))
    row = literature.table()["exposure"]
    low, high = row["scatter_to_primary_behind_lung"], row["scatter_to_primary_behind_mediastinum"]
    depth = np.clip((-np.log(np.maximum(small, 1e-4)) - 1.8) / 2.4, 0.0, 1.0)
    ratio = low + (high - low) * depth
    capped = np.minimum(small, 0.35)
    spread = gaussian_filter(capped * ratio, 35.0 / (pitch * factor), mode="nearest")
    return np.maximum(enlarge(spread.astype(np.float32), rows, columns), 0.0)


def detect(spec: PatientSpec, modality: str, integral: Map, pitch: float) -> Map:
    """Return the detector's signal relative to an open field, noise and blur included, always positive.

    Formula: signal = MTF * (primary + scatter + quantum noise) + electronic noise; quantum noise has variance ``signal / quanta``
    with ``quanta`` absorbed photons per pixel in the open field, set so that the receptor dose behind the lung is the protocol's.
    """
    row = literature.table()["exposure"]
    transmitted = primary(integral)
    exposed = transmitted + scatter(transmitted, pitch)
    behind_lung = float(np.percentile(exposed[exposed.shape[0] // 4 : exposed.shape[0] * 3 // 4 : 4, ::4], 55))
    quanta = row[f"receptor_photons_per_mm2_{spec.dose}"] * row["quantum_efficiency"][modality] * pitch**2 / behind_lung
    rng = stream(spec.seed, spec.index, "noise")
    noise = rng.standard_normal(exposed.shape, dtype=np.float32)
    signal = exposed + noise * np.sqrt(exposed * np.float32(1.0 / quanta))
    sigma = {"CR": 0.34, "DX": 0.24}[modality] / pitch
    signal = gaussian_filter(signal, sigma, mode="nearest")
    electronic = np.float32(0.0006 * behind_lung) * rng.standard_normal(exposed.shape, dtype=np.float32)
    return np.maximum(signal + electronic, np.float32(1e-5))
