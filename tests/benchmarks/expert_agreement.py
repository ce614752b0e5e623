"""How well two teams of radiologists agree on where the lung is opaque: a scale for a detector that is judged by one team's boxes.

    python -m tests.benchmarks.expert_agreement --out evidence/real_films/agreement.json

Both teams drew boxes on films of NIH ChestX-ray14: RSNA ("Lung Opacity") and ChestX-Det ("Consolidation"). Counted are films on which both drew at least one;
boxes are paired one to one, as many pairs as possible, where they overlap by an IoU or more. The share is of each team's boxes that have a partner: the
sensitivity of the other team, were this one the truth. Intervals are patient-level, 95 %. Films on which one team drew and the other looked and drew nothing
are left out, which flatters the agreement.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from pipeline.run import REPOSITORY, file_sha256, write_json
from validation.metrics.intervals import draw
from validation.metrics.matching import pair_iou
from validation.metrics.rates import Rate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

BOXES = REPOSITORY.parent / "shared" / "data" / "cxr_boxes" / "annotations_only.csv"
TEAMS = {"rsna": "Lung Opacity", "chestxdet": "Consolidation"}
IOUS = (0.3, 0.5)
SEED, REPLICATES, LEVEL = 20261122, 2000, 0.95


def main() -> None:
    """Count, and write the record."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    films = read(BOXES)
    write_json(
        parser.parse_args().out,
        {
            "schema": "thoratrace/expert-agreement/1",
            "date": datetime.now(UTC).date().isoformat(),
            "boxes_sha256": file_sha256(BOXES),
            "teams": TEAMS,
            "films": len(films),
            "patients": len({patient_of(name) for name in films}),
            "boxes": {team: sum(len(drawn[team]) for drawn in films.values()) for team in TEAMS},
            "matched": {f"iou{round(iou * 100)}": {team: matched(films, team, iou) for team in TEAMS} for iou in IOUS},
        },
    )


def read(path: Path) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Return film -> team -> (n, 4) boxes x0, y0, x1, y1, of films on which both teams drew."""
    drawn: dict[str, dict[str, list[tuple[float, ...]]]] = defaultdict(lambda: defaultdict(list))
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if TEAMS.get(row["source"]) == row["source_label"]:
                x, y, width, height = (float(row[name]) for name in ("x", "y", "w", "h"))
                drawn[row["nih_name"]][row["source"]].append((x, y, x + width, y + height))
    both = {name: found for name, found in sorted(drawn.items()) if len(found) == len(TEAMS)}
    return {name: {team: np.array(found[team], dtype=np.float64) for team in TEAMS} for name, found in both.items()}


def patient_of(film: str) -> str:
    """Return the patient in a file name of the set.

    >>> patient_of("00000010_000.png")
    '00000010'
    """
    return film.partition("_")[0]


def matched(films: Mapping[str, Mapping[str, NDArray[np.float64]]], team: str, iou: float) -> dict:
    """Return the share of a team's boxes that have a partner among the other's."""
    pairs = np.array([partners(*drawn.values(), iou) for drawn in films.values()], dtype=np.int64)
    owned = np.array([len(drawn[team]) for drawn in films.values()], dtype=np.int64)
    rate = Rate(tuple(films), pairs, owned, "no film on which both drew")
    return rate.estimate(draw({name: patient_of(name) for name in films}, REPLICATES, SEED), LEVEL).to_json()


def partners(one: NDArray[np.float64], other: NDArray[np.float64], iou: float) -> int:
    """Return the largest number of pairs that overlap by an IoU or more, no box in two of them.

    >>> partners(np.array([[0.0, 0, 10, 10]]), np.array([[0.0, 0, 10, 10], [0, 0, 10, 9]]), 0.5)
    1
    """
    over = np.stack([pair_iou(np.broadcast_to(box, other.shape), other) for box in one]) >= iou
    return int((maximum_bipartite_matching(csr_array(over.astype(np.int8)), perm_type="column") >= 0).sum())


if __name__ == "__main__":
    main()
