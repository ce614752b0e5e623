"""Draws the result of one film as a picture: the film as displayed with labelled outlines, and beside it the heat map over the same film.

Only outlines are drawn on the film, and every label lies outside its box, so that a reader sees what was marked. The film keeps its proportions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

from device_sw.findings import all_findings, finding
from device_sw.report.content import STATEMENT, conclusion, score_note
from device_sw.report.drawing import (
    INK,
    LINE,
    PAD,
    PAGE,
    QUIET,
    banner,
    banner_height,
    colour,
    display,
    font,
    heated,
    in_table_order,
    panel,
    wrapped,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from device_sw.findings import Finding
    from device_sw.report.content import AnalysisResult
    from device_sw.types import Box, Detection

_LABEL = 18
_SWATCH = "\t"
"""Begins a legend line that has a coloured square."""

_Rectangle = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class _Placed:
    """One detection on the page: its number, colour, outline and the place of its label."""

    number: int
    detection: Detection
    colour: str
    outline: _Rectangle


def overlay(result: AnalysisResult) -> Image.Image:
    """Return the page as an RGB image."""
    film = display(result.picture)
    heat = heated(film, result.heat_map)
    width = 2 * film.width + 3 * PAD
    text = _legend_lines(result, width - 2 * PAD)
    page = Image.new("RGB", (width, banner_height() + 2 * PAD + LINE + film.height + PAD + len(text) * LINE + PAD), PAGE)
    banner(page, result)
    top = banner_height() + PAD + LINE
    panel(page, film, (PAD, top), "Film as displayed, with marks")
    panel(
        page,
        heat,
        (2 * PAD + film.width, top),
        "EigenCAM, not finding-specific" if result.heat_map is not None else "No heat map exists for this film",
    )
    marks(page, result, (PAD, top), film.size)
    _legend(page, text, top + film.height + PAD)
    return page


def marks(page: Image.Image, result: AnalysisResult, corner: tuple[int, int], size: tuple[int, int]) -> None:
    """Outline and number the marks on a film that lies on the page."""
    draw = ImageDraw.Draw(page)
    scale = (size[0] / result.film.columns, size[1] / result.film.rows)
    placed = [
        _Placed(number, detection, colour(detection.finding), _on_page(detection.box, corner, scale))
        for number, detection in enumerate(in_table_order(result), start=1)
    ]
    for item in placed:
        draw.rectangle(item.outline, outline="black", width=4)
        draw.rectangle(_shrunk(item.outline), outline=item.colour, width=2)
    area = (corner[0], corner[1], corner[0] + size[0], corner[1] + size[1])
    _labels(draw, placed, area)


def _on_page(box: Box, corner: tuple[int, int], scale: tuple[float, float]) -> _Rectangle:
    x0, y0, x1, y1 = box.as_tuple()
    return (corner[0] + x0 * scale[0], corner[1] + y0 * scale[1], corner[0] + x1 * scale[0], corner[1] + y1 * scale[1])


def _shrunk(outline: _Rectangle) -> _Rectangle:
    """Move an outline one pixel inwards, where the rectangle has room for it."""
    x0, y0, x1, y1 = outline
    return (x0 + 1, y0 + 1, x1 - 1, y1 - 1) if x1 - x0 > 4 and y1 - y0 > 4 else outline


def _labels(draw: ImageDraw.ImageDraw, placed: Sequence[_Placed], area: _Rectangle) -> None:
    taken: list[_Rectangle] = [item.outline for item in placed]
    for item in placed:
        text, spot = _label(draw, item, area, taken)
        taken.append(spot)
        draw.rectangle(spot, fill=item.colour)
        draw.text((spot[0] + 5, spot[1] + 1), text, fill="black", font=font(15))


def _label(draw: ImageDraw.ImageDraw, item: _Placed, area: _Rectangle, taken: Sequence[_Rectangle]) -> tuple[str, _Rectangle]:
    """Return the longest label that has a free place, with that place; the number leads to the legend where there is no room for a name."""
    score = f"{item.detection.score:.2f}"
    short = f"{item.number}  {score}"
    for text in (f"{item.number}  {_short_name(item.detection.finding)}  {score}", short):
        spot = _free_spot(item.outline, draw.textlength(text, font=font(15)) + 10, area, taken)
        if spot is not None:
            return text, spot
    x, y = item.outline[0], max(item.outline[1] - _LABEL - 1, area[1])
    return short, (x, y, x + draw.textlength(short, font=font(15)) + 10, y + _LABEL)


def _short_name(finding_id: str) -> str:
    return finding(finding_id).name.split(" (")[0]


def _free_spot(outline: _Rectangle, width: float, area: _Rectangle, taken: Sequence[_Rectangle]) -> _Rectangle | None:
    """Return the first place around the outline that lies on the film and covers no box and no other label; None where there is none."""
    x0, y0, x1, y1 = outline
    corners = [
        (x0, y0 - _LABEL - 1),
        (x1 - width, y0 - _LABEL - 1),
        (x0, y1 + 1),
        (x1 - width, y1 + 1),
        (x1 + 1, y0),
        (x0 - width - 1, y0),
    ]
    corners += [(x1 + 1, y1 - _LABEL), (x0 - width - 1, y1 - _LABEL)]
    spots = [(x, y, x + width, y + _LABEL) for x, y in corners]
    inside = (spot for spot in spots if spot[0] >= area[0] and spot[1] >= area[1] and spot[2] <= area[2] and spot[3] <= area[3])
    return next((spot for spot in inside if not any(_overlap(spot, other) for other in taken)), None)


def _overlap(a: _Rectangle, b: _Rectangle) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _legend_lines(result: AnalysisResult, width: int) -> list[tuple[str, str]]:
    """Return (text, colour) lines: one a finding, then what was found, what was assumed, what it is not."""
    lines: list[tuple[str, str]] = []
    number = 1
    for row in all_findings():
        count = len(result.of(row))
        tint = colour(row.id) if count else QUIET
        first, *more = wrapped(_finding_line(result, row, number), width - PAD)
        lines += [(_SWATCH + first, tint), *((part, tint) for part in more)]
        number += count
    rest = [
        conclusion(result),
        *(f"Caution: {caution}." for caution in result.cautions),
        f"{result.heat_map_label}",
        score_note(result.settings),
        STATEMENT,
    ]
    return [*lines, ("", INK), *((part, INK) for text in rest for part in wrapped(text, width))]


def _finding_line(result: AnalysisResult, row: Finding, first: int) -> str:
    if not result.looked_for(row):
        return f"{row.name}: not analysed"
    found = result.of(row)
    point = result.settings.thresholds[row.id]
    if not found:
        return f"{row.name}: not marked (operating point {point:.2f})"
    scores = ", ".join(f"[{number}] {detection.score:.2f}" for number, detection in enumerate(found, start=first))
    return f"{row.name}: marked {scores} (operating point {point:.2f})"


def _legend(page: Image.Image, lines: Sequence[tuple[str, str]], top: int) -> None:
    draw = ImageDraw.Draw(page)
    for number, (text, tint) in enumerate(lines):
        y = top + number * LINE
        if text.startswith(_SWATCH):
            draw.rectangle((PAD, y + 3, PAD + 14, y + 17), outline=tint, fill=None if tint == QUIET else tint)
        left = PAD + 24 if text.startswith(_SWATCH) else PAD
        draw.text((left, y), text.removeprefix(_SWATCH), fill=tint if tint == QUIET else INK, font=font(16))
