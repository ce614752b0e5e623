"""Criteria before estimates, without a clock: the ledger names the policy that each estimate was made by."""

import re

import pytest

from requirements_spec.changes import Change, Content, check, read_ledger, record
from risk.changes import LEDGER, RISK_BOOK
from risk.criteria import COMMAND, criteria_problems, evaluate_again, main

REASON = "looked at each estimate again"
POLICY, OLD, HAZARD = "a" * 64, "b" * 64, "1" * 64
CONTENT = Content({"POLICY-RISK": POLICY, "HAZ-001": HAZARD}, {"POLICY-RISK": "p:1", "HAZ-001": "h:1"}, criteria="POLICY-RISK")


def entry(item, new, under="", where="l:1", old=""):
    return Change(item, old, new, "DEMO-author", REASON, where, under)


FIRST = entry("POLICY-RISK", POLICY)


def said(*entries, content=CONTENT):
    return [str(each) for each in criteria_problems(content, entries)]


def problem(found, expected, where="h:1"):
    repair = 'look at the estimates again, then: python -m risk.criteria --author ROLE --reason "WHAT WAS LOOKED AT" HAZ-001'
    return [f"RSK-CRITERIA {where} HAZ-001: found {found}; expected {expected}; repair: {repair} [ISO 14971 4.2, 4.4 d]"]


NOW = "an estimate made by the policy as it is now"


def test_an_estimate_entered_after_the_policy_and_by_it_is_in_order():
    assert said(FIRST, entry("HAZ-001", HAZARD, POLICY)) == []


def test_an_estimate_by_an_older_policy_is_suspect():
    entries = (entry("POLICY-RISK", OLD), entry("HAZ-001", HAZARD, OLD), entry("POLICY-RISK", POLICY, old=OLD))
    assert said(*entries) == problem("judged by the policy bbbbbbbbbbbb, which is now aaaaaaaaaaaa", NOW)


def test_an_estimate_by_no_policy_is_suspect():
    assert said(FIRST, entry("HAZ-001", HAZARD)) == problem("judged by no policy on record, which is now aaaaaaaaaaaa", NOW)


def test_an_estimate_entered_before_the_policy_that_it_names_is_suspect_at_its_entry():
    found = problem("an entry by the policy aaaaaaaaaaaa that stands before the policy's own", "the policy's entry first", "l:7")
    assert said(entry("HAZ-001", HAZARD, POLICY, "l:7"), FIRST) == found
    assert said(entry("HAZ-001", HAZARD, POLICY, "l:7")) == found


def test_a_policy_that_came_back_is_the_one_it_was():
    back = (FIRST, entry("HAZ-001", HAZARD, POLICY), entry("POLICY-RISK", OLD, old=POLICY), entry("POLICY-RISK", POLICY, old=OLD))
    assert said(*back) == []


def test_judging_again_ends_the_suspicion():
    entries = (entry("POLICY-RISK", OLD), entry("HAZ-001", HAZARD, OLD), entry("POLICY-RISK", POLICY, old=OLD))
    assert said(*entries, entry("HAZ-001", HAZARD, POLICY, old=HAZARD)) == []


@pytest.mark.parametrize("entries", [(), (FIRST,), (FIRST, entry("HAZ-001", "2" * 64, OLD))])
def test_content_that_is_not_recorded_is_left_to_the_ledger(entries):
    assert said(*entries) == []


def test_without_a_policy_nothing_is_suspect():
    assert said(entry("HAZ-001", HAZARD), content=Content({"HAZ-001": HAZARD}, {"HAZ-001": "h:1"})) == []


def test_a_changed_item_between_unchanged_ones_does_not_hide_them():
    content = Content(
        {"A": HAZARD, "POLICY-RISK": POLICY, "B": HAZARD}, {"A": "h:1", "POLICY-RISK": "p:1", "B": "h:2"}, criteria="POLICY-RISK"
    )
    entries = (FIRST, entry("A", "2" * 64, OLD), entry("B", HAZARD, OLD))
    assert [each.item for each in criteria_problems(content, entries)] == ["B"]


def test_the_shipped_estimates_were_made_by_the_shipped_policy(root):
    content, _ = RISK_BOOK.load(root)
    assert [str(each) for each in criteria_problems(content, read_ledger(root, LEDGER)[0])] == []


@pytest.fixture
def suspect(project):
    """The shipped file after a change of its policy that is recorded: every estimate is suspect."""
    policy = project / "risk/data/policy.toml"
    text = policy.read_text(encoding="utf-8")
    policy.write_text(text.replace("best_probability = 2", "best_probability = 1", 1), encoding="utf-8")
    added, problems = record(project, RISK_BOOK, "DEMO-author", "let one control reach level 1")
    assert ([each.item for each in added], problems) == (["POLICY-RISK"], ())
    return project


def items(project):
    content, _ = RISK_BOOK.load(project)
    return [each.item for each in criteria_problems(content, read_ledger(project, LEDGER)[0])]


def test_a_changed_policy_makes_every_estimate_suspect_until_it_is_named(suspect, capsys):
    before = items(suspect)
    assert len(before) == 63
    assert main(["--root", str(suspect), "--author", "DEMO-author", "--reason", REASON, "HAZ-001", "RC-004", "HAZ-001"]) == 0
    assert capsys.readouterr().out == f"2 entries added to {LEDGER}\n"
    assert items(suspect) == [each for each in before if each not in {"HAZ-001", "RC-004"}]
    assert check(suspect, RISK_BOOK) == ()
    last = read_ledger(suspect, LEDGER)[0][-1]
    content, _ = RISK_BOOK.load(suspect)
    assert (last.item, last.old, last.author, last.reason) == ("RC-004", last.new, "DEMO-author", REASON)
    assert last.under == content.fingerprints["POLICY-RISK"]


def test_a_changed_item_is_judged_by_the_policy_of_its_change(suspect):
    hazards = suspect / "risk/data/hazards.toml"
    hazards.write_text(hazards.read_text(encoding="utf-8").replace("Wrong polarity", "Polarity inverted", 1), encoding="utf-8")
    record(suspect, RISK_BOOK, "DEMO-author", "say it the other way round")
    assert "HAZ-001" not in items(suspect)


@pytest.mark.parametrize("named", ["HAZ-999", "POLICY-RISK"])
def test_what_is_not_suspect_cannot_be_judged_again_and_nothing_is_written(suspect, named, capsys):
    before = (suspect / LEDGER).read_bytes()
    assert main(["--root", str(suspect), "--author", "DEMO-author", "--reason", REASON, "HAZ-001", named]) == 1
    told = capsys.readouterr()
    assert told.err == f"{named} is not suspect: unknown, changed, or judged by this policy already\n"
    assert told.out == ""
    assert (suspect / LEDGER).read_bytes() == before


def test_an_item_in_order_cannot_be_judged_again(project):
    entries, stops = evaluate_again(project, ["HAZ-001"], "DEMO-author", REASON)
    assert (entries, [str(stop) for stop in stops]) == (
        (),
        ["HAZ-001 is not suspect: unknown, changed, or judged by this policy already"],
    )


def test_data_with_a_problem_are_mended_first(suspect):
    hazards = suspect / "risk/data/hazards.toml"
    hazards.write_text(hazards.read_text(encoding="utf-8").replace("Wrong polarity", "Polarity inverted", 1), encoding="utf-8")
    entries, stops = evaluate_again(suspect, ["HAZ-002"], "DEMO-author", REASON)
    assert entries == ()
    assert [stop.code for stop in stops] == ["CHG-UNRECORDED"]
    hazards.write_text("[[", encoding="utf-8")
    assert "SPC-TOML" in [
        stop.code for stop in evaluate_again(suspect, ["RC-001"], "DEMO-author", REASON)[1] if not isinstance(stop, str)
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--author", "DEMO-author", "--reason", "short", "HAZ-001"], "--reason needs at least 10 printable characters"),
        (["--author", "DEMO-author", "--reason", "two lines\nin a reason", "HAZ-001"], "--reason needs at least 10 printable"),
        (
            ["--author", "DEMO\tauthor", "--reason", REASON, "HAZ-001"],
            "--author must be letters, digits, dots, hyphens and spaces",
        ),
        (["--author", "DEMO-author", "--reason", REASON], "ID"),
        (["--author", "DEMO-author", "HAZ-001"], "--reason"),
        (["--reason", REASON, "HAZ-001"], "--author"),
    ],
)
def test_wrong_usage_ends_with_2(suspect, arguments, words, capsys):
    before = (suspect / LEDGER).read_bytes()
    with pytest.raises(SystemExit, match=r"^2$"):
        main(["--root", str(suspect), *arguments])
    assert words in capsys.readouterr().err
    assert (suspect / LEDGER).read_bytes() == before


def test_help_says_what_is_entered_and_what_each_part_means(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit, match=r"^0$"):
        main(["--help"])
    told = capsys.readouterr().out
    for words in (
        "usage: python -m risk.criteria [-h] [--root ROOT] --author AUTHOR --reason REASON ID [ID ...]\n",
        "\nEnters estimates that were judged again by the policy.\n",
        " hazards and controls that were looked at, each by its id\n",
        " repository root (default: the current folder)\n",
        " role or demonstration identity, for example DEMO-author\n",
        " what was looked at, and with what result\n",
    ):
        assert words in told


def test_without_a_root_the_current_folder_is_meant(suspect, monkeypatch):
    monkeypatch.chdir(suspect)
    assert main(["--author", "DEMO-author", "--reason", REASON, "HAZ-001"]) == 0
    assert "HAZ-001" not in items(suspect)


@pytest.mark.parametrize(("reason", "code"), [("123456789", 2), ("1234567890", 0), ("  12345678  ", 2)])
def test_a_reason_of_ten_characters_is_the_shortest(suspect, reason, code):
    arguments = ["--root", str(suspect), "--author", "DEMO-author", "--reason", reason, "HAZ-001"]
    if code:
        with pytest.raises(SystemExit, match=r"^2$"):
            main(arguments)
    else:
        assert main(arguments) == 0


def test_the_repair_names_the_command_that_exists():
    assert COMMAND == "risk.criteria"
    assert re.search(rf"python -m {COMMAND} ", said(FIRST, entry("HAZ-001", HAZARD))[0])
