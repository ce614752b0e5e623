"""Stage `predict`: the finished device over the test films, DICOM file by DICOM file, refusals counted."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from device_sw.device import Device
from device_sw.types import Policy
from pipeline.progress import bar
from pipeline.run import Run, available_workers, read_json, write_json
from validation.outcomes import outcome_of, predictions_of


def main() -> None:
    """Write artifacts/predictions/predictions.json for every test film of the cohort."""
    run = Run.here()
    policy = run.params()["predict"]["policy"]
    cohort = run.artifact("cohort")
    films = [film for film in read_json(cohort / "cohort.json")["films"] if film["split"] == "test"]
    tasks = [(str(run.artifact("bundle")), policy, str(cohort / film["path"])) for film in films]
    outcomes = []
    with ProcessPoolExecutor(available_workers(), mp_context=get_context("spawn")) as pool, bar("device on test films") as report:
        for film, outcome in zip(films, pool.map(_ask, tasks, chunksize=4), strict=True):
            outcomes.append({"film_id": film["film_id"], **outcome})
            report(len(outcomes), len(films), "")
    device = _device(str(run.artifact("bundle")), policy)
    write_json(run.artifact("predictions") / "predictions.json", predictions_of(device, outcomes))


@cache
def _device(bundle: str, policy: str) -> Device:
    """One device a process: its bundle is verified and self-tested once."""
    return Device(Path(bundle), Policy(policy))


def _ask(task: tuple[str, str, str]) -> dict[str, Any]:
    bundle, policy, path = task
    return outcome_of(_device(bundle, policy), Path(path))


if __name__ == "__main__":
    main()
