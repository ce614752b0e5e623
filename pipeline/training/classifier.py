"""Trains the normal/abnormal classifier in audit mode, as `pipeline.training.loop` trains the detector: the same weights, byte for byte, from the same data and code.

With a warm start the trunk begins as the detector's, and the linear layer is fitted to it first: logistic regression with an L2 penalty on standardised features, a strictly convex
problem. After that, where epochs are wanted, the whole network is trained. One process, one thread. Each film's gradient is rounded to integers before it is added, every draw is keyed by (seed, step, film), and both classes weigh the same, however many
films each has. The epoch with the smallest loss on the validation films gives the weights.

Source: docs/adr/0004-audit-mode-training.md.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.optimize import minimize
from torch.nn import functional

from device_sw.detector.classifier import ClassifierShape
from device_sw.detector.classifier_network import ClassifierNetwork
from device_sw.detector.families.registry import Family
from pipeline.training import fixed_point
from pipeline.training.augmentation import Augmentation, augment
from pipeline.training.checkpoint import Checkpoint, Progress
from pipeline.training.initialisation import initialise
from pipeline.training.optimiser import MomentumDescent
from pipeline.training.sampling import FilmOrder, Sampling
from pipeline.training.schedule import learning_rate
from pipeline.training.worker import film_seed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from pipeline.training.dataset import PreparedSplit


BEGINNING = Family(ClassifierNetwork, {"cross_entropy": "normal or abnormal"}, spreads={"head": 0.01})
"""How the network begins: its output layer undecided, everything else as the detectors begin."""


@dataclass(frozen=True)
class ClassifierConfiguration:
    """Everything that decides the classifier's weights, besides data and code; the constants mean what they mean for the detector.

    Attributes:
        widths: channels of stem and stages.
        blocks: residual blocks a stage.
        warm_start: whether layers that the detector has under the same name and shape start from its weights, and the last layer from a fit to them.
        head_penalty: of that fit, times the squared length of the coefficients of standardised features; above 0.
        epochs: of training the whole network; 0 leaves it as it starts.
    """

    widths: tuple[int, ...]
    blocks: int
    warm_start: bool
    head_penalty: float
    seed: int
    epochs: int
    batch: int
    learning_rate: float
    momentum: float
    weight_decay: float
    warmup_steps: int
    clip_norm: float
    average_decay: float
    rotation_deg: float
    exposure: float

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> ClassifierConfiguration:
        """Build from a parsed table.

        Raises:
            ValueError: keys are missing or unknown.
        """
        wanted = {field.name for field in fields(cls)}
        if set(table) != wanted:
            raise ValueError(f"classifier table: missing {sorted(wanted - set(table))}, unknown {sorted(set(table) - wanted)}")
        return cls(**{**table, "widths": tuple(table["widths"])})


@dataclass(frozen=True)
class TrainedClassifier:
    """The best averaged weights, their shape, and how the training went."""

    shape: ClassifierShape
    state: dict[str, torch.Tensor]
    history: list[dict[str, Any]]
    best_epoch: int


def train(  # noqa: PLR0913  the caller names every part once
    films: PreparedSplit,
    held_out: PreparedSplit,
    configuration: ClassifierConfiguration,
    *,
    detector: Mapping[str, NDArray[np.float32]] | None,
    progress: Callable[[int, int, str], None],
    checkpoint: Checkpoint | None = None,
) -> TrainedClassifier:
    """Train on the prepared films.

    Args:
        films: to fit.
        held_out: to choose the epoch by.
        configuration: of the training.
        detector: the detector's weights, for a warm start.
        progress: called with (steps done, steps in all, a line of text).
        checkpoint: where the state is kept after each epoch and taken up again.

    Raises:
        ValueError: the films are all normal or all abnormal, or a warm start is wanted and there is nothing to start from.
    """
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(mode=True)
    shape = ClassifierShape(films.pixels.shape[1], configuration.widths, configuration.blocks)
    network = ClassifierNetwork(shape)
    initialise(network, BEGINNING, configuration.seed)
    if configuration.warm_start:
        _start_from(network, detector or {})
        _fit_head(network, films, configuration.head_penalty)
    training = _Training(network, films, held_out, configuration, progress)
    reached = training.run(checkpoint)
    _load(network, reached.best)
    state = {name: tensor.detach().clone().contiguous() for name, tensor in network.state_dict().items()}
    return TrainedClassifier(shape, state, reached.history, reached.best_epoch)


def abnormal(split: PreparedSplit) -> NDArray[np.bool_]:
    """Return for each film whether it shows a finding."""
    return np.array([len(film.labels) > 0 for film in split.films], dtype=np.bool_)


def _start_from(network: ClassifierNetwork, detector: Mapping[str, NDArray[np.float32]]) -> None:
    """Copy the layers that the detector's backbone has under the same name and shape."""
    own = dict(network.named_parameters())
    shared = {
        name: detector[f"backbone.{name}"]
        for name, parameter in own.items()
        if f"backbone.{name}" in detector and detector[f"backbone.{name}"].shape == tuple(parameter.shape)
    }
    if not shared:
        raise ValueError("a warm start needs a detector whose backbone has layers of the classifier's widths")
    with torch.no_grad():
        for name, values in shared.items():
            own[name].copy_(torch.from_numpy(np.array(values)))


def _fit_head(network: ClassifierNetwork, films: PreparedSplit, penalty: float) -> None:
    """Set the linear layer to the minimum of the mean weighted cross entropy plus the penalty, in place."""
    with torch.inference_mode():
        rows = [network.features(torch.from_numpy(films.image(index))[None, None])[0] for index in range(len(films.films))]
        features = torch.stack(rows).double().numpy()
    mean, spread = features.mean(axis=0), features.std(axis=0) + 1e-6
    coefficients = logistic_fit((features - mean) / spread, abnormal(films), penalty)
    weight = coefficients[1:] / spread
    with torch.no_grad():
        network.head.weight.copy_(torch.from_numpy(weight)[None])
        network.head.bias.copy_(torch.tensor([coefficients[0] - float(weight @ mean)]))


def logistic_fit(values: NDArray[np.float64], positive: NDArray[np.bool_], penalty: float) -> NDArray[np.float64]:
    """Return (1 + n,) intercept and coefficients of ``min mean(w log(1 + exp(-t z))) + penalty |c|^2``, both classes weighing the same.

    Args:
        values: (films, n), standardised.
        positive: (films,).
        penalty: above 0.

    >>> fitted = logistic_fit(np.array([[-1.0], [1.0]]), np.array([False, True]), 0.01)
    >>> abs(round(float(fitted[0]), 6)), bool(fitted[1] > 1.0)
    (0.0, True)
    """
    sign = np.where(positive, 1.0, -1.0)
    weight = np.where(positive, 0.5 / positive.sum(), 0.5 / (~positive).sum())

    def objective(c: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        z = sign * (c[0] + values @ c[1:])
        slope = -weight * sign / (1.0 + np.exp(np.clip(z, -700.0, 700.0)))
        loss = float((weight * np.logaddexp(0.0, -z)).sum() + penalty * (c[1:] ** 2).sum())
        return loss, np.concatenate([[slope.sum()], values.T @ slope + 2.0 * penalty * c[1:]])

    start = np.zeros(1 + values.shape[1])
    return np.asarray(minimize(objective, start, jac=True, method="L-BFGS-B", options={"maxiter": 500}).x)


class _Training:
    """One training, epoch after epoch."""

    def __init__(
        self,
        network: ClassifierNetwork,
        films: PreparedSplit,
        held_out: PreparedSplit,
        configuration: ClassifierConfiguration,
        progress: Callable[[int, int, str], None],
    ) -> None:
        self._network, self._films, self._held_out = network, films, held_out
        self._configuration, self._progress = configuration, progress
        self._weights = _class_weights(abnormal(films))
        _class_weights(abnormal(held_out))
        self._order = FilmOrder.of(films.films, Sampling.EVERY_FILM, configuration.batch, configuration.seed)
        self._augmentation = Augmentation(configuration.rotation_deg, configuration.exposure)
        decayed = torch.cat([torch.full((p.numel(),), p.dim() > 1) for p in network.parameters()])
        self._descent = MomentumDescent(
            torch.nn.utils.parameters_to_vector(network.parameters()).detach().clone(),
            decayed,
            momentum=configuration.momentum,
            weight_decay=configuration.weight_decay,
            clip_norm=configuration.clip_norm,
            average_decay=configuration.average_decay,
        )

    def run(self, checkpoint: Checkpoint | None) -> Progress:
        reached = (checkpoint.restore(self._descent) if checkpoint else None) or Progress(
            [], -1, self._descent.averaged.to(torch.float32)
        )
        while len(reached.history) < self._configuration.epochs:
            self._epoch(reached)
            if checkpoint:
                checkpoint.save(self._descent, reached)
        return reached

    def _epoch(self, reached: Progress) -> None:
        epoch, configuration = len(reached.history), self._configuration
        batches = self._order.batches(epoch)
        steps = len(batches) * configuration.epochs
        losses = []
        for offset, batch in enumerate(batches):
            step = epoch * len(batches) + offset
            losses.extend(self._step(step, steps, batch))
            self._progress(step + 1, steps, f"epoch {epoch + 1}/{configuration.epochs}")
        averaged = self._descent.averaged.to(torch.float32)
        _load(self._network, averaged)
        found = scores(self._network, self._held_out)
        validation = balanced_loss(found, abnormal(self._held_out))
        reached.history.append({"epoch": epoch + 1, "loss": float(np.mean(losses)), "validation_loss": validation})
        if reached.best_epoch < 0 or validation < reached.history[reached.best_epoch]["validation_loss"]:
            reached.best_epoch, reached.best = epoch, averaged

    def _step(self, step: int, steps: int, batch: list[int]) -> list[float]:
        configuration = self._configuration
        _load(self._network, self._descent.weights.to(torch.float32))
        total = torch.zeros(len(self._descent.weights), dtype=torch.int64)
        losses = [self._add_gradient(total, step, film) for film in batch]
        rate = learning_rate(step, steps=steps, warmup=configuration.warmup_steps, peak=configuration.learning_rate)
        self._descent.step(fixed_point.mean(total, len(batch)), rate)
        return losses

    def _add_gradient(self, total: torch.Tensor, step: int, film: int) -> float:
        generator = np.random.Generator(np.random.Philox(key=film_seed(self._configuration.seed, step, film)))
        row = self._films.films[film]
        pixels, _ = augment(self._films.image(film), row.boxes, self._augmentation, generator)
        is_abnormal = len(row.labels) > 0
        logit = self._network(torch.from_numpy(pixels)[None, None])[0]
        loss = self._weights[is_abnormal] * functional.softplus(-logit if is_abnormal else logit)
        self._network.zero_grad(set_to_none=True)
        loss.backward()
        gradient = torch.cat([p.grad.flatten() for p in self._network.parameters() if p.grad is not None])
        fixed_point.add_quantised(total, gradient, self._configuration.batch)
        return float(loss.detach())


def _class_weights(is_abnormal: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the weight of a normal and of an abnormal film: half of all films, shared among those of the class."""
    counts = (int((~is_abnormal).sum()), int(is_abnormal.sum()))
    if 0 in counts:
        raise ValueError(f"a classifier needs films with and without findings, got {counts[1]} and {counts[0]}")
    return (len(is_abnormal) / 2 / counts[0], len(is_abnormal) / 2 / counts[1])


def scores(network: ClassifierNetwork, split: PreparedSplit) -> NDArray[np.float64]:
    """Return the score of each film, (films,) in [0, 1]."""
    with torch.inference_mode():
        logits = [network(torch.from_numpy(split.image(index))[None, None])[0] for index in range(len(split.films))]
        return torch.sigmoid(torch.stack(logits)).double().numpy()


def balanced_loss(found: NDArray[np.float64], is_abnormal: NDArray[np.bool_]) -> float:
    """Return the mean over both classes of the mean cross entropy of each, nats.

    >>> round(balanced_loss(np.array([0.5, 0.5, 0.5]), np.array([True, True, False])), 6)
    0.693147
    """
    kept = np.clip(found, 1e-9, 1 - 1e-9)
    return float((-np.log(kept[is_abnormal]).mean() - np.log1p(-kept[~is_abnormal]).mean()) / 2)


def _load(network: ClassifierNetwork, vector: torch.Tensor) -> None:
    with torch.no_grad():
        torch.nn.utils.vector_to_parameters(vector, network.parameters())
