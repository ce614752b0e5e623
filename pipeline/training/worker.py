"""A training worker: gradients of single films, and detections of single films, in one thread.

A worker holds a network whose weights it reads from shared memory before each task, and adds each film's gradient to its own int64 total there.
Which worker computes which film changes nothing: a film's random draws are keyed by (seed, step, film), never by the worker.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn.utils import parameters_to_vector

from device_sw.detector.families.registry import build, family_of
from pipeline.training.augmentation import Augmentation, augment
from pipeline.training.dataset import PreparedSplit, read_split
from pipeline.training.fixed_point import add_quantised
from pipeline.training.focal import use_focal_loss
from pipeline.training.scaling import drawn_side, resized

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from pathlib import Path

    from torch import nn

    from device_sw.detector.architecture import Architecture


@dataclass(frozen=True)
class WorkerPlan:
    """Everything a worker needs to know once.

    Attributes:
        buffers: tensors of the network that are no parameters and were taken over from another training.
        frozen: names of the parameters that need no gradient.
    """

    prepared: Path
    architecture: Architecture
    augmentation: Augmentation
    seed: int
    batch: int
    scales: tuple[float, ...] = (1.0,)
    focal_gamma: float = 0.0
    buffers: dict[str, torch.Tensor] = field(default_factory=dict)
    frozen: tuple[str, ...] = ()


@dataclass(frozen=True)
class GradientTask:
    """Compute the gradients of these films at this step."""

    step: int
    films: tuple[int, ...]


@dataclass(frozen=True)
class DetectionTask:
    """Detect on these validation films."""

    films: tuple[int, ...]


class Worker:
    """The network, the data and the shared memory of one worker process."""

    def __init__(self, plan: WorkerPlan, weights: torch.Tensor, total: torch.Tensor) -> None:
        """Build the network; ``weights`` is (n,) float32 and ``total`` (n,) int64, both shared."""
        torch.set_num_threads(1)
        torch.use_deterministic_algorithms(mode=True)
        self._plan = plan
        self._weights = weights
        self._total = total
        self._network = _planned_network(plan)
        self._losses = tuple(family_of(plan.architecture).losses)
        self._train = read_split(plan.prepared, "train")
        self._val = read_split(plan.prepared, "val")

    def gradients(self, task: GradientTask) -> list[tuple[int, dict[str, float]]]:
        """Add every film's gradient to the shared total; return (film, its losses in the family's order)."""
        load_weights(self._network, self._weights)
        self._network.train()
        self._total.zero_()
        return [(film, self._one_gradient(task.step, film)) for film in task.films]

    def _one_gradient(self, step: int, film: int) -> dict[str, float]:
        image, target = self._augmented(self._train, step, film)
        torch.manual_seed(film_seed(self._plan.seed, step, film))
        losses = self._network([image], [target])
        self._network.zero_grad(set_to_none=True)
        torch.stack([losses[name] for name in self._losses]).sum().backward()
        gradient = torch.cat([_flat_gradient(p) for p in self._network.parameters()])
        add_quantised(self._total, gradient, self._plan.batch)
        return {name: float(losses[name].detach()) for name in self._losses}

    def _augmented(self, split: PreparedSplit, step: int, film: int) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        key = film_seed(self._plan.seed, step, film)
        generator = np.random.Generator(np.random.Philox(key=key))
        row = split.films[film]
        pixels, boxes = augment(split.image(film), row.boxes, self._plan.augmentation, generator)
        side = drawn_side(pixels.shape[0], self._plan.scales, self._plan.seed, step, film)
        pixels, boxes = resized(pixels, boxes, side)
        kept = (boxes[:, 2] - boxes[:, 0] >= 1) & (boxes[:, 3] - boxes[:, 1] >= 1)
        target = {"boxes": torch.from_numpy(boxes[kept]), "labels": torch.from_numpy(row.labels[kept])}
        return torch.from_numpy(pixels)[None], target

    def detections(self, task: DetectionTask) -> list[tuple[int, dict[str, list[Any]]]]:
        """Return (film, boxes/labels/scores) of validation films with the shared weights."""
        load_weights(self._network, self._weights)
        self._network.eval()
        return [(film, self._one_detection(film)) for film in task.films]

    def _one_detection(self, film: int) -> dict[str, list[Any]]:
        with torch.inference_mode():
            output = self._network([torch.from_numpy(self._val.image(film))[None]])[0]
        return {name: output[name].tolist() for name in ("boxes", "labels", "scores")}


def _planned_network(plan: WorkerPlan) -> nn.Module:
    """Build the network with what the plan asks of its training; parameters come with every task."""
    network = build(plan.architecture)
    network.load_state_dict(plan.buffers, strict=False)
    frozen = set(plan.frozen)
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(name not in frozen)
    if plan.focal_gamma:
        use_focal_loss(network, plan.focal_gamma)
    return network


def film_seed(seed: int, step: int, film: int) -> int:
    """Return a 63-bit seed that depends on (seed, step, film) and nothing else.

    >>> film_seed(7, 0, 0) != film_seed(7, 0, 1)
    True
    """
    state = np.random.SeedSequence((seed, step, film)).generate_state(1, np.uint64)
    return int(state[0]) >> 1


def load_weights(network: nn.Module, vector: torch.Tensor) -> None:
    """Copy a flat (n,) vector into the network's parameters, in parameter order."""
    position = 0
    with torch.no_grad():
        for parameter in network.parameters():
            count = parameter.numel()
            parameter.copy_(vector[position : position + count].view_as(parameter))
            position += count


def flat_weights(network: nn.Module) -> torch.Tensor:
    """Return the parameters as one (n,) float32 vector, in parameter order."""
    return parameters_to_vector(network.parameters()).detach().clone()


def _flat_gradient(parameter: torch.nn.Parameter) -> torch.Tensor:
    """Return a parameter's gradient flat; zeros where the film did not touch it."""
    return torch.zeros(parameter.numel()) if parameter.grad is None else parameter.grad.flatten()


def serve(connection: Connection, plan: WorkerPlan, weights: torch.Tensor, total: torch.Tensor) -> None:
    """Answer tasks from the pipe until it sends None; an error is sent back as the exception itself."""
    worker = Worker(plan, weights, total)
    while (task := connection.recv()) is not None:
        try:
            answer = worker.gradients(task) if isinstance(task, GradientTask) else worker.detections(task)
        except Exception as err:  # noqa: BLE001  whatever went wrong here must stop the coordinator, with its cause
            answer = err
        connection.send(answer)
