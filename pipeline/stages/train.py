"""Stage `train`: the detector in audit mode; weights, history and curves."""

from __future__ import annotations

import hashlib
import json
import shutil
from typing import TYPE_CHECKING, Any

from safetensors.torch import save_file

from device_sw.detector.families.registry import family_of
from pipeline.progress import bar
from pipeline.run import REPOSITORY, Run, available_workers, file_sha256, write_json
from pipeline.training import curves
from pipeline.training.checkpoint import Checkpoint
from pipeline.training.configuration import TrainingConfiguration
from pipeline.training.evaluation import validation_figures
from pipeline.training.loop import TrainedDetector, train
from pipeline.training.transfer import read_source

if TYPE_CHECKING:
    from pathlib import Path


def main() -> None:
    """Write artifacts/training from artifacts/prepared and the `train` section of params.yaml."""
    run = Run.here()
    params = run.params()
    configuration = TrainingConfiguration.from_params(params["train"])
    checkpoint = Checkpoint(run.artifact("checkpoints") / "training.safetensors", _key(run, params))
    with bar("training") as report:
        trained = train(
            run.artifact("prepared"),
            configuration,
            score_floor=params["package"]["score_floor"],
            workers=available_workers(),
            evaluate=validation_figures(configuration.findings),
            progress=report,
            checkpoint=checkpoint,
        )
    checkpoint.remove()
    _write(run.artifact("training"), trained, params)


def _key(run: Run, params: dict[str, Any]) -> str:
    """Return the hash of everything that decides the weights: data, parameters and the code of training and network."""
    code = [
        *sorted((REPOSITORY / "pipeline" / "training").glob("*.py")),
        REPOSITORY / "device_sw" / "detector" / "architecture.py",
        *sorted((REPOSITORY / "device_sw" / "detector" / "families").glob("*.py")),
    ]
    source = params["train"]["transfer"]["source"]
    files = [*sorted(run.artifact("prepared").iterdir()), *code]
    parts = [
        json.dumps(params["train"], sort_keys=True),
        str(params["package"]["score_floor"]),
        read_source(source)[1] if source else "",
        *(file_sha256(path) for path in files),
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _write(folder: Path, trained: TrainedDetector, params: dict[str, Any]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    weights = folder / "weights.safetensors"
    save_file(trained.state, weights)
    write_json(
        folder / "history.json",
        {"schema": "thoratrace/history/1", "epochs": trained.history, "best_epoch": trained.best_epoch + 1},
    )
    write_json(
        folder / "training.json",
        {
            "schema": "thoratrace/training/1",
            "architecture": trained.architecture.to_json(),
            "findings": params["train"]["findings"],
            "best_epoch": trained.best_epoch + 1,
            "weights_sha256": file_sha256(weights),
            "mode": "audit (canonical, CPU)",
            **({"transfer": trained.transferred.to_json()} if trained.transferred else {}),
        },
    )
    curves.draw(trained.history, trained.best_epoch, family_of(trained.architecture).losses, folder)


if __name__ == "__main__":
    main()
