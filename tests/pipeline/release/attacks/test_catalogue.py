"""Every attack of the table is caught by the check that it names, and a check that sees nothing would show."""

import dataclasses
from collections import Counter

import pytest

from pipeline.release.attacks.attack import Aim, CheckName, Outcome, Sign
from pipeline.release.attacks.bench import lay_out, state
from pipeline.release.attacks.campaign import FEWEST_ATTACKS
from pipeline.release.attacks.catalogue import ATTACKS
from pipeline.release.attacks.checks import checks, in_its_own_process, in_this_process
from pipeline.release.attacks.judging import judge

TABLE = {each.id: each for each in ATTACKS}
CHECKS = checks(in_this_process)


def test_there_are_enough_attacks_and_each_has_a_name_of_its_own():
    assert len(ATTACKS) >= FEWEST_ATTACKS
    assert [name for name, count in Counter(each.id for each in ATTACKS).items() if count > 1] == []
    assert {each.check for each in ATTACKS} <= set(CHECKS)


@pytest.mark.parametrize("name", [name for name, each in TABLE.items() if each.aim is not Aim.MODEL])
def test_the_attack_is_caught_by_its_check(name, original, tmp_path):
    trial = judge(TABLE[name], original, tmp_path, CHECKS)
    assert trial.caught, (trial.missing, trial.said)
    assert trial.codes
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["conclusion-edited", "everything-rewritten", "payload-not-canonical"])
def test_a_trial_that_nobody_signed_is_sealed_for_the_attack(name, unsigned, tmp_path):
    assert judge(TABLE[name], unsigned, tmp_path, CHECKS).caught


def test_rewriting_everything_is_seen_by_the_pin_and_by_nothing_else(original, tmp_path):
    trial = judge(TABLE["everything-rewritten"], original, tmp_path, CHECKS)
    assert trial.codes == ("VER-PIN",)
    assert dict(trial.others)[str(CheckName.VERIFY)] is False


def test_an_auditor_gets_the_same_answer_in_a_process_of_its_own(original, tmp_path):
    attack = TABLE["weights-bit-flipped"]
    assert judge(attack, original, tmp_path, checks(in_its_own_process)) == judge(attack, original, tmp_path, CHECKS)


def test_an_attack_that_the_check_does_not_see_is_not_caught(original, tmp_path):
    blind = {**CHECKS, CheckName.VERIFY: lambda bench: Outcome(0)}
    trial = judge(TABLE["weights-bit-flipped"], original, tmp_path, blind)
    assert not trial.caught
    assert trial.missing == ("VER-HASH at bundle/weights.safetensors",)


def test_another_complaint_of_the_same_check_is_no_catch(original, tmp_path):
    mistaken = dataclasses.replace(TABLE["weights-bit-flipped"], harm=_unlinked)
    trial = judge(mistaken, original, tmp_path, CHECKS)
    assert not trial.caught
    assert any("VER-MISSING" in line for line in trial.said)


def _unlinked(bench):
    bench.place("files/params.yaml").unlink()
    return (Sign("VER-HASH", "files/params.yaml"),)


def test_a_deed_that_changes_nothing_is_said_so(original, tmp_path):
    idle = dataclasses.replace(TABLE["weights-bit-flipped"], harm=lambda bench: (Sign("VER-HASH", "x"),))
    assert judge(idle, original, tmp_path, CHECKS).missing == ("the deed changed nothing",)


def test_a_check_that_always_complains_catches_nothing(original, tmp_path):
    sour = {**CHECKS, CheckName.VERIFY: lambda bench: Outcome(1)}
    trial = judge(TABLE["weights-bit-flipped"], original, tmp_path, sour)
    assert not trial.caught
    assert trial.missing[0].startswith("not clean before")


def test_an_attack_that_cannot_be_made_is_not_caught(original, tmp_path):
    lost = dataclasses.replace(TABLE["weights-bit-flipped"], harm=lambda bench: (Sign("VER-HASH", bench.subject("none/*")),))
    trial = judge(lost, original, tmp_path, CHECKS)
    assert not trial.caught
    assert trial.missing == ("cannot be tried: LookupError: the release has no subject none/*",)


def test_the_original_is_never_written(original, tmp_path):
    before = state(original.root)
    for name in ("weights-bit-flipped", "history-rewritten", "earlier-record-rewritten"):
        judge(TABLE[name], original, tmp_path, CHECKS)
    assert state(original.root) == before


def test_a_state_holds_modes_links_and_contents_but_no_times(original, tmp_path):
    bench = lay_out(original, tmp_path)
    before = state(bench.folder)
    path = bench.place("files/params.yaml")
    path.touch()
    assert state(bench.folder) == before
    path.chmod(0o600)
    assert state(bench.folder) != before
