"""Brings a folder of foreign films into the cohort format: one way for every source, whose adapters differ only in what they read.

What is left in the cohort folder: ``films/*.dcm`` (DX), ``cohort.json``, ``dataset_report.json`` for programs and ``dataset_report.html`` for people. Both
reports lie beside the films and, like them, show patients' pictures; they stay where the data may be.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pipeline.adapters.coco import import_coco
from pipeline.adapters.cohort_film import write_cohort, write_json
from pipeline.adapters.dataset_report import dataset_report
from pipeline.adapters.eda import import_eda
from pipeline.adapters.errors import DataError
from pipeline.adapters.film_store import FilmStore
from pipeline.adapters.nih import import_nih
from pipeline.adapters.outcome import Outcome
from pipeline.adapters.report_page import write_page
from pipeline.adapters.vindr import import_vindr

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Adapter = Callable[..., Outcome]
ADAPTERS: Mapping[str, Adapter] = {"coco": import_coco, "eda": import_eda, "vindr": import_vindr, "nih": import_nih}
"""Profile -> adapter."""


def bring(  # noqa: PLR0913  what a run says about its data
    profile: str,
    data: Path,
    destination: Path,
    *,
    seed: int,
    progress: Callable[[int, int], None],
    budget: str = "quick",
    options: Mapping[str, Any] | None = None,
    preprocessing: str = "tt-default-1",
) -> None:
    """Write the cohort folder of a profile.

    Args:
        profile: a key of ``ADAPTERS``.
        data: the folder that was brought.
        destination: the cohort folder, made if needed.
        seed: enters UIDs and, where the source has no division, the splits.
        progress: called with films done and films in all.
        budget: training budget of the run the cohort is for; the films do not depend on it.
        options: the profile's own settings, without the path.
        preprocessing: id of the recipe whose pictures the report shows.

    Raises:
        DataError: the folder cannot become a cohort; nothing but films may have been written.
    """
    if not data.is_dir():
        raise DataError(
            "DATA-MISSING",
            where=data.name,
            found="no folder",
            expected=f"the folder with the {profile} data",
            repair="give the folder with --data and check that it is complete",
        )
    (destination / "films").mkdir(parents=True, exist_ok=True)
    outcome = ADAPTERS[profile](data, FilmStore(destination / "films", seed), options=dict(options or {}), progress=progress)
    report = dataset_report(outcome)
    write_json(destination / "dataset_report.json", report)
    write_page(destination, profile, outcome, report, preprocessing)
    write_cohort(destination, outcome.entries, profile=profile, budget=budget, seed=seed, notes=outcome.notes)
