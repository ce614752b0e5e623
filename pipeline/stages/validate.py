"""Stage `validate`: the figures, plots and verdicts of the finished device on the test films.

A missed goal is a result and is written as such; only input that cannot be judged ends the stage.
"""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING, Any

from device_sw.dicom.reader import read
from device_sw.preprocessing.intensity import normalise
from pipeline.run import Run, write_json
from validation import cohort, predictions, protocol
from validation.errors import ValidationError
from validation.plots import performance, studies
from validation.plots.canvas import save
from validation.plots.gallery import gallery
from validation.stages import standalone

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from validation.cohort import Film
    from validation.protocol import Protocol
    from validation.stages.selection import Selection

AP_PLOTS = ("ap30", "ap50", "ap75")


def main() -> None:
    """Write artifacts/validation from artifacts/cohort and artifacts/predictions."""
    try:
        validate(Run.here())
    except ValidationError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a stage speaks to the person who runs it
        sys.exit(1)


def validate(run: Run) -> dict[str, Any]:
    """Evaluate a run and return its validation record.

    Raises:
        ValidationError: cohort, predictions or protocol cannot be judged; nothing is written then.
    """
    params = run.params()
    films = cohort.load(run.artifact("cohort") / "cohort.json")
    found = predictions.load(run.artifact("predictions") / "predictions.json")
    plan = protocol.load()
    _require_same_run(films, params)
    endpoints = plan.set_for(params["profile"], params["budget"])
    record, selection = standalone.run(films, found, standalone.Analysis(plan, endpoints, params["budget"]))
    target = run.artifact("validation")
    shutil.rmtree(target, ignore_errors=True)
    write_json(target / "validation.json", record)
    _draw(target, record, selection, plan)
    sheet = gallery(selection, found, _pixels(run, params["prepare"]["preprocessing"]), endpoints.films, plan.iou)
    save(sheet, target / "gallery.png")
    return record


def _require_same_run(films: cohort.Cohort, params: dict[str, Any]) -> None:
    """Refuse a cohort of another profile; the budget is the run's, because films of a foreign source know none."""
    if films.profile != params["profile"]:
        raise ValidationError(
            "VAL-COHORT",
            where="cohort.json",
            found=f"a cohort of profile {films.profile}",
            expected=f"one of profile {params['profile']}",
            repair="make the cohort of this run",
        )


def _draw(target: Path, record: dict[str, Any], selection: Selection, plan: Protocol) -> None:
    films_are = record["films_are"]
    save(performance.precision_recall_curves(selection, films_are, plan.iou), target / "precision_recall.png")
    save(performance.froc_curves(selection, films_are, plan.iou), target / "froc.png")
    for name in AP_PLOTS:
        save(performance.ap_bars(record, name), target / f"{name}.png")
    save(performance.ap_against_severity(record), target / "ap50_severity.png")
    save(performance.confusion_table(record), target / "confusion.png")
    save(studies.subgroup_forest(record), target / "subgroups.png")


def _pixels(run: Run, preprocessing_id: str) -> Callable[[Film], NDArray[np.float32]]:
    """Return a function that shows a film as the device sees it."""
    return lambda film: normalise(read(run.artifact("cohort") / film.path), preprocessing_id).pixels


if __name__ == "__main__":
    main()
