"""Stage `predict`: the finished device over the test films, DICOM file by DICOM file, refusals counted."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from device_sw._version import __version__
from device_sw.detector.bundle import load_bundle
from device_sw.detector.inference import detections_to_json
from device_sw.device import Device
from device_sw.errors import InputRefused
from device_sw.types import Policy
from pipeline.progress import bar
from pipeline.run import Run, available_workers, read_json, write_json


def main() -> None:
    """Write artifacts/predictions/predictions.json for every test film of the cohort."""
    run = Run.here()
    policy = run.params()["predict"]["policy"]
    cohort = run.artifact("cohort")
    films = [film for film in read_json(cohort / "cohort.json")["films"] if film["split"] == "test"]
    tasks = [(str(run.artifact("bundle")), policy, str(cohort / film["path"])) for film in films]
    outcomes = []
    with ProcessPoolExecutor(available_workers(), mp_context=get_context("spawn")) as pool, bar("device on test films") as report:
        for film, outcome in zip(films, pool.map(outcome_of, tasks, chunksize=4), strict=True):
            outcomes.append({"film_id": film["film_id"], **outcome})
            report(len(outcomes), len(films), "")
    _write(run, policy, outcomes)


@cache
def _device(bundle: str, policy: str) -> Device:
    """One device a process: its bundle is verified and self-tested once."""
    return Device(Path(bundle), Policy(policy))


def outcome_of(task: tuple[str, str, str]) -> dict[str, Any]:
    """Return what the device says of one file: candidates, or the code of its refusal."""
    bundle, policy, path = task
    try:
        result = _device(bundle, policy).analyse(Path(path))
    except InputRefused as refusal:
        return {"status": "refused", "code": refusal.code, "candidates": []}
    return {"status": "analysed", "code": None, "candidates": detections_to_json(result.candidates)}


def _write(run: Run, policy: str, outcomes: list[dict[str, Any]]) -> None:
    bundle = load_bundle(run.artifact("bundle"))
    write_json(
        run.artifact("predictions") / "predictions.json",
        {
            "schema": "thoratrace/predictions/1",
            "device_version": __version__,
            "model_version": bundle.settings.model_version,
            "bundle_sha256": bundle.sha256,
            "policy": policy,
            "findings": list(bundle.settings.findings),
            "thresholds": dict(bundle.settings.thresholds),
            "films": outcomes,
        },
    )


if __name__ == "__main__":
    main()
