"""Every family from its bundle: the engine gives what the trained network gives, in float32, and explanations find what it marks."""

from __future__ import annotations

import dataclasses
import shutil

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from torch import nn

from device_sw.detector.activations import of_bundle
from device_sw.detector.bundle import load_bundle
from device_sw.detector.eager import EagerDetector
from device_sw.detector.families.local_contrast import exact_root
from device_sw.detector.graph import translated
from device_sw.detector.inference import Detector
from device_sw.detector.layers import ov
from device_sw.detector.parity import measure
from device_sw.errors import BundleError, InferenceFailed
from device_sw.explanation.eigencam import eigencam
from device_sw.explanation.lesion_maps import lesion_maps
from device_sw.types import LESION_METHODS

from .conftest import seal
from .family_bundle import film, write_bundle
from .small_architectures import SMALL_ARCHITECTURES

SIDE = 96


@pytest.fixture(scope="module", params=sorted(SMALL_ARCHITECTURES))
def loaded(request, tmp_path_factory):
    return write_bundle(tmp_path_factory.mktemp("families") / request.param, SMALL_ARCHITECTURES[request.param])


@pytest.fixture(scope="module")
def detector(loaded):
    return Detector(loaded)


def test_the_engine_gives_what_the_trained_network_gives(loaded, detector):
    films = [film(SIDE, seed) for seed in range(3)]
    assert all(detector.candidates(one) for one in films)
    record = measure(detector, EagerDetector(loaded), films, loaded.settings.score_floor)
    assert record.max_box_px < 0.01
    assert record.max_score < 1e-5


def test_the_golden_self_test_passes(detector):
    assert detector.self_test().passed


def test_a_film_has_the_same_answer_whatever_came_before(detector):
    first = detector.detect(film(SIDE, 1))
    detector.detect(film(SIDE, 2))
    again = detector.detect(film(SIDE, 1))
    assert first.boxes == again.boxes
    assert np.array_equal(first.features, again.features)


def test_every_step_is_computed_in_float32(detector):
    assert detector._network.precisions() <= {"f32", "i32", "i64", "u8", "boolean"}


def test_the_identity_names_what_the_network_drops_boxes_by(loaded, detector):
    assert detector.identity.filters["score_floor"] == loaded.architecture.score_floor
    assert detector.identity.filters["nms_iou"] == loaded.architecture.nms_iou


def test_features_and_marks_have_their_maps(loaded, detector):
    seen = film(SIDE)
    output = detector.detect(seen)
    side = loaded.architecture.sides[loaded.architecture.explained_level]
    assert output.features.shape[1:] == (side, side)
    assert eigencam(output.features, seen.letterbox).values is not None
    marks = output.candidates[:2]
    maps = lesion_maps(of_bundle(loaded), seen, marks, output.candidates, loaded.settings.findings, LESION_METHODS)
    assert [(one.detection, one.method) for one in maps] == [(mark, method) for mark in marks for method in LESION_METHODS]
    assert {one.reason for one in maps} <= {None, "", "nothing raised the score of this mark"}
    assert any(one.grid is not None for one in maps)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return write_bundle(tmp_path_factory.mktemp("one") / "fcos", SMALL_ARCHITECTURES["fcos"]).path


def spoilt(small, tmp_path, change):
    """Return the bundle with other weights, sealed again."""
    folder = tmp_path / "bundle"
    shutil.copytree(small, folder)
    save_file(change(load_file(folder / "weights.safetensors")), folder / "weights.safetensors")
    seal(folder)
    return load_bundle(folder)


def test_a_missing_tensor_is_refused(small, tmp_path):
    with pytest.raises(BundleError, match="BND-WEIGHTS"):
        Detector(spoilt(small, tmp_path, lambda weights: dict(list(weights.items())[1:])))


@pytest.mark.parametrize("name", ["backbone.body.stem.norm.bias", "head.classification_head.cls_logits.bias"])
def test_a_number_that_is_none_gives_no_result(small, tmp_path, name):
    bundle = spoilt(small, tmp_path, lambda weights: {**weights, name: np.full_like(weights[name], np.nan)})
    with pytest.raises(BundleError, match=r"BND-WEIGHTS at weights.safetensors: found .* with a number that is not finite"):
        Detector(bundle)


@pytest.mark.parametrize("name", ["backbone.body.stem.conv.weight", "head.classification_head.cls_logits.weight"])
def test_sums_beyond_every_number_give_no_result(small, tmp_path, name):
    detector = Detector(spoilt(small, tmp_path, lambda weights: {**weights, name: np.full_like(weights[name], 3e38)}))
    with pytest.raises(InferenceFailed, match="INF-NONFINITE"):
        detector.detect(film(SIDE))


def answering(detector, monkeypatch, labels):
    """Let the network of a detector mark findings of these numbers, in turn, where it marked others."""
    translated_network = detector._network
    own = translated_network._network

    def relabelled(films):
        (output,) = own(films)
        numbers = torch.tensor(labels)
        return [{**output, "labels": numbers[torch.arange(len(output["labels"])) % len(numbers)]}]

    monkeypatch.setattr(translated_network, "_network", relabelled)


@pytest.mark.parametrize(
    ("labels", "found"), [([0], "0 to 0"), ([3], "3 to 3"), ([1, 2, 0], "0 to 2"), ([2, 3], "2 to 3"), ([-1, 1], "-1 to 1")]
)
def test_a_mark_of_a_finding_that_there_is_none_of_gives_no_result(detector, monkeypatch, labels, found):
    """Two findings are numbered 1 and 2; 0 is the background, and no other number has a name, a cut-off or a calibration."""
    answering(detector, monkeypatch, labels)
    with pytest.raises(InferenceFailed, match=rf"INF-LABEL at network output: found a finding numbered {found}, expected 1 to 2"):
        detector.detect(film(SIDE))


def test_marks_of_every_finding_there_is_are_a_result(detector, monkeypatch):
    answering(detector, monkeypatch, [1, 2])
    assert {each.finding for each in detector.candidates(film(SIDE))} == {"cardiac_hypertrophy", "scoliosis"}


def test_a_frozen_norm_needs_no_group(tmp_path):
    frozen = dataclasses.replace(SMALL_ARCHITECTURES["faster_rcnn_mobilenet"], norm="frozen")
    bundle = write_bundle(tmp_path / "frozen", frozen)
    record = measure(Detector(bundle), EagerDetector(bundle), [film(SIDE)], bundle.settings.score_floor)
    assert record.holds


def test_an_operation_that_nobody_translated_stops_the_device():
    with pytest.raises(TypeError, match=r"no translation of aten\.cumsum\.default"):
        translated(_CumulativeSum(), torch.zeros(1, 1, 8, 8))


@pytest.mark.parametrize("wide", [lambda x: (x.double() + 1.0).float(), lambda x: x.half().float(), lambda x: x.double()])
def test_nothing_but_a_root_is_taken_to_be_the_same_in_another_precision(wide):
    with pytest.raises(TypeError, match=r"no translation of a conversion|no translation of aten"):
        translated(_Applied(wide), torch.zeros(1, 1, 8, 8))


def test_an_exact_root_is_the_root_of_the_engine():
    drawn = np.random.Generator(np.random.Philox(5)).random((1, 1, 64, 64), dtype=np.float32)
    model = translated(_Applied(exact_root), torch.from_numpy(drawn))
    found = ov.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(drawn)[0]
    assert found.tobytes() == np.sqrt(drawn).tobytes()


class _Applied(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return (self.function(x),)


class _CumulativeSum(nn.Module):
    def forward(self, x):
        return (x.cumsum(3),)
