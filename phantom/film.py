"""Renders one film: the phantom's public entry for tests, figures and verification steps.

    specified(seed, findings={"scoliosis": 0.8}, view="PA", vendor="FICTIVE-A") -> PatientSpec
    render(specification) -> RenderedFilm(dataset, truth, pixel_pitch, specification, display)
    encode(rendered.dataset) (phantom.dicom) -> bytes of the DICOM file

``render`` is a pure function: same specification, same bytes. It reads no clock, no environment and no file but the frozen literature table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from phantom import anatomy as anatomies
from phantom import truth as truths
from phantom.attenuation import tissues
from phantom.beam import Grid, place
from phantom.dicom import dataset as dicom_dataset
from phantom.exposure import detect
from phantom.furniture import exposed, marker
from phantom.patient import PatientSpec
from phantom.random_streams import stream
from phantom.surface import reach
from phantom.thorax import compose
from phantom.vendors import VENDORS, store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from pydicom.dataset import Dataset

    from phantom.truth import Truth
    from phantom.vendors import Vendor

FIELD_MM = 405.0
"""Length of the film's longer side in the detector plane (a 17 inch field less its margins)."""


@dataclass(frozen=True, slots=True)
class RenderedFilm:
    """One film: DICOM dataset, exact truth, pixel pitch in mm, its specification, and what a reader would see.

    ``display`` is (rows, columns) float32 in [0, 1], bone bright: the first window applied, polarity resolved.
    """

    dataset: Dataset
    truth: Truth
    pixel_pitch: float
    specification: PatientSpec
    display: NDArray[np.float32]


def specified(  # noqa: PLR0913  (every one is a stratum a test may fix)
    seed: int,
    findings: Mapping[str, float] | None = None,
    *,
    view: str = "PA",
    vendor: str = "FICTIVE-A",
    matrix: int = 1024,
    sex: str = "M",
    age: int = 55,
    body_size: str = "medium",
    dose: str = "standard",
    index: int = 1,
) -> PatientSpec:
    """Return the specification of one film with the findings at the given severities in (0, 1].

    Raises:
        ValueError: an unknown finding or vendor, or a value outside its range.

    >>> specified(3, {"scoliosis": 0.8}).grade("scoliosis")
    0.8
    """
    if vendor not in VENDORS:
        raise ValueError(f"vendor must be one of {sorted(VENDORS)}, got {vendor!r}")
    severity = tuple(sorted((findings or {}).items()))
    return PatientSpec(seed, index, f"P{index:04d}", sex, age, body_size, vendor, view, dose, matrix, severity)


def _grid(spec: PatientSpec) -> Grid:
    vendor = VENDORS[spec.vendor]
    rows = spec.matrix
    columns = round(spec.matrix * vendor.aspect / 4) * 4
    pitch = FIELD_MM / rows
    shift = stream(spec.seed, spec.index, "position").standard_normal(2)
    return Grid(rows, columns, pitch, columns / 2 + 5.0 * shift[0] / pitch, rows * 0.49 + 6.0 * shift[1] / pitch)


def render(spec: PatientSpec) -> RenderedFilm:
    """Return the film of a specification."""
    vendor = VENDORS[spec.vendor]
    grown = anatomies.grow(spec)
    grid = _grid(spec)
    cell = max(spec.matrix // 512, 1)
    half = reach(grown)
    beam = place(spec.view, half, half)
    thorax = compose(grown, beam, grid, tissues(spec.view), cell)
    signal = detect(spec, vendor.modality, thorax.integral + marker(spec, grid), grid.pitch)
    stored = store(vendor, signal, exposed(spec, grid), grid.pitch, float(stream(spec.seed, spec.index, "latitude").random()))
    truth = truths.read(grown, thorax.shadows, truths.Screen(beam, grid, cell))
    ds = dicom_dataset(spec, vendor, stored, grid.pitch, beam.distance)
    return RenderedFilm(ds, truth, grid.pitch, spec, _display(stored.pixels, vendor, stored.windows[0]))


def _display(pixels: NDArray[np.uint16], vendor: Vendor, window: tuple[float, float, str]) -> NDArray[np.float32]:
    """Return what a reader sees in [0, 1]: rescale, linear window, polarity, in this order and once."""
    centre, width, _ = window
    values = pixels.astype(np.float32) * np.float32(vendor.slope) + np.float32(vendor.intercept)
    shown = np.clip((values - np.float32(centre - width / 2)) / np.float32(width), 0.0, 1.0)
    return 1.0 - shown if vendor.photometric == "MONOCHROME1" else shown
