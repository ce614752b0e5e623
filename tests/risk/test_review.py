"""The risk management review: each point holds, is open, or is stated, and the result is bound to everything it was computed from."""

import hashlib
import json
from dataclasses import replace

import pytest

from requirements_spec.loader import load as load_specification
from risk.changes import risk_content
from risk.evaluation import ACCEPTABLE, BASELINE, evaluate
from risk.labelling import RESIDUALS_SECTION, Disclosure, Sentence, disclosures, sentences
from risk.loader import load
from risk.model import Acceptability
from risk.review import NOT_READY, Point, Standing, _weighing, open_points, review
from tests.risk.generated import as_risk_file, as_specification
from tests.risk.test_links import CASES, arising, control, file, situation
from tests.risk.test_verdicts import STUDY

PRINTS = {"POLICY-RISK": "a" * 64, "HAZ-001": "b" * 64}


def reviewed(plain, *passed, suspect=(), prints=PRINTS, change=lambda risk: risk):
    risk = change(as_risk_file(plain))
    return review(risk, evaluate(risk, as_specification(plain), list(passed)), prints, suspect)


def standing(result):
    return {
        (point.clause, point.title): (point.standing, point.against)
        for point in result.points
        if point.standing is not Standing.HOLDS
    }


GOOD = ("SRS-001", "RC-001", "RC-002", "RC-003")


def test_a_clean_file_is_reviewed_to_its_end():
    result = reviewed(CASES["clean"], *GOOD)
    assert standing(result) == {}
    assert result.result == ACCEPTABLE
    assert list(open_points(result)) == []
    assert [(point.clause, point.title) for point in result.points] == [
        ("4.4 a to c", "scope, intended use, misuse and responsibilities are stated"),
        ("4.4 d", "each estimate was made by the criteria as they are now"),
        ("5.4", "each hazard has a hazardous situation"),
        ("6, 7.1", "each risk has a disposition, and options were taken in order"),
        ("7.2", "each control is shown to be implemented"),
        ("7.2", "each control is shown to be effective"),
        ("7.3", "each residual risk is the one that the file states, and acceptable"),
        ("7.4", "each residual risk to be reduced is outweighed by the benefit"),
        ("7.5", "what controls bring is assessed and answered"),
        ("7.6", "risk control is complete"),
        ("8", "the overall residual risk is acceptable"),
        ("10", "methods for production and post-production information are in place"),
    ]


def without_methods(risk):
    return replace(risk, policy=replace(risk.policy, post_production=()))


def with_gap(risk):
    method = replace(risk.policy.post_production[0], title="Complaints", owner_role="surveillance", gap="GAP-005")
    return replace(risk, policy=replace(risk.policy, post_production=(*risk.policy.post_production, method)))


def one_approver(risk):
    return replace(risk, policy=replace(risk.policy, approvals=risk.policy.approvals[:1] * 2))


@pytest.mark.parametrize(
    ("change", "clause", "expected"),
    [
        (without_methods, "10", (Standing.OPEN, ("no method is named",))),
        (with_gap, "10", (Standing.STATED, ("Complaints (surveillance): GAP-005",))),
        (one_approver, "4.4 a to c", (Standing.OPEN, ("1 identities approve the file, 2 are needed",))),
    ],
)
def test_the_plan_is_held_against_what_it_promises(change, clause, expected):
    result = reviewed(CASES["clean"], *GOOD, change=change)
    assert [
        (point.clause, (point.standing, point.against)) for point in result.points if point.standing is not Standing.HOLDS
    ] == [(clause, expected)]
    assert result.result == (NOT_READY if expected[0] is Standing.OPEN else BASELINE)


def test_suspect_estimates_are_open():
    result = reviewed(CASES["clean"], *GOOD, suspect=["HAZ-001"])
    assert list(standing(result).values()) == [(Standing.OPEN, ("HAZ-001",))]
    assert result.result == NOT_READY == "not ready: the plan is not carried out"


def by_clause(result):
    return [(point.clause, point.standing, point.against) for point in result.points if point.standing is not Standing.HOLDS]


def test_a_control_that_is_not_shown_opens_its_duty_and_what_rests_on_it():
    assert by_clause(reviewed(CASES["clean"], "SRS-001")) == [
        ("7.2", Standing.OPEN, ("RC-001",)),
        ("7.3", Standing.OPEN, ("HS-001: S3 P4, stated S3 P2",)),
        ("8", Standing.OPEN, ("implementation or effectiveness not shown: RC-001", "residual risk not acceptable: HS-001")),
    ]
    titles = [point.title for point in open_points(reviewed(CASES["clean"], "RC-001"))]
    assert titles[0] == "each control is shown to be implemented"


def test_an_unacceptable_residual_that_is_stated_ends_in_the_baseline():
    plain = file([situation(1, residual_probability=4, further_control="f")], [control(1)])
    result = reviewed(plain, *GOOD)
    assert by_clause(result) == [
        ("7.3", Standing.STATED, ("HS-001: S3 P4 is unacceptable",)),
        ("8", Standing.STATED, ("residual risk not acceptable: HS-001",)),
    ]
    assert result.result == BASELINE


@pytest.mark.parametrize(
    ("changes", "policy", "points"),
    [
        ({"further_control": "f"}, STUDY, []),
        (
            {"further_control": "f"},
            {},
            [
                ("7.4", Standing.STATED, ("HS-001: benefit not shown",)),
                ("8", Standing.STATED, ("no clinical evidence of the benefit that would have to outweigh HS-001: a study",)),
            ],
        ),
        (
            {},
            STUDY,
            [
                ("7.4", Standing.OPEN, ("HS-001: benefit not shown",)),
                ("8", Standing.OPEN, ("no word on why no further control is practicable (7.4): HS-001",)),
            ],
        ),
    ],
)
def test_a_residual_to_be_reduced_is_weighed_stated_or_open(changes, policy, points):
    plain = file([situation(1, residual_probability=3, **changes)], [control(1)], **policy)
    assert by_clause(reviewed(plain, *GOOD)) == points


@pytest.mark.parametrize(
    ("plain", "clause", "words"),
    [
        (file([], []), "5.4", "HAZ-001 lacks a hazardous situation"),
        (file([situation(1)], []), "6, 7.1", "HS-001 lacks a control"),
        (
            file([situation(1)], [control(1, kind="protective")]),
            "6, 7.1",
            "RC-001 lacks an analysis of the options of higher priority (7.1)",
        ),
        (
            file([situation(1)], [control(1, kind="information", option_analysis="o")]),
            "6, 7.1",
            "HS-001 lacks the reason why information alone is to do (7.1)",
        ),
        (
            file([situation(1)], [control(1, arising=arising())]),
            "7.5",
            "RC-001 lacks an assessment of what the control brings (7.5)",
        ),
        (
            CASES["worse"],
            "7.5",
            "RC-001 lacks a gain: what the control brings is worse than what it reduces (7.5)",
        ),
        (CASES["loop"], "7.5", "RC-001 lacks an end: what controls bring is answered by each other in a circle (7.5)"),
    ],
)
def test_what_is_lacking_opens_its_own_point_and_completeness(plain, clause, words):
    opened = {point.clause: point.against for point in open_points(reviewed(plain, *GOOD))}
    assert words in opened[clause]
    assert words in opened["7.6"]
    assert ({"5.4", "6, 7.1", "7.5"} & opened.keys()) == {clause}


def test_the_result_is_bound_to_everything_it_rests_on():
    base = reviewed(CASES["clean"], *GOOD)
    assert len(base.sha256) == 64
    assert reviewed(CASES["clean"], *GOOD).sha256 == base.sha256
    others = [
        reviewed(CASES["clean"], *GOOD, prints=PRINTS | {"HAZ-001": "c" * 64}),
        reviewed(CASES["clean"], "SRS-001"),
        reviewed(CASES["clean"], *GOOD, suspect=["HAZ-001"]),
        reviewed(CASES["clean"], *GOOD, change=with_gap),
    ]
    assert len({base.sha256, *(each.sha256 for each in others)}) == 5


def test_the_order_of_the_fingerprints_does_not_matter():
    turned = dict(reversed(PRINTS.items()))
    assert reviewed(CASES["clean"], *GOOD, prints=turned).sha256 == reviewed(CASES["clean"], *GOOD).sha256


def test_the_hash_can_be_made_again_from_what_the_review_says():
    """Canonical JSON: keys sorted, no spaces, letters as they are."""

    def foreign(risk):
        method = replace(risk.policy.post_production[0], title="Rückmeldung", gap="GAP-005")
        return replace(risk, policy=replace(risk.policy, post_production=(method,)))

    result = reviewed(CASES["clean"], *GOOD, change=foreign)
    basis = {"fingerprints": PRINTS, "points": result.to_json()["points"], "result": BASELINE}
    text = json.dumps(basis, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert "ü" in text
    assert result.sha256 == hashlib.sha256(text.encode("utf-8")).hexdigest()


@pytest.mark.parametrize("ask", [disclosures, lambda risk, evaluation: review(risk, evaluation, PRINTS, ())])
def test_an_evaluation_of_another_file_is_refused(ask):
    evaluation = evaluate(as_risk_file(CASES["clean"]), as_specification(CASES["clean"]), list(GOOD))
    with pytest.raises(ValueError, match="zip"):
        ask(as_risk_file(CASES["carried"]), evaluation)


def test_weighing_refuses_an_evaluation_of_another_file():
    evaluation = evaluate(as_risk_file(CASES["clean"]), as_specification(CASES["clean"]), list(GOOD))
    with pytest.raises(ValueError, match="zip"):
        _weighing(as_risk_file(CASES["carried"]), evaluation)


def test_the_review_is_plain_data():
    result = reviewed(CASES["clean"], *GOOD, change=with_gap)
    plain = json.loads(json.dumps(result.to_json()))
    assert (plain["result"], plain["sha256"]) == (BASELINE, result.sha256)
    assert plain["points"][-1] == {
        "clause": "10",
        "title": "methods for production and post-production information are in place",
        "standing": "does not hold, as the file states",
        "against": ["Complaints (surveillance): GAP-005"],
    }
    assert isinstance(result.points[0], Point)


def test_a_file_without_policy_has_no_plan_to_review():
    plain = CASES["clean"]
    risk = as_risk_file(plain)
    evaluation = evaluate(risk, as_specification(plain), None)
    with pytest.raises(ValueError, match=r"^the risk file has no policy; repair risk/data/policy\.toml first$"):
        review(replace(risk, policy=None), evaluation, PRINTS, ())


@pytest.fixture(scope="module")
def shipped(root):
    specification, _ = load_specification(root)
    risk, _ = load(root, specification)
    everything = {each.id for each in specification.requirements} | {each.id for each in risk.controls}
    return risk, evaluate(risk, specification, everything)


def test_the_shipped_file_is_reviewed_as_a_baseline_with_nothing_open(shipped):
    risk, evaluation = shipped
    result = review(risk, evaluation, risk_content(risk).fingerprints, ())
    assert result.result == BASELINE
    assert [point.clause for point in result.points if point.standing is Standing.STATED] == ["7.3", "7.4", "8", "10"]


def test_every_information_control_of_the_shipped_file_owes_a_sentence(shipped):
    risk, _ = shipped
    assert [each.control for each in sentences(risk)] == ["RC-018", "RC-019", "RC-024", "RC-029", "RC-030", "RC-031", "RC-038"]
    assert {each.section for each in sentences(risk)} == {"labelling"} == {RESIDUALS_SECTION}


def test_residuals_to_disclose_are_those_not_plainly_acceptable(shipped):
    risk, evaluation = shipped
    told = disclosures(risk, evaluation)
    assert [each.situation for each in told if each.acceptability is Acceptability.UNACCEPTABLE] == ["HS-009", "HS-022"]
    assert len(told) == 14
    assert all(each.acceptability is not Acceptability.ACCEPTABLE for each in told)


def test_what_is_owed_says_where_it_comes_from():
    informing = control(1, kind="information", option_analysis="o", label_section="labelling", ifu_sentence="Read it.")
    plain = file([situation(1, residual_probability=3)], [informing, control(2)])
    risk = as_risk_file(plain)
    assert sentences(risk) == (Sentence("RC-001", "labelling", "Read it.", "controls.toml:RC-001"),)
    evaluation = evaluate(risk, as_specification(plain), None)
    assert disclosures(risk, evaluation) == (Disclosure("HS-001", "t", "h", Acceptability.REDUCE, "hazards.toml:HS-001"),)


@pytest.mark.parametrize(
    "changes", [{"kind": "protective"}, {"label_section": None}, {"ifu_sentence": None}, {"ifu_sentence": ""}]
)
def test_only_a_whole_sentence_of_an_information_control_is_owed(changes):
    informing = {
        "kind": "information",
        "option_analysis": "o",
        "label_section": "labelling",
        "ifu_sentence": "Read it.",
    } | changes
    assert sentences(as_risk_file(file([situation(1)], [control(1, **informing)]))) == ()
