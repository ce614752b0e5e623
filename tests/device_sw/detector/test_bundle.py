"""A bundle is verified before it is parsed, and every way of being wrong has its name."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from device_sw.detector.bundle import REQUIRED, load_bundle
from device_sw.errors import BundleError

from .conftest import seal


def test_a_good_bundle_gives_its_settings(bundle_folder):
    bundle = load_bundle(bundle_folder)
    assert bundle.settings.findings == ("cardiac_hypertrophy", "scoliosis")
    assert bundle.settings.input_size == 64
    assert len(bundle.sha256) == 64


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
