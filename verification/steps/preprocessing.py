"""Steps on greyscale and geometry: the film is read, normalised and laid into the network's input through the device's own functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pytest_bdd import given, parsers, then, when

from device_sw.dicom.reader import read
from device_sw.errors import DeviceError
from device_sw.preprocessing.geometry import letterbox, to_film, to_network
from device_sw.preprocessing.intensity import normalise
from device_sw.types import Box, Letterbox, ModelInput, NormalisedFilm
from verification.steps import films
from verification.steps.material import Input, film_input

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

TOLERANCE = 1e-6
LUNG, SPINE, BACKGROUND = (slice(200, 260), slice(130, 180)), (slice(100, 200), slice(245, 265)), (slice(100, 400), slice(2, 18))
"""Places of the 512 x 512 chest cartoon."""


@dataclass
class Normalisation:
    """The film after preprocessing, or the error that preprocessing ended in."""

    stored: NDArray[np.int32]
    film: NormalisedFilm | None
    error: DeviceError | None

    @property
    def pixels(self) -> NDArray[np.float32]:
        """Normalised pixels; the scenario fails where there are none."""
        assert self.film is not None, f"expected a normalised film, observed {self.error}"
        return self.film.pixels


def _normalised(path: Path, preprocessing_id: str) -> Normalisation:
    radiograph = read(path)
    try:
        return Normalisation(radiograph.stored, normalise(radiograph, preprocessing_id), None)
    except DeviceError as error:
        return Normalisation(radiograph.stored, None, error)


@given(
    parsers.re(
        r"a ramp film with slope (?P<slope>\S+), intercept (?P<intercept>\S+), window center (?P<center>\S+) and window width (?P<width>\S+)"
    ),
    target_fixture="sent",
)
def _ramp(slope: str, intercept: str, center: str, width: str) -> Input:
    ramp = np.resize(np.arange(4096, dtype=np.uint16), (512, 512))
    sent = film_input(ramp)
    for keyword, text in {
        "RescaleSlope": slope,
        "RescaleIntercept": intercept,
        "WindowCenter": center,
        "WindowWidth": width,
    }.items():
        films.assign(sent.dataset, keyword, text)
    return sent


@given(parsers.parse("its polarity is declared {photometric}"))
def _photometric(sent: Input, photometric: str) -> None:
    sent.dataset.PhotometricInterpretation = photometric
    sent.dataset.PresentationLUTShape = {"MONOCHROME1": "INVERSE", "MONOCHROME2": "IDENTITY"}[photometric]


def _lookup(entries: NDArray[np.int64], bits: int) -> Sequence:
    table = Dataset()
    table.LUTDescriptor, table.LUTData = [len(entries), 0, bits], entries.astype("<u2").tobytes()
    table["LUTDescriptor"].VR, table["LUTData"].VR = "US", "OW"
    return Sequence([table])


@given("a modality lookup table that doubles the stored values 0 to 511")
def _modality_table(sent: Input) -> None:
    del sent.dataset.RescaleSlope
    del sent.dataset.RescaleIntercept
    sent.dataset.ModalityLUTSequence = _lookup(np.arange(512) * 2, 10)


@given("a VOI lookup table of 10 bits that maps 0 to 1023 onto themselves")
def _voi_table(sent: Input) -> None:
    sent.dataset.VOILUTSequence = _lookup(np.arange(1024), 10)


@given(
    parsers.parse(
        "its outer {width:d} pixels are padded with the stored value {padding:d} and declared so by value {value} and limit {limit}"
    )
)
def _padded(sent: Input, width: int, padding: int, value: str, limit: str) -> None:
    values = np.clip(films.stored_values(sent.dataset), 20, 4070)
    inner = values[width:-width, width:-width]
    films.show(sent.dataset, np.pad(inner, width, constant_values=padding).astype(np.uint16))
    films.assign(sent.dataset, "PixelPaddingValue", value)
    films.assign(sent.dataset, "PixelPaddingRangeLimit", limit)


@given(
    parsers.parse(
        "a film of {rows:d} x {columns:d} pixels with a bright square of {side:d} pixels at row {row:d}, column {column:d}"
    ),
    target_fixture="sent",
)
def _square(rows: int, columns: int, side: int, row: int, column: int) -> Input:
    values = np.zeros((rows, columns), dtype=np.uint16)
    values[row : row + side, column : column + side] = 4095
    return film_input(values)


@when(parsers.parse('the film is normalised under "{preprocessing_id}"'), target_fixture="normalisation")
def _normalise(sent: Input, preprocessing_id: str, tmp_path: Path) -> Normalisation:
    return _normalised(sent.file(tmp_path), preprocessing_id)


@when("the same film, written as MONOCHROME1 with complemented stored values, is normalised too", target_fixture="counterpart")
def _counterpart(sent: Input, tmp_path: Path) -> Normalisation:
    films.complement(sent.dataset)
    return _normalised(films.write(sent.dataset, tmp_path / "counterpart.dcm"), "tt-default-1")


@when(parsers.parse("it is laid into a network input of {size:d} pixels"), target_fixture="model_input")
def _laid(normalisation: Normalisation, size: int) -> ModelInput:
    assert normalisation.film is not None, f"expected a normalised film, observed {normalisation.error}"
    return letterbox(normalisation.film, size)


@then(parsers.parse("the stored value {stored:d} becomes {grey:f}"))
def _becomes(normalisation: Normalisation, stored: int, grey: float) -> None:
    found = normalisation.pixels[normalisation.stored == stored]
    assert found.size, f"expected the stored value {stored} in the film, observed none"
    assert np.all(np.abs(found - grey) <= TOLERANCE), f"expected {grey} for {stored}, observed {found.min()} to {found.max()}"


@then(parsers.parse("the spine is at least {margin:f} brighter than the lungs and the background"))
def _bone_bright(normalisation: Normalisation, margin: float) -> None:
    spine, lung, air = (float(np.median(normalisation.pixels[place])) for place in (SPINE, LUNG, BACKGROUND))
    assert spine - max(lung, air) >= margin, (
        f"expected a margin of {margin}, observed spine {spine}, lung {lung}, background {air}"
    )


@then(parsers.parse("the two normalised films differ by at most {limit:f}"))
def _same(normalisation: Normalisation, counterpart: Normalisation, limit: float) -> None:
    largest = float(np.abs(normalisation.pixels - counterpart.pixels).max())
    assert largest <= limit, f"expected a difference of at most {limit}, observed {largest}"
    assert float(np.ptp(normalisation.pixels)) > 0.5, (
        f"expected a film with contrast, observed a range of {np.ptp(normalisation.pixels)}"
    )


@then(parsers.parse('the preprocessing cautions mention "{text}"'))
def _mention(normalisation: Normalisation, text: str) -> None:
    cautions = normalisation.film.cautions if normalisation.film else ()
    assert any(text in caution for caution in cautions), f"expected a caution with {text!r}, observed {cautions}"


@then("there is no preprocessing caution")
def _no_caution(normalisation: Normalisation) -> None:
    assert normalisation.film is not None, f"expected a normalised film, observed {normalisation.error}"
    assert normalisation.film.cautions == (), f"expected no caution, observed {normalisation.film.cautions}"


@then("all normalised values are finite 32-bit numbers in [0, 1]")
def _in_range(normalisation: Normalisation) -> None:
    pixels = normalisation.pixels
    assert pixels.dtype == np.float32, f"expected float32, observed {pixels.dtype}"
    assert np.all(np.isfinite(pixels)), f"expected finite values, observed {np.sum(~np.isfinite(pixels))} others"
    assert pixels.min() >= 0.0, f"expected at least 0, observed {pixels.min()}"
    assert pixels.max() <= 1.0, f"expected at most 1, observed {pixels.max()}"


@then(parsers.parse("the outer {width:d} pixels are 0"))
def _outer(normalisation: Normalisation, width: int) -> None:
    outside = normalisation.pixels.copy()
    outside[width:-width, width:-width] = 0.0
    assert not outside.any(), f"expected 0 in the padding, observed up to {outside.max()}"
    assert normalisation.pixels.any(), "expected a picture inside the padding, observed 0 everywhere"


@then(parsers.parse("normalisation is refused with {code}"))
def _refused(normalisation: Normalisation, code: str) -> None:
    found = normalisation.error.code if normalisation.error else "a normalised film"
    assert found == code, f"expected {code}, observed {found}"


@then(parsers.parse("the film fills {high:d} x {wide:d} network pixels from the top left corner"))
def _fills(model_input: ModelInput, high: int, wide: int) -> None:
    filled = model_input.pixels > 0.002
    observed = (int(np.flatnonzero(filled.any(axis=1)).max()) + 1, int(np.flatnonzero(filled.any(axis=0)).max()) + 1)
    assert observed == (high, wide), f"expected {high} x {wide}, observed {observed[0]} x {observed[1]}"
    assert filled[0].any(), "expected the film to begin in row 0, observed nothing there"
    assert filled[:, 0].any(), "expected the film to begin in column 0, observed nothing there"


@then("the rest of the network input is 0")
def _rest(model_input: ModelInput) -> None:
    frame = model_input.letterbox
    high, wide = (int(np.ceil(side * frame.scale)) for side in (frame.rows, frame.columns))
    rest = max(float(model_input.pixels[high:].max(initial=0.0)), float(model_input.pixels[:, wide:].max(initial=0.0)))
    assert rest == 0.0, f"expected 0 outside the film, observed {rest}"


@then(
    parsers.parse("the bright square lies at rows {top:f} to {bottom:f} and columns {left:f} to {right:f} of the network input")
)
def _square_lies(model_input: ModelInput, top: float, bottom: float, left: float, right: float) -> None:
    rows, columns = (model_input.pixels.sum(axis=axis) for axis in (1, 0))
    observed = [_edges(profile) for profile in (rows, columns)]
    for (low, high), wanted in zip(observed, ((top, bottom), (left, right)), strict=True):
        assert abs(low - wanted[0]) <= 0.5, f"expected an edge at {wanted[0]}, observed {low}"
        assert abs(high - wanted[1]) <= 0.5, f"expected an edge at {wanted[1]}, observed {high}"


def _edges(profile: NDArray[np.float32]) -> tuple[float, float]:
    """Return where a blurred box function passes half its height, from its centroid and its area."""
    position = np.arange(len(profile)) + 0.5
    width = float(profile.sum() / profile.max())
    centre = float((profile * position).sum() / profile.sum())
    return centre - width / 2, centre + width / 2


@given(parsers.parse("a film of {rows:d} x {columns:d} pixels seen by a network of {size:d} pixels"), target_fixture="frame")
def _frame(rows: int, columns: int, size: int) -> Letterbox:
    return Letterbox(rows=rows, columns=columns, size=size)


@when(parsers.parse("{count:d} boxes of the film are sent to the network's grid and back"), target_fixture="round_trip")
def _round_trip(frame: Letterbox, count: int) -> list[tuple[Box, Box]]:
    generator = np.random.default_rng(17)
    pairs = []
    for _ in range(count):
        x0, x1 = sorted(generator.uniform(0, frame.columns, 2))
        y0, y1 = sorted(generator.uniform(0, frame.rows, 2))
        box = Box(float(x0), float(y0), float(x1), float(y1))
        scale = frame.size / max(frame.rows, frame.columns)
        sent = to_network(box, frame)
        assert np.allclose(sent.as_tuple(), np.multiply(box.as_tuple(), scale)), (
            f"expected scale {scale}, observed {sent} for {box}"
        )
        pairs.append((box, to_film(sent.as_tuple(), frame)))
    return pairs


@then(parsers.parse("every edge returns within {limit:f} pixel"))
def _returns(round_trip: list[tuple[Box, Box]], limit: float) -> None:
    largest = max(float(np.abs(np.subtract(sent.as_tuple(), back.as_tuple())).max()) for sent, back in round_trip)
    assert largest <= limit, f"expected at most {limit} pixel, observed {largest}"


@when(parsers.parse("the network marks the box {x0:f}, {y0:f}, {x1:f}, {y1:f}"), target_fixture="on_film")
def _marks(frame: Letterbox, x0: float, y0: float, x1: float, y1: float) -> Box:
    return to_film((x0, y0, x1, y1), frame)


@then(parsers.parse("the box on the film is {x0:f}, {y0:f}, {x1:f}, {y1:f}"))
def _on_film(on_film: Box, x0: float, y0: float, x1: float, y1: float) -> None:
    assert np.allclose(on_film.as_tuple(), (x0, y0, x1, y1), atol=1e-6), (
        f"expected {(x0, y0, x1, y1)}, observed {on_film.as_tuple()}"
    )
