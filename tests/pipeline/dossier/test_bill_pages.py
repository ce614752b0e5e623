"""SOUP list, lock and bill of materials are one list; whatever only one of them has is named."""

import json
import re
import shutil
from pathlib import Path

import pytest

from pipeline.dossier.bill_pages import BillPages, read_components, require_sealed_lists
from pipeline.file_error import FileError
from pipeline.release.parts.components import pins

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def tree(tmp_path):
    for name in ("requirements_spec", "device_sw"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "pipeline/release/parts").mkdir(parents=True)
    for name in ("device.lock", "requirements.lock", "pyproject.toml", "pipeline/release/parts/components.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def sealed(tree, listed):
    folder = tree / "releases/0.1.0/files"
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "device.lock", folder)
    (folder / "device.cdx.json").write_text(json.dumps({"components": listed}), encoding="utf-8")


def bill():
    return [{"name": pin.name, "version": pin.version, "scope": "required"} for pin in pins((ROOT / "device.lock").read_text())]


def test_here_the_three_agree():
    text = BillPages(ROOT, read_components(ROOT)).agreement()
    count = len({pin.name for pin in pins((ROOT / "device.lock").read_text(encoding="utf-8"))})
    assert re.search(rf"all of the wheel's closure\*\*\n  - {count}\n", text)


def test_a_sealed_release_whose_bill_agrees_is_taken(tree):
    sealed(
        tree,
        [
            *bill(),
            {"name": "python", "version": "3.11", "scope": "required"},
            {"name": "ray", "version": "1", "scope": "optional"},
        ],
    )
    require_sealed_lists(tree)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: rows[1:], "in the lock alone"),
        (
            lambda rows: [*rows, {"name": "leftpad", "version": "1.0", "scope": "required"}],
            "leftpad 1.0 in the bill of materials alone",
        ),
    ],
)
def test_a_sealed_bill_that_differs_is_named(tree, change, said):
    sealed(tree, change(bill()))
    with pytest.raises(FileError, match=rf"^FILE-CONTENT at releases/0\.1\.0/files/device\.cdx\.json: found .*{said}"):
        require_sealed_lists(tree)


def test_a_library_of_the_lock_that_nobody_lists_is_named(tree):
    path = tree / "device.lock"
    path.write_text(path.read_text() + "zzz==1.0 \\\n    --hash=sha256:" + "0" * 64 + "\n", encoding="utf-8")
    with pytest.raises(FileError, match=r"^FILE-CONTENT at pipeline/release/parts/components\.toml, zzz: found no row"):
        read_components(tree)


def test_a_soup_item_of_another_version_is_named(tree):
    path = tree / "device.lock"
    path.write_text(re.sub(r"^numpy==\S+", "numpy==0.0.1", path.read_text(), flags=re.MULTILINE), encoding="utf-8")
    found = {each.pin.name: each.pin.version for each in read_components(tree)}
    assert found["numpy"] == "0.0.1"
