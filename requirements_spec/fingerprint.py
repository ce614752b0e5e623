"""Names the content of an item by a hash, so that a later edit of what was reviewed shows."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields, is_dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from requirements_spec.remembered import remembered

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

NO_CONTENT = frozenset({"where"})
"""Fields that say where an item stands, not what it says; moving an item down its file is no change."""


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


@remembered
def fingerprint(item: DataclassInstance) -> str:
    """Return the SHA-256 (hex) over the canonical JSON of all content fields of an item.

    Canonical JSON here: keys sorted, no spaces, UTF-8, lists in their order. All fields but ``where`` count, those of nested items included.
    """
    return hashlib.sha256(_CANONICAL.encode(content(item)).encode()).hexdigest()


def content(value: Any) -> Any:
    """Return a value as plain JSON data without the fields that are no content."""
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):
        return [content(each) for each in value]
    if isinstance(value, dict):
        return {str(key): content(each) for key, each in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return {name: content(getattr(value, name)) for name in _content_names(type(value))}
    return value


@lru_cache
def _content_names(form: type[DataclassInstance]) -> tuple[str, ...]:
    """Return the names of the fields that are content, found once for each form of item."""
    return tuple(each.name for each in fields(form) if each.name not in NO_CONTENT)
