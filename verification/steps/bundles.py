"""A small untrained model bundle, complete and consistent, and the ways in which a bundle can be wrong.

Its network is the device's own architecture at a hundredth of the size with seeded random weights: it marks nonsense, quickly and reproducibly,
which is all that scenarios on integrity, operating points, records and order of work need.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors.numpy import save_file as save_arrays
from safetensors.torch import load, save_file

from device_sw.detector.architecture import FasterRCNNSmall
from device_sw.detector.bundle import load_bundle
from device_sw.detector.calibration import calibrated
from device_sw.detector.distribution import DESCRIPTIONS, network_values, picture_values
from device_sw.detector.eager import EagerDetector
from device_sw.detector.engine import NAME, PRECISION, VERSION
from device_sw.detector.families.registry import build
from device_sw.detector.inference import Detector, detections_to_json
from device_sw.detector.judgement import golden_calibrated, golden_judgement
from device_sw.detector.parity import Parity, measure
from device_sw.findings import all_findings
from device_sw.preprocessing.geometry import letterbox
from device_sw.types import NormalisedFilm
from verification.steps.films import oval_chest, picture

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from device_sw.types import Detection

FINDINGS = tuple(row.id for row in all_findings())

ARCHITECTURE = FasterRCNNSmall(
    classes=len(FINDINGS),
    input_size=128,
    widths=(8, 8, 16, 16),
    blocks=1,
    pyramid=16,
    box_head=16,
    proposals_train=50,
    proposals_test=30,
    anchors=(((12.0, 12.0),), ((28.0, 28.0),), ((56.0, 56.0),)),
    score_floor=0.02,
)

ENGINE = {"name": NAME, "version": VERSION, "precision": PRECISION}

SEED = 5
SPREAD = 3.0
"""How far the untrained network's class scores lie apart; 1 leaves all of them near 1/8."""


def untrained(folder: Path) -> Path:
    """Write the bundle with operating points at the median score, so that a film has detections and candidates below them; return the folder."""
    folder.mkdir(parents=True)
    save_file(_weights(), folder / "weights.safetensors")
    parts = {"architecture": ARCHITECTURE.to_json(), "engine": ENGINE, "findings": FINDINGS, "preprocessing": "tt-default-1"}
    _write(folder / "model.json", parts)
    _write(folder / "parity.json", Parity(0, 0.0, 0.0).to_json())
    _write(folder / "thresholds.json", {"thresholds": dict.fromkeys(FINDINGS, 0.5)})
    (folder / "findings.toml").write_bytes(files("device_sw").joinpath("findings.toml").read_bytes())
    _write(folder / "calibration.json", {"curves": CURVES})
    _golden(folder)
    loaded = load_bundle(seal(folder))
    found = calibrated(Detector(loaded).detect(golden_film()).candidates, loaded.settings)
    with_operating_points(folder, {finding: _median(found, finding) for finding in FINDINGS})
    return folder


def _weights() -> dict[str, torch.Tensor]:
    network, generator = build(ARCHITECTURE), torch.Generator().manual_seed(SEED)
    state = {}
    for name, tensor in network.state_dict().items():
        scale = 0.0 if name.endswith("bias") or tensor.ndim < 2 else (2.0 / tensor[0].numel()) ** 0.5
        state[name] = torch.randn(tensor.shape, generator=generator) * scale + (
            1.0 if tensor.ndim == 1 and name.endswith("weight") else 0.0
        )
    state["roi_heads.box_predictor.cls_score.weight"] *= SPREAD
    return state


GOLDEN_SEEDS = {"film_0": 0, "film_1": 1}
"""The golden films by the seed of their picture; more than one, because a self-test that looks at the first only has to be noticed."""


CURVES = {finding: {"slope": 0.7 + 0.1 * place, "offset": 0.1 * place - 0.5} for place, finding in enumerate(FINDINGS)}
"""Every finding has a curve of its own, none of which leaves a score as it is."""


def _reference(folder: Path, described: list[dict[str, Any]]) -> None:
    """Write reference films: statistics of some films with the values counted as independent, and a limit which those films keep twice over."""
    arrays, units = {}, {}
    for name in DESCRIPTIONS:
        values = np.stack([film[name] for film in described])
        mean, scale = values.mean(axis=0), np.maximum(values.std(axis=0), 0.05)
        arrays |= {f"{name}_mean": mean, f"{name}_scale": scale, f"{name}_precision": np.eye(len(mean))}
        units[name] = max(float(np.linalg.norm((film - mean) / scale)) for film in values) or 1.0
    save_arrays(arrays, folder / "distribution.safetensors")
    _write(
        folder / "distribution.json",
        {"limit": 2.0, "units": units, "reference_films": len(described), "held_out_films": len(described)},
    )


def golden_film(seed: int = 0) -> Any:
    """Return a plainly drawn chest as this network sees it."""
    return _seen(oval_chest(seed=seed))


def _seen(stored: Any) -> Any:
    return letterbox(NormalisedFilm(np.asarray(stored / 4095.0, dtype=np.float32), "tt-default-1"), ARCHITECTURE.input_size)


def _golden(folder: Path) -> None:
    """Freeze what this network says of the golden films, and how far the engine is from it."""
    films = {name: golden_film(seed) for name, seed in GOLDEN_SEEDS.items()}
    save_file({name: torch.from_numpy(film.pixels.copy()) for name, film in films.items()}, folder / "golden_inputs.safetensors")
    outputs: dict[str, Any] = {name: {"letterbox": _frame(film), "candidates": []} for name, film in films.items()}
    _write(folder / "golden_outputs.json", outputs)
    _write(folder / "golden_judgements.json", {})
    nothing = {"picture": np.zeros(1), "network": np.zeros(1)}
    _reference(folder, [nothing])
    loaded = load_bundle(seal(folder))
    detector, trained = Detector(loaded), EagerDetector(loaded)
    described = [_described(detector, _seen(picture(seed=seed))) for seed in range(REFERENCE_FILMS)]
    _reference(folder, described)
    for name, film in films.items():
        outputs[name]["candidates"] = detections_to_json(trained.candidates(film))
    _write(folder / "golden_outputs.json", outputs)
    record = measure(detector, trained, films.values(), ARCHITECTURE.score_floor)
    _write(folder / "parity.json", record.to_json())
    loaded = load_bundle(seal(folder))
    judgements = {name: golden_judgement(loaded, detector, name, outputs[name]["letterbox"]) for name in films}
    _write(folder / "golden_judgements.json", judgements)


REFERENCE_FILMS = 6


def _described(detector: Detector, film: Any) -> dict[str, Any]:
    features = detector.detect(film).features
    assert features is not None
    return {"picture": picture_values(film), "network": network_values(features, film.letterbox)}


def _frame(film: Any) -> dict[str, int]:
    return {"rows": film.letterbox.rows, "columns": film.letterbox.columns, "size": film.letterbox.size}


def _median(found: tuple[Detection, ...], finding: str) -> float:
    return float(np.median([d.score for d in found if d.finding == finding] or [0.5]))


def with_operating_points(folder: Path, thresholds: dict[str, float]) -> Path:
    """Replace the operating points and seal the bundle again."""
    _write(folder / "thresholds.json", {"thresholds": thresholds})
    return seal(folder)


def with_unit(folder: Path, description: str, factor: float) -> Path:
    """Multiply the unit of one distance, freeze what the golden films give then, and seal the bundle again."""
    _edit(
        folder / "distribution.json", lambda values: values["units"].update({description: values["units"][description] * factor})
    )
    _edit(
        folder / "golden_judgements.json",
        lambda films: [film.update({description: film[description] / factor}) for film in films.values()],
    )
    return seal(folder)


def seal(folder: Path) -> Path:
    """Write the manifest that fits the files as they are now, so that only what the files say can be wrong."""
    parts = sorted(path for path in folder.iterdir() if path.name != "manifest.json")
    manifest = {
        "schema": "thoratrace/bundle/1",
        "model_version": "0.0.1",
        "profile": "phantom",
        "budget": "quick",
        "lineage": {"origin": "untrained weights of the verification steps"},
        "files": {path.name: {"sha256": sha256(path), "size": path.stat().st_size} for path in parts},
    }
    return _write(folder / "manifest.json", manifest).parent


def copy(bundle: Path, folder: Path) -> Path:
    """Return a copy that a scenario may spoil."""
    return shutil.copytree(bundle, folder)


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def fingerprint(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file of a folder."""
    return {path.name: sha256(path) for path in sorted(folder.iterdir())}


def flip_bit(file: Path) -> None:
    """Change one bit in the middle of a file and nothing else."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def _write(path: Path, values: Any) -> Path:
    path.write_text(json.dumps(values, sort_keys=True, indent=1) + "\n", encoding="utf-8")
    return path


def _edit(file: Path, change: Callable[[Any], None]) -> None:
    values = json.loads(file.read_text(encoding="utf-8"))
    change(values)
    _write(file, values)


def _golden_shift(*, film: str = "film_0", pixels: float = 0.0, score: float = 0.0) -> Callable[[Path], None]:
    def shift(bundle: Path) -> None:
        def change(values: Any) -> None:
            first = values[film]["candidates"][0]
            first["box"] = [edge + pixels for edge in first["box"]]
            first["score"] += score

        _edit(bundle / "golden_outputs.json", change)
        loaded = load_bundle(seal(bundle))
        released = detections_to_json(golden_calibrated(loaded, film))
        _edit(bundle / "golden_judgements.json", lambda values: values[film].update(calibrated=released))

    return shift


def _threshold(finding: str, value: float | None) -> Callable[[Path], None]:
    def edit(values: Any) -> None:
        if value is None:
            del values["thresholds"][finding]
        else:
            values["thresholds"][finding] = value

    return lambda bundle: _edit(bundle / "thresholds.json", edit)


def _curve(**change: float) -> Callable[[Path], None]:
    return lambda bundle: _edit(bundle / "calibration.json", lambda values: values["curves"]["scoliosis"].update(change))


def _model(change: Callable[[Any], None]) -> Callable[[Path], None]:
    return lambda bundle: _edit(bundle / "model.json", change)


def _rename_in_model_and_thresholds(bundle: Path) -> None:
    def rename(values: Any) -> None:
        values["thresholds"]["pneumothorax"] = values["thresholds"].pop("scoliosis")

    _edit(bundle / "thresholds.json", rename)
    _edit(bundle / "model.json", lambda values: values["findings"].__setitem__(FINDINGS.index("scoliosis"), "pneumothorax"))


def _rename_display(bundle: Path) -> None:
    table = bundle / "findings.toml"
    table.write_text(table.read_text(encoding="utf-8").replace("Cardiac hypertrophy", "Enlarged heart"), encoding="utf-8")


def _weights_edit(change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]) -> Callable[[Path], None]:
    def edit(bundle: Path) -> None:
        save_file(change(load((bundle / "weights.safetensors").read_bytes())), bundle / "weights.safetensors")

    return edit


def _pickled(bundle: Path) -> None:
    torch.save(load((bundle / "weights.safetensors").read_bytes()), bundle / "weights.safetensors")


def _with_nan(name: str) -> Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]:
    def change(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        weights[name] = torch.full_like(weights[name], float("nan"))
        return weights

    return change


def _overflow_that_golden_outputs_hide(bundle: Path) -> None:
    """Finite weights whose products are not: class scores become NaN on every film, and golden outputs without candidates would agree with it."""

    def change(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        name = "roi_heads.box_predictor.cls_score.weight"
        weights[name] = torch.full_like(weights[name], 3e38)
        return weights

    _weights_edit(change)(bundle)
    _edit(bundle / "golden_outputs.json", lambda values: [film.__setitem__("candidates", []) for film in values.values()])


def _nan_that_golden_outputs_hide(bundle: Path) -> None:
    """Class scores of NaN pass no comparison, so this network marks nothing; golden outputs without candidates would agree with it."""
    _weights_edit(_with_nan("roi_heads.box_predictor.cls_score.bias"))(bundle)
    _edit(bundle / "golden_outputs.json", lambda values: [film.__setitem__("candidates", []) for film in values.values()])


def _engine(**parts: str) -> Callable[[Path], None]:
    return _model(lambda values: values["engine"].update(parts))


def _parity(**parts: float) -> Callable[[Path], None]:
    return lambda bundle: _edit(bundle / "parity.json", lambda values: values.update(parts))


FAULTS: dict[str, Callable[[Path], None]] = {
    "precision bf16 in its release": _engine(precision="bf16"),
    "engine onnxruntime in its release": _engine(name="onnxruntime"),
    "engine version 2019.1.0 in its release": _engine(version="2019.1.0"),
    "a parity check over no film": _parity(films=0),
    "a parity check that differs by 0.51 pixel": _parity(max_box_px=0.51),
    "a parity check that differs by 0.00011 in score": _parity(max_score=1.1e-4),
    "no letterbox of a golden film": lambda bundle: _edit(
        bundle / "golden_outputs.json", lambda values: [film.pop("letterbox") for film in values.values()]
    ),
    "no operating point for scoliosis": _threshold("scoliosis", None),
    "an operating point of 1.2": _threshold("scoliosis", 1.2),
    "an operating point of -0.1": _threshold("scoliosis", -0.1),
    "an operating point below the score floor": _threshold("scoliosis", 0.001),
    "an operating point that is not a number": _threshold("scoliosis", float("nan")),
    "a finding that the device does not know": _rename_in_model_and_thresholds,
    "a finding renamed in its table of findings": _rename_display,
    "weights of another network": _weights_edit(
        lambda weights: {**weights, "backbone.stem.conv.weight": torch.zeros(16, 1, 3, 3)}
    ),
    "a network of a family that nobody knows": _model(lambda values: values["architecture"].update(family="yolov9")),
    "a network described as one of another family": _model(lambda values: values["architecture"].update(family="retinanet")),
    "a weight tensor missing": _weights_edit(lambda weights: dict(list(weights.items())[1:])),
    "pickled weights under the right name": _pickled,
    "preprocessing named tt-unknown-9": _model(lambda values: values.__setitem__("preprocessing", "tt-unknown-9")),
    "a calibration that falls": _curve(slope=-1.0),
    "a calibration that is not a number": _curve(offset=float("nan")),
    "no calibration for scoliosis": lambda bundle: _edit(
        bundle / "calibration.json", lambda values: values["curves"].pop("scoliosis")
    ),
    "another curve for scoliosis": _curve(slope=0.9),
    "another unit of distance": lambda bundle: _edit(
        bundle / "distribution.json", lambda values: values["units"].update(picture=0.1)
    ),
    "no golden judgement": lambda bundle: _edit(bundle / "golden_judgements.json", lambda values: values.clear()),
    "golden boxes shifted by 0.6 pixel": _golden_shift(pixels=0.6),
    "golden boxes shifted by 0.4 pixel": _golden_shift(pixels=0.4),
    "boxes of the last golden film shifted by 0.6 pixel": _golden_shift(film="film_1", pixels=0.6),
    "golden scores shifted by 0.0002": _golden_shift(score=-0.0002),
    "golden scores shifted by 0.00005": _golden_shift(score=-0.00005),
    "no golden film": lambda bundle: _edit(bundle / "golden_outputs.json", lambda values: values.clear()),
    "a NaN in the region proposals": _weights_edit(_with_nan("rpn.head.cls_logits.bias")),
    "a NaN in the class scores": _weights_edit(_with_nan("roi_heads.box_predictor.cls_score.bias")),
    "a NaN in the backbone": _weights_edit(_with_nan("backbone.stem.norm.bias")),
    "a NaN in the class scores and golden outputs without candidates": _nan_that_golden_outputs_hide,
    "class scores beyond every number and golden outputs without candidates": _overflow_that_golden_outputs_hide,
}
"""Faults by the words that scenarios use; each is planted in a copy and the copy sealed again, so that every hash is right."""


def spoil(bundle: Path, fault: str) -> Path:
    """Plant one fault and recompute the manifest."""
    FAULTS[fault](bundle)
    return seal(bundle)
