"""Stage `package`: weights, calibration, operating points, reference films, golden films and a manifest that hashes each: the bundle the device runs."""

from __future__ import annotations

import shutil
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.numpy import save_file

from device_sw.detector import engine
from device_sw.detector.bundle import MANIFEST, SCHEMA, load_bundle
from device_sw.detector.distribution import DESCRIPTIONS, network_values, picture_values
from device_sw.detector.eager import EagerDetector
from device_sw.detector.inference import Detector, detections_to_json
from device_sw.detector.judgement import golden_faults, golden_judgement
from device_sw.detector.parity import Parity, measure
from device_sw.types import Letterbox, ModelInput
from pipeline import calibration, held_out, operating_point, reference_films
from pipeline.progress import bar
from pipeline.run import REPOSITORY, Run, available_workers, file_sha256, read_json, write_json
from pipeline.training.dataset import PreparedSplit, read_split

if TYPE_CHECKING:
    from collections.abc import Mapping

    from device_sw.detector.bundle import Bundle
    from device_sw.detector.distribution import ReferenceDistribution
    from device_sw.types import ScoreCurve
    from validation.metrics.matching import FindingMatches


def main() -> None:
    """Write artifacts/bundle from artifacts/training and the validation films."""
    run = Run.here()
    params = run.params()
    bundle = run.artifact("bundle")
    shutil.rmtree(bundle, ignore_errors=True)
    bundle.mkdir(parents=True)
    validation = read_split(run.artifact("prepared"), "val")
    _write_model(run, params, bundle)
    _provisional(bundle, params["train"]["findings"])
    _write_manifest(run, params, bundle)
    detections, held_out_films = _look_at(run, bundle, "val")
    _, training_films = _look_at(run, bundle, "train")
    provisional = load_bundle(bundle)
    trained = EagerDetector(provisional)
    _write_parity(bundle, provisional, trained, validation)
    scored = _write_calibration(bundle, params["train"]["findings"], validation, detections)
    _write_thresholds(bundle, params, held_out.matched(validation, scored, params["train"]["findings"]))
    _write_distribution(bundle, reference_films.fit(training_films, held_out_films))
    golden = _write_golden(bundle, validation, detections, trained, params["package"]["golden_films"])
    _write_manifest(run, params, bundle)
    _write_golden_judgements(run, bundle, {name: validation.films[index].film_id for index, name in golden.items()})
    _write_manifest(run, params, bundle)
    _check(bundle, params["package"]["limit_mb"] * 1_000_000)


def _write_model(run: Run, params: dict[str, Any], bundle: Path) -> None:
    training = read_json(run.artifact("training") / "training.json")
    shutil.copy(run.artifact("training") / "weights.safetensors", bundle / "weights.safetensors")
    shutil.copy(REPOSITORY / "device_sw" / "findings.toml", bundle / "findings.toml")
    model = {
        "architecture": training["architecture"],
        "engine": {"name": engine.NAME, "version": engine.VERSION, "precision": engine.PRECISION},
        "findings": params["train"]["findings"],
        "preprocessing": params["prepare"]["preprocessing"],
    }
    write_json(bundle / "model.json", model)


def _provisional(bundle: Path, findings: list[str]) -> None:
    """Complete the bundle so that the detector can load it through the one verifying loader; all of these files are replaced below."""
    write_json(bundle / "thresholds.json", {"thresholds": dict.fromkeys(findings, 1.0)})
    write_json(bundle / "calibration.json", {"curves": {name: {"slope": 1.0, "offset": 0.0} for name in findings}})
    nothing = {name: np.zeros((2, 1)) for name in DESCRIPTIONS}
    films = reference_films.DescribedFilms(nothing)
    _write_distribution(bundle, reference_films.fit(films, films))
    save_file({"none": np.zeros(1, np.float32)}, bundle / "golden_inputs.safetensors")
    write_json(bundle / "golden_outputs.json", {})
    write_json(bundle / "golden_judgements.json", {})
    write_json(bundle / "parity.json", Parity(0, 0.0, 0.0).to_json())


def _look_at(run: Run, bundle: Path, split: str) -> tuple[list[list[dict[str, Any]]], reference_films.DescribedFilms]:
    """Return the candidates of every film of a split, in network pixels, and what describes each film."""
    films = read_split(run.artifact("prepared"), split).films
    frames = _frames(run)
    tasks = [(str(bundle), str(run.artifact("prepared")), split, i, frames[film.film_id]) for i, film in enumerate(films)]
    found: list[list[dict[str, Any]]] = []
    values: dict[str, list[Any]] = {name: [] for name in DESCRIPTIONS}
    with ProcessPoolExecutor(available_workers(), mp_context=get_context("spawn")) as pool, bar(f"network on {split}") as report:
        for candidates, described in pool.map(_seen, tasks, chunksize=4):
            found.append(candidates)
            for name in DESCRIPTIONS:
                values[name].append(described[name])
            report(len(found), len(tasks), "")
    return found, reference_films.DescribedFilms({name: np.stack(rows) for name, rows in values.items()})


def _frames(run: Run) -> dict[str, tuple[int, int]]:
    """Return rows and columns of every film, by its id: the prepared pixels no longer tell where the film ends and the padding begins."""
    films = read_json(run.artifact("cohort") / "cohort.json")["films"]
    return {film["film_id"]: (film["rows"], film["columns"]) for film in films}


@cache
def _loaded(bundle: str, prepared: str, split: str) -> tuple[Detector, PreparedSplit]:
    """One network and one mapped split a process."""
    return Detector(load_bundle(Path(bundle))), read_split(Path(prepared), split)


def _seen(task: tuple[str, str, str, int, tuple[int, int]]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return candidates and descriptions of one prepared film."""
    bundle, prepared, split, index, (rows, columns) = task
    detector, films = _loaded(bundle, prepared, split)
    image = films.image(index)
    size = image.shape[0]
    output = detector.detect(ModelInput(image, Letterbox(size, size, size)))
    framed = ModelInput(image, Letterbox(rows, columns, size))
    if output.features is None:
        raise ValueError("the detector gave no features, by which films are described")
    described = {"picture": picture_values(framed), "network": network_values(output.features, framed.letterbox)}
    return detections_to_json(output.candidates), described


def _write_calibration(
    bundle: Path, findings: list[str], validation: PreparedSplit, detections: list[list[dict[str, Any]]]
) -> list[list[dict[str, Any]]]:
    """Write the curves and return the candidates with calibrated scores."""
    data = calibration.outcomes(held_out.matched(validation, detections, findings))
    curves = calibration.fit(data)
    write_json(
        bundle / "calibration.json",
        {
            "method": "logistic curve on the logit of the score, per finding, normal prior around the curve of all findings",
            "right": f"the box takes a true box at IoU {operating_point.IOU}",
            "prior_weight": calibration.PRIOR_WEIGHT,
            "films": len(validation.films),
            "candidates": {name: len(scores) for name, (scores, _) in data.items()},
            "right_candidates": {name: int(right.sum()) for name, (_, right) in data.items()},
            "curves": {name: {"slope": curve.slope, "offset": curve.offset} for name, curve in curves.items()},
        },
    )
    return [[_scored(row, curves) for row in rows] for rows in detections]


def _scored(row: dict[str, Any], curves: dict[str, ScoreCurve]) -> dict[str, Any]:
    return {**row, "score": curves[row["finding"]].calibrated(row["score"])}


def _write_distribution(bundle: Path, distribution: ReferenceDistribution) -> None:
    arrays = {
        f"{name}_{part}": np.ascontiguousarray(getattr(films, part))
        for name, films in distribution.films.items()
        for part in ("mean", "scale", "precision")
    }
    save_file(arrays, bundle / "distribution.safetensors")
    write_json(
        bundle / "distribution.json",
        {
            "method": "Mahalanobis distance from the training films, in medians of the validation films",
            "rule": "the limit is the largest distance among the validation films",
            "reference_films": distribution.reference_films,
            "held_out_films": distribution.held_out_films,
            "limit": distribution.limit,
            "units": {name: films.unit for name, films in distribution.films.items()},
        },
    )


def _network_input(validation: PreparedSplit, index: int) -> ModelInput:
    """Return a prepared film as the network sees it; its candidates come out in network pixels."""
    size = validation.pixels.shape[1]
    return ModelInput(validation.image(index), Letterbox(size, size, size))


def _write_parity(bundle: Path, provisional: Bundle, trained: EagerDetector, validation: PreparedSplit) -> None:
    """Hold the engine against the trained network on every validation film; beyond the tolerance no bundle is made."""
    films = (_network_input(validation, index) for index in range(len(validation.films)))
    record = measure(Detector(provisional), trained, films, provisional.settings.score_floor)
    if not record.holds:
        raise SystemExit(
            f"PKG-PARITY at {bundle.name}: found {record}; expected differences within 0.5 px and 1e-4 over at least one film"
        )
    write_json(bundle / "parity.json", record.to_json())


def _write_thresholds(bundle: Path, params: dict[str, Any], matched: Mapping[str, FindingMatches]) -> None:
    chosen = operating_point.choose(matched, params["package"]["false_positives_per_film"])
    record = {
        **chosen.to_json(),
        operating_point.CHOSEN_FOR: operating_point.chosen_for(bundle),
        "thresholds": dict(chosen.thresholds),
    }
    write_json(bundle / "thresholds.json", record)


def _write_golden(
    bundle: Path, validation: PreparedSplit, detections: list[list[dict[str, Any]]], trained: EagerDetector, films: int
) -> dict[int, str]:
    """Keep the films with the most candidates, which exercise every layer, and what the trained network says of them. Return the name of each by its index."""
    size = validation.pixels.shape[1]
    chosen = sorted(range(len(detections)), key=lambda index: (-len(detections[index]), index))[:films]
    names = {index: f"film_{position}" for position, index in enumerate(chosen)}
    save_file({names[i]: validation.image(i) for i in chosen}, bundle / "golden_inputs.safetensors")
    box = {"rows": size, "columns": size, "size": size}
    outputs = {names[i]: detections_to_json(trained.candidates(_network_input(validation, i))) for i in chosen}
    write_json(bundle / "golden_outputs.json", {name: {"letterbox": box, "candidates": found} for name, found in outputs.items()})
    return names


def _write_golden_judgements(run: Run, bundle: Path, films: dict[str, str]) -> None:
    """Freeze what the device makes of the network's answer on the golden films: name -> film id."""
    loaded = load_bundle(bundle)
    detector, frames, size = Detector(loaded), _frames(run), loaded.settings.input_size
    write_json(
        bundle / "golden_judgements.json",
        {
            name: golden_judgement(loaded, detector, name, {"rows": frames[film][0], "columns": frames[film][1], "size": size})
            for name, film in films.items()
        },
    )


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


def _check(bundle: Path, limit: int) -> None:
    """Fail the stage unless the finished bundle loads, passes its self-test and stays under the size limit."""
    size = sum(path.stat().st_size for path in bundle.iterdir())
    loaded = load_bundle(bundle)
    detector = Detector(loaded)
    verdict, faults = detector.self_test(), golden_faults(loaded, detector)
    if not verdict.passed or faults or size > limit:
        raise SystemExit(
            f"PKG-SELF-TEST at {bundle.name}: found {verdict}, {faults}, {size} bytes; expected a passed self-test and at most {limit} bytes"
        )


if __name__ == "__main__":
    main()
