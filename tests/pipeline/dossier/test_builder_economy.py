"""What the document builder is spared changes no byte of a page: the same small file is built with and without it."""

import shutil
from pathlib import Path

import pytest

from pipeline import technical_file
from pipeline.dossier.file_record import checksums
from pipeline.dossier.page_navigation import moved

ROOT = Path(__file__).resolve().parents[3]
SPARED = ("pipeline.dossier.builder_economy", "pipeline.dossier.page_navigation")


def source(folder):
    """Write a first page, two pages with pages below them in folders, one of which has pages below it in turn, and a page listed twice."""
    (folder / "_extra").mkdir(parents=True)
    shutil.copy(ROOT / "docs/conf.py", folder)
    shutil.copytree(ROOT / "docs/_static", folder / "_static")
    pages = {
        "index": (["one/index", "two", "alone"], "(first)=\n\n[a place](#of-b)"),
        "alone": ([], "[first](#first), [b](one/b.md), [c](#of-c)"),
        "one/index": (["a", "b", "c & more", "deep", "../twice"], ""),
        "one/a": ([], "(of-a)=\n\n[to b](#of-b) and [int](#first)"),
        "one/b": ([], "(of-b)=\n\nB"),
        "one/c & more": ([], "(of-c)=\n\nC"),
        "one/deep": (["d", "e"], ""),
        "one/d": ([], "D"),
        "one/e": ([], "E"),
        "two": ([*(f"parts/{each}" for each in "uvw"), "twice"], ""),
        "parts/u": ([], "U"),
        "parts/v": ([], "V"),
        "parts/w": ([], "W"),
        "twice": ([], "T"),
    }
    for page, (below, text) in pages.items():
        path = folder / f"{page}.md"
        path.parent.mkdir(exist_ok=True)
        listed = "\n".join(below)
        tree = f"\n\n```{{toctree}}\n:hidden:\n\n{listed}\n```\n" if below else "\n"
        path.write_text(f"# The page {page} <&>\n\n{text}{tree}", encoding="utf-8")


def built(folder, extensions):
    source(folder / "source")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(technical_file, "_EXTENSIONS", extensions)
        technical_file._build_html(folder, folder / "html")
    return folder / "html"


@pytest.fixture(scope="module")
def spared(tmp_path_factory):
    return built(tmp_path_factory.mktemp("with"), technical_file._EXTENSIONS)


def test_no_byte_of_any_page_changes(spared, tmp_path):
    assert set(SPARED) <= set(technical_file._EXTENSIONS)
    without = built(tmp_path, tuple(each for each in technical_file._EXTENSIONS if each not in SPARED))
    assert checksums(spared.parent, [spared]).splitlines() == checksums(tmp_path, [without]).splitlines()


@pytest.mark.parametrize("page", ["u", "v", "w"])
def test_each_page_marks_itself_and_no_other(spared, page):
    text = (spared / "parts" / f"{page}.html").read_text(encoding="utf-8")
    assert text.count("current-page") == 1
    assert f'current-page"><a class="current reference internal" href="#">The page parts/{page} ' in text


@pytest.mark.parametrize("tree", ["", '<li class="toctree-l1"><a class="reference internal" href="b.html">B</a></li>' * 2])
def test_what_cannot_be_told_is_made_in_full(tree):
    current = '<li class="toctree-l1 current current-page"><a class="current reference internal" href="#">A</a></li>'
    assert moved(current + tree, "a.html", "b.html") is None
