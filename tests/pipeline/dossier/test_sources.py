"""What lies beside the pages: the matrix without links that the folder has no target for."""

from pathlib import Path

import pytest

from pipeline.dossier.sources import _copy_matrix
from pipeline.file_error import FileError
from verification.trace import matrix

LINKS = """<a href="../technical_file/html/model.html#srs-001">model</a>
<a class="dim" href="../../verification/features/a.feature">a.feature:3</a>
<a href="records/a-0ca4e344.html#x">record</a>
"""


@pytest.fixture
def copied(tmp_path):
    (tmp_path / "artifacts/trace").mkdir(parents=True)
    (tmp_path / "artifacts/trace/matrix.html").write_text(LINKS, encoding="utf-8")
    (tmp_path / "verification/features").mkdir(parents=True)
    (tmp_path / "verification/features/a.feature").write_text("Feature: a\n", encoding="utf-8")
    (tmp_path / "extra").mkdir()
    _copy_matrix(tmp_path, tmp_path / "extra")
    return tmp_path / "extra"


def test_links_of_the_matrix_lead_to_what_lies_beside_it(copied):
    text = (copied / "matrix.html").read_text(encoding="utf-8")
    assert 'href="model.html#srs-001"' in text
    assert 'href="features/a.feature"' in text
    assert (copied / "features/a.feature").is_file()


def test_a_test_record_holds_dates_and_is_named_without_a_link(copied):
    assert (
        (copied / "matrix.html")
        .read_text(encoding="utf-8")
        .endswith('<span class="dim" title="artifacts/verification/records.json of the run">record</span>\n')
    )


def test_every_record_of_the_matrix_is_linked_as_the_copy_knows_it():
    """The matrix's own template writes the link that the copy turns into a word."""
    template = (Path(matrix.__file__).parent / "matrix.html.j2").read_text(encoding="utf-8")
    assert '<a href="{{ record_link(case) }}">record</a>' in template


def test_a_lost_matrix_is_named(tmp_path):
    with pytest.raises(FileError, match=r"FILE-EVIDENCE at artifacts/trace/matrix\.html: found no such file"):
        _copy_matrix(tmp_path, tmp_path)
