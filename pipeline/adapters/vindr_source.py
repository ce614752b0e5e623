"""Reads the tables of VinDr-CXR: one statement a row, of one reader (training films) or of the consensus (test films), checked row by row.

Layout: ``annotations/annotations_train.csv`` and ``annotations_test.csv`` (PhysioNet; image_id, rad_id, class_name, x_min, y_min, x_max, y_max; no rad_id in the
test table) or ``train.csv`` (the competition's, with class_id), beside ``train/<image_id>.dicom`` and ``test/<image_id>.dicom``.

Source: Nguyen et al., VinDr-CXR, Scientific Data 9 (2022) 429; https://physionet.org/content/vindr-cxr/1.0.0/.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline.adapters.box_cells import NoBox, corners
from pipeline.adapters.csv_table import read_csv
from pipeline.adapters.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from pipeline.adapters.cohort_film import Box
    from pipeline.adapters.csv_table import CsvTable
    from pipeline.adapters.remarks import Notebook

NO_FINDING = "No finding"
CLASSES = frozenset(
    (
        *("Aortic enlargement", "Atelectasis", "Calcification", "Cardiomegaly", "Clavicle fracture", "Consolidation", "Edema"),
        *("Emphysema", "Enlarged PA", "ILD", "Infiltration", "Lung Opacity", "Lung cavity", "Lung cyst", "Mediastinal shift"),
        *("Nodule/Mass", "Other lesion", "Pleural effusion", "Pleural thickening", "Pneumothorax", "Pulmonary fibrosis"),
        *("Rib fracture", NO_FINDING),
    )
)
"""The 22 local labels, and none."""

_TABLES = {
    "train": ("annotations/annotations_train.csv", "annotations_train.csv", "train.csv"),
    "test": ("annotations/annotations_test.csv", "annotations_test.csv"),
}
_EDGES = ("x_min", "y_min", "x_max", "y_max")
_CONSENSUS = "consensus"
_LEFT_OUT = "row left out"
_IN_DOUBT = "row left out, and what it names is not taken as absent"


@dataclass(frozen=True, slots=True)
class Statement:
    """One box of one reader."""

    place: str
    reader: str
    label: str
    box: Box


@dataclass(slots=True)
class VindrImage:
    """One image of a table: who read it, what they boxed, where its rows are.

    Attributes:
        in_doubt: classes that rows name which could not be used: whether they are there is not known from this table.
    """

    image_id: str
    official: str
    path: Path | None
    consensus: bool
    readers: set[str] = field(default_factory=set)
    statements: list[Statement] = field(default_factory=list)
    in_doubt: set[str] = field(default_factory=set)
    places: list[str] = field(default_factory=list)


def read_tables(data: Path, book: Notebook) -> tuple[list[VindrImage], dict[str, dict[str, Any]]]:
    """Return the images of all tables that are there, and how the tables were written.

    Raises:
        DataError: no training table (``DATA-MISSING``), or a table that cannot be read.
    """
    images: list[VindrImage] = []
    sources: dict[str, dict[str, Any]] = {}
    for official, names in _TABLES.items():
        path = next((data / name for name in names if (data / name).is_file()), None)
        if path is None and official == "train":
            read_csv(data / names[0])
        if path is not None:
            table = read_csv(path)
            images += _images(data, table, official, book)
            sources[table.name] = {"encoding": table.encoding, "rows": len(table.rows), "labels": {"English": len(table.rows)}}
    twice = len(images) - len({image.image_id for image in images})
    if twice:
        raise DataError(
            "DATA-SPLIT",
            where="annotations",
            found=f"{twice} images in both tables",
            expected="each image in one table",
            repair="take them out of one of the tables",
        )
    return images, sources


def _images(data: Path, table: CsvTable, official: str, book: Notebook) -> list[VindrImage]:
    images: dict[str, VindrImage] = {}
    seen: dict[tuple[str, ...], str] = {}
    consensus = "rad_id" not in table.header
    for row, cells in table.records(("image_id", "class_name", *_EDGES)):
        place = table.place(row)
        if not cells["image_id"] or "/" in cells["image_id"] or "\\" in cells["image_id"]:
            book.note(place, "ROW-MISSING", "no image_id that could be a file", _LEFT_OUT)
            continue
        key = (*(cells[name] for name in ("image_id", "class_name", *_EDGES)), cells.get("rad_id", ""))
        if key in seen:
            book.note(place, "ROW-DUPLICATE", f"as {seen[key]}", _LEFT_OUT)
            continue
        seen[key] = place
        image = images.setdefault(cells["image_id"], _image(data, cells["image_id"], official, consensus=consensus))
        image.places.append(place)
        _add(image, place, cells, book)
    _name_contradictions(images, book)
    return list(images.values())


def _image(data: Path, image_id: str, official: str, *, consensus: bool) -> VindrImage:
    places = (data / official / f"{image_id}{ending}" for ending in (".dicom", ".dcm"))
    return VindrImage(image_id, official, next((path for path in places if path.is_file()), None), consensus)


def _add(image: VindrImage, place: str, cells: Mapping[str, str], book: Notebook) -> None:
    reader, label = (_CONSENSUS if image.consensus else cells["rad_id"]), cells["class_name"]
    if label not in CLASSES:
        _doubt(image, CLASSES)
        book.note(place, "ROW-LABEL", "a class that VinDr-CXR does not have", _IN_DOUBT)
        return
    if not reader:
        _doubt(image, {label})
        book.note(place, "ROW-MISSING", "no rad_id", _IN_DOUBT)
        return
    if label == NO_FINDING:
        image.readers.add(reader)
        image.statements.append(Statement(place, reader, label, (0.0, 0.0, 0.0, 0.0)))
        if any(cells[name] for name in _EDGES):
            book.note(place, "ROW-CONTRADICTION", "no finding with a box", "box ignored")
        return
    try:
        box = corners([cells[name] for name in _EDGES])
    except NoBox as reason:
        _doubt(image, {label})
        book.note(place, "ROW-BOX", f"{label}: {reason}", _IN_DOUBT)
        return
    image.readers.add(reader)
    image.statements.append(Statement(place, reader, label, box))


def _doubt(image: VindrImage, labels: Iterable[str]) -> None:
    """Keep in mind what a row names that cannot be used; one of a class that does not exist may mean any."""
    image.in_doubt.update(set(labels) - {NO_FINDING})


def _name_contradictions(images: Mapping[str, VindrImage], book: Notebook) -> None:
    """A reader who finds something and nothing on one film is not counted as a reader of it, and what he found stays in doubt."""
    for image in images.values():
        nothing = {statement.reader: statement.place for statement in image.statements if statement.label == NO_FINDING}
        something = {statement.reader for statement in image.statements if statement.label != NO_FINDING}
        for reader in sorted(set(nothing) & something):
            book.note(
                nothing[reader], "ROW-CONTRADICTION", "no finding and a finding of one reader", "reader of this film left out"
            )
            image.readers.discard(reader)
            _doubt(image, (statement.label for statement in image.statements if statement.reader == reader))
            image.statements = [statement for statement in image.statements if statement.reader != reader]
        image.statements = [statement for statement in image.statements if statement.label != NO_FINDING]
