"""The one text of a value (RFC 8785), for what is hashed and signed: records, statements, lists of hashes.

Only texts, whole numbers, truth values, nothing, lists and tables are taken; a fraction has no place in a record, because two programs may print it
differently. Reading is as strict as writing: a text that is not the canonical one of its value is refused.

Source: RFC 8785 (JSON Canonicalization Scheme); the restriction to whole numbers is ours.
"""

from __future__ import annotations

import hashlib
from typing import Any

import rfc8785

from verification.trace.strict_json import loads

LARGEST = 2**53 - 1
"""The largest whole number that every JSON reader holds exactly (RFC 8785 3.2.2.3, I-JSON)."""


def canonical(value: object) -> bytes:
    """Return the canonical text of a value, UTF-8.

    Raises:
        ValueError: a value that may not stand in a record: a fraction, a number beyond ``LARGEST``, a key that is not ASCII, or another type.

    >>> canonical({"b": 1, "a": ["x", True, None]})
    b'{"a":["x",true,null],"b":1}'
    """
    _require_plain(value)
    return rfc8785.dumps(value)  # type: ignore[arg-type]  # its own type names what was just checked


def read(content: bytes) -> Any:
    """Return the value of a canonical text.

    Raises:
        ValueError: no JSON, a key twice, a value that may not stand in a record, or another text than the canonical one of its value.

    >>> read(b'{"a":1}')
    {'a': 1}
    """
    value = loads(content)
    if canonical(value) != content:
        raise ValueError("not the canonical text of its value")
    return value


def digest(value: object) -> str:
    """Return the SHA-256 of the canonical text of a value.

    >>> digest({})[:12]
    '44136fa355b3'
    """
    return hashlib.sha256(canonical(value)).hexdigest()


def _require_plain(value: object) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str) or not key.isascii():
                raise ValueError(f"the key {key!r}, which is no ASCII text")
            _require_plain(inner)
    elif isinstance(value, list):
        for inner in value:
            _require_plain(inner)
    elif isinstance(value, int) and not isinstance(value, bool):
        if abs(value) > LARGEST:
            raise ValueError(f"the number {value}, which not every reader holds exactly")
    elif not (value is None or isinstance(value, str | bool)):
        raise ValueError(f"a {type(value).__name__}, which a record does not hold")
