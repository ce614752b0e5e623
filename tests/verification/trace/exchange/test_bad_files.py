"""A file that is not what an export of this project is gives coded errors that name the place; nothing is guessed and nothing is read half."""

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest

from verification.trace.exchange import formats, needs_json, reqif, xlsx
from verification.trace.exchange.document import ItemLink, compose
from verification.trace.exchange.errors import SHOWN, ExchangeError
from verification.trace.exchange.kinds import kinds
from verification.trace.exchange.sources import read_document

ROOT = Path(__file__).resolve().parents[4]
SHIPPED = {item.id: item for item in read_document(ROOT).items}


def shipped(name, **values):
    """Return a shipped item with other values, so that a field added to the model needs no edit here."""
    return replace(SHIPPED[name], values={**SHIPPED[name].values, **values})


NEED = shipped("UN-001", title="T", text="x", rationale="y")
HAZARD = shipped("HAZ-001", title="T", source="s")
SITUATION = shipped("HS-001", harm="h", severity=4, probability=2, residual_severity=3)
DOCUMENT = compose(kinds(), [NEED, HAZARD, SITUATION], [ItemLink("arises_from", "HS-001", "HAZ-001")])
REQIF = reqif.export(DOCUMENT).decode()
NEEDS = json.loads(needs_json.export(DOCUMENT))
BOMB = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><REQ-IF>&b;</REQ-IF>'


def refused(load, content):
    with pytest.raises(ExchangeError, match="EXC-") as caught:
        load(content, "file", kinds())
    return caught.value


def test_the_document_itself_is_read():
    assert reqif.load(REQIF.encode(), "file", kinds()) == DOCUMENT


@pytest.mark.parametrize(
    ("content", "code", "found"),
    [
        (b"", "EXC-XML", "empty"),
        (b"<REQ-IF>", "EXC-XML", "Premature end"),
        (b"\xff\xfe\x00", "EXC-ENCODING", "byte 0"),
        (BOMB.encode(), "EXC-ENTITY", "document type"),
        (b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><REQ-IF/>', "EXC-ENTITY", "document type"),
        (b"<html/>", "EXC-FOREIGN", "root element 'html'"),
        (f'<REQ-IF xmlns="{reqif.NAMESPACE}"/>'.encode(), "EXC-REQIF", "AttributeError"),
        (REQIF.replace("ThoraTrace user_need", "System Requirement").encode(), "EXC-FOREIGN", "type 'System Requirement'"),
        (REQIF.replace('LONG-NAME="rationale"', 'LONG-NAME="Priority"').encode(), "EXC-ATTRIBUTE", "attribute 'Priority'"),
        (REQIF.replace('THE-VALUE="UN-001"', 'THE-VALUE="HAZ-001"').encode(), "EXC-DUPLICATE-ID", "an id that stands at"),
        (REQIF.replace('INTEGER THE-VALUE="4"', 'INTEGER THE-VALUE="high"').encode(), "EXC-TYPE", "severity = 'high'"),
        (REQIF.replace('<ATTRIBUTE-VALUE-STRING THE-VALUE="h">', "<ATTRIBUTE-VALUE-STRING>").encode(), "EXC-REQIF", "THE-VALUE"),
        (REQIF.replace(">SO-2</SPEC-OBJECT-REF></TARGET>", ">SO-9</SPEC-OBJECT-REF></TARGET>").encode(), "EXC-DANGLING", "no item 'SO-9'"),
        (REQIF.replace("ThoraTrace arises_from", "derives").encode(), "EXC-ATTRIBUTE", "the link 'derives'"),
        (REQIF.replace("ReqIF.ForeignID", "Number").encode(), "EXC-MISSING", "without an id"),
    ],
)  # fmt: skip
def test_a_reqif_file_that_is_not_ours_is_refused_with_its_reason(content, code, found):
    error = refused(reqif.load, content)
    assert code in error.codes
    assert found in str(error)


def test_a_reqif_problem_names_the_line():
    text = REQIF.replace("><SPEC-OBJECT ", ">\n<SPEC-OBJECT ")
    error = refused(reqif.load, text.replace('ThoraTrace hazard"', 'Foreign"').encode())
    line = 1 + text[: text.index('IDENTIFIER="SO-2"')].count("\n")
    assert error.problems[0].where == f"file:{line}"


def changed(change):
    content = json.loads(json.dumps(NEEDS))
    change(content["versions"]["1"]["needs"])
    return json.dumps(content).encode()


@pytest.mark.parametrize(
    ("content", "code", "found"),
    [
        (b"", "EXC-JSON", "Expecting value"),
        (b"\xff", "EXC-ENCODING", "byte 0"),
        (b"[" * 100_000, "EXC-JSON", "recursion"),
        (b'{"a": 1, "a": 2}', "EXC-DUPLICATE-ID", "the key 'a' a second time"),
        (b"{}", "EXC-FOREIGN", "no versions"),
        (b'{"current_version": "1", "versions": {"1": {"needs": {"X": 1}}}}', "EXC-FOREIGN", "without a type"),
        (changed(lambda needs: needs["UN-001"].update(type="req")), "EXC-FOREIGN", "the kind 'req'"),
        (changed(lambda needs: needs["UN-001"].update(priority="high")), "EXC-ATTRIBUTE", "attribute 'priority'"),
        (changed(lambda needs: needs["UN-001"].pop("rationale")), "EXC-MISSING", "no rationale"),
        (changed(lambda needs: needs["HS-001"].update(severity="4")), "EXC-TYPE", "severity = '4'"),
        (changed(lambda needs: needs["HS-001"].update(arises_from=["HAZ-009"])), "EXC-DANGLING", "no item 'HAZ-009'"),
        (changed(lambda needs: needs["HS-001"].update(arises_from=["HAZ-001", "HAZ-001"])), "EXC-DUPLICATE-ID", "same link"),
    ],
)
def test_a_needs_json_that_is_not_ours_is_refused_with_its_reason(content, code, found):
    error = refused(needs_json.load, content)
    assert code in error.codes
    assert found in str(error)


def workbook(change):
    book = openpyxl.load_workbook(io.BytesIO(xlsx.export(DOCUMENT)))
    change(book)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def put(sheet, place, value):
    def change(book):
        book[sheet][place] = value

    return change


@pytest.mark.parametrize(
    ("content", "code", "found"),
    [
        (b"", "EXC-XLSX", "no workbook"),
        (b"PK\x03\x04 and nothing", "EXC-XLSX", "no workbook"),
        (workbook(put("user_need", "B2", "=1+1")), "EXC-FORMULA", "a cell with a formula"),
        (workbook(put("user_need", "B2", 5)), "EXC-TYPE", "title = 5"),
        (workbook(put("hazardous_situation", "D2", "high")), "EXC-TYPE", "severity = 'high'"),
        (workbook(put("hazardous_situation", "D2", 4.5)), "EXC-TYPE", "severity = 4.5"),
        (workbook(put("user_need", "B1", "Titel")), "EXC-ATTRIBUTE", "the headings"),
        (workbook(put("about", "B2", "thoratrace/exchange-xlsx/0")), "EXC-SCHEMA", "exchange-xlsx/0"),
        (workbook(put("user_need", "A2", None)), "EXC-MISSING", "without an id"),
        (workbook(put("user_need", "A2", "HAZ-001")), "EXC-DUPLICATE-ID", "an id that stands at"),
        (workbook(put("links", "C2", "HAZ-777")), "EXC-DANGLING", "no item 'HAZ-777'"),
        (workbook(put("links", "A1", "verb")), "EXC-ATTRIBUTE", "the headings"),
        (workbook(lambda book: book.remove(book["links"])), "EXC-FOREIGN", "without the sheets links"),
        (workbook(lambda book: book.create_sheet("notes")), "EXC-FOREIGN", "further sheets 'notes'"),
    ],
)
def test_a_workbook_that_is_not_ours_is_refused_with_its_reason(content, code, found):
    error = refused(xlsx.load, content)
    assert code in error.codes
    assert found in str(error)


def test_a_workbook_whose_parts_declare_entities_is_refused():
    content = xlsx.export(DOCUMENT)
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(out, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            target.writestr(name, BOMB.encode() if name == "xl/workbook.xml" else data)
    assert "document type" in str(refused(xlsx.load, out.getvalue()))


def test_a_workbook_saved_by_another_program_reads_the_same():
    """Shared strings instead of inline ones, as Excel writes them."""
    assert xlsx.load(workbook(lambda _book: None), "file", kinds()) == DOCUMENT


def with_text(text):
    return compose(kinds(), [replace(NEED, values={**NEED.values, "text": text})], [])


def test_a_text_of_a_million_characters_survives_where_the_format_holds_it_and_is_refused_where_not():
    document = with_text("x" * 1_000_000)
    assert reqif.load(reqif.export(document), "file", kinds()) == document
    assert needs_json.load(needs_json.export(document).encode(), "file", kinds()) == document
    with pytest.raises(ExchangeError, match=r"EXC-TOO-LONG.*1000000 characters"):
        xlsx.export(document)


@pytest.mark.parametrize("name", ["reqif", "xlsx", "needs"])
def test_half_a_character_is_refused_by_every_format(name):
    with pytest.raises(ExchangeError, match="EXC-CHARACTER"):
        formats.FORMATS[name].export(with_text("half \ud800 of it"))


def test_a_control_character_is_refused_by_xml_and_kept_by_the_others():
    document = with_text("a\x00b")
    with pytest.raises(ExchangeError, match=r"EXC-CHARACTER.*U\+0000 in text"):
        reqif.export(document)
    assert xlsx.load(xlsx.export(document), "file", kinds()) == document
    assert needs_json.load(needs_json.export(document).encode(), "file", kinds()) == document


def test_numbers_that_a_format_cannot_hold_are_refused():
    document = compose(kinds(), [HAZARD, replace(SITUATION, values={**SITUATION.values, "severity": 2**70})], [])
    with pytest.raises(ExchangeError, match=r"EXC-TOO-LONG.*severity"):
        xlsx.export(document)
    with pytest.raises(ExchangeError, match=r"EXC-TOO-LONG.*severity"):
        reqif.export(document)


def test_every_problem_is_named_at_once_and_the_message_stays_short():
    def change(needs):
        for number in range(200):
            needs[f"UN-{number + 100}"] = {"id": f"UN-{number + 100}", "type": "user_need", "title": "t"}

    error = refused(needs_json.load, changed(change))
    assert len(error.problems) >= 200
    assert f"and {len(error.problems) - SHOWN} more" in str(error)


def test_a_file_that_is_missing_or_too_large_is_refused_unread(tmp_path, monkeypatch):
    with pytest.raises(ExchangeError, match=r"EXC-FILE.*FileNotFoundError"):
        formats.read("reqif", tmp_path / "none.reqif")
    monkeypatch.setattr(formats, "LARGEST_FILE", 10)
    (tmp_path / "big.reqif").write_text("x" * 11, encoding="utf-8")
    with pytest.raises(ExchangeError, match=r"EXC-TOO-LONG.*11 bytes"):
        formats.read("reqif", tmp_path / "big.reqif")


@pytest.mark.parametrize("name", formats.FORMATS)
def test_a_refused_export_leaves_no_file(tmp_path, name):
    with pytest.raises(ExchangeError, match="EXC-"):
        formats.write(with_text("\ud800"), name, tmp_path / "out")
    with pytest.raises(ExchangeError, match="EXC-FILE"):
        formats.write(DOCUMENT, name, tmp_path / "no-such-folder" / "out")
    assert list(tmp_path.iterdir()) == []


def test_an_export_that_fails_keeps_the_file_before_it(tmp_path):
    path = tmp_path / "out.reqif"
    formats.write(DOCUMENT, "reqif", path)
    before = path.read_bytes()
    with pytest.raises(ExchangeError, match="EXC-CHARACTER"):
        formats.write(with_text("\x01"), "reqif", path)
    assert path.read_bytes() == before
    assert [each.name for each in Path(tmp_path).iterdir()] == ["out.reqif"]
