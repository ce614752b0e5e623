"""A minimal JPEG Lossless encoder (process 14, selection value 1), because the toolkit decodes this syntax but cannot write it.

Every Huffman code is five bits long, so the stream is larger than need be and the encoder short enough to be checked by reading.

Source: ITU-T T.81 annex H (lossless mode), C.2 (Huffman tables).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CODE_BITS = 5
_CATEGORIES = 17


def encoded(values: NDArray[np.uint16], precision: int) -> bytes:
    """Return the JPEG stream of one greyscale frame.

    Args:
        values: (rows, columns), each in [0, 2**precision - 1].
        precision: bits a sample, 2 to 16.
    """
    rows, columns = values.shape
    frame = bytes([precision]) + rows.to_bytes(2, "big") + columns.to_bytes(2, "big") + bytes([1, 1, 0x11, 0])
    counts = bytes(_CATEGORIES if length == _CODE_BITS else 0 for length in range(1, 17))
    table = b"\0" + counts + bytes(range(_CATEGORIES))
    scan = bytes([1, 1, 0, 1, 0, 0])
    segments = _segment(0xC3, frame) + _segment(0xC4, table) + _segment(0xDA, scan)
    return b"\xff\xd8" + segments + _entropy_coded(_differences(values.astype(np.int64), precision)) + b"\xff\xd9"


def _segment(marker: int, payload: bytes) -> bytes:
    return bytes([0xFF, marker]) + (len(payload) + 2).to_bytes(2, "big") + payload


def _differences(values: NDArray[np.int64], precision: int) -> NDArray[np.int64]:
    """Return sample minus prediction, modulo 2**16: left neighbour, upper one in the first column, half range at the start (H.1.2.1)."""
    predicted = np.empty_like(values)
    predicted[:, 1:] = values[:, :-1]
    predicted[1:, 0] = values[:-1, 0]
    predicted[0, 0] = 1 << (precision - 1)
    return (values - predicted + 32767).ravel() % 65536 - 32767


def _entropy_coded(differences: NDArray[np.int64]) -> bytes:
    """Return category code and extra bits of every difference, packed, padded with ones and byte-stuffed (F.1.2.1, B.1.1.5); category 16 has none (H.1.2.2)."""
    magnitude = np.abs(differences)
    category = np.where(magnitude > 0, np.floor(np.log2(np.maximum(magnitude, 1))).astype(np.int64) + 1, 0)
    extra = np.where(differences >= 0, differences, differences + (1 << category) - 1)
    extended = np.where(category == _CATEGORIES - 1, 0, category)
    word, length = (category << extended) | np.where(extended, extra, 0), extended + _CODE_BITS
    start = np.concatenate([[0], np.cumsum(length)])
    bits = np.ones((int(start[-1]) + 7) // 8 * 8, dtype=np.uint8)
    for position in range(int(length.max())):
        inside = position < length
        bits[start[:-1][inside] + position] = (word[inside] >> (length[inside] - 1 - position)) & 1
    return np.packbits(bits).tobytes().replace(b"\xff", b"\xff\x00")
