"""What changed in each item, with old and new words; and the suspect set that grows with what changed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.change_package.comparison import compare
from pipeline.change_package.ends import open_pair
from pipeline.change_package.items import Field, differences, read_items
from verification.trace.revisions import changed_files

NEEDS = "requirements_spec/data/user_needs.toml"
REQUIREMENTS = "requirements_spec/data/software_requirements/device.toml"
HAZARDS = "risk/data/hazards.toml"
CONTROLS = "risk/data/controls.toml"
FEATURE = "verification/features/admission.feature"
ARCHITECTURE = "requirements_spec/data/architecture.toml"
CHILD = "TC:admission.feature::A child's film is refused"
REFUSED = "Given a film\nWhen it is analysed\nThen it is refused"
WORDS = st.dictionaries(st.sampled_from("abcd"), st.sampled_from(["", "x", "y"]))


@given(WORDS, WORDS)
def test_differences_are_symmetric(before, after):
    there, back = differences(before, after), differences(after, before)
    assert [Field(each.name, each.after, each.before) for each in back] == list(there)
    assert {each.name for each in there} == {name for name in {*before, *after} if before.get(name, "") != after.get(name, "")}


def found(releases):
    return compare(releases.root, open_pair(releases.root, "0.1.0"))


def fields(found, item):
    return {field.name: (field.before, field.after) for each in found.items if each.id == item for field in each.fields}


def test_nothing_changed(released):
    comparison = found(released)
    assert (comparison.items, comparison.impact.suspects, comparison.risks, comparison.reruns) == ((), (), (), ())


@pytest.mark.parametrize(
    ("edit", "item", "expected"),
    [
        (
            (NEEDS, "No result for a child.", "No mark for a child."),
            "UN-001",
            {"text": ("No result for a child.", "No mark for a child.")},
        ),
        (
            (REQUIREMENTS, "A film of age 17 is refused.", "Age 17."),
            "SRS-001",
            {"acceptance": ("A film of age 17 is refused.", "Age 17.")},
        ),
        (
            (CONTROLS, 'evidence = ["@RC-001"]', 'evidence = ["@RC-001", "@SRS-001"]'),
            "RC-001",
            {"evidence": ("@RC-001", "@RC-001\n@SRS-001")},
        ),
        ((HAZARDS, "probability = 4", "probability = 5"), "HS-001", {"probability": ("4", "5")}),
        ((HAZARDS, "The router sends it.", "It is sent."), "HAZ-001", {"source": ("The router sends it.", "It is sent.")}),
        (
            (FEATURE, "Then it is refused", "Then it is not marked"),
            CHILD,
            {"steps": (REFUSED, REFUSED.replace("refused", "not marked"))},
        ),
        (
            ("validation/protocol.toml", "threshold = 0.65", "threshold = 0.7"),
            "VE:ap50-macro",
            {"set phantom 1.threshold": ("0.65", "0.7")},
        ),
        (
            ("validation/protocol.toml", 'budgets = ["quick"]', 'budgets = ["release"]'),
            "VE:ap50-macro",
            {"set phantom 1.budgets": ("quick", "release")},
        ),
        (
            ("validation/protocol.toml", "[[set]]", "[analysis]\niou = 0.6\n[[set]]"),
            "VE:ap50-macro",
            {"protocol.analysis.iou": ("", "0.6")},
        ),
        (("requirements.lock", "numpy==2.4.0", "numpy==2.4.1"), "SOUP-NUMPY", {"version": ("2.4.0", "2.4.1")}),
        (
            (ARCHITECTURE, 'passes = "itself"', 'passes = "a film"'),
            "SWS-TINY",
            {"interface SWI-DEVICE -> SWI-DEVICE": ("itself", "a film")},
        ),
    ],
)
def test_old_and_new_words_of_each_kind(releases, edit, item, expected):
    releases.project.replace(*edit)
    comparison = found(releases)
    changed = {each.id: each.how for each in comparison.items}
    assert changed[item] == "changed"
    assert fields(comparison, item) == expected


def test_every_item_with_words_that_impact_names_has_differing_words(releases):
    for edit in ((NEEDS, "Another anatomy.", "Small."), (CONTROLS, "No mark.", "No."), (HAZARDS, "P1 = 1.", "P1 is 1.")):
        releases.project.replace(*edit)
    before, comparison = read_items(releases.root), found(releases)
    assert {"UN-001", "RC-001", "HS-001"} <= {each.id for each in comparison.items}
    assert all(each.fields for each in comparison.items if each.id in before)


def test_an_item_that_is_new_shows_every_field_and_one_that_is_gone_too(releases):
    text = releases.project.read(NEEDS)
    releases.project.write(NEEDS, text + text[text.index("[[need]]") :].replace("UN-001", "UN-002"))
    added = next(each for each in found(releases).items if each.id == "UN-002")
    assert (added.how, {field.before for field in added.fields}) == ("added", {""})
    releases.release("0.2.0")
    releases.project.write(NEEDS, text)
    gone = next(each for each in compare(releases.root, open_pair(releases.root, "0.2.0")).items if each.id == "UN-002")
    assert (gone.how, {field.after for field in gone.fields}) == ("removed", {""})


EDITS = (
    (NEEDS, "Another anatomy.", "Small."),
    (HAZARDS, "The router sends it.", "Sent."),
    (CONTROLS, "No mark.", "No."),
    (FEATURE, "Then it is refused", "Then it is not marked"),
    ("device_sw/device.py", "ADULT = 18", "ADULT = 19"),
    (REQUIREMENTS, "Readers ask.", "They do."),
)


def test_the_suspect_set_grows_with_what_changed(releases):
    """Whatever was changed or suspect after some edits is changed or suspect after more of them, and so is what has to be judged and run again."""
    seen, judged, rerun = set(), set(), set()
    for edit in EDITS:
        releases.project.replace(*edit)
        comparison = found(releases)
        now = {each.id for each in (*comparison.items, *comparison.impact.suspects)}
        assert seen <= now
        assert judged <= {each.id for each in comparison.risks}
        assert rerun <= {each.id for each in comparison.reruns}
        seen, judged, rerun = now, {each.id for each in comparison.risks}, {each.id for each in comparison.reruns}
    assert {"SRS-001", "RC-001", "HS-001"} <= seen


def test_what_cannot_be_read_is_said(releases):
    releases.project.replace(NEEDS, 'title = "Adults only"', "title = 3")
    comparison = found(releases)
    assert any("SPC-TYPE" in each for each in comparison.impact.unread)
    assert NEEDS in changed_files(releases.root, comparison.pair.span)
