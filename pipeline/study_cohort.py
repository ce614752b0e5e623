"""Films for studies that need more than the run's test films: new phantom patients in blocks of 240, made once, open to everybody.

A block is whole or not there, so making them goes on where it stopped; more patients keep those that were there. Every block has a seed of its own, none
of them that of a run. This is no test cohort of the protocol and replaces none: studies describe.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from phantom.cohort import generate
from pipeline.run import available_workers, read_json, write_json

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.progress import Report

BLOCK = 240
FIRST_SEED = 20261121
MATRIX = 1024


def make(folder: Path, blocks: int, report: Report, size: int = BLOCK) -> Path:
    """Return the folder of a cohort of ``blocks`` blocks of ``size`` patients, all of them test films; what is there already is not made again.

    Raises:
        ValueError: fewer than one block.
    """
    if blocks < 1:
        raise ValueError(f"at least one block is needed, got {blocks}")
    indices = [_block(folder, number, blocks, size, report) for number in range(blocks)]
    films = [_renamed(film, number) for number, index in enumerate(indices) for film in index["films"]]
    whole = folder / f"blocks-{blocks}"
    write_json(whole / "cohort.json", indices[0] | {"seed": FIRST_SEED, "films": films})
    return whole


def _block(folder: Path, number: int, blocks: int, size: int, report: Report) -> dict[str, Any]:
    place = folder / f"block-{number:02d}"
    if not (place / "cohort.json").is_file():
        shutil.rmtree(place, ignore_errors=True)
        generate(
            place,
            seed=FIRST_SEED + number,
            patients={"test": size},
            matrix=MATRIX,
            profile="phantom",
            budget="quick",
            workers=available_workers(),
            progress=lambda done, _: report(number * size + done, blocks * size, "films"),
        )
    return dict(read_json(place / "cohort.json"))


def _renamed(film: dict[str, Any], number: int) -> dict[str, Any]:
    """Return a film's entry with ids that tell blocks apart and paths seen from the whole cohort's folder."""
    block = f"block-{number:02d}"
    ids = {name: f"S{number:02d}-{film[name]}" for name in ("film_id", "patient_id")}
    return film | ids | {name: f"../{block}/{film[name]}" for name in ("path", "mask")}
