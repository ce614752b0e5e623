"""Describes an imported dataset: how many films, patients, views and boxes there are, how large the boxes are, and what was left out and why."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.adapters.outcome import Outcome

SCHEMA = "thoratrace/dataset-report/2"


def dataset_report(outcome: Outcome) -> dict[str, Any]:
    """Return the report as plain values."""
    entries, book = outcome.entries, outcome.book
    splits = {split: [entry for entry in entries if entry["split"] == split] for split in ("train", "val", "test")}
    return {
        "schema": SCHEMA,
        "splits": {split: _split(films) for split, films in splits.items()},
        "sources": outcome.sources,
        "excluded_boxes": [
            {"split": split, "class": label, "reason": reason, "boxes": count}
            for (split, label, reason), count in sorted(book.excluded.items())
        ],
        "unscored_films": [
            {"split": split, "reason": reason, "films": count}
            for split, films in splits.items()
            for reason, count in sorted(Counter(film["exclusion"] for film in films if not film["scored"]).items())
        ],
        "remarks": book.table(),
        "remark_counts": dict(sorted(Counter(remark.code for remark in book.remarks).items())),
        "masks": outcome.masks,
        "rows_of_film": outcome.rows,
    }


def _split(films: list[dict[str, Any]]) -> dict[str, Any]:
    ages = sorted(film["strata"]["age"] for film in films if film["strata"]["age"] is not None)
    findings = sorted({name for film in films for name in film["status"]})
    return {
        "films": len(films),
        "patients": len({film["patient_id"] for film in films}),
        "sizes": dict(sorted(Counter(f"{film['rows']}x{film['columns']}" for film in films).items())),
        "strata": {
            name: dict(sorted(Counter(film["strata"][name] for film in films).items())) for name in ("view", "sex", "age_band")
        },
        "age_years": {"known": len(ages), "lowest": ages[0], "median": ages[len(ages) // 2], "highest": ages[-1]}
        if ages
        else {"known": 0},
        "findings": {name: _finding(films, name) for name in findings},
    }


def _finding(films: list[dict[str, Any]], name: str) -> dict[str, Any]:
    status = Counter(film["status"][name] for film in films)
    boxes = [(box["box"], film) for film in films for box in film["boxes"] if box["finding"] == name]
    return {
        "present": status[1],
        "absent": status[0],
        "nobody_looked": status[None],
        "boxes": len(boxes),
        "boxes_by_view": dict(sorted(Counter(film["strata"]["view"] for _, film in boxes).items())),
        "width_px": _quartiles([box[2] - box[0] for box, _ in boxes]),
        "height_px": _quartiles([box[3] - box[1] for box, _ in boxes]),
        "area_share": _quartiles(
            [(box[2] - box[0]) * (box[3] - box[1]) / (film["rows"] * film["columns"]) for box, film in boxes]
        ),
    }


def _quartiles(values: list[float]) -> dict[str, float] | None:
    """Return minimum, quartiles (nearest rank) and maximum, None without values.

    >>> _quartiles([4.0, 1.0, 3.0, 2.0, 5.0])
    {'min': 1.0, 'q1': 2.0, 'median': 3.0, 'q3': 4.0, 'max': 5.0}
    """
    if not values:
        return None
    ranked = sorted(values)
    last = len(ranked) - 1
    return {
        name: round(ranked[round(last * share)], 6)
        for name, share in (("min", 0), ("q1", 0.25), ("median", 0.5), ("q3", 0.75), ("max", 1))
    }
