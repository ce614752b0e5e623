"""A built file is reused only when neither its inputs nor its pages changed."""

import pytest

from pipeline.dossier import stamp

INPUT = "docs/index.md"


@pytest.fixture
def built(tmp_path):
    for name in (INPUT, "artifacts/trace/trace.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1", encoding="utf-8")
    html = tmp_path / "html"
    html.mkdir()
    (html / "index.html").write_text("<p>0.5</p>", encoding="utf-8")
    mark = tmp_path / "stamp.json"
    outputs = (html, tmp_path / "pdf")
    stamp.write_stamp(mark, tmp_path, outputs)
    return mark, tmp_path, outputs


def test_an_unchanged_build_is_current(built):
    assert stamp.is_current(*built)


@pytest.mark.parametrize("name", [INPUT, "artifacts/trace/trace.json", "html/index.html"])
def test_a_changed_file_makes_the_build_old(built, name):
    (built[1] / name).write_text("2", encoding="utf-8")
    assert not stamp.is_current(*built)


@pytest.mark.parametrize("name", ["docs/new.md", "html/new.html", "pdf/new.pdf", "risk/data/new.toml"])
def test_a_new_file_makes_the_build_old(built, name):
    (built[1] / name).parent.mkdir(parents=True, exist_ok=True)
    (built[1] / name).write_text("", encoding="utf-8")
    assert not stamp.is_current(*built)


def test_a_lost_page_makes_the_build_old(built):
    (built[1] / "html" / "index.html").unlink()
    assert not stamp.is_current(*built)


@pytest.mark.parametrize("text", ["", "{", '{"inputs": ""}'])
def test_a_broken_stamp_is_none(built, text):
    built[0].write_text(text, encoding="utf-8")
    assert not stamp.is_current(*built)


def test_times_of_the_raw_record_do_not_matter(built):
    record = built[1] / "artifacts" / "verification" / "junit.xml"
    record.parent.mkdir()
    record.write_text("<testsuites time='3'/>", encoding="utf-8")
    assert stamp.is_current(*built)
