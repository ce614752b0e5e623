"""Reads the box list and the entry table of NIH ChestX-ray14, row by row, with pictures looked up in the folders of the release.

Layout: ``BBox_List_2017.csv`` (``Image Index,Finding Label,Bbox [x,y,w,h],,,``: the header's own commas make columns, so cells are taken by position),
``Data_Entry_2017.csv`` or ``Data_Entry_2017_v2020.csv``, and PNG files in ``images/`` or ``images_001/images/`` and so on.

Source: Wang et al., ChestX-ray8, CVPR 2017; https://nihcc.app.box.com/v/ChestXray-NIHCC.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline.adapters.box_cells import NoBox, corners
from pipeline.adapters.csv_table import read_csv
from pipeline.adapters.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline.adapters.cohort_film import Box
    from pipeline.adapters.csv_table import CsvTable
    from pipeline.adapters.remarks import Notebook

BOXED = frozenset(
    ("Atelectasis", "Cardiomegaly", "Effusion", "Infiltrate", "Mass", "Nodule", "Pneumonia", "Pneumothorax"),
)
"""The eight labels of the box list."""

NO_FINDING = "No Finding"
_ENTRY_TABLES = ("Data_Entry_2017_v2020.csv", "Data_Entry_2017.csv")
_NAME = re.compile(r"^\d{8}_\d{3}\.png$")
_AGE = re.compile(r"^0*(\d{1,3})Y?$")
_MINED = {"Infiltrate": "Infiltration"}
_LEFT_OUT = "row left out"
OLDEST = 120


@dataclass(frozen=True, slots=True)
class NihEntry:
    """What the entry table says of a picture: text-mined labels, patient, view, sex, age and detector spacing of the 1024-pixel picture."""

    place: str
    mined: frozenset[str]
    patient: str
    view: str
    sex: str
    age: int | None
    original: tuple[float, float, float, float] | None


@dataclass(slots=True)
class NihPicture:
    """One picture with its boxes: label and corners."""

    name: str
    path: Path
    entry: NihEntry
    boxes: list[tuple[str, str, Box]] = field(default_factory=list)
    places: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class NihFolder:
    """Pictures with boxes, pictures that text mining calls free of findings, and how the tables were written."""

    boxed: list[NihPicture]
    normal: list[NihPicture]
    sources: dict[str, dict[str, Any]]


def read_folder(data: Path, book: Notebook) -> NihFolder:
    """Return what the folder holds.

    Raises:
        DataError: no box list or entry table, or one that cannot be read.
    """
    boxes = read_csv(data / "BBox_List_2017.csv")
    entries_path = next((data / name for name in _ENTRY_TABLES if (data / name).is_file()), data / _ENTRY_TABLES[0])
    table = read_csv(entries_path)
    _require(boxes, ("Image Index", "Finding Label", "Bbox [x", "y", "w", "h]"))
    _require(table, ("Image Index", "Finding Labels", "Follow-up #", "Patient ID", "Patient Age"))
    entries = _entries(table, book)
    files = {path.name: path for path in sorted(data.glob("images*/**/*.png"))}
    boxed = _boxed(boxes, entries, files, book)
    normal = [
        NihPicture(name, files[name], entry, places=[entry.place])
        for name, entry in entries.items()
        if entry.mined == {NO_FINDING} and name in files and name not in boxed
    ]
    sources = {
        one.name: {"encoding": one.encoding, "rows": len(one.rows), "labels": {"English": len(one.rows)}}
        for one in (boxes, table)
    }
    return NihFolder(list(boxed.values()), normal, sources)


def _require(table: CsvTable, beginning: tuple[str, ...]) -> None:
    if table.header[: len(beginning)] != beginning:
        raise DataError(
            "DATA-FORMAT",
            where=table.name,
            found="another header",
            expected=f"a header that begins with {','.join(beginning)}",
            repair="take the table as NIH publishes it",
        )


def _entries(table: CsvTable, book: Notebook) -> dict[str, NihEntry]:
    entries: dict[str, NihEntry] = {}
    for row in table.rows:
        place, cells = table.place(row), (*row.cells, *[""] * 12)
        name = cells[0]
        if not _NAME.match(name) or not cells[3]:
            book.note(place, "ROW-MISSING", "no picture name or no Patient ID", _LEFT_OUT)
            continue
        if name in entries:
            same = entries[name].patient == cells[3].zfill(8) and entries[name].mined == frozenset(cells[1].split("|"))
            book.note(place, "ROW-DUPLICATE" if same else "ROW-CONTRADICTION", f"as {entries[name].place}", _LEFT_OUT)
            continue
        age = _AGE.match(cells[4])
        years = int(age.group(1)) if age else None
        if years is None or years > OLDEST:
            book.note(place, "ROW-AGE", "an age that no patient has", "age unknown")
            years = None
        entries[name] = NihEntry(
            place=place,
            mined=frozenset(cells[1].split("|")),
            patient=cells[3].zfill(8),
            view=cells[6] if cells[6] in {"PA", "AP"} else "unknown",
            sex=cells[5] if cells[5] in {"M", "F"} else "",
            age=years,
            original=_numbers(cells[7:11]),
        )
    return entries


def _numbers(cells: tuple[str, ...]) -> tuple[float, float, float, float] | None:
    """Return original width and height (pixels) and spacing x and y (mm), None where any is no positive number."""
    try:
        width, height, x, y = (float(cell) for cell in cells)
    except ValueError:
        return None
    return (width, height, x, y) if min(width, height, x, y) > 0 else None


def _boxed(table: CsvTable, entries: dict[str, NihEntry], files: dict[str, Path], book: Notebook) -> dict[str, NihPicture]:
    pictures: dict[str, NihPicture] = {}
    seen: dict[tuple[str, ...], str] = {}
    for row in table.rows:
        place, cells = table.place(row), (*row.cells, *[""] * 6)[:6]
        name, label = cells[0], cells[1]
        problem = _row_problem(cells, entries, files, seen)
        if problem:
            book.note(place, problem[0], problem[1], _LEFT_OUT)
            continue
        seen[cells] = place
        try:
            x, y, width, height = (float(cell) for cell in cells[2:])
            box = corners([str(x), str(y), str(x + width), str(y + height)])
        except (ValueError, NoBox) as reason:
            book.note(place, "ROW-BOX", str(reason) if isinstance(reason, NoBox) else "corners that are no numbers", _LEFT_OUT)
            continue
        if _MINED.get(label, label) not in entries[name].mined:
            book.note(
                place, "ROW-CONTRADICTION", f"{label} boxed, but not among the text-mined labels", "box kept: a reader drew it"
            )
        picture = pictures.setdefault(name, NihPicture(name, files[name], entries[name]))
        picture.boxes.append((place, label, box))
        picture.places.append(place)
    return pictures


def _row_problem(
    cells: tuple[str, ...], entries: Mapping[str, NihEntry], files: Mapping[str, Path], seen: Mapping[tuple[str, ...], str]
) -> tuple[str, str] | None:
    """Return code and finding of the first thing that is wrong with a row."""
    name, label = cells[:2]
    checks = (
        (_NAME.match(name) is not None, "ROW-MISSING", "no picture name"),
        (label in BOXED, "ROW-LABEL", "a label that the box list does not have"),
        (name in entries, "ROW-MISSING", "no row of this picture in the entry table"),
        (name in files, "ROW-MISSING", "no PNG file of this picture"),
        (cells not in seen, "ROW-DUPLICATE", f"as {seen.get(cells)}"),
    )
    return next(((code, found) for good, code, found in checks if not good), None)
