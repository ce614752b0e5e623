"""The obligations of what lies here against the baseline: nothing becomes smaller without an entry, and no entry answers for anything else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from requirements_spec.remembered import remembered
from verification.trace.baseline import ledger_problems
from verification.trace.duties import duties, people_duties
from verification.trace.obligations import Share, smaller_than

if TYPE_CHECKING:
    from collections.abc import Iterator

    from requirements_spec.problem import Problem
    from verification.trace.case import Case
    from verification.trace.graph import Graph
    from verification.trace.inputs import Inputs
    from verification.trace.obligations import Obligation


def owed(inputs: Inputs, graph: Graph) -> tuple[Share, ...]:
    """Return every obligation of the project as it lies here, by source."""
    data = duties(graph, inputs.specification, inputs.risk, inputs.scenarios)
    return (*data, Share(people_duties(inputs.people)), written_share(inputs.written))


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
    found = smaller_than(inputs.baseline.share, owed(inputs, case.graph))
    yield from ledger_problems(found, inputs.obligations, inputs.baseline)
