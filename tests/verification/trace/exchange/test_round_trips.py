"""What is exported and read back is equal, for the shipped project and for anything printable; equal documents give equal bytes."""

from pathlib import Path

import pytest
import reqif as reqif_library
import xmlschema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from verification.trace.exchange import needs_json, reqif, xlsx
from verification.trace.exchange.differences import differences
from verification.trace.exchange.document import Item, ItemLink, ValueType, compose
from verification.trace.exchange.formats import FORMATS
from verification.trace.exchange.kinds import kinds
from verification.trace.exchange.sources import read_document

ROOT = Path(__file__).resolve().parents[4]


NASTY = ["=1+1", "+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0", "<b>&amp;</b>", "]]>", '"quoted"', "'", "#N/A", "_x000D_", "_x005F_x000D_", "a\rb",
         "one\ntwo", " lead", "trail ", "\ttab", "心脈肥大", "\u2028", "\U0001f4a9", "e\u0301", "[[copy('id')]]", "<<x:y>>", "*a* `b`_ |c|", "| line", "::",
         ".. note::", "TRUE", "1e5", "0012", "\\n", "\\\\", "\\e", "]]", "%00", "javascript:alert(1)"]  # fmt: skip
"""Texts that some format, or some program that opens it, takes for something else."""

printable = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"), min_size=1, max_size=30)
texts = st.one_of(st.sampled_from(NASTY), printable, st.builds("".join, st.lists(st.sampled_from(NASTY), min_size=1, max_size=4)))

VALUES = {
    ValueType.TEXT: texts,
    ValueType.DATA: texts,
    ValueType.TEXTS: st.lists(texts, max_size=4).map(tuple),
    ValueType.WHOLE: st.integers(-(2**53), 2**53),
    ValueType.FLAG: st.booleans(),
}
PREFIXES = {"user_need": "UN", "software_requirement": "SRS", "software_item": "SWI", "interface": "IF", "software_system": "SWS", "soup": "SOUP",
            "risk_policy": "POLICY", "hazard": "HAZ", "hazardous_situation": "HS", "risk_control": "RC"}  # fmt: skip


@st.composite
def documents(draw, most=3):
    """Return a document with up to ``most`` items of each kind."""
    shipped = kinds()
    items, links = [], []
    ids = {kind.name: _ids(draw, kind.name, draw(st.integers(0, most))) for kind in shipped}
    for kind in shipped:
        for name in ids[kind.name]:
            values = {each.name: draw(_value(each)) for each in kind.attributes}
            items.append(Item(name, kind.name, values))
            for link in kind.links:
                targets = [target for other in link.targets for target in ids[other]]
                if targets:
                    links += [
                        ItemLink(link.name, name, each)
                        for each in draw(st.lists(st.sampled_from(targets), unique=True, max_size=3))
                    ]
    return compose(shipped, items, links)


def _ids(draw, kind, count):
    if kind == "scenario":
        return [f"TC:a.feature::{name}" for name in draw(st.lists(texts, unique=True, min_size=count, max_size=count))]
    return [f"{PREFIXES[kind]}-{number:03d}" for number in range(1, count + 1)]


def _value(attribute):
    plain = st.sampled_from(attribute.choices) if attribute.choices else VALUES[attribute.type]
    return st.one_of(st.none(), plain) if attribute.optional else plain


many = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@pytest.fixture(scope="module")
def shipped():
    return read_document(ROOT)


@pytest.mark.parametrize("name", FORMATS)
def test_the_shipped_project_comes_back_equal(shipped, name):
    form = FORMATS[name]
    back = form.load(form.export(shipped)[""], "file", kinds())
    assert back == shipped
    assert differences(shipped, back) == ()
    assert len(back.items) > 300
    assert len(back.links) > 800


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_document_gives_the_same_bytes(shipped, name):
    assert FORMATS[name].export(shipped) == FORMATS[name].export(read_document(ROOT))


@given(documents())
@many
def test_any_document_survives_needs_json(document):
    assert needs_json.load(needs_json.export(document).encode(), "file", kinds()) == document


@given(documents())
@many
def test_any_document_survives_reqif(document):
    assert reqif.load(reqif.export(document), "file", kinds()) == document


@given(documents())
@many
def test_any_document_survives_xlsx(document):
    assert xlsx.load(xlsx.export(document), "file", kinds()) == document


@given(documents(most=1))
@settings(max_examples=30, deadline=None)
def test_every_kind_attribute_and_link_of_the_model_is_there(document):
    for item in document.items:
        kind = document.kind(item.kind)
        assert set(item.values) == {each.name for each in kind.attributes}


@pytest.fixture(scope="module")
def reqif_schema():
    """The schema of ReqIF that the library carries; nothing is fetched."""
    folder = Path(reqif_library.__file__).parent / "reqif_schema"
    return xmlschema.XMLSchema(str(folder / "reqif.xsd"), allow="local")


def test_the_shipped_project_as_reqif_fits_the_schema_of_the_standard(shipped, reqif_schema):
    assert [error.reason for error in reqif_schema.iter_errors(reqif.export(shipped).decode())] == []


def test_the_schema_would_notice(shipped, reqif_schema):
    broken = (
        reqif.export(shipped)
        .decode()
        .replace("<SPEC-OBJECT ", "<SPEC-SUBJECT ", 1)
        .replace("</SPEC-OBJECT>", "</SPEC-SUBJECT>", 1)
    )
    assert list(reqif_schema.iter_errors(broken))
