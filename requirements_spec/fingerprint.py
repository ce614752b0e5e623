"""Names the content of an item by a hash, so that a later edit of what was reviewed shows."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

NO_CONTENT = frozenset({"where"})
"""Fields that say where an item stands, not what it says; moving an item down its file is no change."""


def fingerprint(item: DataclassInstance) -> str:
    """Return the SHA-256 (hex) over the canonical JSON of all content fields of an item.

    Canonical JSON here: keys sorted, no spaces, UTF-8, lists in their order. All fields but ``where`` count, those of nested items included.
    """
    text = json.dumps(content(item), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def content(value: Any) -> Any:
    """Return a value as plain JSON data without the fields that are no content."""
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: content(getattr(value, each.name)) for each in fields(value) if each.name not in NO_CONTENT}
    if isinstance(value, tuple):
        return [content(each) for each in value]
    if isinstance(value, dict):
        return {str(key): content(each) for key, each in value.items()}
    return value
