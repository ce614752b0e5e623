"""Small or cheap files that ask for much: memory, time or stack. Each has to end in a coded refusal within 10 s and 1.5 GB.

The files are made here and never stored; the largest has 100 MB.
"""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import pydicom.config
from PIL import Image
from pydicom.encaps import get_frame
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, JPEG2000Lossless, JPEGBaseline8Bit, JPEGLSLossless, RLELossless

from verification.steps import films
from verification.steps.encodings import ENCODINGS, around, compressed, grey, native, syntax

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydicom.dataset import FileDataset

ITEM, END_OF_SEQUENCE = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0\0\0\0\0"
MILLIONS = 12


def file(dataset: FileDataset) -> bytes:
    """Return the file's bytes, faults included."""
    before = pydicom.config.settings.writing_validation_mode
    pydicom.config.settings.writing_validation_mode = pydicom.config.IGNORE
    try:
        buffer = BytesIO()
        dataset.save_as(buffer, enforce_file_format=True)
    finally:
        pydicom.config.settings.writing_validation_mode = before
    return buffer.getvalue()


def sized(dataset: FileDataset, rows: int, columns: int) -> FileDataset:
    """Let a film announce another size."""
    dataset.Rows, dataset.Columns = rows, columns
    return dataset


def deflated(megabytes: int, *, meta: bytes = b"") -> bytes:
    """Return a file whose deflated dataset is one element of zeros; ``meta`` comes before its transfer syntax."""
    squeeze, size = zlib.compressobj(9, zlib.DEFLATED, -15), megabytes * 1_000_000
    parts = [squeeze.compress(b"\x09\x00\x10\x00LO\x04\x00bomb\x09\x00\x01\x10OB\0\0" + struct.pack("<I", size))]
    parts += [squeeze.compress(bytes(1_000_000)) for _ in range(megabytes)] + [squeeze.flush()]
    meta += b"\x02\x00\x10\x00UI\x16\x001.2.840.10008.1.2.1.99"
    return bytes(128) + b"DICM\x02\x00\x00\x00UL\x04\x00" + struct.pack("<I", len(meta)) + meta + b"".join(parts)


def late_syntax() -> bytes:
    """Return a deflated bomb whose transfer syntax stands behind 3 kB of other meta information."""
    return deflated(1000, meta=b"\x02\x00\x02\x01OB\0\0" + struct.pack("<I", 3000) + bytes(3000))


def deflated_twice() -> bytes:
    """Return a file whose dataset unfolds to many empty elements."""
    content = elements(MILLIONS)
    squeeze = zlib.compressobj(6, zlib.DEFLATED, -15)
    meta = b"\x02\x00\x10\x00UI\x16\x001.2.840.10008.1.2.1.99"
    head = bytes(128) + b"DICM\x02\x00\x00\x00UL\x04\x00" + struct.pack("<I", len(meta)) + meta
    return head + squeeze.compress(content) + squeeze.flush()


def elements(millions: int) -> bytes:
    """Return so many empty Explicit VR elements, each of another private tag."""
    numbers = np.arange(millions * 1_000_000, dtype=np.uint32)
    table = np.zeros((numbers.size, 8), np.uint8)
    group, element = 9 + 2 * (numbers // 60000), 0x1000 + numbers % 60000
    table[:, 0], table[:, 1], table[:, 2], table[:, 3] = group & 255, group >> 8, element & 255, element >> 8
    table[:, 4], table[:, 5] = ord("C"), ord("S")
    return table.tobytes()


HEAD = file(native())[: 132 + 12 + struct.unpack("<I", file(native())[140:144])[0]]


def many_elements() -> bytes:
    """Return 96 MB of empty elements."""
    return HEAD + elements(MILLIONS)


def many_items() -> bytes:
    """Return a sequence of undefined length that holds 12 million empty items."""
    return HEAD + b"\x28\x00\x10\x30SQ\0\0\xff\xff\xff\xff" + (ITEM + bytes(4)) * (MILLIONS * 1_000_000) + END_OF_SEQUENCE


def many_items_of_known_length() -> bytes:
    """Return the same with its length stated, so that it unfolds only when it is looked at."""
    items = (ITEM + bytes(4)) * (MILLIONS * 1_000_000)
    return HEAD + b"\x28\x00\x10\x30SQ\0\0" + struct.pack("<I", len(items)) + items


def many_values() -> bytes:
    """Return 90 MB of numbers in one Window Center."""
    meta = b"\x02\x00\x10\x00UI\x12\x001.2.840.10008.1.2\0"
    head = bytes(128) + b"DICM\x02\x00\x00\x00UL\x04\x00" + struct.pack("<I", len(meta)) + meta
    values = b"1\\" * 45_000_000
    return head + b"\x28\x00\x50\x10" + struct.pack("<I", len(values)) + values


def many_fragments() -> bytes:
    """Return 12 million empty fragments as pixel data."""
    dataset = around(b"\xff\xd8" * 10, JPEGBaseline8Bit, native(8))
    content = file(dataset)
    start = content.index(b"\xe0\x7f\x10\x00OB") + 12
    return content[:start] + (ITEM + bytes(4)) * (MILLIONS * 1_000_000) + END_OF_SEQUENCE


def jpeg(rows: int, columns: int, *, stated: tuple[int, int] | None = None, fill: int = 0) -> bytes:
    """Return a baseline JPEG of a few kilobytes whose frame header announces another size, and fill bytes before it."""
    buffer = BytesIO()
    Image.fromarray(grey(8).astype(np.uint8)).save(buffer, "JPEG")
    stream = bytearray(buffer.getvalue())
    at = stream.index(b"\xff\xc0") + 5
    stream[at : at + 4] = struct.pack(">HH", rows, columns)
    stream[2:2] = b"\xff" * fill
    return file(sized(around(bytes(stream), JPEGBaseline8Bit, native(8)), *(stated or (rows, columns))))


def jpeg_2000(
    rows: int, columns: int, *, stated: tuple[int, int] | None = None, tile: int | None = None, name: UID = JPEG2000Lossless
) -> bytes:
    """Return a small JPEG 2000 stream whose SIZ segment announces another size, in tiles of another side."""
    dataset = compressed(native(8), JPEG2000Lossless)
    stream = bytearray(films_frame(dataset))
    side = max(rows, columns) if tile is None else tile
    stream[8:16] = struct.pack(">II", columns, rows)
    stream[24:32] = struct.pack(">II", side, side)
    return file(sized(around(bytes(stream), name, native(8)), *(stated or (rows, columns))))


def layered() -> bytes:
    """Return a JPEG 2000 stream of 6,000 x 6,000 pixels that announces 65,535 layers and 32 resolutions of small precincts."""
    dataset = compressed(native(8), JPEG2000Lossless)
    stream = bytearray(films_frame(dataset))
    stream[8:16], stream[24:32] = struct.pack(">II", 6000, 6000), struct.pack(">II", 6000, 6000)
    at = stream.index(b"\xff\x52")
    stream[at + 6 : at + 8] = struct.pack(">H", 65535)
    stream[at + 9] = 32
    return file(sized(around(bytes(stream), JPEG2000Lossless, native(8)), 6000, 6000))


def jpeg_ls(rows: int, columns: int) -> bytes:
    """Return a small JPEG-LS stream whose frame header announces another size."""
    stream = bytearray(films_frame(compressed(native(8), JPEGLSLossless)))
    at = stream.index(b"\xff\xf7") + 5
    stream[at : at + 4] = struct.pack(">HH", rows, columns)
    return file(sized(around(bytes(stream), JPEGLSLossless, native(8)), rows, columns))


def htj2k(rows: int, columns: int) -> bytes:
    """Return the small HTJ2K stream with another size in its SIZ segment."""
    dataset = ENCODINGS["HTJ2K .201"]()
    stream = bytearray(films_frame(dataset))
    stream[8:16] = struct.pack(">II", columns, rows)
    stream[24:32] = struct.pack(">II", columns, rows)
    return file(sized(around(bytes(stream), dataset.file_meta.TransferSyntaxUID, native()), rows, columns))


def films_frame(dataset: FileDataset) -> bytes:
    """Return the one frame of a compressed film."""
    return get_frame(dataset.PixelData, 0, number_of_frames=1)


def runs(packet: bytes, count: int) -> bytes:
    """Return a film of 6,000 x 6,000 pixels in RLE whose one segment repeats a packet."""
    stream = struct.pack("<16L", 1, 64, *[0] * 14) + packet * count
    return file(sized(around(stream, RLELossless, native(8)), 6000, 6000))


def frames(count: int) -> bytes:
    """Return a film that announces so many frames."""
    dataset = native()
    dataset.NumberOfFrames = str(count)
    return file(dataset)


def lut_of_lies() -> bytes:
    """Return a film whose VOI look-up table is 90 MB long and states 65,535 entries."""
    dataset = ENCODINGS["VOI LUT beside a window"]()
    dataset.VOILUTSequence[0].LUTData = bytes(90_000_000)
    return file(dataset)


def deflated_film() -> bytes:
    """Return a deflated film of 36 million equal pixels, which is allowed in size and refused for its content."""
    dataset = syntax(native(), DeflatedExplicitVRLittleEndian)
    dataset.PixelData = bytes(72_000_000)
    return file(sized(dataset, 6000, 6000))


BOMBS: dict[str, Callable[[], bytes]] = {
    "deflate, 1 MB to 1 GB": lambda: deflated(1000),
    "deflate, syntax behind 3 kB of meta": late_syntax,
    "deflate, to 12 million elements": deflated_twice,
    "deflate, to 36 million equal pixels": deflated_film,
    "12 million elements": many_elements,
    "12 million items, undefined length": many_items,
    "12 million items, stated length": many_items_of_known_length,
    "45 million numbers in a window": many_values,
    "12 million fragments": many_fragments,
    "3,000 nested sequences": lambda: films.nested(3000),
    "200,000 nested sequences": lambda: films.nested(200_000),
    "VOI table of 90 MB": lut_of_lies,
    "2,147,483,647 frames": lambda: frames(2**31 - 1),
    "native, 65535 x 65535 announced": lambda: file(sized(native(), 65535, 65535)),
    "JPEG, 6000 x 6000 announced": lambda: jpeg(6000, 6000),
    "JPEG, 65500 x 65500 in the stream": lambda: jpeg(65500, 65500, stated=(512, 512)),
    "JPEG, 90 MB of fill bytes": lambda: jpeg(6000, 6000, fill=90_000_000),
    "JPEG 2000, 6000 x 6000 announced": lambda: jpeg_2000(6000, 6000),
    "JPEG 2000, 4 billion pixels in the stream": lambda: jpeg_2000(65535, 65535, stated=(512, 512)),
    "JPEG 2000, 36 million tiles": lambda: jpeg_2000(6000, 6000, tile=1),
    "JPEG 2000, 65,000 tiles": lambda: jpeg_2000(6000, 6000, tile=24),
    "JPEG 2000, 65,535 layers": layered,
    "HTJ2K, 6000 x 6000 announced": lambda: htj2k(6000, 6000),
    "JPEG-LS, 6000 x 6000 announced": lambda: jpeg_ls(6000, 6000),
    "RLE, runs to 6.4 GB": lambda: runs(b"\x81\x07", 49_000_000),
    "RLE, packets of one byte": lambda: runs(b"\x00\x07", 49_000_000),
    "RLE, packets without effect": lambda: runs(b"\x80", 98_000_000),
    "RLE, 6000 x 6000 announced": lambda: runs(b"\x81\x07", 10),
}
"""Every bomb by its name."""
