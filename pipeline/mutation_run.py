"""Turns the gate's own test into a result that is kept: mutants of graph and evidence, and the seeded defects of the controls.

Writes artifacts/trace/mutation.json, and on request a dated summary under evidence/, which is small, names no time of day and no machine, and is committed.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pipeline.seeded_defects import run as run_seeded_defects
from verification.trace.evidence import write_json
from verification.trace.mutants import campaign
from verification.trace.mutants.catalogue import OPERATORS
from verification.trace.mutants.mutant import Part
from verification.trace.mutants.report import to_text

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.progress import Report
    from verification.trace.mutants.campaign import Campaign, Order
    from verification.trace.seeded import FaultRecord

RESULT = "artifacts/trace/mutation.json"
EVIDENCE = "evidence/trace_mutation/mutation.json"


@dataclass(frozen=True)
class MutationRun:
    """What was judged: the campaign on graph and evidence, and the seeded defects of the controls; None where a part was not asked for."""

    campaign: Campaign | None
    controls: FaultRecord | None

    def __bool__(self) -> bool:
        """Say whether everything that was asked for was caught."""
        noticed = self.controls is None or (bool(self.controls.trials) and not self.controls.survivors)
        return (self.campaign is None or bool(self.campaign)) and noticed

    def to_json(self) -> dict[str, Any]:
        """Return the result as plain data."""
        return {
            "campaign": self.campaign.to_json() if self.campaign is not None else None,
            "controls": self.controls.to_json() if self.controls is not None else None,
        }

    def to_text(self) -> str:
        """Return the result for people."""
        return "\n".join([*([to_text(self.campaign)] if self.campaign is not None else []), *_controls(self.controls)])


def _controls(record: FaultRecord | None) -> list[str]:
    if record is None:
        return []
    lines = [f"SURVIVED  {trial.fault} against {trial.control}: {trial.reason}" for trial in record.survivors]
    shown = len(record.trials) - len(record.survivors)
    return [*lines, f"{shown} of {len(record.trials)} seeded defects noticed, {len(record.controls_shown)} controls shown"]


def operators_of(part: str) -> tuple[str, ...]:
    """Return the operators of a part of the mutants; of ``all``, every one.

    >>> operators_of("controls")
    ()
    """
    return tuple(name for name, each in OPERATORS.items() if part in {"all", each.part})


def run(root: Path, part: str, order: Order, report: Report) -> MutationRun:
    """Judge the mutants of a part of the project at ``root`` and write mutation.json.

    Args:
        root: the repository.
        part: ``graph``, ``evidence``, ``controls`` or ``all``.
        order: which mutants; the seeded defects are always all of them.
        report: called with done, total and a text.

    Raises:
        BenchError: no evidence lies here, and none can stand in.
        SeedingError: the seeded defects cannot be tried.
    """
    judged = campaign.run(root, order, report, workers=campaign.WORKERS) if order.operators else None
    controls = run_seeded_defects(root, report) if part in {"all", Part.CONTROLS} else None
    found = MutationRun(judged, controls)
    write_json(root / RESULT, found.to_json())
    return found


def keep(root: Path, found: MutationRun) -> Path:
    """Write the dated summary that is committed: numbers for each operator, survivors, how long it took on how many cores."""
    data: dict[str, Any] = {"schema": "thoratrace/mutation-evidence/1", "date": datetime.now(UTC).date().isoformat()}
    if found.campaign is not None:
        data |= {
            **found.campaign.to_json(),
            "seconds": round(found.campaign.seconds),
            "processor_seconds": round(found.campaign.processor_seconds),
            "workers": campaign.WORKERS,
            "cores": os.cpu_count(),
        }
    if found.controls is not None:
        data["controls"] = {
            "defects": len(found.controls.trials),
            "noticed": len(found.controls.trials) - len(found.controls.survivors),
            "controls_shown": len(found.controls.controls_shown),
            "survivors": [trial.fault for trial in found.controls.survivors],
        }
    write_json(root / EVIDENCE, data)
    return root / EVIDENCE
