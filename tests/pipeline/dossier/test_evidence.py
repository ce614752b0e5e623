"""Figures leave the evidence book with their source, and never without evidence."""

import hashlib
import json
import re

import pytest

from pipeline.dossier.evidence import EvidenceBook, escaped, source_key
from pipeline.file_error import FileError


@pytest.fixture
def book(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.json").write_text(json.dumps({"x": {"y/z": [0.12345, None]}, "n": 3}), encoding="utf-8")
    (tmp_path / "broken.json").write_text("{", encoding="utf-8")
    return EvidenceBook(tmp_path)


def test_a_figure_carries_file_hash_and_pointer(book, tmp_path):
    sha256 = hashlib.sha256((tmp_path / "a" / "b.json").read_bytes()).hexdigest()
    assert book.figure("a/b.json", "/x/y~1z/0", ".3f") == f"{{ev}}`0.123 <source-a-b-json::a/b.json::{sha256[:12]}::/x/y~1z/0>`"


def test_an_undefined_figure_is_said_not_zero(book):
    assert book.figure("a/b.json", "/x/y~1z/1", ".3f").startswith("{ev}`undefined <")


def test_what_was_cited_is_remembered_by_path(book):
    book.figure("a/b.json", "/n")
    book.value("a/b.json", "/x")
    assert [(source.path, source.pointers) for source in book.sources()] == [("a/b.json", {"/n", "/x"})]


def test_what_pages_show_for_a_place_is_remembered_apart_from_what_was_only_read(book):
    book.figure("a/b.json", "/n")
    book.value("a/b.json", "/x")
    book.cited("all", "a/b.json")
    assert [source.shown for source in book.sources()] == [{"/n": {"3"}}]


def test_a_missing_file_names_itself_and_the_command(book):
    with pytest.raises(FileError, match=r"FILE-EVIDENCE at c\.json: found no such file.*\./qms demo"):
        book.value("c.json", "/n")


@pytest.mark.parametrize("pointer", ["/absent", "/x/absent", "/x/y~1z/7", "/n/deeper", "/x/y~1z/word"])
def test_a_pointer_to_nothing_stops_the_build(book, pointer):
    with pytest.raises(FileError, match=re.escape(f"FILE-EVIDENCE at a/b.json {pointer}: found nothing at")):
        book.value("a/b.json", pointer)


def test_text_that_is_no_json_stops_the_build(book):
    with pytest.raises(FileError, match=r"FILE-EVIDENCE at broken\.json: found text that is no JSON"):
        book.value("broken.json")


def test_an_escaped_key_leads_back_to_its_value(book):
    assert book.value("a/b.json", f"/x/{escaped('y/z')}/0") == 0.12345


def test_sources_of_different_paths_have_different_anchors():
    paths = ["artifacts/a.json", "artifacts/b.json", "artifacts/training/a.json"]
    assert len({source_key(path) for path in paths}) == len(paths)
