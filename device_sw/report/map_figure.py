"""Draws the maps of every mark as one picture: the film with its numbered boxes, and beside it one block for each mark with one map for each method.

A map is drawn on the whole film with the box of its mark, so that a reader sees at once whether it lies there. Where there is no map, the reason stands
in its place. The words of each method stand below. The page has as many columns of blocks as keep it about as wide as a screen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

from device_sw.findings import finding
from device_sw.preprocessing.geometry import laid_on_film
from device_sw.report.content import NO_MARKS, STATEMENT
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
from device_sw.report.overlay import marks
from device_sw.types import ExplanationMethod

if TYPE_CHECKING:
    from collections.abc import Sequence

    from device_sw.report.content import AnalysisResult
    from device_sw.types import Detection, LesionMap

METHOD_NAMES = {
    ExplanationMethod.EIGENCAM: "EigenCAM",
    ExplanationMethod.GRAD_CAM: "Grad-CAM",
    ExplanationMethod.ABLATION_CAM: "AblationCAM",
    ExplanationMethod.SALIENCY: "Saliency",
}
"""The name of each method, as people know it."""

THUMB = (260, 420)
"""Longest side of the film behind one map, pixels: at least and at most; in between, so that all marks fit beside the film."""

_GAP = 8
_SWATCH = 24
"""Room for the square in the finding's colour before a title, pixels."""

_WIDE = 1.6
"""The page's aim: this many times as wide as high."""


@dataclass(frozen=True, slots=True)
class _Block:
    """One mark: its number, the mark, and its maps in the order of the methods."""

    number: int
    detection: Detection
    maps: tuple[LesionMap, ...]


def map_figure(result: AnalysisResult) -> Image.Image:
    """Return the page as an RGB image."""
    film = display(result.picture)
    blocks = _blocks(result)
    thumb = display(result.picture, _thumb(film.height, len(blocks)))
    titles = _titles(blocks, thumb)
    size = _block_size(thumb, blocks, titles)
    columns = _columns(len(blocks), size, film.size)
    rows = -(-len(blocks) // columns)
    width = 3 * PAD + film.width + max(columns * (size[0] + PAD), 0 if blocks else film.width // 2)
    words = _words(result, width - 2 * PAD)
    top = banner_height() + PAD + LINE
    body = max(film.height, rows * (size[1] + PAD))
    page = Image.new("RGB", (width, top + body + PAD + len(words) * LINE + PAD), PAGE)
    banner(page, result)
    panel(page, film, (PAD, top), "Film as displayed, with marks")
    marks(page, result, (PAD, top), film.size)
    for place, (block, title) in enumerate(zip(blocks, titles, strict=True)):
        row, column = divmod(place, columns)
        corner = (2 * PAD + film.width + column * (size[0] + PAD), top - LINE + row * (size[1] + PAD))
        _draw_block(page, block, title, corner)
        _draw_maps(page, block, thumb, (corner[0], corner[1] + size[1] - thumb.height - LINE), result)
    if not blocks:
        _lines(page, wrapped(NO_MARKS, film.width // 2), (2 * PAD + film.width, top))
    _lines(page, words, (PAD, top + body + PAD))
    return page


def _blocks(result: AnalysisResult) -> list[_Block]:
    """Return the marks that have maps or reasons, in the order in which every picture numbers them."""
    numbered = enumerate(in_table_order(result), start=1)
    every = [_Block(number, d, tuple(m for m in result.lesion_maps if m.detection == d)) for number, d in numbered]
    return [block for block in every if block.maps]


def _thumb(high: int, blocks: int) -> int:
    """Return the longest side of the film behind one map.

    >>> _thumb(900, 1), _thumb(900, 2), _thumb(900, 20)
    (420, 382, 260)
    """
    return min(max(high // max(blocks, 1) - 2 * LINE - PAD, THUMB[0]), THUMB[1])


def _titles(blocks: Sequence[_Block], thumb: Image.Image) -> list[list[str]]:
    """Return the title of each block, broken into lines as wide as the block, all of as many lines as the longest."""
    room = max(_across(thumb, blocks), thumb.width) - _SWATCH
    lines = [wrapped(f"[{one.number}] {finding(one.detection.finding).name}, {one.detection.score:.2f}", room) for one in blocks]
    most = max((len(each) for each in lines), default=1)
    return [[*each, *[""] * (most - len(each))] for each in lines]


def _across(thumb: Image.Image, blocks: Sequence[_Block]) -> int:
    count = max((len(block.maps) for block in blocks), default=1)
    return count * thumb.width + (count - 1) * _GAP


def _block_size(thumb: Image.Image, blocks: Sequence[_Block], titles: Sequence[Sequence[str]]) -> tuple[int, int]:
    """Return width and height of every block: its title, a line with the method's name above each map, and the maps."""
    return (_across(thumb, blocks), (max((len(title) for title in titles), default=1) + 1) * LINE + thumb.height)


def _columns(blocks: int, size: tuple[int, int], film: tuple[int, int]) -> int:
    """Return the number of columns of blocks with which the page comes nearest to its aim.

    >>> _columns(1, (800, 310), (900, 900)), _columns(20, (800, 310), (900, 900))
    (1, 3)
    """

    def off(columns: int) -> float:
        high = max(film[1], -(-blocks // columns) * (size[1] + PAD))
        return abs((film[0] + columns * (size[0] + PAD)) / high - _WIDE)

    return min(range(1, max(blocks, 1) + 1), key=off)


def _draw_block(page: Image.Image, block: _Block, title: Sequence[str], corner: tuple[int, int]) -> None:
    """Draw the title of a block beside its finding's colour."""
    tint = colour(block.detection.finding)
    ImageDraw.Draw(page).rectangle((corner[0], corner[1] + 3, corner[0] + 14, corner[1] + 17), fill=tint)
    _lines(page, title, (corner[0] + _SWATCH, corner[1]))


def _draw_maps(page: Image.Image, block: _Block, thumb: Image.Image, corner: tuple[int, int], result: AnalysisResult) -> None:
    """Draw the maps of a block side by side, the method's name above each."""
    draw = ImageDraw.Draw(page)
    for number, lesion_map in enumerate(block.maps):
        left = corner[0] + number * (thumb.width + _GAP)
        draw.text((left, corner[1]), METHOD_NAMES[lesion_map.method], fill=QUIET, font=font(15))
        page.paste(_drawn(lesion_map, thumb, result), (left, corner[1] + LINE))


def _drawn(lesion_map: LesionMap, thumb: Image.Image, result: AnalysisResult) -> Image.Image:
    """Return the map over the film with the box of its mark, or the darkened film with the reason why there is none."""
    film = result.film
    picture = heated(thumb, None)
    if lesion_map.grid is not None and lesion_map.place is not None:
        rows_columns = (thumb.height, thumb.width)
        values = laid_on_film(lesion_map.grid, lesion_map.place, film.rows, film.columns, rows_columns)
        picture = heated(thumb, values, brightness=0.55, cover=0.85)
    x0, y0, x1, y1 = lesion_map.detection.box.as_tuple()
    across, down = thumb.width / film.columns, thumb.height / film.rows
    outline = (x0 * across, y0 * down, max(x1 * across - 1, x0 * across), max(y1 * down - 1, y0 * down))
    ImageDraw.Draw(picture).rectangle(outline, outline=colour(lesion_map.detection.finding), width=1)
    if lesion_map.reason is not None:
        _lines(picture, wrapped(f"No map: {lesion_map.reason}.", thumb.width - 2 * _GAP), (_GAP, _GAP))
    return picture


def _words(result: AnalysisResult, width: int) -> list[str]:
    labels = dict.fromkeys(lesion_map.label for lesion_map in result.lesion_maps)
    scale = "Each map is scaled to its own largest value: two maps cannot be compared in strength." if labels else ""
    return [line for text in (*labels, scale, STATEMENT) if text for line in wrapped(text, width)]


def _lines(page: Image.Image, lines: Sequence[str], corner: tuple[int, int]) -> None:
    draw = ImageDraw.Draw(page)
    for number, line in enumerate(lines):
        draw.text((corner[0], corner[1] + number * LINE), line, fill=INK, font=font(16))
