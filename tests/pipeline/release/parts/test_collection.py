"""The parts of a release: every one from its place in the run, what is large into the archive, and nothing passed over."""

import re

import pytest

from pipeline.release.errors import ReleaseRefused
from pipeline.release.parts.collection import FOLDERS, OWED, collect
from pipeline.release.record.record import Subject


@pytest.fixture
def run(tmp_path):
    """A tree with every part that a run always leaves."""
    places = [
        *OWED.values(),
        *(f"{folder}/{pattern.replace('**/', '').replace('*', 'a')}" for folder, pattern in FOLDERS.values()),
    ]
    for place in places:
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_bytes(place.encode())
    return tmp_path


def test_the_trace_matrix_goes_into_the_archive_and_is_not_committed(run):
    found = collect(run)
    assert found["archive/trace/matrix.json"] == run / "artifacts/trace/matrix.json"
    assert [name for name, path in found.items() if path.name == "matrix.json"] == ["archive/trace/matrix.json"]


def test_every_part_has_a_name_that_a_record_takes_and_comes_from_its_place(run):
    found = collect(run)
    assert list(found) == sorted(found)
    assert len(found) == len(OWED) + len(FOLDERS)
    for name, path in found.items():
        assert Subject(name, "0" * 64, path.stat().st_size).name == name


@pytest.mark.parametrize("name", sorted(OWED))
def test_a_part_that_is_not_there_is_named(run, name):
    (run / OWED[name]).unlink()
    with pytest.raises(ReleaseRefused, match=f"REL-MISSING at the run: found no {re.escape(OWED[name])}"):
        collect(run)


def test_every_file_of_the_technical_file_is_a_part(run):
    folder = run / "artifacts/technical_file"
    for name in ("index.html", "matrix.xlsx", "matrix.csv", "html/sources/a.html", "html/evidence/a.json", "pdf/b.pdf"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    lies = {f"archive/technical_file/{path.relative_to(folder).as_posix()}" for path in folder.rglob("*") if path.is_file()}
    assert {name for name in collect(run) if name.startswith("archive/technical_file/")} == lies


@pytest.mark.parametrize("kind", ["html", "pdf"])
def test_a_technical_file_without_pages_or_without_prints_is_refused(run, kind):
    for path in (run / "artifacts/technical_file" / kind).rglob("*"):
        path.unlink()
    with pytest.raises(ReleaseRefused, match=f"REL-MISSING at the run: found no artifacts/technical_file/{kind}"):
        collect(run)
