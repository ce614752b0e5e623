"""What a program may answer on a worksheet: never "no" where something was not compared, never a decision."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.change_package import worksheets
from pipeline.change_package.comparison import compare
from pipeline.change_package.documents import PAGES, DocumentChange
from pipeline.change_package.ends import open_pair
from pipeline.change_package.errors import ChangePackageRefused
from pipeline.change_package.facts import NAMES, Fact, facts
from pipeline.change_package.items import Field, ItemChange
from pipeline.change_package.made_parts import DATA, WEIGHTS, State
from pipeline.change_package.worksheets import BY_A_PERSON, FILES, Rule, answered, drafts, load_sheets
from pipeline.dossier.standards import load_register
from tests.verification.trace.conftest import ROOT
from verification.trace.graph import Kind

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
    asked = [each for sheet in (fda, mdr) for each in sheet.questions]
    assert {name for each in asked for name in (*each.of, *each.unless, *each.evidence)} == NAMES


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ('rule = "person"\n', 'rule = "guess"\n', "SPC-VALUE"),
        ('rule = "person"\n', "", "SPC-MISSING-KEY"),
        ('of = ["needs", "requirements", "endpoints"]\n', "", "a rule without the facts it asks"),
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
    asking = (
        "Scope",
        "Question 1",
        "Question 2",
        "Question 3a",
        "Question 3b",
        "Question 4",
        "Further factors",
        "Main chart",
        "Chart A, intended purpose",
        "Chart B, design or performance",
        "Chart C, platform",
    )
    assert {found[name] for name in asking} == {BY_A_PERSON}


@pytest.fixture(scope="module")
def equal(twice):
    """What lies between two releases that hold the same; without the exams, because nobody judged the locked cohort and that alone keeps some answers open."""
    return replace(compare(twice.root, open_pair(twice.root, "0.1.0..0.2.0")), exams=())


def answers_of(found):
    fda, mdr = drafts(load_sheets(), facts(found))
    return {each.question.id: each.computed for each in (*fda.answers, *mdr.answers)}


def test_another_release_with_the_same_content(equal):
    found = answers_of(equal)
    left = {name for name, computed in found.items() if computed != "no"}
    assert {"Scope", "Question 3a", "Question 3b", "Main chart", "Chart A, intended purpose", "Chart C, platform"}.isdisjoint(
        left
    )


def part(name):
    """Return the only difference: one sealed part."""
    return lambda found: replace(
        found, parts=tuple(replace(each, state=State.OTHER) if each.name == name else each for each in found.parts)
    )


def claim(name):
    return lambda found: replace(
        found, claims=tuple(replace(each, state=State.OTHER) if each.name == name else each for each in found.claims)
    )


def item(name, kind, *fields):
    """Return the only difference: one item."""
    changed = ItemChange(name, str(kind), "changed", name, "a:1", tuple(Field(each, "a", "b") for each in fields))
    return lambda found: replace(found, items=(changed,))


def document(name):
    return lambda found: replace(found, documents=(DocumentChange(name, name, "changed", ()),))


def page(name):
    return lambda found: replace(found, pages=(DocumentChange(PAGES + name, name, "changed", ()),))


def path(name):
    return lambda found: replace(found, files=(name,))


OF_THE_DEVICE = {
    **{
        name: part(name)
        for name in ("bundle/findings.toml", "bundle/manifest.json", "bundle/model.json", "bundle/thresholds.json")
    },
    **{name: part(name) for name in ("files/environment.json", "archive/wheel/device.whl")},
    **{name: claim(name) for name in (WEIGHTS, DATA)},
    "a module": item("device_sw.device", Kind.MODULE),
    "a table beside the modules": item("SWI-DEVICE", Kind.ITEM),
    "the system": item("SWS-TINY", "system"),
    "a SOUP item": item("SOUP-NUMPY", Kind.SOUP),
    "a file that the model is made from": item("MODEL", "model"),
    "a component": lambda found: replace(found, components=(Field("numpy", "2.4.0", "2.4.1"),)),
    "a parameter": lambda found: replace(found, parameters=(Field("train.seed", "7", "8"),)),
}
"""Every kind of difference that the device may be another by, as the only one between two releases."""


@pytest.mark.parametrize("name", OF_THE_DEVICE)
def test_no_difference_of_the_device_leaves_its_questions_at_no(equal, name):
    made = OF_THE_DEVICE[name](equal)
    assert made != equal
    found = answers_of(made)
    assert "no" not in (found["Scope"], found["Main chart"])


@pytest.mark.parametrize(
    ("change", "questions"),
    [
        (part("bundle/thresholds.json"), ("Question 3a", "Question 3b", "Question 4", "Chart B, design or performance")),
        (part("bundle/model.json"), ("Question 3a", "Question 3b", "Chart C, architecture and algorithm", "Chart C, loop")),
        (part("bundle/findings.toml"), ("Question 4", "Chart C, feature and channel", "Chart C, presentation")),
        (part("files/environment.json"), ("Chart C, platform",)),
        (item("SWI-DEVICE", Kind.ITEM), ("Question 3a", "Question 4", "Chart B, design or performance")),
        (item("MODEL", "model"), ("Question 3b", "Question 4", "Chart C, architecture and algorithm")),
        (document("docs/zh-hant.toml"), ("Chart A, intended purpose", "Chart C, presentation")),
        (item("RC-001", Kind.CONTROL, "ifu_sentence"), ("Chart A, intended purpose",)),
        (item("RC-001", Kind.CONTROL, "label_section"), ("Chart A, intended purpose",)),
        (item("HS-001", Kind.SITUATION), ("Chart A, intended purpose",)),
        (page("labelling-zh-hant.html"), ("Chart A, intended purpose",)),
        (page("label.html"), ("Chart A, intended purpose",)),
        (page("intended-use.html"), ("Chart A, intended purpose",)),
        (path("device_sw/findings.toml"), ("Chart A, intended purpose",)),
        (path("device_sw/decision_trace.schema.json"), ("Chart C, feature and channel",)),
        (document("docs/schemas/result.schema.json"), ("Chart C, feature and channel",)),
    ],
)
def test_what_a_reader_or_a_judge_gets_otherwise_keeps_no_away(equal, change, questions):
    before, after = answers_of(equal), answers_of(change(equal))
    assert {before[name] for name in questions} == {"no"}
    assert "no" not in {after[name] for name in questions}


def test_before_the_questions_nothing_is_computed(equal):
    """That question asks of anything but software too, which no program here compares."""
    assert answers_of(equal)["Before the questions"] == BY_A_PERSON


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
