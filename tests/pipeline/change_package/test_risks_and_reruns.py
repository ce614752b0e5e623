"""Risks to judge again and whether somebody did, scenarios to run again and whether somebody did: never said without an entry or a run of the newer end."""

import hashlib
import json

from pipeline.change_package.comparison import compare
from pipeline.change_package.ends import open_pair
from pipeline.change_package.reruns import Outcome

CONTROLS = "risk/data/controls.toml"
HAZARDS = "risk/data/hazards.toml"
CHILD = "TC:admission.feature::A child's film is refused"
EDIT = (CONTROLS, "A film of a patient under 18 is refused.", "A film of a patient under 21 is refused.")


def found(releases, span="0.1.0"):
    return compare(releases.root, open_pair(releases.root, span))


def test_a_changed_control_makes_its_situation_a_risk_to_judge(releases):
    releases.project.replace(*EDIT)
    (risk,) = found(releases).risks
    assert (risk.id, risk.hazard, risk.how, risk.severity) == ("HS-001", "HAZ-001", "suspect", 3)
    assert [name for name, _ in risk.because] == ["RC-001", "HS-001"]
    assert (risk.entries, risk.is_entered) == ((), False)


def test_an_entry_of_the_control_is_no_judgement_of_the_risk(releases):
    releases.project.replace(*EDIT)
    releases.project.record_changes()
    (risk,) = found(releases).risks
    assert [each.item for each in risk.of_controls] == ["RC-001"]
    assert not risk.is_entered


def test_an_estimate_that_was_made_anew_is_an_entry(releases):
    releases.project.replace(*EDIT)
    releases.project.replace(
        HAZARDS, "residual_probability = 2", 'residual_probability = 3\nfurther_control = "None is practicable."'
    )
    (risk,) = found(releases).risks
    assert not risk.is_entered
    releases.project.record_changes()
    (risk,) = found(releases).risks
    assert [(each.what, each.item, each.who) for each in risk.entries] == [("ledger of changes", "HAZ-001", "DEMO-author")]
    assert (risk.how, risk.is_entered) == ("changed", True)
    assert risk.before.residual != risk.after.residual


def sign(releases, sha256):
    path = releases.root / "verification/approvals.jsonl"
    line = {
        "target": HAZARDS,
        "sha256": sha256,
        "name": "DEMO-x",
        "role": "risk management",
        "time": "T",
        "meaning": "reviewed",
        "statement": "seen",
    }
    path.write_text(json.dumps(line) + "\n", encoding="utf-8")


def test_a_signature_counts_for_what_lies_there_now_and_no_other_content(releases):
    releases.project.replace(*EDIT)
    now = hashlib.sha256((releases.root / HAZARDS).read_bytes()).hexdigest()
    sign(releases, "0" * 64)
    assert not found(releases).risks[0].is_entered
    sign(releases, now)
    assert [each.what for each in found(releases).risks[0].entries] == ["signature: reviewed"]


def test_a_signature_from_before_is_no_judgement_since(releases):
    sign(releases, hashlib.sha256((releases.root / HAZARDS).read_bytes()).hexdigest())
    releases.release("0.2.0")
    releases.project.replace(*EDIT)
    assert not found(releases, "0.2.0").risks[0].is_entered


def test_a_situation_that_is_gone_needs_no_judgement(releases):
    text = releases.project.read(HAZARDS)
    releases.project.write(
        HAZARDS, text + text[text.index("[[hazard]]") :].replace("HAZ-001", "HAZ-002").replace("HS-001", "HS-002")
    )
    (added,) = [each for each in found(releases).risks if each.how == "added"]
    assert (added.id, added.before.initial, added.is_entered) == ("HS-002", "", False)
    releases.release("0.2.0")
    releases.project.write(HAZARDS, text)
    (gone,) = [each for each in found(releases, "0.2.0").risks if each.how == "removed"]
    assert (gone.after.initial, gone.is_entered) == ("", True)


def outcome(comparison, name=CHILD):
    return {each.id: each.outcome for each in comparison.reruns}[name]


def test_an_old_run_says_nothing_about_the_change(releases):
    releases.project.replace(*EDIT)
    comparison = found(releases)
    assert outcome(comparison) is Outcome.NOT_RUN
    assert "TRC-EVIDENCE-STALE" in comparison.runs[1].reason


def test_a_run_of_what_lies_here_counts(releases):
    releases.project.replace(*EDIT)
    releases.run()
    comparison = found(releases)
    assert outcome(comparison) is Outcome.PASSED
    assert comparison.runs[1].identity not in {"", comparison.runs[0].identity}


def test_a_run_in_which_it_failed_is_said(releases):
    releases.project.replace(*EDIT)
    releases.run({("A child's film is refused", ""): "<failure/>"})
    assert outcome(found(releases)) is Outcome.NOT_PASSED


def test_no_run_at_all_is_not_known(releases):
    releases.project.replace(*EDIT)
    (releases.root / "artifacts/verification/verdicts.json").unlink()
    assert outcome(found(releases)) is Outcome.UNKNOWN
    releases.commit()
    assert outcome(found(releases, "0.1.0..HEAD")) is Outcome.UNKNOWN


def test_a_release_with_a_run_of_its_own_and_one_without(releases):
    releases.project.replace(*EDIT)
    releases.run()
    releases.release("0.2.0")
    assert outcome(found(releases, "0.1.0..0.2.0")) is Outcome.PASSED
    releases.project.replace(CONTROLS, "under 21", "under 22")
    releases.release("0.3.0")
    comparison = found(releases, "0.2.0..0.3.0")
    assert comparison.runs[1].reason == "the gate did not accept the run"
    assert outcome(comparison) is Outcome.NOT_RUN
