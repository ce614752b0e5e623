"""The engine: the trained network's answers, in float32, whatever the number of threads; weights that do not fit are refused."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from device_sw.detector import engine, layers
from device_sw.detector.bundle import load_bundle
from device_sw.detector.eager import EagerDetector
from device_sw.detector.inference import Detector
from device_sw.detector.parity import Parity, measure, require_parity
from device_sw.detector.regions import anchor_boxes, proposals
from device_sw.errors import BundleError
from device_sw.launcher import numeric_environment
from device_sw.types import Letterbox, ModelInput
from verification.steps.engine import UNLIMITED_LIBRARY, WIDER_INSTRUCTIONS


@pytest.fixture
def loaded(bundle_folder):
    return load_bundle(bundle_folder)


def films(count):
    random = np.random.default_rng(11)
    return [ModelInput(random.random((64, 64), dtype=np.float32), Letterbox(128, 96, 64)) for _ in range(count)]


def test_the_engine_gives_what_the_trained_network_gives(loaded):
    record = measure(Detector(loaded), EagerDetector(loaded), films(8), loaded.settings.score_floor)
    assert record.films == 8
    assert record.max_box_px < 0.01
    assert record.max_score < 1e-5


def test_parity_sees_another_network(loaded):
    trained = EagerDetector(loaded)
    bias = loaded.weights["roi_heads.box_predictor.cls_score.bias"]
    loaded.weights["roi_heads.box_predictor.cls_score.bias"] = bias + np.float32([0.5, 0.0, 0.0])
    record = measure(Detector(loaded), trained, films(2), loaded.settings.score_floor)
    with pytest.raises(BundleError, match=r"BND-PARITY at parity.json: found differences of "):
        require_parity(record)


@pytest.mark.parametrize(
    "record", [Parity(0, 0.0, 0.0), Parity(9, 0.51, 0.0), Parity(9, 0.0, 1.1e-4), Parity(9, float("nan"), 0.0)]
)
def test_a_parity_record_beyond_the_tolerance_is_refused(record):
    with pytest.raises(BundleError, match="BND-PARITY"):
        require_parity(record)


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_the_number_of_threads_changes_no_bit(loaded, threads):
    usual, other = (engine.CompiledNetwork(loaded.architecture, loaded.weights, count) for count in (engine.THREADS, threads))
    for film in films(3):
        one, two = usual.maps(film.pixels), other.maps(film.pixels)
        regions = proposals(one, anchor_boxes(loaded.architecture), loaded.architecture)
        answers = [network.answers(one.features, regions.by_level) for network in (usual, other)]
        for name in ("features", "objectness", "offsets"):
            assert all(np.array_equal(a, b) for a, b in zip(getattr(one, name), getattr(two, name), strict=True))
        assert np.array_equal(answers[0].logits, answers[1].logits)
        assert np.array_equal(answers[0].offsets, answers[1].offsets)


def test_every_layer_computes_in_float32(loaded):
    network = engine.CompiledNetwork(loaded.architecture, loaded.weights)
    assert "f32" in network.precisions()
    assert not network.precisions() & {"bf16", "f16", "i8"}


NAMES_THE_KERNELS = """
import sys
from pathlib import Path
from device_sw.detector import engine
from device_sw.detector.bundle import load_bundle
loaded = load_bundle(Path(sys.argv[1]))
print(engine.instruction_set(), *sorted(engine.CompiledNetwork(loaded.architecture, loaded.weights).kernels()))
"""


def test_no_kernel_goes_beyond_the_instruction_set_of_the_numeric_environment(bundle_folder):
    command = [sys.executable, "-c", NAMES_THE_KERNELS, bundle_folder]
    told = subprocess.run(command, env=numeric_environment(), capture_output=True, text=True, check=True)
    limit, *kernels = told.stdout.split()
    assert limit == "AVX2"
    assert any("avx2" in kernel for kernel in kernels)
    assert not [kernel for kernel in kernels if any(more in kernel for more in WIDER_INSTRUCTIONS)]


def test_no_kernel_comes_from_a_library_that_knows_no_limit(loaded):
    network = engine.CompiledNetwork(loaded.architecture, loaded.weights)
    assert not [kernel for kernel in network.kernels() if UNLIMITED_LIBRARY in kernel]


@pytest.mark.parametrize("missing", engine.LIMITS)
def test_one_limit_alone_limits_nothing(monkeypatch, missing):
    for name in engine.LIMITS:
        monkeypatch.setenv(name, "AVX2")
    assert engine.instruction_set() == "AVX2"
    monkeypatch.delenv(missing)
    assert engine.instruction_set() == "not limited"


@pytest.mark.parametrize(("count", "inputs", "outputs"), [(1, 1, 1), (1, 7, 3), (150, 98, 8), (5, 64, 33)])
def test_a_linear_layer_multiplies_and_adds(count, inputs, outputs):
    random = np.random.default_rng(count)
    x, weights, bias = (
        random.standard_normal(shape).astype(np.float32) for shape in ((count, inputs), (outputs, inputs), (outputs,))
    )
    entry = layers.ops.parameter([-1, inputs], np.float32)
    request = engine.request(layers.ov.Core(), layers.ov.Model([layers.linear(entry, weights, bias)], [entry], "linear"))
    (found,) = engine.run(request, [x])
    expected = x.astype(np.float64) @ weights.astype(np.float64).T + bias
    assert found.shape == (count, outputs)
    assert np.abs(found - expected).max() < 1e-4


def test_an_engine_that_would_not_compute_in_float32_is_refused():
    class Compiled:
        def compile_model(self, *_arguments):
            return self

        def get_property(self, _name):
            return self

        def to_string(self):
            return "bf16"

    with pytest.raises(BundleError, match=r"BND-PRECISION at inference engine: found precision bf16, expected f32"):
        engine.request(Compiled(), None)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda w: w.pop("backbone.stem.conv.weight"), "no tensor backbone.stem.conv.weight"),
        (lambda w: w.update(extra=np.zeros(1, np.float32)), "tensor extra, which belongs to no layer"),
        (lambda w: w.update({"backbone.stem.norm.bias": np.zeros(3, np.float32)}), r"backbone.stem.norm.bias of shape \(3,\)"),
        (lambda w: w.update({"backbone.stem.norm.bias": np.zeros(8, np.float64)}), ".* and type float64"),
    ],
)
def test_weights_that_do_not_fit_are_refused(loaded, change, found):
    weights = dict(loaded.weights)
    change(weights)
    with pytest.raises(BundleError, match=f"BND-WEIGHTS at weights.safetensors: found {found}"):
        engine.CompiledNetwork(loaded.architecture, weights)


STARTS_THE_DEVICE = """
import sys
from pathlib import Path
from device_sw.detector.bundle import load_bundle
from device_sw.detector.inference import Detector
Detector(load_bundle(Path(sys.argv[1]))).self_test()
print(sorted(name for name in sys.modules if name.split(".")[0] in {"torch", "torchvision", "openvino_telemetry"}))
"""


def test_neither_the_training_library_nor_usage_statistics_are_loaded_for_a_film(bundle_folder):
    told = subprocess.run([sys.executable, "-c", STARTS_THE_DEVICE, bundle_folder], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
