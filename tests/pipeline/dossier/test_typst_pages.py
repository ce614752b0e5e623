"""A page on paper says what the page on screen says, refuses what it cannot say, and its references lead where they can."""

import json
import os
from pathlib import Path

import pytest
import typst
from docutils import nodes
from docutils.utils import new_document
from hypothesis import given
from hypothesis import strategies as st

from pipeline.dossier import printing
from pipeline.dossier.print_font import FOLDER
from pipeline.dossier.printing import _set
from pipeline.dossier.typst_pages import PageTranslator
from pipeline.dossier.typst_text import BREAK, breakable, literal
from pipeline.file_error import FileError


def translated(*children):
    document = new_document("page")
    document += list(children)
    translator = PageTranslator(document, "page", Path(__file__).parent)
    document.walkabout(translator)
    return translator


def paragraph(*children):
    return nodes.paragraph("", "", *children)


def table(rows, widths=None):
    group = nodes.tgroup(cols=len(rows[0]))
    group += [nodes.colspec(colwidth=width) for width in widths or [1] * len(rows[0])]
    cells = [nodes.row("", *(nodes.entry("", paragraph(nodes.Text(text))) for text in row)) for row in rows]
    group += [nodes.thead("", cells[0]), nodes.tbody("", *cells[1:])]
    return nodes.table("", group, classes=["colwidths-given"] if widths else [])


def evaluated(source, tmp_path):
    """Return what a piece of Typst code is as text."""
    place = tmp_path / "main.typ"
    place.write_text(f"#metadata({source}) <it>", encoding="utf-8")
    return json.loads(typst.query(place, "<it>", field="value", one=True, ignore_system_fonts=True))


@pytest.mark.parametrize("text", ["#strong[x]", '"; panic("no")', "\\", "a\nb", "$x$ `y` *z* <w> @v", "//", "肺尖"])
def test_a_literal_is_nothing_but_its_text(text, tmp_path):
    assert evaluated(literal(text), tmp_path) == text


@given(st.text(st.characters(codec="utf-8", exclude_characters=BREAK)))
def test_break_places_change_no_letter(text):
    assert breakable(text).replace(BREAK, "") == text


@given(st.text("abcdefABC", min_size=25))
def test_no_piece_of_a_long_word_is_longer_than_a_column(text):
    assert max(map(len, breakable(text).split(BREAK))) <= 24


def test_a_kind_of_node_without_translation_is_refused():
    with pytest.raises(FileError, match=r"FILE-PRINT at docs/page: found a math node"):
        translated(paragraph(nodes.math("", "x")))


@pytest.mark.parametrize("raw", ["<section>", '<span style="color:red">', "<script>"])
def test_raw_markup_that_paper_would_lose_is_refused(raw):
    with pytest.raises(FileError, match="FILE-PRINT at docs/page: found raw markup"):
        translated(paragraph(nodes.raw("", raw, format="html")))


def test_a_tone_is_kept():
    marks = [
        nodes.raw("", '<span class="unacceptable">', format="html"),
        nodes.Text("no"),
        nodes.raw("", "</span>", format="html"),
    ]
    assert 'tone("unacceptable", {\n"no"\n})' in translated(paragraph(*marks)).text()


def test_a_figure_leads_to_its_source():
    reference = nodes.reference("", "0.5", internal=True, refuri="sources.html#source-a", reftitle="a · b · c", classes=["ev"])
    assert 'figure-from("sources::source-a", {\n"0.5"\n})' in translated(paragraph(reference)).text()


def test_all_ids_of_a_section_are_one_place():
    section = nodes.section("", nodes.title("", "T"), ids=["first", "second"])
    assert translated(section).aliases == {"page::first": "page::first", "page::second": "page::first", "page::": "page::first"}


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("page:adr/0001#why", 'goto("adr/0001::why"'),
        ("https://example.org", 'link("https://example.org"'),
        ("matrix.html", "run("),
    ],
)
def test_references_lead_to_places_addresses_or_nowhere(uri, expected):
    assert expected in translated(paragraph(nodes.reference("", "x", refuri=uri))).text()


def test_a_wide_table_turns_its_page():
    assert ", true, (" in translated(table([["unacceptability"] * 9, ["x"] * 9])).text()
    assert ", false, (" in translated(table([["a", "b"], ["c", "d"]])).text()


def test_marks_that_only_colour_a_word_take_no_room():
    toned = table([["x"] * 6])
    for entry in toned.findall(nodes.entry):
        entry[:] = [
            paragraph(
                nodes.raw("", '<span class="unacceptable">', format="html"),
                nodes.Text("unacceptable"),
                nodes.raw("", "</span>", format="html"),
            )
        ]
    assert ", false, (" in translated(toned).text()


def test_widths_lie_between_those_asked_for_and_those_of_the_text():
    assert "grid-of((72.5fr, 101.5fr,)" in translated(table([["a", "b"], ["c", "d"]], widths=[1, 3])).text()
    assert "grid-of((87.0fr, 87.0fr,)" in translated(table([["a", "b"], ["c", "d"]])).text()


def test_a_drawing_of_many_words_turns_its_page(tmp_path):
    for width, turned in ((2000, "true"), (300, "false")):
        (tmp_path / "d.svg").write_text(f'<svg viewBox="0 0 {width} 10"/>', encoding="utf-8")
        document = new_document("page")
        document += nodes.figure("", nodes.image(uri="d.svg", alt="drawn"), nodes.caption("", "Parts."))
        translator = PageTranslator(document, "page", tmp_path)
        document.walkabout(translator)
        assert f'picture("/source/d.svg", "drawn", {turned}, {{\n"Parts."\n}})' in translator.text()


def test_the_id_of_an_item_stands_out():
    assert 'bd({\n"SRS-001"\n})' in translated(paragraph(nodes.inline("", "SRS-001", classes=["item"]))).text()


def test_a_source_with_an_error_is_refused_by_name(tmp_path):
    (tmp_path / "bad.typ").write_text("#nothing-of-this-name", encoding="utf-8")
    with pytest.raises(FileError, match=r"FILE-PRINT at print/bad\.typ: found unknown variable"):
        _set(tmp_path / "bad.typ", tmp_path, {})


def test_a_warning_of_the_type_setter_is_an_error(tmp_path):
    (tmp_path / "warn.typ").write_text('#set text(font: "No Such Font")\nx', encoding="utf-8")
    with pytest.raises(FileError, match=r"FILE-PRINT at print/warn\.typ: found 1 warnings, first: unknown font family"):
        _set(tmp_path / "warn.typ", tmp_path, {})
    assert FOLDER.is_dir()


def killed(*_):
    os._exit(9)


def test_a_type_setter_that_is_killed_is_told_and_not_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(printing, "_compiled", killed)
    with pytest.raises(
        FileError, match=r"^FILE-PRINT at print/a\.typ: found a type-setter that ended before its work did, .*Repair: free memory"
    ):
        _set(tmp_path / "a.typ", tmp_path, {})
