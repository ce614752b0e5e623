"""Makes and writes figures: one look, the nature of the films on every one, and bytes that depend on the data alone."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING, Any

from matplotlib import colormaps
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

DPI = 100

LINE = 33
"""Characters on a line of a finding's name."""


def figure(title: str, films_are: str, size: tuple[float, float] = (9.0, 6.0)) -> Figure:
    """Return an empty figure whose title names what is shown and on what kind of films."""
    made = Figure(figsize=size, dpi=DPI, layout="constrained")
    made.suptitle(f"{title}\n{films_are}", fontsize=10)
    return made


def colours(names: Sequence[str]) -> dict[str, Any]:
    """Return a colour per name, the same for the same order of names."""
    palette = colormaps["tab10"]
    return {name: palette(index % 10) for index, name in enumerate(names)}


def label(finding: str) -> str:
    """Return a finding's id as words, on as many lines as a legend needs to show all of them.

    >>> label("degenerative_joint_disease_of_the_thoracic_spine").splitlines()
    ['degenerative joint disease of the', 'thoracic spine']
    """
    return fill(finding.replace("_", " "), LINE)


def save(made: Figure, path: Path) -> None:
    """Write a PNG without date or software version."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made.savefig(path, format="png", metadata={"Software": None})
