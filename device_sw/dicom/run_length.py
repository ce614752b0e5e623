"""Unpacks RLE Lossless frames: the header here, the packets by Pillow's PackBits decoder in C, each segment bounded by the size that it must have.

The decoders of pydicom and pylibjpeg unpack a segment to its end, whatever the header says: a file of 100 MB unfolds to 6.4 GB, and the one in Python needs
20 s for a film of short packets. Here memory is that of the film, and time is that of reading the stream twice.

Source: DICOM PS3.5 annex G (segments, their order, and PackBits packets).
"""

from __future__ import annotations

import struct
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from device_sw.errors import InputRefused

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HEADER = 64
_MOST_SEGMENTS = 15


def unpacked(frame: bytes, rows: int, columns: int, bits_allocated: int) -> NDArray[np.int32]:
    """Return the stored words, (rows, columns) int32 in [0, 2**bits_allocated - 1]; a sign is not extended.

    Args:
        frame: one encapsulated frame: 64 bytes of header, then one segment for each byte of a word, the highest byte first (G.2).
        rows: of the film.
        columns: of the film.
        bits_allocated: 8 or 16, so one or two segments.

    Two rows of two pixels, one run of four equal bytes in the low segment and literal bytes in the high one:

    >>> header = struct.pack("<16L", 2, 64, 70, *[0] * 13)
    >>> unpacked(header + bytes([3, 1, 2, 3, 4, 0]) + bytes([253, 7]), 2, 2, 16).tolist()
    [[263, 519], [775, 1031]]

    Raises:
        InputRefused: a header that is none (``IN-ENCAPSULATION``), a segment with too few bytes (``IN-DECODE``) or too many (``IN-PIXELS-SURPLUS``).
    """
    words = np.zeros(rows * columns, dtype=np.int32)
    for segment in _segments(frame, bits_allocated // 8):
        words = (words << 8) | _bytes(segment, rows * columns)
    return words.reshape(rows, columns)


def _segments(frame: bytes, expected: int) -> list[bytes]:
    """Return the segments by the header's offsets, which must begin behind the header and rise within the frame."""
    if len(frame) <= _HEADER:
        raise _refusal("IN-ENCAPSULATION", f"a frame of {len(frame)} bytes", "an RLE header of 64 bytes and its segments")
    count, *offsets = struct.unpack(f"<{1 + _MOST_SEGMENTS}L", frame[:_HEADER])
    borders = [*offsets[:expected], len(frame)]
    if count != expected or borders[0] < _HEADER or any(first >= second for first, second in pairwise(borders)):
        raise _refusal("IN-ENCAPSULATION", f"{count} segments or offsets out of order", f"{expected} segments in order")
    return [frame[first:second] for first, second in pairwise(borders)]


def _bytes(segment: bytes, count: int) -> NDArray[np.uint8]:
    """Return exactly ``count`` bytes of a segment; one that would give another byte is surplus, and one padding byte gives none (G.3.1)."""
    unpacked = _packbits(segment, count)
    if unpacked is None:
        raise _refusal("IN-DECODE", "a run-length segment that ends early", f"{count} bytes")
    if _packbits(segment, count + 1) is not None:
        raise _refusal("IN-PIXELS-SURPLUS", "a run-length segment that goes on", f"{count} bytes")
    return np.frombuffer(unpacked, dtype=np.uint8)


def _packbits(segment: bytes, count: int) -> bytes | None:
    """Return the first ``count`` bytes that the packets give, None where they give fewer; the picture of one row spares the row limits of the decoder."""
    try:
        return Image.frombytes("L", (count, 1), segment, "packbits", "L").tobytes()
    except ValueError:
        return None


def _refusal(code: str, found: str, expected: str) -> InputRefused:
    return InputRefused(code, where="(7FE0,0010) PixelData", found=found, expected=expected, repair="export the image again")
