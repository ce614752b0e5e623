"""The closure of the wheel beyond the SOUP list: every library that is installed with the device, read from device.lock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.dossier.tables import plain, table
from requirements_spec.lock import pins

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

LOCK = "device.lock"


def others_table(root: Path, soup: Collection[str]) -> str:
    """Return the libraries of the lock that are no SOUP items, with their versions and where each is installed."""
    locked = pins((root / LOCK).read_text(encoding="utf-8"))
    rows = [[f"`{name}`", plain(version)] for name, version in sorted(locked.items()) if name not in soup]
    return table(["Library", "Version and, where it is not everywhere, the condition"], rows, widths=[30, 70])
