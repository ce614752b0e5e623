"""Runs tasks on a fixed number of worker processes; with one worker, in this process.

The pool owns the shared memory: the weights all workers read and one int64 gradient total for each of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import torch
import torch.multiprocessing as mp

from pipeline.training.worker import DetectionTask, GradientTask, Worker, WorkerPlan, serve

if TYPE_CHECKING:
    from collections.abc import Sequence
    from multiprocessing.connection import Connection
    from types import TracebackType


class TrainingPool:
    """Workers for gradients and detections; use as a context manager."""

    def __init__(self, plan: WorkerPlan, parameters: int, workers: int) -> None:
        """Start ``workers`` processes, or none for a single worker.

        Raises:
            ValueError: fewer than one worker.
        """
        if workers < 1:
            raise ValueError(f"workers must be at least 1, got {workers}")
        self.weights = torch.zeros(parameters, dtype=torch.float32).share_memory_()
        self._totals = [torch.zeros(parameters, dtype=torch.int64).share_memory_() for _ in range(workers)]
        self._local = Worker(plan, self.weights, self._totals[0]) if workers == 1 else None
        self._connections: list[Connection] = []
        self._processes: list[Any] = []
        if workers > 1:
            self._start(plan)

    def _start(self, plan: WorkerPlan) -> None:
        context = mp.get_context("spawn")
        for total in self._totals:
            here, there = context.Pipe()
            process = context.Process(target=serve, args=(there, plan, self.weights, total), daemon=True)
            process.start()
            there.close()
            self._connections.append(here)
            self._processes.append(process)

    def __enter__(self) -> Self:
        """Return the pool."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop the workers."""
        for connection, process in zip(self._connections, self._processes, strict=True):
            if process.is_alive():
                connection.send(None)
            process.join(timeout=5)

    def gradient(self, step: int, films: Sequence[int]) -> tuple[torch.Tensor, list[dict[str, float]]]:
        """Return the int64 sum of the films' gradients and their losses in the order of ``films``."""
        answers = self._share([GradientTask(step, tuple(films[k :: len(self._totals)])) for k in range(len(self._totals))])
        total = self._totals[0].clone()
        for other in self._totals[1:]:
            total += other
        return total, [answers[film] for film in films]

    def detections(self, films: int) -> list[dict[str, list[Any]]]:
        """Return the detections of every validation film, in order, with the weights now shared."""
        answers = self._share([DetectionTask(tuple(range(k, films, len(self._totals)))) for k in range(len(self._totals))])
        return [answers[film] for film in range(films)]

    def _share(self, tasks: list[GradientTask] | list[DetectionTask]) -> dict[int, Any]:
        if self._local is not None:
            task = tasks[0]
            return dict(self._local.gradients(task) if isinstance(task, GradientTask) else self._local.detections(task))
        for connection, task in zip(self._connections, tasks, strict=True):
            connection.send(task)
        answers = [connection.recv() for connection in self._connections]
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        return {film: value for answer in answers for film, value in answer}
