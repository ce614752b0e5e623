"""A document as an Excel workbook and back: one sheet for each kind, one for the links, one that says what it is.

Every text is a text cell, so nothing is ever computed; a formula that somebody adds is refused. A list of texts stands in one cell, an entry a line.
What does not fit into a cell is refused, not cut.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from verification.trace.codes import problem
from verification.trace.exchange.document import Item, ItemKind, ItemLink, ValueType, read_back, short
from verification.trace.exchange.errors import ExchangeError, refusal
from verification.trace.spreadsheet import LONGEST_CELL, Sheet, WorkbookError, escape, from_bytes, to_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from requirements_spec.problem import Problem
    from verification.trace.exchange.document import Attribute, Document, Value
    from verification.trace.spreadsheet import Cell, ReadCell

SCHEMA = "thoratrace/exchange-xlsx/1"
ABOUT, LINKS = "about", "links"
LINK_COLUMNS = ("link", "source", "target")
LARGEST_WHOLE = 2**53
"""Whole numbers beyond this are not exact in a workbook."""

_NOTES = (
    ("schema", SCHEMA),
    ("what this is", "Items of ThoraTrace for exchange; import it with ./qms exchange import --format xlsx."),
    ("do not rename", "Sheets, headings and ids. A list has one entry a line. An empty cell is an attribute that is not set."),
    ("formulas", "are refused: every cell holds a value."),
)
_WIDTHS = {ValueType.TEXT: 48, ValueType.TEXTS: 40, ValueType.DATA: 40}
_SHEET_NAME = 31
"""Characters of a sheet's name that Excel allows."""


def export(document: Document) -> bytes:
    """Return the workbook of a document; equal documents give equal bytes.

    Raises:
        ExchangeError: EXC-TOO-LONG, a value that a cell cannot hold; EXC-CHARACTER, one that no file can.
    """
    problems = tuple(_unfit(document))
    if problems:
        raise ExchangeError(problems)
    return to_bytes(_sheets(document))


def _unfit(document: Document) -> Iterator[Problem]:
    for item in document.items:
        for name, value in item.values.items():
            if isinstance(value, int) and abs(value) > LARGEST_WHOLE:
                yield problem("EXC-TOO-LONG", "export", item.id, found=f"{name} = {value}", expected=f"at most {LARGEST_WHOLE}")
            elif isinstance(value, str | tuple):
                yield from _unfit_text(item, name, to_cell(value))


def _unfit_text(item: Item, name: str, cell: Cell) -> Iterator[Problem]:
    text = escape(str(cell))
    if len(text) > LONGEST_CELL:
        yield problem(
            "EXC-TOO-LONG", "export", item.id, found=f"{name} of {len(text)} characters", expected=f"at most {LONGEST_CELL}"
        )
    if any("\ud800" <= character <= "\udfff" for character in text):
        yield problem("EXC-CHARACTER", "export", item.id, found=f"half a character in {name}")


def _sheets(document: Document) -> Iterator[Sheet]:
    yield Sheet(ABOUT, (("what", 20), ("value", 100)), _NOTES)
    items = document.by_kind()
    for kind in document.kinds:
        columns = [("id", 22), *((each.name, _WIDTHS.get(each.type, 16)) for each in kind.attributes)]
        choices = [(column, each.choices) for column, each in enumerate(kind.attributes, start=1) if each.choices]
        yield Sheet(kind.name[:_SHEET_NAME], columns, (_row(kind, item) for item in items[kind.name]), choices)
    rows = ((link.name, link.source, link.target) for link in document.links)
    yield Sheet(LINKS, [(name, 30) for name in LINK_COLUMNS], rows)


def _row(kind: ItemKind, item: Item) -> list[Cell]:
    return [item.id, *(to_cell(item.values.get(each.name)) for each in kind.attributes)]


def to_cell(value: Value) -> Cell:
    r"""Return a value as a cell: a list has an entry a line, with ``\n``, ``\\`` and ``\e`` for a line break, a backslash and an empty entry.

    >>> to_cell(("one", "two"))
    'one\ntwo'
    """
    if not isinstance(value, tuple):
        return value
    return "\n".join(each.replace("\\", "\\\\").replace("\n", "\\n") or "\\e" for each in value)


def to_list(text: str) -> tuple[str, ...]:
    r"""Return the list that a cell holds: ``to_list(to_cell(value)) == value``.

    >>> to_list("one\ntwo\\\\n\\e"), to_list("")
    (('one', 'two\\n\\e'), ())
    """
    return tuple(_entry(line) for line in text.split("\n")) if text else ()


def _entry(line: str) -> str:
    if line == "\\e":
        return ""
    return "\\".join(part.replace("\\n", "\n") for part in line.split("\\\\"))


def load(content: bytes, where: str, kinds: tuple[ItemKind, ...]) -> Document:
    """Return the document that a workbook holds.

    Raises:
        ExchangeError: EXC-XLSX, EXC-FOREIGN, EXC-FORMULA, and everything that `read_back` finds.
    """
    try:
        sheets = from_bytes(content)
    except WorkbookError as err:
        raise refusal("EXC-XLSX", where, "workbook", str(err)) from err
    _is_ours(sheets, where, kinds)
    problems: list[Problem] = [*_formulas(sheets, where)]
    items = [pair for kind in kinds for pair in _items(sheets[kind.name[:_SHEET_NAME]], kind, where, problems)]
    links = list(_links(sheets[LINKS], where, problems))
    if problems:
        raise ExchangeError(problems)
    return read_back(kinds, items, links)


def _is_ours(sheets: dict[str, list[list[ReadCell]]], where: str, kinds: tuple[ItemKind, ...]) -> None:
    expected = [ABOUT, *(kind.name[:_SHEET_NAME] for kind in kinds), LINKS]
    missing = [name for name in expected if name not in sheets]
    surplus = [name for name in sheets if name not in expected]
    if missing or surplus:
        found = f"without the sheets {', '.join(missing)}" if missing else f"with the further sheets {short(', '.join(surplus))}"
        raise refusal("EXC-FOREIGN", where, "workbook", f"a workbook {found}")
    about = {row[0].value: row[1].value for row in sheets[ABOUT] if len(row) > 1}
    if about.get("schema") != SCHEMA:
        raise refusal("EXC-SCHEMA", where, ABOUT, f"the schema {short(about.get('schema'))}", SCHEMA)


def _formulas(sheets: dict[str, list[list[ReadCell]]], where: str) -> Iterator[Problem]:
    for name, rows in sheets.items():
        for number, row in enumerate(rows, start=1):
            if any(cell.formula for cell in row):
                yield problem("EXC-FORMULA", f"{where}:{name}:{number}", name, found="a cell with a formula")


def _items(rows: list[list[ReadCell]], kind: ItemKind, where: str, problems: list[Problem]) -> Iterator[tuple[Item, str]]:
    names = [str(cell.value) for cell in rows[0]] if rows else []
    expected = ["id", *(each.name for each in kind.attributes)]
    if sorted(names) != sorted(expected):
        found = f"the headings {short(', '.join(names))}"
        problems.append(problem("EXC-ATTRIBUTE", f"{where}:{kind.name}:1", kind.name, found=found, expected=", ".join(expected)))
        return
    for number, row in enumerate(rows[1:], start=2):
        if row:
            cells = dict(zip(names, (cell.value for cell in row), strict=False))
            yield _item(kind, cells), f"{where}:{kind.name}:{number}"


def _item(kind: ItemKind, cells: dict[str, Cell]) -> Item:
    name = cells.get("id")
    return Item(
        str(name) if name is not None else "",
        kind.name,
        {each.name: _value(each, cells.get(each.name)) for each in kind.attributes},
    )


def _value(attribute: Attribute, cell: Cell) -> Value:
    """Return what a cell says for an attribute; an empty cell is an unset attribute, or an empty text where one must be set."""
    if cell is None:
        empty: Value = () if attribute.type is ValueType.TEXTS else "" if attribute.type is ValueType.TEXT else None
        return None if attribute.optional else empty
    if attribute.type is ValueType.TEXTS and isinstance(cell, str):
        return to_list(cell)
    return cell  # type: ignore[return-value]  # a float fits no attribute and is named by read_back


def _links(rows: list[list[ReadCell]], where: str, problems: list[Problem]) -> Iterator[tuple[ItemLink, str]]:
    names = tuple(str(cell.value) for cell in rows[0]) if rows else ()
    if names != LINK_COLUMNS:
        found = f"the headings {short(', '.join(names))}"
        problems.append(problem("EXC-ATTRIBUTE", f"{where}:{LINKS}:1", LINKS, found=found, expected=", ".join(LINK_COLUMNS)))
        return
    for number, row in enumerate(rows[1:], start=2):
        if row:
            name, source, target = (*(str(cell.value or "") for cell in row), "", "", "")[:3]
            yield ItemLink(name, source, target), f"{where}:{LINKS}:{number}"
