"""Runs one study and writes what came of it: one dated JSON record and its plots under evidence/studies/NAME."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pipeline.run import write_json
from validation import protocol
from validation.plots.canvas import save
from validation.stages.standalone import rounded
from validation.studies.sample import fixed_subsample
from validation.studies.subject import heading
from validation.studies.table import STUDIES

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.progress import Report
    from validation.studies.subject import Subject


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for: the study's name, how many films (None: all), resamples (None: the protocol's), where the record goes, and the command that asked."""

    study: str
    films: int | None
    replicates: int | None
    out: Path
    command: str


def run(subject: Subject, order: Order, report: Report) -> dict[str, Any]:
    """Run a study or go on with it, write its record and plots, and return the record.

    Raises:
        ValidationError: the cohort cannot be judged.
        BundleError: the bundle is not usable.
    """
    study, plan = STUDIES[order.study], protocol.load()
    test = subject.cohort().of_split("test")
    films = fixed_subsample(test, order.films)
    replicates = order.replicates or plan.replicates
    found = study.run(subject, films, plan, replicates, report)
    head = heading(subject, study.name, films, len(test), datetime.now(UTC).date().isoformat())
    record = rounded(head | {"question": study.question, "command": order.command, "replicates": replicates} | found)
    folder = order.out / study.name
    write_json(folder / "study.json", record)
    for stem, draw in study.plots.items():
        save(draw(record), folder / f"{stem}.png")
    return dict(record)
