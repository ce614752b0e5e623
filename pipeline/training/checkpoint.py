"""Keeps the state of a training after each epoch, so that a long one that was cut off goes on where it stood, to the same weights.

A checkpoint belongs to one key (data, parameters and code, hashed by the caller); under another key it is not there. It is written to a temporary
file and renamed, so a crash leaves the old one or the new one, never half of one. It lies outside the stage's outputs, which DVC removes first.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from safetensors import safe_open
from safetensors.torch import save_file

if TYPE_CHECKING:
    from pathlib import Path

    import torch

    from pipeline.training.optimiser import MomentumDescent


@dataclass
class Progress:
    """How far a training has come: the epochs' records, the best of them and its weights (n,) float32."""

    history: list[dict[str, Any]]
    best_epoch: int
    best: torch.Tensor


@dataclass(frozen=True)
class Checkpoint:
    """One file that holds the state of one training."""

    path: Path
    key: str

    def save(self, descent: MomentumDescent, progress: Progress) -> None:
        """Replace the checkpoint by the present state."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        note = {"key": self.key, "history": progress.history, "best_epoch": progress.best_epoch, "steps": descent.steps}
        tensors = {"weights": descent.weights, "velocity": descent.velocity, "averaged": descent.averaged, "best": progress.best}
        temporary = self.path.with_suffix(".part")
        save_file(tensors, temporary, metadata={"note": json.dumps(note)})
        temporary.replace(self.path)

    def restore(self, descent: MomentumDescent) -> Progress | None:
        """Put a saved state back into ``descent`` and return how far it came; None where there is none under this key."""
        if not self.path.exists():
            return None
        with safe_open(self.path, framework="pt") as file:
            note = json.loads(file.metadata()["note"])
            if note["key"] != self.key:
                return None
            for name in ("weights", "velocity", "averaged"):
                getattr(descent, name).copy_(file.get_tensor(name))
            descent.steps = note["steps"]
            return Progress(note["history"], note["best_epoch"], file.get_tensor("best"))

    def remove(self) -> None:
        """Delete the checkpoint of a finished training."""
        self.path.unlink(missing_ok=True)
