"""The audit log: what is deleted, reordered, edited, cut off or forged is named; a protocol is frozen first, and opened once."""

import json
import re
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.verification.trace.audit_entries import OTHER, PROTOCOL, WEIGHTS, Log, people_toml, quality, told
from tests.verification.trace.signers import START, Signer
from validation.protocol import locked_seed
from verification.trace.audit_log import AUDIT, HEAD, Event, examine, head_json, read_log
from verification.trace.audit_order import seed_of
from verification.trace.people import People, Person, Role, Rule, read_people
from verification.trace.signed_chain import Chain

NOW = START + timedelta(days=10)
SIGNER = quality()
CLERK = Signer("DEMO-author", "software lead")


@pytest.fixture
def people(tmp_path):
    (tmp_path / "people.toml").write_text(people_toml(SIGNER, CLERK))
    found, faults = read_people(tmp_path)
    assert faults == ()
    return found


@pytest.fixture
def log():
    made = Log(SIGNER)
    made.frozen()
    made.opened()
    made.judged()
    return made


def test_a_whole_log_holds(log, people):
    log.recorded()
    log.approved()
    trail = log.trail(people)
    assert trail.problems == ()
    assert [each.event for each in trail.entries] == list(Event)
    assert trail.of(Event.JUDGED, PROTOCOL)[0].fact("primary_passed") == "yes"
    assert trail.of(Event.JUDGED, OTHER) == ()


def test_a_version_is_recorded_once(people):
    made = Log(SIGNER)
    made.recorded()
    made.recorded(version="0.2.0", record="1" * 64)
    made.recorded(record="2" * 64)
    (only,) = made.trail(people).problems
    assert (only.code, only.where) == ("AUD-RELEASED-TWICE", f"{AUDIT}:3")
    assert only.found == f"the release 0.1.0 was recorded at {AUDIT}:1 already, as eeeeeeeeeeee"


@pytest.mark.parametrize(
    "before",
    [
        lambda log: None,
        lambda log: log.recorded(version="0.2.0"),
        lambda log: log.recorded(record="1" * 64),
        lambda log: log.recorded(signer=CLERK),
    ],
)
def test_only_a_recorded_release_is_approved(people, before):
    made = Log(SIGNER)
    before(made)
    made.approved()
    assert ("AUD-UNRECORDED", f"{AUDIT}:{len(made.lines)}") in told(made.trail(people).problems)


def test_a_release_is_entered_by_the_roles_that_approve_releases(tmp_path):
    """Not by those of the protocol, where the two rules differ."""
    regulatory = Signer("DEMO-regulatory", "regulatory affairs")
    text = people_toml(SIGNER, regulatory).replace(
        'documents = "releases"\nroles = ["clinical safety", "quality assurance"]',
        'documents = "releases"\nroles = ["regulatory affairs", "clinical safety"]',
    )
    (tmp_path / "people.toml").write_text(text)
    found, faults = read_people(tmp_path)
    assert faults == ()
    made = Log(SIGNER)
    made.recorded(signer=regulatory)
    made.approved()
    (only,) = made.trail(found).problems
    assert (only.code, only.where) == ("AUD-SIGNED", f"{AUDIT}:2")
    assert "may enter: regulatory affairs, clinical safety" in only.found


def test_an_empty_log_holds(people, tmp_path):
    assert examine(read_log(tmp_path), people, NOW).problems == ()


def test_a_deleted_entry_is_named(log, people):
    del log.lines[1]
    trail = log.trail(people)
    assert ("AUD-CHAIN", f"{AUDIT}:2") in told(trail.problems)
    assert trail.entries == ()


def test_reordered_entries_are_named(log, people):
    log.lines[0], log.lines[1] = log.lines[1], log.lines[0]
    codes = {code for code, _ in told(log.trail(people).problems)}
    assert {"AUD-CHAIN", "AUD-UNFROZEN", "AUD-ENTRY"} <= codes


def test_an_edited_entry_is_named_with_who_and_the_break_behind_it(log, people):
    log.lines[0] = log.lines[0].replace("1476", "1400")
    trail = log.trail(people)
    assert ("AUD-SIGNED", f"{AUDIT}:1") in told(trail.problems)
    assert ("AUD-CHAIN", f"{AUDIT}:2") in told(trail.problems)


@pytest.mark.parametrize("left", [0, 1, 2])
def test_a_log_cut_off_at_its_end_is_named(log, people, left):
    whole = head_json(tuple(log.lines))
    cut = Chain(tuple(log.lines[:left]), (whole["entries"], whole["sha256"]))
    trail = examine(cut, people, NOW)
    assert told(trail.problems) == [("AUD-CHAIN", HEAD)]
    assert trail.entries == ()


def test_an_entry_put_on_past_the_head_is_named(log, people):
    head = head_json(tuple(log.lines[:2]))
    trail = examine(Chain(tuple(log.lines), (head["entries"], head["sha256"])), people, NOW)
    assert told(trail.problems) == [("AUD-CHAIN", HEAD)]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_changed_byte_goes_unnoticed(data):
    made = Log(SIGNER)
    made.frozen()
    made.opened()
    line = data.draw(st.integers(0, 1))
    text = made.lines[line]
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters(codec="ascii", exclude_categories=["Cc"]).filter(lambda letter: letter != text[at]))
    head = head_json(tuple(made.lines))
    lines = [*made.lines]
    lines[line] = text[:at] + other + text[at + 1 :]
    assert examine(Chain(tuple(lines), (head["entries"], head["sha256"])), PEOPLE, NOW).problems


def _people():
    roles = tuple(Role(name, "all", ("approved",)) for name in ("clinical safety", "quality assurance"))
    rule = Rule("validation/protocol.toml", ("clinical safety", "quality assurance"))
    return People("tiny", roles, (rule,), (Person("DEMO-quality", "demonstration", ("quality assurance",), (SIGNER.key,)),))


PEOPLE = _people()


def test_a_second_opening_is_named_whatever_the_weights(log, people):
    log.opened(weights=OTHER)
    log.opened()
    trail = log.trail(people)
    assert told(trail.problems) == [("AUD-OPENED-TWICE", f"{AUDIT}:{line}") for line in (4, 5, 5)]
    assert len(trail.entries) == 3


def test_another_protocol_may_be_opened_after_it_is_frozen(log, people):
    log.frozen(protocol=OTHER)
    log.opened(protocol=OTHER)
    assert log.trail(people).problems == ()


def test_an_opening_by_a_protocol_that_was_not_frozen_is_named(people):
    made = Log(SIGNER)
    made.frozen(protocol=OTHER)
    made.opened()
    (only,) = made.trail(people).problems
    assert (only.code, only.where) == ("AUD-UNFROZEN", f"{AUDIT}:2")
    assert "which no entry before it froze" in only.found


def test_a_freeze_after_the_opening_comes_too_late(people):
    made = Log(SIGNER)
    made.opened()
    made.frozen()
    assert told(made.trail(people).problems) == [("AUD-UNFROZEN", f"{AUDIT}:1")]


def test_a_freeze_that_nobody_validly_signed_freezes_nothing(people):
    made = Log(SIGNER)
    made.frozen(signer=CLERK)
    made.opened()
    assert told(made.trail(people).problems) == [("AUD-SIGNED", f"{AUDIT}:1"), ("AUD-UNFROZEN", f"{AUDIT}:2")]


def test_an_opening_that_nobody_validly_signed_still_counts_as_one(people):
    made = Log(SIGNER)
    made.frozen()
    made.opened(signer=CLERK)
    made.opened(weights=OTHER)
    trail = made.trail(people)
    assert told(trail.problems) == [("AUD-SIGNED", f"{AUDIT}:2"), ("AUD-OPENED-TWICE", f"{AUDIT}:3")]
    assert len(trail.opened) == 2


def test_a_result_without_its_opening_and_a_second_result_are_named(people):
    made = Log(SIGNER)
    made.frozen()
    made.judged()
    made.opened()
    made.judged()
    assert told(made.trail(people).problems) == [("AUD-UNFROZEN", f"{AUDIT}:2"), ("AUD-OPENED-TWICE", f"{AUDIT}:4")]


def test_a_seed_that_was_chosen_is_named(people):
    made = Log(SIGNER)
    made.frozen()
    made.opened(seed="0" * 64)
    (only,) = made.trail(people).problems
    assert (only.code, only.found) == (
        "AUD-ENTRY",
        f"the seed 000000000000, protocol and weights give {seed_of(PROTOCOL, WEIGHTS)[:12]}",
    )


def test_the_gate_counts_the_seed_that_makes_the_films():
    assert seed_of(PROTOCOL, WEIGHTS) == f"{locked_seed(PROTOCOL, WEIGHTS):064x}"


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"project": "other"}, "an entry of the project 'other'"),
        ({"statement": "short"}, "the statement 'short'"),
        ({"name": "DEMO-nobody"}, "a name that people.toml does not hold"),
        ({"role": "clinical safety"}, "entered as 'clinical safety'; held: quality assurance"),
        ({"signer": CLERK}, "entered as 'software lead'; held: software lead; may enter: clinical safety, quality assurance"),
        ({"key": CLERK.key.id}, "which is not this person's"),
        ({"time": "2020-01-01T00:00:00Z"}, "signed with a key that counts from"),
    ],
)
def test_who_may_not_enter_is_named(people, changes, found):
    made = Log(SIGNER)
    made.frozen(**changes)
    problems = made.trail(people).problems
    assert {each.code for each in problems} == {"AUD-SIGNED"}
    assert any(found in each.found for each in problems)
    assert made.trail(people).entries == ()


def test_a_forged_signature_is_named(people):
    made = Log(SIGNER)
    made.frozen(signer=quality())
    (only,) = made.trail(people).problems
    assert only.code == "AUD-SIGNED"
    assert "key" in only.found


def test_an_expired_key_is_named(people):
    made = Log(SIGNER, start=START + timedelta(days=400))
    made.frozen()
    assert "counted until" in made.trail(people, START + timedelta(days=500)).problems[0].found


@pytest.mark.parametrize(
    ("time", "found"), [("yesterday", "no UTC time: 'yesterday'"), ("2026-12-31T00:00:00Z", "which is still to come")]
)
def test_a_time_that_cannot_be_is_named(people, time, found):
    made = Log(SIGNER)
    made.frozen(time=time)
    assert any(each.code == "AUD-ENTRY" and found in each.found for each in made.trail(people).problems)


def test_a_time_that_falls_is_named(log, people):
    log.frozen(protocol=OTHER, time="2026-11-21T08:00:30Z")
    assert told(log.trail(people).problems) == [("AUD-ENTRY", f"{AUDIT}:4")]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda data: data.pop("role"), "another form: role"),
        (lambda data: data.update(note="x"), "another form: note"),
        (lambda data: data.update(event="cohort-peeked-at"), "event 'cohort-peeked-at'"),
        (lambda data: data.update(schema="x/1"), "the schema 'x/1'"),
        (lambda data: data.update(role=3), "a field of another type"),
        (lambda data: data.update(facts=[]), "a field of another type"),
        (lambda data: data["facts"].pop("version"), "other facts than protocol_sha256, studies, studies_needed, version"),
        (lambda data: data["facts"].update(protocol_sha256="0"), "the fact protocol_sha256, which is no hash"),
        (lambda data: data["facts"].update(version=""), "the fact version, which is no short text"),
        (lambda data: data["facts"].update(version="x" * 201), "the fact version, which is no short text"),
    ],
)
def test_a_line_of_another_form_is_no_entry(people, change, found):
    made = Log(SIGNER)
    made.frozen()
    data = json.loads(made.lines[0])
    change(data)
    made.lines[0] = json.dumps(data, sort_keys=True, separators=(",", ":"))
    assert any(each.code == "AUD-ENTRY" and found in each.found for each in made.trail(people).problems)


@pytest.mark.parametrize("line", ["", "{", "[1]", '"x"', "[" * 100_000])
def test_what_is_no_json_object_is_no_entry(people, line):
    head = head_json((line,))
    trail = examine(Chain((line,), (head["entries"], head["sha256"])), people, NOW)
    assert told(trail.problems) == [("AUD-ENTRY", f"{AUDIT}:1")]


def test_another_spelling_of_the_same_entry_is_none(people):
    made = Log(SIGNER)
    made.frozen()
    made.lines[0] = made.lines[0].replace('","', '", "', 1)
    assert "canonical" in made.trail(people).problems[0].found


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        (AUDIT, b"{}", "a last line that was cut off"),
        (AUDIT, b"\xff\n", "no readable chain (UnicodeDecodeError)"),
        (HEAD, b"{}", "no readable chain (KeyError)"),
        (HEAD, b"[1]", "no readable chain (TypeError)"),
        (HEAD, b'{"schema":"x"}', "no readable chain (ValueError)"),
    ],
)
def test_files_that_cannot_be_read_are_named(tmp_path, name, content, found):
    (tmp_path / name).write_bytes(content)
    (only,) = read_log(tmp_path).problems
    assert (only.code, only.where, only.found) == ("AUD-CHAIN", AUDIT, found)


def test_an_entry_survives_writing_and_reading(log, tmp_path, people):
    (tmp_path / AUDIT).write_text("".join(f"{line}\n" for line in log.lines))
    (tmp_path / HEAD).write_text(json.dumps(head_json(tuple(log.lines))))
    read = read_log(tmp_path)
    assert read == log.log()
    assert [each.line for each in examine(read, people, NOW).entries] == log.lines
    assert re.fullmatch(r"[0-9a-f]{64}", read.last)
