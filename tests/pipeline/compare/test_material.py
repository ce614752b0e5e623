"""Every family of a comparison sees the same films: all of a run, or an even share of the patients of each split."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from pipeline.compare.errors import ComparisonError
from pipeline.compare.material import gather
from pipeline.run import Run
from pipeline.training.dataset import read_split
from tests.pipeline.compare.conftest import SPLITS


def cohort_of(material):
    return json.loads((material.folder / "cohort" / "cohort.json").read_text(encoding="utf-8"))["films"]


def test_all_films_of_the_run_are_taken_and_the_pictures_are_linked_to(source, tmp_path):
    material = gather(source, tmp_path / "material", 1.0)
    assert Counter(film["split"] for film in cohort_of(material)) == SPLITS
    assert (material.folder / "cohort" / "films").resolve() == (source.artifact("cohort") / "films").resolve()
    assert len(read_split(material.folder / "prepared", "train").films) == SPLITS["train"]


def test_a_share_keeps_each_split_and_prepared_films_follow_the_cohort(source, tmp_path):
    material = gather(source, tmp_path / "material", 0.5)
    films = cohort_of(material)
    assert Counter(film["split"] for film in films) == {split: count // 2 for split, count in SPLITS.items()}
    for split in ("train", "val"):
        prepared = read_split(material.folder / "prepared", split)
        assert [row.film_id for row in prepared.films] == [film["film_id"] for film in films if film["split"] == split]
    whole = read_split(source.artifact("prepared"), "train")
    place = {row.film_id: index for index, row in enumerate(whole.films)}
    halved = read_split(material.folder / "prepared", "train")
    for index, row in enumerate(halved.films):
        assert (halved.pixels[index] == whole.pixels[place[row.film_id]]).all()


def test_gathering_again_gives_the_same_hash_and_another_share_another(source, tmp_path):
    first = gather(source, tmp_path / "material", 1.0)
    assert gather(source, tmp_path / "material", 1.0).sha256 == first.sha256
    assert gather(source, tmp_path / "other", 0.5).sha256 != first.sha256


def test_a_run_without_films_and_a_share_of_nobody_are_refused(source, tmp_path):
    with pytest.raises(ComparisonError, match=r"CMP-DATA .* no cohort\.json in cohort"):
        gather(Run(tmp_path / "nothing"), tmp_path / "material", 1.0)
    with pytest.raises(ComparisonError, match=r"CMP-DATA .* 10 patients in train, of which 0.01 is none"):
        gather(source, tmp_path / "material", 0.01)
