"""Defects in second opinions: what a classifier withholds, how looks are fused, where boxes of views and tiles come to lie, and what is told of it."""

from __future__ import annotations

from dataclasses import replace as changed
from typing import TYPE_CHECKING, Any

from verification.faults.alteration import nothing, replace, wrap

if TYPE_CHECKING:
    from types import ModuleType


def likeness_not_asked(module: ModuleType) -> None:
    """Every film counts as one of those that the model was trained on."""

    def opinion(original: Any, score: float, rule: Any, placement: Any, marks: Any) -> Any:
        return original(score, rule, None if placement is None else changed(placement, picture=0.0, network=0.0), marks)

    wrap(module, "opinion", opinion)


def sure_marks_withheld(module: ModuleType) -> None:
    """The score above which marks stay is not looked at."""

    def opinion(original: Any, score: float, rule: Any, placement: Any, marks: Any) -> Any:
        return changed(original(score, changed(rule, kept_above=1.0), placement, marks), rule=rule)

    wrap(module, "opinion", opinion)


def withheld_in_silence(module: ModuleType) -> None:
    """No caution tells of withheld marks (device_sw.report.content)."""
    replace(module, "withheld_cautions", lambda _opinion: ())


def record_not_asked(module: ModuleType) -> None:
    """Any cut-off will do."""
    replace(module, "require_record", nothing)


def agreement_not_counted(module: ModuleType) -> None:
    """The fused score is the mean of those who saw something (device_sw.detector.fusion)."""

    def fused(original: Any, looks: Any, weights: Any, limit: float, findings: Any) -> Any:
        return tuple(
            changed(found, score=min(1.0, found.score * len(looks))) for found in original(looks, weights, limit, findings)
        )

    wrap(module, "fused", fused)


def view_not_brought_back(module: ModuleType) -> None:
    """A box of a view is taken as a box of the film (device_sw.detector.views)."""
    replace(module, "brought_back", lambda edges, _view, _size: edges)


def parts_not_joined(module: ModuleType) -> None:
    """Parts in two tiles are two things, whatever they agree on (device_sw.detector.tiling)."""
    replace(module, "_same", lambda _one, _other: False)


def golden_opinions_not_compared(module: ModuleType) -> None:
    """The golden films are not shown to the second opinions."""
    replace(module, "SecondReaders.faults", lambda _self: [])


def looks_left_out(module: ModuleType) -> None:
    """The trace names the fusion and no look."""
    wrap(module, "SecondReading.parameters", lambda original, self: {**original(self), "looks": original(self)["looks"][:1]})


def any_view_accepted(module: ModuleType) -> None:
    """A view may turn by any angle and scale by any number."""
    replace(module, "View.__post_init__", nothing)
