"""Whether the test films were seen in training: by patient, by file, and by the picture itself under another name.

Patients and files are compared exactly (`validation.cohort.leaks`, which also refuses such a cohort). A film that was exported again with another window, compression or crop
has another hash; it is sought by its fine structure (`validation.studies.likeness`). That such copies would be found is shown on copies made for it:
training films changed in seven ways and sought among all training films.

Stated beforehand: no patient, no file and no near-duplicate across splits; at least 95 % of the planted copies are found, as the film they were made of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from device_sw.dicom.reader import read
from device_sw.preprocessing.intensity import normalise
from validation.cohort import leaks
from validation.metrics.result import Metric
from validation.studies.corruptions import CORRUPTIONS, spoilt
from validation.studies.film_file import open_film
from validation.studies.goals import Goal
from validation.studies.ledger import Ledger
from validation.studies.likeness import FINE_SIDE, SIDE, THE_SAME, compared, the_same, thumbnail
from validation.studies.sample import fixed_subsample
from validation.studies.wilson import share

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from validation.cohort import Cohort, Film
    from validation.protocol import Protocol
    from validation.studies.likeness import Thumbnail
    from validation.studies.subject import Report, Subject

GOALS = (
    Goal("shared", "patients and files in more than one split", "at-most", 0.0, "SRS-039"),
    Goal("near-duplicates", "test films that are, as pictures, films of training or validation", "at-most", 0.0, "SRS-039"),
    Goal("planted-found", "planted copies that are found as the film they were made of", "at-least", 0.95, "SRS-039"),
)
WAYS = (
    ("too bright", 3),
    ("wrong display curve", 3),
    ("quantum noise", 3),
    ("JPEG", 3),
    ("tilted", 1),
    ("collimated", 2),
    ("cropped", 0),
)
"""How copies are changed: corruption and grade; ``cropped`` takes 2 % off each side."""

PLANTED_FILMS = 12


def study(subject: Subject, films: Sequence[Film], plan: Protocol, replicates: int, report: Report) -> dict[str, Any]:
    """Return what splits share, the near-duplicates found, and whether planted copies are; plan and replicates are not used."""
    del plan, replicates
    cohort = subject.cohort()
    known = [film for film in cohort.films if film.split in {"train", "val"}]
    total = len(known) + len(films)
    ledger = Ledger(subject.work / "thumbnails", "1")
    small = []
    for count, film in enumerate((*known, *films), start=1):
        small.append(np.array(ledger.get(film.sha256, lambda film=film: _thumbnail(subject.cohort_folder / film.path).tolist())))
        report(count, total, "films")
    seen, asked = small[: len(known)], small[len(known) :]
    looked_at = compared(asked, seen, _fine_films(subject, films), _fine_films(subject, known))
    pairs = the_same(looked_at)
    planted = _planted(subject, known, seen)
    return {
        "goals": [goal.judged(metric) for goal, metric in zip(GOALS, _judged(cohort, films, known, pairs, planted), strict=True)],
        "threshold": THE_SAME,
        "compared_with": len(known),
        "shared": list(leaks(cohort)),
        "most_alike": max((value for _, _, value in looked_at), default=None),
        "pairs": [{"test": films[q].film_id, "known": known[k].film_id, "likeness": value} for q, k, value in pairs],
        "planted": planted,
    }


def _judged(
    cohort: Cohort, films: Sequence[Film], known: Sequence[Film], pairs: Sequence[tuple[int, int, float]], planted: dict[str, Any]
) -> tuple[Metric, Metric, Metric]:
    nobody = Metric.undefined("the cohort has no training films to compare with", denominator=0)
    found = Metric(float(len({query for query, _, _ in pairs})), denominator=len(films)) if known else nobody
    hits, of = sum(row["found"] for row in planted.values()), sum(row["copies"] for row in planted.values())
    return (
        Metric(float(len(leaks(cohort))), denominator=len(cohort.films)),
        found,
        share(hits, of, nothing="no copies were planted"),
    )


def _thumbnail(path: Path, side: int = SIDE) -> Thumbnail:
    return thumbnail(normalise(read(path)).pixels, side)


def _fine_films(subject: Subject, films: Sequence[Film]) -> Callable[[int], Thumbnail]:
    """Return the reading of a film by its place, at the fine resolution."""
    return lambda n: _thumbnail(subject.cohort_folder / films[n].path, FINE_SIDE)


def _planted(subject: Subject, known: Sequence[Film], seen: list[Thumbnail]) -> dict[str, Any]:
    """Return, for each way of changing, how many copies were planted and found, how many were taken for another film, and how alike they are to their own and to others."""
    place = {film.film_id: n for n, film in enumerate(known)}
    chosen = fixed_subsample(known, PLANTED_FILMS) if known else ()
    found = {}
    for name, grade in WAYS:
        copies = [_changed(open_film(subject.cohort_folder / film.path).picture, name, grade) for film in chosen]
        looked_at = compared(
            [thumbnail(copy) for copy in copies],
            seen,
            lambda n, made=copies: thumbnail(made[n], FINE_SIDE),
            _fine_films(subject, known),
        )
        own = [pair for pair in looked_at if pair[1] == place[chosen[pair[0]].film_id]]
        others = [pair for pair in looked_at if pair not in own]
        found[name] = {
            "grade": grade,
            "copies": len(copies),
            "found": len(the_same(own)),
            "taken_for_another": len(the_same(others)),
            "least_like_its_own": min((value for _, _, value in own), default=None),
            "most_like_another": max((value for _, _, value in others), default=None),
        }
    return found


def _changed(picture: NDArray[np.float64], name: str, grade: int) -> NDArray[np.float32]:
    if name == "cropped":
        rows, columns = (max(round(0.02 * side), 1) for side in picture.shape)
        picture = picture[rows:-rows, columns:-columns]
    else:
        picture = spoilt(picture, CORRUPTIONS[name], grade, seed=1)
    return np.clip(picture, 0.0, 1.0).astype(np.float32)
