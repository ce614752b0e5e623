"""Where two contents of one part begin to differ, said so that a person can look there: JSON by pointer, weights by tensor, text by line, else by byte.

Source: RFC 6901 (JSON Pointer); safetensors, "Format" (header with the byte range of each tensor).
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

SHOWN = 160
"""Characters of a value that are shown."""

NOTHING = "nothing"


@dataclass(frozen=True)
class Divergence:
    """The first difference of a part.

    Attributes:
        step: of the pipeline that makes it.
        name: of the part.
        where: JSON pointer, tensor, line or byte.
        recorded: what the release has there.
        reproduced: what came out here.
    """

    step: str
    name: str
    where: str
    recorded: str
    reproduced: str

    def to_json(self) -> dict[str, str]:
        """Return the difference as plain data."""
        return {name: getattr(self, name) for name in ("step", "name", "where", "recorded", "reproduced")}

    def __str__(self) -> str:
        """Return one line."""
        return f"{self.step}: {self.name} at {self.where}: recorded {self.recorded}, reproduced {self.reproduced}"


def first_difference(name: str, recorded: bytes, reproduced: bytes) -> tuple[str, str, str] | None:
    """Return (where, recorded, reproduced) of the first difference of two contents; None where they are equal.

    >>> first_difference("a.json", b'{"a": [1, 2]}', b'{"a": [1, 3]}')
    ('/a/1', '2', '3')
    >>> first_difference("a.bin", b"abc", b"abd")
    ('byte 2 of 3', '0x63', '0x64')
    >>> first_difference("a.txt", b"same", b"same") is None
    True
    """
    if recorded == reproduced:
        return None
    ways = {"json": _in_json, "safetensors": _in_tensors}
    found = ways.get(name.rpartition(".")[2], lambda _a, _b: None)(recorded, reproduced)
    return found or _in_text(recorded, reproduced) or _in_bytes(recorded, reproduced)


def json_differences(recorded: Any, reproduced: Any, pointer: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield (pointer, recorded, reproduced) of every value in which two JSON values differ, keys in their order.

    >>> list(json_differences({"a": 1, "b": {"c": None}}, {"a": 1, "b": {}}))
    [('/b/c', 'null', 'nothing')]
    """
    if isinstance(recorded, dict) and isinstance(reproduced, dict):
        for key in sorted(recorded.keys() | reproduced.keys()):
            yield from _pair(recorded, reproduced, key, f"{pointer}/{_escaped(key)}")
    elif isinstance(recorded, list) and isinstance(reproduced, list):
        absent = object()
        for index, (one, other) in enumerate(zip_longest(recorded, reproduced, fillvalue=absent)):
            here = f"{pointer}/{index}"
            if one is absent or other is absent:
                yield here, NOTHING if one is absent else _shown(one), NOTHING if other is absent else _shown(other)
            else:
                yield from json_differences(one, other, here)
    elif _shown(recorded, None) != _shown(reproduced, None):
        yield pointer or "/", _shown(recorded), _shown(reproduced)


def _pair(recorded: dict[str, Any], reproduced: dict[str, Any], key: str, here: str) -> Iterator[tuple[str, str, str]]:
    if key in recorded and key in reproduced:
        yield from json_differences(recorded[key], reproduced[key], here)
    else:
        yield (
            here,
            _shown(recorded[key]) if key in recorded else NOTHING,
            _shown(reproduced[key]) if key in reproduced else NOTHING,
        )


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _shown(value: Any, length: int | None = SHOWN) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)[:length]


def _in_json(recorded: bytes, reproduced: bytes) -> tuple[str, str, str] | None:
    try:
        return next(json_differences(json.loads(recorded), json.loads(reproduced)), None)
    except (ValueError, RecursionError):
        return None


def _in_text(recorded: bytes, reproduced: bytes) -> tuple[str, str, str] | None:
    try:
        lines = zip_longest(recorded.decode().split("\n"), reproduced.decode().split("\n"), fillvalue=NOTHING)
    except UnicodeDecodeError:
        return None
    if b"\0" in recorded or b"\n" not in recorded:
        return None
    return next(
        ((f"line {number}", one[:SHOWN], other[:SHOWN]) for number, (one, other) in enumerate(lines, 1) if one != other), None
    )


def _in_bytes(recorded: bytes, reproduced: bytes) -> tuple[str, str, str]:
    pairs = enumerate(zip_longest(recorded, reproduced))
    place, one, other = next((place, one, other) for place, (one, other) in pairs if one != other)
    return f"byte {place} of {len(recorded)}", _byte(one), _byte(other)


def _byte(value: int | None) -> str:
    return NOTHING if value is None else f"{value:#04x}"


def _in_tensors(recorded: bytes, reproduced: bytes) -> tuple[str, str, str] | None:
    """Name the first tensor, by its place in the file, whose bytes differ."""
    try:
        one, other = _tensors(recorded), _tensors(reproduced)
    except (struct.error, ValueError, KeyError, TypeError, AttributeError):
        return None
    for name in (*one, *(each for each in other if each not in one)):
        here, there = one.get(name), other.get(name)
        if here != there:
            equal = here is not None and there is not None and here[0] == there[0]
            at = (
                next(i for i, (a, b) in enumerate(zip(here[1], there[1], strict=True)) if a != b)
                if equal and here and there
                else 0
            )
            return f"tensor {name}", _tensor(here, at), _tensor(there, at)
    return None


def _tensors(content: bytes) -> dict[str, tuple[str, bytes]]:
    """Return (type and shape, bytes) by tensor, in the order in which they lie in the file."""
    length = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8 : 8 + length])
    rows = sorted((each["data_offsets"], name) for name, each in header.items() if name != "__metadata__")
    data = content[8 + length :]
    return {name: (f"{header[name]['dtype']} {header[name]['shape']}", data[begin:end]) for (begin, end), name in rows}


def _tensor(tensor: tuple[str, bytes] | None, at: int) -> str:
    if tensor is None:
        return NOTHING
    kind, content = tensor
    if not kind.startswith("F32") or len(content) < 4:
        return f"{kind}, byte {at} is {content[at]:#04x}" if content else kind
    element = at // 4
    return f"{kind}, element {element} is {struct.unpack_from('<f', content, element * 4)[0]!r}"
