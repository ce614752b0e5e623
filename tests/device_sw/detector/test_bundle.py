"""A bundle is verified before it is parsed, and every way of being wrong has its name."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from device_sw.detector.bundle import REQUIRED, load_bundle
from device_sw.detector.families.registry import build
from device_sw.errors import BundleError
from device_sw.settings import DeviceSettings, ReleasedEngine
from device_sw.types import ScoreCurve
from verification.steps import bundles
from verification.steps.opinion_bundles import Opinions, with_opinions

from .conftest import ARCHITECTURE, ENGINE, seal


def test_a_good_bundle_gives_its_settings(bundle_folder):
    bundle = load_bundle(bundle_folder)
    assert bundle.settings.findings == ("cardiac_hypertrophy", "scoliosis")
    assert bundle.settings.input_size == 64
    assert len(bundle.sha256) == 64


def test_what_was_said_of_the_golden_films_is_read_as_it_was_written(bundle_folder):
    written = json.loads((bundle_folder / "golden_judgements.json").read_text(encoding="utf-8"))
    assert list(written) == ["film_0"]
    assert load_bundle(bundle_folder).golden_judgements == written


def test_second_opinions_are_read_where_the_bundle_has_them(bundle_folder):
    plan = {"schema": "thoratrace/second-opinions/1", "fusion": {"limit": 0.55, "weights": [1.0]}, "members": [], "views": []}
    (bundle_folder / "second_opinions.json").write_text(
        json.dumps({**plan, "tiling": None, "classifier": None, "golden": {}}), encoding="utf-8"
    )
    seal(bundle_folder)
    opinions = load_bundle(bundle_folder).second_opinions
    assert (opinions.limit, opinions.weights, opinions.looks_again) == (0.55, (1.0,), False)


@pytest.fixture(scope="module")
def opinionated(tmp_path_factory):
    """A bundle with a further network and a classifier, each of the first network's findings and input."""
    plain = bundles.untrained(tmp_path_factory.mktemp("opinions") / "bundle")
    return with_opinions(plain, Opinions(members=1, abnormal=0.9))


def other_opinions(opinionated, folder, name, change):
    """Return a sealed copy in which one file says something else."""
    copy = bundles.copy(opinionated, folder / "bundle")
    values = json.loads((copy / name).read_text(encoding="utf-8"))
    change(values)
    (copy / name).write_text(json.dumps(values), encoding="utf-8")
    return bundles.seal(copy)


@pytest.mark.parametrize(
    ("name", "change", "who"),
    [
        (
            "member_1.json",
            lambda values: values["architecture"].update(input_size=bundles.ARCHITECTURE.input_size + 64),
            "member_1",
        ),
        ("member_1.json", lambda values: values["architecture"].update(classes=bundles.ARCHITECTURE.classes + 1), "member_1"),
        (
            "second_opinions.json",
            lambda values: values["classifier"]["shape"].update(input_size=bundles.ARCHITECTURE.input_size + 64),
            "the classifier",
        ),
    ],
    ids=["a network of another input", "a network of further findings", "a classifier of another input"],
)
def test_a_second_opinion_trained_for_something_else_is_refused(opinionated, tmp_path, name, change, who):
    with pytest.raises(
        BundleError, match=r"^BND-CONTENT at a JSON or safetensors file of the bundle: found ValueError"
    ) as refused:
        load_bundle(other_opinions(opinionated, tmp_path, name, change))
    assert str(refused.value.__cause__) == f"a further network of another input or other findings: {who}"


def test_two_further_networks_of_another_input_are_both_named(tmp_path):
    plain = bundles.untrained(tmp_path / "plain")
    two = with_opinions(plain, Opinions(members=2))
    for name in ("member_1.json", "member_2.json"):
        values = json.loads((two / name).read_text(encoding="utf-8"))
        values["architecture"]["input_size"] += 64
        (two / name).write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(BundleError, match=r"^BND-CONTENT at ") as refused:
        load_bundle(bundles.seal(two))
    assert str(refused.value.__cause__).endswith("findings: member_1, member_2")


def test_no_folder_is_a_missing_bundle(tmp_path):
    with pytest.raises(BundleError, match=r"BND-MISSING at manifest.json: found no readable manifest"):
        load_bundle(tmp_path / "nowhere")


@pytest.mark.parametrize("name", REQUIRED)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=5, deadline=None)
@given(data=st.data())
def test_any_flipped_bit_of_any_file_is_named(bundle_folder, pristine, name, data):
    content = bytearray((pristine / name).read_bytes() or b"\0")
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    (bundle_folder / name).write_bytes(content)
    with pytest.raises(BundleError, match=f"BND-HASH at {name}: found SHA-256"):
        load_bundle(bundle_folder)


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_file_is_named(bundle_folder, name):
    (bundle_folder / name).unlink()
    with pytest.raises(BundleError, match=f"BND-MISSING at {name}"):
        load_bundle(bundle_folder)


def test_a_file_the_manifest_does_not_name_is_refused(bundle_folder):
    (bundle_folder / "notes.txt").write_text("x")
    with pytest.raises(BundleError, match=r"BND-EXTRA at notes.txt: found in the bundle but not in its manifest"):
        load_bundle(bundle_folder)


def test_a_file_left_out_of_the_manifest_is_missing(bundle_folder):
    manifest = json.loads((bundle_folder / "manifest.json").read_text())
    del manifest["files"]["thresholds.json"]
    (bundle_folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match=r"BND-MISSING at thresholds.json"):
        load_bundle(bundle_folder)


def test_a_link_is_not_followed(bundle_folder, pristine):
    (bundle_folder / "model.json").unlink()
    (bundle_folder / "model.json").symlink_to(pristine / "model.json")
    with pytest.raises(BundleError, match=r"BND-HASH at model.json"):
        load_bundle(bundle_folder)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"schema": "other/1", "files": {}}', '{"schema": "thoratrace/bundle/1", "files": 3}', "\xff"]
)
def test_a_manifest_that_is_not_one_is_refused(bundle_folder, text):
    (bundle_folder / "manifest.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(BundleError, match=r"BND-SCHEMA at manifest.json"):
        load_bundle(bundle_folder)


def test_a_file_name_that_leaves_the_folder_is_refused(bundle_folder):
    seal(bundle_folder, files={"../outside": {"sha256": "0" * 64, "size": 1}})
    with pytest.raises(BundleError, match=r"BND-SCHEMA at manifest.json: found file name '\.\./outside'"):
        load_bundle(bundle_folder)


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("model.json", "{}", "BND-CONTENT"),
        ("weights.safetensors", "not tensors", "BND-CONTENT"),
        ("thresholds.json", '{"thresholds": {"cardiac_hypertrophy": 0.5, "scoliosis": 0.5, "fracture": 0.5}}', "BND-FINDINGS"),
        ("thresholds.json", '{"thresholds": {"cardiac_hypertrophy": 0.5}}', "BND-CONTENT"),
    ],
)
def test_sealed_but_wrong_content_is_refused(bundle_folder, name, text, code):
    (bundle_folder / name).write_text(text)
    seal(bundle_folder)
    with pytest.raises(BundleError, match=code):
        load_bundle(bundle_folder)


NO_MANIFEST = (
    "BND-MISSING at manifest.json: found no readable manifest in the bundle folder, expected a folder with manifest.json and the files it names. "
    "Repair: give the folder of a released bundle with --bundle, or make one with `./qms demo`."
)
SCHEMA_EXPECTED = (
    "expected a manifest of schema thoratrace/bundle/1 with plain file names, each with sha256 and size. "
    "Repair: use a bundle made for this device version."
)
CONTENT_EXPECTED = "expected the fields this device version reads. Repair: use a bundle made for this device version."


def refusal(folder):
    """Return the whole message with which a bundle is refused."""
    with pytest.raises(BundleError, match=r"^BND-") as caught:
        load_bundle(folder)
    return str(caught.value)


def test_a_missing_manifest_is_said_in_these_words(tmp_path):
    assert refusal(tmp_path) == NO_MANIFEST


def test_a_foreign_schema_is_said_in_these_words(bundle_folder):
    seal(bundle_folder, schema="other/1")
    assert refusal(bundle_folder) == f"BND-SCHEMA at manifest.json: found schema 'other/1', {SCHEMA_EXPECTED}"


def test_a_broken_manifest_is_said_in_these_words(bundle_folder):
    (bundle_folder / "manifest.json").write_text("{}")
    assert refusal(bundle_folder) == f"BND-SCHEMA at manifest.json: found KeyError while reading it, {SCHEMA_EXPECTED}"


@pytest.mark.parametrize("name", ["a/b", "a\\b", "", ".", "..", "manifest.json"])
def test_a_name_that_is_no_plain_file_name_is_refused(bundle_folder, name):
    seal(bundle_folder, files={name: {"sha256": "0" * 64, "size": 1}})
    assert refusal(bundle_folder) == f"BND-SCHEMA at manifest.json: found file name {name!r}, {SCHEMA_EXPECTED}"


@pytest.mark.parametrize("entry", [{"sha256": "0" * 64}, {"size": 1}, {"sha256": "0" * 64, "size": "many"}, 3])
def test_an_entry_without_hash_or_size_is_refused(bundle_folder, entry):
    manifest = json.loads((bundle_folder / "manifest.json").read_text())
    manifest["files"]["model.json"] = entry
    (bundle_folder / "manifest.json").write_text(json.dumps(manifest))
    assert refusal(bundle_folder).startswith("BND-SCHEMA at manifest.json: found ")


def test_missing_files_are_said_in_these_words(bundle_folder):
    (bundle_folder / "model.json").unlink()
    (bundle_folder / "findings.toml").unlink()
    assert refusal(bundle_folder) == (
        "BND-MISSING at findings.toml, model.json: found not in the bundle or not in its manifest, expected every file the device needs, listed and "
        "present. Repair: restore the bundle from its release."
    )


def test_extra_files_are_said_in_these_words(bundle_folder):
    (bundle_folder / "b.txt").write_text("x")
    (bundle_folder / "a.txt").write_text("x")
    assert refusal(bundle_folder) == (
        "BND-EXTRA at a.txt, b.txt: found in the bundle but not in its manifest, expected exactly the files the manifest names. "
        "Repair: remove what does not belong there, or restore the bundle from its release."
    )


def test_a_file_that_no_manifest_needs_may_be_there_when_it_is_listed(bundle_folder):
    (bundle_folder / "notes.txt").write_text("x")
    seal(bundle_folder)
    assert "notes.txt" in load_bundle(bundle_folder).manifest["files"]


def test_a_changed_file_is_said_in_these_words(bundle_folder, pristine):
    expected = hashlib.sha256((pristine / "thresholds.json").read_bytes()).hexdigest()
    size = (pristine / "thresholds.json").stat().st_size
    (bundle_folder / "thresholds.json").write_bytes(b"{}")
    actual = hashlib.sha256(b"{}").hexdigest()
    assert refusal(bundle_folder) == (
        f"BND-HASH at thresholds.json: found SHA-256 {actual[:16]}..., 2 bytes, expected SHA-256 {expected[:16]}..., {size} bytes. "
        "Repair: do not use this bundle; restore it from its release."
    )


def test_a_folder_in_place_of_a_file_is_no_file(bundle_folder):
    (bundle_folder / "model.json").unlink()
    (bundle_folder / "model.json").mkdir()
    assert refusal(bundle_folder).startswith("BND-HASH at model.json: found SHA-256 e3b0c44298fc1c14..., 0 bytes")


@pytest.mark.parametrize("change", [{"size": 1}, {"sha256": "0" * 64}])
def test_hash_and_size_have_to_agree_both(bundle_folder, change):
    manifest = json.loads((bundle_folder / "manifest.json").read_text())
    manifest["files"]["model.json"].update(change)
    (bundle_folder / "manifest.json").write_text(json.dumps(manifest))
    assert refusal(bundle_folder).startswith("BND-HASH at model.json")


def test_content_that_cannot_be_read_is_said_in_these_words(bundle_folder):
    (bundle_folder / "model.json").write_text("{}")
    seal(bundle_folder)
    assert refusal(bundle_folder) == (
        f"BND-CONTENT at a JSON or safetensors file of the bundle: found KeyError while reading it, {CONTENT_EXPECTED}"
    )


def test_an_unknown_finding_is_said_in_these_words(bundle_folder):
    model = json.loads((bundle_folder / "model.json").read_text())
    model["findings"] = ["cardiac_hypertrophy", "fracture", "abscess"]
    (bundle_folder / "model.json").write_text(json.dumps(model))
    (bundle_folder / "thresholds.json").write_text(
        json.dumps({"thresholds": dict.fromkeys(("cardiac_hypertrophy", "fracture", "abscess"), 0.5)})
    )
    curves = {name: {"slope": 1.0, "offset": 0.0} for name in ("cardiac_hypertrophy", "abscess", "fracture")}
    (bundle_folder / "calibration.json").write_text(json.dumps({"curves": curves}))
    seal(bundle_folder)
    assert refusal(bundle_folder) == FINDINGS_MESSAGE.format("abscess, fracture")


def test_findings_without_a_threshold_are_said_in_these_words(bundle_folder):
    model = json.loads((bundle_folder / "model.json").read_text())
    model["findings"] = ["cardiac_hypertrophy", "scoliosis"]
    (bundle_folder / "model.json").write_text(json.dumps(model))
    (bundle_folder / "thresholds.json").write_text(
        json.dumps({"thresholds": dict.fromkeys(("cardiac_hypertrophy", "scoliosis", "aortic_curvature"), 0.5)})
    )
    seal(bundle_folder)
    assert refusal(bundle_folder) == FINDINGS_MESSAGE.format("that differ between the files")


FINDINGS_MESSAGE = (
    "BND-FINDINGS at model.json, thresholds.json and calibration.json: found findings {}, expected the same findings in all of them, "
    "each in the device's table. "
    "Repair: use a bundle made for this device version."
)


def test_every_part_of_a_good_bundle_is_where_it_belongs(bundle_folder):
    bundle = load_bundle(bundle_folder)
    manifest = (bundle_folder / "manifest.json").read_bytes()
    assert bundle.path == bundle_folder
    assert bundle.sha256 == hashlib.sha256(manifest).hexdigest()
    assert bundle.manifest == json.loads(manifest)
    assert bundle.architecture.to_json() == ARCHITECTURE.to_json()
    assert bundle.settings == DeviceSettings(
        model_version="0.0.1",
        preprocessing_id="tt-default-1",
        input_size=64,
        findings=("cardiac_hypertrophy", "scoliosis"),
        thresholds={"cardiac_hypertrophy": 0.5, "scoliosis": 0.5},
        score_floor=0.05,
        profile="phantom",
        budget="quick",
        calibration={"cardiac_hypertrophy": ScoreCurve(0.8, -0.5), "scoliosis": ScoreCurve(1.5, 0.25)},
        engine=ReleasedEngine(**ENGINE),
    )
    assert set(bundle.golden_inputs) == {"film_0"} == set(bundle.golden_outputs)
    assert set(bundle.weights) == set(build(ARCHITECTURE).state_dict())
    stated = json.loads((bundle_folder / "distribution.json").read_text(encoding="utf-8"))
    counted = (bundle.distribution.reference_films, bundle.distribution.held_out_films)
    assert counted == (stated["reference_films"], stated["held_out_films"])


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("letterbox",), None),
        (("letterbox",), {"rows": 64, "columns": 64}),
        (("letterbox", "rows"), "many"),
        (("letterbox", "rows"), None),
        (("letterbox", "height"), 3),
        (("candidates",), None),
        (("candidates", 0), 5),
        (("candidates", 0, "box"), [1, 2, 3]),
        (("candidates", 0, "score"), None),
    ],
)
def test_golden_outputs_that_are_none_are_refused_as_content(bundle_folder, place, value):
    golden = json.loads((bundle_folder / "golden_outputs.json").read_text())
    part = golden["film_0"]
    for step in place[:-1]:
        part = part[step]
    part[place[-1]] = value
    (bundle_folder / "golden_outputs.json").write_text(json.dumps(golden))
    seal(bundle_folder)
    assert refusal(bundle_folder).startswith("BND-CONTENT at ")


@pytest.mark.parametrize(
    "record",
    [{}, {"films": 1}, {"films": "1", "max_box_px": 0, "max_score": 0}, {"films": 1, "max_box_px": None, "max_score": 0}],
)
def test_a_parity_record_that_is_none_is_refused_as_content(bundle_folder, record):
    (bundle_folder / "parity.json").write_text(json.dumps(record))
    seal(bundle_folder)
    assert refusal(bundle_folder).startswith("BND-CONTENT at ")


@pytest.mark.parametrize("side", [0, 100, -32])
def test_a_network_input_that_the_levels_do_not_divide_is_refused(bundle_folder, side):
    model = json.loads((bundle_folder / "model.json").read_text())
    model["architecture"]["input_size"] = side
    (bundle_folder / "model.json").write_text(json.dumps(model))
    seal(bundle_folder)
    assert refusal(bundle_folder).startswith("BND-CONTENT at ")
