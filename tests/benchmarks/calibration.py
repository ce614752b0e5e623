"""How well scores are calibrated, and which films carry the caution OOD: the shipped bundle on phantom, real and foreign films.

    python -m tests.benchmarks.calibration --out evidence/calibration

Calibration is judged by the detection expected calibration error (D-ECE, Küppers et al. 2020, confidence only, ten equal bins): on the validation films by
ten-fold cross-validation over films, for several methods, which chose the one in use; then once on the test films of the phantom, with the bundle's own
curves. A film counts as flagged where its result carries the caution; rates carry 95 % Wilson intervals. Each part is written when it is done, and skipped when
it is there: remove a file to measure it again.
"""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from device_sw._version import __version__
from device_sw.detector.bundle import load_bundle
from device_sw.detector.inference import Detector
from device_sw.device import Device
from device_sw.dicom.reader import read
from device_sw.errors import DeviceError
from device_sw.preprocessing.geometry import letterbox
from device_sw.preprocessing.intensity import normalise
from device_sw.types import Letterbox, ModelInput, NormalisedFilm, Policy, ScoreCurve
from pipeline import calibration
from pipeline.training.dataset import read_split
from validation.metrics.calibration_error import BINS, d_ece
from validation.metrics.matching import match
from validation.studies.wilson import share

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
FOLDS = 10
CORRUPTED_FILMS = 12


def main() -> None:
    """Measure what is not measured yet."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--part", choices=("calibration", "phantom", "real", "corpus"), help="one part only")
    parser.add_argument("--real", type=int, default=100, help="real films, evenly spaced over the set")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    parts = {
        "calibration": calibration_errors,
        "phantom": lambda: phantom_flags(CORRUPTED_FILMS),
        "real": lambda: real_flags(arguments.real),
        "corpus": corpus_flags,
    }
    for name, measure in parts.items():
        place = arguments.out / f"{name}.json"
        if not place.exists() and arguments.part in {None, name}:
            value = {
                "date": datetime.now(UTC).date().isoformat(),
                "device": __version__,
                "bundle_sha256": bundle().sha256,
                **measure(),
            }
            place.write_text(json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
            print(place)  # noqa: T201


def bundle() -> Any:
    return load_bundle(ROOT / "artifacts" / "bundle")


def rate(hits: int, count: int) -> dict[str, Any]:
    between = share(hits, count, nothing="no films").interval
    return {
        "flagged": hits,
        "films": count,
        "rate": round(hits / count, 4),
        "interval_95": [round(between.low, 4), round(between.high, 4)],
    }


def calibration_errors() -> dict[str, Any]:
    """D-ECE of the validation films by cross-validation over films, and of the test films."""
    opened = bundle()
    findings = list(opened.settings.findings)
    validation = _validation(opened, findings)
    test = _test(findings, opened.settings.calibration)
    return {
        "measure": f"D-ECE at IoU {calibration.IOU}, {BINS} bins",
        "validation_films": len({film for _, _, films in validation.values() for film in films}),
        "cross_validated": {name: _errors(_crossed(validation, fit)) for name, fit in METHODS.items()},
        "test": {name: _errors(rows) for name, rows in test.items()},
    }


def _validation(opened: Any, findings: list[str]) -> dict[str, Any]:
    detector, split = Detector(opened), read_split(ROOT / "artifacts" / "prepared", "val")
    size = split.pixels.shape[1]
    found = {}
    for index, film in enumerate(split.films):
        output = detector.detect(ModelInput(split.image(index), Letterbox(size, size, size)))
        found[film.film_id] = {
            name: [[*d.box.as_tuple(), d.score] for d in output.candidates if d.finding == name] for name in findings
        }
    truths = {f.film_id: {name: f.boxes[f.labels == n] for n, name in enumerate(findings, start=1)} for f in split.films}
    matched = match(truths, found, findings, ious=(calibration.IOU,))
    return {name: (m.scores, m.hits_at(calibration.IOU), m.film) for name, m in matched.items()}


def _test(findings: list[str], curves: Any) -> dict[str, dict[str, Any]]:
    """The network's own and the calibrated scores of the test films; the finished device's candidates, with the curve undone for the own ones."""
    device, truths, raw, scored = Device(ROOT / "artifacts" / "bundle"), {}, {}, {}
    for film, path in _test_films():
        truths[film["film_id"]] = {name: [row["box"] for row in film["boxes"] if row["finding"] == name] for name in findings}
        trace = {step.name: step.candidates for step in device.analyse(path, explain=False).trace.filters}
        for target, step in ((raw, "on the film"), (scored, "calibration")):
            target[film["film_id"]] = {
                name: [[*d.box.as_tuple(), d.score] for d in trace[step] if d.finding == name] for name in findings
            }
    rows = {}
    for label, found in (("network", raw), ("calibrated", scored)):
        matched = match(truths, found, findings, ious=(calibration.IOU,))
        rows[label] = {name: (m.scores, m.hits_at(calibration.IOU)) for name, m in matched.items()}
    assert set(curves) == set(findings)
    return rows


def _test_films() -> list[tuple[dict[str, Any], Path]]:
    cohort = ROOT / "artifacts" / "cohort"
    films = json.loads((cohort / "cohort.json").read_text(encoding="utf-8"))["films"]
    return [(film, cohort / film["path"]) for film in films if film["split"] == "test" and film["exclusion"] is None]


def _identity(data: Any) -> dict[str, Any]:
    return dict.fromkeys(data, ScoreCurve(1.0, 0.0).calibrated)


def _logistic(weight: float) -> Any:
    return lambda data: {name: curve.calibrated for name, curve in calibration.fit(data, weight).items()}


def _isotonic(data: Any) -> dict[str, Any]:
    return {name: _steps(*part) for name, part in data.items()}


def _steps(scores: np.ndarray, right: np.ndarray) -> Any:
    """Pool adjacent violators, then interpolate."""
    order, blocks = np.argsort(scores, kind="stable"), []
    for value in right[order].astype(float):
        blocks.append([value, 1])
        while len(blocks) > 1 and blocks[-2][0] >= blocks[-1][0]:
            (a, n), (b, m) = blocks.pop(-2), blocks.pop(-1)
            blocks.append([(a * n + b * m) / (n + m), n + m])
    values = np.concatenate([[value] * count for value, count in blocks]) if blocks else np.zeros(1)
    places = scores[order] if len(scores) else np.zeros(1)
    return lambda score: float(np.interp(score, places, values))


METHODS = {
    "network's own": _identity,
    "logistic, one curve": _logistic(1e9),
    "logistic, per finding, prior 1": _logistic(1.0),
    "logistic, per finding, prior 3 (in use)": _logistic(calibration.PRIOR_WEIGHT),
    "logistic, per finding, prior 10": _logistic(10.0),
    "isotonic, per finding": _isotonic,
}


def _crossed(data: dict[str, Any], fit: Any) -> dict[str, Any]:
    rows = {name: (np.zeros(len(scores)), right) for name, (scores, right, _) in data.items()}
    for fold in range(FOLDS):
        curves = fit(
            {name: (scores[film % FOLDS != fold], right[film % FOLDS != fold]) for name, (scores, right, film) in data.items()}
        )
        for name, (scores, _, film) in data.items():
            for index in np.flatnonzero(film % FOLDS == fold):
                rows[name][0][index] = curves[name](float(scores[index]))
    return rows


def _errors(rows: dict[str, Any]) -> dict[str, Any]:
    scores, right = (np.concatenate([part[n] for part in rows.values()]) for n in (0, 1))
    kept = np.clip(scores, 1e-9, 1 - 1e-9)
    loss = -np.mean(np.where(right, np.log(kept), np.log(1 - kept)))
    return {
        "d_ece": round(d_ece(scores, right).value, 4),
        "log_loss": round(float(loss), 4),
        "brier": round(float(np.mean((scores - right) ** 2)), 4),
        "candidates": len(scores),
        "right": int(right.sum()),
        "d_ece_per_finding": {name: round(d_ece(*part).value, 4) for name, part in rows.items()},
    }


def _flagged(pictures: Any, detector: Any, opened: Any) -> tuple[int, int, list[float]]:
    distances, size = [], opened.settings.input_size
    limit = opened.distribution.limit
    for picture in pictures:
        film = letterbox(NormalisedFilm(np.ascontiguousarray(picture, dtype=np.float32), opened.settings.preprocessing_id), size)
        distances.append(opened.distribution.place(film, detector.detect(film).features).distance)
    return sum(value > limit for value in distances), len(distances), distances


CORRUPTIONS = {
    "noise, sd 0.05": lambda p: np.clip(p + np.random.default_rng(1).normal(0, 0.05, p.shape), 0, 1),
    "noise, sd 0.15": lambda p: np.clip(p + np.random.default_rng(1).normal(0, 0.15, p.shape), 0, 1),
    "blur, 4 px": lambda p: _blurred(p, 4),
    "blur, 12 px": lambda p: _blurred(p, 12),
    "gamma 0.5": lambda p: p**0.5,
    "gamma 2": lambda p: p**2,
    "half contrast": lambda p: 0.25 + 0.5 * p,
    "upper half black": lambda p: np.where(np.arange(p.shape[0])[:, None] < p.shape[0] // 2, p, 0.0),
    "grid lines": lambda p: np.clip(p + 0.05 * (np.arange(p.shape[1]) % 8 < 2), 0, 1),
    "middle half only": lambda p: p[p.shape[0] // 4 : -p.shape[0] // 4, p.shape[1] // 4 : -p.shape[1] // 4],
    "negative": lambda p: 1 - p,
    "turned by 90 degrees": np.rot90,
    "turned by 180 degrees": lambda p: p[::-1, ::-1],
    "mirrored": lambda p: p[:, ::-1],
}


def _blurred(picture: np.ndarray, pixels: int) -> np.ndarray:
    blurred = Image.fromarray(np.round(picture * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(pixels))
    return np.asarray(blurred) / 255.0


def phantom_flags(films: int) -> dict[str, Any]:
    """The test films as they are, and some of them spoilt."""
    opened = bundle()
    detector = Detector(opened)
    pictures = [normalise(read(path), opened.settings.preprocessing_id).pixels for _, path in _test_films()]
    hits, count, distances = _flagged(pictures, detector, opened)
    spoilt = {name: rate(*_flagged(map(change, pictures[:films]), detector, opened)[:2]) for name, change in CORRUPTIONS.items()}
    return {
        "films_are": "phantom test films",
        "limit": opened.distribution.limit,
        "expected_rate": round(1 / (opened.distribution.held_out_films + 1), 4),
        "unchanged": rate(hits, count),
        "distance_quantiles": [round(float(q), 3) for q in np.quantile(distances, (0, 0.25, 0.5, 0.75, 1))],
        "spoilt": spoilt,
    }


def real_flags(films: int) -> dict[str, Any]:
    """Real frontal chest films; the model has seen phantom films only, so all of them ought to be flagged."""
    opened = bundle()
    paths = sorted((DATA / "cxr_boxes" / "images").iterdir())
    chosen = paths[:: max(1, len(paths) // films)][:films]
    pictures = (np.asarray(Image.open(path).convert("L")) / 255.0 for path in chosen)
    hits, count, distances = _flagged(pictures, Detector(opened), opened)
    quantiles = [round(float(q), 3) for q in np.quantile(distances, (0, 0.25, 0.5, 0.75, 1))]
    return {
        "films_are": "real films of NIH ChestX-ray14",
        "limit": opened.distribution.limit,
        "real": rate(hits, count),
        "distance_quantiles": quantiles,
    }


def corpus_flags() -> dict[str, Any]:
    """What the research policy admits of the DICOM corpus."""
    device, opened = Device(ROOT / "artifacts" / "bundle", Policy.RESEARCH), bundle()
    flagged, within, refused = [], [], 0
    for path in sorted((DATA / "dicom_corpus" / "good").rglob("*")):
        if not path.is_file():
            continue
        try:
            result = device.analyse(path, explain=False)
        except DeviceError:
            refused += 1
            continue
        name = f"{path.name} ({result.film.modality or 'no modality'})"
        (flagged if result.placement is None or result.placement.outside else within).append(name)
    return {
        "films_are": "valid files of the DICOM corpus that the research policy admits",
        "limit": opened.distribution.limit,
        "admitted": rate(len(flagged), len(flagged) + len(within)),
        "refused": refused,
        "within": within,
    }


if __name__ == "__main__":
    main()
