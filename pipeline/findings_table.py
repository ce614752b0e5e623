"""The device's table of findings as the file it is, for those who read a repository and not the installed device."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FINDINGS = "device_sw/findings.toml"


def finding_rows(root: Path) -> list[dict[str, str]]:
    """Return the rows of the findings below a root, in table order.

    Raises:
        OSError: no table.
        ValueError: no TOML.
        KeyError: no findings in it.
    """
    return list(tomllib.loads((root / FINDINGS).read_text(encoding="utf-8"))["finding"])
