"""Blocks of new phantom patients: made once, never half, and told apart."""

import json

import pytest

from pipeline import study_cohort


@pytest.fixture
def made(monkeypatch):
    """Stand in for the phantom: note the seed, write one film's entry; the second block dies once half way."""
    seeds = []

    def generate(place, *, seed, patients, **_):
        place.mkdir(parents=True)
        seeds.append(seed)
        if seeds.count(study_cohort.FIRST_SEED + 1) == 1 and seed == study_cohort.FIRST_SEED + 1:
            raise KeyboardInterrupt
        film = {
            "film_id": "P0001-1",
            "patient_id": "P0001",
            "path": "films/P0001-1.dcm",
            "mask": "masks/P0001-1.png",
            "split": "test",
        }
        (place / "cohort.json").write_text(json.dumps({"seed": seed, "films": [film] * patients["test"]}), encoding="utf-8")

    monkeypatch.setattr(study_cohort, "generate", generate)
    return seeds


def test_blocks_are_made_once_and_a_half_one_again(made, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        study_cohort.make(tmp_path, 2, lambda *_: None, size=1)
    whole = study_cohort.make(tmp_path, 2, lambda *_: None, size=1)
    assert made == [study_cohort.FIRST_SEED, study_cohort.FIRST_SEED + 1, study_cohort.FIRST_SEED + 1]
    assert study_cohort.make(tmp_path, 2, lambda *_: None, size=1) == whole
    assert len(made) == 3


def test_patients_of_two_blocks_are_told_apart_and_found(made, tmp_path):
    made.append(study_cohort.FIRST_SEED + 1)
    whole = study_cohort.make(tmp_path, 2, lambda *_: None, size=1)
    films = json.loads((whole / "cohort.json").read_text(encoding="utf-8"))["films"]
    assert [film["patient_id"] for film in films] == ["S00-P0001", "S01-P0001"]
    assert (whole / films[1]["path"]).resolve() == (tmp_path / "block-01" / "films" / "P0001-1.dcm").resolve()


def test_no_block_is_no_cohort(tmp_path):
    with pytest.raises(ValueError, match="at least one block"):
        study_cohort.make(tmp_path, 0, lambda *_: None)
