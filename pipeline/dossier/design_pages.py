"""The detailed design, read from the code: every unit of the device with what it offers, under which rule, from which source, one page a software item.

A unit is a Python module (``dossier.design_units``). A module that no software item holds stops the build, as does one without a docstring.

Source: IEC 62304 5.4.1 to 5.4.3 (units, detailed design of units and interfaces); FDA software guidance VI.F.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

import grimp

from pipeline.dossier import diagram
from pipeline.dossier.design_units import Kind, Offer, Unit, read_unit
from pipeline.dossier.docstring_text import docstring_text
from pipeline.dossier.tables import link, links, plain, table
from pipeline.file_error import FileError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from requirements_spec.model import SoftwareItem, Specification

DEVICE = "device_sw"
FOLDER = "design"
SHORTEST_DRAWING = 3
"""Units of an item from which on a drawing of their imports says more than a list."""


@dataclass(frozen=True, slots=True)
class ItemDesign:
    """The units of one software item, with the imports between them and those that lead out of it."""

    item: SoftwareItem
    units: tuple[Unit, ...]
    structure: diagram.Structure

    @property
    def page(self) -> str:
        """The page's name: ``design/dicom`` of SWI-DICOM."""
        return f"{FOLDER}/{self.item.id.removeprefix('SWI-').lower()}"


def designs(root: Path, specification: Specification) -> tuple[ItemDesign, ...]:
    """Return the design of each software item, in the order of the specification.

    Raises:
        FileError: FILE-CONTENT, a module belongs to no item or has no docstring.
    """
    units = dict(_units(root))
    graph = grimp.build_graph(DEVICE, exclude_type_checking_imports=True, cache_dir=None)
    found, owned = [], set()
    for item in specification.items:
        names = [name for name in units if any(name == owner or name.startswith(f"{owner}.") for owner in item.modules)]
        owned.update(names)
        found.append(ItemDesign(item, tuple(units[name] for name in names), _structure(graph, names)))
    if homeless := sorted(units.keys() - owned):
        repair = "name it in requirements_spec/data/architecture.toml"
        raise FileError("FILE-CONTENT", f"{homeless[0]}", "a module of no software item", "each module in one item", repair)
    return tuple(found)


def _units(root: Path) -> Iterator[tuple[str, Unit]]:
    """Yield every module that says or offers something, by dotted name."""
    for path in sorted((root / DEVICE).rglob("*.py")):
        name = path.relative_to(root).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__")
        unit = read_unit(path, name)
        if unit.docstring or unit.offers:
            yield name, unit


def _structure(graph: grimp.ImportGraph, names: Sequence[str]) -> diagram.Structure:
    """Return the imports among the units of an item, importing units above imported ones."""
    inside = {
        (name, imported)
        for name in names
        for imported in graph.find_modules_directly_imported_by(name)
        if imported in names and imported != name
    }
    return diagram.Structure(tuple((name,) for name in _downwards(names, inside)), frozenset(inside))


def _downwards(names: Sequence[str], edges: set[tuple[str, str]]) -> list[str]:
    """Return the names so that each stands above what it imports; ties by name, and a circle by name too.

    >>> _downwards(["a", "b", "c"], {("c", "a"), ("a", "b")})
    ['c', 'a', 'b']
    """
    left, order = sorted(names), []
    while left:
        free = [name for name in left if not any((user, name) in edges for user in left if user != name)]
        first = (free or left)[0]
        order.append(first)
        left.remove(first)
    return order


def index_page(found: Sequence[ItemDesign]) -> str:
    """Return the page that leads to the others: items with their units counted, requirements, and what is not on paper."""
    rows = [
        [link(each.item.id), f"[{plain(each.item.title)}]({each.page.removeprefix(f'{FOLDER}/')}.md)", str(len(each.units))]
        for each in found
    ]
    pages = "\n".join(f"{plain(each.item.title)} <{each.page.removeprefix(f'{FOLDER}/')}>" for each in found)
    return _INDEX.format(
        count=sum(len(each.units) for each in found),
        table=table(["Software item", "Detailed design", "Units"], rows, widths=[30, 55, 15]),
        pages=pages,
    )


def item_page(design: ItemDesign, specification: Specification) -> str:
    """Return the page of one software item."""
    item = design.item
    asked = [row.id for row in specification.requirements if row.item == item.id]
    head = [
        f"# Detailed design: {plain(item.title)}",
        "*Evidence for:* IEC 62304 5.4.1 to 5.4.4; FDA software guidance VI.F.",
        f"{link(item.id)}: {plain(item.purpose)}",
        f"Requirements of this item: {links(asked)}.",
    ]
    drawn = [_drawing(design)] if len(design.units) >= SHORTEST_DRAWING else []
    return "\n\n".join([*head, *drawn, *(_unit(unit) for unit in design.units)]) + "\n"


def drawing_name(design: ItemDesign) -> str:
    """Return the file name of the drawing of an item's units."""
    return f"units-{design.item.id.lower()}.svg"


def _drawing(design: ItemDesign) -> str:
    return (
        f"```{{figure}} /figures/{drawing_name(design)}\n:alt: N-squared chart of the units of {design.item.id} and their imports\n"
        f":width: 100%\n\nImports between the units of this item, from the code of this build; a dot in the row of the importing unit.\n```"
    )


def _unit(unit: Unit) -> str:
    return "\n\n".join([f"## `{unit.name}`", docstring_text(unit.docstring), *(_offer(each) for each in unit.offers)]).rstrip()


def _offer(offer: Offer) -> str:
    fields = ", ".join(f"`{each.signature}`" for each in offer.members if each.kind is Kind.FIELD)
    parts = [f"**`{offer.signature}`**"]
    parts += [docstring_text(offer.docstring)] if offer.docstring else []
    parts += [f"*Fields:* {fields}"] if fields else []
    methods = (each for each in offer.members if each.kind is Kind.FUNCTION and each.docstring)
    parts += [f"*`{each.signature}`*\n\n{docstring_text(each.docstring)}" for each in methods]
    return "\n\n".join(parts)


_INDEX = """# Detailed design

*Evidence for:* IEC 62304 5.4.1 to 5.4.4; FDA software guidance VI.F; ISO 13485 7.3.4.

The design of each of the {count} software units of the device, read from the syntax tree of the code of this build: what it offers, under which rule, with which errors and from which
source. Names that begin with an underscore belong to their unit alone, and are read in the code. A unit without a description, or one that no software item holds, stops the build of this file.

{table}

Whether the design implements the requirements is shown by the scenarios of each requirement ([verification](../verification.md)) and by seeded defects ([traceability](../traceability.md)). A review of the
design against the requirements by people (IEC 62304 5.4.4) has not taken place: [GAP-017](#gap-017).

```{{toctree}}
:hidden:

{pages}
```
"""


def write_pages(root: Path, folder: Path, specification: Specification, keep: Callable[[str, str], None]) -> None:
    """Write the pages below ``folder``/design and hand each drawing to ``keep``.

    Raises:
        FileError: FILE-CONTENT, as `designs` says.
    """
    found = designs(root, specification)
    (folder / FOLDER).mkdir()
    (folder / FOLDER / "index.md").write_text(index_page(found), encoding="utf-8")
    for design in found:
        (folder / f"{design.page}.md").write_text(item_page(design, specification), encoding="utf-8")
        if len(design.units) >= SHORTEST_DRAWING:
            keep(drawing_name(design), diagram.draw(_short(design.structure)))


def _short(structure: diagram.Structure) -> diagram.Structure:
    """Return a structure with names without what all of them begin with.

    >>> _short(diagram.Structure((("a.b.c",), ("a.b.d.e",)), frozenset({("a.b.c", "a.b.d.e")}))).parts()
    ('c', 'd.e')
    """
    folders = [part.split(".")[:-1] for part in structure.parts()]
    shared = len(list(takewhile(lambda names: len(set(names)) == 1, zip(*folders, strict=False))))
    cut = {part: ".".join(part.split(".")[shared:]) for part in structure.parts()}
    layers = tuple(tuple(cut[part] for part in layer) for layer in structure.layers)
    return diagram.Structure(layers, frozenset((cut[source], cut[end]) for source, end in structure.imports))
