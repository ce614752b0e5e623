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
        "index": (["one/index", "two", "alone", "alone2"], "(first)=\n\n[a place](#of-b)"),
        "alone": ([], "[first](#first), [b](one/b.md), [c](#of-c)"),
        "alone2": ([], "running, runs and ran"),
        "other": ([], "runs"),
        "other2": ([], "running"),
        "parts/nowhere": ([], "in no table of contents, running"),
        "parts/nowhere2": ([], "in none either, runs"),
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
        if page == "index":
            tree += "\n```{toctree}\n:hidden:\n:caption: Others\n\nother\nother2\n```\n"
        free = "---\norphan: true\n---\n\n" if "nowhere" in page else ""
        path.write_text(f"{free}# The page {page} <&>\n\n{text}{tree}", encoding="utf-8")


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


@pytest.mark.parametrize("page", ["alone", "alone2", "other", "other2"])
def test_a_page_below_the_first_marks_itself_in_its_own_table_of_contents(spared, page):
    text = (spared / f"{page}.html").read_text(encoding="utf-8")
    assert text.count("current-page") == 1
    assert text.partition("current-page")[0].rpartition('<ul class="current">')[2].count("caption") == 0


@pytest.mark.parametrize("page", ["nowhere", "nowhere2"])
def test_a_page_in_no_table_of_contents_marks_none(spared, page):
    text = (spared / "parts" / f"{page}.html").read_text(encoding="utf-8")
    assert "current-page" not in text
    assert 'href="../other2.html"' in text


def test_lists_are_made_once_for_each_table_of_contents(tmp_path, monkeypatch):
    """Pages of the first page's tables of contents are spared as well: what is made in full is told by how often the theme is asked."""
    (tmp_path / "count.py").write_text(
        "import furo\n_made = furo._compute_navigation_tree\n"
        "def _counted(context):\n"
        "    with open(__file__ + '.log', 'a') as log: log.write(('spared' if context['toctree'].__name__ == '_nothing' else context['pagename']) + '\\n')\n"
        "    return _made(context)\n"
        "furo._compute_navigation_tree = _counted\n"
        "def setup(app): return {}\n",
        encoding="utf-8",
    )
    monkeypatch.setattr(technical_file, "_CODE", f"{technical_file._CODE}:{tmp_path}")
    built(tmp_path / "file", (*technical_file._EXTENSIONS, "count"))
    made = (tmp_path / "count.py.log").read_text(encoding="utf-8").split()
    assert {"alone2", "other2", "parts/nowhere2", "parts/v"}.isdisjoint(made)
    assert {"alone", "other", "parts/nowhere", "parts/u"} <= set(made)
