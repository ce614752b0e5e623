"""Redlines lose nothing and make nothing up, whatever the texts; and they are as short as a reader expects."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.change_package import redline as module
from pipeline.change_package.redline import Mark, Piece, redline, text_of

WORDS = st.lists(
    st.sampled_from(["film", "a", "no", ",", ".", " ", "\n", "\r\n", "心", "é", "<b>", "\u2028", "\t"]), max_size=40
).map("".join)
TEXTS = st.one_of(WORDS, st.text(max_size=80))


@settings(max_examples=300, deadline=None)
@given(TEXTS, TEXTS)
def test_taking_the_insertions_gives_the_new_text_and_taking_the_deletions_the_old(before, after):
    pieces = redline(before, after)
    assert text_of(pieces, Mark.DELETED) == after
    assert text_of(pieces, Mark.INSERTED) == before


@settings(max_examples=200, deadline=None)
@given(TEXTS, TEXTS)
def test_pieces_are_whole_and_in_order(before, after):
    pieces = redline(before, after)
    assert all(piece.text for piece in pieces)
    neighbours = [(one.kind, other.kind) for one, other in pairwise(pieces)]
    assert all(one is not other for one, other in neighbours)
    assert (Mark.INSERTED, Mark.DELETED) not in neighbours


@given(TEXTS)
def test_nothing_is_marked_where_nothing_changed(text):
    assert redline(text, text) == ((Piece(Mark.SAME, text),) if text else ())


@given(TEXTS, TEXTS)
def test_something_is_marked_where_something_changed(before, after):
    marked = [piece for piece in redline(before, after) if piece.kind is not Mark.SAME]
    assert bool(marked) == (before != after)


def test_a_word_is_marked_and_not_the_sentence():
    pieces = redline("The device shall refuse a film.\nIt says why.\n", "The device shall refuse every film.\nIt says why.\n")
    assert [(piece.kind, piece.text) for piece in pieces] == [
        (Mark.SAME, "The device shall refuse "),
        (Mark.DELETED, "a"),
        (Mark.INSERTED, "every"),
        (Mark.SAME, " film.\nIt says why.\n"),
    ]


def test_a_block_that_is_too_long_to_be_matched_is_shown_whole(monkeypatch):
    monkeypatch.setattr(module, "MOST_WORDS", 3)
    pieces = redline("one two three", "one two four")
    assert [(piece.kind, piece.text) for piece in pieces] == [(Mark.DELETED, "one two three"), (Mark.INSERTED, "one two four")]


@pytest.mark.parametrize(("before", "after", "kind"), [("", "a b", Mark.INSERTED), ("a b", "", Mark.DELETED)])
def test_a_text_that_begins_or_ends_to_be(before, after, kind):
    assert redline(before, after) == (Piece(kind, "a b"),)
