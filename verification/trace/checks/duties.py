"""The obligations of what lies here against the baseline: nothing becomes smaller without an entry, and no entry answers for anything else."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from requirements_spec.remembered import remembered
from verification.trace.baseline import ledger_problems
from verification.trace.duties import duties, people_duties
from verification.trace.obligations import Share, share_of, smaller_than

if TYPE_CHECKING:
    from collections.abc import Iterator

    from requirements_spec.problem import Problem
    from verification.trace.case import Case
    from verification.trace.graph import Graph
    from verification.trace.inputs import Inputs
    from verification.trace.obligations import Obligation, Reduction


def owed(inputs: Inputs, graph: Graph) -> tuple[Share, ...]:
    """Return every obligation of the project as it lies here, by source."""
    data = duties(graph, inputs.specification, inputs.risk, inputs.scenarios)
    return (*data, share_of(people_duties(inputs.people)), written_share(inputs.written))


@remembered
def written_share(written: tuple[Obligation, ...]) -> Share:
    """Return the obligations that stand in source texts, with their tables."""
    return Share(written)


def obligations_are_kept(case: Case) -> Iterator[Problem]:
    """Yield each obligation that is smaller than in the baseline and that nobody entered, and what is wrong with baseline and ledger."""
    inputs = case.inputs
    if inputs.baseline is None:
        yield from ledger_problems((), inputs.obligations, None)
        return
    found = _smaller(inputs.baseline.share, owed(inputs, case.graph))
    yield from ledger_problems(found, inputs.obligations, inputs.baseline)


@lru_cache(maxsize=1)
def _smaller(baseline: Share, current: tuple[Share, ...]) -> tuple[Reduction, ...]:
    """Return what is smaller than in the baseline; shares are the same where they are the same objects, so a process that judges again asks once for equal sources."""
    return smaller_than(baseline, current)
