"""The train stage under torchrun: the same stage, the same loop, the same bytes, on several processes or machines.

    torchrun --nnodes 2 --nproc-per-node 4 --rdzv-backend c10d --rdzv-endpoint HOST:PORT -m pipeline.ranks.train

Each rank runs the stage as it is; only the pool that computes a step's gradients is another one (:mod:`pipeline.ranks.pool`). Rank 0 runs it in the run's
folder, which is the working directory; every other rank in a temporary folder that shows the run's inputs, so that nothing is written twice. At the end all
ranks have to hold the same weights file.

Source: docs/adr/0035-beyond-one-machine.md.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
from contextlib import contextmanager, nullcontext, redirect_stderr
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from unittest.mock import patch

from device_sw.launcher import is_launched
from pipeline.ranks.errors import RankError
from pipeline.ranks.group import joined
from pipeline.ranks.pool import RankPool
from pipeline.run import REPOSITORY, file_sha256
from pipeline.stages import train as stage
from pipeline.training import loop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.ranks.group import RankGroup

MADE = ("training", "checkpoints")
"""What the stage writes below artifacts/."""

CODE = ("device_sw/detector", "pipeline/ranks", "pipeline/stages", "pipeline/training", "validation/metrics")
"""Where the code lies that decides the weights."""


def main() -> None:
    """Run the train stage as one of several ranks.

    Raises:
        RankError: RNK-ENVIRONMENT, the numeric environment is not set; RNK-LAUNCH, not started by torchrun; RNK-INPUTS, the ranks have other data, parameters or code.
    """
    if not is_launched():
        raise RankError(
            "RNK-ENVIRONMENT",
            where="environment",
            found="another numeric environment than the device's",
            expected="the variables of device_sw.launcher",
            repair="./qms fleet train --ranks N, or set these variables before torchrun",
        )
    with joined() as group:
        run = Path.cwd()
        group.require_one(
            "RNK-INPUTS", "data, parameters, code and checkpoint", inputs_sha256(run), "give every rank the same run"
        )
        with _folder(run, group) as folder:
            _train(group)
            weights = file_sha256(folder / "artifacts" / "training" / "weights.safetensors")
            group.require_one("RNK-WEIGHTS", "trained weights", weights, "report this: it is a defect")


def inputs_sha256(run: Path) -> str:
    """Return one hash over what decides the weights in a run's folder: parameters, prepared films, a checkpoint where there is one, and the code that is run."""
    artifacts = run / "artifacts"
    files = {f"run/{path.relative_to(run)}": path for path in (run / "params.yaml", *sorted((artifacts / "prepared").iterdir()))}
    files |= {f"run/{path.relative_to(run)}": path for path in sorted((artifacts / "checkpoints").glob("*.safetensors"))}
    code = [path for package in CODE for path in sorted((REPOSITORY / package).rglob("*.py"))]
    files |= {str(path.relative_to(REPOSITORY)): path for path in code}
    return hashlib.sha256("\n".join(f"{name} {file_sha256(path)}" for name, path in files.items()).encode()).hexdigest()


@contextmanager
def _folder(run: Path, group: RankGroup) -> Iterator[Path]:
    """Work in the run's folder as rank 0, else in a temporary folder that shows the same inputs."""
    if group.rank == 0:
        yield run
        return
    with TemporaryDirectory() as made:
        shown = Path(made)
        show(run, shown)
        os.chdir(shown)
        try:
            yield shown
        finally:
            os.chdir(run)


def show(run: Path, shown: Path) -> None:
    """Let a folder show a run: links to everything but what the stage writes; a checkpoint is copied, because the stage replaces it."""
    (shown / "artifacts").mkdir()
    for path in run.iterdir():
        if path.name != "artifacts":
            (shown / path.name).symlink_to(path)
    for path in (run / "artifacts").iterdir():
        if path.name not in MADE:
            (shown / "artifacts" / path.name).symlink_to(path)
    if (run / "artifacts" / "checkpoints").is_dir():
        shutil.copytree(run / "artifacts" / "checkpoints", shown / "artifacts" / "checkpoints")


def _train(group: RankGroup) -> None:
    """Run the stage with a pool that spans the ranks; one rank is enough to show how far it came."""
    shown = nullcontext() if group.rank == 0 else redirect_stderr(io.StringIO())
    with patch.object(loop, "TrainingPool", partial(RankPool, group=group)), shown:
        stage.main()


if __name__ == "__main__":
    main()
