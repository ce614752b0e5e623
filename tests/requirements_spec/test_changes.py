from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from requirements_spec import loader
from requirements_spec.changes import (
    CLAUSE,
    LEDGER,
    SPECIFICATION_BOOK,
    Change,
    Content,
    append,
    change_problems,
    check,
    main,
    pending,
    read_ledger,
    specification_content,
)

REASON = "because the test says so"
AUDIT = "requirements_spec/data/software_requirements/audit.toml"


@pytest.fixture
def ledger(project):
    """A project whose ledger accounts for everything."""
    (project / LEDGER).unlink(missing_ok=True)
    assert run(project, "record", "--author", "DEMO-author", "--reason", REASON) == 0
    return project


def run(project, *arguments):
    return main(SPECIFICATION_BOOK, ["--root", str(project), *arguments])


def edit(project, old, new, file=AUDIT):
    path = project / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def found(project):
    return [(problem.code, problem.item) for problem in check(project, SPECIFICATION_BOOK)]


def test_the_shipped_ledger_accounts_for_every_item(root):
    assert [str(problem) for problem in check(root, SPECIFICATION_BOOK)] == []


def test_authors_of_the_shipped_ledger_are_demonstration_identities(root):
    entries, _ = read_ledger(root, LEDGER)
    assert {entry.author[:5] for entry in entries} == {"DEMO-"}


def test_an_edit_without_entry_is_a_problem_at_the_item(ledger):
    assert found(ledger) == []
    edit(ledger, "exactly one JSON line", "a JSON line")
    (problem,) = check(ledger, SPECIFICATION_BOOK)
    assert (problem.code, problem.item) == ("CHG-UNRECORDED", "SRS-054")
    assert problem.where.startswith(f"{AUDIT}:")


def test_moving_an_item_down_its_file_is_no_change(ledger):
    edit(ledger, "[[requirement]]", "# a comment\n\n[[requirement]]")
    assert found(ledger) == []


def test_an_entry_makes_the_edit_good_and_only_the_edited_item_gets_one(ledger):
    before = (ledger / LEDGER).read_bytes()
    edit(ledger, "exactly one JSON line", "a JSON line")
    assert run(ledger, "record", "--author", "DEMO-author", "--reason", REASON) == 0
    after = (ledger / LEDGER).read_bytes()
    assert after.startswith(before)
    assert after.count(b"[[change]]") == before.count(b"[[change]]") + 1
    assert run(ledger, "check") == 0


def test_recording_twice_adds_nothing(ledger, capsys):
    before = (ledger / LEDGER).read_bytes()
    assert run(ledger, "record", "--author", "DEMO-author", "--reason", REASON) == 0
    assert (ledger / LEDGER).read_bytes() == before
    assert capsys.readouterr().out.splitlines()[-1] == f"0 entries added to {LEDGER}"


def test_a_removed_item_needs_an_entry_too(ledger):
    text = (ledger / AUDIT).read_text(encoding="utf-8")
    (ledger / AUDIT).write_text(text[: text.rindex("[[requirement]]")], encoding="utf-8")
    (problem,) = check(ledger, SPECIFICATION_BOOK)
    assert (problem.code, problem.item) == ("CHG-UNRECORDED", "SRS-125")
    assert problem.where.startswith(f"{LEDGER}:")
    assert problem.found.startswith("content removed")
    assert run(ledger, "record", "--author", "DEMO-author", "--reason", REASON) == 0
    assert found(ledger) == []


def test_an_interface_counts_as_part_of_the_system(ledger):
    edit(ledger, "one outcome for each input", "some outcomes", "requirements_spec/data/architecture.toml")
    assert found(ledger) == [("CHG-UNRECORDED", "SWS-THORATRACE")]


def test_another_version_of_a_soup_item_is_a_change(ledger):
    edit(ledger, "\npydicom==3.0.2", "\npydicom==3.0.3", "requirements.lock")
    assert found(ledger) == [("CHG-UNRECORDED", "SOUP-PYDICOM")]


def test_an_entry_rewritten_by_hand_breaks_the_chain(ledger):
    edit(ledger, "exactly one JSON line", "a JSON line")
    run(ledger, "record", "--author", "DEMO-author", "--reason", REASON)
    entry = read_ledger(ledger, LEDGER)[0][-1]
    edit(ledger, f'old = "{entry.old}"', f'old = "{"0" * 64}"', LEDGER)
    assert ("CHG-CHAIN", "SRS-054") in found(ledger)
    assert run(ledger, "record", "--author", "DEMO-author", "--reason", REASON) == 1


def test_a_ledger_that_is_lost_or_damaged_is_a_problem(ledger):
    (ledger / LEDGER).write_bytes(b"\xff")
    assert ("SPC-ENCODING", "$") in found(ledger)
    (ledger / LEDGER).unlink()
    assert ("SPC-FILE", "$") in found(ledger)
    assert ("CHG-UNRECORDED", "SRS-001") in found(ledger)


def test_data_with_problems_are_not_recorded(ledger, capsys):
    before = (ledger / LEDGER).read_bytes()
    edit(ledger, 'id = "SRS-054"', 'id = "SRS-54"')
    assert run(ledger, "record", "--author", "DEMO-author", "--reason", REASON) == 1
    assert (ledger / LEDGER).read_bytes() == before
    assert "SPC-VALUE" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["record", "--author", "DEMO-author"],
        ["record", "--author", "DEMO-author", "--reason", "short"],
        ["record", "--author", "DEMO-author", "--reason", "two lines\nin a reason"],
        ["record", "--author", "DEMO\tauthor", "--reason", REASON],
        ["record", "--author", "\u4e2d", "--reason", REASON],
        ["approve"],
        [],
    ],
)
def test_wrong_usage_ends_with_2_and_writes_nothing(ledger, arguments):
    before = (ledger / LEDGER).read_bytes()
    with pytest.raises(SystemExit, match="2"):
        run(ledger, *arguments)
    assert (ledger / LEDGER).read_bytes() == before


def test_a_reason_survives_quotes_and_backslashes(project):
    (project / LEDGER).unlink(missing_ok=True)
    reason = 'a "quoted" C:\\path, \u4e2d\u6587 and # signs'
    run(project, "record", "--author", "DEMO-author", "--reason", reason)
    entries, problems = read_ledger(project, LEDGER)
    assert problems == ()
    assert {entry.reason for entry in entries} == {reason}


def test_an_entry_that_changes_nothing_breaks_the_chain():
    entries = (
        Change("A", "", "1" * 64, "DEMO-author", REASON, "l:1"),
        Change("A", "1" * 64, "1" * 64, "DEMO-author", REASON, "l:2"),
    )
    (problem,) = change_problems(Content({"A": "1" * 64}, {"A": "f:1"}), entries, "x")
    assert (problem.code, problem.where) == ("CHG-CHAIN", "l:2")


PRINTS = st.dictionaries(st.sampled_from("ABCDE"), st.sampled_from(["1" * 64, "2" * 64, "3" * 64]))


@given(st.lists(PRINTS, min_size=1, max_size=5))
def test_pending_entries_always_bring_the_ledger_up_to_date(states):
    entries: tuple[Change, ...] = ()
    for state in states:
        content = Content(state, dict.fromkeys(state, "f:1"))
        entries += pending(content, entries, "DEMO-author", REASON)
        assert change_problems(content, entries, "x") == ()
        assert pending(content, entries, "DEMO-author", REASON) == ()


OLD_POLICY, NEW_POLICY, HAZARD = "a" * 64, "b" * 64, "1" * 64


def judged(policy, hazard=HAZARD):
    return Content({"POLICY": policy, "HAZ-1": hazard}, {"POLICY": "p:1", "HAZ-1": "h:1"}, criteria="POLICY")


def test_criteria_are_entered_before_what_they_judge_and_named_by_it():
    entries = pending(judged(OLD_POLICY), (), "DEMO-author", REASON)
    assert [(entry.item, entry.under) for entry in entries] == [("POLICY", ""), ("HAZ-1", OLD_POLICY)]


def test_changed_criteria_alone_ask_for_no_entry_of_what_they_judge():
    entries = pending(judged(OLD_POLICY), (), "DEMO-author", REASON)
    assert [entry.item for entry in pending(judged(NEW_POLICY), entries, "DEMO-author", REASON)] == ["POLICY"]


def test_a_removed_item_is_judged_by_nothing():
    entries = pending(judged(OLD_POLICY), (), "DEMO-author", REASON)
    gone = Content({"POLICY": OLD_POLICY}, {"POLICY": "p:1"}, criteria="POLICY")
    assert [(entry.item, entry.new, entry.under) for entry in pending(gone, entries, "DEMO-author", REASON)] == [
        ("HAZ-1", "", "")
    ]


@pytest.mark.parametrize(
    ("under", "codes"),
    [(NEW_POLICY, []), (OLD_POLICY, ["CHG-CHAIN"]), ("", ["CHG-CHAIN"])],
    ids=["under other criteria", "under the same", "under none"],
)
def test_the_same_content_may_be_entered_again_under_other_criteria_only(under, codes):
    first = Change("HAZ-1", "", HAZARD, "DEMO-author", REASON, "l:1", OLD_POLICY)
    again = Change("HAZ-1", HAZARD, HAZARD, "DEMO-author", REASON, "l:2", under)
    assert [problem.code for problem in change_problems(Content({"HAZ-1": HAZARD}, {}), (first, again), "x")] == codes


def test_criteria_do_not_make_an_entry_of_nothing_into_one():
    nothing = Change("HAZ-1", "", "", "DEMO-author", REASON, "l:1", OLD_POLICY)
    assert [problem.code for problem in change_problems(Content({}, {}), (nothing,), "x")] == ["CHG-CHAIN"]


def test_the_criteria_of_an_entry_survive_the_file(project):
    append(project / LEDGER, (Change("X-1", "", HAZARD, "DEMO-author", REASON, under=OLD_POLICY),))
    entries, problems = read_ledger(project, LEDGER)
    assert problems == ()
    assert (entries[-1].item, entries[-1].under, entries[0].under) == ("X-1", OLD_POLICY, "")


ONE, TWO, THREE = "1" * 64, "2" * 64, "3" * 64


def entry(item, old, new, line=1, under=""):
    return Change(item, old, new, "DEMO-author", REASON, f"l:{line}", under)


def whole(problem):
    return (problem.where, problem.code, problem.item, problem.found, problem.expected, problem.repair, problem.clause)


RESTORE = "restore the ledger from version control and record the change again"


@pytest.mark.parametrize(
    ("entries", "line", "found", "expected"),
    [
        ([entry("A", ONE, TWO)], 1, f"from {'1' * 12} to {'2' * 12}", "at nothing"),
        ([entry("A", "", ONE), entry("A", "", TWO, 2)], 2, f"from nothing to {'2' * 12}", f"at {'1' * 12}"),
        (
            [entry("A", "", ONE), entry("A", ONE, "", 2), entry("A", TWO, ONE, 3)],
            3,
            f"from {'2' * 12} to {'1' * 12}",
            "at nothing",
        ),
        ([entry("A", "", "")], 1, "from nothing to nothing", "at nothing"),
    ],
)
def test_a_broken_chain_is_told_with_both_ends(entries, line, found, expected):
    last = entries[-1].new
    (problem,) = change_problems(Content({"A": last} if last else {}, {}), entries, "c")
    assert whole(problem)[:6] == (
        f"l:{line}",
        "CHG-CHAIN",
        "A",
        f"an entry {found}",
        f"one that begins {expected} and changes it",
        RESTORE,
    )
    assert problem.clause == CLAUSE


@pytest.mark.parametrize(
    ("fingerprints", "where", "found"),
    [
        ({"A": TWO}, "a:7", f"content {'2' * 12}, recorded {'1' * 12}"),
        ({}, "l:1", f"content removed, recorded {'1' * 12}"),
        ({"A": ONE, "B": THREE}, "b:8", f"content {'3' * 12}, recorded never"),
    ],
)
def test_what_is_not_recorded_is_told_with_both_contents(fingerprints, where, found):
    content = Content(fingerprints, {"A": "a:7", "B": "b:8"} if fingerprints else {})
    (problem,) = change_problems(content, [entry("A", "", ONE)], "some.module")
    assert whole(problem) == (
        where,
        "CHG-UNRECORDED",
        "B" if "B" in fingerprints else "A",
        found,
        "an entry in the ledger of changes that leads to this content",
        'run: python -m some.module record --author ROLE --reason "WHY"',
        CLAUSE,
    )


def test_several_problems_come_sorted_by_place():
    content = Content({"B": ONE, "A": ONE}, {"B": "b:1", "A": "a:1"})
    assert [each.where for each in change_problems(content, [entry("C", ONE, "")], "c")] == ["a:1", "b:1", "l:1"]


def test_an_item_judged_again_without_older_criteria_is_no_idle_entry():
    first, again = entry("A", "", ONE), entry("A", ONE, ONE, 2, under=TWO)
    assert change_problems(Content({"A": ONE}, {}), [first, again], "c") == ()
    assert [
        each.where for each in change_problems(Content({"A": ONE}, {}), [first, again, entry("A", ONE, ONE, 3, under=TWO)], "c")
    ] == ["l:3"]


def test_entries_are_written_as_they_are_read_back(tmp_path):
    entries = (entry("X-1", "", ONE), entry("X-1", ONE, TWO, under=THREE))
    append(tmp_path / "ledger.toml", entries[:1])
    append(tmp_path / "ledger.toml", entries[1:])
    read, problems = read_ledger(tmp_path, "ledger.toml")
    assert problems == ()
    assert [replace(each, where="") for each in read] == [replace(each, where="") for each in entries]
    assert [each.where for each in read] == ["ledger.toml:5", "ledger.toml:12"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ledger.toml"]


def test_the_system_changes_with_its_interfaces_and_stands_at_its_place(project):
    specification, _ = loader.load(project)
    content = specification_content(specification)
    ids = {each.id for each in (*specification.needs, *specification.requirements, *specification.items, *specification.soup)}
    assert set(content.fingerprints) == set(content.places) == {*ids, specification.system.id}
    assert content.places[specification.system.id] == specification.system.where
    assert content.places[specification.needs[0].id] == specification.needs[0].where
    fewer = specification_content(replace(specification, interfaces=specification.interfaces[1:]))
    changed = {name for name, value in content.fingerprints.items() if fewer.fingerprints[name] != value}
    assert changed == {specification.system.id}
    without = specification_content(replace(specification, system=None))
    assert set(without.fingerprints) == ids
    assert content.criteria == ""


def test_the_command_prints_what_it_did_and_what_is_wrong(ledger, capsys):
    edit(ledger, "exactly one JSON line", "a JSON line")
    assert run(ledger, "check") == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "CHG-UNRECORDED" in captured.err
    assert "python -m requirements_spec.changes record" in captured.err
    assert run(ledger, "record", "--author", "DEMO-author", "--reason", REASON) == 0
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == (f"1 entries added to {LEDGER}\n", "")
    assert run(ledger, "check") == 0
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


@pytest.mark.parametrize(("length", "code"), [(9, 2), (10, 0)])
def test_the_shortest_reason_has_ten_characters(ledger, length, code):
    try:
        ended = run(ledger, "record", "--author", "DEMO-author", "--reason", "x" * length)
    except SystemExit as ending:
        ended = ending.code
    assert ended == code
