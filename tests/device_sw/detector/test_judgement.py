import json

import pytest

from device_sw.detector.bundle import load_bundle
from device_sw.detector.inference import Detector, DetectorOutput
from device_sw.detector.judgement import golden_faults, judge
from device_sw.types import Letterbox, ModelInput

from .conftest import seal


def opened(folder):
    bundle = load_bundle(folder)
    return bundle, Detector(bundle)


def edited(folder, name, change):
    value = json.loads((folder / name).read_text())
    change(value)
    (folder / name).write_text(json.dumps(value))
    seal(folder)
    return opened(folder)


def test_the_released_bundle_has_no_fault(bundle_folder):
    assert golden_faults(*opened(bundle_folder)) == []


def test_another_curve_is_named(bundle_folder):
    bundle, detector = edited(bundle_folder, "calibration.json", lambda v: v["curves"]["scoliosis"].update(offset=0.2501))
    assert [fault.rsplit(" ", 1)[0] for fault in golden_faults(bundle, detector)] == ["film_0: calibrated scores off by"]


def test_another_unit_is_named(bundle_folder):
    bundle, detector = edited(bundle_folder, "distribution.json", lambda v: v["units"].update(network=4.0))
    assert [fault.rsplit(" ", 1)[0] for fault in golden_faults(bundle, detector)] == ["film_0: distance off by"]


def test_a_missing_candidate_is_named(bundle_folder):
    bundle, detector = edited(bundle_folder, "golden_judgements.json", lambda v: v["film_0"]["calibrated"].pop())
    assert "calibrated candidates for" in golden_faults(bundle, detector)[0]


@pytest.mark.parametrize("name", ["golden_judgements.json", "golden_outputs.json"])
def test_nothing_compared_is_a_fault(bundle_folder, name):
    assert golden_faults(*edited(bundle_folder, name, lambda v: v.clear())) == ["golden films"]


def test_a_judgement_holds_calibrated_scores_marks_and_placement(bundle_folder):
    bundle, detector = opened(bundle_folder)
    film = ModelInput(bundle.golden_inputs["film_0"], Letterbox(64, 48, 64))
    output = detector.detect(film)
    found = judge(output, film, bundle.settings, bundle.distribution)
    curves = bundle.settings.calibration
    assert sorted(d.score for d in found.candidates) == sorted(curves[d.finding].calibrated(d.score) for d in output.candidates)
    assert found.detections == tuple(d for d in found.candidates if d.score >= bundle.settings.thresholds[d.finding])
    assert found.placement == bundle.distribution.place(film, output.features)


def test_without_features_nobody_says_that_a_film_is_alike(bundle_folder):
    bundle, _ = opened(bundle_folder)
    film = ModelInput(bundle.golden_inputs["film_0"], Letterbox(64, 48, 64))
    assert judge(DetectorOutput((), None), film, bundle.settings, bundle.distribution).placement is None
