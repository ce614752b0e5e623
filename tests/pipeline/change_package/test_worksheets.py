"""What a program may answer on a worksheet: never "no" where something was not compared, never a decision."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.change_package import worksheets
from pipeline.change_package.comparison import compare
from pipeline.change_package.ends import open_pair
from pipeline.change_package.errors import ChangePackageRefused
from pipeline.change_package.facts import NAMES, Fact, facts
from pipeline.change_package.worksheets import BY_A_PERSON, FILES, Rule, answered, drafts, load_sheets
from pipeline.dossier.standards import load_register
from tests.verification.trace.conftest import ROOT

FOLDER = Path(worksheets.__file__).parent
FACTS = st.builds(
    Fact,
    st.just("x"),
    st.just("x"),
    st.lists(st.just("SRS-001 changed"), max_size=2).map(tuple),
    st.sampled_from(["", "not here"]),
)


@given(st.sampled_from(Rule), st.lists(FACTS, max_size=4))
def test_the_answers_of_the_rules(rule, asked):
    computed, _ = answered(rule, asked)
    some, all_compared = any(each.entries for each in asked), not any(each.incomplete for each in asked)
    expected = {
        Rule.PERSON: BY_A_PERSON,
        Rule.NO_WHEN_ANY: "no" if some else BY_A_PERSON,
        Rule.NO_WHEN_NONE: "no" if not some and all_compared else BY_A_PERSON,
        Rule.WHETHER_ANY: "yes" if some else "no" if all_compared else BY_A_PERSON,
    }
    assert computed == expected[rule]


def test_both_worksheets_are_whole_and_their_texts_are_in_the_register():
    fda, mdr = load_sheets()
    known = {each.id for each in load_register(ROOT).standards}
    assert {fda.standard, mdr.standard} <= known
    assert [each.id for each in fda.questions if each.id.startswith("Question")] == [
        f"Question {n}" for n in ("1", "2", "3a", "3b", "4")
    ]
    assert all(sheet.look_up for sheet in (fda, mdr))
    assert "No version of this device is cleared" in fda.applies
    assert "legacy devices only" in mdr.applies
    assert {name for sheet in (fda, mdr) for each in sheet.questions for name in (*each.of, *each.evidence)} == NAMES


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ('rule = "person"\n', 'rule = "guess"\n', "SPC-VALUE"),
        ('rule = "person"\n', "", "SPC-MISSING-KEY"),
        ('of = ["intended-use", "labels"]\n', "", "a rule without the facts it asks"),
        ('evidence = ["intended-use", "labels", "needs"]', 'evidence = ["mood"]', "SPC-VALUE"),
        ('id = "Question 2"', 'id = "Question 1"', "SPC-DUPLICATE-ID"),
        ('id = "Question 1"', 'id = "Question 1"\nanswer = "no"', "SPC-UNKNOWN-KEY"),
    ],
)
def test_a_worksheet_that_does_not_hold_is_refused(tmp_path, old, new, found):
    for name in FILES:
        text = (FOLDER / name).read_text(encoding="utf-8")
        assert name != FILES[0] or old in text
        (tmp_path / name).write_text(text.replace(old, new, 1) if name == FILES[0] else text, encoding="utf-8")
    with pytest.raises(ChangePackageRefused, match=rf"CPK-WORKSHEET at fda_software_change\.toml: .*{found}"):
        load_sheets(tmp_path)


def answers(releases, span):
    found = compare(releases.root, open_pair(releases.root, span))
    fda, mdr = drafts(load_sheets(), facts(found))
    return {each.question.id: each.computed for each in (*fda.answers, *mdr.answers)}


def test_nothing_is_answered_no_for_a_working_tree_where_model_or_data_count(released):
    found = answers(released, "0.1.0")
    assert [found[name] for name in ("Question 3b", "Chart A, intended purpose")] == ["no", "no"]
    asking = (
        "Scope",
        "Question 1",
        "Question 2",
        "Question 3a",
        "Question 4",
        "Further factors",
        "Chart B, design or performance",
    )
    assert {found[name] for name in asking} == {BY_A_PERSON}


def test_another_release_with_the_same_content(releases):
    releases.release("0.2.0")
    found = answers(releases, "0.1.0..0.2.0")
    assert [found[name] for name in ("Scope", "Question 3a", "Main chart")] == ["no", "no", "no"]


def test_a_changed_need_and_other_weights(releases):
    releases.project.replace("requirements_spec/data/user_needs.toml", "Another anatomy.", "Small.")
    releases.project.write("docs/intended-use.md", "# Intended use\n\nAdults and children.\n")
    releases.release("0.2.0", weights=b"other weights")
    found = answers(releases, "0.1.0..0.2.0")
    assert (found["Question 1"], found["Question 2"], found["Main chart"], found["Chart C, architecture and algorithm"]) == (
        "no",
        "no",
        "yes",
        "yes",
    )
    assert {found[name] for name in ("Before the questions", "Question 4", "Chart A, intended purpose")} == {BY_A_PERSON}


def test_what_could_not_be_read_keeps_every_no_away(releases):
    releases.release("0.2.0")
    releases.project.replace("risk/data/hazards.toml", "severity = 3", 'severity = "three"')
    releases.release("0.3.0")
    assert "no" not in answers(releases, "0.2.0..0.3.0").values()


def test_weights_that_have_to_be_made_again_are_not_called_changed(releases):
    """Other inputs of the training say that nobody knows the weights yet; they do not say that the weights differ."""
    releases.project.write("phantom/thorax.py", "RIBS = 22\n")
    found = facts(compare(releases.root, open_pair(releases.root, "0.1.0")))
    assert found["weights"].entries == ()
    assert found["weights"].incomplete.endswith("to be made again, since the stage train has other inputs")
    assert answers(releases, "0.1.0")["Chart C, architecture and algorithm"] == BY_A_PERSON
