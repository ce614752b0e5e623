"""Brings VinDr-CXR into the cohort format: classes mapped, readers brought together, DICOM files completed to DX.

Rules, all stated in the cohort's notes:
- a training film's finding is present where two readers boxed the same place (IoU at least 0.4), with the median of their edges; absent where at least two
  read the film and none boxed it; else unknown. A box that one reader alone drew is left out and counted. Test films carry the consensus: every box counts;
- enlargement of the aorta is not its curvature, and a calcification has no stated site: both are left out, and the aortic findings stay unknown on every film.
  So do scoliosis and joint disease, which nobody was asked for;
- a lung opacity, consolidation or interstitial disease without infiltration leaves infiltration unknown: readers use the words for one another;
- generic pleural thickening is ours in the upper third only; the set names no patients, so each image counts as one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pipeline.adapters.box_cells import NoBox, fitted, overlap
from pipeline.adapters.cohort_film import APICAL, NOT_APICAL, NOT_OURS, cohort_film, is_apical
from pipeline.adapters.completion import NotCompleted, completed, open_foreign, record_of
from pipeline.adapters.errors import DataError
from pipeline.adapters.labels import findings
from pipeline.adapters.outcome import Outcome
from pipeline.adapters.remarks import Notebook
from pipeline.adapters.splitting import SHARES, divided
from pipeline.adapters.vindr_source import VindrImage, read_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pipeline.adapters.cohort_film import Box
    from pipeline.adapters.completion import ForeignFilm
    from pipeline.adapters.film_store import FilmStore
    from pipeline.adapters.vindr_source import Statement

FINDING_OF: Mapping[str, str] = MappingProxyType(
    {"Cardiomegaly": "cardiac_hypertrophy", "Infiltration": "lung_field_infiltration", "Pleural thickening": APICAL}
)
"""Class of VinDr-CXR -> finding id of the device."""

NEIGHBOURS: Mapping[str, frozenset[str]] = MappingProxyType(
    {"lung_field_infiltration": frozenset({"Lung Opacity", "Consolidation", "ILD"})}
)
"""Finding -> classes that readers use for the same look; with one of them alone the finding is unknown."""

AGREEMENT = 0.4
"""Least overlap (IoU) of two readers' boxes of one finding, the matching rule of the set's own challenge."""

LEAST_READERS = 2
OTHER_AORTA = "enlargement of the aorta is not its curvature"
NO_SITE = "calcification without a stated site"
ONE_READER = "drawn by one reader alone"
LEAVES_FILM = "leaves the film"
ORIGIN = "VinDr-CXR: pixel data as published, header completed to DX, identity as published"
_REASONS = {"Aortic enlargement": OTHER_AORTA, "Calcification": NO_SITE}


@dataclass(slots=True)
class _Truth:
    boxes: list[tuple[str, Box]] = field(default_factory=list)
    status: dict[str, int | None] = field(default_factory=dict)


def import_vindr(data: Path, store: FilmStore, *, options: dict[str, Any], progress: Callable[[int, int], None]) -> Outcome:
    """Write the films of VinDr-CXR as DX files and return what the cohort and the report need.

    Args:
        data: folder with annotations, train/ and, where supplied, test/.
        store: takes the DX files; its seed enters UIDs and the division of films.
        options: ``shares`` of films by split, where the profile gives them.
        progress: called with films done and films in all.

    Raises:
        DataError: the folder has no table that can be read, or no usable film.
    """
    book = Notebook()
    images, sources = read_tables(data, book)
    present = _present(images, book)
    splits = _splits(present, store.seed, options.get("shares"))
    entries: list[dict[str, Any]] = []
    rows: dict[str, list[str]] = {}
    for number, image in enumerate(present, start=1):
        entry = _entry(image, splits[image.image_id], store, book)
        if entry:
            entries.append(entry)
            rows[entry["film_id"]] = image.places
        progress(number, len(present))
    if not entries:
        raise DataError(
            "DATA-FORMAT",
            where="annotations",
            found="no film that can be used",
            expected="DICOM files that the tables name",
            repair="put the DICOM files in train/ and test/",
        )
    return Outcome(entries, book, _notes(entries, images), sources=sources, rows=rows)


def _present(images: list[VindrImage], book: Notebook) -> list[VindrImage]:
    for image in images:
        if image.path is None:
            book.note(", ".join(image.places), "ROW-MISSING", "no DICOM file of this image", "film left out")
    return [image for image in images if image.path is not None]


def _splits(images: list[VindrImage], seed: int, shares: Mapping[str, float] | None) -> dict[str, str]:
    """Keep the official test films; divide the others, into all three splits where there is no official test."""
    chosen = dict(shares or SHARES)
    labels = {image.image_id: {one.label for one in image.statements if one.label in FINDING_OF} for image in images}
    official = {image.image_id for image in images if image.official == "test"}
    if official:
        chosen.pop("test", None)
    rest = {name: found for name, found in labels.items() if name not in official}
    return divided(rest, seed, chosen) | dict.fromkeys(official, "test")


def _entry(image: VindrImage, split: str, store: FilmStore, book: Notebook) -> dict[str, Any] | None:
    where = ", ".join(image.places)
    try:
        foreign = _opened(image)
        record = record_of(foreign, f"vindr-{image.image_id}", f"VINDR-{image.image_id}", ORIGIN)
        content = completed(foreign, record, store.seed)
    except NotCompleted as reason:
        book.note(where, "FILM-REFUSED", str(reason), "film left out")
        return None
    truth = map_truth(image, split, record.rows, record.columns, book)
    return cohort_film(
        record,
        split=split,
        sha256=store.put(record, content),
        boxes=truth.boxes,
        status=truth.status,
        vendor=foreign.vendor,
        modality=foreign.modality,
    )


def _opened(image: VindrImage) -> ForeignFilm:
    if image.path is None:
        raise NotCompleted("no file")
    return open_foreign(image.path, view="PA")


def map_truth(image: VindrImage, split: str, rows: int, columns: int, book: Notebook) -> _Truth:
    """Return a film's boxes and status in our findings by the module's rules; every box left out is counted."""
    truth = _Truth(status=dict.fromkeys(findings()))
    usable = [one for one in image.statements if _usable(one, split, rows, columns, book)]
    for label, finding in FINDING_OF.items():
        drawn = [one for one in usable if one.label == label]
        kept, alone = (drawn_boxes(drawn), 0) if image.consensus else agreed(drawn)
        if alone:
            book.leave_out(split, label, ONE_READER, alone)
        boxes = [fitted(box, rows, columns)[0] for box in kept]
        ours = [box for box in boxes if finding != APICAL or is_apical(box, rows)]
        if len(ours) < len(boxes):
            book.leave_out(split, label, NOT_APICAL, len(boxes) - len(ours))
        truth.boxes += [(finding, box) for box in ours]
        truth.status[finding] = _status(image, finding, label, ours)
    if not image.consensus and not _is_read(image):
        book.note(image.places[0], "ROW-READERS", f"{len(image.readers)} reader of this film", "findings unknown")
    return truth


def _usable(one: Statement, split: str, rows: int, columns: int, book: Notebook) -> bool:
    """Count and refuse boxes of classes that are not ours and boxes beyond the film; tell of those that are cut."""
    if one.label not in FINDING_OF:
        book.leave_out(split, one.label, _REASONS.get(one.label, NOT_OURS))
        return False
    try:
        cut = fitted(one.box, rows, columns)[1]
    except NoBox as reason:
        book.note(one.place, "ROW-BOX", f"{one.label}: {reason}", "row left out")
        book.leave_out(split, one.label, LEAVES_FILM)
        return False
    if cut:
        book.note(one.place, "ROW-BOX", f"{one.label}: a box that leaves the film a little", "box cut at the edge")
    return True


def drawn_boxes(statements: list[Statement]) -> list[Box]:
    """Return the boxes as drawn."""
    return [one.box for one in statements]


def agreed(statements: list[Statement]) -> tuple[list[Box], int]:
    """Return the boxes that at least two readers drew, as medians of their edges, and how many boxes stand alone.

    Each box joins the group whose first box it overlaps most, if by ``AGREEMENT`` and without a box of the same reader; else it begins one.
    """
    groups: list[list[Statement]] = []
    for one in statements:
        open_groups = [group for group in groups if one.reader not in {other.reader for other in group}]
        best = max(open_groups, key=lambda group: overlap(group[0].box, one.box), default=None)
        if best is not None and overlap(best[0].box, one.box) >= AGREEMENT:
            best.append(one)
        else:
            groups.append([one])
    shared = [group for group in groups if len(group) >= LEAST_READERS]
    boxes = []
    for group in shared:
        x0, y0, x1, y1 = (median(edge) for edge in zip(*(one.box for one in group), strict=True))
        boxes.append((x0, y0, x1, y1))
    return boxes, sum(len(group) for group in groups if len(group) < LEAST_READERS)


def _status(image: VindrImage, finding: str, label: str, ours: list[Box]) -> int | None:
    """Return 1 with a box, 0 where enough readers saw neither the finding nor a look-alike and no unusable row names one, else None."""
    if not _is_read(image):
        return None
    if ours:
        return 1
    named = {one.label for one in image.statements} | image.in_doubt
    return None if named & ({label} | NEIGHBOURS.get(finding, frozenset())) else 0


def _is_read(image: VindrImage) -> bool:
    """Say whether enough people who did not contradict themselves read a film: two readers, or the consensus."""
    return len(image.readers) >= (1 if image.consensus else LEAST_READERS)


def _notes(entries: list[dict[str, Any]], images: list[VindrImage]) -> list[str]:
    official = any(image.official == "test" for image in images)
    return [
        "Real films: VinDr-CXR (Nguyen et al., Scientific Data 9, 429, 2022); PhysioNet credentialed licence, no redistribution.",
        f"{len(entries)} films, {sum(len(entry['boxes']) for entry in entries)} boxes.",
        "Training films: a finding is present where two readers boxed the same place (IoU at least 0.4), absent where at least two read and none boxed it, else unknown.",
        "Test films: the consensus of the set." if official else "No official test table: all films were divided here.",
        "The aortic findings, scoliosis and joint disease are unknown on every film; the set does not ask for them as we mean them.",
        "The set names no patients: each image counts as one, and two images of one patient may lie in two splits.",
    ]
