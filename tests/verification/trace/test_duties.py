"""What the data owe, item by item: in the small project everything, written down by hand from its files, and nothing besides."""

import re
import tomllib
from dataclasses import replace

import pytest

from requirements_spec import loader
from requirements_spec.model import Method
from risk import loader as risk_loader
from risk.model import ControlKind
from verification.trace import features
from verification.trace.duties import duties, people_duties, protocol_duties
from verification.trace.obligations import LINK
from verification.trace.people import People, Rule
from verification.trace.renewal import compare

NEEDS = "requirements_spec/data/user_needs.toml"
REQUIREMENTS = "requirements_spec/data/software_requirements/device.toml"
ARCHITECTURE = "requirements_spec/data/architecture.toml"
SOUP = "requirements_spec/data/soup.toml"
HAZARDS, CONTROLS, POLICY = (f"risk/data/{name}.toml" for name in ("hazards", "controls", "policy"))
FEATURE = "verification/features/admission.feature"
CHILD, VIEW = "TC:admission.feature::A child's film is refused", "TC:admission.feature::Every view is told"

OWED = {
    "UN-001": {
        ("item", "", "need"),
        ("text", "", "No result for a child."),
        ("link is rendered in", "user-needs", 1),
    },
    "SRS-001": {
        ("item", "", "requirement"),
        ("text", "", "The device shall refuse a film of a patient under 18."),
        ("acceptance", "", "A film of age 17 is refused."),
        ("safety", "", True),
        ("disposition", "", True),
        ("verified by test", "", True),
        ("link serves", "UN-001", 1),
        ("link contributes to", "RC-001", 1),
        ("link is allocated to", "SWI-DEVICE", 1),
        ("link is rendered in", "software-requirements", 1),
    },
    "SRS-002": {
        ("item", "", "requirement"),
        ("text", "", "The device shall write the view into the record."),
        ("acceptance", "", "The record holds the view."),
        ("safety", "", False),
        ("disposition", "", False),
        ("verified by test", "", True),
        ("link serves", "UN-001", 1),
        ("link is allocated to", "SWI-DEVICE", 1),
        ("link is rendered in", "software-requirements", 1),
    },
    "SWS-TINY": {
        ("item", "", "software system"),
        ("safety class", "", 2),
        ("documentation level", "", 1),
    },
    "SWI-DEVICE": {("item", "", "software item")},
    "SOUP-NUMPY": {("item", "", "soup"), ("statement", "adds", 1), ("link is used by", "SWI-DEVICE", 1)},
    "HAZ-001": {("item", "", "hazard"), ("statement", "a film of a child enters", 1), ("statement", "it is marked", 1)},
    "HS-001": {
        ("item", "", "situation"),
        ("text", "", "Marks on a child's film are believed."),
        ("harm", "", "An unneeded CT."),
        ("severity", "", 3),
        ("probability", "", 4),
        ("residual severity", "", 3),
        ("residual probability", "", 2),
        ("link arises from", "HAZ-001", 1),
    },
    "RC-001": {
        ("item", "", "control"),
        ("text", "", "A film of a patient under 18 is refused."),
        ("option", "", 2),
        ("arising risk", "", False),
        ("claimed steps", "probability", 2),
        ("claimed steps", "severity", 0),
        ("link reduces", "HS-001", 1),
        ("link is implemented by", "SRS-001", 1),
        ("link is shown by", "@RC-001", 1),
    },
    "SD-001": {("item", "", "seeded defect"), ("link is seeded against", "RC-001", 1)},
    CHILD: {
        ("item", "", "scenario"),
        ("done", "a film", 1),
        ("done", "it is analysed", 1),
        ("expected", "it is refused", 1),
        ("link verifies", "SRS-001", 1),
        ("link verifies", "RC-001", 1),
    },
    VIEW: {
        ("item", "", "scenario"),
        ("row", "view=PA", 1),
        ("row", "view=LATERAL", 1),
        ("done", "a film", 1),
        ("done", "the view is <view>", 1),
        ("expected", "the record says <view>", 1),
        ("link verifies", "SRS-001", 1),
        ("link verifies", "SRS-002", 1),
    },
    "page user-needs": {("item", "", "section")},
    "page software-requirements": {("item", "", "section")},
}
PLACES = {
    "UN-001": (NEEDS, "[[need]]"),
    "SRS-001": (REQUIREMENTS, "[[requirement]]"),
    "SWS-TINY": (ARCHITECTURE, "[system]"),
    "SWI-DEVICE": (ARCHITECTURE, "[[item]]"),
    "SOUP-NUMPY": (SOUP, "[[soup]]"),
    "HAZ-001": (HAZARDS, "[[hazard]]"),
    "HS-001": (HAZARDS, "[[hazard.situation]]"),
    "RC-001": (CONTROLS, "[[control]]"),
    CHILD: (FEATURE, "Scenario: A child"),
    VIEW: (FEATURE, "Scenario Outline:"),
    "page user-needs": ("docs/user-needs.md", "# User needs"),
}


def owed_by(project, **changed):
    """Return all obligations of a project; ``changed`` replaces fields of its only control, its first requirement or its only situation."""
    specification, problems = loader.load(project.root)
    assert problems == ()
    risk, _ = risk_loader.load(project.root, specification)
    scenarios, _ = features.load(project.root)
    if "control" in changed:
        risk = replace(risk, controls=(replace(risk.controls[0], **changed["control"]),))
    if "requirement" in changed:
        first, *others = specification.requirements
        specification = replace(specification, requirements=(replace(first, **changed["requirement"]), *others))
    if "situation" in changed:
        hazard = replace(risk.hazards[0], situations=(replace(risk.situations[0], **changed["situation"]),))
        risk = replace(risk, hazards=(hazard,))
    shares = duties(project.check().graph, specification, risk, scenarios)
    return tuple(each for share in shares for each in share.obligations)


def of(owed, item):
    return {(each.aspect, each.member, each.value) for each in owed if each.item == item}


def test_the_small_project_owes_what_its_files_say_and_nothing_else(project):
    owed = owed_by(project)
    assert {each.item for each in owed} == {*OWED, "POLICY-RISK"}
    for item, expected in OWED.items():
        assert of(owed, item) == expected, item
    assert len({(each.item, each.aspect, each.member) for each in owed}) == len(owed)


@pytest.mark.parametrize("item", PLACES)
def test_each_obligation_stands_where_its_item_is_written(project, item):
    name, text = PLACES[item]
    places = {each.where for each in owed_by(project) if each.item == item}
    assert places == {f"{name}:{project.line(name, text)}"}


THERE = {"row", "approving role", "subgroup", "strict", "check", "code"}
"""Aspects of what is simply there; so are all links."""


def test_whatever_is_owed_names_itself_in_words_at_a_line_and_counts_once_where_it_is_simply_there(project):
    owed = compare(project.root).current
    assert {each.aspect for each in owed} >= THERE - {"strict", "code", "check", "subgroup"}
    for each in owed:
        assert {type(part) for part in (each.item, each.aspect, each.member)} == {str}, each
        assert each.value not in {None, ""}, each
        assert re.fullmatch(r"[^:]+:\d+", each.where), each
        if (each.aspect in THERE or each.aspect.startswith(LINK)) and each.member != "xfail_strict":
            assert each.value == 1, each
    assert len({each.name for each in owed}) == len(owed)


def test_the_policy_owes_its_matrix_its_scales_and_its_words(project):
    policy = tomllib.loads(project.read(POLICY))
    owed = of(owed_by(project), "POLICY-RISK")
    ranks = {"acceptable": 0, "reduce": 1, "unacceptable": 2}
    cells = {
        ("matrix cell", f"{severity} P{number}", ranks[word])
        for severity, words in policy["acceptability"].items()
        for number, word in enumerate(words, start=1)
    }
    levels = {
        ("criterion", f"{scale} {each['level']}", f"{each['name']}: {each['meaning']}")
        for scale in ("severity", "probability")
        for each in policy[scale]
    }
    assert len(cells) == 25
    assert {each for each in owed if each[0] == "matrix cell"} == cells
    assert levels < owed
    assert {each[1] for each in owed if each[0] == "approving role"} == {"risk management", "clinical safety"}
    assert {each[1] for each in owed if each[0] == "criterion"} - {each[1] for each in levels} == {
        "acceptable",
        "reduce",
        "unacceptable",
        "probability_unknown",
        "overall_residual_method",
        "verification_activities",
        "review",
    }
    assert {("best level", "with fewer than two controls", 2), ("most steps", "of information controls together", 1)} < owed
    assert ("item", "", "policy") in owed


@pytest.mark.parametrize(
    ("kind", "rank"), [(ControlKind.INFORMATION, 0), (ControlKind.PROTECTIVE, 1), (ControlKind("inherent-design"), 2)]
)
def test_options_are_ranked_by_how_much_they_can_be_relied_on(project, kind, rank):
    assert ("option", "", rank) in of(owed_by(project, control={"kind": kind}), "RC-001")


def test_a_control_owes_its_sentence_and_what_it_brings(project):
    owed = of(owed_by(project), "RC-001")
    specification, _ = loader.load(project.root)
    control = risk_loader.load(project.root, specification)[0].controls[0]
    arising = replace(control.arising, risk="Adults are refused.", situations=("HS-002", "HS-003"))
    more = of(owed_by(project, control={"ifu_sentence": "Adults only.", "arising": arising}), "RC-001")
    assert more - owed == {
        ("text", "sentence of the instructions for use", "Adults only."),
        ("arising risk", "", True),
        ("link brings", "HS-002", 1),
        ("link brings", "HS-003", 1),
    }


def test_a_requirement_that_is_not_tested_owes_less(project):
    owed = of(owed_by(project, requirement={"verification": Method.INSPECTION, "controls": ()}), "SRS-001")
    assert {("verified by test", "", False), ("disposition", "", False)} < owed


def test_a_probability_that_cannot_be_estimated_is_a_word_and_no_level(project):
    owed = of(owed_by(project, situation={"probability": None, "residual_probability": None}), "HS-001")
    assert {("probability", "", "not estimated"), ("residual probability", "", "not estimated")} < owed


def test_equal_steps_are_counted_and_other_tags_are_switches(project):
    project.replace(FEATURE, "    When it is analysed\n", "    When it is analysed\n    And it is analysed\n")
    project.replace(FEATURE, "  @RC-001\n", "  @RC-001 @slow\n")
    owed = of(owed_by(project), CHILD)
    assert ("done", "it is analysed", 2) in owed
    assert {each for each in owed if each[0] == "switch"} == {("switch", "@slow", 1)}


def test_a_page_that_does_not_exist_is_not_owed(project):
    (project.root / "docs/user-needs.md").unlink()
    assert "page user-needs" not in {each.item for each in owed_by(project)}


def test_each_role_that_approves_a_document_is_owed():
    people = People(
        "p", (), (Rule("risk/*", ("a", "b"), where="people.toml:7"), Rule("docs/*", ("a",), where="people.toml:9")), ()
    )
    assert [(each.item, each.aspect, each.member, each.value, each.where) for each in people_duties(people)] == [
        ("documents risk/*", "approving role", "a", 1, "people.toml:7"),
        ("documents risk/*", "approving role", "b", 1, "people.toml:7"),
        ("documents docs/*", "approving role", "a", 1, "people.toml:9"),
    ]


PROTOCOL = """\
[analysis]
iou = 0.5
level = 0.95
minimum_n = 20
method = "bootstrap"
seed = inf
[subgroups]
sex = ["F", "M"]
[[set]]
profile = "phantom"
budgets = ["quick", "release"]
[[set.endpoint]]
id = "ap"
metric = "ap50"
direction = "at-least"
threshold = 0.65
bound = "point"
requirement = "SRS-001"
primary = true
[[set.endpoint]]
id = "fp"
metric = "fp"
direction = "at-most"
threshold = 0.8
bound = "upper"
"""


def test_a_protocol_owes_its_rules_its_subgroups_and_each_endpoint():
    owed = {(each.item, each.aspect, each.member): (each.value, each.where) for each in protocol_duties(PROTOCOL)}
    at = {line: f"validation/protocol.toml:{line}" for line in range(1, 30)}
    first, second = "protocol phantom/quick+release ap", "protocol phantom/quick+release fp"
    assert owed == {
        ("protocol", "item", ""): ("validation protocol", at[1]),
        ("protocol", "analysis at least", "iou"): (0.5, at[2]),
        ("protocol", "analysis at least", "level"): (0.95, at[3]),
        ("protocol", "analysis at most", "minimum_n"): (20, at[4]),
        ("protocol", "analysis", "method"): ("bootstrap", at[5]),
        ("protocol", "analysis", "seed"): ("inf", at[6]),
        ("protocol", "subgroup", "sex F"): (1, at[8]),
        ("protocol", "subgroup", "sex M"): (1, at[8]),
        ("protocol phantom/quick+release", "item", ""): ("endpoint set", at[9]),
        (first, "item", ""): ("endpoint", at[12]),
        (first, "judged", "metric"): ("ap50", at[14]),
        (first, "judged", "direction"): ("at-least", at[15]),
        (first, "threshold at least", ""): (0.65, at[16]),
        (first, "judged", "bound"): ("point", at[17]),
        (first, "link is evidence for", "SRS-001"): (1, at[18]),
        (first, "primary", ""): (True, at[19]),
        (second, "item", ""): ("endpoint", at[20]),
        (second, "judged", "metric"): ("fp", at[22]),
        (second, "judged", "direction"): ("at-most", at[23]),
        (second, "threshold at most", ""): (0.8, at[24]),
        (second, "judged", "bound"): ("upper", at[25]),
        (second, "primary", ""): (False, at[20]),
    }


@pytest.mark.parametrize("text", ["[", "a = [" + "[" * 5000])
def test_a_protocol_that_cannot_be_parsed_owes_nothing(text):
    assert protocol_duties(text) == ()


def test_what_is_no_table_in_a_protocol_is_passed_over():
    owed = protocol_duties('analysis = 1\nset = [{ profile = "p", budgets = ["b"], endpoint = 3 }]\n')
    assert [each.item for each in owed] == ["protocol", "protocol p/b"]
    assert [each.item for each in protocol_duties("set = 1\nsubgroups = []\n")] == ["protocol"]


def test_the_locked_cohort_and_the_limits_of_the_analysis_have_a_harder_side():
    text = "[analysis]\nreplicates = 1000\n[subgroups]\ngap = 0.05\n[locked]\nstudies = 1500\n"
    assert {(each.aspect, each.member, each.value) for each in protocol_duties(text)} == {
        ("item", "", "validation protocol"),
        ("analysis at least", "replicates", 1000),
        ("analysis at most", "gap", 0.05),
        ("analysis at least", "studies", 1500),
    }
