"""One small chest film in every encoding that the device offers (conformance: transfer syntaxes, bits, signs, look-up tables, windows, padding, polarity).

Each film is written by pydicom and its encoders, by Pillow, by the test's own lossless JPEG encoder, or around a stream of ``streams/`` that no
encoder installed here can make. The films are material for golden preprocessing, for admission and for fuzzing, so the table stands alone.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom.config
from PIL import Image
from pydicom.dataset import Dataset, FileDataset
from pydicom.encaps import encapsulate, generate_fragmented_frames
from pydicom.sequence import Sequence
from pydicom.uid import (
    JPEG2000,
    UID,
    DeflatedExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from verification.steps import films
from verification.steps.jpeg_lossless import encoded

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS, COLUMNS = 48, 64
STREAMS = Path(__file__).parent / "streams"
HTJ2K_LOSSLESS, HTJ2K_RPCL, HTJ2K = (UID(f"1.2.840.10008.1.2.4.{number}") for number in (201, 202, 203))
CODECS = ("JPEG", "HTJ2K")
"""How the names of films begin whose compressed stream has a header and an end of its own."""

LOSSY = {
    "JPEG baseline .50": 24,
    "JPEG extended .51, 8 bits": 24,
    "JPEG extended .51, 12 bits": 16,
    "JPEG-LS near-lossless .81": 3,
    "JPEG 2000 .91": 200,
    "HTJ2K .203": 120,
}
"""Films compressed with loss: the largest difference from the values before compression, grey values."""


def grey(bits: int = 12, *, signed: bool = False, rows: int = ROWS, columns: int = COLUMNS) -> np.ndarray:
    """Return the chest in the given bits, with the lowest and the highest value that they hold."""
    values = films.oval_chest(rows, columns).astype(np.int64) * ((1 << bits) - 1) // 4095
    values[0, 0], values[0, 1] = 0, (1 << bits) - 1
    values -= (1 << (bits - 1)) if signed else 0
    return values.astype(np.int32)


def native(bits: int = 12, *, signed: bool = False, **attributes: Any) -> FileDataset:
    """Return an uncompressed film whose window covers its range, with attributes set on top; None deletes one."""
    values = grey(bits, signed=signed)
    dataset = films.film(values.astype(np.int16 if signed else np.uint16))
    allocated = 8 if bits <= 8 else 16
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = allocated, bits, bits - 1
    dataset.PixelData = values.astype(f"<{'i' if signed else 'u'}{allocated // 8}").tobytes()
    dataset["PixelData"].VR = "OB" if allocated == 8 else "OW"
    low = -(1 << (bits - 1)) if signed else 0
    dataset.WindowCenter, dataset.WindowWidth = str(low + (1 << (bits - 1))), str(1 << bits)
    for keyword, value in attributes.items():
        if value is None:
            del dataset[keyword]
        else:
            setattr(dataset, keyword, value)
    return dataset


def compressed(dataset: FileDataset, syntax: UID, **options: Any) -> FileDataset:
    """Return the film compressed by pydicom's encoders."""
    dataset.compress(syntax, generate_instance_uid=False, **options)
    return dataset


def around(stream: bytes, syntax: UID, dataset: FileDataset, **fragments: Any) -> FileDataset:
    """Return the film with a compressed stream in the place of its pixels."""
    dataset.PixelData = encapsulate([stream], **fragments)
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = syntax
    return dataset


def stored_stream(name: str, syntax: str | UID, *, signed: bool = False) -> FileDataset:
    """Return a film of 12 bits around a stream of the folder."""
    return around((STREAMS / name).read_bytes(), UID(syntax), native(signed=signed))


def lossless_jpeg(bits: int, syntax: UID = JPEGLosslessSV1) -> FileDataset:
    """Return a film in JPEG Lossless by the test's own encoder (selection value 1)."""
    return around(encoded(grey(bits).astype(np.uint16), bits), syntax, native(bits))


def baseline(syntax: UID = JPEGBaseline8Bit) -> FileDataset:
    """Return a film of 8 bits in JPEG by Pillow."""
    buffer = BytesIO()
    Image.fromarray(grey(8).astype(np.uint8)).save(buffer, "JPEG", quality=95)
    return around(buffer.getvalue(), syntax, native(8))


def syntax(dataset: FileDataset, uid: UID) -> FileDataset:
    """Return the film with another uncompressed transfer syntax."""
    dataset.file_meta.TransferSyntaxUID = uid
    return dataset


def table(entries: np.ndarray, first: int, bits: int, *, signed: bool = False, packed: bool = False) -> Sequence:
    """Return a look-up table sequence of one item (PS3.3 C.11.1, C.11.2)."""
    item = Dataset()
    item.add_new("LUTDescriptor", "SS" if signed else "US", [len(entries) % 65536, first, bits])
    item.add_new("LUTData", "OW", entries.astype("u1" if packed else "<u2").tobytes())
    return Sequence([item])


def tables(*sequences: Sequence) -> Sequence:
    """Return several look-up tables as alternatives."""
    return Sequence([item for sequence in sequences for item in sequence])


def without_slope(dataset: FileDataset) -> FileDataset:
    """Return the film without slope and intercept, as beside a modality LUT."""
    del dataset.RescaleSlope
    del dataset.RescaleIntercept
    return dataset


def without_sign_extension() -> FileDataset:
    """Return a signed film of 12 bits whose upper four bits are 0."""
    dataset = native(signed=True)
    dataset.PixelData = (np.frombuffer(dataset.PixelData, "<u2") & 0x0FFF).astype("<u2").tobytes()
    return dataset


def padded(low: int, high: int | None, *, photometric: str = "MONOCHROME2", signed: bool = False) -> FileDataset:
    """Return a film with a border of padding values, declared by value and, if given, range limit."""
    dataset = native(signed=signed)
    values = grey(signed=signed).clip(*((-1900, 2040) if signed else (60, 4000)))
    values[:4], values[-4:], values[:, :5] = low, low if high is None else high, low if high is None else (low + high) // 2
    dataset.PixelData = values.astype("<i2" if signed else "<u2").tobytes()
    dataset.add_new("PixelPaddingValue", "SS" if signed else "US", low)
    if high is not None:
        dataset.add_new("PixelPaddingRangeLimit", "SS" if signed else "US", high)
    dataset.PhotometricInterpretation = photometric
    dataset.PresentationLUTShape = "INVERSE" if photometric == "MONOCHROME1" else "IDENTITY"
    return dataset


def overlaid() -> FileDataset:
    """Return a film with an overlay plane of its own, which is not picture."""
    dataset = native()
    dataset.add_new(0x60000010, "US", ROWS)
    dataset.add_new(0x60000011, "US", COLUMNS)
    dataset.add_new(0x60000040, "CS", "G")
    dataset.add_new(0x60000050, "SS", [1, 1])
    dataset.add_new(0x60000100, "US", 1)
    dataset.add_new(0x60000102, "US", 0)
    dataset.add_new(0x60003000, "OW", b"\xff" * (ROWS * COLUMNS // 8))
    return dataset


def odd_length() -> FileDataset:
    """Return a film of 8 bits with an odd number of pixels, so that a padding byte follows."""
    dataset = native(8)
    dataset.Rows, dataset.Columns = 47, 63
    dataset.PixelData = grey(8, rows=47, columns=63).astype("u1").tobytes() + b"\0"
    return dataset


def fragmented() -> FileDataset:
    """Return a film whose one frame is cut into several fragments, with an empty offset table."""
    frame = next(iter(generate_fragmented_frames(compressed(native(), JPEGLSLossless).PixelData, number_of_frames=1)))
    return around(b"".join(frame), JPEGLSLossless, native(), fragments_per_frame=3, has_bot=False)


M1 = {"PhotometricInterpretation": "MONOCHROME1", "PresentationLUTShape": "INVERSE"}
RAMP = np.linspace(0, 1023, 4096).astype(int)
FALLING = np.linspace(4095, 0, 2000).astype(int)

ENCODINGS: dict[str, Callable[[], FileDataset]] = {
    "Explicit VR, 12 bits": native,
    "Implicit VR": lambda: syntax(native(), ImplicitVRLittleEndian),
    "Deflated": lambda: syntax(native(), DeflatedExplicitVRLittleEndian),
    "8 bits in 8": lambda: native(8),
    "8 bits, odd length": odd_length,
    "9 bits": lambda: native(9),
    "10 bits": lambda: native(10),
    "14 bits": lambda: native(14),
    "15 bits": lambda: native(15),
    "16 bits": lambda: native(16),
    "signed 8 bits": lambda: native(8, signed=True),
    "signed 12 bits": lambda: native(signed=True),
    "signed 12 bits, not extended": without_sign_extension,
    "signed 16 bits": lambda: native(16, signed=True),
    "MONOCHROME1, INVERSE": lambda: native(**M1),
    "MONOCHROME1, no shape": lambda: native(PhotometricInterpretation="MONOCHROME1", PresentationLUTShape=None),
    "MONOCHROME2, no shape": lambda: native(PresentationLUTShape=None),
    "MONOCHROME1, signed": lambda: native(signed=True, **M1),
    "slope and intercept": lambda: native(RescaleSlope="0.25", RescaleIntercept="-512", WindowCenter="0.5", WindowWidth="700"),
    "negative slope": lambda: native(RescaleSlope="-1", RescaleIntercept="4095"),
    "no slope": lambda: without_slope(native()),
    "modality LUT": lambda: without_slope(native(ModalityLUTSequence=table(RAMP, 0, 10), WindowCenter="512", WindowWidth="1024")),
    "modality LUT, signed, starting below 0": lambda: without_slope(
        native(
            signed=True,
            ModalityLUTSequence=table(np.arange(3000), -1500, 12, signed=True),
            WindowCenter="1500",
            WindowWidth="3000",
        )
    ),
    "modality LUT of 65,536 entries": lambda: without_slope(
        native(16, ModalityLUTSequence=table(np.arange(65536)[::-1], 0, 16), **M1)
    ),
    "modality LUT and VOI LUT": lambda: without_slope(
        native(ModalityLUTSequence=table(RAMP, 0, 10), VOILUTSequence=table(RAMP[::4], 0, 10))
    ),
    "VOI LUT beside a window": lambda: native(VOILUTSequence=table(RAMP, 0, 10), WindowCenter="10", WindowWidth="10"),
    "VOI LUT, falling and starting late": lambda: native(VOILUTSequence=table(FALLING, 500, 12)),
    "VOI LUT of 8-bit entries": lambda: native(VOILUTSequence=table(RAMP // 4, 0, 8, packed=True)),
    "several VOI LUTs": lambda: native(VOILUTSequence=tables(table(RAMP, 0, 10), table(FALLING, 0, 12))),
    "LINEAR_EXACT": lambda: native(VOILUTFunction="LINEAR_EXACT", WindowCenter="2000", WindowWidth="1500"),
    "LINEAR_EXACT, width below 1": lambda: native(
        VOILUTFunction="LINEAR_EXACT", RescaleSlope="0.000244140625", WindowCenter="0.5", WindowWidth="0.75"
    ),
    "SIGMOID": lambda: native(VOILUTFunction="SIGMOID", WindowCenter="2000", WindowWidth="1000"),
    "SIGMOID, MONOCHROME1": lambda: native(VOILUTFunction="SIGMOID", WindowCenter="2000", WindowWidth="300", **M1),
    "LINEAR, width 1": lambda: native(WindowCenter="1000", WindowWidth="1"),
    "LINEAR, centre between values": lambda: native(WindowCenter="1000.25", WindowWidth="333.5"),
    "several windows": lambda: native(WindowCenter=["1000", "3000"], WindowWidth=["500", "100"]),
    "no window": lambda: native(WindowCenter=None, WindowWidth=None),
    "padding value": lambda: padded(0, None),
    "padding value, MONOCHROME1": lambda: padded(4095, None, photometric="MONOCHROME1"),
    "padding range": lambda: padded(0, 50),
    "padding range, falling, MONOCHROME1": lambda: padded(4095, 4050, photometric="MONOCHROME1"),
    "padding value, signed": lambda: padded(-2048, None, signed=True),
    "LIN data": lambda: native(PixelIntensityRelationship="LIN", PixelIntensityRelationshipSign=1),
    "DISP data": lambda: native(PixelIntensityRelationship="DISP", PixelIntensityRelationshipSign=1),
    "overlay plane": overlaid,
    "RLE, 8 bits": lambda: compressed(native(8), RLELossless),
    "RLE, 12 bits": lambda: compressed(native(), RLELossless),
    "RLE, signed 16 bits": lambda: compressed(native(16, signed=True), RLELossless),
    "JPEG Lossless .57, selection value 1": lambda: lossless_jpeg(12, JPEGLossless),
    "JPEG Lossless .57, selection value 4": lambda: stored_stream("jpeg_lossless_sv4.jpg", JPEGLossless),
    "JPEG Lossless .70, 8 bits": lambda: lossless_jpeg(8),
    "JPEG Lossless .70, 12 bits": lambda: lossless_jpeg(12),
    "JPEG Lossless .70, 16 bits": lambda: lossless_jpeg(16),
    "JPEG-LS .80, 8 bits": lambda: compressed(native(8), JPEGLSLossless),
    "JPEG-LS .80, 12 bits": lambda: compressed(native(), JPEGLSLossless),
    "JPEG-LS .80, signed 12 bits": lambda: compressed(native(signed=True), JPEGLSLossless),
    "JPEG-LS .80, several fragments": fragmented,
    "JPEG 2000 .90, 8 bits": lambda: compressed(native(8), JPEG2000Lossless),
    "JPEG 2000 .90, 12 bits": lambda: compressed(native(), JPEG2000Lossless),
    "JPEG 2000 .90, 16 bits, MONOCHROME1": lambda: compressed(native(16, **M1), JPEG2000Lossless),
    "JPEG 2000 .90, signed 12 bits": lambda: compressed(native(signed=True), JPEG2000Lossless),
    "HTJ2K .201": lambda: stored_stream("htj2k_lossless.j2c", HTJ2K_LOSSLESS),
    "HTJ2K .201, signed": lambda: stored_stream("htj2k_signed.j2c", HTJ2K_LOSSLESS, signed=True),
    "HTJ2K .202": lambda: stored_stream("htj2k_rpcl.j2c", HTJ2K_RPCL),
    "JPEG baseline .50": baseline,
    "JPEG extended .51, 8 bits": lambda: baseline(JPEGExtended12Bit),
    "JPEG extended .51, 12 bits": lambda: stored_stream("jpeg_extended_12.jpg", JPEGExtended12Bit),
    "JPEG-LS near-lossless .81": lambda: compressed(native(), JPEGLSNearLossless, jls_error=3),
    "JPEG 2000 .91": lambda: compressed(native(), JPEG2000, j2k_cr=[3]),
    "HTJ2K .203": lambda: stored_stream("htj2k_lossy.j2c", HTJ2K),
}
"""Every encoding by its name."""


def written(name: str, path: Path) -> Path:
    """Write the film of that name as a file."""
    before = pydicom.config.settings.writing_validation_mode
    pydicom.config.settings.writing_validation_mode = pydicom.config.IGNORE
    try:
        return films.write(ENCODINGS[name](), path)
    finally:
        pydicom.config.settings.writing_validation_mode = before


def encoded_values(dataset: Dataset) -> np.ndarray:
    """Return the values that went into a film of this table, (rows, columns), by its bits, sign and size; not for padded films."""
    return grey(dataset.BitsStored, signed=dataset.PixelRepresentation == 1, rows=dataset.Rows, columns=dataset.Columns)
