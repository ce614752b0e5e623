"""Steps that put an input together: a chest film and its deviations, or a file that is no film."""

from __future__ import annotations

import io
import os
import warnings
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pydicom.config
import pytest
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)
from pytest_bdd import given, parsers

from verification.steps import encodings, films
from verification.steps.jpeg_lossless import encoded

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

SYNTAXES: dict[str, UID] = {
    "Implicit VR Little Endian": ImplicitVRLittleEndian,
    "Explicit VR Little Endian": ExplicitVRLittleEndian,
    "Deflated": DeflatedExplicitVRLittleEndian,
    "RLE Lossless": RLELossless,
    "JPEG Lossless SV1": JPEGLosslessSV1,
    "JPEG-LS Lossless": JPEGLSLossless,
    "JPEG 2000 Lossless": JPEG2000Lossless,
}
"""Transfer syntaxes by the names that scenarios use."""


@dataclass
class Input:
    """What a scenario hands to the device: a dataset with changes to its bytes, or a file that is no DICOM at all.

    Attributes:
        dataset: the film; None where the input is no film.
        stored: the values that were put into it.
        content: the file's bytes where there is no dataset.
        damages: what happens to the file's bytes after writing, in order.
        written: the file, once it is written.
    """

    dataset: films.FileDataset | None = None
    stored: NDArray[np.generic] | None = None
    content: bytes | None = None
    damages: list[Callable[[bytes], bytes]] = field(default_factory=list)
    written: Path | None = None

    def file(self, folder: Path) -> Path:
        """Write the input once and return its path."""
        if self.written is None:
            self.written = folder / "PLANTEDFILE.dcm"
            if self.dataset is not None:
                films.write(self.dataset, self.written)
            elif self.content is not None:
                self.written.write_bytes(self.content)
            self._damage()
        return self.written

    def _damage(self) -> None:
        for damage in self.damages:
            self.written.write_bytes(damage(self.written.read_bytes()))


@pytest.fixture(autouse=True)
def _write_what_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Films with faults have to be written with their faults: the toolkit's own validation of values is off while a scenario runs."""
    monkeypatch.setattr(pydicom.config.settings, "writing_validation_mode", pydicom.config.IGNORE)


def film_input(stored: NDArray[np.generic] | None = None) -> Input:
    """Return a good chest film as an input."""
    values = films.picture() if stored is None else stored
    return Input(dataset=films.film(values), stored=values)


@given("a chest film", target_fixture="sent")
def _chest_film() -> Input:
    return film_input()


@given("a chest film with signed stored values", target_fixture="sent")
def _signed_film() -> Input:
    sent = film_input((films.picture().astype(np.int32) - 2048).astype(np.int16))
    sent.dataset.RescaleIntercept = "2048"
    return sent


@given(parsers.parse("a chest film of {rows:d} x {columns:d} pixels"), target_fixture="sent")
def _film_of_size(rows: int, columns: int) -> Input:
    return film_input(films.picture(rows, columns))


@given(parsers.parse("a chest film that announces {rows:d} x {columns:d} pixels"), target_fixture="sent")
def _announcing_film(rows: int, columns: int) -> Input:
    sent = film_input()
    sent.dataset.Rows, sent.dataset.Columns = rows, columns
    return sent


@given(parsers.re(r"its (?P<keyword>[A-Z]\w+) is (?P<text>.+)"))
def _attribute(sent: Input, keyword: str, text: str) -> None:
    films.assign(sent.dataset, keyword, text)


@given(parsers.parse("it is encoded as {name}"))
def _encoded(sent: Input, name: str) -> None:
    encode(sent.dataset, SYNTAXES[name])


def encode(dataset: films.FileDataset, syntax: UID) -> None:
    """Put the dataset into a transfer syntax, without loss."""
    if syntax == JPEGLosslessSV1:
        dataset.PixelData = encapsulate([encoded(films.stored_values(dataset), dataset.BitsStored)])
        dataset["PixelData"].VR = "OB"
        dataset["PixelData"].is_undefined_length = True
        dataset.file_meta.TransferSyntaxUID = syntax
    elif syntax.is_compressed and syntax != DeflatedExplicitVRLittleEndian:
        dataset.compress(syntax, generate_instance_uid=False)
    else:
        dataset.file_meta.TransferSyntaxUID = syntax


@given(parsers.parse('the chest film encoded as "{name}"'), target_fixture="sent")
def _of_table(name: str) -> Input:
    dataset = encodings.ENCODINGS[name]()
    return Input(dataset=dataset, stored=encodings.encoded_values(dataset))


@given("the file is cut to half of its bytes")
def _cut(sent: Input) -> None:
    sent.damages.append(lambda content: content[: len(content) // 2])


@given(parsers.parse("the file ends within its {keyword:w}"))
def _cut_within(sent: Input, keyword: str) -> None:
    value = str(sent.dataset[keyword].value).encode()
    sent.damages.append(lambda content: content[: content.index(value) + len(value) // 2])


@given(parsers.parse("{count:d} bytes follow its dataset"))
def _trailing(sent: Input, count: int) -> None:
    sent.damages.append(lambda content: content + np.random.default_rng(1).bytes(count))


@given("its pixel data are one row short")
def _row_short(sent: Input) -> None:
    sent.dataset.PixelData = sent.dataset.PixelData[: -2 * sent.dataset.Columns]


@given(parsers.parse("its pixel data have {count:d} surplus bytes"))
def _surplus(sent: Input, count: int) -> None:
    sent.dataset.PixelData += b"\x01" * count


@given("its pixel data are removed")
def _removed(sent: Input) -> None:
    del sent.dataset.PixelData


def _first_frame(dataset: Dataset) -> bytes:
    return next(generate_frames(dataset.PixelData, number_of_frames=1))


@given("its compressed stream ends early")
def _stream_cut(sent: Input) -> None:
    stream = _first_frame(sent.dataset)
    sent.dataset.PixelData = encapsulate([stream[: len(stream) // 2]])


@given("half of its stream is followed by an end marker")
def _stream_cut_and_closed(sent: Input) -> None:
    stream = _first_frame(sent.dataset)
    encodings.around(stream[: len(stream) // 2] + b"\xff\xd9", sent.dataset.file_meta.TransferSyntaxUID, sent.dataset)


@given(parsers.re(r"its (?P<actual>JPEG.*) stream is declared (?P<declared>JPEG.*)"))
def _mislabelled(sent: Input, actual: str, declared: str) -> None:
    names = {"JPEG-LS": JPEGLSLossless, "JPEG 2000": JPEG2000Lossless}
    encode(sent.dataset, names[actual])
    sent.dataset.file_meta.TransferSyntaxUID = names[declared]


@given("its compressed stream has other rows than stated")
def _other_rows(sent: Input) -> None:
    encode(sent.dataset, JPEGLSLossless)
    sent.dataset.Rows += 1


@given("its transfer syntax is unknown")
def _unknown_syntax(sent: Input) -> None:
    sent.damages.append(lambda content: content.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.9\0", 1))


@given("one stored value lies beyond Bits Stored")
def _beyond(sent: Input) -> None:
    values = films.stored_values(sent.dataset).copy()
    values[100, 100] = 5000
    sent.dataset.PixelData = values.tobytes()


@given("its stored values lie at the top of the word")
def _high_bit(sent: Input) -> None:
    sent.dataset.PixelData = (films.stored_values(sent.dataset) << 4).astype("<u2").tobytes()
    sent.dataset.HighBit = 15


@given(parsers.parse("its stored values hold only {levels:d} distinct values"))
def _few_levels(sent: Input, levels: int) -> None:
    step = np.minimum(films.stored_values(sent.dataset).astype(np.int64) * levels // 4096, levels - 1)
    films.show(sent.dataset, (step * (4095 // levels)).astype(np.uint16))
    ramp = films.stored_values(sent.dataset).copy()
    ramp[0, :levels] = np.arange(levels) * (4095 // levels)
    films.show(sent.dataset, ramp)
    assert len(np.unique(ramp)) == levels, f"expected material of {levels} values, observed {len(np.unique(ramp))}"


@given("all its stored values are equal")
def _constant(sent: Input) -> None:
    films.show(sent.dataset, np.full((512, 512), 1234, dtype=np.uint16))


@given("it has two frames")
def _two_frames(sent: Input) -> None:
    sent.dataset.NumberOfFrames = 2
    sent.dataset.PixelData *= 2


@given(parsers.parse("it is written as {photometric} with three samples a pixel"))
def _colour(sent: Input, photometric: str) -> None:
    grey = (films.stored_values(sent.dataset) >> 4).astype(np.uint8)
    sent.dataset.PhotometricInterpretation, sent.dataset.SamplesPerPixel, sent.dataset.PlanarConfiguration = photometric, 3, 0
    sent.dataset.BitsAllocated, sent.dataset.BitsStored, sent.dataset.HighBit = 8, 8, 7
    sent.dataset.PixelData = np.repeat(grey[..., None], 3, axis=2).tobytes()


@given("it is written as MONOCHROME1 with complemented stored values")
def _complemented(sent: Input) -> None:
    films.complement(sent.dataset)


@given(parsers.parse("only its declared polarity is swapped to {photometric}"))
def _swapped(sent: Input, photometric: str) -> None:
    sent.dataset.PhotometricInterpretation = photometric
    sent.dataset.PresentationLUTShape = {"MONOCHROME1": "INVERSE", "MONOCHROME2": "IDENTITY"}[photometric]


@given(parsers.parse("its file meta information names another {keyword:w}"))
def _other_uid(sent: Input, keyword: str) -> None:
    assert keyword == "SOPInstanceUID", f"expected a step for SOPInstanceUID, observed {keyword}"
    stated = str(sent.dataset.SOPInstanceUID).encode()
    sent.damages.append(lambda content: content.replace(stated, stated[:-1] + (b"1" if stated[-1:] != b"1" else b"2"), 1))


@given("it states no age and no birth date")
def _no_age(sent: Input) -> None:
    del sent.dataset.PatientAge
    del sent.dataset.PatientBirthDate


@given(parsers.parse("it states no age but the birth date {birth} and the study date {study}"))
def _dates_only(sent: Input, birth: str, study: str) -> None:
    del sent.dataset.PatientAge
    sent.dataset.PatientBirthDate, sent.dataset.StudyDate = birth, study


@given(parsers.parse("it states the age {age} and no birth date"))
def _age_only(sent: Input, age: str) -> None:
    sent.dataset.PatientAge = age
    del sent.dataset.PatientBirthDate


@given("it states neither window nor VOI lookup table")
def _no_window(sent: Input) -> None:
    del sent.dataset.WindowCenter
    del sent.dataset.WindowWidth


@given("a text file", target_fixture="sent")
def _text_file() -> Input:
    return Input(content=b"This is a note about a film and no film.\n" * 40)


@given("a PNG picture", target_fixture="sent")
def _png() -> Input:
    buffer = io.BytesIO()
    Image.fromarray((films.picture() >> 4).astype(np.uint8)).save(buffer, format="PNG")
    return Input(content=buffer.getvalue())


@given("an empty file", target_fixture="sent")
def _empty() -> Input:
    return Input(content=b"")


@given("a folder in place of a file", target_fixture="sent")
def _folder(tmp_path: Path) -> Input:
    folder = tmp_path / "folder.dcm"
    folder.mkdir()
    return Input(written=folder)


@given("a path at which there is no file", target_fixture="sent")
def _nothing(tmp_path: Path) -> Input:
    return Input(written=tmp_path / "absent.dcm")


@given("a preamble with random bytes behind", target_fixture="sent")
def _random() -> Input:
    return Input(content=b"\0" * 128 + b"DICM" + np.random.default_rng(3).bytes(4000))


@given(parsers.parse("a file of {depth:d} nested sequences"), target_fixture="sent")
def _nested(depth: int) -> Input:
    return Input(content=films.nested(depth))


@given("a chest film whose Rows element holds text", target_fixture="sent")
def _rows_text() -> Input:
    sent = film_input()
    sent.damages.append(
        lambda content: content.replace(b"\x28\x00\x10\x00US\x02\x00\x00\x02", b"\x28\x00\x10\x00LO\x02\x00ab", 1)
    )
    return sent


@given("a chest film whose window is not a number", target_fixture="sent")
def _window_text() -> Input:
    sent = film_input()
    sent.damages.append(lambda content: content.replace(b"\x28\x00\x51\x10DS\x04\x004096", b"\x28\x00\x51\x10DS\x04\x00wide", 1))
    return sent


@given("a chest film whose deflated dataset is garbage", target_fixture="sent")
def _garbage() -> Input:
    sent = film_input()
    encode(sent.dataset, DeflatedExplicitVRLittleEndian)
    sent.damages.append(lambda content: content[:400] + np.random.default_rng(2).bytes(len(content) - 400))
    return sent


@given("a chest film whose LUT is shorter than it says", target_fixture="sent")
def _short_table() -> Input:
    sent = film_input()
    table = Dataset()
    table.LUTDescriptor, table.LUTData = [4096, 0, 12], b"\1\0" * 100
    table["LUTDescriptor"].VR, table["LUTData"].VR = "US", "OW"
    sent.dataset.VOILUTSequence = Sequence([table])
    return sent


@given(parsers.parse("a file of {size:d} bytes"), target_fixture="sent")
def _large(tmp_path: Path, size: int) -> Input:
    """A film that is whole, and behind its picture a private element that fills the file: nothing but the size of the file is amiss."""
    path = films.write(films.film(), tmp_path / "large.dcm")
    creator = b"\xe1\x7f\x10\x00LO\x04\x00fill"
    length = size - path.stat().st_size - len(creator) - 12
    with path.open("r+b") as stream:
        stream.seek(0, os.SEEK_END)
        stream.write(creator + b"\xe1\x7f\x01\x10OB\0\0" + length.to_bytes(4, "little"))
        stream.truncate(size)
    return Input(written=path)


@given(parsers.parse("a file of {count:d} empty elements"), target_fixture="sent")
def _many_elements(count: int) -> Input:
    sent = film_input()
    tags = (0x00091000 + 0x20000 * (number // 60_000) + number % 60_000 for number in range(count))
    empty = b"".join((tag >> 16).to_bytes(2, "little") + (tag & 0xFFFF).to_bytes(2, "little") + b"CS\0\0" for tag in tags)
    sent.damages.append(lambda content: content[: 144 + int.from_bytes(content[140:144], "little")] + empty)
    return sent


@given("a deflated bomb whose syntax comes late", target_fixture="sent")
def _late_bomb() -> Input:
    sent = _bomb()
    sent.damages.append(_behind_other_meta)
    return sent


def _behind_other_meta(content: bytes) -> bytes:
    """Put 3 kB of private information before the transfer syntax in the file meta information."""
    extra = b"\x02\x00\x02\x01OB\0\0" + (3000).to_bytes(4, "little") + bytes(3000)
    length = int.from_bytes(content[140:144], "little")
    return content[:140] + (length + len(extra)).to_bytes(4, "little") + extra + content[144:]


@given("a deflated file of 1 MB that unfolds to 210 MB", target_fixture="sent")
def _bomb() -> Input:
    sent = film_input()
    encode(sent.dataset, DeflatedExplicitVRLittleEndian)
    sent.damages.append(_inflating)
    return sent


@given("a chest film whose run-length stream unfolds to 1 GB", target_fixture="sent")
def _runs() -> Input:
    sent = film_input()
    runs = bytes([129, 7]) * 4_000_000
    header = b"".join(number.to_bytes(4, "little") for number in (2, 64, 64 + len(runs), *[0] * 13))
    encode(sent.dataset, RLELossless)
    sent.dataset.PixelData = encapsulate([header + runs + runs])
    return sent


def _inflating(content: bytes) -> bytes:
    """Replace the deflated dataset by a private element of 210 MB of zeros, deflated to less than 1 MB; its group has no limit of its own."""
    start = 144 + int.from_bytes(content[140:144], "little")
    size = 210_000_000
    squeeze = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    header = b"\x29\x00\x10\x00LO\x04\x00bomb\x29\x00\x01\x10OB\0\0" + size.to_bytes(4, "little")
    parts = [squeeze.compress(header), *(squeeze.compress(bytes(10_000_000)) for _ in range(size // 10_000_000)), squeeze.flush()]
    return content[:start] + b"".join(parts)


@given(parsers.parse("its chest is shrunk to {share:f} of either side of a blackened film"))
def _shrunk(sent: Input, share: float) -> None:
    films.show(sent.dataset, films.shrunk(films.stored_values(sent.dataset), share))


@given("a picture of noise in place of the chest")
def _noise(sent: Input) -> None:
    films.show(sent.dataset, np.random.default_rng(5).integers(0, 4096, (512, 512)).astype(np.uint16))


@given(parsers.parse("its {keyword:w} holds {what}"))
def _odd_text(sent: Input, keyword: str, what: str) -> None:
    texts = {
        "a control character": "A\x07B",
        "a script": "<script>x</script>",
        "letters": "1.2.abc.4",
        "too long a text": "A" * 400,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        setattr(sent.dataset, keyword, texts[what])
        if keyword == "SOPInstanceUID":
            sent.dataset.file_meta.MediaStorageSOPInstanceUID = texts[what]
