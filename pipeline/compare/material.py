"""The films that every family of a comparison sees: those of a finished run, or an even share of their patients for a trial.

Prepared arrays and cohort are written once beside the trials; the films themselves stay where they are and are linked to.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.compare.errors import ComparisonError
from pipeline.run import file_sha256, read_json, write_json
from pipeline.training.dataset import write_split

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pipeline.run import Run

PREPARED = ("train", "val")
LINKED = ("films", "masks")


@dataclass(frozen=True)
class Material:
    """Folders ``cohort`` and ``prepared`` as the stages expect them, and one SHA-256 over both."""

    folder: Path
    sha256: str


def params_of(source: Run) -> dict[str, Any]:
    """Return the parameters of a run.

    Raises:
        ComparisonError: CMP-DATA, there is no such run.
    """
    if not (source.root / "params.yaml").is_file():
        raise _unusable("no params.yaml", "the folder of a run")
    return source.params()


def gather(source: Run, folder: Path, share: float) -> Material:
    """Write the films of a run, or an even share of the patients of each split, into ``folder`` and return them.

    Raises:
        ComparisonError: CMP-DATA, the run has no cohort or no prepared films, or the share leaves a split empty.
    """
    wanted = [source.artifact("cohort") / "cohort.json", *(source.artifact("prepared") / f"{split}.npy" for split in PREPARED)]
    if missing := [path for path in wanted if not path.exists()]:
        raise _unusable(f"no {missing[0].name} in {missing[0].parent.name}", "a run with cohort and prepared films")
    cohort = read_json(wanted[0])
    films = [film for split in ("train", "val", "test") for film in _share_of(cohort["films"], split, share)]
    kept = {film["film_id"] for film in films}
    write_json(folder / "cohort" / "cohort.json", {**cohort, "films": films})
    for name in LINKED:
        _link(folder / "cohort" / name, source.artifact("cohort") / name)
    for split in PREPARED:
        _write_prepared(source, folder / "prepared", split, kept)
    return Material(folder, _sha256_of(folder))


def _share_of(films: Iterable[dict[str, Any]], split: str, share: float) -> list[dict[str, Any]]:
    """Return the films of evenly spaced patients of one split; share 1 is all of them."""
    own = [film for film in films if film["split"] == split]
    patients = list(dict.fromkeys(film["patient_id"] for film in own))
    count = round(len(patients) * share)
    if not count:
        raise _unusable(f"{len(patients)} patients in {split}, of which {share:g} is none", "at least one patient in each split")
    chosen = {patients[index] for index in np.linspace(0, len(patients) - 1, count).astype(int).tolist()}
    return [film for film in own if film["patient_id"] in chosen]


def _write_prepared(source: Run, folder: Path, split: str, kept: set[str]) -> None:
    rows = json.loads((source.artifact("prepared") / f"{split}.json").read_text(encoding="utf-8"))["films"]
    chosen = [index for index, row in enumerate(rows) if row["film_id"] in kept]
    if not chosen:
        raise _unusable(f"no prepared film of {split} in the share", "at least one film in each split")
    folder.mkdir(parents=True, exist_ok=True)
    pixels = np.load(source.artifact("prepared") / f"{split}.npy", mmap_mode="r")
    write_split(folder, split, pixels[chosen], [rows[index] for index in chosen])


def _link(place: Path, target: Path) -> None:
    if target.is_dir() and not place.is_symlink():
        place.symlink_to(target.resolve(), target_is_directory=True)


def _sha256_of(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted([folder / "cohort" / "cohort.json", *(folder / "prepared").iterdir()]):
        digest.update(f"{path.name} {file_sha256(path)}\n".encode())
    return digest.hexdigest()


def _unusable(found: str, expected: str) -> ComparisonError:
    return ComparisonError(
        "CMP-DATA",
        where="the run to compare on",
        found=found,
        expected=expected,
        repair="run `./qms demo` or `./qms pipeline` first, or take a larger share",
    )
