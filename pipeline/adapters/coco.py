"""Brings a COCO folder of real chest films into the cohort format: classes mapped, every box that is left out counted, films wrapped as DX.

Rules, all stated in the cohort's notes:
- only ``primary`` boxes count, so that one team speaks per class;
- null status stays null: nobody looked, so the film is neither positive nor negative;
- generic pleural thickening is our apical finding only where the whole box lies in the upper third of the image; a film with other thickening alone is
  neither positive nor negative for it;
- where two teams dispute lung opacity the film is not scored, its status is null and its boxes are left out.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pipeline.adapters.coco_source import read_folder
from pipeline.adapters.cohort_film import APICAL, NOT_APICAL, NOT_OURS, cohort_film, is_apical
from pipeline.adapters.dx import FilmRecord
from pipeline.adapters.outcome import Outcome
from pipeline.adapters.remarks import Notebook
from pipeline.adapters.wrap import wrapped

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pipeline.adapters.coco_source import SourceBox, SourceFilm
    from pipeline.adapters.cohort_film import Box
    from pipeline.adapters.film_store import FilmStore

FINDING_OF: Mapping[str, str] = MappingProxyType(
    {
        "cardiac_hypertrophy": "cardiac_hypertrophy",
        "aortic_atherosclerosis_calcification": "aortic_atherosclerosis_calcification",
        "aortic_curvature": "aortic_curvature",
        "pleural_thickening": APICAL,
        "lung_infiltration": "lung_field_infiltration",
        "degenerative_joint_disease_thoracic_spine": "degenerative_joint_disease_of_the_thoracic_spine",
        "scoliosis": "scoliosis",
    }
)
"""Class name in the COCO files -> finding id of the device."""

DISPUTED = "disputed: two teams contradict each other on lung opacity"
NOT_PRIMARY = "not the primary box of its class"
CONTRADICTED = "box without the status present"
ORIGIN = "8-bit display picture of NIH ChestX-ray14 (grey levels and window of the original lost), re-encoded as JPEG, wrapped unchanged"


@dataclass(slots=True)
class _Mapped:
    """One film's truth in our findings, and why boxes were left out."""

    boxes: list[tuple[str, Box]] = field(default_factory=list)
    status: dict[str, int | None] = field(default_factory=dict)
    excluded: Counter[tuple[str, str]] = field(default_factory=Counter)


def import_coco(data: Path, store: FilmStore, *, options: dict[str, Any], progress: Callable[[int, int], None]) -> Outcome:  # noqa: ARG001  one signature for all adapters
    """Write the films of a COCO folder as DX files and return what the cohort and the report need.

    Args:
        data: folder with train.json, val.json, test.json and images.
        store: takes the DX files; its seed enters their UIDs.
        options: none.
        progress: called with films done and films in all.

    Raises:
        DataError: the folder cannot become a cohort; nothing but films may have been written.
    """
    book = Notebook()
    entries: list[dict[str, Any]] = []
    source = read_folder(data)
    for film in source:
        truth = map_truth(film)
        content = wrapped((data / film.file_name).read_bytes(), picture(film), store.seed)
        entries.append(_entry(film, truth, store.put(picture(film), content)))
        for (label, reason), count in truth.excluded.items():
            book.leave_out(film.split, label, reason, count)
        progress(len(entries), len(source))
    return Outcome(entries, book, _notes(entries, book.excluded))


def map_truth(film: SourceFilm) -> _Mapped:
    """Return a film's boxes and status in our findings by the module's rules, with the count of every box left out."""
    mapped = _Mapped()
    for box in film.boxes:
        reason = _left_out(film, box)
        if reason is None:
            mapped.boxes.append((FINDING_OF[box.label], box.box))
        else:
            mapped.excluded[box.label, reason] += 1
    present = {finding for finding, _ in mapped.boxes}
    mapped.status = {finding: _status(film, label, finding in present) for label, finding in FINDING_OF.items()}
    return mapped


def _left_out(film: SourceFilm, box: SourceBox) -> str | None:
    if box.label not in FINDING_OF:
        return NOT_OURS
    if not box.primary:
        return NOT_PRIMARY
    if film.disputed and box.label == "lung_infiltration":
        return DISPUTED
    if FINDING_OF[box.label] == APICAL and not is_apical(box.box, film.height):
        return NOT_APICAL
    return None if film.status.get(box.label) == 1 else CONTRADICTED


def _status(film: SourceFilm, label: str, present: bool) -> int | None:  # noqa: FBT001 - a fact about the film, not an option
    """Return 1, 0 or None; a present finding whose every box was left out is unknown for us, and so is a disputed or contradicted one."""
    stated = film.status.get(label)
    if film.disputed and label == "lung_infiltration":
        return None
    if any(box.label == label and _left_out(film, box) in {NOT_APICAL, CONTRADICTED} for box in film.boxes) and not present:
        return None
    return stated


def picture(film: SourceFilm) -> FilmRecord:
    """Return what is known of a film beside its pixels and truth."""
    return FilmRecord(
        film_id=film.film_id,
        patient_id=f"NIH-{film.patient}",
        view=film.view,
        sex=film.sex,
        age=film.age,
        rows=film.height,
        columns=film.width,
        origin=ORIGIN,
    )


def _entry(film: SourceFilm, truth: _Mapped, sha256: str) -> dict[str, Any]:
    return cohort_film(
        picture(film),
        split=film.split,
        sha256=sha256,
        boxes=truth.boxes,
        status=truth.status,
        exclusion=DISPUTED if film.disputed else None,
    )


def _notes(entries: list[dict[str, Any]], excluded: Counter[tuple[str, str, str]]) -> list[str]:
    children = sum(entry["strata"]["age_band"] == "0-17" for entry in entries)
    unscored = sum(not entry["scored"] for entry in entries)
    left_out: Counter[str] = Counter()
    for (_, _, reason), count in excluded.items():
        left_out[reason] += count
    return [
        "Real films: NIH ChestX-ray14 pictures (NIH Clinical Center; Wang et al., CVPR 2017), boxes of RSNA 2018, ChestX-Det and NIH; attribution required.",
        "8-bit JPEG pictures wrapped as DX objects without re-encoding; original grey levels, window, date, device and pixel spacing are unknown and left out.",
        f"{len(entries)} films, {sum(len(entry['boxes']) for entry in entries)} boxes; {unscored} films not scored ({DISPUTED}).",
        f"{children} films of patients under 18 are kept; the device refuses them.",
        "Pleural thickening counts as the apical finding only where the whole box lies in the upper third of the image; else the status is null.",
        "A null status means that nobody looked; it is never a negative.",
        *(f"{count} boxes left out: {reason}." for reason, count in sorted(left_out.items())),
    ]
