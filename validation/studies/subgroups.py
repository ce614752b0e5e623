"""Whether the device serves some people or rooms worse than others, by the protocol's own analysis, on films enough for its minimum n.

The analysis is that of the validation record (`validation.stages.subgroups`): sensitivity and AP for each part of each stratum, each part against the rest with
Holm's correction, and AP50 by severity. The run's test films are too few for most parts; a study takes more, and says what they are.

Stated beforehand (protocol: subgroups): no part differs from the rest of its stratum by more than the gap, significantly after correction.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from validation.metrics.intervals import draw
from validation.metrics.result import Metric
from validation.stages import subgroups
from validation.stages.selection import select
from validation.studies.goals import Goal
from validation.studies.observation import observed
from validation.studies.subject import only

if TYPE_CHECKING:
    from collections.abc import Sequence

    from validation.cohort import Film
    from validation.protocol import Protocol
    from validation.studies.subject import Report, Subject

GOALS = (
    Goal(
        "limitations",
        "subgroups that differ from the rest by more than the gap, significantly after correction",
        "at-most",
        0.0,
        "SRS-039",
    ),
)


def study(subject: Subject, films: Sequence[Film], plan: Protocol, replicates: int, report: Report) -> dict[str, Any]:
    """Return the figures of every part and its difference from the rest, AP50 by severity, and the goal with the number of comparisons as n."""
    found = observed(subject, films, report)
    selection = select(only(subject.cohort(), tuple(films)), found)
    drawn = draw({film.film_id: film.patient_id for film in selection.scored}, replicates, plan.seed)
    parts = subgroups.by_stratum(selection, found.thresholds, drawn, plan)
    return {
        "goals": [GOALS[0].judged(_limitations(parts))],
        "findings": list(selection.findings),
        "refused": len(selection.refused),
        "subgroups": parts,
        "severity": subgroups.by_severity(selection, drawn, plan),
    }


def _limitations(parts: dict[str, Any]) -> Metric:
    """Count comparisons, as their number does: the two parts of a stratum are one, seen from both sides."""
    if not parts["comparisons"]:
        return Metric.undefined(f"no part with {parts['minimum_n']} patients on both sides", denominator=0)
    named = Counter(name.split(": ")[0] for name in parts["limitations"])
    found = sum(1 if len(parts["strata"][stratum]) == 2 else count for stratum, count in named.items())
    return Metric(float(found), denominator=parts["comparisons"])
