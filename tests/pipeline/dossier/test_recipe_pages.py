"""The recipe is what the lock recorded, every setting of it, each with its place in the lock."""

from pathlib import Path

import pytest
import yaml

from pipeline.dossier.evidence import EvidenceBook
from pipeline.dossier.recipe_pages import MEANING, RecipePages, setting_name, settings
from pipeline.file_error import FileError

ROOT = Path(__file__).resolve().parents[3]


def test_every_setting_of_every_stage_is_printed_once():
    lock = yaml.safe_load((ROOT / "dvc.lock").read_text(encoding="utf-8"))
    text = RecipePages(ROOT, EvidenceBook(ROOT)).table()
    names = [setting_name(pointer) for pointer, _ in settings(lock)]
    assert {"train.seed", "train.learning_rate", "train.network.family", "prepare.preprocessing", "cohort.seed"} <= set(names)
    assert len(names) == len(set(names))
    assert [name for name in names if name not in {"profile", "budget"} and f"`{name}`" not in text] == []


def test_a_value_is_that_of_the_lock_and_not_of_params(tmp_path):
    (tmp_path / "params.yaml").write_text("train: {epochs: 12}\n", encoding="utf-8")
    lock = {"stages": {"train": {"params": {"params.yaml": {"train": {"epochs": 15}}}}}}
    (tmp_path / "dvc.lock").write_text(yaml.safe_dump(lock), encoding="utf-8")
    text = RecipePages(tmp_path, EvidenceBook(tmp_path)).table()
    assert "{ev}`15 <source-dvc-lock::dvc.lock::" in text
    assert "::/stages/train/params/params.yaml/train/epochs>`" in text
    assert MEANING["train.epochs"] in text


@pytest.mark.parametrize("content", [None, "stages: 3\n", ": :\n  - ["])
def test_a_lock_that_cannot_be_read_is_named(tmp_path, content):
    if content:
        (tmp_path / "dvc.lock").write_text(content, encoding="utf-8")
    with pytest.raises(FileError, match=r"^FILE-EVIDENCE at dvc\.lock: found no readable lock"):
        RecipePages(tmp_path, EvidenceBook(tmp_path))


def test_every_meaning_belongs_to_a_setting():
    lock = yaml.safe_load((ROOT / "dvc.lock").read_text(encoding="utf-8"))
    assert set(MEANING) - {setting_name(pointer) for pointer, _ in settings(lock)} == set()
