"""Bridges carry results of another state over for the scenarios they name, and only where everything about them holds."""

import hashlib
import json
import tomllib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from pipeline import people_cli
from pipeline.cli import app
from verification.trace import bridges, gate
from verification.trace.approvals import APPROVALS, HEAD
from verification.trace.bridges import Bridge, Shore, cross, read_bridges, refusals
from verification.trace.evidence import VERDICTS, Evidence, Record
from verification.trace.graph import Status
from verification.trace.identity import Identity, difference, digest
from verification.trace.outcomes import Outcome, Verdict

CHILD = "TC:admission.feature::A child's film is refused"
VIEWS = "TC:admission.feature::Every view is told"
FILE = "verification/bridges/BR-001.toml"
TWO = frozenset({"quality", "regulatory"})


def write(project, *, changes, unaffected=(CHILD, VIEWS), start=None, end=None):
    """Write BR-001 from the identity of the last run to what lies here."""
    start = start or json.loads(project.read(VERDICTS))["identity"]["sha256"]
    end = end or gate.read(project.root).identity.sha256
    listed = "".join(
        f'[[change]]\nname = "{name}"\nhow = "{how}"\nreason = "it is not reached by them"\n' for name, how in changes
    )
    head = f'schema = "thoratrace/bridge/1"\nfrom_identity = "{start}"\nto_identity = "{end}"\nauthor = "DEMO-author"\n'
    project.write(FILE, f'{head}statement = "regression analysis"\nunaffected = {json.dumps(list(unaffected))}\n{listed}')


def judged(project, roles=TWO):
    """Judge with the approvals of these roles in place of signed ones."""

    class Signed:
        def valid_for(self, target, sha256):
            (bridge,) = read_bridges(project.root)[0]
            return roles if (target, sha256) == (FILE, bridge.sha256) else frozenset()

        def __getattr__(self, name):
            return getattr(inputs.approvals, name)

    inputs = gate.read(project.root)
    return gate.judge(replace(inputs, approvals=Signed()), gate.Level.DEVELOPMENT)


def codes(result):
    return sorted({each.code for each in result.problems if each.code.startswith(("TRC-BRIDGE", "TRC-EVIDENCE", "TRC-RESULT"))})


@pytest.fixture
def changed(project):
    """The project with one edited step file, so that its evidence is stale."""
    project.write("verification/steps/film.py", "AGE = 16\n")
    return project


STEP = ("verification/steps/film.py", "changed")


def test_named_scenarios_count_marked_and_the_rest_is_stale(changed):
    write(changed, changes=[STEP], unaffected=[CHILD])
    result = judged(changed)
    assert codes(result) == ["TRC-RESULT-STALE"]
    assert result.accepted
    assert [(each.outcome, each.bridge) for each in result.graph.verdicts[CHILD]] == [(Outcome.PASSED, "BR-001")]
    assert [(each.outcome, each.bridge) for each in result.graph.verdicts[VIEWS]] == [(Outcome.STALE, "")] * 2
    assert result.graph.status("RC-001") is Status.PASSED
    assert result.graph.status("SRS-002") is Status.NOT_PASSED
    assert "evidence:  of another state; 1 results carried over by BR-001" in gate.to_text(result)


def test_a_bridge_over_everything_opens_the_gate(changed):
    write(changed, changes=[STEP])
    assert judged(changed).passed


def test_without_a_bridge_it_is_stale(changed):
    assert changed.codes() == ["TRC-EVIDENCE-STALE"]


@pytest.mark.parametrize("roles", [frozenset(), frozenset({"quality"})])
def test_an_unsigned_one_and_one_of_a_single_role_are_refused(changed, roles):
    write(changed, changes=[STEP])
    result = judged(changed, roles)
    assert codes(result) == ["TRC-BRIDGE-SIGNATURE", "TRC-EVIDENCE-STALE"]
    assert result.graph.verdicts == {}


def sign_bridge(project, *names):
    """Approve BR-001 as a person does, with `./qms people` and `./qms approve`, under these demonstration identities or two of them."""
    roles = {"DEMO-risk-manager": "risk management", "DEMO-clinical-safety": "clinical safety"}
    parts = [f'[[role]]\nname = "{role}"\nsigns = "it"\nmeanings = ["reviewed", "approved"]\n' for role in roles.values()]
    rule = f'[[rule]]\ndocuments = "verification/bridges"\nroles = {json.dumps(list(roles.values()))}\n'
    project.write("people.toml", 'schema = "thoratrace/people/1"\nproject = "tiny"\n' + "".join([*parts, rule]))
    keys = project.root.parent / "keys"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(people_cli, "_root", lambda: project.root)
        for name in names or roles:
            for command in (
                ["people", "add", name, "--role", roles[name]],
                ["approve", FILE, "--as", name, "--statement", f"read every reason of BR-001 as {roles[name]}"],
            ):
                done = CliRunner().invoke(app, command, env={"THORATRACE_KEYS": str(keys)})
                assert done.exit_code == 0, done.output


def test_real_signatures_of_two_roles_count_and_one_edit_takes_them_away(changed):
    write(changed, changes=[STEP])
    assert changed.codes() == ["TRC-BRIDGE-SIGNATURE", "TRC-EVIDENCE-STALE"]
    sign_bridge(changed, "DEMO-risk-manager")
    assert changed.codes() == ["TRC-BRIDGE-SIGNATURE", "TRC-EVIDENCE-STALE"]
    (changed.root / "people.toml").unlink()
    (changed.root / APPROVALS).unlink()
    (changed.root / HEAD).unlink()
    sign_bridge(changed)
    assert changed.check().passed
    changed.replace(FILE, "it is not reached by them", "it is not reached by them!")
    assert changed.codes() == ["TRC-BRIDGE-SIGNATURE", "TRC-EVIDENCE-STALE"]


@pytest.mark.parametrize(("start", "end"), [("0" * 64, None), (None, "0" * 64)])
def test_one_that_leads_elsewhere_is_refused(changed, start, end):
    write(changed, changes=[STEP], start=start, end=end)
    assert codes(judged(changed)) == ["TRC-BRIDGE-IDENTITY", "TRC-EVIDENCE-STALE"]


@pytest.mark.parametrize("changes", [[("verification/steps/film.py", "removed")], [STEP, ("device_sw/device.py", "changed")]])
def test_a_list_that_is_not_exactly_the_difference_is_refused(changed, changes):
    write(changed, changes=changes)
    assert codes(judged(changed)) == ["TRC-BRIDGE-CHANGES", "TRC-EVIDENCE-STALE"]


def test_an_edit_after_signing_is_refused(changed):
    write(changed, changes=[STEP])
    changed.write("verification/steps/film.py", "AGE = 15\n")
    assert codes(judged(changed)) == ["TRC-BRIDGE-IDENTITY", "TRC-EVIDENCE-STALE"]


def test_a_scenario_whose_text_changed_is_refused_and_its_neighbour_is_not(project):
    feature = "verification/features/admission.feature"
    project.replace(feature, "When it is analysed", "When it is looked at")
    write(project, changes=[(feature, "changed")], unaffected=[VIEWS])
    assert codes(judged(project)) == ["TRC-RESULT-STALE"]
    write(project, changes=[(feature, "changed")], unaffected=[CHILD])
    assert codes(judged(project)) == ["TRC-BRIDGE-SCENARIO", "TRC-EVIDENCE-STALE"]


def test_a_scenario_whose_requirement_changed_is_refused(project):
    data = "requirements_spec/data/software_requirements/device.toml"
    project.replace(data, "The record holds the view.", "The record holds it.")
    project.record_changes()
    ledger = "requirements_spec/data/changes.toml"
    both = [(data, "changed"), (ledger, "changed")]
    write(project, changes=both, unaffected=[CHILD])
    assert codes(judged(project)) == ["TRC-RESULT-STALE"]
    write(project, changes=both, unaffected=[VIEWS])
    found = [each.found for each in judged(project).problems if each.code == "TRC-BRIDGE-SCENARIO"]
    assert found == [f"{VIEWS}, though SRS-002 changed"]


def test_without_fingerprints_of_then_the_whole_file_counts_as_changed(project):
    project.edit_verdicts(lambda data: data.pop("texts"))
    feature = "verification/features/admission.feature"
    project.replace(feature, "When it is analysed", "When it is looked at")
    write(project, changes=[(feature, "changed")], unaffected=[VIEWS])
    assert codes(judged(project)) == ["TRC-BRIDGE-SCENARIO", "TRC-EVIDENCE-STALE"]


def test_without_fingerprints_of_then_a_file_that_no_longer_counts_is_no_unchanged_one(project):
    """A file that git was told to ignore still lies there and is read, but no identity covers it any more."""
    project.edit_verdicts(lambda data: data.pop("texts"))
    feature = "verification/features/admission.feature"
    project.write(".gitignore", f"{project.read('.gitignore')}/{feature}\n")
    write(project, changes=[(feature, "removed")], unaffected=[VIEWS])
    assert codes(judged(project)) == ["TRC-BRIDGE-SCENARIO", "TRC-EVIDENCE-STALE"]


@pytest.mark.parametrize("name", ["TC:admission.feature::Gone", "TC:*", "TC:admission.feature::*"])
def test_a_scenario_that_does_not_exist_and_a_wildcard_are_refused(changed, name):
    write(changed, changes=[STEP], unaffected=[name])
    assert codes(judged(changed)) == ["TRC-BRIDGE-SCENARIO", "TRC-EVIDENCE-STALE"]


def test_a_failure_stays_a_failure(project):
    project.verify({("A child's film is refused", ""): "<failure message='boom'/>"}, exit_code=1)
    project.write("verification/steps/film.py", "AGE = 16\n")
    write(project, changes=[STEP])
    result = judged(project)
    assert codes(result) == ["TRC-RESULT-FAILED"]
    assert result.graph.status("RC-001") is Status.NOT_PASSED


def test_an_edited_verdict_that_no_bridge_carries_is_stale_and_stands_in_no_bridge_s_way(project):
    project.verify({("A child's film is refused", ""): "<failure message='boom'/>"}, exit_code=1)
    project.edit_verdicts(lambda data: [each.update(outcome="passed", reason="") for each in data["verdicts"]])
    project.edit_verdicts(lambda data: data.update(counts={"passed": 3}, exit_code=0))
    project.write("verification/steps/film.py", "AGE = 16\n")
    write(project, changes=[STEP], unaffected=[VIEWS])
    assert codes(judged(project)) == ["TRC-RESULT-STALE"]


def test_edited_verdicts_are_not_carried_over(project):
    project.verify({("A child's film is refused", ""): "<failure message='boom'/>"}, exit_code=1)
    project.edit_verdicts(lambda data: [each.update(outcome="passed", reason="") for each in data["verdicts"]])
    project.edit_verdicts(lambda data: data.update(counts={"passed": 3}, exit_code=0))
    project.write("verification/steps/film.py", "AGE = 16\n")
    write(project, changes=[STEP])
    assert codes(judged(project)) == ["TRC-EVIDENCE-ALTERED", "TRC-EVIDENCE-STALE"]


def said(result):
    return [(each.code, each.where, each.item, each.found) for each in result.problems if each.code.startswith("TRC-BRIDGE")]


def test_each_refusal_says_what_does_not_hold(changed):
    write(changed, changes=[STEP], start="1" * 64)
    before = json.loads(changed.read(VERDICTS))["identity"]["sha256"][:12]
    assert said(judged(changed)) == [("TRC-BRIDGE-IDENTITY", FILE, "BR-001", f"from {'1' * 12}, and the evidence is {before}")]
    write(changed, changes=[STEP], end="2" * 64)
    now = gate.read(changed.root).identity.sha256[:12]
    assert said(judged(changed)) == [("TRC-BRIDGE-IDENTITY", FILE, "BR-001", f"to {'2' * 12}, and the tree is {now}")]
    write(changed, changes=[("verification/steps/film.py", "removed")])
    assert said(judged(changed)) == [
        (
            "TRC-BRIDGE-CHANGES",
            FILE,
            "BR-001",
            "the bridge lists verification/steps/film.py removed, which is no difference",
        ),
        ("TRC-BRIDGE-CHANGES", FILE, "BR-001", "verification/steps/film.py changed, and the bridge does not list it"),
    ]


@pytest.mark.parametrize(("roles", "whose"), [(frozenset(), "nobody"), (frozenset({"quality"}), "quality")])
def test_a_missing_signature_is_told_with_whose_are_there(changed, roles, whose):
    write(changed, changes=[STEP])
    sha256 = hashlib.sha256(changed.read(FILE).encode()).hexdigest()[:12]
    assert said(judged(changed, roles)) == [
        ("TRC-BRIDGE-SIGNATURE", FILE, "BR-001", f"approvals of {whose} for these bytes ({sha256})")
    ]


def test_a_scenario_that_may_not_be_named_is_told_with_the_reason(changed):
    write(changed, changes=[STEP], unaffected=["TC:admission.feature::Gone"])
    assert said(judged(changed)) == [
        ("TRC-BRIDGE-SCENARIO", FILE, "BR-001", "TC:admission.feature::Gone, which no feature file holds")
    ]
    feature = "verification/features/admission.feature"
    changed.replace(feature, "When it is analysed", "When it is looked at")
    write(changed, changes=[STEP, (feature, "changed")], unaffected=[CHILD])
    assert said(judged(changed)) == [("TRC-BRIDGE-SCENARIO", FILE, "BR-001", f"{CHILD}, though its own text changed")]


def test_a_scenario_without_a_result_is_not_carried_over(project):
    project.write(
        "verification/features/more.feature", "@SRS-001\nFeature: More\n  Scenario: New\n    Given a film\n    Then it is seen\n"
    )
    write(project, changes=[("verification/features/more.feature", "added")], unaffected=["TC:more.feature::New"])
    assert said(judged(project)) == [
        ("TRC-BRIDGE-SCENARIO", FILE, "BR-001", "TC:more.feature::New, without a result in the evidence")
    ]


def test_a_bridge_is_read_whole(changed):
    write(changed, changes=[STEP, ("device_sw/device.py", "changed")], unaffected=[CHILD], start="1" * 64, end="2" * 64)
    (bridge,), problems = read_bridges(changed.root)
    assert problems == ()
    assert bridge == Bridge(
        id="BR-001",
        where=FILE,
        sha256=hashlib.sha256(changed.read(FILE).encode()).hexdigest(),
        from_identity="1" * 64,
        to_identity="2" * 64,
        changes={
            "verification/steps/film.py changed": "it is not reached by them",
            "device_sw/device.py changed": "it is not reached by them",
        },
        unaffected=(CHILD,),
        author="DEMO-author",
        statement="regression analysis",
    )


def test_a_wrong_name_and_a_repeated_change_are_told(changed):
    changed.write("verification/bridges/bridge.toml", "")
    write(changed, changes=[STEP, STEP])
    assert [(each.code, each.where, each.item, each.found) for each in read_bridges(changed.root)[1]] == [
        ("TRC-BRIDGE-CHANGES", FILE, "BR-001", "verification/steps/film.py changed more than once"),
        ("TRC-BRIDGE-NAME", "verification/bridges/bridge.toml", "bridge", "the name bridge.toml"),
    ]


def test_a_faulty_bridge_does_not_hide_the_next_one(changed):
    write(changed, changes=[STEP])
    changed.write("verification/bridges/BR-002.toml", changed.read(FILE))
    changed.write("verification/bridges/BR-0001.toml", "schema = 1\n")
    changed.write("verification/bridges/A.toml", "")
    assert [each.id for each in read_bridges(changed.root)[0]] == ["BR-001", "BR-002"]


def test_the_first_bridge_that_names_a_scenario_carries_it(changed):
    write(changed, changes=[STEP])
    second = changed.read(FILE)
    write(changed, changes=[STEP], unaffected=[CHILD])
    changed.write("verification/bridges/BR-002.toml", second)
    inputs = gate.read(changed.root)

    class Signed:
        def valid_for(self, *_):
            return TWO

        def __getattr__(self, name):
            return getattr(inputs.approvals, name)

    result = gate.judge(replace(inputs, approvals=Signed()), gate.Level.DEVELOPMENT)
    assert [each.bridge for each in result.graph.verdicts[CHILD]] == ["BR-001"]
    assert [each.bridge for each in result.graph.verdicts[VIEWS]] == ["BR-002"] * 2


def test_a_draft_says_where_it_leads_and_what_lies_between(changed):
    assert bridges.main(changed.root, ["BR-001"]) == 0
    draft = tomllib.loads(changed.read(FILE))
    assert draft == {
        "schema": "thoratrace/bridge/1",
        "from_identity": json.loads(changed.read(VERDICTS))["identity"]["sha256"],
        "to_identity": gate.read(changed.root).identity.sha256,
        "author": "",
        "statement": "",
        "unaffected": [CHILD, VIEWS],
        "change": [{"name": "verification/steps/film.py", "how": "changed", "reason": ""}],
    }


@pytest.mark.parametrize("arguments", [[], ["BR-01"], ["BR-001", "BR-002"], ["xBR-001"]])
def test_wrong_usage_of_the_draft_is_told(changed, capsys, arguments):
    assert bridges.main(changed.root, arguments) == 2
    assert capsys.readouterr().err == "usage: python -m verification.trace.bridges BR-NNN\n"
    assert not (changed.root / "verification/bridges").exists()


def test_why_there_is_no_draft_is_told(changed, capsys):
    assert bridges.main(changed.root, ["BR-001"]) == 0
    assert bridges.main(changed.root, ["BR-001"]) == 1
    assert capsys.readouterr().err == "BR-001.toml exists\n"
    (changed.root / VERDICTS).unlink()
    assert bridges.main(changed.root, ["BR-002"]) == 1
    assert capsys.readouterr().err.startswith("no run to bridge from: ")


def test_old_bridges_do_not_matter_while_the_evidence_is_of_what_lies_here(project):
    write(project, changes=[STEP], start="1" * 64, end="2" * 64)
    assert project.check().passed


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('author = "DEMO-author"\n', "", "SPC-MISSING-KEY"),
        ('reason = "it is not reached by them"', 'reason = ""', "SPC-VALUE"),
        ("[[change]]", 'owner = "x"\n[[change]]', "SPC-UNKNOWN-KEY"),
    ],
)
def test_a_faulty_file_is_named_and_not_used(changed, old, new, code):
    write(changed, changes=[STEP])
    changed.replace(FILE, old, new)
    result = changed.check()
    assert {code, "TRC-EVIDENCE-STALE"} <= {each.code for each in result.problems}
    assert read_bridges(changed.root)[0] == ()


def test_another_name_and_a_repeated_change_are_refused(changed):
    changed.write("verification/bridges/bridge.toml", "")
    write(changed, changes=[STEP, STEP])
    _, problems = read_bridges(changed.root)
    assert sorted(each.code for each in problems) == ["TRC-BRIDGE-CHANGES", "TRC-BRIDGE-NAME"]


def test_the_draft_lists_everything_and_is_refused_until_filled_in(changed, capsys):
    assert bridges.main(changed.root, ["BR-001"]) == 0
    assert capsys.readouterr().out.strip() == FILE
    assert "verification/steps/film.py" in changed.read(FILE)
    assert {each.code for each in read_bridges(changed.root)[1]} == {"SPC-VALUE"}
    changed.write(FILE, changed.read(FILE).replace('""', '"DEMO analysis of it"'))
    assert codes(judged(changed)) == []
    assert bridges.main(changed.root, ["BR-001"]) == 1
    assert bridges.main(changed.root, ["one"]) == 2


def test_a_draft_needs_two_states(project, capsys):
    assert bridges.main(project.root, ["BR-001"]) == 1
    assert "is of what lies here" in capsys.readouterr().err
    (project.root / VERDICTS).unlink()
    assert bridges.main(project.root, ["BR-001"]) == 1


names = st.sampled_from(["device_sw/a.py", "device_sw/b.py", "risk/c.toml", "phantom/d.py", "params.yaml"])
trees = st.dictionaries(names, st.sampled_from(["1", "2", "3"]), min_size=1)


def identity(files):
    return Identity("verification", digest("verification", files, {}), "", files)


@given(before=trees, after=trees, dropped=st.sets(names), added=st.sets(names))
def test_any_list_other_than_the_difference_is_refused(before, after, dropped, added):
    then, now = identity(before), identity(after)
    verdict = Verdict("a.feature", "S", "", (), Outcome.PASSED, "")
    record = Record(then, 0, (verdict,), {"TC:a.feature::S": "x"})
    shore = Shore(now, (), {"TC:a.feature::S": "x"}, {}, lambda *_: TWO)
    truth = set(difference(then, now))
    listed = {each for each in truth if each.rsplit(" ", 1)[0] not in dropped} | {f"{name} changed" for name in added}
    bridge = Bridge("BR-001", FILE, "0", then.sha256, now.sha256, dict.fromkeys(listed, "r"), (), "a", "s")
    found = [each.code for each in refusals(bridge, record, shore)]
    assert (not found) is (listed == truth)
    crossing = cross((bridge,), Evidence(record), shore)
    if then.sha256 == now.sha256 or listed != truth:
        assert crossing.verdicts is None
