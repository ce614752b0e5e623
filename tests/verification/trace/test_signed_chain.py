"""A chain of signed lines: what was done to it is named at its place, for approvals and audit log alike."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verification.trace import approvals, audit_log
from verification.trace.signed_chain import FIRST, Chain, Form, Link, breaks, last_hash, line_hash, read

FORM = Form("a.jsonl", "a.head.json", "tiny/head/1", "lines", "AUD-CHAIN", "the chain")


def chained(texts):
    """Return lines that each begin with the hash of the line before."""
    lines = ()
    for text in texts:
        lines = (*lines, f"{last_hash(lines)} {text}")
    return lines


def links(lines):
    return [Link(line[:64], line[65:]) for line in lines]


def whole(lines):
    return Chain(lines, (len(lines), last_hash(lines)))


def told(chain):
    return [(each.code, each.where, each.item) for each in breaks(chain, FORM, links(chain.lines))]


LINES = chained(["a", "b", "c"])


@pytest.mark.parametrize("count", range(4))
def test_a_whole_chain_has_no_break(count):
    assert told(whole(LINES[:count])) == []


def test_no_chain_and_no_head_are_an_empty_chain(tmp_path):
    assert read(tmp_path, FORM) == Chain()
    assert told(Chain()) == []


@given(st.lists(st.sampled_from("abc"), min_size=2, max_size=5), st.data())
def test_a_line_taken_out_of_the_middle_is_named_where_the_next_one_stands(texts, data):
    lines = chained(texts)
    gone = data.draw(st.integers(0, len(lines) - 2))
    left = lines[:gone] + lines[gone + 1 :]
    assert told(whole(left)) == [("AUD-CHAIN", f"a.jsonl:{gone + 1}", texts[gone + 1])]


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=5), st.data())
def test_an_end_cut_off_is_named_at_the_head(texts, data):
    lines = chained(texts)
    left = data.draw(st.integers(0, len(lines) - 1))
    assert told(Chain(lines[:left], (len(lines), last_hash(lines)))) == [("AUD-CHAIN", "a.head.json", "the chain")]


def test_an_edited_line_breaks_the_chain_behind_it():
    edited = (LINES[0] + "!", *LINES[1:])
    assert told(whole(edited)) == [("AUD-CHAIN", "a.jsonl:2", "b")]


def test_two_lines_that_changed_places_are_both_named_and_the_one_behind_them():
    swapped = (LINES[1], LINES[0], LINES[2])
    assert told(whole(swapped)) == [("AUD-CHAIN", f"a.jsonl:{line}", item) for line, item in ((1, "b"), (2, "a"), (3, "c"))]


def test_a_line_that_cannot_be_read_still_has_a_hash_that_the_next_one_names():
    lines = chained(["a", "b"])
    assert list(breaks(whole(lines), FORM, [None, links(lines)[1]])) == []
    other = ("nothing", lines[1])
    (only,) = breaks(whole(other), FORM, [None, links(other)[1]])
    assert only.found == (
        f"the hash {line_hash(lines[0])[:12]} of the line before, which has {line_hash('nothing')[:12]}: one was deleted, moved or changed"
    )


def test_a_chain_without_its_head_is_no_whole_chain():
    (only,) = breaks(Chain(LINES, None), FORM, links(LINES))
    assert only.found == f"3 lines to {last_hash(LINES)[:12]}; the head says 0 to {FIRST[:12]}: the end was cut off or put on"


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("a.jsonl", b"half a line", "a last line that was cut off"),
        ("a.jsonl", b"\xff\n", "no readable chain (UnicodeDecodeError)"),
        ("a.head.json", b"{}", "no readable chain (KeyError)"),
        ("a.head.json", b"[]", "no readable chain (TypeError)"),
        ("a.head.json", b"[" * 100_000, "no readable chain (ValueError)"),
        ("a.head.json", b'{"schema":"tiny/head/2","lines":0,"sha256":""}', "no readable chain (ValueError)"),
        ("a.head.json", b'{"schema":"tiny/head/1","lines":1,"lines":0,"sha256":""}', "no readable chain (ValueError)"),
    ],
)
def test_files_that_cannot_be_read_are_named_and_no_line_of_them_counts(tmp_path, name, content, found):
    (tmp_path / "a.jsonl").write_text("a line\n")
    (tmp_path / name).write_bytes(content)
    chain = read(tmp_path, FORM)
    (only,) = chain.problems
    assert (only.code, only.where, only.item, only.found) == ("AUD-CHAIN", "a.jsonl", "the chain", found)
    assert (chain.lines, chain.head, told(chain)) == ((), None, [])


def test_what_was_written_is_read_byte_by_byte(tmp_path):
    """An end of line that an editor made another one is no byte less than any other."""
    (tmp_path / "a.jsonl").write_bytes(b"one\ntwo\r\n")
    (tmp_path / "a.head.json").write_text(json.dumps(FORM.head_json(("one", "two\r"))))
    assert read(tmp_path, FORM) == whole(("one", "two\r"))


@pytest.mark.parametrize("form", [approvals.CHAIN, audit_log.CHAIN])
def test_each_chain_of_the_repository_keeps_its_form(form):
    kept = {
        "SIG-CHAIN": (
            "verification/approvals.jsonl",
            "verification/approvals.head.json",
            "thoratrace/approvals-head/1",
            "records",
        ),
        "AUD-CHAIN": ("AUDIT.jsonl", "AUDIT.head.json", "thoratrace/audit-head/1", "entries"),
    }
    assert (form.file, form.head, form.schema, form.counts) == kept[form.code]
    assert form.head_json(("a",)) == {"schema": form.schema, form.counts: 1, "sha256": line_hash("a")}
