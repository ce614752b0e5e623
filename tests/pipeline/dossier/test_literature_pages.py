"""A published figure stands beside an exact source, and says how far that source was read."""

import shutil
from pathlib import Path

import pytest

from pipeline.dossier.literature_pages import LITERATURE, LiteraturePages
from pipeline.file_error import FileError

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "docs").mkdir()
    shutil.copy(ROOT / LITERATURE, tmp_path / LITERATURE)
    return tmp_path


def edited(tree, old, new):
    path = tree / LITERATURE
    content = path.read_text(encoding="utf-8")
    assert old in content
    path.write_text(content.replace(old, new, 1), encoding="utf-8")


def test_a_source_is_linked_by_its_doi_and_says_how_far_it_was_read():
    text = LiteraturePages(ROOT).sources()
    assert "https://doi.org/10.1038/s41597-022-01498-w" in text
    assert text.count("the original is to be read by a person") == text.count("(lit-")


def test_a_source_leads_to_the_situations_that_it_is_used_for():
    assert "[HS-011](#hs-011) and [HS-017](#hs-017)" in LiteraturePages(ROOT).sources()


def test_similar_devices_are_those_of_sources_and_say_that_nobody_read_them():
    text = LiteraturePages(ROOT).similar_devices()
    assert "[LIT-01](#lit-01)" in text
    assert "[LIT-09](#lit-09)" in text
    assert text.count("the original is to be read by a person") == text.count("(#lit-") == 2


def test_what_is_missing_has_a_reason_and_a_role():
    text = LiteraturePages(ROOT).missing()
    assert "Agreement between radiologists" in text
    assert "clinical evaluation" in text


def test_an_original_that_was_read_is_counted(tree):
    before = LiteraturePages(tree).unread()
    edited(tree, 'read = "record"', 'read = "original"')
    count, total = map(int, before.split(" of "))
    assert LiteraturePages(tree).unread() == f"{count - 1} of {total}"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('doi = "10.1148/radiol.231236"', 'doi = "see the web"'),
        ("Radiology 2023;308(3):e231236.", "Radiology."),
        ('read = "record"', 'read = "somewhere"'),
        ('id = "LIT-02"', 'id = "LIT-01"'),
    ],
)
def test_a_source_without_its_particulars_is_refused(tree, old, new):
    edited(tree, old, new)
    with pytest.raises(FileError, match=r"^FILE-DATA at docs/literature\.toml:\d+"):
        LiteraturePages(tree)
