"""Reads the tables and files of an E-Da folder: rows checked one by one, rows of the same picture gathered into films, everything odd written down.

Layout: train.csv beside train/<class>/image/*.dcm and train/<class>/mark/*.jpg; ImagePath and MarkPath are relative to train/ and may begin with a slash. The
class folder in a path and the category of its row must agree. ``ID`` is the patient.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from pipeline.adapters.completion import ForeignFilm, NotCompleted, open_foreign
from pipeline.adapters.csv_table import read_csv
from pipeline.adapters.errors import DataError
from pipeline.adapters.labels import NORMAL, findings, label_of, labels_of, script_of
from pipeline.adapters.mask import THRESHOLD, MaskRefused, read_mask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.adapters.csv_table import CsvTable
    from pipeline.adapters.remarks import Notebook

COLUMNS = ("ID", "Filename", "category", "ImagePath", "MarkPath")
_LEFT_OUT = "row left out"


@dataclass(frozen=True, slots=True)
class EdaRow:
    """One row with a film: its place, patient as the table writes it, label, film and mark.

    Attributes:
        usable: whether it says what is on the film; one that does not leaves what it names in doubt, where other rows show the same film.
    """

    place: str
    patient: str
    label: str
    image: Path
    mark: Path | None
    usable: bool = True


@dataclass(slots=True)
class EdaFilm:
    """One picture with all its rows.

    ``marks`` has the marks of each finding, different ones only; ``unknown`` are findings that rows name and nobody can use.
    """

    film_id: str
    patient_id: str
    place: str
    foreign: ForeignFilm
    labels: set[str] = field(default_factory=set)
    marks: dict[str, tuple[Path, ...]] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    places: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class EdaFolder:
    """The films of a folder, in the order of their first row, and what the tables were like."""

    films: list[EdaFilm]
    sources: dict[str, dict[str, Any]]

    def lines(self) -> dict[str, list[str]]:
        """Return film id -> places of its rows."""
        return {film.film_id: film.places for film in self.films}


def read_folder(data: Path, book: Notebook) -> EdaFolder:
    """Return the films of the folder.

    Raises:
        DataError: no train.csv that can be read (``DATA-MISSING``, ``DATA-ENCODING``, ``DATA-FORMAT``), or no row that can be used.
    """
    table = read_csv(data / "train.csv")
    rows = _without_repeats(_rows(data, table, book), book)
    films = _usable(_gathered(rows, book), book)
    if not films:
        raise DataError(
            "DATA-FORMAT",
            where=table.name,
            found=f"no usable film in {len(table.rows)} rows",
            expected="rows with a film, a known category and a mark",
            repair=f"see the first remark: {book.table()[0]['where']} {book.table()[0]['found']}" if book.remarks else "add rows",
        )
    return EdaFolder(films, {table.name: _described(table)} | _unlabelled(data, book))


def _described(table: CsvTable) -> dict[str, Any]:
    written = Counter(script_of(cells["category"]) for _, cells in table.records(COLUMNS) if cells["category"])
    return {"encoding": table.encoding, "rows": len(table.rows), "labels": dict(sorted(written.items()))}


def _unlabelled(data: Path, book: Notebook) -> dict[str, dict[str, Any]]:
    """Count the set's own test films, which nobody labelled for us."""
    if not (data / "test.csv").is_file():
        return {}
    table = read_csv(data / "test.csv")
    book.note(table.name, "ROW-NO-LABEL", f"{len(table.rows)} films", "films left out: nothing to score them by")
    return {table.name: {"encoding": table.encoding, "rows": len(table.rows), "labels": {}}}


def _rows(data: Path, table: CsvTable, book: Notebook) -> list[tuple[EdaRow, tuple[str, ...]]]:
    """Return usable rows with the findings that a row names without being usable for them."""
    kept = []
    for row, cells in table.records(COLUMNS):
        place = table.place(row)
        empty = [name for name in COLUMNS[:4] if not cells[name]]
        if empty:
            book.note(place, "ROW-MISSING", f"no {', '.join(empty)}", _LEFT_OUT)
            continue
        read = _row(data, place, cells, book)
        if read:
            kept.append(read)
    return kept


def _row(data: Path, place: str, cells: Mapping[str, str], book: Notebook) -> tuple[EdaRow, tuple[str, ...]] | None:
    labels = labels_of(cells["category"]) or ()
    image, mark = _file(data, cells["ImagePath"]), _file(data, cells["MarkPath"]) if cells["MarkPath"] else None
    checks = (
        (bool(labels), "ROW-LABEL", "a category that is none of the eight"),
        (image is not None, "ROW-MISSING", "no file at ImagePath"),
        (NORMAL not in labels or len(labels) == 1, "ROW-CONTRADICTION", "normal and another category in one cell"),
        (not (wrong := _disagreement(cells, labels)), "ROW-CONTRADICTION", wrong or ""),
    )
    problem = next(((code, found) for good, code, found in checks if not good), None)
    if problem or image is None:
        book.note(place, *(problem or ("ROW-MISSING", "no file at ImagePath")), _LEFT_OUT)
        return None if image is None else (EdaRow(place, cells["ID"], "", image, None, usable=False), _in_doubt(cells, labels))
    if len(labels) > 1:
        book.note(place, "ROW-MIXED", f"{len(labels)} categories in one cell, one mark", "status of each unknown")
        return EdaRow(place, cells["ID"], "", image, None), labels
    if labels[0] != NORMAL and mark is None:
        found = "no file at MarkPath" if cells["MarkPath"] else "no MarkPath"
        book.note(place, "ROW-MISSING", f"{found} for {labels[0]}", "status unknown")
        return EdaRow(place, cells["ID"], "", image, None), labels
    return EdaRow(place, cells["ID"], labels[0], image, mark), ()


def _in_doubt(cells: Mapping[str, str], labels: tuple[str, ...]) -> tuple[str, ...]:
    """Return the findings that a row without use may mean: those of category and folder, or any where the category is none of the eight."""
    return tuple(sorted({*labels, *_folders(cells)} - {NORMAL} if labels else findings()))


def _file(data: Path, stated: str) -> Path | None:
    """Return the file of a path in the table, below train/ or the folder itself; None where there is none or it leads outside."""
    relative = PurePosixPath(stated.replace("\\", "/").lstrip("/"))
    if ".." in relative.parts:
        return None
    return next((path for path in (data / "train" / relative, data / relative) if path.is_file()), None)


def _disagreement(cells: Mapping[str, str], labels: tuple[str, ...]) -> str | None:
    """Say where a row contradicts itself: file name and path, or class folder and category."""
    path = PurePosixPath(cells["ImagePath"].replace("\\", "/"))
    if path.name != cells["Filename"]:
        return "Filename is not the file of ImagePath"
    folders = _folders(cells)
    if labels and folders and not folders <= set(labels):
        return f"the folder says {', '.join(sorted(folders))}, the category {', '.join(labels)}"
    return None


def _folders(cells: Mapping[str, str]) -> set[str]:
    """Return the categories that the folders of ImagePath name."""
    parts = PurePosixPath(cells["ImagePath"].replace("\\", "/")).parts[:-1]
    return {label for part in parts if (label := label_of(part)) is not None}


def _without_repeats(rows: list[tuple[EdaRow, tuple[str, ...]]], book: Notebook) -> list[tuple[EdaRow, tuple[str, ...]]]:
    """Name rows that say the same of the same files again."""
    first: dict[tuple[Any, ...], str] = {}
    kept = []
    for row, unknown in rows:
        key = (row.patient, row.label, row.image, row.mark, unknown)
        if row.usable and first.setdefault(key, row.place) != row.place:
            book.note(row.place, "ROW-DUPLICATE", f"as {first[key]}", _LEFT_OUT)
        else:
            kept.append((row, unknown))
    return kept


def _gathered(rows: list[tuple[EdaRow, tuple[str, ...]]], book: Notebook) -> list[tuple[EdaFilm, set[str]]]:
    """Return films with the patients that their rows name; rows of the same picture are one film."""
    opened: dict[Path, ForeignFilm | str] = {}
    films: dict[str, tuple[EdaFilm, set[str]]] = {}
    patients: dict[str, str] = {}
    for row, unknown in sorted(rows, key=lambda each: not each[0].usable):
        if row.image not in opened:
            opened[row.image] = _opened(row.image)
        foreign = opened[row.image]
        if not row.usable:
            _leave_in_doubt(films, foreign, unknown)
            continue
        if isinstance(foreign, str):
            book.note(row.place, "FILM-REFUSED", foreign, "film left out")
            continue
        patient = patients.setdefault(row.patient, f"EDA-P{len(patients) + 1:04d}")
        fresh = EdaFilm(f"eda-{len(films) + 1:04d}", patient, row.place, foreign)
        film, named = films.setdefault(foreign.picture, (fresh, set()))
        named.add(patient)
        film.places.append(row.place)
        _add(film, row, unknown, book)
    return list(films.values())


def _leave_in_doubt(films: Mapping[str, tuple[EdaFilm, set[str]]], foreign: ForeignFilm | str, unknown: tuple[str, ...]) -> None:
    """Mark what an unusable row names as unknown on the film that usable rows show; without such rows there is no film."""
    if not isinstance(foreign, str) and foreign.picture in films:
        films[foreign.picture][0].unknown.update(unknown)


def _opened(path: Path) -> ForeignFilm | str:
    try:
        return open_foreign(path)
    except NotCompleted as reason:
        return str(reason)


def _add(film: EdaFilm, row: EdaRow, unknown: tuple[str, ...], book: Notebook) -> None:
    film.unknown.update(unknown)
    if not row.label:
        return
    film.labels.add(row.label)
    if row.mark is None:
        return
    marks = film.marks.get(row.label, ())
    if _digest(row.mark) in {_digest(mark) for mark in marks}:
        book.note(row.place, "ROW-DUPLICATE", "the same picture, category and mark under another name", "kept once")
        return
    film.marks[row.label] = (*marks, row.mark)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _usable(films: list[tuple[EdaFilm, set[str]]], book: Notebook) -> list[EdaFilm]:
    """Leave out, by name, films that contradict themselves."""
    kept = []
    for film, patients in films:
        where = ", ".join(film.places)
        abnormal = film.labels - {NORMAL} | film.unknown
        if len(patients) > 1:
            book.note(where, "FILM-PICTURE", f"one picture under {len(patients)} patients", "film left out")
        elif NORMAL in film.labels and abnormal:
            book.note(where, "ROW-CONTRADICTION", f"normal and {', '.join(sorted(abnormal))}", "film left out")
        elif any(_shows_something(mark, film.foreign) for mark in film.marks.get(NORMAL, ())):
            book.note(where, "ROW-CONTRADICTION", "normal with a mark", "film left out")
        else:
            kept.append(film)
    return kept


def _shows_something(mark: Path, film: ForeignFilm) -> bool:
    """Say whether a mark is more than a black picture of the film's size."""
    try:
        return int(read_mask(mark.read_bytes(), film.attributes.rows, film.attributes.columns).max()) >= THRESHOLD
    except MaskRefused:
        return True
