"""Makes a cohort on disk: DICOM films, label images and one index with the exact truth.

The files depend on seed, patients and matrix alone: not on the number of workers, their order, the machine's clock or its name.
One thing more decides the last bit of a pixel: the vector instructions numpy picks at import. Callers run under the numeric environment that the
launcher fixes for the whole pipeline; under it the bytes repeat.
"""

from __future__ import annotations

import hashlib
import json
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from phantom import literature
from phantom.dicom import encode
from phantom.film import render
from phantom.patient import FINDINGS
from phantom.sampling import draw_cohort
from phantom.vendors import VENDORS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from phantom.film import RenderedFilm
    from phantom.patient import PatientSpec

SCHEMA = "thoratrace/cohort/1"


def _strata(spec: PatientSpec) -> dict[str, Any]:
    return {
        "sex": spec.sex,
        "age": spec.age,
        "age_band": spec.age_band,
        "body_size": spec.body_size,
        "vendor": spec.vendor,
        "view": spec.view,
        "modality": VENDORS[spec.vendor].modality,
        "dose": spec.dose,
    }


def _entry(split: str, film: RenderedFilm, film_id: str, digest: str) -> dict[str, Any]:
    present = {box.finding for box in film.truth.boxes}
    return {
        "film_id": film_id,
        "patient_id": film.specification.patient_id,
        "split": split,
        "path": f"films/{film_id}.dcm",
        "sha256": digest,
        "rows": int(film.dataset.Rows),
        "columns": int(film.dataset.Columns),
        "boxes": [{"finding": box.finding, "box": list(box.box), "severity": box.severity} for box in film.truth.boxes],
        "status": {finding: int(finding in present) for finding in FINDINGS},
        "measurements": {"cardiothoracic_ratio": film.truth.cardiothoracic_ratio, "cobb_angle_deg": film.truth.cobb_angle_deg},
        "strata": _strata(film.specification),
        "mask": f"masks/{film_id}.png",
        "scored": True,
        "exclusion": None,
    }


def _write_film(task: tuple[str, str, PatientSpec]) -> dict[str, Any]:
    """Render one film, write its two files and return its entry of the index."""
    destination, split, spec = task
    film = render(spec)
    film_id = f"{spec.patient_id}-1"
    content = encode(film.dataset)
    (Path(destination) / "films" / f"{film_id}.dcm").write_bytes(content)
    Image.fromarray(film.truth.labels, mode="L").save(Path(destination) / "masks" / f"{film_id}.png", compress_level=6)
    return _entry(split, film, film_id, hashlib.sha256(content).hexdigest())


def _run(tasks: list[tuple[str, str, PatientSpec]], workers: int) -> Iterable[dict[str, Any]]:
    if workers == 1:
        yield from map(_write_film, tasks)
        return
    with get_context("spawn").Pool(workers) as pool:
        yield from pool.imap(_write_film, tasks, chunksize=2)


def _notes() -> list[str]:
    return [
        "Digital phantom: no patient, no real film. Results on it are phantom results.",
        f"Distributions: phantom/literature.toml, SHA-256 {literature.digest()}.",
        "cardiac_hypertrophy is anatomical: the heart is enlarged when its ratio on a standard PA film exceeds 0.50; AP films magnify every heart.",
        "Boxes are read from the projected solids, to the cell of the soft-organ grid (2 film pixels at 1024).",
    ]


def generate(  # noqa: PLR0913  (the cohort stage names every one of them)
    destination: Path,
    *,
    seed: int,
    patients: Mapping[str, int],
    matrix: int,
    profile: str,
    budget: str,
    workers: int,
    progress: Callable[[int, int], None] | None,
) -> None:
    """Write ``cohort.json``, ``films/`` and ``masks/`` under ``destination``, one film a patient.

    ``patients``: number per split, in the order in which they are numbered. ``matrix``: pixels on the film's longer side.
    ``progress``, if given, is called with (films done, films in all) after each film.

    Raises:
        ValueError: no patients, workers below 1, or the frozen distributions were changed.
    """
    if workers < 1:
        raise ValueError(f"workers must be 1 or more, got {workers}")
    if literature.digest() != literature.frozen_digest():
        raise ValueError(
            "phantom/literature.toml differs from the frozen phantom/literature.sha256: restore it, or freeze a new version openly"
        )
    drawn = draw_cohort(seed, patients, matrix)
    for folder in ("films", "masks"):
        (destination / folder).mkdir(parents=True, exist_ok=True)
    tasks = [(str(destination), split, spec) for split, spec in drawn]
    films = []
    for entry in _run(tasks, workers):
        films.append(entry)
        if progress is not None:
            progress(len(films), len(tasks))
    index = {"schema": SCHEMA, "profile": profile, "budget": budget, "seed": seed, "notes": _notes(), "films": films}
    (destination / "cohort.json").write_text(json.dumps(index, indent=1, sort_keys=True) + "\n", encoding="utf-8")
