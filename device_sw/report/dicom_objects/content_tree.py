"""A structured report's content tree as values, and its encoding.

The tree is encoded here and not built from `pydicom` datasets, because building and writing about a thousand small datasets costs several times what a
report may cost; a parser other than this one (pydicom, highdicom, DCMTK) reads it in the tests. Only the elements that a content item can hold are known.

Source: DICOM PS3.3 C.17.3 (SR Document Content), 8.8 (codes), C.18 (values); PS3.5 7.1.2 (explicit VR, little endian).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from device_sw.findings import Code

_ITEM = 0xFFFEE000
_LONG_CODE = 16


@dataclass(frozen=True, slots=True)
class Text:
    """A TEXT value."""

    text: str


@dataclass(frozen=True, slots=True)
class Uid:
    """A UIDREF value."""

    uid: str


@dataclass(frozen=True, slots=True)
class Number:
    """A NUM value of at most 16 characters, with its unit."""

    value: float
    unit: Code


@dataclass(frozen=True, slots=True)
class Image:
    """A reference to an image by SOP class and instance."""

    sop_class_uid: str
    sop_instance_uid: str


@dataclass(frozen=True, slots=True)
class Polyline:
    """A line through (column, row) points in the image that its child selects; (0, 0) is the outer corner of the first pixel (PS3.3 C.18.6.1)."""

    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Container:
    """A CONTAINER; the root names the template it follows."""

    template: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One content item.

    Attributes:
        relationship: to its parent, as PS3.3 table C.17.3-8 writes it; empty for the root.
        concept: its name; None where the relationship alone says it.
        value: of one of the value types.
        children: in their order.
    """

    relationship: str
    concept: Code | None
    value: Container | Code | Text | Uid | Number | Image | Polyline
    children: tuple[Item, ...] = ()


def content_sequence(items: Sequence[Item]) -> bytes:
    """Return a Content Sequence (0040,A730): each item with its length, explicit VR little endian, text in UTF-8; nothing for no items."""
    return _sequence(0x0040A730, b"".join(_sequence_item(_item(item)) for item in items)) if items else b""


def encoded_code(code: Code) -> bytes:
    """Return the value of a code sequence of one item (PS3.3 8.8); a value of more than 16 characters is a Long Code Value.

    >>> from device_sw.findings import Code
    >>> len(encoded_code(Code("121071", "DCM", "Finding"))) % 2
    0
    """
    return _code(code.value, code.scheme, code.meaning)


@lru_cache(maxsize=512)
def _code(value: str, scheme: str, meaning: str) -> bytes:
    long = len(value) > _LONG_CODE
    number = b"" if long else _element(0x00080100, b"SH", _text(value))
    named = _element(0x00080102, b"SH", _text(scheme)) + _element(0x00080104, b"LO", _text(meaning))
    return _sequence_item(number + named + (_element(0x00080119, b"UC", _text(value)) if long else b""))


def _item(item: Item) -> bytes:
    """Return the elements of one item in ascending order of their tags."""
    type_name, before, after = _value(item.value)
    parts = [
        before,
        _element(0x0040A010, b"CS", _text(item.relationship)) if item.relationship else b"",
        _element(0x0040A040, b"CS", _text(type_name)),
        _sequence(0x0040A043, encoded_code(item.concept)) if item.concept else b"",
        after,
    ]
    children = content_sequence(item.children)
    if isinstance(item.value, Polyline):
        graphic = struct.pack(f"<{2 * len(item.value.points)}f", *(edge for point in item.value.points for edge in point))
        return b"".join(parts) + children + _element(0x00700022, b"FL", graphic) + _element(0x00700023, b"CS", _text("POLYLINE"))
    return b"".join(parts) + children


def _value(value: Container | Code | Text | Uid | Number | Image | Polyline) -> tuple[str, bytes, bytes]:
    """Return value type, the elements before the relationship and those after the concept name."""
    before = after = b""
    match value:
        case Container(template):
            kind, after = "CONTAINER", _element(0x0040A050, b"CS", _text("SEPARATE")) + _template(template)
        case Text(text):
            kind, after = "TEXT", _element(0x0040A160, b"UT", _text(text))
        case Uid(uid):
            kind, after = "UIDREF", _element(0x0040A124, b"UI", _uid(uid))
        case Number(number, unit):
            measured = _sequence(0x004008EA, encoded_code(unit)) + _element(0x0040A30A, b"DS", _text(decimal(number)))
            kind, after = "NUM", _sequence(0x0040A300, _sequence_item(measured))
        case Image(sop_class_uid, sop_instance_uid):
            named = _element(0x00081150, b"UI", _uid(sop_class_uid)) + _element(0x00081155, b"UI", _uid(sop_instance_uid))
            kind, before = "IMAGE", _sequence(0x00081199, _sequence_item(named))
        case Polyline():
            kind = "SCOORD"
        case _:
            kind, after = "CODE", _sequence(0x0040A168, encoded_code(value))
    return kind, before, after


def _template(identifier: str) -> bytes:
    """Return the Content Template Sequence (0040,A504) of a container, or nothing where it follows none."""
    if not identifier:
        return b""
    named = _element(0x00080105, b"CS", _text("DCMR")) + _element(0x0040DB00, b"CS", _text(identifier))
    return _sequence(0x0040A504, _sequence_item(named))


def decimal(number: float) -> str:
    """Return a decimal string of at most 16 characters (PS3.5 6.2, DS).

    >>> decimal(0.9), decimal(1 / 3), decimal(1e-9)
    ('0.9', '0.3333333333', '1e-09')
    """
    return f"{number:.10g}"


def _sequence(tag: int, items: bytes) -> bytes:
    return _element(tag, b"SQ", items)


def _sequence_item(content: bytes) -> bytes:
    return struct.pack("<HHI", _ITEM >> 16, _ITEM & 0xFFFF, len(content)) + content


def _element(tag: int, vr: bytes, value: bytes) -> bytes:
    if vr in {b"SQ", b"UT", b"UC"}:
        return struct.pack("<HH2sHI", tag >> 16, tag & 0xFFFF, vr, 0, len(value)) + value
    return struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr, len(value)) + value


def _text(text: str) -> bytes:
    value = text.encode()
    return value + b" " * (len(value) % 2)


def _uid(uid: str) -> bytes:
    value = uid.encode("ascii")
    return value + b"\0" * (len(value) % 2)
