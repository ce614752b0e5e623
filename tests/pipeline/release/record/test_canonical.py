"""The canonical text: one for each value, and nothing else is read."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.release.record.canonical import LARGEST, canonical, digest, read

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-LARGEST, LARGEST) | st.text(st.characters(exclude_categories=("Cs",)), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(max_codepoint=127), max_size=6), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(PLAIN)
def test_a_value_is_read_as_it_was_written(value):
    assert read(canonical(value)) == value


@given(PLAIN)
def test_any_json_reader_reads_the_same(value):
    assert json.loads(canonical(value)) == value


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (0.5, "a float"),
        ({"a": [1.0]}, "a float"),
        (2**53, "not every reader holds exactly"),
        ({"ä": 1}, "no ASCII text"),
        ({1: 1}, "no ASCII text"),
        (b"x", "a bytes"),
        ((1,), "a tuple"),
    ],
)
def test_what_two_programs_could_print_differently_is_refused(value, message):
    with pytest.raises(ValueError, match=message):
        canonical(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b'{"a": 1}', "not the canonical text"),
        (b'{"b":1,"a":2}', "not the canonical text"),
        (b'{"a":1}\n', "not the canonical text"),
        (b'{"a":1,"a":1}', "a key stands twice"),
        (b'{"a":1.0}', "a float"),
        (b'"\\u0041"', "not the canonical text"),
        (b'{"a":NaN}', "NaN is no number"),
        (b"\xff", "codec can't decode"),
    ],
)
def test_another_text_of_the_value_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        read(text)


def test_the_order_of_keys_does_not_change_the_digest():
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
