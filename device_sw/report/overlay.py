"""Draws the result of one film as a picture: the film as displayed with labelled outlines, and beside it the heat map over the same film.

Only outlines are drawn on the film, and every label lies outside its box, so that a reader sees what was marked. The film keeps its proportions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from device_sw.findings import all_findings, finding
from device_sw.report.content import STATEMENT, conclusion, mark, score_note, training_note

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from device_sw.findings import Finding
    from device_sw.report.content import AnalysisResult
    from device_sw.types import Box, Detection

PANEL = 900
"""Longest side of a film on the page, pixels."""

_COLOURS = ("#e69f00", "#56b4e9", "#f0e442", "#cc79a7", "#00c08b", "#ff6f3c", "#b5a7ff")
"""One colour a finding, in table order; the Okabe-Ito set made light enough for a dark film."""

_INK, _QUIET, _PAGE, _BANNER, _RESEARCH = "#f2f2f2", "#9aa0a6", "#16181b", "#2a2d31", "#b3261e"
_PAD, _LINE, _LABEL = 20, 24, 18
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
    film = _display(result.picture)
    heat = _heated(film, result.heat_map)
    width = 2 * film.width + 3 * _PAD
    text = _legend_lines(result, width - 2 * _PAD)
    page = Image.new("RGB", (width, _banner_height() + 2 * _PAD + _LINE + film.height + _PAD + len(text) * _LINE + _PAD), _PAGE)
    _banner(page, result)
    top = _banner_height() + _PAD + _LINE
    _panel(page, film, (_PAD, top), "Film as displayed, with marks")
    _panel(
        page,
        heat,
        (2 * _PAD + film.width, top),
        "EigenCAM, not finding-specific" if result.heat_map is not None else "No heat map exists for this film",
    )
    _marks(page, result, (_PAD, top), film.size)
    _legend(page, text, top + film.height + _PAD)
    return page


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _display(pixels: NDArray[np.float32]) -> Image.Image:
    rows, columns = pixels.shape
    scale = PANEL / max(rows, columns)
    film = Image.fromarray(np.round(pixels * 255.0).astype(np.uint8), mode="L")
    return film.resize((max(1, round(columns * scale)), max(1, round(rows * scale))), Image.Resampling.LANCZOS).convert("RGB")


def _heated(film: Image.Image, heat: NDArray[np.float32] | None) -> Image.Image:
    """Lay the heat map over the darkened film, from transparent (below a quarter) through amber to red (1); without a map the film alone, dark."""
    base = np.asarray(film, dtype=np.float32)
    if heat is None:
        return Image.fromarray((base * 0.35).astype(np.uint8))
    sized = np.asarray(Image.fromarray(heat, mode="F").resize(film.size, Image.Resampling.BILINEAR), dtype=np.float32)
    strength = np.clip((sized - 0.25) / 0.75, 0.0, 1.0)[..., None]
    colour = np.concatenate([np.full_like(strength, 255.0), 200.0 * (1.0 - strength), np.zeros_like(strength)], axis=2)
    opacity = 0.55 * strength
    return Image.fromarray(np.round(0.8 * base * (1.0 - opacity) + colour * opacity).astype(np.uint8))


def _banner_height() -> int:
    return 2 * _LINE + _PAD


def _banner(page: Image.Image, result: AnalysisResult) -> None:
    draw = ImageDraw.Draw(page)
    words = mark(result.policy)
    draw.rectangle((0, 0, page.width, _banner_height()), fill=_RESEARCH if words else _BANNER)
    head = f"{words} - NOT FOR CLINICAL USE" if words else "NOT FOR CLINICAL USE"
    draw.text((_PAD, 10), head, fill=_INK, font=_font(26))
    settings = result.settings
    made = f"ThoraTrace {result.device_version}, model {settings.model_version}, bundle {result.bundle_sha256[:12]}, film {result.film.content_sha256[:12]}"
    draw.text((_PAD, 14 + _LINE + 4), f"{made}. {training_note(settings)}", fill=_INK, font=_font(15))


def _panel(page: Image.Image, picture: Image.Image, corner: tuple[int, int], title: str) -> None:
    ImageDraw.Draw(page).text((corner[0], corner[1] - _LINE), title, fill=_QUIET, font=_font(16))
    page.paste(picture, corner)


def _colour(finding_id: str) -> str:
    return _COLOURS[[row.id for row in all_findings()].index(finding_id) % len(_COLOURS)]  # type: ignore[arg-type]


def _marks(page: Image.Image, result: AnalysisResult, corner: tuple[int, int], size: tuple[int, int]) -> None:
    draw = ImageDraw.Draw(page)
    scale = (size[0] / result.film.columns, size[1] / result.film.rows)
    placed = [
        _Placed(number, detection, _colour(detection.finding), _on_page(detection.box, corner, scale))
        for number, detection in enumerate(_in_table_order(result), start=1)
    ]
    for item in placed:
        draw.rectangle(item.outline, outline="black", width=4)
        draw.rectangle(_shrunk(item.outline), outline=item.colour, width=2)
    area = (corner[0], corner[1], corner[0] + size[0], corner[1] + size[1])
    _labels(draw, placed, area)


def _in_table_order(result: AnalysisResult) -> list[Detection]:
    return [detection for row in all_findings() for detection in result.of(row)]


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
        draw.text((spot[0] + 5, spot[1] + 1), text, fill="black", font=_font(15))


def _label(draw: ImageDraw.ImageDraw, item: _Placed, area: _Rectangle, taken: Sequence[_Rectangle]) -> tuple[str, _Rectangle]:
    """Return the longest label that has a free place, with that place; the number leads to the legend where there is no room for a name."""
    score = f"{item.detection.score:.2f}"
    short = f"{item.number}  {score}"
    for text in (f"{item.number}  {_short_name(item.detection.finding)}  {score}", short):
        spot = _free_spot(item.outline, draw.textlength(text, font=_font(15)) + 10, area, taken)
        if spot is not None:
            return text, spot
    x, y = item.outline[0], max(item.outline[1] - _LABEL - 1, area[1])
    return short, (x, y, x + draw.textlength(short, font=_font(15)) + 10, y + _LABEL)


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
        colour = _colour(row.id) if count else _QUIET
        first, *more = _wrapped(_finding_line(result, row, number), width - _PAD)
        lines += [(_SWATCH + first, colour), *((part, colour) for part in more)]
        number += count
    rest = [
        conclusion(result),
        *(f"Caution: {caution}." for caution in result.cautions),
        f"{result.heat_map_label}",
        score_note(result.settings),
        STATEMENT,
    ]
    return [*lines, ("", _INK), *((part, _INK) for text in rest for part in _wrapped(text, width))]


def _finding_line(result: AnalysisResult, row: Finding, first: int) -> str:
    if not result.looked_for(row):
        return f"{row.name}: not analysed"
    found = result.of(row)
    point = result.settings.thresholds[row.id]
    if not found:
        return f"{row.name}: not marked (operating point {point:.2f})"
    scores = ", ".join(f"[{number}] {detection.score:.2f}" for number, detection in enumerate(found, start=first))
    return f"{row.name}: marked {scores} (operating point {point:.2f})"


def _wrapped(text: str, width: int) -> list[str]:
    font, lines = _font(16), [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _legend(page: Image.Image, lines: Sequence[tuple[str, str]], top: int) -> None:
    draw = ImageDraw.Draw(page)
    for number, (text, colour) in enumerate(lines):
        y = top + number * _LINE
        if text.startswith(_SWATCH):
            draw.rectangle((_PAD, y + 3, _PAD + 14, y + 17), outline=colour, fill=None if colour == _QUIET else colour)
        left = _PAD + 24 if text.startswith(_SWATCH) else _PAD
        draw.text((left, y), text.removeprefix(_SWATCH), fill=colour if colour == _QUIET else _INK, font=_font(16))
