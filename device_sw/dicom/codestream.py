"""Reads the few header bytes of a compressed frame that say what it really is, before any decoder sees it.

Decoders guess: one that is handed a JPEG labelled JPEG 2000 decodes it, one that is handed half a JPEG fills the rest with grey. So the stream's family,
size, components and end are read here and must agree with the DICOM header. It does not decode and does not judge the entropy-coded part.

Source: ITU-T T.81 (JPEG), T.87 (JPEG-LS), T.800 (JPEG 2000), T.814 (HTJ2K); DICOM PS3.5 8.2 and annex A.4, G (RLE).
"""

from __future__ import annotations

from dataclasses import dataclass

from device_sw.errors import InputRefused

_JPEG_FRAMES = {
    "1.2.840.10008.1.2.4.50": frozenset({0xC0}),
    "1.2.840.10008.1.2.4.51": frozenset({0xC0, 0xC1}),
    "1.2.840.10008.1.2.4.57": frozenset({0xC3}),
    "1.2.840.10008.1.2.4.70": frozenset({0xC3}),
    "1.2.840.10008.1.2.4.80": frozenset({0xF7}),
    "1.2.840.10008.1.2.4.81": frozenset({0xF7}),
}
"""Start-of-frame marker that each JPEG transfer syntax allows."""

_HIGH_THROUGHPUT = frozenset({"1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.202", "1.2.840.10008.1.2.4.203"})
_JPEG_2000 = frozenset({"1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91"}) | _HIGH_THROUGHPUT
HUFFMAN = frozenset(syntax for syntax, frames in _JPEG_FRAMES.items() if 0xF7 not in frames)
"""JPEG proper, whose decoder fills up what is missing; those of JPEG-LS and JPEG 2000 refuse it."""

RUN_LENGTH = "1.2.840.10008.1.2.5"

ENCAPSULATED = frozenset(_JPEG_FRAMES) | _JPEG_2000 | {RUN_LENGTH}
"""Compressed transfer syntaxes that the device decodes."""

_LONGEST_PROLOGUE = 1_000_000
"""Where a JPEG frame header must have begun: tables and application segments before it are smaller, and fill bytes without end are walked one by one."""

_ALL_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7}
_WITHOUT_LENGTH = frozenset({0x01, 0xD8, *range(0xD0, 0xD8)})


@dataclass(frozen=True, slots=True)
class StreamHeader:
    """What a compressed frame says about itself; ``signed`` is None where the format does not say."""

    rows: int
    columns: int
    components: int
    precision: int
    signed: bool | None


def read_header(stream: bytes, transfer_syntax: str) -> StreamHeader | None:
    """Return the stream's header after checking that it is of the labelled kind and has its end; None for RLE, which has no size of its own.

    Raises:
        InputRefused: another codec than labelled (``IN-CODESTREAM``) or no end of image (``IN-TRUNCATED``).
    """
    if transfer_syntax == RUN_LENGTH:
        return None
    _require_end(stream)
    if transfer_syntax in _JPEG_2000:
        return _jpeg_2000(stream, high_throughput=transfer_syntax in _HIGH_THROUGHPUT)
    return _jpeg(stream, _JPEG_FRAMES[transfer_syntax])


def _mislabelled(found: str) -> InputRefused:
    return InputRefused(
        "IN-CODESTREAM",
        where="(7FE0,0010) PixelData",
        found=found,
        expected="the codec that the transfer syntax names, with a readable header",
        repair="export the image again; label and content disagree",
    )


def _require_end(stream: bytes) -> None:
    """JPEG's EOI and JPEG 2000's EOC are the same two bytes; padding to even length may follow."""
    if not stream.rstrip(b"\x00 ").endswith(b"\xff\xd9"):
        raise InputRefused(
            "IN-TRUNCATED",
            where="(7FE0,0010) PixelData",
            found="a compressed stream without its end",
            expected="a stream that ends with its end-of-image marker",
            repair="send the image again",
        )


def _jpeg(stream: bytes, allowed: frozenset[int]) -> StreamHeader:
    if stream[:2] != b"\xff\xd8":
        raise _mislabelled("a stream that does not start as JPEG")
    position = 2
    while position + 10 <= min(len(stream), _LONGEST_PROLOGUE):
        if stream[position] != 0xFF:
            break
        marker = stream[position + 1]
        if marker == 0xFF or marker in _WITHOUT_LENGTH:
            position += 1 if marker == 0xFF else 2
            continue
        if marker in _ALL_FRAMES:
            return _frame_header(stream[position + 4 : position + 10], marker, allowed)
        position += 2 + int.from_bytes(stream[position + 2 : position + 4])
    raise _mislabelled("a JPEG stream without a frame header")


def _frame_header(body: bytes, marker: int, allowed: frozenset[int]) -> StreamHeader:
    if marker not in allowed:
        raise _mislabelled(f"a JPEG frame of kind FF{marker:02X}")
    rows, columns = int.from_bytes(body[1:3]), int.from_bytes(body[3:5])
    return StreamHeader(rows, columns, components=body[5], precision=body[0], signed=None)


def _jpeg_2000(stream: bytes, *, high_throughput: bool) -> StreamHeader:
    """Read the SIZ segment, which must follow SOC at once (T.800 A.5.1)."""
    if stream[:4] != b"\xff\x4f\xff\x51" or len(stream) < 46:
        raise _mislabelled("a stream that does not start as a JPEG 2000 codestream")
    capabilities = int.from_bytes(stream[6:8])
    if bool(capabilities & 0x4000) != high_throughput:
        raise _mislabelled("a codestream of the other JPEG 2000 part (plain against high-throughput)")
    _require_tiles(stream)
    width, height, left, top = (int.from_bytes(stream[start : start + 4]) for start in (8, 12, 16, 20))
    depth = stream[42]
    components = int.from_bytes(stream[40:42])
    return StreamHeader(height - top, width - left, components, precision=(depth & 0x7F) + 1, signed=bool(depth & 0x80))


def _require_tiles(stream: bytes) -> None:
    """Follow the tile-parts by their lengths: each tile of the grid must be there, and the last part must end at the end of the codestream (T.800 A.4.2, B.3)."""
    width, height, _, _, tile_width, tile_height, tile_left, tile_top = (
        int.from_bytes(stream[start : start + 4]) for start in range(8, 40, 4)
    )
    if not (tile_width and tile_height):
        raise _mislabelled("a JPEG 2000 codestream with tiles of no size")
    expected = -(-(width - tile_left) // tile_width) * -(-(height - tile_top) // tile_height)
    present, position = set(), _first_tile_part(stream)
    while stream[position : position + 2] == b"\xff\x90":
        present.add(int.from_bytes(stream[position + 4 : position + 6]))
        length = int.from_bytes(stream[position + 6 : position + 10])
        position = position + length if length >= 14 else stream.rindex(b"\xff\xd9")
    if present != set(range(min(expected, 65536))) or stream[position : position + 2] != b"\xff\xd9":
        raise InputRefused(
            "IN-TRUNCATED",
            where="(7FE0,0010) PixelData",
            found=f"a codestream with {len(present)} tiles, or without its end after the last",
            expected=f"{expected} tiles, then the end",
            repair="send the image again",
        )


def _first_tile_part(stream: bytes) -> int:
    """Return where the main header ends, following its segments by their lengths."""
    position = 2
    while position + 4 <= len(stream) and stream[position : position + 2] != b"\xff\x90":
        position += 2 + int.from_bytes(stream[position + 2 : position + 4])
        if position > _LONGEST_PROLOGUE:
            break
    return position
