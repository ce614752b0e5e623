"""The training pool of one rank: it computes its share of each step, and every rank gets the sum over all films.

A step's films are dealt out over the ranks and, inside a rank, over its workers. Gradients are 64-bit integers, so the sum is the one that a single process
gets, and every rank makes the same update. Two things could still go wrong without a sign, and are looked at: a rank whose processor computes other
numbers (the gradient of one film, at the first step), and ranks whose weights went apart (at every step).

Source: docs/adr/0004-audit-mode-training.md, docs/adr/0035-beyond-one-machine.md.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from pipeline.training.pool import TrainingPool
from pipeline.training.worker import DetectionTask

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from pipeline.ranks.group import RankGroup
    from pipeline.training.worker import WorkerPlan


class RankPool(TrainingPool):
    """Workers of this rank, and the other ranks."""

    def __init__(self, plan: WorkerPlan, parameters: int, workers: int, *, group: RankGroup) -> None:
        """Start this rank's workers."""
        super().__init__(plan, parameters, workers)
        self._group = group
        self._probed = False

    def gradient(self, step: int, films: Sequence[int]) -> tuple[torch.Tensor, list[dict[str, float]]]:
        """Return the int64 sum of the films' gradients over all ranks and their losses in the order of ``films``.

        Raises:
            RankError: RNK-WEIGHTS, the ranks' weights differ; RNK-NUMBERS, they compute another gradient for the same film.
        """
        group = self._group
        group.require_one("RNK-WEIGHTS", f"weights at step {step}", _sha256(self.weights), "start again from the last checkpoint")
        if not self._probed:
            self._probe(step, films[:1])
        own, losses = super().gradient(step, films[group.rank :: group.world])
        told = _joined(group.gathered(dict(zip(films[group.rank :: group.world], losses, strict=True))))
        return group.total(own), [told[film] for film in films]

    def _probe(self, step: int, films: Sequence[int]) -> None:
        """Let every rank compute the gradient of the same film and compare."""
        gradient, _ = super().gradient(step, films)
        repair = "train on machines whose processors compute the same numbers: one numeric class"
        self._group.require_one("RNK-NUMBERS", "gradient of one film", _sha256(gradient), repair)
        self._probed = True

    def detections(self, films: int) -> list[dict[str, list[Any]]]:
        """Return the detections of every validation film, in order, with the weights now shared."""
        own, workers = range(self._group.rank, films, self._group.world), len(self._totals)
        answers = self._share([DetectionTask(tuple(own[k::workers])) for k in range(workers)])
        found = _joined(self._group.gathered(answers))
        return [found[film] for film in range(films)]


def _joined(parts: Sequence[dict[int, Any]]) -> dict[int, Any]:
    return {film: value for part in parts for film, value in part.items()}


def _sha256(tensor: torch.Tensor) -> str:
    return hashlib.sha256(tensor.numpy().tobytes()).hexdigest()
