"""Test records: one for each scenario row, complete, made from exactly the raw record beside them, and shown by their case id."""

import json

import pytest

from pipeline import verification_run
from verification.trace import features, gate
from verification.trace.evidence import JUNIT
from verification.trace.features import Row, Step
from verification.trace.records import RECORDS, expected, filled, incomplete, procedure, records

CHILD = "A child's film is refused"
PA = "TC:admission.feature::Every view is told [view=PA]"


def codes(project, level=gate.Level.RELEASE):
    return sorted({(p.code, p.item) for p in project.check(level).problems if p.code.startswith("TRC-RECORD")})


def edit(project, change):
    data = json.loads(project.read(RECORDS))
    change(data)
    project.write(RECORDS, json.dumps(data))


def test_a_record_holds_everything_the_clause_asks_for(project):
    record = records(project.root)[PA]
    assert record.verifies == ("SRS-001", "SRS-002")
    assert record.procedure == ("Given a film", "When the view is PA", "Then the record says PA")
    assert record.expected == ("Then the record says PA",)
    assert (record.outcome, record.reason) == ("passed", "")
    assert record.observed == tuple(f"passed: {step}" for step in record.procedure)
    run = json.loads(project.read(RECORDS))["run"]
    assert run["identity"] == project.check().identity.sha256
    assert run["model"]["version"] == "0.1.0"
    assert len(run["model"]["weights_sha256"]) == 64
    assert (run["software"], run["tools"]["pytest"], run["tester"]) == ("0.1.0", "9.2.0", "automated run, no person")
    assert run["started"] == "2026-11-21T10:00:00Z"


def test_every_verdict_has_one_and_the_gate_finds_nothing(project):
    assert set(records(project.root)) == {f"TC:admission.feature::{CHILD}", PA, PA.replace("PA", "LATERAL")}
    assert codes(project) == []


def test_a_failure_says_why_and_how_far_it_came(project):
    project.verify({("Every view is told", "view=PA"): "<failure message='assert 1 == 2&#10;more'/>"})
    record = records(project.root)[PA]
    assert (record.outcome, record.reason) == ("failed", "assert 1 == 2")
    assert codes(project) == []


def test_a_missing_file_a_missing_record_and_a_foreign_one_are_told_apart(project):
    kept = project.read(RECORDS)
    edit(project, lambda data: data["records"].pop(PA))
    assert codes(project) == [("TRC-RECORD-MISSING", PA)]
    project.write(RECORDS, kept)
    project.write(JUNIT, project.read(JUNIT) + "\n")
    assert codes(project) == [("TRC-RECORD-FOREIGN", "verification")]
    assert records(project.root) == {}
    (project.root / RECORDS).unlink()
    assert codes(project) == [("TRC-RECORD-MISSING", "verification")]
    assert codes(project, gate.Level.DEVELOPMENT) == []


@pytest.mark.parametrize("name", ["outcome", "procedure", "observed", "verifies"])
def test_an_edited_record_is_not_what_the_raw_record_says(project, name):
    edit(project, lambda data: data["records"][PA].update({name: "failed" if name == "outcome" else ["Given nothing"]}))
    assert ("TRC-RECORD-FOREIGN", PA) in codes(project)


@pytest.mark.parametrize("name", ["tester", "started", "software", "python", "platform"])
def test_a_run_that_does_not_say_who_when_and_on_what_is_incomplete(project, name):
    edit(project, lambda data: data["run"].update({name: ""}))
    assert codes(project) == [("TRC-RECORD-INCOMPLETE", "verification")]


@pytest.mark.parametrize(
    "change", [lambda data: data.pop("run"), lambda data: data.update(schema="x"), lambda data: data["records"].update(x=3)]
)
def test_a_file_of_another_form_is_refused(project, change):
    edit(project, change)
    assert codes(project) == [("TRC-RECORD-MISSING", "verification")]


def test_a_pass_in_which_other_steps_ran_than_are_written_is_incomplete(project):
    assert list(incomplete(records(project.root)[PA])) == []
    project.replace(JUNIT, 'value="passed: When the view is PA"', 'value="passed: When nothing is done"')
    project.rewrite_records()
    assert codes(project) == [("TRC-RECORD-INCOMPLETE", PA)]


def test_a_column_that_does_not_exist_stays_visible():
    assert filled("<view> of <what>", Row("view=PA", 1, (("view", "PA"),))) == "PA of <what>"


def test_doc_strings_and_tables_are_part_of_the_procedure(project):
    text = '@SRS-001\nFeature: F\n  Scenario: S\n    Given a text\n      """\n      one\n      two\n      """\n    Then a table\n      | a | b |\n      | 1 | 2 |\n'
    project.write("verification/features/sub/deep/f.feature", text)
    scenario = next(each for each in features.load(project.root)[0] if each.name == "S")
    assert scenario.feature == "sub/deep/f.feature"
    assert scenario.steps[0] == Step("Context", "a text", "Given", "one\ntwo")
    assert procedure(scenario, None) == ("Given a text\none\ntwo", "Then a table\na | b\n1 | 2")
    assert expected(scenario, None) == ("Then a table\na | b\n1 | 2",)


def test_the_verification_run_writes_them_and_repeats_itself_where_they_are_gone(project, monkeypatch):
    class StartedError(Exception):
        pass

    def execute(*_):
        raise StartedError("the runner was started")

    monkeypatch.setattr(verification_run, "_execute", execute)
    assert not verification_run.run(project.root, lambda *_: None).executed
    (project.root / RECORDS).unlink()
    with pytest.raises(StartedError, match="the runner was started"):
        verification_run.run(project.root, lambda *_: None)
