"""Workbooks that are the same bytes for the same content, hold no formula whatever a title begins with, and give back exactly what was written.

Written with openpyxl, then packed again with fixed times. Read by itself: openpyxl drops ``x005F_`` from shared strings, so that a text in which Excel
escaped an underscore comes back altered, and it does not say of a formula's cached value that it is one.

Source: ECMA-376 part 1, 18.3.1.4 (cells), 18.4.9 (shared strings), 22.9.2.19 (``_xHHHH_``: characters that XML cannot hold).
"""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape as quote_xml

from lxml import etree
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from openpyxl.worksheet._write_only import WriteOnlyWorksheet

LONGEST_CELL = 32_767
"""Characters that a cell may hold."""
LARGEST_SHEET = 1_048_576
"""Rows that a sheet may have."""
LARGEST_PART = 256 * 1024 * 1024
"""Bytes that a workbook may unpack to; more is refused unread."""

FORMULA_START = ("=", "+", "-", "@", "\t", "\r", "\n")
"""A cell that begins with one of these can be taken for a formula when it is typed, pasted or read from CSV."""

EPOCH = (1980, 1, 1, 0, 0, 0)
EPOCH_TEXT = b"1980-01-01T00:00:00Z"

_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_TO_ESCAPE = re.compile("_(?=x[0-9A-Fa-f]{4}_)|[\x00-\x08\x0b\x0c\x0d\x0e-\x1f\ufffe\uffff]")
_TIMES = re.compile(rb"(<dcterms:(created|modified)[^>]*>)[^<]*")
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"

Cell = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet to be written: its name, column headings with their widths in characters, rows, and the choices of columns that have some."""

    name: str
    columns: Sequence[tuple[str, int]]
    rows: Iterable[Sequence[Cell]]
    choices: Sequence[tuple[int, tuple[str, ...]]] = ()


@dataclass(frozen=True, slots=True)
class ReadCell:
    """One cell that was read: its value and whether it holds a formula."""

    value: Cell
    formula: bool = False


class WorkbookError(Exception):
    """A file that is no workbook that can be read; the message says why."""


def escape(text: str) -> str:
    r"""Return a text as a workbook stores it.

    >>> escape("a\rb _x000D_")
    'a_x000D_b _x005F_x000D_'
    """
    return _TO_ESCAPE.sub(lambda found: f"_x{ord(found[0]):04X}_", text)


def unescape(text: str) -> str:
    r"""Return what was escaped: ``unescape(escape(text)) == text``.

    >>> unescape("a_x000D_b _x005F_x000D_")
    'a\rb _x000D_'
    """
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)


def inert(text: str) -> str:
    """Return a text that no program takes for a formula: behind an apostrophe where it begins like one (for CSV, which has no cell types).

    >>> inert("=1+1"), inert("plain")
    ("'=1+1", 'plain')
    """
    return f"'{text}" if text.startswith(FORMULA_START) else text


def to_bytes(sheets: Iterable[Sheet]) -> bytes:
    """Return the workbook; equal sheets give equal bytes.

    openpyxl makes everything but the rows below the headings: written as text they take a sixth of the time.
    """
    workbook = Workbook(write_only=True)
    rows = {}
    for number, sheet in enumerate(sheets, start=1):
        rows[f"xl/worksheets/sheet{number}.xml"] = _write(workbook.create_sheet(sheet.name), sheet)
    draft = io.BytesIO()
    workbook.save(draft)
    return _repacked(draft.getvalue(), rows)


def _write(page: WriteOnlyWorksheet, sheet: Sheet) -> bytes:
    """Give the sheet its headings and return its rows as XML."""
    for number, (_, width) in enumerate(sheet.columns, start=1):
        page.column_dimensions[get_column_letter(number)].width = width
    page.freeze_panes = "B2"
    for column, choices in sheet.choices:
        _offer(page, column, choices)
    page.append([_heading(page, name) for name, _ in sheet.columns])
    quoted, wrapped = WriteOnlyCell(page), WriteOnlyCell(page)
    quoted.quotePrefix, wrapped.alignment = True, _WRAPPED
    form = _Form(
        tuple(get_column_letter(number) for number in range(1, len(sheet.columns) + 1)), quoted.style_id, wrapped.style_id
    )
    lines = [form.row(number, row) for number, row in enumerate(sheet.rows, start=2)]
    page.auto_filter.ref = f"A1:{get_column_letter(max(len(sheet.columns), 1))}{len(lines) + 1}"
    return "".join(lines).encode()


@dataclass(frozen=True, slots=True)
class _Form:
    """How the rows of a sheet are written: its column letters, and the styles of a text that looks like a formula and of one with several lines."""

    letters: tuple[str, ...]
    quoted: int
    wrapped: int

    def row(self, number: int, values: Sequence[Cell]) -> str:
        """Return a row; empty cells are left out."""
        cells = (self._cell(f"{letter}{number}", value) for letter, value in zip(self.letters, values, strict=True))
        return f'<row r="{number}">{"".join(cells)}</row>'

    def _cell(self, place: str, value: Cell) -> str:
        if isinstance(value, str):
            return self._text(place, value) if value else ""
        if value is None:
            return ""
        return f'<c r="{place}" t="b"><v>{value:d}</v></c>' if isinstance(value, bool) else f'<c r="{place}"><v>{value!r}</v></c>'

    def _text(self, place: str, value: str) -> str:
        """Return a text cell: its type says text, whatever it begins with, so that no program computes it."""
        looks_like_more = value.startswith((*FORMULA_START, "#", "'"))
        style = f' s="{self.quoted}"' if looks_like_more else f' s="{self.wrapped}"' if "\n" in value else ""
        return f'<c r="{place}"{style} t="inlineStr"><is><t xml:space="preserve">{quote_xml(escape(value))}</t></is></c>'


def _offer(page: WriteOnlyWorksheet, column: int, choices: tuple[str, ...]) -> None:
    """Let the column offer its choices, as long as they fit into Excel's 255 characters."""
    from openpyxl.worksheet.datavalidation import DataValidation  # noqa: PLC0415  only workbooks with choices need it

    listing = ",".join(choices)
    if len(listing) <= 253 and not any("," in choice for choice in choices):
        validation = DataValidation(type="list", formula1=f'"{listing}"', allow_blank=True)
        letter = get_column_letter(column + 1)
        validation.add(f"{letter}2:{letter}{LARGEST_SHEET}")
        page.data_validations.append(validation)


_HEAD_FONT, _HEAD_FILL = Font(bold=True, color="FFFFFF"), PatternFill("solid", fgColor="0B4A63")
_WRAPPED = Alignment(wrap_text=True, vertical="top")


def _heading(page: WriteOnlyWorksheet, text: str) -> WriteOnlyCell:
    cell = WriteOnlyCell(page, escape(text))
    cell.font, cell.fill, cell.alignment = _HEAD_FONT, _HEAD_FILL, _WRAPPED
    return cell


def _repacked(content: bytes, rows: Mapping[str, bytes]) -> bytes:
    """Return the package with the rows in their sheets, its entries in order, and all times fixed."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            data = source.read(name)
            if name == "docProps/core.xml":
                data = _TIMES.sub(rb"\g<1>" + EPOCH_TEXT, data)
            if name in rows:
                head, end, tail = data.rpartition(b"</sheetData>")
                data = head + rows[name] + end + tail
            info = zipfile.ZipInfo(name, EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o600 << 16
            target.writestr(info, data)
    return packed.getvalue()


def from_bytes(content: bytes) -> dict[str, list[list[ReadCell]]]:
    """Return the rows of each sheet by its name; rows end at their last filled cell, empty rows are empty lists.

    Raises:
        WorkbookError: no workbook, one that unpacks to more than `LARGEST_PART`, or XML that is malformed or declares entities.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            if sum(entry.file_size for entry in package.infolist()) > LARGEST_PART:
                raise WorkbookError(f"it unpacks to more than {LARGEST_PART} bytes")
            return _sheets(package)
    except (zipfile.BadZipFile, KeyError, NotImplementedError, EOFError) as err:
        raise WorkbookError(f"no workbook ({type(err).__name__})") from err
    except etree.XMLSyntaxError as err:
        raise WorkbookError(f"malformed XML ({err})") from err


def _sheets(package: zipfile.ZipFile) -> dict[str, list[list[ReadCell]]]:
    book = _parsed(package.read("xl/workbook.xml"))
    relations = {each.get("Id"): each.get("Target", "") for each in _parsed(package.read("xl/_rels/workbook.xml.rels"))}
    names = package.namelist()
    shared = _shared(package.read("xl/sharedStrings.xml")) if "xl/sharedStrings.xml" in names else []
    found = {}
    for sheet in book.iter(f"{_MAIN}sheet"):
        target = relations[sheet.get(_RELATION)]
        path = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
        found[sheet.get("name", "")] = list(_rows(_parsed(package.read(path)), shared))
    return found


def _parsed(content: bytes) -> etree._Element:
    """Parse without entities, external parts or network.

    Raises:
        WorkbookError: there is a document type declaration, which no workbook has.
    """
    root = etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False))
    if root.getroottree().docinfo.doctype:
        raise WorkbookError("a document type declaration")
    return root


def _shared(content: bytes) -> list[str]:
    return [_text(entry) for entry in _parsed(content).iter(f"{_MAIN}si")]


def _text(entry: etree._Element) -> str:
    """Return the text of an entry: its own or that of its runs; phonetic hints are none."""
    parts = [*entry.findall(f"{_MAIN}t"), *entry.findall(f"{_MAIN}r/{_MAIN}t")]
    return unescape("".join(part.text or "" for part in parts))


def _rows(sheet: etree._Element, shared: list[str]) -> Iterator[list[ReadCell]]:
    expected = 1
    for row in sheet.iter(f"{_MAIN}row"):
        number = _number(row.get("r"), expected)
        yield from ([] for _ in range(number - expected))
        expected = number + 1
        yield _row(row, shared)


def _number(text: str | None, default: int) -> int:
    if text is None:
        return default
    if not text.isdecimal() or not 1 <= int(text[:8]) <= LARGEST_SHEET:
        raise WorkbookError(f"the row {text[:20]!r}")
    return int(text)


def _row(row: etree._Element, shared: list[str]) -> list[ReadCell]:
    cells: list[ReadCell] = []
    for cell in row.iter(f"{_MAIN}c"):
        column = _column(cell.get("r", ""), len(cells))
        cells += [ReadCell(None)] * (column - len(cells))
        cells.append(_read(cell, shared))
    while cells and cells[-1] == ReadCell(None):
        cells.pop()
    return cells


def _column(reference: str, default: int) -> int:
    """Return the column, from 0, of a reference such as ``AB7``; the next one where there is none.

    >>> _column("AB7", 0)
    27
    """
    number = 0
    for letter in reference:
        if not "A" <= letter <= "Z":
            break
        number = number * 26 + ord(letter) - ord("A") + 1
    if not 0 <= number <= 16_384:
        raise WorkbookError(f"the cell {reference[:20]!r}")
    return number - 1 if number else default


def _read(cell: etree._Element, shared: list[str]) -> ReadCell:
    formula = cell.find(f"{_MAIN}f") is not None
    inline, value = cell.find(f"{_MAIN}is"), cell.findtext(f"{_MAIN}v")
    if inline is not None:
        return ReadCell(_text(inline), formula)
    if not value:
        return ReadCell(None, formula)
    return ReadCell(_typed(cell.get("t", "n"), value, shared), formula)


def _typed(kind: str, value: str, shared: list[str]) -> Cell:
    try:
        match kind:
            case "s":
                return shared[int(value)]
            case "b":
                return value.strip() == "1"
            case "n":
                number = float(value)
                return int(number) if number.is_integer() else number
            case _:
                return unescape(value)
    except (ValueError, IndexError, OverflowError) as err:
        raise WorkbookError(f"a cell of type {kind!r} with the value {value[:20]!r}") from err
