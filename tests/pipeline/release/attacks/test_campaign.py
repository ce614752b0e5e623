"""A whole campaign: kept in parts, taken up again, told apart from a partial one, and shown on one page."""

import json

import pytest

from pipeline.release.attacks import campaign
from pipeline.release.attacks.attack import Trial
from pipeline.release.attacks.bench import lay_out
from pipeline.release.attacks.campaign import Campaign, Plan, Subject
from pipeline.release.attacks.clean import CONDITIONS, CleanCount, try_clean
from pipeline.release.attacks.flips import FlipCount
from pipeline.release.attacks.report import ladder, render, to_text
from verification.trace.mutants.kept import Kept

PLAN = Plan(flips=1, clean=2, attacks=("weights-bit-flipped", "file-added"))
SUBJECT = Subject("0.1.0", "trial", "a" * 64, 2)


def quiet(done, total, text):
    pass


@pytest.fixture(scope="module")
def result(original, tmp_path_factory):
    parts = tmp_path_factory.mktemp("parts") / "attack.part.jsonl"
    found = campaign.run(original, PLAN, parts, quiet)
    assert not parts.exists()
    return found


def flips(missed=(), tried=100):
    return FlipCount("weights", 1, 10, tuple(range(tried)), tried - len(missed), tuple(missed), tried, {})


def test_everything_is_caught_and_nothing_clean_refused(result):
    assert result
    assert [each.attack for each in result.trials] == list(PLAN.attacks)
    assert {each.tried for each in result.flips} == {1}
    assert result.clean == CleanCount(2, ())
    assert not result.is_whole


def test_the_result_can_be_read_again_and_holds_no_time(result):
    value = json.loads(json.dumps(result.to_json()))
    assert [Trial.from_json(each) for each in value["attacks"]] == list(result.trials)
    assert value["record_sha256"] == result.subject.record_sha256
    assert (value["everything_caught"], value["whole"]) == (True, False)


def test_a_campaign_that_was_interrupted_goes_on(original, tmp_path, monkeypatch):
    parts, judged = tmp_path / "parts.jsonl", []

    def judge(attack, *_):
        judged.append(attack.id)
        if len(judged) == 2:
            raise KeyboardInterrupt
        return Trial(attack.id, caught=True, codes=("X",))

    monkeypatch.setattr(campaign, "judge", judge)
    plan = Plan(flips=0, clean=0, attacks=PLAN.attacks)
    with pytest.raises(KeyboardInterrupt):
        campaign.run(original, plan, parts, quiet)
    assert campaign.run(original, plan, parts, quiet)
    assert judged == ["weights-bit-flipped", "file-added", "file-added"]


def test_what_was_kept_for_another_state_counts_for_nothing(tmp_path):
    file = tmp_path / "parts.jsonl"
    kept = Kept(file, {"state": "a"})
    kept.add("one", 1)
    kept.pause()
    with file.open("a", encoding="utf-8") as stream:
        stream.write('["two", ')
    assert Kept(file, {"state": "a"}).results == {"one": 1}
    assert Kept(file, {"state": "b"}).results == {}


@pytest.mark.parametrize(
    ("trials", "flipped", "clean", "good"),
    [
        ((Trial("file-added", caught=True, codes=()),), (flips(),), CleanCount(1, ()), True),
        ((Trial("file-added", caught=False, codes=()),), (flips(),), CleanCount(1, ()), False),
        ((), (flips(["a at 1"]),), CleanCount(1, ()), False),
        ((), (), CleanCount(1, ("alarm",)), False),
        ((), (), CleanCount(0, ()), False),
    ],
)
def test_a_campaign_holds_only_if_all_of_it_does(trials, flipped, clean, good):
    assert bool(Campaign(SUBJECT, trials, flipped, clean)) is good


@pytest.mark.parametrize(
    ("attacks", "kinds", "tried", "clean", "whole"),
    [
        (25, 12, 100, 1000, True),
        (24, 12, 100, 1000, False),
        (25, 11, 100, 1000, False),
        (25, 12, 99, 1000, False),
        (25, 12, 100, 999, False),
    ],
)
def test_a_campaign_is_whole_from_the_owed_numbers_on(attacks, kinds, tried, clean, whole):
    trials = (Trial("file-added", caught=True, codes=()),) * attacks
    assert Campaign(SUBJECT, trials, (flips(tried=tried),) * kinds, CleanCount(clean, ())).is_whole is whole


def test_what_is_missed_stands_first(result):
    value = result.to_json()
    value["attacks"][0] |= {"caught": False, "missing": ["VER-HASH at x"]}
    value["clean"]["alarms"] = ["3, condition: exit 1"]
    lines = to_text(value).splitlines()
    assert lines[1].startswith("NOT CAUGHT  weights-bit-flipped (verify): VER-HASH at x")
    assert lines[2].startswith("FALSE ALARM  3, condition")
    assert "attacks: 1 of 2 caught" in to_text(value)


def test_the_page_shows_every_attack_flip_and_limit(result):
    value = result.to_json()
    page = render(value)
    assert "Attack on trial of 0.1.0, not a release" in page
    assert all(each["attack"] in page for each in value["attacks"])
    assert page.count("<rect x=") == sum(each["tried"] for each in value["flips"])
    assert all(each[:40] in page for each in value["outstanding"])
    assert "NOT CAUGHT" not in page
    value["attacks"][0] |= {"caught": False, "missing": ["<script>"]}
    assert "NOT CAUGHT" in render(value)
    assert "<script>" not in render(value)


def test_the_ladder_counts_by_what_the_attacker_holds(result):
    assert [(holds, [(caught, tried) for _, caught, tried in steps]) for holds, steps in ladder(result.to_json())] == [
        ("a file", [(1, 1)]),
        ("the release folder", [(1, 1)]),
    ]


def test_conditions_are_every_combination_once():
    assert len(set(CONDITIONS)) == len(CONDITIONS) == 3 * 3 * 2 * 3 * 3 * 2


def test_a_clean_copy_comes_back_from_every_place_and_mode(original, tmp_path):
    bench = lay_out(original, tmp_path / "bench")
    numbers = [
        0,
        CONDITIONS.index(next(each for each in CONDITIONS if each.place == "through a link" and each.mode == "read-only")),
    ]
    numbers.append(next(n for n, each in enumerate(CONDITIONS) if each.place.startswith("with spaces") and each.pinned))
    assert try_clean(bench, numbers) == CleanCount(3, ())
    assert bench.release.is_dir()
    assert sorted(path.name for path in bench.folder.iterdir()) == ["auditor", "kept", "releases"]


def test_a_verifier_that_complains_of_a_clean_release_is_a_false_alarm(original, tmp_path):
    bench = lay_out(original, tmp_path / "bench")
    bench.place("files/params.yaml").write_bytes(b"")
    count = try_clean(bench, [0])
    assert count.verified == 1
    assert "exit 1" in count.alarms[0]
