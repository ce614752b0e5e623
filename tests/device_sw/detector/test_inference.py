"""The detector: golden outputs hold, a film does not depend on its neighbours, and a wrong network is refused."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from device_sw.detector.bundle import load_bundle
from device_sw.detector.eager import EagerDetector
from device_sw.detector.engine import NAME, VERSION
from device_sw.detector.inference import Detector, detections_to_json, difference
from device_sw.errors import BundleError, InferenceFailed
from device_sw.types import Letterbox, ModelInput

from .conftest import seal

RANDOM = np.random.default_rng(0)


def film(seed):
    return ModelInput(np.random.default_rng(seed).random((64, 64), dtype=np.float32), Letterbox(128, 96, 64))


def test_the_self_test_passes_on_the_released_outputs(bundle_folder):
    verdict = Detector(load_bundle(bundle_folder)).self_test()
    assert verdict.passed
    assert (verdict.films, verdict.max_box_px, verdict.max_score) == (1, 0.0, 0.0)


@pytest.mark.parametrize(
    ("field", "shift", "passes"), [("score", 5e-5, True), ("score", 2e-4, False), ("box", 0.4, True), ("box", 0.6, False)]
)
def test_the_self_test_has_the_stated_tolerance(bundle_folder, field, shift, passes):
    golden = json.loads((bundle_folder / "golden_outputs.json").read_text())
    first = golden["film_0"]["candidates"][0]
    if field == "score":
        first["score"] += shift
    else:
        first["box"][2] += shift
    (bundle_folder / "golden_outputs.json").write_text(json.dumps(golden))
    seal(bundle_folder)
    assert Detector(load_bundle(bundle_folder)).self_test().passed is passes


def test_other_weights_fail_the_self_test(bundle_folder):
    weights = load_file(bundle_folder / "weights.safetensors")
    weights["roi_heads.box_predictor.cls_score.bias"][0] += 0.5
    save_file(weights, bundle_folder / "weights.safetensors")
    seal(bundle_folder)
    assert not Detector(load_bundle(bundle_folder)).self_test().passed


def test_no_golden_film_is_no_passed_self_test(bundle_folder):
    (bundle_folder / "golden_outputs.json").write_text("{}")
    seal(bundle_folder)
    assert not Detector(load_bundle(bundle_folder)).self_test().passed


def test_weights_of_another_architecture_are_refused(bundle_folder):
    weights = load_file(bundle_folder / "weights.safetensors")
    del weights["backbone.stem.conv.weight"]
    save_file(weights, bundle_folder / "weights.safetensors")
    seal(bundle_folder)
    with pytest.raises(BundleError, match=r"BND-WEIGHTS at weights.safetensors"):
        Detector(load_bundle(bundle_folder))


def test_a_film_does_not_depend_on_the_films_before_it(bundle_folder):
    detector = Detector(load_bundle(bundle_folder))
    alone = detector.detect(film(1))
    detector.detect(film(2))
    again = detector.detect(film(1))
    assert alone.candidates == again.candidates
    assert np.array_equal(alone.features, again.features)


def test_candidates_lie_on_the_film_best_first(bundle_folder):
    candidates = Detector(load_bundle(bundle_folder)).detect(film(3)).candidates
    assert candidates
    assert all(0 <= d.box.x0 < d.box.x1 <= 96 and 0 <= d.box.y0 < d.box.y1 <= 128 for d in candidates)
    assert [d.score for d in candidates] == sorted((d.score for d in candidates), reverse=True)


def test_a_film_of_another_size_is_refused(bundle_folder):
    wrong = ModelInput(np.zeros((32, 32), np.float32), Letterbox(32, 32, 32))
    with pytest.raises(
        InferenceFailed, match=r"INF-SHAPE at network input: found an array of shape \(32, 32\), expected \(64, 64\)"
    ):
        Detector(load_bundle(bundle_folder)).detect(wrong)


@pytest.mark.parametrize(
    "name", ["roi_heads.box_predictor.bbox_pred.bias", "rpn.head.cls_logits.bias", "backbone.stem.conv.weight"]
)
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(bundle_folder, name, value):
    with pytest.raises(BundleError, match=rf"BND-WEIGHTS at weights.safetensors: found {name} with a number that is not finite"):
        Detector(load_bundle(with_weights(bundle_folder, name, value)))


@pytest.mark.parametrize(
    "name",
    [
        "backbone.stem.conv.weight",
        "backbone.stages.2.0.conv2.weight",
        "backbone.pyramid.layer_blocks.0.0.weight",
        "rpn.head.conv.0.0.weight",
        "rpn.head.bbox_pred.weight",
        "roi_heads.box_head.fc6.weight",
        "roi_heads.box_head.fc7.weight",
        "roi_heads.box_predictor.cls_score.weight",
        "roi_heads.box_predictor.bbox_pred.weight",
    ],
)
def test_numbers_that_overflow_never_become_a_film_without_findings(bundle_folder, name):
    detector = Detector(load_bundle(with_weights(bundle_folder, name, 3e38)))
    with pytest.raises(InferenceFailed, match="INF-NONFINITE at network: found a number that is not finite"):
        detector.detect(film(1))


def with_weights(folder, name, value):
    weights = load_file(folder / "weights.safetensors")
    weights[name][:] = value
    save_file(weights, folder / "weights.safetensors")
    seal(folder)
    return folder


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"precision": "bf16"}, "BND-PRECISION at model.json engine: found precision 'bf16', expected 'f32'"),
        ({"version": "2019.1.0"}, f"BND-ENGINE at model.json engine: found openvino 2019.1.0, expected {NAME} {VERSION}"),
        ({"name": "eager"}, f"BND-ENGINE at model.json engine: found eager {VERSION}, expected {NAME} {VERSION}"),
    ],
)
def test_a_bundle_released_with_another_engine_is_refused(bundle_folder, change, message):
    model = json.loads((bundle_folder / "model.json").read_text())
    model["engine"].update(change)
    (bundle_folder / "model.json").write_text(json.dumps(model))
    seal(bundle_folder)
    with pytest.raises(BundleError, match=re.escape(message)):
        Detector(load_bundle(bundle_folder))


def test_the_golden_outputs_are_the_trained_networks(bundle_folder):
    loaded = load_bundle(bundle_folder)
    film_0 = ModelInput(loaded.golden_inputs["film_0"], Letterbox(64, 64, 64))
    trained = detections_to_json(EagerDetector(loaded).candidates(film_0))
    assert trained
    assert difference(trained, loaded.golden_outputs["film_0"].candidates, 0.05) < (0.5, 1e-4)
