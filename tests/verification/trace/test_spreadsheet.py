"""A workbook gives back what was written, never holds a formula, and is the same bytes for the same content."""

import io
import zipfile

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verification.trace.spreadsheet import (
    FORMULA_START,
    ReadCell,
    Sheet,
    WorkbookError,
    escape,
    from_bytes,
    inert,
    to_bytes,
    unescape,
)

anything = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)
FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "#REF!", "=", "'x", '=HYPERLINK("http://example.invalid")']


def written(*values):
    return from_bytes(to_bytes([Sheet("one", [("a", 9)], [(value,) for value in values])]))["one"][1:]


@given(anything)
def test_escaping_is_undone(text):
    assert unescape(escape(text)) == text


@given(st.lists(st.one_of(anything, st.integers(-(2**53), 2**53), st.booleans()), min_size=1, max_size=5))
@settings(deadline=None, max_examples=60)
def test_every_value_comes_back(values):
    kept = [[ReadCell(value)] if value != "" else [] for value in values]
    while kept and kept[-1] == []:
        kept.pop()
    read = written(*values)
    while read and read[-1] == []:
        read.pop()
    assert read == kept


@pytest.mark.parametrize("text", FORMULAS)
def test_what_looks_like_a_formula_is_text_for_every_reader(text):
    assert written(text) == [[ReadCell(text)]]
    content = to_bytes([Sheet("one", [("a", 9)], [(text,)])])
    cell = openpyxl.load_workbook(io.BytesIO(content))["one"]["A2"]
    assert cell.data_type not in ("f", "e")
    assert cell.quotePrefix
    assert b"<f>" not in zipfile.ZipFile(io.BytesIO(content)).read("xl/worksheets/sheet1.xml")


@given(anything)
def test_an_inert_text_begins_like_no_formula(text):
    assert not inert(text).startswith(FORMULA_START)
    assert inert(text).removeprefix("'") == text.removeprefix("'")


def test_equal_content_gives_equal_bytes_without_any_time():
    sheets = [Sheet("one", [("a", 9), ("b", 9)], [("x", 1)], [(0, ("x", "y"))])]
    content = to_bytes(sheets)
    assert content == to_bytes(sheets)
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        assert {entry.date_time for entry in package.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert package.read("docProps/core.xml").count(b"1980-01-01T00:00:00Z") == 2


@pytest.mark.parametrize(
    ("part", "old", "new", "said"),
    [
        ("xl/worksheets/sheet1.xml", b'r="A1"', b'r="ZZZZZZ1"', "the cell 'ZZZZZZ1'"),
        ("xl/worksheets/sheet1.xml", b'<row r="1"', b'<row r="x"', "the row 'x'"),
        ("xl/worksheets/sheet1.xml", b'<row r="1"', b'<row r="99999999999"', "the row '99999999999'"),
        ("xl/worksheets/sheet1.xml", b"</worksheet>", b"", "malformed XML"),
        ("xl/workbook.xml", b"<workbook", b"<!DOCTYPE x [<!ENTITY e 'e'>]><workbook", "document type"),
    ],
)
def test_a_damaged_workbook_is_refused(part, old, new, said):
    content, out = to_bytes([Sheet("one", [("a", 9)], [("x",)])]), io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(out, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            assert name != part or old in data
            target.writestr(name, data.replace(old, new, 1) if name == part else data)
    with pytest.raises(WorkbookError, match=said):
        from_bytes(out.getvalue())


def test_a_workbook_that_unpacks_without_bound_is_refused(monkeypatch):
    monkeypatch.setattr("verification.trace.spreadsheet.LARGEST_PART", 100)
    with pytest.raises(WorkbookError, match="unpacks to more than 100 bytes"):
        from_bytes(to_bytes([Sheet("one", [("a", 9)], [])]))
