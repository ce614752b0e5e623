"""The device: order enforced, nothing before the self-test, everything told with a refusal."""

import numpy as np
import pytest

from device_sw.device import Analysis, Engine, Step, open_engine
from device_sw.errors import BundleError, InputRefused
from device_sw.types import Policy
from tests.device_sw.stand_ins import IDS, FixedDetector, device, settings
from verification.steps import bundles, films


@pytest.fixture
def path(tmp_path):
    return films.write(films.film(), tmp_path / "film.dcm")


def refused(dataset, folder, policy=Policy.INTENDED_USE):
    detector = FixedDetector()
    with pytest.raises(InputRefused, match="ADM-") as caught:
        device(detector, policy).analyse(films.write(dataset, folder / "bad.dcm"))
    assert detector.films == 0
    return caught.value


def test_a_good_film_is_analysed(path):
    result = device().analyse(path)
    assert [(d.finding, d.score) for d in result.candidates] == [(IDS[0], 0.9), (IDS[6], 0.6), (IDS[2], 0.5), (IDS[4], 0.49)]
    assert [d.score for d in result.detections] == [0.9, 0.6, 0.5]
    assert result.cautions == ()
    assert (result.film.rows, result.film.columns, result.film.modality) == (512, 512, "DX")
    assert result.heat_map.shape == (512, 512)
    assert result.picture.shape == (512, 512)
    assert result.bundle_sha256 == "b" * 64


def test_explaining_changes_no_detection(path):
    with_map, without = device().analyse(path), device().analyse(path, explain=False)
    assert with_map.detections == without.detections
    assert without.heat_map is None


def test_a_detector_without_features_has_no_map(path):
    assert device(FixedDetector(features=False)).analyse(path).heat_map is None


def test_a_refused_film_never_reaches_the_detector(tmp_path):
    dataset = films.film()
    dataset.ViewPosition = "LL"
    dataset.WindowWidth = "0"
    refusal = refused(dataset, tmp_path)
    assert [refusal.code, *(reason.code for reason in refusal.also)] == ["ADM-VIEW", "ADM-WINDOW-WIDTH"]
    assert refusal.sop_instance_uid == dataset.SOPInstanceUID
    assert len(refusal.content_sha256) == 64


@pytest.mark.parametrize("policy", list(Policy))
def test_a_picture_that_contradicts_its_polarity_is_refused(tmp_path, policy):
    dataset = films.film((4095 - films.picture().astype(np.int32)).astype(np.uint16))
    assert refused(dataset, tmp_path, policy).code == "ADM-POLARITY"


def test_pixel_faults_are_told_beside_the_headers(tmp_path):
    dataset = films.film()
    dataset.Modality = "CT"
    dataset.PixelData = dataset.PixelData[:-2]
    assert [reason.code for reason in refused(dataset, tmp_path).also] == ["IN-PIXELS-SHORT"]


def test_research_turns_its_reasons_into_cautions(tmp_path):
    dataset = films.film()
    for keyword in (
        "ViewPosition",
        "BodyPartExamined",
        "PatientAge",
        "PatientBirthDate",
        "WindowCenter",
        "WindowWidth",
        "PatientID",
    ):
        delattr(dataset, keyword)
    path = films.write(dataset, tmp_path / "film.dcm")
    cautions = {caution.split(":")[0] for caution in device(policy=Policy.RESEARCH).analyse(path).cautions}
    missing = {f"ADM-{name}-MISSING" for name in ("VIEW", "BODY-PART", "AGE", "WINDOW")}
    assert cautions == {*missing, "ADM-PATIENT", "no VOI window"}


def test_no_device_without_a_passed_self_test():
    with pytest.raises(BundleError, match=r"BND-SELF-TEST at golden inputs: found differences of 3 px"):
        device(FixedDetector(passes=False))


def test_no_device_with_an_unknown_preprocessing():
    with pytest.raises(BundleError, match=r"BND-PREPROCESSING .* found 'other-1', expected eda-log-1, tt-default-1"):
        device(preprocessing="other-1")


STEPS = ["load", "admit", "preprocess", "detect", "judge", "explain", "report"]


def take(analysis, step, path):
    arguments = {"load": ((path,), {}), "explain": ((), {"wanted": True})}.get(step, ((), {}))
    getattr(analysis, step)(*arguments[0], **arguments[1])


@pytest.mark.parametrize("done", range(len(STEPS) + 1))
def test_no_step_out_of_order(path, done):
    for step in STEPS:
        analysis = Analysis(Engine(FixedDetector(), settings(), "b" * 64), Policy.INTENDED_USE)
        for earlier in STEPS[:done]:
            take(analysis, earlier, path)
        if STEPS[done : done + 1] == [step]:
            take(analysis, step, path)
            assert analysis.step == Step(done + 1)
        else:
            with pytest.raises(RuntimeError, match=f"cannot go from {Step(done).name.lower()} to "):
                take(analysis, step, path)


def test_a_real_bundle_opens_and_analyses(tmp_path, path):
    engine = open_engine(bundles.untrained(tmp_path / "bundle"))
    assert engine.detector.self_test().passed
    analysis = Analysis(engine, Policy.INTENDED_USE)
    for step in STEPS[:-1]:
        take(analysis, step, path)
    assert analysis.report().candidates


def test_a_bundle_with_another_table_of_findings_is_refused(tmp_path):
    bundle = bundles.untrained(tmp_path / "bundle")
    table = bundle / "findings.toml"
    table.write_text(table.read_text(encoding="utf-8").replace("Scoliosis", "Skoliose", 1), encoding="utf-8")
    bundles.seal(bundle)
    with pytest.raises(BundleError, match=r"BND-FINDINGS at findings\.toml"):
        open_engine(bundle)
