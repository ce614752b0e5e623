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
    from collections.abc import Iterable
    from pathlib import Path

CELL_WIDTH, CELL_HEIGHT, BOX_WIDTH, BOX_HEIGHT, LEFT = 68, 42, 104, 28, 54
LETTER, FITS, NARROW = 7.6, 16, 36
"""Width of a letter at the size of the labels, at most; letters that a box holds; width of a cell whose box holds a number."""

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
    """Where things lie: the middle of a part's cell, and how wide its box is; with names beside the chart, boxes hold numbers.

    >>> _Grid(left=54, cell=68, box=104).centre(0)
    (88.0, 27.0)
    """

    left: int
    cell: int
    box: int

    def centre(self, index: int) -> tuple[float, float]:
        """Return the middle of the cell on the diagonal."""
        return self.left + self.cell * (index + 0.5), 6 + CELL_HEIGHT * (index + 0.5)


def draw(structure: Structure) -> str:
    """Return the structure as an N² chart in SVG: parts on the diagonal, a dot where the part of the row imports the part of the column.

    Every dot above the diagonal looks down the layers; a dot below it would be an import in the wrong direction, and is drawn in red. Long names stand at the left of
    their row, and boxes hold numbers.
    """
    parts = structure.parts()
    longest = max(map(len, parts))
    beside = longest > FITS
    grid = _Grid(LEFT + round(LETTER * longest) + 12, NARROW, NARROW - 4) if beside else _Grid(LEFT, CELL_WIDTH, BOX_WIDTH)
    place = {part: index for index, part in enumerate(parts)}
    width, height = grid.left + grid.cell * len(parts) + 30, CELL_HEIGHT * len(parts) + 12
    edges = [(place[source], place[end]) for source, end in sorted(structure.imports)]
    drawn = [*_bands(structure, width), *(_way(grid, *edge) for edge in edges), *(_dot(grid, *edge) for edge in edges)]
    drawn += [_box(grid, str(index + 1) if beside else part, index) for part, index in place.items()]
    drawn += [_name(grid, part, index) for part, index in place.items()] if beside else []
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="13">'
    return "\n".join([head, f'<rect width="{width}" height="{height}" fill="#ffffff"/>', *drawn, "</svg>"]) + "\n"


def _bands(structure: Structure, width: int) -> list[str]:
    """Return a stripe behind every second layer, with the layer's number at the left."""
    drawn, row = [], 0
    for number, layer in enumerate(structure.layers, start=1):
        top, height = 6 + row * CELL_HEIGHT, CELL_HEIGHT * len(layer)
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
    left, top = x - grid.box / 2, y - BOX_HEIGHT / 2
    box = f'<rect x="{left:.1f}" y="{top:.1f}" width="{grid.box}" height="{BOX_HEIGHT}" rx="5" fill="#dcecf3" stroke="#0b5c7a" stroke-width="1.4"/>'
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
