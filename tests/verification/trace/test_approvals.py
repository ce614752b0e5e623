"""Attacks on approvals: each one is refused under its own code, and what was refused counts for nothing."""

import base64
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verification.trace.signers import NOW, SHA, START, SUBJECTS, Book, Signer, people
from verification.trace.approvals import APPROVALS, HEAD, Approvals, Chain, Subject, examine, is_target, read_chain, suspects
from verification.trace.keys import Form, sign
from verification.trace.people import time_text

TARGET = "risk/data/policy.toml"


@pytest.fixture
def quality():
    return Signer("DEMO-quality", "quality assurance")


@pytest.fixture
def risk():
    return Signer("DEMO-risk-manager", "risk management")


@pytest.fixture
def author():
    return Signer("DEMO-author", "software lead")


@pytest.fixture
def everybody(quality, risk, author):
    return people(quality, risk, author)


@pytest.fixture
def book():
    return Book()


def test_two_honest_approvals_count(book, quality, risk, everybody):
    book.add(quality)
    book.add(risk, form=Form.SSH)
    judged = book.judged(everybody)
    assert judged.problems == ()
    assert judged.valid_for(TARGET, SHA) == {"quality assurance", "risk management"}
    assert judged.valid_for(TARGET, "c" * 64) == frozenset()


def test_a_review_is_no_approval(book, quality, everybody):
    book.add(quality, meaning="reviewed")
    assert book.judged(everybody).problems == ()
    assert book.judged(everybody).valid_for(TARGET, SHA) == frozenset()


def test_each_record_refused_alone_leaves_the_others(book, quality, risk, everybody):
    book.add(quality)
    book.add(risk, role="quality assurance")
    assert book.judged(everybody).valid_for(TARGET, SHA) == {"quality assurance"}


# Each of these is a whole, well-signed record but for one thing.
ONE_THING = [
    ("wildcard", {"target": "risk/data/*.toml"}, "SIG-WILDCARD"),
    ("wildcard of everything", {"target": "*"}, "SIG-WILDCARD"),
    ("folder", {"target": "risk/data"}, "SIG-WILDCARD"),
    ("path out of the project", {"target": "../policy.toml"}, "SIG-WILDCARD"),
    ("list of targets in one text", {"target": "SRS-001, SRS-002"}, "SIG-BULK"),
    ("another project", {"project": "other"}, "SIG-PROJECT"),
    ("unknown person", {"name": "DEMO-nobody"}, "SIG-PERSON"),
    ("role not held", {"role": "risk management"}, "SIG-ROLE"),
    ("role that does not exist", {"role": "director"}, "SIG-ROLE"),
    ("invented meaning", {"meaning": "seen"}, "SIG-MEANING"),
    ("empty statement", {"statement": "   "}, "SIG-STATEMENT"),
    ("statement of a word", {"statement": "ok"}, "SIG-STATEMENT"),
    ("future", {"time": time_text(NOW + timedelta(seconds=1))}, "SIG-TIME"),
    ("no time at all", {"time": "2026-13-01T00:00:00Z"}, "SIG-TIME"),
    ("local time", {"time": "2026-11-21T10:00:00+08:00"}, "SIG-TIME"),
    ("key of nobody", {"key": "SHA256:" + "A" * 43}, "SIG-KEY-UNKNOWN"),
]


@pytest.mark.parametrize(("fields", "code"), [case[1:] for case in ONE_THING], ids=[case[0] for case in ONE_THING])
def test_each_attack_is_refused_under_its_code(book, quality, everybody, fields, code):
    book.add(quality, **fields)
    judged = book.judged(everybody)
    assert code in {problem.code for problem in judged.problems}
    assert judged.records == ()
    assert all(problem.where.startswith(f"{APPROVALS}:1") for problem in judged.problems)


def test_a_role_does_not_sign_with_every_meaning(book, quality, everybody):
    roles = tuple(replace(role, meanings=("reviewed",)) for role in everybody.roles)
    book.add(quality)
    assert book.codes(replace(everybody, roles=roles)) == ["SIG-ROLE"]


def test_several_targets_in_one_record_are_refused(book, quality, everybody):
    record = book.add(quality)
    data = json.loads(record.line) | {"target": ["SRS-001", "SRS-002"]}
    book.lines = [json.dumps(data, sort_keys=True, separators=(",", ":"))]
    assert book.codes(everybody) == ["SIG-BULK"]


def test_records_faster_than_reading_are_refused(book, quality, everybody):
    book.add(quality)
    for index in range(2, 5):
        book.time += timedelta(seconds=3 - 60)
        book.add(quality, target=f"SRS-{index:03d}")
    judged = book.judged(everybody)
    assert {problem.code for problem in judged.problems} == {"SIG-BULK"}
    assert len(judged.problems) == 3
    assert len(judged.records) == 1


def test_two_people_may_sign_at_the_same_time(book, quality, risk, everybody):
    book.add(quality)
    book.time -= timedelta(minutes=1)
    book.add(risk)
    assert book.codes(everybody) == []


def test_the_author_does_not_approve(book, author, everybody):
    book.add(author)
    assert book.codes(everybody) == ["SIG-SELF"]
    assert book.judged(everybody).valid_for(TARGET, SHA) == frozenset()


@pytest.mark.parametrize("meanings", [("authored", "approved"), ("approved", "authored")])
def test_nobody_signs_as_author_and_approves(book, quality, everybody, meanings):
    for meaning in meanings:
        book.add(quality, meaning=meaning)
    assert book.codes(everybody) == ["SIG-SELF"]


def test_one_person_does_not_approve_in_two_roles(book):
    both = Signer("DEMO-both", "quality assurance", "risk management")
    book.add(both)
    book.add(both, role="risk management")
    judged = book.judged(people(both))
    assert {problem.code for problem in judged.problems} == {"SIG-SELF"}
    assert judged.valid_for(TARGET, SHA) == {"quality assurance"}


def test_one_key_under_two_names_counts_for_neither(book, quality):
    twin = Signer("DEMO-twin", "risk management", private=quality.private)
    book.add(quality)
    book.add(twin)
    judged = book.judged(people(quality, twin))
    assert {problem.code for problem in judged.problems} >= {"SIG-KEY-SHARED"}
    assert judged.records == ()


def test_an_expired_key_does_not_sign(book):
    old = Signer("DEMO-old", "quality assurance", until=START)
    book.add(old)
    assert book.codes(people(old)) == ["SIG-KEY-EXPIRED"]


def test_a_key_that_expired_later_still_shows_what_it_signed(book):
    short = Signer("DEMO-short", "quality assurance", until=START + timedelta(hours=1))
    book.add(short)
    assert book.codes(people(short)) == []


def test_a_key_that_does_not_count_yet_does_not_sign(book):
    early = Signer("DEMO-early", "quality assurance", since=START + timedelta(days=1))
    book.add(early)
    assert book.codes(people(early)) == ["SIG-KEY-EARLY"]


def test_a_revoked_key_does_not_sign(book):
    lost = Signer("DEMO-lost", "quality assurance", revoked=START + timedelta(minutes=2))
    book.add(lost)
    assert book.codes(people(lost)) == []
    book.add(lost, target="SRS-001", sha256="b" * 64)
    assert book.codes(people(lost)) == ["SIG-KEY-REVOKED"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("target", "SRS-001"),
        ("sha256", "c" * 64),
        ("time", time_text(START + timedelta(hours=1))),
        ("meaning", "reviewed"),
        ("statement", "something else entirely"),
        ("links", (("SRS-001", "d" * 64),)),
        ("role", "second role"),
        ("form", Form.SSH),
    ],
)
def test_a_signature_does_not_fit_a_changed_record(book, name, value):
    signer = Signer("DEMO-quality", "quality assurance", "second role")
    record = replace(book.add(signer), **{name: value})
    book.lines = [record.line]
    found = set(book.codes(people(signer)))
    assert found & {"SIG-SIGNATURE", "SIG-MALFORMED"}


def test_a_detached_signature_of_another_record_is_refused(book, quality, risk, everybody):
    first = book.add(quality)
    other = book.draft(risk)
    book.lines.append(replace(other, signature=first.signature).line)
    assert set(book.codes(everybody)) >= {"SIG-SIGNATURE", "SIG-REPLAY"}


def test_a_signature_over_the_content_alone_is_refused(book, quality, everybody):
    record = book.draft(quality)
    book.lines.append(replace(record, signature=sign(quality.private, SHA.encode())).line)
    assert book.codes(everybody) == ["SIG-SIGNATURE"]


def test_a_signature_by_another_key_is_refused(book, quality, risk, everybody):
    record = book.draft(quality)
    book.lines.append(replace(record, signature=sign(risk.private, record.message)).line)
    assert book.codes(everybody) == ["SIG-SIGNATURE"]


@pytest.mark.parametrize(
    "signature", ["", "AAAA", base64.b64encode(bytes(64)).decode(), base64.b64encode(b"\x01" + bytes(63)).decode()]
)
def test_a_malformed_signature_is_refused(book, quality, everybody, signature):
    book.lines.append(replace(book.draft(quality), signature=signature).line)
    assert book.codes(everybody) == ["SIG-MALFORMED"]


def test_a_copied_record_is_refused(book, quality, everybody):
    record = book.add(quality)
    book.lines.append(record.line)
    judged = book.judged(everybody)
    assert {problem.code for problem in judged.problems} == {"SIG-BULK", "SIG-CHAIN", "SIG-REPLAY"}
    assert judged.records == ()


def test_the_same_approval_signed_again_is_refused(book, quality, everybody):
    book.add(quality)
    book.add(quality)
    assert book.codes(everybody) == ["SIG-REPLAY"]


def test_time_does_not_go_backwards(book, quality, risk, everybody):
    book.add(quality)
    book.add(risk, time=time_text(START))
    judged = book.judged(everybody)
    assert {problem.code for problem in judged.problems} == {"SIG-TIME"}
    assert judged.records == ()


def three(book, quality, risk):
    book.add(quality)
    book.add(risk)
    book.add(quality, target="SRS-001", sha256="b" * 64, links=())


@pytest.mark.parametrize("gone", [0, 1])
def test_a_deleted_record_breaks_the_chain(book, quality, risk, everybody, gone):
    three(book, quality, risk)
    del book.lines[gone]
    judged = book.judged(everybody)
    assert {problem.code for problem in judged.problems} == {"SIG-CHAIN"}
    assert judged.records == ()


def test_reordered_records_break_the_chain(book, quality, risk, everybody):
    three(book, quality, risk)
    book.lines[1], book.lines[2] = book.lines[2], book.lines[1]
    assert "SIG-CHAIN" in book.codes(everybody)


@pytest.mark.parametrize("left", [0, 1, 2])
def test_a_chain_cut_off_at_its_end_shows_in_the_head(book, quality, risk, everybody, left):
    three(book, quality, risk)
    head = book.chain().head
    judged = examine(Chain(tuple(book.lines[:left]), head), everybody, SUBJECTS, NOW)
    assert [(problem.code, problem.where) for problem in judged.problems] == [("SIG-CHAIN", HEAD)]
    assert judged.records == ()


def test_a_chain_without_its_head_is_not_believed(book, quality, everybody):
    book.add(quality)
    assert [p.code for p in examine(Chain(tuple(book.lines), None), everybody, SUBJECTS, NOW).problems] == ["SIG-CHAIN"]


@pytest.mark.parametrize("field", ["comment", "valid"])
def test_an_unsigned_field_is_refused(book, quality, everybody, field):
    data = json.loads(book.add(quality).line) | {field: "approved for everything"}
    book.lines = [json.dumps(data, sort_keys=True, separators=(",", ":"))]
    assert book.codes(everybody) == ["SIG-RECORD"]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "nothing",
        "[]",
        "{}",
        "[" * 100_000,
        '{"target":1}',
    ],
)
def test_what_is_no_record_is_named(book, everybody, line):
    book.lines = [line]
    assert book.codes(everybody) == ["SIG-RECORD"]


def test_a_second_reading_of_a_line_is_not_possible(book, quality, everybody):
    line = book.add(quality).line
    for other in (
        line.replace(",", ", ", 1),
        line[:-1] + ',"role":"quality assurance"}',
        line.replace("read in full", "re\\u0061d in full"),
    ):
        book.lines = [other]
        assert book.codes(everybody) == ["SIG-RECORD"]


def test_a_changed_target_shows_by_name():
    book, quality = Book(), Signer("DEMO-quality", "quality assurance")
    record = book.add(quality)
    subject = SUBJECTS[TARGET]
    assert list(suspects(record, subject, {"SRS-001": "b" * 64})) == []
    assert list(suspects(record, subject, {"SRS-001": "c" * 64})) == [f"SRS-001 had the content {'b' * 12}, now {'c' * 12}"]
    assert list(suspects(record, subject, {})) == [f"SRS-001 had the content {'b' * 12}, now gone"]
    assert list(suspects(replace(record, links=()), subject, {"SRS-001": "b" * 64})) == [
        "SRS-001, whose content the signature does not name"
    ]


@given(st.text(max_size=40))
def test_no_text_names_more_than_one_target(text):
    if is_target(text):
        assert not set(text) & set("*?[]{},; \t\n\\|")
        assert not text.startswith(("/", "."))
        assert ".." not in text.split("/")


@given(st.data())
def test_no_changed_byte_of_a_chain_is_believed(data):
    quality, risk = Signer("DEMO-quality", "quality assurance"), Signer("DEMO-risk-manager", "risk management")
    book = Book()
    book.add(quality)
    book.add(risk)
    text = "\n".join(book.lines)
    place = data.draw(st.integers(0, len(text) - 1))
    byte = data.draw(st.characters(min_codepoint=32, max_codepoint=126))
    changed = text[:place] + byte + text[place + 1 :]
    judged = examine(Chain(tuple(changed.split("\n")), book.chain().head), people(quality, risk), SUBJECTS, NOW)
    assert bool(judged.problems) == (changed != text)


def test_the_last_record_about_a_target_is_found(book, quality, risk, everybody):
    book.add(quality)
    last = book.add(risk, meaning="reviewed")
    assert book.judged(everybody).latest(TARGET) == last
    assert Approvals().latest(TARGET) is None


@pytest.mark.parametrize("content", ['{"schema":"x"}', "[]", "nothing", '{"schema":"thoratrace/approvals-head/1"}'])
def test_a_head_that_cannot_be_read_is_a_broken_chain(tmp_path, content):
    (tmp_path / "verification").mkdir()
    (tmp_path / HEAD).write_text(content)
    assert [problem.code for problem in read_chain(tmp_path).problems] == ["SIG-CHAIN"]


@pytest.mark.parametrize("content", [b"\xff\xfe\n", b'{"a":1}'])
def test_a_file_that_is_cut_off_or_no_text_is_a_broken_chain(tmp_path, content):
    (tmp_path / "verification").mkdir()
    (tmp_path / APPROVALS).write_bytes(content)
    assert [problem.code for problem in read_chain(tmp_path).problems] == ["SIG-CHAIN"]


def test_a_subject_without_a_record_approves_nothing():
    assert Approvals().valid_for(TARGET, Subject(SHA).sha256) == frozenset()
