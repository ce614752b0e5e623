"""Brings the box list of NIH ChestX-ray14 into the cohort format: radiologists' boxes as truth, text-mined labels as what they are.

Rules, all stated in the cohort's notes:
- a boxed finding is present; every other finding of the film is unknown, since the reader was asked for the box of one label and text mining is no look;
- ``weak_normals`` (0 by default) pictures that text mining calls free of findings may be added as absent for the findings that it asks for; the notes say so;
- patients are divided here: in the published division every boxed film is a test film.
"""

from __future__ import annotations

import hashlib
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from PIL import Image, UnidentifiedImageError

from pipeline.adapters.box_cells import NoBox, fitted
from pipeline.adapters.cohort_film import APICAL, NOT_OURS, cohort_film
from pipeline.adapters.dx import FilmRecord
from pipeline.adapters.errors import DataError
from pipeline.adapters.labels import findings
from pipeline.adapters.nih_source import NihFolder, NihPicture, read_folder
from pipeline.adapters.outcome import Outcome
from pipeline.adapters.remarks import Notebook
from pipeline.adapters.splitting import divided
from pipeline.adapters.wrap import wrapped_png

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pipeline.adapters.cohort_film import Box
    from pipeline.adapters.film_store import FilmStore

FINDING_OF: Mapping[str, str] = MappingProxyType({"Cardiomegaly": "cardiac_hypertrophy", "Infiltrate": "lung_field_infiltration"})
"""Label of the box list -> finding id of the device."""

MINED = ("cardiac_hypertrophy", "lung_field_infiltration", APICAL)
"""Findings that the text mining asks for (Cardiomegaly, Infiltration, Pleural_Thickening)."""

ORIGIN = "8-bit display picture of NIH ChestX-ray14 (grey levels and window of the original lost), wrapped unchanged"


def import_nih(data: Path, store: FilmStore, *, options: dict[str, Any], progress: Callable[[int, int], None]) -> Outcome:
    """Write the boxed films of NIH ChestX-ray14 as DX files and return what the cohort and the report need.

    Args:
        data: folder with the box list, the entry table and the pictures.
        store: takes the DX files; its seed enters UIDs, the division of patients and the choice of weak normals.
        options: ``weak_normals``, how many text-mined normals to add; ``shares`` of patients by split.
        progress: called with films done and films in all.

    Raises:
        DataError: the folder has no tables that can be read, or no usable film.
    """
    book = Notebook()
    folder = read_folder(data, book)
    pictures = [*folder.boxed, *_weak_normals(folder, int(options.get("weak_normals", 0)), store.seed)]
    patients: dict[str, set[str]] = {}
    for picture in pictures:
        patients.setdefault(picture.entry.patient, set()).update(label for _, label, _ in picture.boxes if label in FINDING_OF)
    splits = divided(patients, store.seed, options.get("shares"))
    entries: list[dict[str, Any]] = []
    for number, picture in enumerate(pictures, start=1):
        entry = _entry(picture, splits[picture.entry.patient], store, book)
        entries += [entry] if entry else []
        progress(number, len(pictures))
    if not entries:
        raise DataError(
            "DATA-FORMAT",
            where="BBox_List_2017.csv",
            found="no film that can be used",
            expected="PNG files that the box list names",
            repair="put the pictures in images/",
        )
    rows = {picture.name.removesuffix(".png"): picture.places for picture in pictures}
    return Outcome(entries, book, _notes(entries, folder), sources=folder.sources, rows=rows)


def _weak_normals(folder: NihFolder, count: int, seed: int) -> list[NihPicture]:
    """Return that many text-mined normals, in the order of a hash."""
    ranked = sorted(folder.normal, key=lambda one: hashlib.sha256(f"thoratrace-normal/{seed}/{one.name}".encode()).hexdigest())
    return sorted(ranked[:count], key=lambda one: one.name)


def _entry(picture: NihPicture, split: str, store: FilmStore, book: Notebook) -> dict[str, Any] | None:
    where = ", ".join(picture.places)
    try:
        film = _record(picture)
        content = wrapped_png(picture.path.read_bytes(), film, store.seed)
    except (DataError, UnidentifiedImageError, OSError) as reason:
        found = reason.found if isinstance(reason, DataError) else "no readable picture"
        book.note(where, "FILM-REFUSED", found, "film left out")
        return None
    boxes = _boxes(picture, film, split, book)
    status: dict[str, int | None] = dict.fromkeys(findings())
    if not picture.boxes:
        status.update(dict.fromkeys(MINED, 0))
    status.update(dict.fromkeys((finding for finding, _ in boxes), 1))
    return cohort_film(film, split=split, sha256=store.put(film, content), boxes=boxes, status=status)


def _record(picture: NihPicture) -> FilmRecord:
    """Return the film's record; the spacing of the shrunken picture is that of the original times the shrinking of each axis."""
    with Image.open(picture.path) as image:
        columns, rows = image.size
    entry, spacing = picture.entry, None
    if entry.original is not None:
        width, height, x, y = entry.original
        spacing = (y * height / rows, x * width / columns)
    return FilmRecord(
        film_id=picture.name.removesuffix(".png"),
        patient_id=f"NIH-{entry.patient}",
        view=entry.view,
        sex=entry.sex,
        age=entry.age,
        rows=rows,
        columns=columns,
        origin=ORIGIN,
        spacing=spacing,
    )


def _boxes(picture: NihPicture, film: FilmRecord, split: str, book: Notebook) -> list[tuple[str, Box]]:
    kept = []
    for place, label, box in picture.boxes:
        if label not in FINDING_OF:
            book.leave_out(split, label, NOT_OURS)
            continue
        try:
            inside, cut = fitted(box, film.rows, film.columns)
        except NoBox as reason:
            book.note(place, "ROW-BOX", f"{label}: {reason}", "row left out")
            book.leave_out(split, label, str(reason))
            continue
        if cut:
            book.note(place, "ROW-BOX", f"{label}: a box that leaves the film a little", "box cut at the edge")
        kept.append((FINDING_OF[label], inside))
    return kept


def _notes(entries: list[dict[str, Any]], folder: NihFolder) -> list[str]:
    weak = sum(0 in entry["status"].values() for entry in entries)
    return [
        "Real films: NIH ChestX-ray14 pictures (NIH Clinical Center; Wang et al., CVPR 2017) with the radiologists' box list; attribution required.",
        "8-bit PNG pictures wrapped as DX objects; original grey levels, window, date and device are unknown and left out.",
        f"{len(entries)} films, {sum(len(entry['boxes']) for entry in entries)} boxes of our findings.",
        "A finding without a box is unknown: the reader was asked for one label, and text mining is no look.",
        f"{weak} films are absent for {', '.join(MINED)} by text mining alone (weak_normals), {len(folder.normal) - weak} such films were not asked for.",
        "Patients were divided here: in the published division every boxed film is a test film.",
    ]
