"""The data root names every file of a cohort, and refuses a film that is not the one of the index."""

import hashlib
import json

import pytest

from device_sw import merkle
from pipeline.release.errors import ReleaseRefused
from pipeline.release.provenance.data_root import data_root, leaf


def sha256(content):
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def cohort(tmp_path):
    (tmp_path / "films").mkdir()
    (tmp_path / "masks").mkdir()
    films = []
    for name in ("P1", "P2", "P3"):
        (tmp_path / "films" / f"{name}.dcm").write_bytes(name.encode())
        (tmp_path / "masks" / f"{name}.png").write_bytes(b"mask")
        films.append({"path": f"films/{name}.dcm", "sha256": sha256(name.encode()), "mask": f"masks/{name}.png"})
    (tmp_path / "cohort.json").write_text(json.dumps({"films": films}), encoding="utf-8")
    return tmp_path


def test_the_root_is_that_of_the_tree_over_path_and_hash(cohort):
    found = data_root(cohort)
    leaves = [
        leaf(path.relative_to(cohort).as_posix(), sha256(path.read_bytes())) for path in cohort.rglob("*") if path.is_file()
    ]
    assert found.root == merkle.root(leaves)
    assert found.to_json() == {
        "schema": "thoratrace/data-root/1",
        "root": found.root,
        "index_sha256": sha256((cohort / "cohort.json").read_bytes()),
        "files": 7,
        "bytes": 3 * 2 + 3 * 4 + (cohort / "cohort.json").stat().st_size,
        "films": 3,
    }
    assert found.listing().splitlines()[1] == f"{sha256(b'P1')}  films/P1.dcm"


def test_a_swap_of_two_masks_is_another_root(cohort):
    before = data_root(cohort).root
    (cohort / "masks" / "P1.png").write_bytes(b"other")
    assert data_root(cohort).root != before


def test_a_film_that_is_not_the_one_of_the_index_is_refused(cohort):
    (cohort / "films" / "P2.dcm").write_bytes(b"P1")
    with pytest.raises(ReleaseRefused, match=r"REL-DATA-FILM at films/P2\.dcm: found SHA-256"):
        data_root(cohort)


@pytest.mark.parametrize(("path", "found"), [("films/P3.dcm", "SHA-256 of no file"), ("masks/P3.png", "no such file")])
def test_a_missing_file_is_refused(cohort, path, found):
    (cohort / path).unlink()
    with pytest.raises(ReleaseRefused, match=f"REL-DATA-FILM at {path}: found {found}"):
        data_root(cohort)


@pytest.mark.parametrize("text", ["", "[]", '{"films": [{}]}'])
def test_an_index_that_cannot_be_read_is_refused(cohort, text):
    (cohort / "cohort.json").write_text(text, encoding="utf-8")
    with pytest.raises(ReleaseRefused, match=r"REL-DATA-INDEX at cohort\.json"):
        data_root(cohort)
