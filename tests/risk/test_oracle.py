"""The oracle itself, against cases worked out by hand on the shipped policy's matrix."""

import pytest

from tests.risk import oracle

POLICY = {
    "acceptability": {
        "S1": ["acceptable", "acceptable", "acceptable", "acceptable", "reduce"],
        "S2": ["acceptable", "acceptable", "acceptable", "reduce", "unacceptable"],
        "S3": ["acceptable", "acceptable", "reduce", "unacceptable", "unacceptable"],
        "S4": ["acceptable", "reduce", "unacceptable", "unacceptable", "unacceptable"],
        "S5": ["reduce", "reduce", "unacceptable", "unacceptable", "unacceptable"],
    },
    "information_limit": {"steps": 1},
    "single_control_limit": {"best_probability": 2},
    "unknown_probability": {"level": 5},
    "benefit": {"clinical_evidence": []},
}


def situation(name="HS-001", **changes):
    plain = {"id": name, "severity": 4, "probability": 4, "residual_severity": 4, "residual_probability": 1}
    return plain | changes


def control(name="RC-001", kind="inherent-design", steps=2, **changes):
    plain = {
        "id": name,
        "kind": kind,
        "situations": ["HS-001"],
        "requirements": ["SRS-001"],
        "evidence": [f"@{name}"],
        "probability_steps": steps,
        "severity_steps": 0,
        "option_analysis": "o",
        "arising": {"risk": "", "assessment": "none", "situations": []},
    }
    return plain | changes


def brings(*situations, **estimate):
    return {"risk": "something", "assessment": "a", "situations": list(situations), **estimate}


def judge(situations, controls, *, passed=(), **policy):
    names = [each["id"] for each in controls]
    file = {
        "policy": POLICY | policy,
        "hazards": [{"id": "HAZ-001", "situation": situations}],
        "controls": controls,
        "requirements": ["SRS-001"],
        "passed": None if passed is None else ["SRS-001", *names, *passed],
    }
    return oracle.judge(file)


# severity, probability, controls as (kind, probability steps, severity steps) -> what is left, counted on paper
BY_HAND = [
    (4, 4, [], (4, 4)),
    (4, 4, [("inherent-design", 1, 0)], (4, 3)),
    (4, 4, [("inherent-design", 4, 0)], (4, 2)),  # one control alone stops at 2
    (4, 1, [("inherent-design", 4, 0)], (4, 1)),  # and lifts nothing
    (4, 4, [("inherent-design", 2, 0), ("protective", 1, 0)], (4, 1)),
    (4, 5, [("information", 4, 0), ("information", 4, 0)], (4, 4)),  # information: one step in all
    (4, 4, [("inherent-design", 1, 0), ("information", 3, 0)], (4, 2)),
    (4, 3, [("protective", 2, 0), ("information", 1, 0)], (4, 2)),  # information is no second control
    (4, 4, [("protective", 0, 2)], (2, 4)),
    (4, 4, [("protective", 0, 1), ("inherent-design", 0, 2)], (2, 4)),  # the largest claim, not the sum
    (4, 4, [("information", 0, 2)], (4, 4)),  # information lowers no severity
    (2, 4, [("protective", 0, 4)], (1, 4)),
]


@pytest.mark.parametrize(("severity", "probability", "claims", "left"), BY_HAND)
def test_levels_are_taken_off_as_on_paper(severity, probability, claims, left):
    controls = [control(f"RC-{n}", kind, steps, severity_steps=less) for n, (kind, steps, less) in enumerate(claims)]
    assert oracle.lowered(POLICY, situation(severity=severity, probability=probability), controls) == left


def test_an_unknown_probability_is_the_worst_of_the_scale():
    unknown = situation()
    del unknown["probability"]
    assert oracle.first_estimate(POLICY, unknown) == (4, 5)
    assert oracle.lowered(POLICY, unknown, [control(steps=2)]) == (4, 3)


@pytest.mark.parametrize(
    ("one", "other", "worse"),
    [
        ((4, 2), (4, 1), True),  # reduce after acceptable
        ((4, 1), (4, 2), False),
        ((4, 4), (4, 3), True),  # both unacceptable, one level more
        ((4, 4), (4, 4), False),
        ((5, 3), (4, 4), False),  # both unacceptable, one level up, one down
        ((4, 3), (5, 2), True),
    ],
)
def test_worse_is_by_the_word_and_then_level_by_level(one, other, worse):
    assert oracle.is_worse(POLICY, one, other) is worse


def test_one_working_control_and_a_claim_beyond_it():
    verdict = judge([situation()], [control()])
    line = verdict["situations"]["HS-001"]
    assert (line["before word"], line["after"], line["after word"], line["weighing"]) == (
        "unacceptable",
        (4, 2),
        "reduce",
        "not shown",
    )
    assert not line["claim holds"]
    assert verdict["reasons"] == {"not reduced": {"HS-001"}, "no benefit": {"HS-001"}}


def test_two_working_controls_reach_an_acceptable_risk():
    verdict = judge([situation()], [control(), control("RC-002", "protective", 1)])
    assert verdict["situations"]["HS-001"]["after word"] == "acceptable"
    assert verdict["situations"]["HS-001"]["controls"] == ["RC-001", "RC-002"]
    assert (verdict["acceptable"], verdict["reasons"], verdict["lacks"]) == (True, {}, set())


def test_benefit_outweighs_only_with_evidence_and_a_word_on_further_control():
    study = {"clinical_evidence": ["study"]}
    silent = judge([situation()], [control()], benefit=study)
    spoken = judge([situation(further_control="none")], [control()], benefit=study)
    assert (silent["situations"]["HS-001"]["weighing"], silent["reasons"]) == ("not shown", {"not reduced": {"HS-001"}})
    assert (spoken["situations"]["HS-001"]["weighing"], spoken["acceptable"]) == ("outweighed", True)


def test_a_control_that_failed_counts_for_nothing():
    file_passed_nothing = judge([situation(further_control="f")], [control(evidence=["@RC-009"])])
    duties = file_passed_nothing["controls"]["RC-001"]
    assert (duties["implemented"], duties["effective"], duties["missing"]) == ("yes", "no", ["RC-009"])
    assert file_passed_nothing["situations"]["HS-001"]["after"] == (4, 4)
    assert file_passed_nothing["reasons"] == {"unacceptable": {"HS-001"}, "not shown": {"RC-001"}}


def test_without_evidence_claims_count_and_say_so():
    verdict = judge([situation(further_control="f")], [control()], passed=None)
    assert verdict["controls"]["RC-001"]["implemented"] == "nobody looked"
    assert verdict["situations"]["HS-001"]["after"] == (4, 2)
    assert verdict["reasons"] == {"no benefit": {"HS-001"}, "claims only": {"the evidence"}}


def test_a_control_that_brings_what_it_reduces_turns_in_a_circle():
    verdict = judge([situation()], [control(arising=brings("HS-001")), control("RC-002", "protective", 1)])
    assert verdict["circles"] == {frozenset({"RC-001"})}
    assert verdict["lacks"] == {("loop", "RC-001")}


def test_a_circle_of_two_holds_both_and_not_what_hangs_on_it():
    second = situation("HS-002")
    controls = [
        control("RC-001", arising=brings("HS-002")),
        control("RC-002", "protective", 1, situations=["HS-002"], arising=brings("HS-001")),
        control("RC-003", "protective", 1, situations=["HS-001"], arising=brings("HS-001", severity=1, probability=1)),
        control("RC-004", situations=["HS-002"]),
    ]
    assert judge([situation(), second], controls)["circles"] == {frozenset({"RC-001", "RC-002"})}


@pytest.mark.parametrize(
    ("arising", "verdict", "lacks"),
    [
        (brings(), "open", {("arising", "RC-001")}),
        (brings("HS-099"), "open", {("arising", "RC-001")}),
        (brings(severity=3, probability=2), "accepted", set()),
        (brings(severity=3, probability=3), "open", {("arising", "RC-001")}),
        (brings("HS-002", severity=3, probability=3), "carried", set()),
        (brings("HS-003"), "open", {("arising", "RC-001"), ("control", "HS-003")}),
        ({"risk": "", "assessment": "a", "situations": ["HS-002"]}, "open", {("arising", "RC-001")}),
        ({"risk": "", "assessment": "", "situations": []}, "open", {("arising", "RC-001")}),
    ],
)
def test_what_a_control_brings_is_answered_or_open(arising, verdict, lacks):
    situations = [situation(), situation("HS-002"), *([situation("HS-003")] if arising["situations"] == ["HS-003"] else [])]
    controls = [control(arising=arising), control("RC-002", "protective", 1), control("RC-003", situations=["HS-002"], steps=3)]
    judged = judge(situations, controls)
    assert judged["controls"]["RC-001"]["arising"]["verdict"] == verdict
    assert judged["lacks"] == lacks


def test_a_control_that_brings_more_than_it_takes_is_a_bad_trade():
    small = situation("HS-002", severity=1, probability=5, residual_severity=1)
    controls = [control(), control("RC-002", "protective", 4, situations=["HS-002"], arising=brings("HS-001"))]
    judged = judge([situation(), small], controls)
    assert judged["situations"]["HS-001"]["after"] == (4, 2)  # reduce, and so is S1 P5: worse neither way
    assert judged["controls"]["RC-002"]["arising"]["worse"] == []
    controls[0] = control(steps=1)
    judged = judge([situation(), small], controls)
    assert judged["situations"]["HS-001"]["after"] == (4, 3)  # unacceptable, against reduce
    assert judged["controls"]["RC-002"]["arising"]["worse"] == ["HS-001"]
    assert ("trade", "RC-002") in judged["lacks"]


def test_information_alone_needs_a_reason_against_a_risk_that_is_not_acceptable():
    told = [control(kind="information", steps=1)]
    assert ("justification", "HS-001") in judge([situation()], told)["lacks"]
    assert judge([situation(information_only="i")], told)["lacks"] == set()
    assert judge([situation(severity=1)], told)["lacks"] == set()


def test_an_acceptable_risk_needs_no_control_and_a_hazard_needs_a_situation():
    assert judge([situation(probability=1)], [])["lacks"] == set()
    assert judge([situation()], [])["lacks"] == {("control", "HS-001")}
    assert judge([], [])["lacks"] == {("situation", "HAZ-001")}
    assert judge([], [])["reasons"] == {"nothing analysed": {"the file"}, "incomplete": {"HAZ-001"}}


def test_options_of_higher_priority_have_to_be_analysed_for_all_but_design():
    silent = {"option_analysis": None}
    assert judge([situation()], [control(**silent)])["lacks"] == set()
    assert judge([situation()], [control(kind="protective", **silent)])["lacks"] == {("options", "RC-001")}
