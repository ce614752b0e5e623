"""Cohorts are reproducible, stratified, complete and frozen."""

import hashlib
import json
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from phantom import literature
from phantom.cohort import generate
from phantom.patient import FINDINGS
from phantom.sampling import assign_findings, draw_cohort

ROOT = Path(__file__).parents[2]
PATIENTS = {"train": 3, "val": 1, "test": 2}


def make(folder, workers=1, progress=None, seed=77):
    generate(
        folder, seed=seed, patients=PATIENTS, matrix=128, profile="phantom", budget="test", workers=workers, progress=progress
    )
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cohort")
    return folder, make(folder)


def test_two_workers_write_the_same_bytes(cohort, tmp_path):
    assert make(tmp_path, workers=2) == cohort[1]


def test_progress_counts_every_film(tmp_path):
    seen = []
    make(tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(k, 6) for k in range(1, 7)]


def test_index_describes_every_file(cohort):
    folder, hashes = cohort
    index = json.loads((folder / "cohort.json").read_text(encoding="utf-8"))
    assert index["schema"] == "thoratrace/cohort/1"
    assert (index["profile"], index["budget"], index["seed"]) == ("phantom", "test", 77)
    assert [film["film_id"] for film in index["films"]] == [f"P{k:04d}-1" for k in range(1, 7)]
    for film in index["films"]:
        assert film["sha256"] == hashes[film["path"]]
        labels = np.asarray(Image.open(folder / film["mask"]))
        assert labels.shape == (film["rows"], film["columns"])
        assert set(film["status"]) == set(FINDINGS)
        assert {box["finding"] for box in film["boxes"]} == {finding for finding, status in film["status"].items() if status == 1}
        assert film["scored"] is True
        assert film["exclusion"] is None
    assert {path for path in hashes if path != "cohort.json"} == {
        film[key] for film in index["films"] for key in ("path", "mask")
    }


def test_index_holds_no_machine_path(cohort):
    text = (cohort[0] / "cohort.json").read_text(encoding="utf-8")
    assert str(cohort[0]) not in text
    assert "/tmp" not in text


def test_findings_are_balanced_in_every_split():
    for split, patients in (("train", 360), ("val", 50), ("test", 80)):
        findings = assign_findings(20261120, split, patients)
        assert sum(not one for one in findings) / patients == pytest.approx(0.25, abs=0.02)
        counts = [sum(finding in one for one in findings) for finding in FINDINGS]
        assert max(counts) - min(counts) <= 1
        assert np.mean(counts) / patients == pytest.approx(0.25, abs=0.03)
        assert all(len(one) <= 3 for one in findings)


def test_drawn_patients_vary_as_promised():
    drawn = [spec for _, spec in draw_cohort(20261120, {"train": 360, "val": 50, "test": 80}, 256)]
    assert len({spec.patient_id for spec in drawn}) == 490
    assert {spec.vendor for spec in drawn} == {f"FICTIVE-{letter}" for letter in "ABCDE"}
    assert np.mean([spec.view == "AP" for spec in drawn]) == pytest.approx(0.3, abs=0.07)
    assert all(18 <= spec.age <= 95 for spec in drawn)
    grades = [grade for spec in drawn for _, grade in spec.severity]
    assert min(grades) < 0.2
    assert max(grades) > 0.8


def test_splits_share_no_patient_order():
    assert assign_findings(1, "train", 40) != assign_findings(1, "val", 40)


def test_literature_is_the_frozen_one():
    assert literature.digest() == literature.frozen_digest()


def test_every_distribution_names_its_source():
    for name, section in literature.table().items():
        for row in section.values() if name == "severity" else [section]:
            assert name == "meta" or ("source" in row and "basis" in row), name


def test_changed_literature_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(literature, "digest", lambda: "0" * 64)
    with pytest.raises(ValueError, match=r"differs from the frozen phantom/literature\.sha256"):
        make(tmp_path)


def test_no_patients_is_refused(tmp_path):
    with pytest.raises(ValueError, match="patients per split must be zero or more and not all zero"):
        generate(tmp_path, seed=1, patients={"train": 0}, matrix=256, profile="p", budget="b", workers=1, progress=None)


def test_no_workers_is_refused(tmp_path):
    with pytest.raises(ValueError, match="workers must be 1 or more, got 0"):
        make(tmp_path, workers=0)


def test_findings_are_the_devices():
    table = tomllib.loads((ROOT / "device_sw" / "findings.toml").read_text(encoding="utf-8"))
    assert tuple(row["id"] for row in table["finding"]) == FINDINGS
