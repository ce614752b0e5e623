"""Turns stored values into the numbers the network sees; each recipe has a name, and the bundle names the one it was trained with.

``tt-default-1``: stored -> padding mask -> modality LUT -> VOI LUT or window -> polarity, once, last -> [0, 1].
``eda-log-1``: the E-Da recipe for MONOCHROME1 LOG data: clip to the window, z = -ln((1 + x) / 2**BitsStored), clip(z, 0, 2.5) / 2.5.

Every recipe works value by value, so it is computed once for each stored value that occurs (a *curve*) and looked up for each pixel: the same numbers
as pixel by pixel, at a fraction of time and memory.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from device_sw.dicom.radiograph import distinct_values
from device_sw.errors import BundleError, InputRefused
from device_sw.types import NormalisedFilm

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from device_sw.dicom.radiograph import FilmAttributes, LookUpTable, Radiograph, Window

Curve = Callable[["NDArray[np.float64]", "FilmAttributes"], "tuple[NDArray[np.float64], tuple[str, ...]]"]
"""Maps distinct stored values (ascending, float64) to [0, 1], with the cautions that the mapping needs."""

NO_WINDOW = "no VOI window: the full range of the film is used"
LOG_MAXIMUM = 2.5
"""Upper clip of the E-Da recipe, natural-log units."""


def normalise(radiograph: Radiograph, preprocessing_id: str = "tt-default-1") -> NormalisedFilm:
    """Return the film as (rows, columns) float32 in [0, 1], bone bright and air dark; padding pixels are 0.

    Raises:
        BundleError: no preprocessing of that name (``BND-PREPROCESSING``).
        InputRefused: the film's attributes allow no such picture (``IN-WINDOW``, ``IN-SLOPE``, ``IN-POLARITY``, ``IN-VALUES``).
    """
    curve = _RECIPES.get(preprocessing_id)
    if curve is None:
        expected = ", ".join(sorted(_RECIPES))
        raise BundleError(
            "BND-PREPROCESSING",
            where="model.json preprocessing",
            found=repr(preprocessing_id),
            expected=expected,
            repair="use a bundle of this device",
        )
    pixels, cautions = _look_up(radiograph, curve)
    return NormalisedFilm(pixels=pixels, preprocessing_id=preprocessing_id, cautions=cautions)


def _look_up(radiograph: Radiograph, curve: Curve) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    stored, attributes = radiograph.stored, radiograph.attributes
    values = distinct_values(stored)
    picture = (
        values if attributes.padding is None else values[(values < attributes.padding[0]) | (values > attributes.padding[1])]
    )
    if not picture.size:
        raise _impossible("IN-VALUES", "(0028,0120) PixelPaddingValue", "nothing but padding", "pixels that are picture")
    grey, cautions = curve(picture.astype(np.float64), attributes)
    if not np.all(np.isfinite(grey)):
        raise _impossible("IN-VALUES", "pixels", "values that are no numbers after the look-up", "finite values")
    table = np.zeros(int(values[-1] - values[0]) + 1, dtype=np.float32)
    table[picture - values[0]] = grey
    pixels = np.empty(stored.shape, dtype=np.float32)
    for row, line in zip(stored, pixels, strict=True):
        line[:] = table[row - values[0]]
    return pixels, cautions


def _impossible(code: str, where: str, found: str, expected: str) -> InputRefused:
    return InputRefused(code, where=where, found=found, expected=expected, repair="have the sending system correct the object")


def _default_curve(values: NDArray[np.float64], attributes: FilmAttributes) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Modality LUT, VOI, then polarity once (PS3.4 N.2: the order of the greyscale transformations)."""
    displayed, cautions = _voi(_modality(values, attributes), attributes)
    return (1.0 - displayed if attributes.inverts else displayed), cautions


def _modality(values: NDArray[np.float64], attributes: FilmAttributes) -> NDArray[np.float64]:
    """Modality LUT Sequence, else slope and intercept, else the stored values themselves (PS3.3 C.11.1)."""
    if attributes.modality_lut is not None:
        return _table(values, attributes.modality_lut)
    slope = 1.0 if attributes.rescale_slope is None else attributes.rescale_slope
    if slope == 0.0:
        raise _impossible("IN-SLOPE", "(0028,1053) RescaleSlope", "0", "a slope other than 0")
    with np.errstate(over="ignore", invalid="ignore"):
        output: NDArray[np.float64] = values * slope + (attributes.rescale_intercept or 0.0)
    if not np.all(np.isfinite(output)):
        raise _impossible("IN-VALUES", "(0028,1053) RescaleSlope", "values beyond all numbers", "finite values")
    return output


def _table(values: NDArray[np.float64], table: LookUpTable) -> NDArray[np.float64]:
    """Values below the table take its first entry, values above its last; fractions are rounded down (PS3.3 C.11.1.1.1)."""
    index = np.clip(np.floor(values) - table.first_mapped, 0, len(table.entries) - 1)
    output: NDArray[np.float64] = table.entries[index.astype(np.int64)].astype(np.float64)
    return output


def _voi(values: NDArray[np.float64], attributes: FilmAttributes) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """VOI LUT Sequence before window, the first of several, the choice recorded; without either the film's full range (PS3.3 C.11.2)."""
    if attributes.voi_luts:
        table = attributes.voi_luts[0]
        return _table(values, table) / (2**table.bits - 1), _choice("VOI LUT", len(attributes.voi_luts))
    if attributes.windows:
        return _windowed(values, attributes.windows[0], attributes.voi_function), _choice("window", len(attributes.windows))
    low, high = float(values.min()), float(values.max())
    return (values - low) / (high - low) if high > low else np.zeros_like(values), (NO_WINDOW,)


def _choice(kind: str, count: int) -> tuple[str, ...]:
    return () if count == 1 else (f"{count} alternatives of a {kind}: index 0 is used",)


def _windowed(values: NDArray[np.float64], window: Window, function: str) -> NDArray[np.float64]:
    """Apply a window (PS3.3 C.11.2.1.2.1 LINEAR, C.11.2.1.3.1 SIGMOID, C.11.2.1.3.2 LINEAR_EXACT), output [0, 1]."""
    center, width = window.center, window.width
    if width <= 0 or (function == "LINEAR" and width < 1):
        raise _impossible("IN-WINDOW", "(0028,1051) WindowWidth", f"{width:g}", "a width that the VOI function allows")
    if function == "SIGMOID":
        return 1.0 / (1.0 + np.exp(np.clip(-4.0 * (values - center) / width, -700.0, 700.0)))
    if function == "LINEAR_EXACT":
        return np.clip((values - center) / width + 0.5, 0.0, 1.0)
    if function != "LINEAR":
        raise _impossible("IN-WINDOW", "(0028,1056) VOILUTFunction", "another function", "LINEAR, LINEAR_EXACT or SIGMOID")
    return _linear(values, center - 0.5, width - 1.0)


def _linear(values: NDArray[np.float64], center: float, width: float) -> NDArray[np.float64]:
    """LINEAR counts pixels, not edges: its centre lies half a value lower and its ramp is one value shorter; width 1 is a step."""
    if width == 0.0:
        return (values > center).astype(np.float64)
    return np.clip((values - center) / width + 0.5, 0.0, 1.0)


def _eda_curve(values: NDArray[np.float64], attributes: FilmAttributes) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """The formula z = -ln((1 + x) / 2**BitsStored) falls with x, so it turns MONOCHROME1 into bone-bright by itself; nothing inverts afterwards.

    On MONOCHROME2, or on data stated not to be logarithmic, the same formula would show a negative, so those are refused.
    """
    if attributes.photometric != "MONOCHROME1" or attributes.pixel_relationship not in {"", "LOG"}:
        found = f"{attributes.photometric or 'none'} {attributes.pixel_relationship or 'unstated'}"
        raise _impossible(
            "IN-POLARITY", "(0028,0004) PhotometricInterpretation", found, "MONOCHROME1 with LOG data for eda-log-1"
        )
    clipped, cautions = _clip_to_window(_modality(values, attributes), attributes)
    z = -np.log((1.0 + np.maximum(clipped, 0.0)) / 2.0**attributes.bits_stored)
    return np.clip(z, 0.0, LOG_MAXIMUM) / LOG_MAXIMUM, cautions


def _clip_to_window(values: NDArray[np.float64], attributes: FilmAttributes) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    if not attributes.windows:
        return values, (NO_WINDOW,)
    window = attributes.windows[0]
    if window.width <= 0:
        raise _impossible("IN-WINDOW", "(0028,1051) WindowWidth", f"{window.width:g}", "a width above 0")
    low, high = window.center - window.width / 2, window.center + window.width / 2
    return np.clip(values, low, high), _choice("window", len(attributes.windows))


_RECIPES: dict[str, Curve] = {"tt-default-1": _default_curve, "eda-log-1": _eda_curve}

PREPROCESSING_IDS: tuple[str, ...] = tuple(sorted(_RECIPES))
"""The recipes that this device offers."""
