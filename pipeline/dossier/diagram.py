"""Draws the structure of the code from its real imports, so that the pictures of the architecture cannot be out of date: the parts of the device, and the packages of the repository.

The order is that of the layers of the import contracts in pyproject.toml; every dot is an import found in the code. The drawing is plain SVG, without times or random ids, so equal code gives equal bytes.

Source: IEC 62304 5.3.1 (structure and interfaces of the software).
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

import grimp

from pipeline.dossier.tables import table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

TOP, LEFT, RIGHT = 6, 54, 30
"""Margins; the one at the left holds the numbers of the layers."""

LETTER, FITS, COLUMN = 7.6, 16, 800
"""Width of a letter at the size of the labels, at most; letters that a box holds; width of a page's column, within which a chart is shown at its size."""

Edges = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Structure:
    """Parts in layers, top layer first, and who imports whom."""

    layers: tuple[tuple[str, ...], ...]
    imports: Edges

    def parts(self) -> tuple[str, ...]:
        """Return every part, top layer first."""
        return tuple(part for layer in self.layers for part in layer)


def device_structure(root: Path) -> Structure:
    """Return the parts of the device by the layers of the import contract, with the imports found in the code."""
    layers = contract_layers(root, "inside the device")
    graph = grimp.build_graph("device_sw", exclude_type_checking_imports=True, cache_dir=None)
    return Structure(layers, imports_between(graph, "device_sw", [part for layer in layers for part in layer]))


def repository_structure(root: Path) -> Structure:
    """Return the packages of the repository by the layers of the import contract, with the imports found in the code."""
    layers = contract_layers(root, "packages point one way")
    packages = [package for layer in layers for package in layer]
    graph = grimp.build_graph(*packages, exclude_type_checking_imports=True, cache_dir=None)
    found = {
        (module.split(".")[0], imported.split(".")[0])
        for module in graph.modules
        for imported in graph.find_modules_directly_imported_by(module)
    }
    return Structure(layers, frozenset((source, end) for source, end in found if source != end))


def contract_layers(root: Path, name: str) -> tuple[tuple[str, ...], ...]:
    """Return the layers of one import contract, top first."""
    contracts = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    rows = next(contract["layers"] for contract in contracts if contract["name"] == name)
    return tuple(tuple(part.strip() for part in row.split("|")) for row in rows)


def imports_between(graph: grimp.ImportGraph, package: str, parts: Iterable[str]) -> Edges:
    """Return the direct imports between parts of a package, submodules counted with their part."""
    owner = {module: module.split(".")[1] for module in graph.modules if module.startswith(f"{package}.")}
    known = set(parts)
    return frozenset(
        (owner[module], owner[imported])
        for module in owner
        for imported in graph.find_modules_directly_imported_by(module)
        if imported in owner and owner[module] != owner[imported] and {owner[module], owner[imported]} <= known
    )


@dataclass(frozen=True, slots=True)
class _Grid:
    """Where things lie: the cells of the chart and the boxes in those of the diagonal; with names beside the chart, boxes hold numbers.

    Attributes:
        left: where the cells begin.
        cell: width and height of a cell.
        box: width and height of a box.
    """

    left: int
    cell: tuple[int, int]
    box: tuple[int, int]

    def centre(self, index: int) -> tuple[float, float]:
        """Return the middle of the cell on the diagonal.

        >>> _Grid(54, (68, 42), (104, 28)).centre(0)
        (88.0, 27.0)
        """
        return self.left + self.cell[0] * (index + 0.5), TOP + self.cell[1] * (index + 0.5)

    def size(self, parts: int) -> tuple[int, int]:
        """Return width and height of a chart of so many parts."""
        return self.left + self.cell[0] * parts + RIGHT, self.cell[1] * parts + 2 * TOP

    def is_shown_at_its_size(self, parts: int) -> bool:
        """Say whether a chart of so many parts fits into a page's column."""
        return self.size(parts)[0] <= COLUMN


NAMED = _Grid(LEFT, (68, 42), (104, 28))
"""Names stand in the boxes."""


def _grid_for(parts: Sequence[str]) -> _Grid:
    """Return the grid with names in boxes, where they fit there and the chart into a page's column; else one with names beside it, narrow if need be."""
    longest = max(map(len, parts))
    if longest <= FITS and NAMED.is_shown_at_its_size(len(parts)):
        return NAMED
    left = LEFT + round(LETTER * longest) + 12
    wide = _Grid(left, (26, 26), (24, 20))
    return wide if wide.is_shown_at_its_size(len(parts)) else _Grid(left, (20, 20), (18, 16))


def draw(structure: Structure) -> str:
    """Return the structure as an N² chart in SVG: parts on the diagonal, a dot where the part of the row imports the part of the column.

    Every dot above the diagonal looks down the layers; a dot below it would be an import in the wrong direction, and is drawn in red. Where names are too long
    for their boxes, or too many for a page's column, they stand at the left of their rows, and boxes hold numbers.
    """
    parts = structure.parts()
    grid = _grid_for(parts)
    beside = grid != NAMED
    place = {part: index for index, part in enumerate(parts)}
    width, height = grid.size(len(parts))
    edges = [(place[source], place[end]) for source, end in sorted(structure.imports)]
    drawn = [*_bands(structure, grid), *(_way(grid, *edge) for edge in edges), *(_dot(grid, *edge) for edge in edges)]
    drawn += [_box(grid, str(index + 1) if beside else part, index) for part, index in place.items()]
    drawn += [_name(grid, part, index) for part, index in place.items()] if beside else []
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="13">'
    return "\n".join([head, f'<rect width="{width}" height="{height}" fill="#ffffff"/>', *drawn, "</svg>"]) + "\n"


def _bands(structure: Structure, grid: _Grid) -> list[str]:
    """Return a stripe behind every second layer, with the layer's number at the left."""
    drawn, row = [], 0
    width, _ = grid.size(len(structure.parts()))
    for number, layer in enumerate(structure.layers, start=1):
        top, height = TOP + row * grid.cell[1], grid.cell[1] * len(layer)
        fill = "#f1f5f7" if number % 2 else "#ffffff"
        drawn.append(f'<rect x="0" y="{top}" width="{width}" height="{height}" fill="{fill}"/>')
        drawn.append(f'<text x="14" y="{top + height / 2 + 5:.1f}" text-anchor="middle" fill="#5c7480">{number}</text>')
        row += len(layer)
    return drawn


def _way(grid: _Grid, source: int, end: int) -> str:
    """Return the thin lines from an importing part to the dot, and from there to the imported part."""
    (x0, y0), (x1, y1) = grid.centre(source), grid.centre(end)
    return f'<path d="M{x0:.1f} {y0:.1f} H{x1:.1f} V{y1:.1f}" stroke="#9db8c4" stroke-width="1" fill="none"/>'


def _dot(grid: _Grid, source: int, end: int) -> str:
    colour = "#0b5c7a" if end > source else "#c01818"
    return f'<circle cx="{grid.centre(end)[0]:.1f}" cy="{grid.centre(source)[1]:.1f}" r="5.5" fill="{colour}"/>'


def _box(grid: _Grid, label: str, index: int) -> str:
    x, y = grid.centre(index)
    width, height = grid.box
    left, top = x - width / 2, y - height / 2
    box = f'<rect x="{left:.1f}" y="{top:.1f}" width="{width}" height="{height}" rx="5" fill="#dcecf3" stroke="#0b5c7a" stroke-width="1.4"/>'
    return f'{box}<text x="{x:.1f}" y="{y + 4.5:.1f}" text-anchor="middle" fill="#102a35">{escape(label)}</text>'


def _name(grid: _Grid, part: str, index: int) -> str:
    y = grid.centre(index)[1]
    return f'<text x="{grid.left - 10}" y="{y + 4.5:.1f}" text-anchor="end" fill="#102a35">{escape(part)}</text>'


def import_table(structure: Structure) -> str:
    """Return all imports: one row a part, what it imports and what imports it."""
    rows = []
    for part in structure.parts():
        used = sorted(end for source, end in structure.imports if source == part)
        users = sorted(source for source, end in structure.imports if end == part)
        rows.append([f"`{part}`", ", ".join(f"`{name}`" for name in used), ", ".join(f"`{name}`" for name in users)])
    return table(["Part", "imports", "is imported by"], rows, widths=[20, 42, 38])


def looks_upwards(structure: Structure) -> list[tuple[str, str]]:
    """Return imports from a lower layer to a higher one; the import contract allows none.

    >>> looks_upwards(Structure((("a",), ("b",)), frozenset({("b", "a")})))
    [('b', 'a')]
    """
    rows = {part: index for index, layer in enumerate(structure.layers) for part in layer}
    return sorted((source, end) for source, end in structure.imports if rows[source] >= rows[end])
