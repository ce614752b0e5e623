"""The small bundle with second opinions put beside its network: further untrained networks, views, tiles, and a classifier that gives every film one score.

The classifier's last layer has no weights but its bias, so that a scenario chooses the score and asks what follows from it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from math import log
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors.numpy import save_file

from device_sw.detector.bundle import golden_outputs, load_bundle
from device_sw.detector.classifier import CLASSIFIER_WEIGHTS, ClassifierShape
from device_sw.detector.classifier_network import ClassifierNetwork
from device_sw.detector.eager import EagerDetector
from device_sw.detector.inference import Detector, detections_to_json
from device_sw.detector.second_opinions import FILE, SCHEMA
from device_sw.detector.second_readers import SecondReaders
from device_sw.types import ModelInput
from verification.steps import bundles

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from device_sw.detector.bundle import Bundle

SHAPE = ClassifierShape(bundles.ARCHITECTURE.input_size, (8, 16), 1)

ENOUGH = {"abnormal_films": 60, "suppressed_abnormal": 0, "normal_films": 20, "suppressed_normal": 12}
"""A record that shows the share of wrongly suppressed films to be small."""

VIEWS = [{"rotation_deg": 3.0}, {"scale": 0.93, "gamma": 0.1}]


@dataclass(frozen=True)
class Opinions:
    """What is put beside the network.

    Attributes:
        members: how many further networks.
        views: of every network, as JSON values.
        tiling: side and overlap, or None.
        abnormal: the score that the classifier gives every film; None leaves the classifier out.
        cut_off: of the classifier.
        kept_above: of the classifier.
        record: of the classifier's cut-off.
    """

    members: int = 0
    views: list[dict[str, float]] = field(default_factory=list)
    tiling: dict[str, int] | None = None
    abnormal: float | None = None
    cut_off: float = 0.3
    kept_above: float = 1.0
    record: dict[str, int] = field(default_factory=lambda: dict(ENOUGH))


def with_opinions(bundle: Path, opinions: Opinions) -> Path:
    """Put second opinions into a bundle, freeze what they say of its golden films, and seal it again."""
    first = load_bundle(bundle)
    names = [_member(bundle, first, number) for number in range(1, opinions.members + 1)]
    classifier = None if opinions.abnormal is None else _classifier(bundle, opinions)
    values: dict[str, Any] = {
        "schema": SCHEMA,
        "fusion": {"limit": 0.55, "weights": [1.0] * (1 + len(names))},
        "members": names,
        "views": opinions.views,
        "tiling": opinions.tiling,
        "classifier": classifier,
        "golden": {},
    }
    _write(bundle / FILE, values)
    loaded = load_bundle(bundles.seal(bundle))
    assert loaded.second_opinions is not None
    readers = SecondReaders(loaded, loaded.second_opinions, Detector(loaded))
    golden = {name: readers.golden(name) for name in loaded.golden_inputs}
    values["golden"] = {
        name: {"candidates": None if one.candidates is None else list(one.candidates), "abnormal": one.abnormal}
        for name, one in golden.items()
    }
    _write(bundle / FILE, values)
    return bundles.seal(bundle)


def _member(bundle: Path, loaded: Bundle, number: int) -> str:
    """Write a further network: the first one with every weight moved a little, so that the two agree on some boxes and not on others."""
    name, generator = f"member_{number}", np.random.default_rng(number)
    moved = {
        key: (value * generator.normal(1.0, 0.04, value.shape)).astype(np.float32)
        for key, value in sorted(loaded.weights.items())
    }
    save_file(moved, bundle / f"{name}.safetensors")
    trained = EagerDetector(replace(loaded, weights=moved))
    frame = {"rows": SHAPE.input_size, "columns": SHAPE.input_size, "size": SHAPE.input_size}
    golden: dict[str, Any] = {film: {"letterbox": frame, "candidates": []} for film in loaded.golden_inputs}
    frames = golden_outputs(golden)
    for film, pixels in loaded.golden_inputs.items():
        golden[film]["candidates"] = detections_to_json(trained.candidates(ModelInput(pixels, frames[film].letterbox)))
    parity = {"films": len(golden), "max_box_px": 0.001, "max_score": 1e-6}
    _write(bundle / f"{name}.json", {"architecture": bundles.ARCHITECTURE.to_json(), "golden_outputs": golden, "parity": parity})
    return name


def _classifier(bundle: Path, opinions: Opinions) -> dict[str, Any]:
    torch.manual_seed(7)
    weights = {name: tensor.numpy() for name, tensor in ClassifierNetwork(SHAPE).state_dict().items()}
    assert opinions.abnormal is not None
    weights["head.weight"] = np.zeros_like(weights["head.weight"])
    weights["head.bias"] = np.array([log(opinions.abnormal / (1.0 - opinions.abnormal))], np.float32)
    save_file(weights, bundle / CLASSIFIER_WEIGHTS)
    return {
        "shape": SHAPE.to_json(),
        "rule": "chosen by the scenario",
        "cut_off": opinions.cut_off,
        "kept_above": opinions.kept_above,
        "record": opinions.record,
        "parity": {"films": 2, "max_score": 1e-6},
    }


def _write(path: Path, values: Any) -> None:
    path.write_text(json.dumps(values, sort_keys=True, indent=1) + "\n", encoding="utf-8")


def _edit(name: str, change: Callable[[Any], None]) -> Callable[[Path], None]:
    def edit(bundle: Path) -> None:
        values = json.loads((bundle / name).read_text(encoding="utf-8"))
        change(values)
        _write(bundle / name, values)

    return edit


def _film(values: Any) -> Any:
    return values["golden"]["film_1"]


def _first(values: Any) -> Any:
    return values["golden_outputs"]["film_1"]["candidates"][0]


def _shift(candidate: Any, pixels: float) -> None:
    candidate["box"] = [edge + pixels for edge in candidate["box"]]


FAULTS: dict[str, Callable[[Path], None]] = {
    "a cut-off that suppressed 1 of 38 films with findings": _edit(
        FILE, lambda values: values["classifier"]["record"].update(abnormal_films=38, suppressed_abnormal=1)
    ),
    "a cut-off chosen on 28 films with findings": _edit(
        FILE, lambda values: values["classifier"]["record"].update(abnormal_films=28, suppressed_abnormal=0)
    ),
    "a cut-off chosen on 29 films with findings": _edit(
        FILE, lambda values: values["classifier"]["record"].update(abnormal_films=29, suppressed_abnormal=0)
    ),
    "a cut-off of 1.2": _edit(FILE, lambda values: values["classifier"].update(cut_off=1.2)),
    "a classifier whose parity check differs by 0.00011": _edit(
        FILE, lambda values: values["classifier"]["parity"].update(max_score=1.1e-4)
    ),
    "a classifier without a film in its parity check": _edit(FILE, lambda values: values["classifier"]["parity"].update(films=0)),
    "an abnormal score of a golden film shifted by 0.0002": _edit(
        FILE, lambda values: _film(values).update(abnormal=_film(values)["abnormal"] + 2e-4)
    ),
    "an abnormal score of a golden film shifted by 0.00005": _edit(
        FILE, lambda values: _film(values).update(abnormal=_film(values)["abnormal"] + 5e-5)
    ),
    "a fused box of a golden film shifted by 0.6 pixel": _edit(FILE, lambda values: _shift(_film(values)["candidates"][0], 0.6)),
    "no golden second opinion": _edit(FILE, lambda values: values["golden"].clear()),
    "a box of the member's golden film shifted by 0.6 pixel": _edit("member_1.json", lambda values: _shift(_first(values), 0.6)),
    "a member whose parity check differs by 0.51 pixel": _edit(
        "member_1.json", lambda values: values["parity"].update(max_box_px=0.51)
    ),
    "a member for six findings": _edit("member_1.json", lambda values: values["architecture"].update(classes=6)),
    "a view that mirrors": _edit(FILE, lambda values: values["views"].append({"scale": -1.0})),
    "a view turned upside down": _edit(FILE, lambda values: values["views"].append({"rotation_deg": 180.0})),
    "an opinion that the device does not know": _edit(FILE, lambda values: values.update(third={})),
    "weights that are one too few": _edit(FILE, lambda values: values["fusion"]["weights"].pop()),
}
"""Faults by the words that scenarios use; each is planted in a copy and the copy sealed again, so that every hash is right."""


def spoil(bundle: Path, fault: str) -> Path:
    """Plant one fault and recompute the manifest."""
    FAULTS[fault](bundle)
    return bundles.seal(bundle)
