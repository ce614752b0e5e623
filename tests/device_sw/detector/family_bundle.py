"""A bundle of any family, with seeded weights that answer something, written through the real code."""

from __future__ import annotations

import json

import numpy as np
import torch
from safetensors.torch import save_file

from device_sw.detector.bundle import load_bundle
from device_sw.detector.eager import EagerDetector
from device_sw.detector.inference import detections_to_json
from device_sw.types import Letterbox, ModelInput

from .conftest import CURVES, ENGINE, FINDINGS, seal, write_reference
from .small_architectures import undecided


def film(side, seed=5):
    """A film of blurred noise, square in its letterbox."""
    random = np.random.default_rng(seed).random((side // 8, side // 8), dtype=np.float32)
    return ModelInput(np.kron(random, np.ones((8, 8), np.float32)), Letterbox(side, side, side))


def write_bundle(folder, architecture):
    """Write a complete bundle of the architecture and return it, loaded."""
    folder.mkdir()
    side = architecture.input_size
    golden = film(side)
    save_file(
        {name: tensor.contiguous() for name, tensor in undecided(architecture).state_dict().items()},
        folder / "weights.safetensors",
    )
    save_file({"film_0": torch.from_numpy(golden.pixels)}, folder / "golden_inputs.safetensors")
    (folder / "findings.toml").write_text("", encoding="utf-8")
    parts = {
        "model.json": {
            "architecture": architecture.to_json(),
            "engine": ENGINE,
            "findings": FINDINGS,
            "preprocessing": "tt-default-1",
        },
        "parity.json": {"films": 1, "max_box_px": 0.0, "max_score": 0.0},
        "thresholds.json": {"thresholds": dict.fromkeys(FINDINGS, 0.5)},
        "golden_outputs.json": {},
        "golden_judgements.json": {},
        "calibration.json": {"curves": CURVES},
    }
    for name, values in parts.items():
        (folder / name).write_text(json.dumps(values))
    write_reference(folder)
    seal(folder)
    bundle = load_bundle(folder)
    found = detections_to_json(EagerDetector(bundle).candidates(golden))
    frame = {"rows": side, "columns": side, "size": side}
    (folder / "golden_outputs.json").write_text(json.dumps({"film_0": {"letterbox": frame, "candidates": found}}))
    seal(folder)
    return load_bundle(folder)
