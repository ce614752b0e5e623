"""The studies by name: what each computes, what it draws, and on which films it rests."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from validation.plots import performance
from validation.plots import studies as plots
from validation.studies import calibration, carried_over, conformal, explanation, label_noise, leakage, robustness, subgroups

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from matplotlib.figure import Figure

    from validation.cohort import Film
    from validation.protocol import Protocol
    from validation.studies.subject import Report, Subject

    Run = Callable[[Subject, Sequence[Film], Protocol, int, Report], dict[str, Any]]
    Draw = Callable[[Mapping[str, Any]], Figure]


@dataclass(frozen=True, slots=True)
class Study:
    """One study.

    Attributes:
        name: what people call it by.
        question: what it answers, in one sentence.
        run: computes the record's content from subject, films, protocol, replicates and progress.
        plots: file stem -> drawing of the whole record.
    """

    name: str
    question: str
    run: Run
    plots: Mapping[str, Draw]


STUDIES: Mapping[str, Study] = MappingProxyType(
    {
        one.name: one
        for one in (
            Study(
                "subgroups",
                "Does the device serve some people or rooms worse than others, and mild findings worse than severe ones?",
                subgroups.study,
                {"forest": plots.subgroup_forest, "severity": performance.ap_against_severity},
            ),
            Study("robustness", "What do worse films cost?", robustness.study, {"heat_map": plots.corruption_heat_map}),
            Study(
                "calibration",
                "Is a score of 0.7 right seven times in ten?",
                calibration.study,
                {"reliability": plots.reliability_diagram},
            ),
            Study(
                "carried_over",
                "What would a cut-off that nobody checked have done here?",
                carried_over.study,
                {"cut_offs": plots.cut_offs},
            ),
            Study(
                "explanation",
                "Does the map of a mark show what the mark rests on?",
                explanation.study,
                {"deletion_insertion": plots.explanation_curves},
            ),
            Study("leakage", "Were the test films seen in training, under whatever name?", leakage.study, {}),
            Study("label_noise", "Which labels deserve a second look?", label_noise.study, {}),
            Study("conformal", "Can a promise on missed findings be kept?", conformal.study, {"promises": plots.promises}),
        )
    }
)
"""Name -> study."""
