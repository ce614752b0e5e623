"""Seeded defects: every control has one, each names what exists, none was overlooked by its scenario, and for a release all of them were tried.

Source: ISO 14971 7.2; IEC 62304 5.7.4 c).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from verification.trace.codes import problem
from verification.trace.graph import Kind, Link
from verification.trace.seeded import SHOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from requirements_spec.problem import Problem
    from verification.trace.case import Case


def controls_have_seeded_defects(case: Case) -> Iterator[Problem]:
    """Yield controls without a declared defect: nobody has said what their scenario would fail on."""
    for control in case.graph.of(Kind.CONTROL):
        if not case.graph.sources(control.id, Link.SEEDED_AGAINST):
            yield problem("TRC-CONTROL-UNSEEDED", control.where, control.id, found="no seeded defect")


def seeded_defects_name_what_exists(case: Case) -> Iterator[Problem]:
    """Yield defects whose control or scenario does not exist, or none of whose scenarios carries the control's tag."""
    for fault in case.graph.of(Kind.FAULT):
        control, scenarios = fault.facts["control"], fault.facts["scenarios"]
        absent = [name for name in (control, *scenarios) if name not in case.graph.nodes]
        if absent:
            yield problem("TRC-SEEDED-LINK", fault.where, fault.id, found=f"{absent[0]}, which does not exist")
        elif not set(scenarios) & set(case.graph.scenarios_of(control)):
            yield problem("TRC-SEEDED-LINK", fault.where, fault.id, found=f"no scenario that carries @{control}")


def no_seeded_defect_survives(case: Case) -> Iterator[Problem]:
    """Yield defects that an accepted run saw pass unnoticed: the scenario would pass without the control."""
    for fault in case.graph.of(Kind.FAULT):
        trial = case.inputs.seeded.trial(fault.id)
        if trial is not None and not trial.shown:
            yield problem("TRC-SEEDED-SURVIVED", fault.where, fault.id, found=trial.reason)


def seeded_defects_were_tried(case: Case) -> Iterator[Problem]:
    """Yield a record that belongs to something else, or the defects that no accepted record holds (asked at release)."""
    seeded = case.inputs.seeded
    if seeded.refusal:
        yield problem("TRC-SEEDED-STALE", SHOWN, "seeded defects", found=seeded.refusal)
        return
    for fault in case.graph.of(Kind.FAULT):
        if seeded.trial(fault.id) is None:
            found = "no run of seeded defects" if seeded.record is None else "not tried in the last run"
            yield problem("TRC-SEEDED-MISSING", fault.where, fault.id, found=found)
