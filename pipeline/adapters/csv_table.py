"""Reads a CSV file somebody exported, with its encoding found out and told: UTF-8, UTF-8 with byte order mark, or Big5.

Rule: a byte order mark decides; else strict UTF-8; else strict Big5 in its Windows form (code page 950). Text that is neither is an error, never replaced
characters. Pure ASCII is UTF-8. Lines are numbered as an editor shows them.

Source: RFC 4180 (CSV); RFC 3629 3 (UTF-8); Unicode 16.0, 23.8 (byte order mark); Windows code page 950.
"""

from __future__ import annotations

import codecs
import csv
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING

from pipeline.adapters.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, ""), (codecs.BOM_UTF16_BE, ""))
_NAMES = {"utf-8-sig": "UTF-8 with BOM", "utf-8": "UTF-8", "cp950": "Big5"}


@dataclass(frozen=True, slots=True)
class Row:
    """One record: the line it starts on (1 is the header) and its cells, stripped, in order."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CsvTable:
    """A file's header and records, with the encoding that was found."""

    name: str
    encoding: str
    header: tuple[str, ...]
    rows: tuple[Row, ...]

    def place(self, row: Row) -> str:
        """Return file and line, as remarks write it."""
        return f"{self.name}:{row.line}"

    def records(self, columns: Sequence[str]) -> list[tuple[Row, Mapping[str, str]]]:
        """Return each row with its cells by column name; a row that ends early has empty cells.

        Raises:
            DataError: ``DATA-FORMAT``, a column is missing or named twice.
        """
        for column in columns:
            if self.header.count(column) != 1:
                found = f"column {column} {'missing' if column not in self.header else 'twice'}"
                raise DataError(
                    "DATA-FORMAT",
                    where=self.name,
                    found=found,
                    expected=f"the columns {', '.join(columns)}",
                    repair="export the table again",
                )
        return [
            (row, dict(zip(self.header, (*row.cells, *[""] * (len(self.header) - len(row.cells))), strict=False)))
            for row in self.rows
        ]


def read_csv(path: Path) -> CsvTable:
    """Return the table of a CSV file; blank lines are no rows.

    Raises:
        DataError: ``DATA-MISSING`` (no file), ``DATA-ENCODING`` (none of the three encodings), ``DATA-FORMAT`` (no header, or no CSV).
    """
    if not path.is_file():
        raise DataError(
            "DATA-MISSING",
            where=path.name,
            found="no file",
            expected="the table of labels",
            repair="give the folder with --data and check that it is complete",
        )
    text, encoding = decoded(path.read_bytes(), path.name)
    reader = csv.reader(StringIO(text, newline=""), strict=True)
    rows, line = [], 1
    try:
        for cells in reader:
            stripped = tuple(cell.strip() for cell in cells)
            if any(stripped):
                rows.append(Row(line, stripped))
            line = reader.line_num + 1
    except csv.Error as error:
        raise _no_table(path.name, f"line {line}: {error}") from error
    if not rows:
        raise _no_table(path.name, "no header")
    return CsvTable(path.name, _NAMES[encoding], rows[0].cells, tuple(rows[1:]))


def decoded(content: bytes, where: str) -> tuple[str, str]:
    """Return text and the codec that read it.

    >>> decoded("脊椎側彎".encode("cp950"), "x")
    ('脊椎側彎', 'cp950')
    >>> decoded("脊椎側彎".encode("utf-8-sig"), "x")
    ('脊椎側彎', 'utf-8-sig')

    Raises:
        DataError: ``DATA-ENCODING``.
    """
    marked = [codec for mark, codec in _MARKS if content.startswith(mark)]
    for codec in marked or ("utf-8", "cp950"):
        try:
            return content.decode(codec), codec
        except (UnicodeDecodeError, LookupError):
            continue
    raise DataError(
        "DATA-ENCODING",
        where=where,
        found="UTF-16" if marked == [""] else "bytes that are neither UTF-8 nor Big5",
        expected="UTF-8, UTF-8 with byte order mark, or Big5",
        repair="save the table as UTF-8",
    )


def _no_table(where: str, found: str) -> DataError:
    return DataError(
        "DATA-FORMAT", where=where, found=found, expected="a CSV table with a header", repair="export the table again"
    )
