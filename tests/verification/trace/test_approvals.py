"""Attacks on approvals: each one is refused under its own code, and what was refused counts for nothing."""

import base64
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verification.trace.signers import NOW, SHA, START, SUBJECTS, Book, Signer, people
from verification.trace.approvals import (
    APPROVALS,
    HEAD,
    Approvals,
    Subject,
    examine,
    head_json,
    is_target,
    read_chain,
    suspects,
)
from verification.trace.keys import Form, sign
from verification.trace.people import time_text
from verification.trace.signed_chain import FIRST, Chain, line_hash

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


QA = "DEMO-quality (demonstration identity, no natural person)"
"""The signer as every message prints it."""

IN_WORDS = {
    "wildcard": ({"target": "risk/data/*.toml"}, "SIG-WILDCARD", "a pattern or a folder: risk/data/*.toml"),
    "list of targets": ({"target": "SRS-001, SRS-002"}, "SIG-BULK", "several targets: SRS-001, SRS-002"),
    "another project": ({"project": "other"}, "SIG-PROJECT", f"{QA}: a record of the project 'other'; this is 'thoratrace'"),
    "role not held": ({"role": "risk management"}, "SIG-ROLE", f"{QA}: signed as 'risk management', a role not held"),
    "role nobody has": ({"role": "director"}, "SIG-ROLE", f"{QA}: signed as 'director', a role not held"),
    "invented meaning": ({"meaning": "seen"}, "SIG-MEANING", f"{QA}: the meaning 'seen'"),
    "empty statement": ({"statement": "   "}, "SIG-STATEMENT", f"{QA}: the statement '   '"),
    "a line break": ({"statement": "read in full\nand more"}, "SIG-STATEMENT", f"{QA}: the statement 'read in full\\nand more'"),
    "no time": ({"time": "2026-13-01T00:00:00Z"}, "SIG-TIME", f"{QA}: no UTC time: '2026-13-01T00:00:00Z'"),
    "unknown person": ({"name": "DEMO-x"}, "SIG-PERSON", f"{QA.replace('quality', 'x')}: a name that people.toml does not hold"),
    "key of nobody": (
        {"key": "SHA256:" + "A" * 43},
        "SIG-KEY-UNKNOWN",
        f"{QA}: the key SHA256:{'A' * 43}, which is not this person's",
    ),
    "future": (
        {"time": time_text(NOW + timedelta(seconds=1))},
        "SIG-TIME",
        "signed at 2026-12-01T08:00:01Z, which is still to come",
    ),
}


@pytest.mark.parametrize("case", IN_WORDS)
def test_a_refusal_names_place_target_and_reason(book, quality, everybody, case):
    fields, code, words = IN_WORDS[case]
    book.add(quality, target="SRS-001", sha256="b" * 64, links=())
    book.add(quality, **fields)
    refused = book.judged(everybody).problems
    assert [(each.code, each.where, each.item, each.found) for each in refused] == [
        (code, f"{APPROVALS}:2", fields.get("target", TARGET), words)
    ]


@pytest.mark.parametrize(("length", "codes"), [(9, ["SIG-STATEMENT"]), (10, [])])
def test_the_shortest_statement_has_ten_characters(book, quality, everybody, length, codes):
    book.add(quality, statement="x" * length)
    assert book.codes(everybody) == codes


def test_now_is_not_the_future(book, quality, everybody):
    book.add(quality, time=time_text(NOW))
    assert book.codes(everybody) == []


def told(judged):
    return [(each.code, each.where, each.item, each.found) for each in judged.problems]


def test_who_may_not_approve_is_told_why(book, quality, author, everybody):
    book.add(author)
    assert told(book.judged(everybody)) == [
        ("SIG-SELF", f"{APPROVALS}:1", TARGET, f"{QA.replace('quality', 'author')} wrote what this approves")
    ]
    other = Book()
    other.add(quality, meaning="authored")
    other.add(quality)
    assert told(other.judged(everybody)) == [
        ("SIG-SELF", f"{APPROVALS}:2", TARGET, f"{QA} signed it as authored at {APPROVALS}:1")
    ]


def test_authors_of_other_content_approve_what_lies_here(book, author, everybody):
    book.add(author, sha256="c" * 64)
    assert book.codes(everybody) == []


def test_a_second_role_of_one_person_is_told(book):
    both = Signer("DEMO-both", "quality assurance", "risk management")
    book.add(both)
    book.add(both, role="risk management")
    assert told(book.judged(people(both))) == [
        ("SIG-SELF", f"{APPROVALS}:2", TARGET, f"{QA.replace('quality', 'both')} approved it as quality assurance already")
    ]


def test_a_repeated_record_names_the_one_before(book, quality, risk, everybody):
    book.add(risk)
    book.add(quality)
    book.add(quality)
    assert told(book.judged(everybody)) == [("SIG-REPLAY", f"{APPROVALS}:3", TARGET, f"what {APPROVALS}:2 holds already")]


@pytest.mark.parametrize(
    ("seconds", "found"), [(9, ["9 s after the signature before it; nobody reads that fast"]), (10, []), (0, [None]), (60, [])]
)
def test_ten_seconds_are_needed_to_read(book, quality, everybody, seconds, found):
    book.add(quality)
    book.time += timedelta(seconds=seconds - 60)
    book.add(quality, target="SRS-001", sha256="b" * 64, links=())
    said = [each.found for each in book.judged(everybody).problems if each.code == "SIG-BULK"]
    assert said == [each or "0 s after the signature before it; nobody reads that fast" for each in found]


def test_the_time_to_read_counts_from_the_last_record_of_the_same_key(book, quality, risk, everybody):
    book.add(quality)
    book.add(quality, target="SRS-001", sha256="b" * 64, links=())
    book.add(risk)
    book.time += timedelta(seconds=3 - 60)
    book.add(quality, meaning="reviewed")
    assert told(book.judged(everybody)) == []


@pytest.mark.parametrize(
    ("dates", "words"),
    [
        ({"until": START}, "signed with a key that counted until 2026-11-21"),
        ({"since": START + timedelta(days=1)}, "signed with a key that counts from 2026-11-22 on"),
        ({"revoked": START}, "signed with a key revoked at 2026-11-21 (the laptop was lost)"),
    ],
)
def test_a_key_out_of_its_time_is_told_with_the_date(book, dates, words):
    signer = Signer("DEMO-quality", "quality assurance", **dates)
    book.add(signer)
    assert [each.found for each in book.judged(people(signer)).problems] == [f"{QA}: {words}"]


@pytest.mark.parametrize(("moment", "codes"), [("since", []), ("until", []), ("revoked", ["SIG-KEY-REVOKED"])])
def test_the_first_and_the_last_second_of_a_key_count_and_that_of_its_revocation_does_not(book, moment, codes):
    signer = Signer("DEMO-quality", "quality assurance", **{moment: START + timedelta(minutes=1)})
    book.add(signer)
    assert book.codes(people(signer)) == codes


def test_a_shared_key_is_named(book, quality):
    twin = Signer("DEMO-twin", "risk management", private=quality.private)
    book.add(quality)
    assert told(book.judged(people(quality, twin))) == [
        ("SIG-KEY-SHARED", f"{APPROVALS}:1", TARGET, f"{QA}: the key {quality.key.id}, which another name has too")
    ]


def test_a_meaning_that_a_role_does_not_sign_is_told(book, quality, everybody):
    roles = tuple(replace(role, meanings=("reviewed",)) for role in everybody.roles)
    book.add(quality)
    assert told(book.judged(replace(everybody, roles=roles))) == [
        ("SIG-ROLE", f"{APPROVALS}:1", TARGET, f"{QA}: 'approved', which the role 'quality assurance' does not sign")
    ]


def test_a_record_before_the_one_above_is_told(book, quality, risk, everybody):
    book.add(quality)
    book.add(risk, time=time_text(START))
    assert told(book.judged(everybody)) == [
        ("SIG-TIME", f"{APPROVALS}:2", TARGET, "signed at 2026-11-21T08:00:00Z, before the record above")
    ]


def test_two_records_of_one_second_are_in_order(book, quality, risk, everybody):
    book.add(quality)
    book.add(risk, time=time_text(book.time - timedelta(minutes=0)))
    book.lines = book.lines[:1]
    book.add(risk, time=json.loads(book.lines[0])["time"])
    assert book.codes(everybody) == []


def test_a_gap_in_the_chain_and_a_lost_end_are_told_with_both_hashes(book, quality, risk, everybody):
    three(book, quality, risk)
    head, lines = book.chain().head, list(book.lines)
    hashes = [line_hash(line)[:12] for line in lines]
    del book.lines[1]
    gap = f"the hash {hashes[1]} of the line before, which has {hashes[0]}: one was deleted, moved or changed"
    end = f"2 records to {hashes[2]}; the head says 3 to {hashes[2]}: the end was cut off or put on"
    judged = examine(Chain(tuple(book.lines), head), everybody, SUBJECTS, NOW)
    assert told(judged) == [("SIG-CHAIN", HEAD, "approvals", end), ("SIG-CHAIN", f"{APPROVALS}:2", "SRS-001", gap)]
    cut = examine(Chain(tuple(lines), None), everybody, SUBJECTS, NOW)
    found = f"3 records to {hashes[2]}; the head says 0 to {FIRST[:12]}: the end was cut off or put on"
    assert told(cut) == [("SIG-CHAIN", HEAD, "approvals", found)]


def changed(line, **fields):
    return json.dumps(json.loads(line) | fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


FORM = "a field of another type or form"
UNCANONICAL = "a line that is not the canonical text of its content (a key twice, a space, another order)"
RECORDS_IN_WORDS = {
    "no JSON": (lambda line: "nothing", "SIG-RECORD", "record", "no record (JSONDecodeError)"),
    "a list": (lambda line: "[]", "SIG-RECORD", "record", "no record but a list"),
    "a further field": (
        lambda line: changed(line, valid=1, comment=2),
        "SIG-RECORD",
        TARGET,
        "further fields ['comment', 'valid'], missing fields []",
    ),
    "a missing field": (
        lambda line: json.dumps({key: value for key, value in json.loads(line).items() if key not in ("time", "key")}),
        "SIG-RECORD",
        TARGET,
        "further fields [], missing fields ['key', 'time']",
    ),
    "targets": (lambda line: changed(line, target=["a", "b", "c"]), "SIG-BULK", "['a', 'b', 'c']", "3 targets in one record"),
    "a number for a text": (lambda line: changed(line, name=1), "SIG-RECORD", TARGET, FORM),
    "another schema": (lambda line: changed(line, schema="thoratrace/approval/9"), "SIG-RECORD", TARGET, FORM),
    "another form of signature": (lambda line: changed(line, form="rot13"), "SIG-RECORD", TARGET, FORM),
    "a short hash": (lambda line: changed(line, sha256="abc"), "SIG-RECORD", TARGET, FORM),
    "links that are a list": (lambda line: changed(line, links=[]), "SIG-RECORD", TARGET, FORM),
    "a link without hash": (lambda line: changed(line, links={"SRS-001": "x"}), "SIG-RECORD", TARGET, FORM),
    "a link with a number": (lambda line: changed(line, links={"SRS-001": 1}), "SIG-RECORD", TARGET, FORM),
    "a space": (lambda line: line.replace(",", ", ", 1), "SIG-RECORD", TARGET, UNCANONICAL),
    "no target": (
        lambda line: changed(line, target="*" * 130),
        "SIG-WILDCARD",
        "*" * 120,
        f"a pattern or a folder: {'*' * 120}",
    ),
}


@pytest.mark.parametrize("case", RECORDS_IN_WORDS)
def test_a_line_that_is_no_record_is_told(book, quality, everybody, case):
    change, *expected = RECORDS_IN_WORDS[case]
    book.lines = [change(book.add(quality).line)]
    assert told(book.judged(everybody)) == [(expected[0], f"{APPROVALS}:1", *expected[1:])]


def test_what_cannot_be_read_is_told(tmp_path):
    (tmp_path / "verification").mkdir()
    (tmp_path / APPROVALS).write_bytes(b"\xff\n")
    assert told(read_chain(tmp_path)) == [("SIG-CHAIN", APPROVALS, "approvals", "no readable chain (UnicodeDecodeError)")]
    (tmp_path / APPROVALS).write_text("half a line")
    assert told(read_chain(tmp_path)) == [("SIG-CHAIN", APPROVALS, "approvals", "a last line that was cut off")]
    (tmp_path / APPROVALS).write_text("")
    (tmp_path / HEAD).write_text('{"schema":"x","records":0,"sha256":""}')
    assert told(read_chain(tmp_path)) == [("SIG-CHAIN", APPROVALS, "approvals", "no readable chain (ValueError)")]


def test_what_was_written_is_read_line_by_line_with_its_head(tmp_path, book, quality, risk):
    three(book, quality, risk)
    (tmp_path / "verification").mkdir()
    (tmp_path / APPROVALS).write_text("".join(f"{line}\n" for line in book.lines), encoding="utf-8")
    (tmp_path / HEAD).write_text(json.dumps(head_json(tuple(book.lines))), encoding="utf-8")
    assert read_chain(tmp_path) == book.chain()
    assert book.chain().last == line_hash(book.lines[-1])
    assert Chain().last == FIRST
    assert head_json(()) == {"schema": "thoratrace/approvals-head/1", "records": 0, "sha256": FIRST}


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


def test_who_has_seen_what_is_linked_now_signs_the_same_content_again(book, quality, risk, everybody):
    book.add(quality)
    book.add(risk)
    again = book.add(quality, links=(("SRS-001", "c" * 64),))
    judged = book.judged(everybody)
    assert told(judged) == []
    assert [each.line for each in judged.for_content(TARGET, SHA) if each.role == "quality assurance"] == [again.line]
    assert judged.valid_for(TARGET, SHA) == {"quality assurance", "risk management"}


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
