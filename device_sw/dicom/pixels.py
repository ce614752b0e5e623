"""Turns the Pixel Data of a single-frame greyscale object into stored values, or refuses it.

The header is judged before anything is decoded, so that a lying header cannot make the device reserve memory. Uncompressed values are read here,
compressed ones by one named decoder for each transfer syntax, without a second try. A value that does not fit Bits Stored is refused, never masked.

Source: DICOM PS3.3 C.7.6.3.1, PS3.5 8.1, 8.2 and A.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom.encaps import encapsulate, generate_frames
from pydicom.pixels.decoders.base import get_decoder

from device_sw.dicom.boundary import refuse_on_failure
from device_sw.dicom.codestream import ENCAPSULATED, HUFFMAN, RUN_LENGTH, StreamHeader, read_header
from device_sw.dicom.run_length import unpacked
from device_sw.errors import InputRefused

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pydicom.dataset import Dataset

    from device_sw.dicom.radiograph import FilmAttributes

NATIVE = frozenset({"1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99"})
"""Uncompressed little-endian transfer syntaxes (implicit, explicit, deflated); big endian is retired and refused."""

MAX_SIDE = 10_000
"""Most rows or columns that a film may announce."""

MAX_PIXELS = 36_000_000
"""Largest picture that is decoded; a 43 x 43 cm detector of 100 um pixels has 18.5 million."""

_DECODERS = {syntax: "pyjpegls" if syntax.endswith((".80", ".81")) else "pylibjpeg" for syntax in ENCAPSULATED - {RUN_LENGTH}}
"""The one decoder of each syntax: CharLS for JPEG-LS, libjpeg and OpenJPEG in pylibjpeg for the rest. Without a name pydicom tries one after the other,
so that a damaged stream gets as many chances as decoders are installed, and the grey values of a lossy one depend on which they are."""

MAX_FRAGMENTS = 100_000
"""Most fragments that one frame may be cut into; 100 MB of empty ones would take 10 s to put together."""

_SURPLUS = 64
"""Bytes put before the end of a JPEG stream to see whether they are read."""

_ITEM = b"\xfe\xff\x00\xe0"
_PLACE = "(7FE0,0010) PixelData"


def require_decodable(attributes: FilmAttributes) -> None:
    """Refuse a header that no single greyscale frame can have, before any pixel is touched.

    Raises:
        InputRefused: ``IN-SYNTAX``, ``IN-HEADER``, ``IN-TOO-LARGE`` or ``IN-NOT-GREY``.
    """
    _require_syntax(attributes.transfer_syntax)
    rows, columns = attributes.rows, attributes.columns
    if not (0 < rows < 65536 and 0 < columns < 65536):
        raise _header("(0028,0010) Rows, (0028,0011) Columns", f"{rows} x {columns}", "1 to 65535 each")
    volume = rows * columns * max(attributes.frames, 1) * max(attributes.samples, 1)
    if max(rows, columns) > MAX_SIDE or volume > MAX_PIXELS:
        found, expected = f"{rows} x {columns} x {attributes.frames}", f"at most {MAX_SIDE} rows and columns, {MAX_PIXELS} values"
        raise _refusal("IN-TOO-LARGE", "(0028,0010) Rows, (0028,0011) Columns", found, expected)
    if attributes.samples != 1 or attributes.frames != 1:
        found = f"{attributes.samples} samples a pixel, {attributes.frames} frames"
        raise _refusal("IN-NOT-GREY", "(0028,0002) SamplesPerPixel, (0028,0008) NumberOfFrames", found, "one sample, one frame")
    _require_bits(attributes)


def _require_syntax(transfer_syntax: str) -> None:
    if transfer_syntax not in NATIVE | ENCAPSULATED:
        raise _refusal(
            "IN-SYNTAX",
            "(0002,0010) TransferSyntaxUID",
            "a transfer syntax that is not offered",
            "one of the conformance statement's",
        )


def _require_bits(attributes: FilmAttributes) -> None:
    allocated, stored, high = attributes.bits_allocated, attributes.bits_stored, attributes.high_bit
    if allocated not in {8, 16} or not 0 < stored <= allocated or high != stored - 1:
        where = "(0028,0100) BitsAllocated, (0028,0101) BitsStored, (0028,0102) HighBit"
        found = f"{allocated} allocated, {stored} stored, high bit {high}"
        raise _header(where, found, "8 or 16 allocated, the stored bits within, the high bit on top of them")


def _refusal(code: str, where: str, found: str, expected: str, repair: str = "export the image again") -> InputRefused:
    return InputRefused(code, where=where, found=found, expected=expected, repair=repair)


def _header(where: str, found: str, expected: str) -> InputRefused:
    return _refusal("IN-HEADER", where, found, expected)


def stored_values(dataset: Dataset, attributes: FilmAttributes) -> NDArray[np.int32]:
    """Return the stored values, (rows, columns) int32, sign extended where the pixel representation is signed.

    Raises:
        InputRefused: no, short, surplus, mislabelled or undecodable pixel data, or a value beyond Bits Stored.
    """
    require_decodable(attributes)
    _require_representation(dataset)
    data = _pixel_bytes(dataset)
    native = attributes.transfer_syntax in NATIVE
    values = _native(data, attributes) if native else _decompressed(data, attributes)
    values.setflags(write=False)
    return values


def _pixel_bytes(dataset: Dataset) -> bytes:
    with refuse_on_failure("IN-PIXELS-MISSING", where=_PLACE, expected="pixel data", repair="send the image again"):
        data = dataset.get("PixelData")
    if not isinstance(data, bytes) or not data:
        raise _refusal("IN-PIXELS-MISSING", _PLACE, "no pixel data", "pixel data", "send the image object, not its header")
    return data


def _native(data: bytes, attributes: FilmAttributes) -> NDArray[np.int32]:
    size = attributes.rows * attributes.columns * attributes.bits_allocated // 8
    if len(data) < size:
        raise _refusal("IN-PIXELS-SHORT", _PLACE, f"{len(data)} bytes", f"{size} bytes", "send the image again")
    if len(data) > size + size % 2:
        raise _refusal("IN-PIXELS-SURPLUS", _PLACE, f"{len(data)} bytes", f"{size} bytes")
    raw = np.frombuffer(data, dtype=f"<u{attributes.bits_allocated // 8}", count=attributes.rows * attributes.columns)
    return _within_bits(raw.astype(np.int32), attributes).reshape(attributes.rows, attributes.columns)


def _require_representation(dataset: Dataset) -> None:
    """Refuse a Pixel Representation that is not stated, or neither unsigned (0) nor two's complement (1): nobody can say what its samples are.

    Source: PS3.3 C.7.6.3, Table C.7-11c (Type 1).
    """
    representation = dataset.get("PixelRepresentation")
    if representation not in (0, 1):
        raise _header("(0028,0103) PixelRepresentation", "absent" if representation is None else str(representation), "0 or 1")


def _within_bits(raw: NDArray[np.int32], attributes: FilmAttributes) -> NDArray[np.int32]:
    """Extend the sign; the bits above must be zero, or copies of the sign (PS3.5 8.1.1)."""
    span = 1 << attributes.bits_stored
    if not attributes.signed:
        if int(raw.max()) >= span:
            raise _beyond()
        return raw
    values, above = raw & (span - 1), raw >> attributes.bits_stored
    negative = values >= span // 2
    ones = (1 << (attributes.bits_allocated - attributes.bits_stored)) - 1
    if np.any((above != 0) & ~(negative & (above == ones))):
        raise _beyond()
    return np.where(negative, values - span, values).astype(np.int32)


def _beyond() -> InputRefused:
    return _refusal("IN-BITS", _PLACE, "values beyond Bits Stored", "values within the bits that the header declares")


def _decompressed(data: bytes, attributes: FilmAttributes) -> NDArray[np.int32]:
    stream = _single_frame(data)
    header = read_header(stream, attributes.transfer_syntax)
    _require_agreement(header, attributes)
    expected = "a stream that the offered decoders accept"
    with refuse_on_failure(
        "IN-DECODE", where=_PLACE, expected=expected, repair="export the image again, if possible uncompressed"
    ):
        if header is None:
            return _within_bits(unpacked(stream, attributes.rows, attributes.columns, attributes.bits_allocated), attributes)
        values = _decoded(stream, attributes)
        if attributes.transfer_syntax in HUFFMAN:
            _require_all_read(stream, values, attributes)
    return _decoded_values(values, attributes)


def _decoded(stream: bytes, attributes: FilmAttributes) -> NDArray[Any]:
    """Decode one frame's stream by the decoder of its syntax."""
    options: dict[str, Any] = {
        "rows": attributes.rows,
        "columns": attributes.columns,
        "samples_per_pixel": 1,
        "number_of_frames": 1,
        "bits_allocated": attributes.bits_allocated,
        "bits_stored": attributes.bits_stored,
        "pixel_representation": int(attributes.signed),
        "photometric_interpretation": attributes.photometric,
        "pixel_keyword": "PixelData",
    }
    decoder, plugin = get_decoder(attributes.transfer_syntax), _DECODERS[attributes.transfer_syntax]
    values: NDArray[Any]
    values, _ = decoder.as_array(encapsulate([stream]), index=0, raw=True, decoding_plugin=plugin, **options)
    return values


def _require_all_read(stream: bytes, values: NDArray[Any], attributes: FilmAttributes) -> None:
    """Refuse a JPEG stream that has its end marker but not all of its pixels: the decoder fills up without a word.

    Bits put before the end marker of a whole stream are never read and change nothing; where pixels are missing they become picture. Two patterns of opposite
    bits are tried, so that one of them differs from whatever the decoder fills up with.
    """
    end = stream.rindex(b"\xff\xd9")
    for surplus in (b"\x55", b"\xaa"):
        longer = stream[:end] + surplus * _SURPLUS + stream[end:]
        if not np.array_equal(_decoded(longer, attributes), values):
            found = "a compressed stream that ends before its last pixel"
            raise _refusal("IN-TRUNCATED", _PLACE, found, "all pixels that the header announces", "send the image again")


def _single_frame(data: bytes) -> bytes:
    if data.count(_ITEM) > MAX_FRAGMENTS:
        raise _refusal("IN-ENCAPSULATION", _PLACE, "fragments without number", f"at most {MAX_FRAGMENTS} fragments")
    with refuse_on_failure("IN-ENCAPSULATION", where=_PLACE, expected="one encapsulated frame", repair="send the image again"):
        frames = list(generate_frames(data, number_of_frames=1))
    if len(frames) != 1 or not frames[0]:
        raise _refusal("IN-ENCAPSULATION", _PLACE, f"{len(frames)} frames", "one encapsulated frame")
    return frames[0]


def _require_agreement(header: StreamHeader | None, attributes: FilmAttributes) -> None:
    """The stream's own size, components, depth and sign must be the header's: a decoder follows the stream, the device the header."""
    if header is None:
        return
    stated = (attributes.rows, attributes.columns, 1)
    agrees = (header.rows, header.columns, header.components) == stated and header.precision <= attributes.bits_allocated
    if not agrees or header.precision < attributes.bits_stored or header.signed not in {None, attributes.signed}:
        found = f"a stream of {header.rows} x {header.columns} x {header.components}, {header.precision} bits"
        raise _refusal(
            "IN-CODESTREAM", _PLACE, found, f"{stated[0]} x {stated[1]} x 1, {attributes.bits_stored} bits, as the header says"
        )


def _decoded_values(values: NDArray[Any], attributes: FilmAttributes) -> NDArray[np.int32]:
    if values.shape != (attributes.rows, attributes.columns) or values.dtype.kind not in "iu":
        raise _refusal(
            "IN-DECODE",
            _PLACE,
            f"a decoded array of shape {values.shape}",
            f"({attributes.rows}, {attributes.columns}) whole numbers",
        )
    whole = values.astype(np.int32)
    half, span = 1 << (attributes.bits_stored - 1), 1 << attributes.bits_stored
    if attributes.signed and values.dtype.kind == "u":
        return _within_bits(whole, attributes)
    low, high = (-half, half - 1) if attributes.signed else (0, span - 1)
    if int(whole.min()) < low or int(whole.max()) > high:
        raise _beyond()
    return whole
