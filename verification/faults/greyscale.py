"""Defects on the way from stored values to the network's input: a step left out, done twice or in another order."""

from __future__ import annotations

from dataclasses import replace as changed
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from verification.faults.alteration import replace, wrap

if TYPE_CHECKING:
    from types import ModuleType


def film_turned_to_repair(module: ModuleType) -> None:
    """A film that looks like a negative is turned, so that it looks right."""
    from device_sw.dicom.orientation import INVERTED, orientation  # noqa: PLC0415  the device is loaded by now

    def normalise(original: Any, *arguments: Any, **options: Any) -> Any:
        film = original(*arguments, **options)
        return changed(film, pixels=np.float32(1.0) - film.pixels) if orientation(film.pixels).inverted > INVERTED else film

    wrap(module, "normalise", normalise)


def _recipe(module: ModuleType, name: str, curve: Any) -> None:
    replace(module, "_RECIPES", {**module._RECIPES, name: curve})  # noqa: SLF001


def eda_takes_any_polarity(module: ModuleType) -> None:
    """The E-Da recipe does not ask for MONOCHROME1."""
    original = module._eda_curve  # noqa: SLF001
    _recipe(
        module,
        "eda-log-1",
        lambda values, attributes: original(values, changed(attributes, photometric="MONOCHROME1", pixel_relationship="LOG")),
    )


def eda_turned_again(module: ModuleType) -> None:
    """After the E-Da recipe a MONOCHROME1 film is turned like any other."""
    original = module._eda_curve  # noqa: SLF001

    def curve(values: Any, attributes: Any) -> Any:
        grey, cautions = original(values, attributes)
        return 1.0 - grey, cautions

    _recipe(module, "eda-log-1", curve)


def polarity_before_window(module: ModuleType) -> None:
    """Polarity is applied to the values before the window."""

    def curve(values: Any, attributes: Any) -> Any:
        output = module._modality(values, attributes)  # noqa: SLF001
        turned = output.max() + output.min() - output if attributes.inverts else output
        return module._voi(turned, attributes)  # noqa: SLF001

    _recipe(module, "tt-default-1", curve)


def turned_by_both_statements(module: ModuleType) -> None:
    """Presentation LUT Shape INVERSE turns the film once more (device_sw.dicom.radiograph)."""
    replace(
        module,
        "FilmAttributes.inverts",
        property(lambda self: (self.photometric == "MONOCHROME1") != (self.presentation_shape == "INVERSE")),
    )


def modality_table_ignored(module: ModuleType) -> None:
    """Slope and intercept are used although there is a modality lookup table."""
    wrap(module, "_modality", lambda original, values, attributes: original(values, changed(attributes, modality_lut=None)))


def window_before_table(module: ModuleType) -> None:
    """A window is used although there is a VOI lookup table."""

    def voi(original: Any, values: Any, attributes: Any) -> Any:
        return original(values, changed(attributes, voi_luts=()) if attributes.windows else attributes)

    wrap(module, "_voi", voi)


def linear_like_linear_exact(module: ModuleType) -> None:
    """LINEAR counts edges like LINEAR_EXACT."""
    wrap(module, "_linear", lambda original, values, center, width: original(values, center + 0.5, width + 1.0))


def unknown_name_means_default(module: ModuleType) -> None:
    """A preprocessing that is not known is replaced by the default one."""

    def normalise(original: Any, radiograph: Any, preprocessing_id: str = "tt-default-1") -> Any:
        known = preprocessing_id in module._RECIPES  # noqa: SLF001
        return original(radiograph, preprocessing_id if known else "tt-default-1")

    wrap(module, "normalise", normalise)


def padding_not_blanked(module: ModuleType) -> None:
    """Padding is windowed like picture."""

    def look_up(original: Any, radiograph: Any, curve: Any) -> Any:
        return original(changed(radiograph, attributes=changed(radiograph.attributes, padding=None)), curve)

    wrap(module, "_look_up", look_up)


def guessed_window_not_told(module: ModuleType) -> None:
    """That the full range was used is not passed on."""

    def voi(original: Any, values: Any, attributes: Any) -> Any:
        grey, cautions = original(values, attributes)
        return grey, tuple(caution for caution in cautions if caution != module.NO_WINDOW)

    wrap(module, "_voi", voi)


def choice_of_window_not_told(module: ModuleType) -> None:
    """Which of several windows was used is not passed on."""
    replace(module, "_choice", lambda _kind, _count: ())


def film_stretched(module: ModuleType) -> None:
    """The film is stretched to the network's square (device_sw.preprocessing.geometry)."""

    def letterbox(film: Any, size: int) -> Any:
        rows, columns = film.pixels.shape
        resized = Image.fromarray(film.pixels, mode="F").resize((size, size), Image.Resampling.BILINEAR)
        pixels = np.clip(np.asarray(resized, dtype=np.float32), 0.0, 1.0)
        return module.ModelInput(pixels=pixels, letterbox=module.Letterbox(rows=rows, columns=columns, size=size))

    replace(module, "letterbox", letterbox)
