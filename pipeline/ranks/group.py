"""The ranks of one training, as torchrun starts them: integer sums over all of them, and what has to be equal on all of them.

Source: torch.distributed (gloo); Sergeev and Del Balso 2018 (arXiv:1802.05799) for gradients summed over ranks.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import distributed

from pipeline.ranks.errors import RankError

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class RankGroup:
    """One of ``world`` processes that train together; ranks count from 0, and rank 0 writes."""

    rank: int
    world: int

    def total(self, tensor: torch.Tensor) -> torch.Tensor:
        """Return the sum of an int64 tensor over all ranks: the same for every order and every way of adding up.

        Raises:
            TypeError: the tensor is no int64, so its sum would depend on the order.
        """
        if tensor.dtype != torch.int64:
            raise TypeError(f"only int64 is summed over ranks, because its sum has no order; got {tensor.dtype}")
        summed = tensor.clone()
        distributed.all_reduce(summed, op=distributed.ReduceOp.SUM)
        return summed

    def gathered(self, value: Any) -> list[Any]:
        """Return the value of every rank, by rank."""
        values: list[Any] = [None] * self.world
        distributed.all_gather_object(values, value)
        return values

    def require_one(self, code: str, what: str, digest: str, repair: str) -> None:
        """Stop every rank unless all of them have the same digest.

        Raises:
            RankError: under ``code``, naming the ranks that differ from rank 0.
        """
        digests = self.gathered(digest)
        other = [str(rank) for rank, value in enumerate(digests) if value != digests[0]]
        if other:
            found = f"{len(set(digests))} different ones (rank {', '.join(other)} against rank 0)"
            raise RankError(code, where=what, found=found, expected="the same on every rank", repair=repair)


@contextmanager
def joined() -> Iterator[RankGroup]:
    """Join the other ranks by the variables that torchrun sets, and leave them at the end.

    Raises:
        RankError: RNK-LAUNCH, this process was not started by torchrun.
    """
    if missing := [name for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT") if name not in os.environ]:
        raise RankError(
            "RNK-LAUNCH",
            where="environment",
            found=f"no {', '.join(missing)}",
            expected="a process that torchrun started",
            repair="./qms fleet train --ranks N, or torchrun ... -m pipeline.ranks.train",
        )
    distributed.init_process_group("gloo")
    try:
        yield RankGroup(distributed.get_rank(), distributed.get_world_size())
    finally:
        distributed.destroy_process_group()
