"""Draws the data flow of the threat model: elements in columns, flows as numbered arrows, and the border of the site's machine as a dashed line.

Sources and sinks are boxes, processes have round ends, stores are open at the right, as data-flow diagrams have them. The drawing is plain SVG without times or
random ids, so an equal model gives equal bytes.

Source: FDA cybersecurity guidance 2026 V.B.2 (global system view); data-flow diagrams as Gane and Sarson draw them.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.dossier.threats import Element, Flow, ThreatModel

BOX_WIDTH, BOX_HEIGHT, GAP, ROW, TOP, LEFT = 178, 66, 96, 116, 44, 14
LETTERS = 24
"""Of a line of text in a box."""

FIRST_INSIDE, LAST_INSIDE = 2, 4
"""The columns that lie on the site's machine."""

Place = tuple[float, float]


def draw(model: ThreatModel) -> str:
    """Return the drawing."""
    places = _places(model.elements)
    rows = max(sum(1 for element in model.elements if element.column == column) for column in range(1, 6))
    width, height = LEFT * 2 + 5 * BOX_WIDTH + 4 * GAP, TOP + rows * ROW
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="13">'
    arrows = [_arrow(flow, places, index) for index, flow in enumerate(model.flows)]
    boxes = [_box(element, places[element.id]) for element in model.elements]
    return (
        "\n".join(
            [
                head,
                f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
                _MARKERS,
                _border(height),
                *arrows,
                *boxes,
                "</svg>",
            ]
        )
        + "\n"
    )


_MARKERS = "".join(
    f'<marker id="{name}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path d="M0 0 L10 5 L0 10 z" fill="{fill}"/></marker>'
    for name, fill in (("inside", "#5c7480"), ("over", "#a11212"))
)
_MARKERS = f"<defs>{_MARKERS}</defs>"


def _left(column: int) -> float:
    return LEFT + (column - 1) * (BOX_WIDTH + GAP)


def _places(elements: Sequence[Element]) -> dict[str, Place]:
    """Return the upper left corner of each element; columns are filled from the top in the order of the model."""
    filled = dict.fromkeys(range(1, 6), 0)
    places = {}
    for element in elements:
        places[element.id] = (_left(element.column), TOP + filled[element.column] * ROW + (ROW - BOX_HEIGHT) / 2)
        filled[element.column] += 1
    return places


def _border(height: int) -> str:
    left, right = _left(FIRST_INSIDE) - GAP * 0.36, _left(LAST_INSIDE) + BOX_WIDTH + GAP * 0.36
    box = f'<rect x="{left:.1f}" y="12" width="{right - left:.1f}" height="{height - 20}" rx="8" fill="#f6f9fa" stroke="#a11212" stroke-width="1.6" stroke-dasharray="7 5"/>'
    return f'{box}<text x="{left + 12:.1f}" y="32" fill="#a11212">Machine of the site: one account, no connection opened</text>'


def _box(element: Element, place: Place) -> str:
    x, y = place
    lines = textwrap.wrap(f"{element.id} {element.title}", LETTERS)
    fill, stroke = ("#ffffff", "#5c7480") if element.kind == "outside" else ("#dcecf3", "#0b5c7a")
    middle = y + BOX_HEIGHT / 2 - (len(lines) - 1) * 7.5 + 4.5
    words = "".join(
        f'<text x="{x + BOX_WIDTH / 2:.1f}" y="{middle + 15 * number:.1f}" text-anchor="middle" fill="#102a35">{escape(line)}</text>'
        for number, line in enumerate(lines)
    )
    if element.kind in {"store", "log"}:
        edge = f'<path d="M{x + BOX_WIDTH:.1f} {y:.1f} H{x:.1f} V{y + BOX_HEIGHT:.1f} H{x + BOX_WIDTH:.1f}" fill="none" stroke="{stroke}" stroke-width="1.6"/>'
        return f'<rect x="{x:.1f}" y="{y:.1f}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" fill="#eef3e6"/>{edge}{words}'
    round_ends = BOX_HEIGHT / 2 if element.kind == "process" else 2
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="{round_ends}" fill="{fill}" stroke="{stroke}" stroke-width="1.6"/>{words}'


def _arrow(flow: Flow, places: dict[str, Place], index: int) -> str:
    start, end = places[flow.source], places[flow.end]
    path, middle = _way(start, end, index)
    colour, marker = ("#a11212", "over") if flow.crosses else ("#5c7480", "inside")
    line = f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.5" marker-end="url(#{marker})"/>'
    x, y = middle
    badge = f'<rect x="{x - 17:.1f}" y="{y - 9:.1f}" width="34" height="18" rx="9" fill="#ffffff" stroke="{colour}"/>'
    return f'{line}{badge}<text x="{x:.1f}" y="{y + 4:.1f}" text-anchor="middle" font-size="11" fill="{colour}">{escape(flow.id)}</text>'


_PARTS = (0.3, 0.68, 0.42, 0.56)
"""How far along a curve its number stands, in turn, so that numbers of neighbouring curves do not cover each other."""


def _along(x: tuple[float, float], y: tuple[float, float], part: float) -> Place:
    """Return the point of a curve between two level ends (cubic Bezier with both controls in the middle) after a part of its way.

    >>> _along((0.0, 100.0), (0.0, 50.0), 0.5)
    (50.0, 25.0)
    """
    rest = 1 - part
    far = 3 * rest * part**2 + part**3
    return x[0] + (x[1] - x[0]) * (1.5 * rest**2 * part + 1.5 * rest * part**2 + part**3), y[0] + (y[1] - y[0]) * far


def _way(start: Place, end: Place, index: int) -> tuple[str, Place]:
    """Return the path of an arrow and where its number stands: straight down, one gap over, or between rows past a column."""
    shift = (index % 5 - 2) * 7.0
    if start[0] == end[0]:
        x = start[0] + BOX_WIDTH / 2
        y0, y1 = (start[1] + BOX_HEIGHT, end[1]) if end[1] > start[1] else (start[1], end[1] + BOX_HEIGHT)
        return f"M{x:.1f} {y0:.1f} V{y1:.1f}", (x, (y0 + y1) / 2)
    x0, y0 = start[0] + BOX_WIDTH, start[1] + BOX_HEIGHT / 2 + shift
    x1, y1 = end[0], end[1] + BOX_HEIGHT / 2 + shift
    if x1 - x0 <= GAP + 1:
        bend = (x0 + x1) / 2
        path = f"M{x0:.1f} {y0:.1f} C{bend:.1f} {y0:.1f} {bend:.1f} {y1:.1f} {x1:.1f} {y1:.1f}"
        return path, _along((x0, x1), (y0, y1), 0.5 if abs(y1 - y0) < 1 else _PARTS[index % len(_PARTS)])
    between = start[1] - (ROW - BOX_HEIGHT) / 2
    out = f"M{x0:.1f} {y0:.1f} C{x0 + GAP / 2:.1f} {y0:.1f} {x0 + GAP / 2:.1f} {between:.1f} {x0 + GAP:.1f} {between:.1f}"
    back = f"H{x1 - GAP:.1f} C{x1 - GAP / 2:.1f} {between:.1f} {x1 - GAP / 2:.1f} {y1:.1f} {x1:.1f} {y1:.1f}"
    return f"{out} {back}", ((x0 + x1) / 2, between)
