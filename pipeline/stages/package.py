"""Stage `package`: weights, operating points, golden films and a manifest that hashes each: the bundle the device runs."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import save_file

from device_sw.detector.bundle import MANIFEST, SCHEMA, load_bundle
from device_sw.detector.inference import Detector, detections_to_json
from device_sw.types import Letterbox, ModelInput
from pipeline.progress import bar
from pipeline.run import REPOSITORY, Run, file_sha256, read_json, write_json
from pipeline.training.dataset import PreparedSplit, read_split
from pipeline.training.evaluation import operating_points

if TYPE_CHECKING:
    from pathlib import Path

LIMIT_BYTES = 20_000_000
"""A bundle is committed with its release, so it stays small."""


def main() -> None:
    """Write artifacts/bundle from artifacts/training and the validation films."""
    run = Run.here()
    params = run.params()
    bundle = run.artifact("bundle")
    shutil.rmtree(bundle, ignore_errors=True)
    bundle.mkdir(parents=True)
    held_out = read_split(run.artifact("prepared"), "val")
    _write_model(run, params, bundle)
    _provisional(bundle, params["train"]["findings"])
    _write_manifest(run, params, bundle)
    detections = _detect(bundle, held_out)
    _write_thresholds(bundle, params, held_out, detections)
    _write_golden(bundle, held_out, detections, params["package"]["golden_films"])
    _write_manifest(run, params, bundle)
    _check(bundle)


def _write_model(run: Run, params: dict[str, Any], bundle: Path) -> None:
    training = read_json(run.artifact("training") / "training.json")
    shutil.copy(run.artifact("training") / "weights.safetensors", bundle / "weights.safetensors")
    shutil.copy(REPOSITORY / "device_sw" / "findings.toml", bundle / "findings.toml")
    model = {
        "architecture": training["architecture"],
        "findings": params["train"]["findings"],
        "preprocessing": params["prepare"]["preprocessing"],
    }
    write_json(bundle / "model.json", model)


def _provisional(bundle: Path, findings: list[str]) -> None:
    """Complete the bundle so that the detector can load it through the one verifying loader; both files are replaced below."""
    write_json(bundle / "thresholds.json", {"thresholds": dict.fromkeys(findings, 1.0)})
    save_file({"none": torch.zeros(1)}, bundle / "golden_inputs.safetensors")
    write_json(bundle / "golden_outputs.json", {})


def _detect(bundle: Path, held_out: PreparedSplit) -> list[list[dict[str, Any]]]:
    """Return the candidates of every validation film, in network pixels."""
    detector = Detector(load_bundle(bundle))
    size = held_out.pixels.shape[1]
    found = []
    with bar("operating points") as report:
        for index in range(len(held_out.films)):
            model_input = ModelInput(held_out.image(index), Letterbox(size, size, size))
            found.append(detections_to_json(detector.detect(model_input).candidates))
            report(index + 1, len(held_out.films), "")
    return found


def _write_thresholds(
    bundle: Path, params: dict[str, Any], held_out: PreparedSplit, detections: list[list[dict[str, Any]]]
) -> None:
    thresholds = operating_points(held_out, detections, params["train"]["findings"])
    write_json(bundle / "thresholds.json", {"rule": "largest F1 at IoU 0.5 on the validation films", "thresholds": thresholds})


def _write_golden(bundle: Path, held_out: PreparedSplit, detections: list[list[dict[str, Any]]], films: int) -> None:
    """Keep the films with the most candidates: they exercise every layer."""
    size = held_out.pixels.shape[1]
    chosen = sorted(range(len(detections)), key=lambda index: (-len(detections[index]), index))[:films]
    names = {index: f"film_{position}" for position, index in enumerate(chosen)}
    save_file({names[i]: torch.from_numpy(held_out.image(i)) for i in chosen}, bundle / "golden_inputs.safetensors")
    box = {"rows": size, "columns": size, "size": size}
    write_json(bundle / "golden_outputs.json", {names[i]: {"letterbox": box, "candidates": detections[i]} for i in chosen})


def _write_manifest(run: Run, params: dict[str, Any], bundle: Path) -> None:
    files = sorted(path for path in bundle.iterdir() if path.name != MANIFEST)
    write_json(
        bundle / MANIFEST,
        {
            "schema": SCHEMA,
            "model_version": params["model_version"],
            "profile": params["profile"],
            "budget": params["budget"],
            "lineage": {
                "cohort_sha256": file_sha256(run.artifact("cohort") / "cohort.json"),
                "weights_sha256": file_sha256(bundle / "weights.safetensors"),
                "history_sha256": file_sha256(run.artifact("training") / "history.json"),
            },
            "files": {path.name: {"sha256": file_sha256(path), "size": path.stat().st_size} for path in files},
        },
    )


def _check(bundle: Path) -> None:
    """Fail the stage unless the finished bundle loads, passes its self-test and stays under the size limit."""
    size = sum(path.stat().st_size for path in bundle.iterdir())
    verdict = Detector(load_bundle(bundle)).self_test()
    if not verdict.passed or size > LIMIT_BYTES:
        raise SystemExit(
            f"PKG-SELF-TEST at {bundle.name}: found {verdict}, {size} bytes; expected a passed self-test and at most {LIMIT_BYTES} bytes"
        )


if __name__ == "__main__":
    main()
