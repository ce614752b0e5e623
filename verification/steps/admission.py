"""Steps that hand one input to the device and look at how it ended: a result, or a refusal with its parts."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGBaseline8Bit
from pytest_bdd import given, parsers, then, when

from device_sw.device import Device
from device_sw.dicom.reader import read
from device_sw.errors import DeviceError, InputRefused
from device_sw.types import Policy
from phantom.dicom import encode
from phantom.film import render, specified
from verification.steps import bundles, films
from verification.steps.material import Input

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from device_sw.device import AnalysisResult


@dataclass(frozen=True)
class Ending:
    """How the analysis of one input ended, and how long it took."""

    result: AnalysisResult | None
    error: DeviceError | None
    seconds: float
    """Of processor time, which other work on the machine does not lengthen."""

    @property
    def code(self) -> str:
        """``analysed``, or the code of the error."""
        return "analysed" if self.error is None else self.error.code

    @property
    def analysis(self) -> AnalysisResult:
        """The result; the scenario fails where there is none."""
        assert self.result is not None, f"expected a result, observed {self.error}"
        return self.result


def analysed(device: Device, path: Path) -> Ending:
    """Hand one file to the device; anything but a result or a DeviceError is a fault of the device and ends the scenario."""
    start = time.process_time()
    try:
        result, error = device.analyse(path), None
    except DeviceError as failure:
        result, error = None, failure
    return Ending(result, error, time.process_time() - start)


@pytest.fixture(scope="session")
def small_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The untrained bundle; scenarios that spoil one take a copy."""
    return bundles.untrained(tmp_path_factory.mktemp("small") / "bundle")


@pytest.fixture(scope="session")
def devices(small_bundle: Path) -> Callable[[str], Device]:
    """One device a policy for the whole session, as in use."""
    made: dict[str, Device] = {}

    def device(policy: str) -> Device:
        return made.setdefault(policy, Device(small_bundle, Policy(policy))) if policy not in made else made[policy]

    return device


@when("the device reads it", target_fixture="stored")
def _reads(sent: Input, tmp_path: Path) -> NDArray[np.int32]:
    return read(sent.file(tmp_path)).stored


@when(parsers.parse("the device analyses it under the {policy} policy"), target_fixture="ending")
def _analyses(sent: Input, devices: Callable[[str], Device], policy: str, tmp_path: Path) -> Ending:
    return analysed(devices(policy), sent.file(tmp_path))


@then("the stored values equal those that were encoded")
def _stored_equal(stored: NDArray[np.int32], sent: Input) -> None:
    assert stored.shape == sent.stored.shape, f"expected shape {sent.stored.shape}, observed {stored.shape}"
    differing = int(np.count_nonzero(stored != sent.stored))
    assert differing == 0, f"expected every stored value, observed {differing} others"


@then(parsers.re(r"it is refused with (?P<code>[A-Z][A-Z0-9-]*)$"))
def _refused(ending: Ending, code: str) -> None:
    """A code that ends in a hyphen stands for any code of that family."""
    matches = ending.code.startswith(code) if code.endswith("-") else ending.code == code
    assert matches, f"expected {code}, observed {ending.code}: {ending.error}"
    assert isinstance(ending.error, InputRefused), f"expected InputRefused, observed {type(ending.error).__name__}"
    assert ending.result is None, "expected no result beside the refusal, observed one"


@then(parsers.re(r"it ends with (?P<outcome>\S+)$"))
def _ends(ending: Ending, outcome: str) -> None:
    matches = ending.code.startswith(outcome) if outcome.endswith("-") else ending.code == outcome
    assert matches, f"expected {outcome}, observed {ending.code}: {ending.error}"


@then("it is analysed")
def _is_analysed(ending: Ending) -> None:
    assert ending.code == "analysed", f"expected a result, observed {ending.error}"
    assert ending.analysis.candidates, "expected the untrained network's candidates, observed none"


@then("the message is one line")
def _one_line(ending: Ending) -> None:
    lines = str(ending.error).splitlines()
    assert len(lines) == 1, f"expected one line, observed {len(lines)}"
    assert lines[0].startswith(ending.code), f"expected the line to begin with {ending.code}, observed {lines[0][:40]}"


@then(parsers.parse("that took less than {limit:g} seconds of processor time"))
def _quick(ending: Ending, limit: float) -> None:
    assert ending.seconds < limit, f"expected less than {limit} s of processor time, observed {ending.seconds:.2f} s"


@then("the same device then analyses a good chest film")
def _next(devices: Callable[[str], Device], tmp_path: Path) -> None:
    ending = analysed(devices("intended-use"), films.write(films.film(name="next"), tmp_path / "next.dcm"))
    assert ending.code == "analysed", f"expected a result for the next film, observed {ending.error}"


@then("no caution is given")
def _no_caution(ending: Ending) -> None:
    assert tuple(ending.analysis.cautions) == (), f"expected no caution, observed {ending.analysis.cautions}"


@then(parsers.parse('a caution mentions "{text}"'))
def _caution(ending: Ending, text: str) -> None:
    assert any(text in caution for caution in ending.analysis.cautions), (
        f"expected a caution with {text!r}, observed {ending.analysis.cautions}"
    )


@then(parsers.parse('the cautions that mention "{text}" number {count:d}'))
def _count(ending: Ending, text: str, count: int) -> None:
    found = [caution for caution in ending.analysis.cautions if text in caution.lower()]
    assert len(found) == count, f"expected {count}, observed {ending.analysis.cautions}"


@then(parsers.parse("the reasons for the refusal do not include {code}"))
def _not_included(ending: Ending, code: str) -> None:
    named = [ending.code, *(reason.code for reason in _others(ending))]
    assert code not in named, f"expected no {code} among the reasons, observed {named}"


def _others(ending: Ending) -> tuple[InputRefused, ...]:
    return ending.error.also if isinstance(ending.error, InputRefused) else ()


@then(parsers.parse("the refusal names {code} among its reasons"))
def _among(ending: Ending, code: str) -> None:
    named = [ending.code, *(reason.code for reason in _others(ending))]
    assert code in named, f"expected {code} among the reasons, observed {named}"


@then(parsers.parse("the refusal also names {codes}"))
def _also(ending: Ending, codes: str) -> None:
    named = {reason.code for reason in _others(ending)}
    missing = set(codes.split(", ")) - named
    assert not missing, f"expected {codes}, observed {sorted(named)}"


@then(parsers.parse('the refusal names the place "{place}", and what was found, expected and to repair'))
def _parts(ending: Ending, place: str) -> None:
    error = ending.error
    assert place in error.where, f"expected the place {place}, observed {error.where}"
    parts = {"found": error.found, "expected": error.expected, "repair": error.repair}
    empty = [name for name, text in parts.items() if not text.strip()]
    assert not empty, f"expected all parts, observed {empty} empty"


@then("the refusal holds no patient data")
def _no_patient_data(ending: Ending, sent: Input) -> None:
    said = " ".join([str(ending.error), *(str(reason) for reason in _others(ending))]).encode()
    leaked = [name for name, value in films.planted_bytes(sent.written).items() if value in said]
    assert not leaked, f"expected no patient data, observed {leaked}"


@then("the result is that of the uncompressed film")
def _same_as_plain(ending: Ending, devices: Callable[[str], Device], tmp_path: Path) -> None:
    plain = analysed(devices("intended-use"), films.write(films.film(), tmp_path / "plain.dcm"))
    assert ending.analysis.candidates == plain.analysis.candidates, "expected identical candidates, observed others"


@then(parsers.parse("the result agrees with that of the MONOCHROME2 film within {pixels:f} pixel and {score:f} in score"))
def _same_as_monochrome2(ending: Ending, devices: Callable[[str], Device], tmp_path: Path, pixels: float, score: float) -> None:
    plain = analysed(devices("intended-use"), films.write(films.film(), tmp_path / "plain.dcm"))
    pairs = list(zip(ending.analysis.candidates, plain.analysis.candidates, strict=True))
    box = max(float(np.abs(np.subtract(a.box.as_tuple(), b.box.as_tuple())).max()) for a, b in pairs)
    off = max(abs(a.score - b.score) for a, b in pairs)
    assert box <= pixels, f"expected boxes within {pixels} pixel, observed {box}"
    assert off <= score, f"expected scores within {score}, observed {off}"


@when("the device lists its policies", target_fixture="policies")
def _policies() -> list[str]:
    return [policy.value for policy in Policy]


@then("they are intended-use and research, and nothing else")
def _two(policies: list[str]) -> None:
    assert policies == ["intended-use", "research"], f"expected intended-use and research, observed {policies}"


@given("it is compressed as JPEG baseline, which loses grey levels")
def _lossy(sent: Input) -> None:
    buffer, grey = BytesIO(), (films.stored_values(sent.dataset) >> 4).astype(np.uint8)
    Image.fromarray(grey).save(buffer, format="JPEG", quality=90)
    dataset = sent.dataset
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
    dataset.WindowCenter, dataset.WindowWidth = "128", "256"
    dataset.PixelData = encapsulate([buffer.getvalue()])
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    dataset.LossyImageCompression = "00"


@given("a phantom chest film", target_fixture="sent")
def _phantom() -> Input:
    return Input(dataset=phantom_film(seed=11))


def phantom_film(seed: int) -> films.FileDataset:
    """Return one normal film of the digital thorax as a dataset that can be written."""
    return dcmread(BytesIO(_phantom_file(seed)))


@cache
def _phantom_file(seed: int) -> bytes:
    return encode(render(specified(seed)).dataset)


@when("the device analyses its negative under the intended-use policy", target_fixture="negative")
def _negative(sent: Input, devices: Callable[[str], Device], tmp_path: Path) -> Ending:
    exchange_polarity(sent.dataset)
    return analysed(devices("intended-use"), films.write(sent.dataset, tmp_path / "negative.dcm"))


def _symmetrical(film: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Put the mirror image of a film's left half in place of its right one, and a spot on the side that makes the film look mirrored by a hair."""
    half = film[:, : film.shape[1] // 2]
    alike = np.concatenate([half, half[:, ::-1]], axis=1)
    alike[600:620, 200:260] = alike.max()
    return alike


def _tilted(film: NDArray[np.uint16], degrees: float) -> NDArray[np.uint16]:
    """Turn a film a little about its middle; what comes in at the corners has the grey of its own corner, which is air."""
    picture = Image.fromarray(film.astype(np.int32), mode="I")
    return np.asarray(picture.rotate(degrees, Image.Resampling.NEAREST, fillcolor=int(film[0, 0]))).astype(np.uint16)


_WAYS: dict[str, Callable[[NDArray[np.uint16]], NDArray[np.uint16]]] = {
    "left as it is": lambda film: film,
    "turned by 90 degrees clockwise": lambda film: np.rot90(film, -1),
    "turned by 90 degrees anticlockwise": np.rot90,
    "turned by 180 degrees": lambda film: film[::-1, ::-1],
    "upside down, as a reflection": lambda film: film[::-1],
    "mirrored": lambda film: film[:, ::-1],
    "symmetrical but for a small spot": _symmetrical,
    "tilted by 10 degrees": lambda film: _tilted(film, 10.0),
    "tilted by -10 degrees": lambda film: _tilted(film, -10.0),
}


@given(parsers.re(rf"its stored picture is (?P<way>{'|'.join(map(re.escape, _WAYS))})$"))
def _laid(sent: Input, way: str) -> None:
    """The header stays as it is, so that it states what is no longer true."""
    sent.dataset.decompress()
    stored = np.ascontiguousarray(_WAYS[way](films.stored_values(sent.dataset)))
    sent.dataset.Rows, sent.dataset.Columns = stored.shape
    sent.dataset.PixelData = stored.tobytes()


@given("its declared polarity is exchanged")
def _exchanged(sent: Input) -> None:
    exchange_polarity(sent.dataset)


def exchange_polarity(dataset: films.FileDataset) -> None:
    """Declare the other polarity, in both statements of the header."""
    other = {"MONOCHROME1": "MONOCHROME2", "MONOCHROME2": "MONOCHROME1"}[dataset.PhotometricInterpretation]
    dataset.PhotometricInterpretation = other
    dataset.PresentationLUTShape = {"MONOCHROME1": "INVERSE", "MONOCHROME2": "IDENTITY"}[other]


@then(parsers.parse('the refusal says "{text}"'))
def _says(ending: Ending, text: str) -> None:
    assert text in str(ending.error), f"expected {text!r} in the refusal, observed {ending.error}"


@then(parsers.parse("the film is analysed and its negative is refused with {code}"))
def _film_and_negative(ending: Ending, negative: Ending, code: str) -> None:
    assert ending.code == "analysed", f"expected a result for the film, observed {ending.error}"
    assert negative.code == code, f"expected {code} for the negative, observed {negative.code}"
