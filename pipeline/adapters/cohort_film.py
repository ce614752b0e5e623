"""A film of cohort.json as every adapter writes it, and the rules that several sources share: age bands, and which pleural thickening is ours."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from pipeline.adapters.dx import FilmRecord

SCHEMA = "thoratrace/cohort/1"
APICAL = "intercostal_pleural_thickening"
NOT_OURS = "class is none of the seven findings"
NOT_APICAL = "pleural thickening outside the upper third of the image"

Box = tuple[float, float, float, float]


def cohort_film(  # noqa: PLR0913  one keyword for each fact of the format
    film: FilmRecord,
    *,
    split: str,
    sha256: str,
    boxes: Iterable[tuple[str, Box]],
    status: Mapping[str, int | None],
    exclusion: str | None = None,
    vendor: str = "unknown",
    modality: str = "unknown",
) -> dict[str, Any]:
    """Return the film's entry; ``exclusion`` is why it is not scored, None where it is.

    Args:
        film: the record that the DICOM object was written from.
        split: train, val or test.
        sha256: of the DICOM file.
        boxes: finding and box x0, y0, x1, y1 in film pixels.
        status: finding -> 1 present, 0 looked for and absent, None nobody looked or nobody knows.
        exclusion: reason why the film takes no part in scoring.
        vendor: manufacturer as the source states it.
        modality: CR or DX where the source states it.
    """
    return {
        "film_id": film.film_id,
        "patient_id": film.patient_id,
        "split": split,
        "path": f"films/{film.film_id}.dcm",
        "sha256": sha256,
        "rows": film.rows,
        "columns": film.columns,
        "boxes": [{"finding": finding, "box": list(box), "severity": None} for finding, box in boxes],
        "status": dict(status),
        "measurements": {},
        "strata": {
            "body_size": "unknown",
            "vendor": vendor,
            "dose": "unknown",
            "sex": film.sex,
            "age": film.age,
            "age_band": age_band(film.age),
            "view": film.view,
            "modality": modality,
        },
        "mask": None,
        "scored": exclusion is None,
        "exclusion": exclusion,
    }


def age_band(age: int | None) -> str:
    """Return the age stratum.

    >>> age_band(17), age_band(18), age_band(60), age_band(None)
    ('0-17', '18-39', '60-74', 'unknown')
    """
    if age is None:
        return "unknown"
    return next(band for lowest, band in ((75, "75+"), (60, "60-74"), (40, "40-59"), (18, "18-39"), (0, "0-17")) if age >= lowest)


def is_apical(box: Box, rows: int) -> bool:
    """Say whether generic pleural thickening is our apical finding: the whole box lies in the upper third of the image.

    >>> is_apical((0, 10, 50, 100), 300), is_apical((0, 10, 50, 101), 300)
    (True, False)
    """
    return box[3] <= rows / 3


def write_json(path: Path, value: Any) -> None:
    """Write sorted JSON that keeps Chinese text readable; NaN is refused."""
    path.write_text(json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def write_cohort(  # noqa: PLR0913  the head of the format
    destination: Path, entries: list[dict[str, Any]], *, profile: str, budget: str, seed: int, notes: list[str]
) -> None:
    """Write cohort.json."""
    cohort = {"schema": SCHEMA, "profile": profile, "budget": budget, "seed": seed, "notes": notes, "films": entries}
    write_json(destination / "cohort.json", cohort)
