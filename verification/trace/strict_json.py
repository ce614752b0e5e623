"""Reads JSON that somebody else may have written: what our own writer would never write is refused instead of carried along.

Python's parser takes NaN, Infinity, numbers that overflow, a key twice (the last one wins) and halves of characters; each of them would break or mislead
whoever reads the value later.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

_HALF = re.compile(r"\\u[dD][89a-fA-F]")


def loads(content: bytes) -> Any:
    """Return the value of a JSON text in UTF-8.

    Raises:
        ValueError: not UTF-8, not JSON, nested too deep, a key twice in one object, a number that is none, or half of a character.

    >>> loads(b'{"a": 1}')
    {'a': 1}
    """
    text = content.decode("utf-8")
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_no_number, parse_float=_finite)
        if _HALF.search(text):
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except RecursionError:
        raise ValueError("nested too deep") from None
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return table


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


def depth_at_most(value: object, limit: int) -> bool:
    """Say whether a value is nested no deeper than a limit; whoever follows it by recursion needs to know first.

    >>> depth_at_most({"a": {"b": 1}}, 2), depth_at_most({"a": {"b": 1}}, 1)
    (True, False)
    """
    layer = [value]
    for _ in range(limit + 1):
        layer = [
            inner
            for each in layer
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
        if not layer:
            return True
    return False
