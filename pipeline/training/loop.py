"""Training in audit mode: the same weights, byte for byte, whatever the number of workers.

The chain: order of films -> gradients of single films (integers) -> one update in one thread -> averaged weights -> detections on the validation
films -> AP and AR -> keep the best, stop when it no longer improves. Nothing here looks at the clock, and no time enters a result.

Source: docs/adr/0004-audit-mode-training.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch

from device_sw.detector.architecture import NMS_IOU, Architecture, architecture_from_json, family_named
from device_sw.detector.families.registry import build, family_of
from pipeline.training import anchors, fixed_point
from pipeline.training.augmentation import Augmentation
from pipeline.training.checkpoint import Checkpoint, Progress
from pipeline.training.dataset import PreparedSplit, read_split
from pipeline.training.focal import require_box_classifier
from pipeline.training.initialisation import initialise
from pipeline.training.optimiser import MomentumDescent
from pipeline.training.pool import TrainingPool
from pipeline.training.sampling import FilmOrder
from pipeline.training.schedule import learning_rate
from pipeline.training.transfer import Transferred, take_over
from pipeline.training.worker import WorkerPlan, flat_weights, load_weights

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.training.configuration import TrainingConfiguration


@dataclass(frozen=True)
class Validation:
    """AP50 and AR100 of an epoch on the validation films: macro value (None with a reason where undefined) and per finding."""

    ap50: float | None
    ar100: float | None
    ap50_by_finding: dict[str, float | None]


class Evaluator(Protocol):
    """Scores detections of the validation films."""

    def __call__(self, split: PreparedSplit, detections: list[dict[str, list[Any]]]) -> Validation:
        """Return the epoch's validation figures."""


@dataclass(frozen=True)
class TrainedDetector:
    """The best averaged weights, what they belong to, and how the training went."""

    architecture: Architecture
    state: dict[str, torch.Tensor]
    history: list[dict[str, Any]]
    best_epoch: int
    transferred: Transferred | None = None


def fit_architecture(split: PreparedSplit, configuration: TrainingConfiguration, score_floor: float) -> Architecture:
    """Return the architecture for these training films, with anchors fitted to their boxes where the family has any."""
    boxes = np.concatenate([film.boxes for film in split.films]).astype(np.float64)
    network = configuration.network
    sizes = dict(network.values)
    if "anchors_per_level" in sizes:
        levels = len(family_named(network.family).strides)
        sizes["anchors"] = anchors.fit(boxes[:, 2:] - boxes[:, :2], levels, sizes.pop("anchors_per_level"))
    data = {"classes": len(configuration.findings), "input_size": split.pixels.shape[1], "score_floor": score_floor}
    return architecture_from_json({"family": network.family, **sizes, **data, "nms_iou": NMS_IOU})


def train(  # noqa: PLR0913  the stage names every part once
    prepared: Path,
    configuration: TrainingConfiguration,
    *,
    score_floor: float,
    workers: int,
    evaluate: Evaluator,
    progress: Callable[[int, int, str], None],
    checkpoint: Checkpoint | None = None,
) -> TrainedDetector:
    """Train on the prepared films and return the best averaged weights.

    Args:
        prepared: folder with the prepared train and val splits.
        configuration: the train section of params.yaml.
        score_floor: lowest score the network keeps.
        workers: processes that share the work; it does not influence the result.
        evaluate: scores an epoch's detections.
        progress: called with (steps done, steps in all, a line of text).
        checkpoint: where the state is kept after each epoch and taken up again.

    Raises:
        ValueError: focal loss is asked of a network that has no box classifier.
        TransferError: weights to take over do not fit.
    """
    films, held_out = read_split(prepared, "train"), read_split(prepared, "val")
    architecture = fit_architecture(films, configuration, score_floor)
    network = build(architecture)
    initialise(network, family_of(architecture), configuration.seed)
    if configuration.focal_gamma:
        require_box_classifier(network, configuration.focal_gamma)
    transferred = take_over(network, configuration.transfer) if configuration.transfer.source is not None else None
    plan = WorkerPlan(
        prepared,
        architecture,
        Augmentation(configuration.rotation_deg, configuration.exposure),
        configuration.seed,
        configuration.batch,
        configuration.scales,
        configuration.focal_gamma,
        dict(network.named_buffers()) if transferred else {},
        transferred.frozen if transferred else (),
    )
    descent = _descent(network, configuration, transferred)
    order = FilmOrder.of(films.films, configuration.sampling, configuration.batch, configuration.seed)
    with TrainingPool(plan, len(descent.weights), workers) as pool:
        training = Training(pool, descent, configuration, order, held_out, evaluate, progress)
        reached = training.run(checkpoint)
    load_weights(network, reached.best)
    state = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    return TrainedDetector(architecture, state, reached.history, reached.best_epoch, transferred)


def _descent(network: torch.nn.Module, configuration: TrainingConfiguration, transferred: Transferred | None) -> MomentumDescent:
    decayed = torch.cat([torch.full((p.numel(),), p.dim() > 1) for p in network.parameters()])
    return MomentumDescent(
        flat_weights(network),
        decayed,
        momentum=configuration.momentum,
        weight_decay=configuration.weight_decay,
        clip_norm=configuration.clip_norm,
        average_decay=configuration.average_decay,
        rates=transferred.rates if transferred else None,
    )


@dataclass(frozen=True)
class Training:
    """One training: epoch after epoch until the last one or until validation no longer improves."""

    pool: TrainingPool
    descent: MomentumDescent
    configuration: TrainingConfiguration
    order: FilmOrder
    held_out: PreparedSplit
    evaluate: Evaluator
    progress: Callable[[int, int, str], None]

    @property
    def steps_per_epoch(self) -> int:
        """Steps that show as many films as there are."""
        return -(-self.order.films // self.configuration.batch)

    @property
    def steps(self) -> int:
        """Steps of all epochs, on which the schedule rests; stopping early does not change the rates before."""
        return self.steps_per_epoch * self.configuration.epochs

    def run(self, checkpoint: Checkpoint | None) -> Progress:
        """Train from the start or from the checkpoint, and return how far it came."""
        reached = (checkpoint.restore(self.descent) if checkpoint else None) or Progress(
            [], -1, self.descent.averaged.to(torch.float32)
        )
        while len(reached.history) < self.configuration.epochs and not self._is_stale(reached):
            self._epoch(reached)
            if checkpoint:
                checkpoint.save(self.descent, reached)
        return reached

    def _is_stale(self, reached: Progress) -> bool:
        return bool(reached.history) and len(reached.history) - 1 - reached.best_epoch >= self.configuration.patience

    def _epoch(self, reached: Progress) -> None:
        epoch, configuration = len(reached.history), self.configuration
        losses = []
        for offset, batch in enumerate(self.order.batches(epoch)):
            step = epoch * self.steps_per_epoch + offset
            losses.extend(self._step(step, batch))
            self.progress(step + 1, self.steps, f"epoch {epoch + 1}/{configuration.epochs}")
        averaged = self.descent.averaged.to(torch.float32)
        self.pool.weights.copy_(averaged)
        validation = self.evaluate(self.held_out, self.pool.detections(len(self.held_out.films)))
        reached.history.append(_record(epoch, losses, validation))
        if reached.best_epoch < 0 or (validation.ap50 or 0.0) > (
            reached.history[reached.best_epoch]["validation"]["ap50"] or 0.0
        ):
            reached.best_epoch, reached.best = epoch, averaged
        shown = "undefined" if validation.ap50 is None else f"{validation.ap50:.3f}"
        self.progress((epoch + 1) * self.steps_per_epoch, self.steps, f"epoch {epoch + 1}: validation AP50 {shown}")

    def _step(self, step: int, batch: list[int]) -> list[dict[str, float]]:
        configuration = self.configuration
        self.pool.weights.copy_(self.descent.weights)
        total, losses = self.pool.gradient(step, batch)
        rate = learning_rate(step, steps=self.steps, warmup=configuration.warmup_steps, peak=configuration.learning_rate)
        self.descent.step(fixed_point.mean(total, len(batch)), rate)
        return losses


def _record(epoch: int, losses: list[dict[str, float]], validation: Validation) -> dict[str, Any]:
    means = np.asarray([list(film.values()) for film in losses], dtype=np.float64).mean(axis=0)
    return {
        "epoch": epoch + 1,
        "losses": dict(zip(losses[0], means.tolist(), strict=True)),
        "validation": {"ap50": validation.ap50, "ar100": validation.ar100, "ap50_by_finding": validation.ap50_by_finding},
    }
