"""What the gate asks about seeded defects: declared at every level, none overlooked, all of them tried for a release."""

import json

import pytest

from verification.trace import gate
from verification.trace.evidence import write_json
from verification.trace.graph import Kind, Link
from verification.trace.identity import read_identity
from verification.trace.seeded import FAULTS, SHOWN, FaultRecord, Trial

CASE = "TC:admission.feature::A child's film is refused"
NOTICED = Trial("SD-001", "RC-001", True, "", (CASE,), "Then it is refused", "AssertionError: x", {"failed": 1}, (), ())
OVERLOOKED = Trial("SD-001", "RC-001", False, f"nothing failed in {CASE}", (), "", "", {"passed": 1}, (), ())
SEEDED = ("TRC-CONTROL-UNSEEDED", "TRC-SEEDED-LINK", "TRC-SEEDED-SURVIVED", "TRC-SEEDED-MISSING", "TRC-SEEDED-STALE")


def tried(project, *trials):
    """Leave what a run of seeded defects leaves."""
    record = FaultRecord(read_identity(project.root, "verification"), trials)
    write_json(project.root / SHOWN, record.to_json())


def found(project, level=gate.Level.DEVELOPMENT):
    return [(each.code, each.item, each.where) for each in project.check(level).problems if each.code in SEEDED]


def test_a_declared_defect_keeps_the_gate_open(project):
    assert found(project) == []


def test_a_control_without_defect_shuts_it(project):
    project.write(FAULTS, project.read(FAULTS).replace('control = "RC-001"', 'control = "RC-002"'))
    line = project.line("risk/data/controls.toml", "[[control]]")
    assert ("TRC-CONTROL-UNSEEDED", "RC-001", f"risk/data/controls.toml:{line}") in found(project)
    assert ("TRC-SEEDED-LINK", "SD-001", f"{FAULTS}:4") in found(project)


def test_no_table_leaves_every_control_without(project):
    (project.root / FAULTS).unlink()
    assert [code for code, _, _ in found(project)] == ["TRC-CONTROL-UNSEEDED"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("A child's film is refused", "A film that nobody wrote", "does not exist"),
        ("A child's film is refused", "Every view is told", "no scenario that carries @RC-001"),
    ],
)
def test_a_defect_that_leads_nowhere_shuts_it(project, old, new, said):
    project.replace(FAULTS, old, new)
    problems = [each for each in project.check().problems if each.code == "TRC-SEEDED-LINK"]
    assert [each.item for each in problems] == ["SD-001"]
    assert said in problems[0].found


def test_a_table_that_does_not_hold_shuts_it(project):
    project.replace(FAULTS, 'kind = "software"', 'kind = "hardware"')
    assert "SPC-VALUE" in {each.code for each in project.check().problems}


def test_a_defect_that_was_overlooked_shuts_it_at_every_level(project):
    tried(project, OVERLOOKED)
    assert found(project) == [("TRC-SEEDED-SURVIVED", "SD-001", f"{FAULTS}:4")]


def test_a_release_asks_for_the_trial(project):
    assert found(project, gate.Level.RELEASE) == [("TRC-SEEDED-MISSING", "SD-001", f"{FAULTS}:4")]
    tried(project, NOTICED)
    assert found(project, gate.Level.RELEASE) == []


def test_a_trial_that_left_the_defect_out_is_missing(project):
    tried(project)
    assert found(project, gate.Level.RELEASE) == [("TRC-SEEDED-MISSING", "SD-001", f"{FAULTS}:4")]


def test_a_record_of_another_state_counts_for_nothing(project):
    tried(project, OVERLOOKED)
    project.write("verification/steps/film.py", "AGE = 16\n")
    problems = [each for each in project.check(gate.Level.RELEASE).problems if each.code in SEEDED]
    assert [(each.code, each.where) for each in problems] == [("TRC-SEEDED-STALE", SHOWN)]
    assert problems[0].found == "verification/steps/film.py changed"
    assert found(project) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data["faults"].clear(),
        lambda data: data["faults"][0].update(killed_by=[]),
        lambda data: data.update(schema="thoratrace/faults-shown/9"),
        lambda data: data["identity"]["files"].popitem(),
    ],
    ids=["a trial cut out", "shown without a case", "another schema", "identity edited"],
)
def test_an_edited_record_counts_for_nothing(project, change):
    tried(project, NOTICED)
    data = json.loads(project.read(SHOWN))
    change(data)
    project.write(SHOWN, json.dumps(data))
    assert [code for code, _, _ in found(project, gate.Level.RELEASE)] == ["TRC-SEEDED-STALE"]


def test_the_graph_says_what_would_fail_and_what_did(project):
    tried(project, NOTICED)
    graph = project.check().graph
    (fault,) = graph.of(Kind.FAULT)
    assert fault.title == "would fail if the age were not looked at"
    assert graph.sources("RC-001", Link.SEEDED_AGAINST) == ("SD-001",)
    assert (fault.facts["shown"], fault.facts["killed_by"]) == (True, [CASE])
    tried(project, OVERLOOKED)
    overlooked = project.check().graph.nodes["SD-001"].facts
    assert (overlooked["shown"], overlooked["reason"]) == (False, f"nothing failed in {CASE}")
    project.write("verification/steps/film.py", "AGE = 16\n")
    assert project.check().graph.nodes["SD-001"].facts["shown"] is None
