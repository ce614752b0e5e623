"""The gate against mutants of the shipped data: a sample of every operator, and a blinded gate to show that the run can fail."""

import json
import shutil

import pytest

from verification.trace import gate
from verification.trace.case import Level
from verification.trace.checks import duties, orphans, results
from verification.trace.checks.register import CHECKS
from verification.trace.mutants import bench as workshop
from verification.trace.mutants import campaign
from verification.trace.mutants.campaign import Campaign, Judgement, KeptJudgements, Order
from verification.trace.mutants.catalogue import OPERATORS, OUTSTANDING
from verification.trace.mutants.copying import BenchError, copy_project
from verification.trace.mutants.mutant import Change, Form, Mutant, Sign
from verification.trace.mutants.report import to_text
from verification.trace.seeded import SHOWN, FaultRecord, Trial

SEED = 20261121
SAMPLE = 2
NOTHING_TO_HARM = {"seeded-trial-spoilt"}
"""Operators whose objects the stand-in run of the fixture lacks; they have tests of their own."""


def silent(_done, _total, _text):
    """Report nothing."""


@pytest.fixture(scope="module")
def workbench(shipped_template):
    """A bench with a sample of every operator on the shipped data."""
    found = campaign.Workbench(shipped_template.root, Order(sample=SAMPLE, seed=SEED, compared=25))
    yield found
    found.close()


@pytest.fixture
def small(project, tmp_path):
    """A copy of the small project, to be harmed by hand."""
    target = tmp_path / "copy"
    target.mkdir()
    copy_project(project.root, target)
    return workshop.Bench(target)


def test_a_sample_of_every_operator_is_caught_and_the_short_way_is_the_gate(workbench):
    judgements = [workbench.judge(number) for number in range(len(workbench.mutants))]
    found = Campaign(tuple(judgements), "", stand_in=False, owed_beyond=0, seconds=0)
    assert found, to_text(found)
    assert {each.operator for each in judgements} == set(OPERATORS) - NOTHING_TO_HARM
    assert sum(each.compared for each in judgements) == 25


def test_a_spoilt_trial_of_a_seeded_defect_is_caught(workbench):
    bench = workbench.bench
    faults = bench.project.inputs.seeded.faults[:2]
    trials = tuple(
        Trial(each.id, each.control, True, "", ("TC:a",), "Then it", "assert", {"failed": 1}, (), ()) for each in faults
    )
    record = FaultRecord(bench.heavy.identity, trials)
    (bench.root / SHOWN).write_text(json.dumps(record.to_json()))
    try:
        fresh = workshop.Bench(bench.root)
        mutants = list(OPERATORS["seeded-trial-spoilt"].places(fresh.project))
        assert len(mutants) == 4, (len(faults), fresh.project.inputs.seeded.refusal)
        for mutant in mutants:
            change = mutant.make(fresh.project)
            new = [each for each in fresh.judge(change) if each not in fresh.before(change.level)]
            assert all(sign.is_in(new) for sign in change.signs), mutant.place
    finally:
        (bench.root / SHOWN).unlink()


def test_there_are_the_operators_that_were_asked_for():
    assert len(OPERATORS) >= 24
    assert {"link-deleted", "link-dangling", "link-redirected", "duplicate-id", "text-edited", "level-lowered"} <= set(OPERATORS)
    assert {"result-failed", "result-error", "result-skipped", "result-missing", "run-of-another-state"} <= set(OPERATORS)
    assert {"assertion-removed", "item-vanished", "protocol-eased", "safety-class-lowered"} <= set(OPERATORS)


def test_a_mutant_leaves_no_trace(workbench):
    before = campaign.fingerprint(workbench.bench.root)
    for number in range(0, len(workbench.mutants), 9):
        workbench.judge(number)
    assert campaign.fingerprint(workbench.bench.root) == before


@pytest.mark.parametrize(
    ("operator", "blinded"),
    [
        ("tag-deleted", duties.obligations_are_kept),
        ("result-failed", results.every_result_is_a_clean_pass),
        ("level-lowered-and-recorded", duties.obligations_are_kept),
    ],
)
def test_a_blinded_gate_has_survivors(workbench, monkeypatch, operator, blinded):
    blind = {level: tuple(check for check in checks if check is not blinded) for level, checks in CHECKS.items()}
    seeing = gate.judge
    monkeypatch.setattr(gate, "judge", lambda inputs, level: seeing(inputs, level, blind))
    numbers = [number for number, mutant in enumerate(workbench.mutants) if mutant.operator == operator]
    judgements = [workbench.judge(number) for number in numbers]
    assert judgements
    assert not any(each.caught for each in judgements)
    assert all(each.missing for each in judgements)


def test_a_mutant_that_changes_nothing_is_no_catch(workbench, monkeypatch):
    mutant = Mutant("link-deleted", "nothing", lambda project: Change({"params.yaml": project.text("params.yaml")}, ()))
    monkeypatch.setattr(workbench, "mutants", (mutant,))
    judgement = workbench.judge(0)
    assert not judgement.caught
    assert judgement.missing == ("cannot be made: changes nothing",)


def test_a_mutant_that_cannot_be_made_is_no_catch(workbench, monkeypatch):
    mutant = Mutant("link-deleted", "nowhere", lambda project: Change({"x": project.text("no/such/file")}, ()))
    monkeypatch.setattr(workbench, "mutants", (mutant,))
    judgement = workbench.judge(0)
    assert not judgement.caught
    assert "cannot be made: FileNotFoundError" in judgement.missing[0]


def test_a_message_at_another_place_is_no_catch(small):
    text = small.project.text("verification/features/admission.feature").replace("  @RC-001\n", "")
    change = {"verification/features/admission.feature": text}
    problems = small.judge(Change(change, (), Form.RECORDED))
    where = next(each.where for each in problems if each.code == "TRC-CONTROL-SCENARIO")
    assert Sign("TRC-CONTROL-SCENARIO", where, "RC-001").is_in(problems)
    assert not Sign("TRC-CONTROL-SCENARIO", f"{where}0", "RC-001").is_in(problems)
    assert not Sign("TRC-CONTROL-SCENARIO", where, "RC-002").is_in(problems)


def test_what_the_gate_said_before_does_not_count(small, monkeypatch):
    """A message that stands there without any harm is no catch, even where it is the expected one."""
    bench = small
    needs = "requirements_spec/data/user_needs.toml"
    text = bench.project.text(needs).replace("No result for a child.", "No result for an infant.")
    change = Change({needs: text}, ())
    told = bench.judge(change)
    sign = next(Sign(each.code, each.where, each.item) for each in told if each.code == "CHG-UNRECORDED")
    assert sign.is_in([each for each in told if each not in bench.before(Level.DEVELOPMENT)])
    monkeypatch.setitem(bench._before, Level.DEVELOPMENT, frozenset(told))
    assert not sign.is_in([each for each in told if each not in bench.before(Level.DEVELOPMENT)])


def test_recording_and_running_again_leaves_a_quiet_gate_but_for_what_is_owed(small):
    """The strongest form of a harm silences everything else: ledger, identity, run. That is what makes the obligations needed."""
    needs = "requirements_spec/data/user_needs.toml"
    text = small.project.text(needs).replace("No result for a child.", "No result for an infant.")
    edited = {each.code for each in small.judge(Change({needs: text}, ()))}
    recorded = {each.code for each in small.judge(Change({needs: text}, (), Form.RECORDED))}
    assert {"CHG-UNRECORDED", "TRC-EVIDENCE-STALE"} <= edited
    assert not {"CHG-UNRECORDED", "TRC-EVIDENCE-STALE"} & recorded


@pytest.mark.parametrize("form", list(Form))
def test_the_short_way_is_the_gate_in_every_form(small, form):
    feature = "verification/features/admission.feature"
    text = small.project.text(feature).replace("    Then it is refused\n", "    Then it is not analysed\n")
    change = Change({feature: text}, (), form)
    assert small.judge(change) == small.judge_fully(change)


def test_a_campaign_reports_survivors_and_keeps_them_apart(project, monkeypatch):
    monkeypatch.setitem(
        CHECKS, Level.DEVELOPMENT, tuple(c for c in CHECKS[Level.DEVELOPMENT] if c is not orphans.requirements_have_scenarios)
    )
    found = campaign.run(project.root, Order(("tag-deleted", "tag-dangling"), seed=1, compared=2), silent, workers=1)
    assert not found
    assert {each.operator for each in found.survivors} == {"tag-deleted"}
    text = to_text(found)
    assert "SURVIVED  tag-deleted" in text
    assert "expected: TRC-REQ-SCENARIO" in text
    assert all(rule in text for rule in OUTSTANDING)
    assert json.loads(json.dumps(found.to_json()))["caught"] == len(found.judgements) - len(found.survivors)


def test_an_interrupted_campaign_goes_on(project, monkeypatch):
    order = Order(("duplicate-id",), seed=1, compared=0)
    judged = []
    whole = campaign.Workbench.judge

    def interrupted(self, number):
        if len(judged) == 3:
            raise KeyboardInterrupt
        judged.append(number)
        return whole(self, number)

    monkeypatch.setattr(campaign.Workbench, "judge", interrupted)
    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        campaign.run(project.root, order, silent, workers=1)
    monkeypatch.setattr(campaign.Workbench, "judge", lambda self, number: judged.append(number) or whole(self, number))
    found = campaign.run(project.root, order, silent, workers=1)
    assert sorted(judged) == list(range(len(found.judgements)))
    assert found
    assert not (project.root / campaign.KEPT).exists()


def test_a_campaign_of_another_state_starts_anew(tmp_path):
    kept = KeptJudgements(tmp_path / "part.jsonl", {"state": "a"})
    kept.add(0, Judgement("link-deleted", "x", caught=True, codes=("CHG-UNRECORDED",)))
    kept.pause()
    assert KeptJudgements(tmp_path / "part.jsonl", {"state": "a"}).judgements.keys() == {0}
    assert KeptJudgements(tmp_path / "part.jsonl", {"state": "b"}).judgements == {}


def test_a_line_cut_off_is_judged_again(tmp_path):
    file = tmp_path / "part.jsonl"
    kept = KeptJudgements(file, {"state": "a"})
    for number in range(2):
        kept.add(number, Judgement("link-deleted", "x", caught=True, codes=("CHG-UNRECORDED",)))
    kept.pause()
    file.write_text(file.read_text()[:-20])
    assert KeptJudgements(file, {"state": "a"}).judgements.keys() == {0}


def test_an_empty_campaign_proves_nothing():
    assert not Campaign((), "", stand_in=False, owed_beyond=0, seconds=0)


def test_a_disagreement_with_the_whole_gate_is_a_failure():
    judgement = Judgement("link-deleted", "x", caught=True, codes=("CHG-UNRECORDED",), compared=True, equal=False)
    found = Campaign((judgement,), "", stand_in=False, owed_beyond=0, seconds=0)
    assert not found
    assert "NOT THE GATE'S VERDICT" in to_text(found)


def test_what_is_no_clone_is_refused(project, tmp_path):
    shutil.rmtree(project.root / ".git")
    with pytest.raises(BenchError, match="use a clone"):
        copy_project(project.root, tmp_path / "copy")


def test_a_project_without_evidence_gets_a_stand_in_and_says_so(project):
    shutil.rmtree(project.root / "artifacts/verification")
    found = campaign.run(project.root, Order(("duplicate-id",), compared=0), silent, workers=1)
    assert found.stand_in
    assert "clean stand-in" in to_text(found)


def test_a_project_whose_pipeline_ran_on_another_state_is_refused_and_told_what_to_run(project):
    """Each of its stale stages stands before any harm, so every mutant of the lock would seem to survive."""
    project.write("phantom/thorax.py", "RIBS = 12\n")
    project.verify()
    with pytest.raises(BenchError, match=r"run \./qms demo.*TRC-PIPELINE-STALE dvc\.lock stage cohort"):
        campaign.run(project.root, Order(("lock-claim-altered",), compared=0), silent, workers=1)


def test_a_project_whose_pipeline_is_of_this_state_has_no_survivor_in_its_lock(project):
    assert campaign.run(project.root, Order(("lock-claim-altered",), compared=0), silent, workers=1)


def test_a_project_without_a_model_cannot_be_mutated(project):
    shutil.rmtree(project.root / "artifacts")
    (project.root / "dvc.lock").unlink()
    with pytest.raises(BenchError, match="IDENTITY-UNKNOWN"):
        campaign.run(project.root, Order(("duplicate-id",)), silent, workers=1)
