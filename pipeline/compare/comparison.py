"""Compares detector families trained on the same films with the same budget, and writes the record from which the page is made.

    material -> one trial a family -> figures -> paired differences from the present family -> choice by the rule -> record

Differences are paired: the same patients are drawn for every family, and a replicate's difference is taken within the replicate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.compare import candidates, material
from pipeline.compare.errors import ComparisonError
from pipeline.compare.learning_rate import Search, with_searched_rate
from pipeline.compare.measurement import Measured, Resampling, measure
from pipeline.compare.record import Results, record_of
from pipeline.compare.trial import Trial
from pipeline.run import Run
from validation import cohort, protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for.

    Attributes:
        source: the run whose films and parameters are used.
        folder: where trials and record lie.
        families: which to compare, in this order.
        share: share of the patients of each split; below 1 it is a trial of the tool.
        epochs: fewer or more than the run's parameters say; None is as they say.
        replicates: of the bootstrap.
        search: of each family's learning rate.
    """

    source: Run
    folder: Path
    families: tuple[str, ...]
    share: float
    epochs: int | None
    replicates: int
    search: Search


def compare(order: Order, say: Callable[[str], None]) -> dict[str, Any]:
    """Do every trial that is not done yet, and return the record.

    A family whose trial fails is part of the record with its reason; the others go on.

    Raises:
        ComparisonError: CMP-FAMILY or CMP-DATA, nothing could be tried.
    """
    plan, base = protocol.load(), material.params_of(order.source)
    wanted = {name: candidates.params_of(name, base, order.epochs) for name in order.families}
    films = material.gather(order.source, order.folder / "material", order.share)
    known = cohort.load(films.folder / "cohort" / "cohort.json")
    resampling = Resampling(order.replicates, plan.seed, plan.level)
    measured: dict[str, Measured] = {}
    rates: dict[str, dict[str, float | None]] = {}
    failed: dict[str, str] = {}
    trials = {name: Trial(name, Run(order.folder / name), films, params) for name, params in wanted.items()}
    for name in order.families:
        say(f"{name} ({len(measured) + len(failed) + 1} of {len(trials)})")
        try:
            trials[name], rates[name] = with_searched_rate(trials[name], order.search, say)
            trials[name].execute()
            measured[name] = measure(trials[name], known, resampling)
        except ComparisonError as err:
            failed[name] = str(err)
            say(str(err))
    present = base["train"]["network"]["family"]
    return record_of(order, Results(trials, rates, measured, failed, present, resampling, known, films))
