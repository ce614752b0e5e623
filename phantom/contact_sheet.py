"""Draws the contact sheet of the documentation: every finding at three severities, and normal films, with and without the true boxes.

    python -m phantom.contact_sheet --output docs/figures/phantom_contact_sheet.png

The sheet shows phantom films only.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from phantom.film import render, specified
from phantom.patient import FINDINGS
from phantom.texture import enlarge
from phantom.vendors import VENDORS

if TYPE_CHECKING:
    from phantom.film import RenderedFilm

SEVERITIES = (0.2, 0.5, 0.9)
_CELL, _LABEL = 268, 16


def _film(row: int, column: int, finding: str | None) -> RenderedFilm:
    """Return one cell's film; row and column choose sex, size and vendor, so that the sheet shows the variety."""
    vendors = sorted(VENDORS)
    return render(
        specified(
            20261120 + row,
            {} if finding is None else {finding: SEVERITIES[column]},
            view="AP" if (finding is None and column == 2) or (finding is not None and row == 4) else "PA",
            vendor=vendors[(row + (column if finding is None else 0)) % len(vendors)],
            sex="F" if row % 2 else "M",
            age=68,
            body_size=("small", "medium", "large")[(row + 1) % 3],
            index=row + 1 if finding is not None else column + 1,
        )
    )


def _tile(film: RenderedFilm, label: str, *, outlined: bool) -> Image.Image:
    """Return a film fitted in its cell with a label above, and its true boxes in thin outlines if asked."""
    rows, columns = film.display.shape
    scale = (_CELL - _LABEL) / rows
    small = enlarge(film.display, _CELL - _LABEL, round(columns * scale))
    shown = Image.fromarray((np.clip(small, 0, 1) * 255).astype(np.uint8), mode="L").convert("RGB")
    if outlined:
        pen = ImageDraw.Draw(shown)
        for box in film.truth.boxes:
            pen.rectangle([edge * scale for edge in box.box], outline=(255, 190, 60))
    tile = Image.new("RGB", (_CELL, _CELL), (20, 20, 24))
    tile.paste(shown, ((_CELL - shown.width) // 2, _LABEL))
    ImageDraw.Draw(tile).text((4, 3), label, fill=(235, 235, 235), font=ImageFont.load_default())
    return tile


def sheet(*, outlined: bool) -> Image.Image:
    """Return the sheet: normal films in the first row, then a row a finding; with boxes where ``outlined``."""
    rows: list[str | None] = [None, *FINDINGS]
    page = Image.new("RGB", (4 * _CELL * 2 - 2 * _CELL, len(rows) // 2 * _CELL), (20, 20, 24))
    for row, finding in enumerate(rows):
        for column, severity in enumerate(SEVERITIES):
            film = _film(row, column, finding)
            label = f"normal, {film.specification.view}" if finding is None else f"{_short(finding)} {severity:.1f}"
            page.paste(_tile(film, label, outlined=outlined), (((row % 2) * 3 + column) * _CELL, row // 2 * _CELL))
    return page


def _short(finding: str) -> str:
    return finding.replace("_of_the_thoracic_spine", "").replace("aortic_atherosclerosis_", "aortic ").replace("_", " ")


def main() -> None:
    """Write the sheet and, beside it, the same sheet with the true boxes."""
    parser = argparse.ArgumentParser(description="Contact sheet of the digital thorax")
    parser.add_argument("--output", type=Path, required=True)
    output: Path = parser.parse_args().output
    output.parent.mkdir(parents=True, exist_ok=True)
    for outlined, path in ((False, output), (True, output.with_stem(output.stem + "_boxes"))):
        sheet(outlined=outlined).convert("L" if not outlined else "RGB").quantize(128 if outlined else 64).save(
            path, optimize=True
        )


if __name__ == "__main__":
    main()
