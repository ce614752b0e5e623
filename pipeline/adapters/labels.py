"""Reads a label cell: a finding's id, name or Chinese label of the device's table, in any case and width, or `normal`."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

NORMAL = "normal"
_TABLE = Path(__file__).resolve().parents[2] / "device_sw" / "findings.toml"
_BETWEEN = re.compile("[;,|+\u3001/&]")


@cache
def findings() -> tuple[str, ...]:
    """Return the ids of the seven findings in table order."""
    return tuple(row["id"] for row in tomllib.loads(_TABLE.read_text(encoding="utf-8"))["finding"])


@cache
def _known() -> Mapping[str, str]:
    table = tomllib.loads(_TABLE.read_text(encoding="utf-8"))
    return {
        _plain(text): row["id"]
        for row in (*table["finding"], table[NORMAL])
        for text in (row["id"], row["name"], *row["chinese"])
    }


def _plain(text: str) -> str:
    """Fold width and case, and take spaces, underscores and hyphens for one another."""
    return re.sub(r"[\s_\-]+", " ", unicodedata.normalize("NFKC", text)).strip().casefold()


def label_of(text: str) -> str | None:
    """Return the id that a label stands for, None where it stands for none.

    >>> label_of("脊椎側彎"), label_of("Cardiac_Hypertrophy"), label_of("正常"), label_of("pneumothorax")
    ('scoliosis', 'cardiac_hypertrophy', 'normal', None)
    """
    return _known().get(_plain(text))


def labels_of(text: str) -> tuple[str, ...] | None:
    """Return the ids of a cell that may hold several labels, None where any part is unknown.

    >>> labels_of("脊椎側彎、aortic_curvature")
    ('scoliosis', 'aortic_curvature')
    """
    whole = label_of(text)
    if whole is not None:
        return (whole,)
    parts = [label_of(part) for part in _BETWEEN.split(unicodedata.normalize("NFKC", text))]
    return None if None in parts else tuple(part for part in parts if part is not None)


def script_of(text: str) -> str:
    """Return ``Chinese`` for a label with any CJK ideograph, else ``English``.

    >>> script_of("主動脈彎曲"), script_of("aortic_curvature")
    ('Chinese', 'English')
    """
    return "Chinese" if any("CJK UNIFIED" in unicodedata.name(character, "") for character in text) else "English"
