"""Shards on several processes of this machine; which process does which shard changes nothing.

A process that dies ends the call; the shards it held are not marked, and the same command goes on with them.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import TYPE_CHECKING

from pipeline.fleet import plan as planning
from pipeline.fleet import shard

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pipeline.fleet.examiners import Examiner
    from pipeline.fleet.plan import Plan
    from pipeline.progress import Report


def run(plan: Plan, shards: Sequence[int], examiner: Examiner, workers: int, report: Report) -> None:
    """Bring shards to their end, those that are done being passed over.

    Raises:
        FleetError: of the first shard that failed; see :func:`pipeline.fleet.shard.run`.
    """
    if workers == 1:
        for number, index in enumerate(shards, start=1):
            shard.run(plan, index, examiner)
            report(number, len(shards), "shards")
        return
    with ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=_start, initargs=(plan.folder, examiner)
    ) as pool:
        futures = [pool.submit(_one, index) for index in shards]
        try:
            for number, future in enumerate(as_completed(futures), start=1):
                future.result()
                report(number, len(shards), "shards")
        finally:
            pool.shutdown(cancel_futures=True)


_held: list[tuple[Plan, Examiner]] = []


def _start(folder: Path, examiner: Examiner) -> None:
    """Read the plan once in each process: of a million studies it names thousands of shards."""
    _held[:] = [(planning.read(folder), examiner)]


def _one(index: int) -> None:
    plan, examiner = _held[0]
    shard.run(plan, index, examiner)
