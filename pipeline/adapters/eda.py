"""Brings an E-Da folder into the cohort format: train.csv (ID, Filename, category, ImagePath, MarkPath), DICOM films and JPEG marks.

Rules, all stated in the cohort's notes:
- rows that show the same picture are one film, with the findings of all of them; a film in the set was read for all seven findings, so one that no row
  names is absent;
- a mark becomes boxes by ``pipeline.adapters.mask``; where it cannot, the finding's status is null, never a box of zeros and never a negative;
- a film called normal and something else, or shown under two patients, is left out and named;
- patients are divided into train, val and test by ``pipeline.adapters.splitting``; the films of test.csv have no labels and are counted, not scored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.adapters.cohort_film import cohort_film
from pipeline.adapters.completion import NotCompleted, completed, record_of
from pipeline.adapters.eda_source import EdaFilm, read_folder
from pipeline.adapters.labels import NORMAL, findings
from pipeline.adapters.mask import MaskRefused, audit, read_mask
from pipeline.adapters.outcome import Outcome
from pipeline.adapters.remarks import Notebook
from pipeline.adapters.splitting import divided

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.adapters.cohort_film import Box
    from pipeline.adapters.film_store import FilmStore
    from pipeline.adapters.mask import MaskAudit

ORIGIN = "E-Da chest radiograph: pixel data as supplied, header rebuilt, identity replaced"
UNKNOWN_MARK = "status unknown: the mark gives no box"


@dataclass(slots=True)
class _Truth:
    """One film's boxes and status, with the books of its masks."""

    boxes: list[tuple[str, Box]]
    status: dict[str, int | None]
    masks: list[dict[str, Any]]


def import_eda(data: Path, store: FilmStore, *, options: dict[str, Any], progress: Callable[[int, int], None]) -> Outcome:
    """Write the films of an E-Da folder as DX files and return what the cohort and the report need.

    Args:
        data: folder with train.csv, train/ and, where supplied, test.csv.
        store: takes the DX files; its seed enters UIDs and the division of patients.
        options: ``shares`` of patients by split, where the profile gives them.
        progress: called with films done and films in all.

    Raises:
        DataError: the folder has no table that can be read, or no usable film.
    """
    book = Notebook()
    source = read_folder(data, book)
    patients: dict[str, set[str]] = {}
    for film in source.films:
        patients.setdefault(film.patient_id, set()).update(film.labels - {NORMAL})
    splits = divided(patients, store.seed, options.get("shares"))
    entries, masks = [], []
    for number, film in enumerate(source.films, start=1):
        split = splits[film.patient_id]
        truth = _truth(film, split, book)
        masks += truth.masks
        entry = _write(film, truth, split, store, book)
        entries += [entry] if entry else []
        progress(number, len(source.films))
    return Outcome(entries, book, _notes(entries), masks=masks, sources=source.sources, rows=source.lines())


def _truth(film: EdaFilm, split: str, book: Notebook) -> _Truth:
    """Return boxes and status; a finding whose marks give no box is unknown."""
    truth = _Truth([], dict.fromkeys(findings(), 0), [])
    for label in sorted(film.labels - {NORMAL}):
        marks = film.marks[label]
        if len(marks) > 1:
            book.note(film.film_id, "MASK-MERGED", f"{len(marks)} marks for {label}", "marks joined, boxes of all")
        try:
            books = _audited(film, marks)
        except MaskRefused as refused:
            truth.status[label] = None
            book.note(film.film_id, refused.code, f"{label}: {refused.found}", UNKNOWN_MARK)
            truth.masks.append({"film": film.film_id, "finding": label, "refused": refused.code, "found": refused.found})
            continue
        truth.status[label] = 1
        truth.boxes += [(label, (float(x0), float(y0), float(x1), float(y1))) for x0, y0, x1, y1 in books.boxes]
        truth.masks.append(_row(film.film_id, label, books))
        for part in books.components:
            if part.dropped:
                book.leave_out(split, label, part.dropped)
    truth.status.update(dict.fromkeys(film.unknown - film.labels))
    return truth


def _audited(film: EdaFilm, marks: tuple[Path, ...]) -> MaskAudit:
    """Join the marks of one finding by their larger value and audit them."""
    if not marks:
        raise MaskRefused("MASK-EMPTY", "no mark")
    rows, columns = film.foreign.attributes.rows, film.foreign.attributes.columns
    return audit(np.maximum.reduce([read_mask(mark.read_bytes(), rows, columns) for mark in marks]))


def _row(film_id: str, label: str, books: MaskAudit) -> dict[str, Any]:
    return {
        "film": film_id,
        "finding": label,
        "foreground_px": books.foreground,
        "ringing_px": books.ringing,
        "above_zero_px": books.above_zero,
        "components_above_zero": books.components_above_zero,
        "edge_shift_px": books.edge_shift,
        "components": [{"box": list(part.box), "area_px": part.area, "dropped": part.dropped} for part in books.components],
    }


def _write(film: EdaFilm, truth: _Truth, split: str, store: FilmStore, book: Notebook) -> dict[str, Any] | None:
    record = record_of(film.foreign, film.film_id, film.patient_id, ORIGIN)
    try:
        content = completed(film.foreign, record, store.seed)
    except NotCompleted as reason:
        book.note(film.place, "FILM-REFUSED", str(reason), "film left out")
        return None
    return cohort_film(
        record,
        split=split,
        sha256=store.put(record, content),
        boxes=truth.boxes,
        status=truth.status,
        vendor=film.foreign.vendor,
        modality=film.foreign.modality,
    )


def _notes(entries: list[dict[str, Any]]) -> list[str]:
    unknown = sum(status is None for entry in entries for status in entry["status"].values())
    return [
        "Real films: E-Da, supplied by the user; research use as agreed with the supplier.",
        f"{len(entries)} films, {sum(len(entry['boxes']) for entry in entries)} boxes.",
        f"{unknown} findings of films have unknown status because their mark gives no box.",
        "A film of the set counts as read for all seven findings: one that no row names is absent.",
        "The set gives each row one category, so a second finding on a film may be missing; label noise has to be estimated.",
        "Boxes come from JPEG marks: threshold 128, all 8-connected components, specks dropped and counted.",
        "Patients were divided into train, val and test here; the set's own test films have no labels.",
    ]
