"""A small file goes the whole way to HTML and PDF: equal bytes in another folder, time zone, locale, user and date, and everything printed that must be."""

import json
import re
import shutil
import subprocess
import zlib
from pathlib import Path

import pytest

from pipeline import technical_file
from pipeline.dossier.clause_manifests import Clause
from pipeline.dossier.clause_pages import Answer, State
from pipeline.dossier.file_record import checksums
from pipeline.dossier.gaps import Gap
from pipeline.dossier.printing import Cover, print_view
from pipeline.dossier.views import Part, View
from pipeline.file_error import FileError

ROOT = Path(__file__).resolve().parents[3]
COVER = Cover("The file", "Not for use.", "a baseline", "Signatures: see cover sheet.", (("Device", "ThoraTrace"),))
GAP = Gap("GAP-001", "Readers", ("MDR 61",), "risk", "none", "clinic", "a study", "Not for use.")


def answered(number, state, **row):
    """A row of a manifest as a view sees it."""
    lists = dict.fromkeys(("shown", "files", "figures", "items", "gaps", "standards"), ())
    texts = dict.fromkeys(("asks", "group", "not_applicable", "permitted", "method", "where"), "")
    return Answer("mdr", int(number), Clause(name=f"MDR Annex II {number}", number=number, **{**lists, **texts, **row}), state)


VIEW = View(
    "small",
    "Small",
    "As written.",
    (
        Part("One", ("index", "second"), (), (answered("1", State.GAP, gaps=("GAP-001",)),)),
        Part("Two", (), ("second",), (answered("2", State.EVIDENCE),)),
        Part("Three", (), (), (answered("3", State.UNSIGNED, not_applicable="No hardware."),)),
    ),
)
INDEX = """# First page

(here)=
A paragraph with `code_of_a_rather_long_name/in_a_path/that_breaks.json`, *stress*, {ev}`0.5 <source-a::a.json::012345678901::/x>`, [a place](#there) and [a page](second.md).

```{list-table}
:header-rows: 1
:widths: 30 70

* - Finding
  - Chinese
* - Cardiac hypertrophy
  - 心脈肥大
```

```{figure} figures/dot.svg
:alt: a dot

A dot.
```

:::{admonition} Take care
:class: warning

One sentence.
:::
"""
SECOND = """# Second page

(there)=
1. one
2. two
   - within

```python
print("肺")
```

## Below

Back to [here](#here).
"""
DOT = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10"><circle cx="5" cy="5" r="4"/></svg>'


def built(folder):
    """Build the small file in a folder and return its outputs by name."""
    source = folder / "source"
    (source / "figures").mkdir(parents=True)
    (source / "_extra").mkdir()
    shutil.copy(ROOT / "docs/conf.py", source)
    shutil.copytree(ROOT / "docs/_static", source / "_static")
    (source / "figures/dot.svg").write_text(DOT, encoding="utf-8")
    (source / "index.md").write_text(INDEX + "\n```{toctree}\n:hidden:\n\nsecond\nsources\n```\n", encoding="utf-8")
    (source / "second.md").write_text(SECOND, encoding="utf-8")
    (source / "sources.md").write_text("# Sources\n\n(source-a)=\na.json\n", encoding="utf-8")
    technical_file._build_html(folder)
    technical_file._translate(folder)
    pages = json.loads((folder / "print/pages/pages.json").read_text(encoding="utf-8"))["pages"]
    (folder / "pdf").mkdir()
    (folder / "pdf/small.pdf").write_bytes(print_view(folder, VIEW, pages, [GAP], COVER))
    return checksums(folder, [folder / "html", folder / "pdf"])


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("a")
    return folder, built(folder)


def text_of(pdf):
    """Return what a PDF says outside its glyphs: its plain objects and unpacked streams."""
    content = pdf.read_bytes()
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", content, re.DOTALL)
    return content + b"".join(unpacked(stream) for stream in streams)


def unpacked(stream):
    try:
        return zlib.decompress(stream)
    except zlib.error:
        return b""


def test_bytes_do_not_depend_on_where_when_and_by_whom(small, tmp_path, monkeypatch):
    for name, value in {
        "TZ": "Asia/Taipei",
        "LC_ALL": "POSIX",
        "LANG": "zh_TW.UTF-8",
        "PYTHONHASHSEED": "1234",
        "SOURCE_DATE_EPOCH": "86400",
        "USER": "somebody",
        "HOME": str(tmp_path),
    }.items():
        monkeypatch.setenv(name, value)
    far = tmp_path / "another folder of another name"
    far.mkdir()
    assert built(far).splitlines() == small[1].splitlines()


def test_the_pdf_names_no_date_and_no_place(small):
    said = text_of(small[0] / "pdf/small.pdf")
    assert b"CreationDate" not in said
    assert b"ModDate" not in said
    assert str(small[0]).encode() not in said


def test_its_fonts_lie_in_it(small):
    said = text_of(small[0] / "pdf/small.pdf")
    assert {b"LibertinusSerif", b"NotoSansCJKtc", b"DejaVuSansMono"} <= set(re.findall(rb"\+([A-Za-z]+)", said))
    assert said.count(b"/FontFile") >= 4


def test_contents_and_places_are_links(small):
    said = text_of(small[0] / "pdf/small.pdf")
    assert said.count(b"/Subtype/Link") >= 10
    assert b"/Outlines" in said


def test_the_record_of_pages_has_each_figure_with_its_place(small):
    pages = json.loads((small[0] / "print/pages/pages.json").read_text(encoding="utf-8"))["pages"]
    assert pages["index"]["figures"] == [{"text": "0.5", "file": "a.json", "sha256": "012345678901", "pointer": "/x"}]


def test_a_reference_out_of_the_view_keeps_its_words(small):
    pages = json.loads((small[0] / "print/pages/pages.json").read_text(encoding="utf-8"))["pages"]
    alone = View("alone", "Alone", "One page.", (Part("One", ("index",), (), ()),))
    less = print_view(small[0], alone, pages, [GAP], COVER)
    assert less.count(b"/Subtype/Link") < (small[0] / "pdf/small.pdf").read_bytes().count(b"/Subtype/Link")


def test_what_cannot_be_printed_is_said_in_its_own_words(small, tmp_path):
    shutil.copytree(small[0] / "source", tmp_path / "source")
    (tmp_path / "source/second.md").write_text("# Second page\n\n(there)=\n(here2)=\nA <b>bold</b> word.\n", encoding="utf-8")
    with pytest.raises(FileError, match=r"^FILE-PRINT at docs/second: found raw markup '<b>', expected text\. Repair: put it"):
        technical_file._translate(tmp_path)


@pytest.mark.parametrize("tool", ["sha256sum"])
def test_checksums_are_read_by_the_usual_tool(small, tool):
    if not shutil.which(tool):
        pytest.skip(f"{tool} is not on this machine")
    done = subprocess.run([tool, "-c", "--quiet", "-"], input=small[1], cwd=small[0], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
