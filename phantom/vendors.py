"""Five fictitious manufacturers: how each turns a detector's signal into stored values. None stands for a real company.

Every one applies the same kind of processing (dynamic range compressed, detail kept) with its own constants, then stores bone as high values
(MONOCHROME2) or low values (MONOCHROME1), on a logarithmic or a linear scale of the processed beam intensity.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter

from phantom.texture import enlarge

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Map = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Vendor:
    """One manufacturer's habits.

    ``aspect`` is columns over rows; ``windows`` how many VOI windows the file carries; ``compression`` and ``detail`` scale the slow and the
    fine part of the log signal; ``slope`` and ``intercept`` are the rescale values (CR only).
    """

    name: str
    model: str
    modality: str
    photometric: str
    relationship: str
    syntax: str
    windows: int
    aspect: float
    compression: float
    detail: float
    slope: float = 1.0
    intercept: float = 0.0

    @property
    def sign(self) -> int:
        """Return the Pixel Intensity Relationship Sign: 1 when lower stored values mean less beam (DICOM PS3.3 C.8.11.3.1.2)."""
        return 1 if self.photometric == "MONOCHROME1" else -1


VENDORS = {
    vendor.name: vendor
    for vendor in (
        Vendor("FICTIVE-A", "Phantom Panel 1", "DX", "MONOCHROME2", "LOG", "jpeg-ls", 1, 1.0, 0.72, 1.25),
        Vendor("FICTIVE-B", "Phantom Plate 2", "CR", "MONOCHROME1", "LOG", "explicit", 3, 0.83, 0.85, 1.05),
        Vendor("FICTIVE-C", "Phantom Panel 3", "DX", "MONOCHROME1", "LIN", "implicit", 1, 1.0, 0.55, 1.10),
        Vendor("FICTIVE-D", "Phantom Plate 4", "CR", "MONOCHROME2", "LOG", "rle", 1, 1.0, 0.90, 1.00, 0.25, -64.0),
        Vendor("FICTIVE-E", "Phantom Panel 5", "DX", "MONOCHROME2", "LOG", "jpeg-ls", 2, 0.92, 0.65, 1.45),
    )
}
"""All vendors by name."""


@dataclass(frozen=True, slots=True)
class Stored:
    """Stored pixel values (rows, columns) uint16, 0 to 4095, and the windows as (centre, width, explanation) in rescaled units."""

    pixels: NDArray[np.uint16]
    windows: tuple[tuple[float, float, str], ...]


def processed(vendor: Vendor, signal: Map, pitch: float) -> Map:
    """Return the processed log signal, high where much beam arrived.

    Formula: ``compression * slow + detail * (log signal - slow)`` with ``slow`` a 14 mm Gaussian average of the log signal.
    """
    log_signal = np.log(signal)
    rows, columns = log_signal.shape
    factor = max(rows // 256, 1)
    small = log_signal[: rows // factor * factor, : columns // factor * factor]
    small = small.reshape(rows // factor, factor, columns // factor, factor).mean(axis=(1, 3))
    slow = enlarge(gaussian_filter(small, 14.0 / (pitch * factor), mode="nearest"), rows, columns)
    return np.float32(vendor.compression) * slow + np.float32(vendor.detail) * (log_signal - slow)


def store(vendor: Vendor, signal: Map, exposed: NDArray[np.bool_], pitch: float, latitude: float) -> Stored:
    """Return what the vendor stores for a detector signal: 12-bit values and windows chosen from the film's own histogram.

    ``exposed`` is False behind the collimator's leaves: panels (DX) black that edge out, plates (CR) leave it unexposed and so bright. ``latitude`` in [0, 1] is how far beyond the lungs the technologist's preset reaches.
    """
    scale = processed(vendor, signal, pitch)
    rows, columns = scale.shape
    centre = scale[int(0.12 * rows) : int(0.85 * rows) : 3, int(0.22 * columns) : int(0.78 * columns) : 3]
    dense, lucent = (float(x) for x in np.percentile(centre, (0.7, 98.0)))
    if vendor.relationship == "LIN":
        scale, dense, lucent = np.exp(scale - np.float32(lucent)), float(np.exp(dense - lucent)), 1.0
    span = lucent - dense
    dense, lucent = (
        dense - 0.05 * span,
        lucent + (0.05 + 0.35 * latitude if vendor.relationship == "LOG" else 0.12 * latitude) * span,
    )
    share = (scale - np.float32(dense)) / np.float32(lucent - dense)
    if vendor.sign < 0:
        share = 1.0 - share
    margin = {"LOG": 500.0, "LIN": 250.0}[vendor.relationship]
    shut = 1.4 if (vendor.modality == "DX") == (vendor.sign > 0) else -0.4
    share = np.where(exposed, share, np.float32(shut))
    pixels = np.clip(np.rint(margin + share * (4095.0 - 2 * margin)), 0, 4095).astype(np.uint16)
    low, high = (vendor.slope * x + vendor.intercept for x in (margin, 4095.0 - margin))
    return Stored(pixels, _windows(vendor.windows, (low + high) / 2, high - low))


def _windows(count: int, centre: float, width: float) -> tuple[tuple[float, float, str], ...]:
    names = (("NORMAL", 1.0, 0.0), ("HARDER", 0.8, 0.0), ("SOFTER", 1.25, 0.02))
    return tuple((round(centre + shift * width, 2), round(width * factor, 2), name) for name, factor, shift in names[:count])
