"""A small file goes the whole way to HTML and PDF: equal bytes in another folder, time zone, locale, user and date, and everything printed that must be."""

import hashlib
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
from pipeline.dossier.evidence import EvidenceBook
from pipeline.dossier.file_record import CHECKSUMS, checksums
from pipeline.dossier.front_page import FRONT_PAGE, Contents, front_page, page_count
from pipeline.dossier.gaps import Gap
from pipeline.dossier.links import dead_links, require_closed
from pipeline.dossier.printing import Cover, print_view
from pipeline.dossier.source_pages import write_source_pages
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
        Part("Sources", ("sources", "sources/source-a-json"), (), ()),
    ),
)
INDEX = """# First page

(here)=
A paragraph with `code_of_a_rather_long_name/in_a_path/that_breaks.json`, *stress*, FIGURE, [a place](#there) and [a page](second.md).

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


RECORD = '{"x": [{"y z": 0.4987}], "n": 3, "word": "a|b [c] *e*"}\n'


def built(folder):
    """Build the small file below a folder, as it is handed over, and return its checksums."""
    source, made = folder / "source", folder / "file"
    (source / "figures").mkdir(parents=True)
    (source / "_extra").mkdir()
    shutil.copy(ROOT / "docs/conf.py", source)
    shutil.copytree(ROOT / "docs/_static", source / "_static")
    (source / "figures/dot.svg").write_text(DOT, encoding="utf-8")
    (folder / "run").mkdir()
    (folder / "run/a.json").write_text(RECORD, encoding="utf-8")
    book = EvidenceBook(folder / "run")
    shown = [book.figure("a.json", "/x/0/y z", ".1f"), book.figure("a.json", "/word"), book.cited("1", "a.json", "/x (all)")]
    listed = "\n```{toctree}\n:hidden:\n\nsecond\nsources\n```\n"
    (source / "index.md").write_text(INDEX.replace("FIGURE", ", ".join(shown)) + listed, encoding="utf-8")
    (source / "second.md").write_text(SECOND, encoding="utf-8")
    write_source_pages(folder / "run", book.sources(), source)
    technical_file._build_html(folder, made / "html")
    technical_file._translate(folder)
    pages = json.loads((folder / "print/pages/pages.json").read_text(encoding="utf-8"))["pages"]
    (made / "pdf").mkdir()
    (made / "pdf/small.pdf").write_bytes(print_view(folder, VIEW, pages, [GAP], COVER))
    for name in ("matrix.xlsx", "matrix.csv", "technical_file.json", "html/matrix.html"):
        (made / name).write_text(name, encoding="utf-8")
    (made / FRONT_PAGE).write_text(front_page(COVER, Contents(len(pages), [VIEW], {"small": 7}, 1)), encoding="utf-8")
    said = checksums(made, [made])
    (made / CHECKSUMS).write_text(said, encoding="utf-8")
    return said


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
    said = text_of(small[0] / "file/pdf/small.pdf")
    assert b"CreationDate" not in said
    assert b"ModDate" not in said
    assert str(small[0]).encode() not in said


def test_its_fonts_lie_in_it(small):
    said = text_of(small[0] / "file/pdf/small.pdf")
    assert {b"LibertinusSerif", b"NotoSansCJKtc", b"DejaVuSansMono"} <= set(re.findall(rb"\+([A-Za-z]+)", said))
    assert said.count(b"/FontFile") >= 4


def test_contents_and_places_are_links(small):
    said = text_of(small[0] / "file/pdf/small.pdf")
    assert said.count(b"/Subtype/Link") >= 10
    assert b"/Outlines" in said


def test_the_record_of_pages_has_each_figure_with_its_place(small):
    pages = json.loads((small[0] / "print/pages/pages.json").read_text(encoding="utf-8"))["pages"]
    sha256 = hashlib.sha256(RECORD.encode()).hexdigest()[:12]
    assert pages["index"]["figures"][0] == {"text": "0.5", "file": "a.json", "sha256": sha256, "pointer": "/x/0/y z"}


def test_a_reference_out_of_the_view_keeps_its_words(small):
    pages = json.loads((small[0] / "print/pages/pages.json").read_text(encoding="utf-8"))["pages"]
    alone = View("alone", "Alone", "One page.", (Part("One", ("index",), (), ()),))
    less = print_view(small[0], alone, pages, [GAP], COVER)
    assert less.count(b"/Subtype/Link") < (small[0] / "file/pdf/small.pdf").read_bytes().count(b"/Subtype/Link")


def test_what_cannot_be_printed_is_said_in_its_own_words(small, tmp_path):
    shutil.copytree(small[0] / "source", tmp_path / "source")
    (tmp_path / "source/second.md").write_text("# Second page\n\n(there)=\n(here2)=\nA <b>bold</b> word.\n", encoding="utf-8")
    with pytest.raises(FileError, match=r"^FILE-PRINT at docs/second: found raw markup '<b>', expected text\. Repair: put it"):
        technical_file._translate(tmp_path)


@pytest.mark.parametrize("tool", ["sha256sum"])
def test_checksums_are_read_by_the_usual_tool(small, tool):
    if not shutil.which(tool):
        pytest.skip(f"{tool} is not on this machine")
    done = subprocess.run(
        [tool, "-c", "--quiet", "-"], input=small[1], cwd=small[0] / "file", capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_each_figure_leads_to_the_row_of_its_pointer_with_the_value(small):
    html = small[0] / "file/html"
    links = re.findall(r'<a class="ev[^"]*" href="([^"]+)"', (html / "index.html").read_text(encoding="utf-8"))
    assert links == [f"sources/source-a-json.html#{end}" for end in ("/x/0/y%20z", "/word", "/x%20(all)")]
    text = (html / "sources/source-a-json.html").read_text(encoding="utf-8")
    rows = dict(re.findall(r'<td><p><code[^>]* id="([^"]+)">.*?</code></p></td>\s*<td><p>(.*?)</p></td>', text))
    assert rows == {"/word": "a|b [c] *e*", "/x%20(all)": "1", "/x/0/y%20z": "0.4987"}
    assert hashlib.sha256(RECORD.encode()).hexdigest() in text
    assert '<a href="../evidence/source-a-json.json"' in text


def test_the_row_of_its_pointer_is_printed_and_a_figure_leads_there(small):
    index = (small[0] / "print/pages/index.typ").read_text(encoding="utf-8")
    row = (small[0] / "print/pages/sources/source-a-json.typ").read_text(encoding="utf-8")
    place = "sources/source-a-json::/x/0/y%20z"
    assert f'figure-from("{place}", {{\n"0.5"' in index
    assert f'mark("{place}")' in row
    assert '"0.4987"' in row


def test_no_link_leaves_the_folder_and_none_is_dead(small):
    require_closed(small[0] / "file")


@pytest.mark.parametrize(
    "link",
    [
        'href="../../trace/records/a.html"',
        'href="gone.html"',
        'src="figures/gone.png"',
        'href="second.html#gone"',
        'href="/etc/hosts"',
        'href="evidence"',
    ],
)
def test_a_link_out_of_the_folder_or_to_nothing_is_named(small, tmp_path, link):
    shutil.copytree(small[0] / "file", tmp_path / "file")
    page = tmp_path / "file/html/index.html"
    page.write_text(page.read_text(encoding="utf-8").replace("</article>", f"<a {link}></a></article>"), encoding="utf-8")
    place = link.split('"')[1]
    assert list(dead_links(tmp_path / "file")) == [("html/index.html", place)]
    with pytest.raises(
        FileError, match=rf"FILE-LINK at html/index\.html: found 1 links .* leads to {re.escape(place)}, expected .* complete"
    ):
        require_closed(tmp_path / "file")


def test_the_checksums_name_every_other_file(small):
    lies = {path.relative_to(small[0] / "file").as_posix() for path in (small[0] / "file").rglob("*") if path.is_file()}
    assert {line.split("  ", 1)[1] for line in small[1].splitlines()} == lies - {CHECKSUMS}


def test_the_front_page_lists_what_lies_beside_it_and_how_to_check_it(small):
    text = (small[0] / "file" / FRONT_PAGE).read_text(encoding="utf-8")
    beside = {path.name for path in (small[0] / "file").iterdir() if path.is_file()} - {FRONT_PAGE}
    assert beside | {"html/index.html", "pdf/small.pdf"} <= set(re.findall(r'href="([^"]+)"', text))
    assert "sha256sum -c SHA256SUMS" in text
    assert "<td>Small. As written.</td><td>7</td>" in text


def test_the_pages_of_a_pdf_are_counted(small):
    shown = (
        subprocess.run(["pdfinfo", small[0] / "file/pdf/small.pdf"], capture_output=True, text=True, check=False)
        if shutil.which("pdfinfo")
        else None
    )
    if shown is None:
        pytest.skip("pdfinfo is not on this machine")
    counted = page_count((small[0] / "file/pdf/small.pdf").read_bytes())
    assert counted == int(re.search(r"Pages:\s+(\d+)", shown.stdout)[1])
