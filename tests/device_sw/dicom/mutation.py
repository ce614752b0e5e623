"""Spoils a DICOM file the way files are spoilt: an element's tag, representation, length or value, a sequence, a pixel parameter, a stretch of a stream.

Byte mutation alone rarely passes the parser's first check; this one knows where elements begin, so that what it spoils is reached. A deflated dataset is
inflated, spoilt and deflated again. All choices are drawn from the ``Random`` given, so hypothesis can shrink them and libFuzzer can repeat them.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

DEFLATED = b"1.2.840.10008.1.2.1.99"
IMPLICIT = b"1.2.840.10008.1.2\0"
LONG = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"UC", b"UN", b"UR", b"UT", b"SV", b"UV"})
REPRESENTATIONS = [
    b"US",
    b"SS",
    b"UL",
    b"IS",
    b"DS",
    b"CS",
    b"LO",
    b"PN",
    b"UI",
    b"SQ",
    b"OW",
    b"OB",
    b"UN",
    b"AT",
    b"FD",
    b"??",
    b"AS",
    b"DA",
]
TAGS = [
    (0x0028, element) for element in (0x0002, 0x0004, 0x0006, 0x0008, 0x0010, 0x0011, 0x0100, 0x0101, 0x0102, 0x0103, 0x0120, 0x0121, 0x0030, 0x1050,
    0x1051, 0x1052, 0x1053, 0x1054, 0x1056, 0x3000, 0x3002, 0x3006, 0x3010, 0x2110)
] + [
    (0x0002, 0x0010), (0x0002, 0x0000), (0x0008, 0x0005), (0x0008, 0x0008), (0x0008, 0x0016), (0x0008, 0x0018), (0x0008, 0x0060), (0x0010, 0x0010),
    (0x0010, 0x0030), (0x0010, 0x1010), (0x0018, 0x0015), (0x0018, 0x5101), (0x0020, 0x0020), (0x2050, 0x0020), (0x7FE0, 0x0010), (0x7FE0, 0x0001),
    (0xFFFE, 0xE000), (0xFFFE, 0xE00D), (0xFFFE, 0xE0DD),
]  # fmt: skip
NUMBERS = [0, 1, 2, 7, 8, 9, 12, 15, 16, 17, 31, 32, 64, 127, 128, 255, 256, 4095, 4096, 32767, 32768, 65534, 65535]
LENGTHS = [0, 1, 2, 3, 7, 8, 255, 65535, 65536, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF]
TEXTS = [b"", b"-1", b"0", b"1e400", b"nan", b"inf", b"-0", b"1\\2\\3", b"\\\\\\", b"\xff\xfe\xfd", b"9" * 40, b"MONOCHROME1", b"SIGMOID", b"000Y", b"abc",
         b"\0", b"../..", b"ISO_IR 192", b"\x1b$B"]  # fmt: skip


@dataclass(frozen=True)
class Element:
    """Where an element stands: its tag, its value, and how its length is written."""

    start: int
    value: int
    end: int
    width: int


def elements(content: bytes, start: int, *, implicit: bool) -> list[Element]:
    """Return the elements of the outermost level as far as they can be followed."""
    found, position = [], start
    while position + 8 <= len(content):
        width, value = 4, position + 8
        if not implicit:
            long = content[position + 4 : position + 6] in LONG
            width, value = (4, position + 12) if long else (2, position + 8)
        length = int.from_bytes(content[value - width : value], "little")
        end = len(content) if length == 0xFFFFFFFF else min(value + length, len(content))
        found.append(Element(position, value, end, width))
        if end <= position:
            break
        position = end
    return found


def mutated(content: bytes, random: Random) -> bytes:
    """Return the file with one to four things spoilt."""
    for _ in range(random.randint(1, 4)):
        content = _spoilt(content, random)
    return content


def _spoilt(content: bytes, random: Random) -> bytes:
    if DEFLATED in content[:1200] and random.randint(0, 3):
        start = 144 + int.from_bytes(content[140:144], "little")
        try:
            inner = zlib.decompressobj(-15).decompress(content[start:], 1_000_000)
        except zlib.error:
            return _bytes(content, random)
        squeeze = zlib.compressobj(1, zlib.DEFLATED, -15)
        return content[:start] + squeeze.compress(_in(inner, 0, random, implicit=False)) + squeeze.flush()
    start = 132 if content[128:132] == b"DICM" else 0
    return _in(content, start, random, implicit=IMPLICIT in content[:400])


def _in(content: bytes, start: int, random: Random, *, implicit: bool) -> bytes:
    if implicit and start == 132:
        start += 12 + int.from_bytes(content[140:144], "little")
    found = elements(content, start, implicit=implicit and start != 132)
    if not found:
        return _bytes(content, random)
    operation = random.choice(OPERATIONS)
    return operation(content, found, random)


def _bytes(content: bytes, random: Random) -> bytes:
    """Overwrite a few bytes anywhere."""
    spoilt = bytearray(content or b"\0")
    for _ in range(random.randint(1, 6)):
        spoilt[random.randrange(len(spoilt))] = random.randint(0, 255)
    return bytes(spoilt)


def _tag(content: bytes, found: list[Element], random: Random) -> bytes:
    """Give an element another tag."""
    at, (group, element) = random.choice(found), random.choice(TAGS)
    return content[: at.start] + group.to_bytes(2, "little") + element.to_bytes(2, "little") + content[at.start + 4 :]


def _representation(content: bytes, found: list[Element], random: Random) -> bytes:
    """Give an element another value representation."""
    at = random.choice(found)
    return content[: at.start + 4] + random.choice(REPRESENTATIONS) + content[at.start + 6 :]


def _length(content: bytes, found: list[Element], random: Random) -> bytes:
    """Let an element lie about its length."""
    at = random.choice(found)
    said = random.choice(LENGTHS) if random.randint(0, 1) else at.end - at.value + random.randint(-4, 4)
    return content[: at.value - at.width] + (said % (1 << 8 * at.width)).to_bytes(at.width, "little") + content[at.value :]


def _resized(content: bytes, at: Element, value: bytes) -> bytes:
    value += b" " * (len(value) % 2)
    length = (len(value) % (1 << 8 * at.width)).to_bytes(at.width, "little")
    return content[: at.value - at.width] + length + value + content[at.end :]


def _text(content: bytes, found: list[Element], random: Random) -> bytes:
    """Give an element another text, with its true length."""
    return _resized(content, random.choice(found), random.choice(TEXTS))


def _number(content: bytes, found: list[Element], random: Random) -> bytes:
    """Give a pixel parameter (a value of two bytes) another number."""
    small = [at for at in found if at.end - at.value == 2] or found
    at = random.choice(small)
    return content[: at.value] + random.choice(NUMBERS).to_bytes(2, "little") + content[at.value + 2 :]


def _left_out(content: bytes, found: list[Element], random: Random) -> bytes:
    """Leave an element out."""
    at = random.choice(found)
    return content[: at.start] + content[at.end :]


def _twice(content: bytes, found: list[Element], random: Random) -> bytes:
    """Write an element once more, anywhere between others."""
    at, behind = random.choice(found), random.choice(found)
    return content[: behind.end] + content[at.start : at.end] + content[behind.end :]


def _nested(content: bytes, found: list[Element], random: Random) -> bytes:
    """Wrap an element into a sequence of any depth, delimited or not."""
    at, depth = random.choice(found), random.choice([1, 2, 30, 300])
    opening = b"\x40\x00\x75\x02SQ\0\0\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    closing = (b"\xfe\xff\x0d\xe0\0\0\0\0" + b"\xfe\xff\xdd\xe0\0\0\0\0") * random.choice([0, depth])
    return content[: at.start] + opening * depth + content[at.start : at.end] + closing + content[at.end :]


def _value(content: bytes, found: list[Element], random: Random) -> bytes:
    """Overwrite bytes of one value; the last one is the pixel data, so streams are met often."""
    at = found[-1] if random.randint(0, 1) else random.choice(found)
    if at.end <= at.value:
        return content
    spoilt = bytearray(content)
    span = min(at.end - at.value, random.choice([16, 120, 1 << 20]))
    for _ in range(random.randint(1, 5)):
        spoilt[at.value + random.randrange(span)] = random.choice([0, 1, 255, 254, 217, 128, random.randint(0, 255)])
    return bytes(spoilt)


def _stretch(content: bytes, found: list[Element], random: Random) -> bytes:
    """Remove, repeat or insert a stretch of a value."""
    at = found[-1] if random.randint(0, 1) else random.choice(found)
    if at.end <= at.value:
        return content
    first = at.value + random.randrange(at.end - at.value)
    last = min(at.end, first + random.choice([1, 2, 4, 16, 256, 2048]))
    middle = random.choice([b"", content[first:last] * 2, b"\0" * 8, b"\xff" * 5])
    return content[:first] + middle + content[last:]


def _cut(content: bytes, found: list[Element], random: Random) -> bytes:
    """End the file within an element."""
    at = random.choice(found)
    return content[: random.randint(at.start, max(at.start, at.end))]


def _anywhere(content: bytes, _found: list[Element], random: Random) -> bytes:
    return _bytes(content, random)


OPERATIONS: list[Callable[[bytes, list[Element], Random], bytes]] = [
    _tag, _representation, _length, _text, _text, _number, _number, _left_out, _twice, _nested, _value, _value, _value, _stretch, _cut, _anywhere,
]  # fmt: skip
"""Ways to spoil; what is met more often stands there more often."""
