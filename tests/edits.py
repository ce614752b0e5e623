"""One edit of a file of a project under test; an edit that finds nothing to change would let a test pass for nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def edit(root: Path, name: str, old: str, new: str) -> Path:
    """Replace the first ``old`` in the file ``name`` and return the root; the text has to be there."""
    path = root / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return root
