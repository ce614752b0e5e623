"""Lays out what a level does not make again: parameters and lock of the released run, and at level ``eval`` its model with the training that led to it.

The weights of the training are those of the bundle, and its two pictures are drawn again from its history; so a clone with the release's own folder is
enough, once history and training record are there.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from pipeline.release.errors import ReleaseRefused
from pipeline.run import read_json

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.release.record.folder import ReleaseFolder

RUN = ("params.yaml", "dvc.lock")
TRAINING = ("history.json", "training.json")
WEIGHTS = "weights.safetensors"


def restore_run(folder: ReleaseFolder, root: Path) -> None:
    """Put parameters and lock of the released run into the root."""
    for name in RUN:
        shutil.copyfile(folder.place(f"files/{name}"), root / name)


def restore_model(folder: ReleaseFolder, root: Path) -> None:
    """Put bundle and training of the release where the pipeline would have left them.

    Raises:
        ReleaseRefused: ``REL-MISSING``, the training's records are not there.
    """
    names = [each.name for each in folder.record().subjects]
    for name in names:
        if name.startswith("bundle/"):
            _copy(folder.place(name), root / "artifacts" / name)
    for name in TRAINING:
        part = f"files/training/{name}"
        if part not in names:
            raise ReleaseRefused(
                "REL-MISSING",
                where=part,
                found="no such part",
                expected="the training's record, which the technical file describes",
                repair="make this release again at level train",
            )
        _copy(folder.place(part), root / "artifacts" / "training" / name)
    training = root / "artifacts" / "training"
    _copy(root / "artifacts" / "bundle" / WEIGHTS, training / WEIGHTS)
    _draw(training)


def _draw(training: Path) -> None:
    from device_sw.detector.architecture import architecture_from_json  # noqa: PLC0415  heavy imports where they are used
    from device_sw.detector.families.registry import family_of  # noqa: PLC0415
    from pipeline.training import curves  # noqa: PLC0415

    record = read_json(training / "training.json")
    history = [_as_trained(row, record["findings"]) for row in read_json(training / "history.json")["epochs"]]
    losses = family_of(architecture_from_json(record["architecture"])).losses
    curves.draw(history, record["best_epoch"] - 1, losses, training)


def _as_trained(row: dict[str, Any], findings: list[str]) -> dict[str, Any]:
    """Return an epoch with the findings in the order of the training, in which their lines are drawn; the file has them sorted."""
    by_finding = row["validation"]["ap50_by_finding"]
    return {**row, "validation": {**row["validation"], "ap50_by_finding": {name: by_finding[name] for name in findings}}}


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
