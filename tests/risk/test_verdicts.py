"""The verdict of the engine in its own words, on files small enough to be judged by hand: duties, reasons, circles, and what each error says."""

from dataclasses import replace

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.arising import Disposition, loops
from risk.estimate import Estimate, arising_estimate, before_controls, claimed, supported, with_controls, worse
from risk.evaluation import ACCEPTABLE, BASELINE, Lack, Missing, Reason, ReasonKind, Weighing, evaluate
from risk.model import Acceptability, Arising, ControlKind
from tests.risk.generated import as_risk_file, as_specification
from tests.risk.test_links import CASES, arising, control, file, situation


def judge(plain, *passed):
    return evaluate(as_risk_file(plain), as_specification(plain), list(passed) if passed else plain["passed"])


STUDY = {"benefit": {"statement": "b", "clinical_evidence": ["study"], "missing": "a study", "owner_role": "o", "plan": "p"}}


def test_a_clean_file_with_evidence_is_acceptable():
    evaluation = judge(CASES["clean"], "SRS-001", "RC-001")
    assert (evaluation.conclusion, evaluation.reasons, evaluation.complete) == (ACCEPTABLE, (), True)
    assert evaluation.evidence_considered
    (only,) = evaluation.controls
    assert (only.id, only.kind, only.requirements, only.missing) == ("RC-001", ControlKind.DESIGN, ("SRS-001",), ())
    assert (only.implemented, only.effective, only.counts, only.shown) == (True, True, True, True)
    (line,) = evaluation.situations
    assert (line.id, line.controls, line.highest_option, line.weighing) == (
        "HS-001",
        ("RC-001",),
        ControlKind.DESIGN,
        Weighing.NOT_NEEDED,
    )
    assert (line.initial, line.initial_acceptability) == (Estimate(3, 4), Acceptability.UNACCEPTABLE)
    assert (line.residual, line.residual_acceptability) == (Estimate(3, 2), Acceptability.ACCEPTABLE)


def test_claims_alone_count_and_are_called_claims():
    evaluation = judge(CASES["clean"])
    (only,) = evaluation.controls
    assert (only.implemented, only.effective, only.missing) == (None, None, ("RC-001", "SRS-001"))
    assert (only.counts, only.shown, evaluation.evidence_considered) == (True, False, False)
    assert evaluation.reasons == ("judged on claims alone: no verification evidence was given",)
    assert evaluation.conclusion == BASELINE


@pytest.mark.parametrize(
    ("passed", "duties", "missing"),
    [
        (("RC-001",), (False, True), ("SRS-001",)),
        (("SRS-001",), (True, False), ("RC-001",)),
        (("SRS-002",), (False, False), ("RC-001", "SRS-001")),
    ],
)
def test_each_verification_fails_by_itself(passed, duties, missing):
    evaluation = judge(CASES["clean"], *passed)
    (only,) = evaluation.controls
    assert (only.implemented, only.effective) == duties
    assert (only.missing, only.counts, only.shown) == (missing, False, False)
    assert evaluation.situations[0].residual == Estimate(3, 4)
    assert evaluation.reasons == (
        "residual risk not acceptable: HS-001",
        "implementation or effectiveness not shown: RC-001",
    )


@pytest.mark.parametrize("changes", [{"requirements": []}, {"requirements": ["SRS-001", "SRS-009"]}])
def test_a_control_without_requirements_that_exist_is_not_implemented_whatever_passed(changes):
    plain = file([situation(1)], [control(1, **changes)])
    assert [judge(plain, *passed).controls[0].implemented for passed in ((), ("SRS-001", "SRS-009", "RC-001"))] == [False, False]
    assert judge(plain).controls[0].effective is None
    assert not judge(plain).controls[0].counts


def test_a_control_without_evidence_of_its_own_is_not_effective():
    assert judge(file([situation(1)], [control(1, evidence=[])]), "SRS-001").controls[0].effective is False


def test_every_reason_in_its_words_and_order():
    situations = [
        situation(1, severity=4, residual_severity=4),
        situation(2, severity=4, residual_severity=4),
        situation(3, severity=4, probability=4, residual_severity=4),
    ]
    controls = [control(1, situations=["HS-001", "HS-002"]), control(2, situations=["HS-002"], arising=arising())]
    evaluation = judge(file(situations, controls), "SRS-001", "RC-001", "RC-003")
    assert evaluation.reasons == (
        "risk control is not complete (7.6): HS-003, RC-002",
        "residual risk not acceptable: HS-003",
        "no word on why no further control is practicable (7.4): HS-001, HS-002",
        "no clinical evidence of the benefit that would have to outweigh HS-001, HS-002: a study",
        "implementation or effectiveness not shown: RC-002",
    )
    assert evaluation.missing == (Missing(Lack.CONTROL, "HS-003"), Missing(Lack.ARISING, "RC-002"))
    assert not evaluation.complete


def test_a_file_without_situations_says_so():
    assert judge(file([], []) | {"hazards": []}, "SRS-001").reasons == ("no hazardous situation was analysed",)


def test_an_item_that_lacks_two_things_is_named_once():
    plain = file([situation(1)], [control(1, kind="protective", arising=arising())])
    evaluation = judge(plain, "SRS-001", "RC-001")
    assert evaluation.missing == (Missing(Lack.OPTIONS, "RC-001"), Missing(Lack.ARISING, "RC-001"))
    assert evaluation.reasons == ("risk control is not complete (7.6): RC-001",)


@pytest.mark.parametrize(
    ("changes", "policy", "weighing"),
    [
        ({"residual_probability": 2}, STUDY, Weighing.NOT_NEEDED),
        ({"residual_probability": 3, "further_control": "f"}, STUDY, Weighing.OUTWEIGHED),
        ({"residual_probability": 3}, STUDY, Weighing.NOT_SHOWN),
        ({"residual_probability": 3, "further_control": "f"}, {}, Weighing.NOT_SHOWN),
        ({"residual_probability": 4, "further_control": "f"}, STUDY, Weighing.RULED_OUT),
    ],
)
def test_only_a_risk_to_be_reduced_is_weighed_and_only_evidence_outweighs_it(changes, policy, weighing):
    evaluation = judge(file([situation(1, **changes)], [control(1)], **policy), "SRS-001", "RC-001")
    assert evaluation.situations[0].weighing is weighing
    assert (evaluation.conclusion == ACCEPTABLE) == (weighing in {Weighing.NOT_NEEDED, Weighing.OUTWEIGHED})


@pytest.mark.parametrize(
    ("kinds", "severity", "lacks"),
    [
        (["information"], 3, True),
        (["information"], 1, False),
        (["information", "protective"], 3, False),
        (["protective"], 3, False),
    ],
)
def test_information_alone_needs_its_reason_only_against_a_risk_that_is_not_acceptable(kinds, severity, lacks):
    controls = [control(n, kind=kind, option_analysis="o") for n, kind in enumerate(kinds, start=1)]
    plain = file([situation(1, severity=severity, residual_severity=severity)], controls)
    assert (Missing(Lack.JUSTIFICATION, "HS-001") in judge(plain).missing) == lacks
    plain["hazards"][0]["situation"][0]["information_only"] = "i"
    assert Missing(Lack.JUSTIFICATION, "HS-001") not in judge(plain).missing


def test_a_circle_is_reported_with_its_members_and_each_member_lacks_an_end():
    evaluation = judge(CASES["loop"])
    assert evaluation.loops == (("RC-001", "RC-002"),)
    assert [each for each in evaluation.missing if each.lack is Lack.LOOP] == [
        Missing(Lack.LOOP, "RC-001"),
        Missing(Lack.LOOP, "RC-002"),
    ]


def test_a_bad_trade_is_reported_at_the_control():
    evaluation = judge(CASES["worse"])
    assert evaluation.controls[0].arising.worse == ("HS-002",)
    assert evaluation.missing == (Missing(Lack.TRADE, "RC-001"),)


def test_an_accepted_risk_can_still_be_a_bad_trade():
    small = situation(1, severity=1, probability=1, residual_severity=1, residual_probability=1)
    plain = file([small], [control(1, arising=arising(severity=1, probability=2))])
    judged = judge(plain).controls[0].arising
    assert (judged.disposition, judged.estimate, judged.acceptability) == (
        Disposition.ACCEPTED,
        Estimate(1, 2),
        Acceptability.ACCEPTABLE,
    )
    assert judged.worse == ("RC-001",)


def test_a_control_that_reduces_nothing_that_exists_is_compared_with_nothing():
    plain = file([situation(1)], [control(1, situations=["HS-009"], arising=arising(severity=1, probability=2)), control(2)])
    assert judge(plain).controls[0].arising.worse == ()


def test_what_is_no_worse_than_one_of_the_reduced_risks_is_a_fair_trade():
    small = situation(2, severity=1, probability=1, residual_severity=1, residual_probability=1)
    plain = file([situation(1), small], [control(1, situations=["HS-001", "HS-002"], arising=arising(severity=1, probability=2))])
    assert judge(plain).controls[0].arising.worse == ()


@pytest.mark.parametrize(
    ("said", "disposition"),
    [
        (arising(), Disposition.OPEN),
        (arising(severity=3, probability=2), Disposition.ACCEPTED),
        (arising("HS-002", severity=3, probability=2), Disposition.ACCEPTED),
        (arising("HS-009", severity=3, probability=2), Disposition.OPEN),
        (arising("HS-003", severity=3, probability=2), Disposition.OPEN),
        (arising("HS-004", severity=3, probability=2), Disposition.ACCEPTED),
        (arising("HS-002", severity=3, probability=3), Disposition.CARRIED),
        (arising("HS-002"), Disposition.CARRIED),
        (arising(severity=3, probability=3), Disposition.OPEN),
        ({"risk": "", "assessment": "a", "situations": []}, Disposition.NONE),
        ({"risk": "", "assessment": "", "situations": []}, Disposition.OPEN),
        ({"risk": "", "assessment": "a", "situations": ["HS-002"]}, Disposition.OPEN),
        ({"risk": "", "assessment": "a", "situations": [], "severity": 1, "probability": 1}, Disposition.OPEN),
        (arising(severity=1, probability=1) | {"assessment": ""}, Disposition.OPEN),
    ],
)
def test_what_a_control_brings_is_disposed_of(said, disposition):
    acceptable = situation(4, probability=2)
    plain = file(
        [situation(1), situation(2), situation(3), acceptable], [control(1, arising=said), control(2, situations=["HS-002"])]
    )
    judged = judge(plain).controls[0].arising
    assert judged.disposition is disposition
    unhandled = {"HS-009": ("HS-009",), "HS-003": ("HS-003",)}
    assert judged.unhandled == unhandled.get((said["situations"] or [""])[0], ())


def test_dispositions_and_weighings_have_words():
    assert [str(each) for each in Disposition] == [
        "none found",
        "acceptable by itself",
        "carried by hazardous situations",
        "open",
    ]
    assert [str(each) for each in Weighing] == [
        "not needed",
        "outweighed by a benefit with clinical evidence",
        "benefit not shown",
        "ruled out by the policy",
    ]


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        (Reason(ReasonKind.NOTHING_ANALYSED), "no hazardous situation was analysed"),
        (Reason(ReasonKind.UNACCEPTABLE, ("HS-001", "HS-002")), "residual risk not acceptable: HS-001, HS-002"),
        (Reason(ReasonKind.NO_BENEFIT, ("HS-001",)), "no clinical evidence of the benefit that would have to outweigh HS-001"),
        (
            Reason(ReasonKind.NO_BENEFIT, ("HS-001",), "x"),
            "no clinical evidence of the benefit that would have to outweigh HS-001: x",
        ),
        (Reason(ReasonKind.CLAIMS_ONLY, (), "x"), "judged on claims alone: no verification evidence was given: x"),
    ],
)
def test_a_reason_names_its_items_and_what_else_is_to_be_said(reason, text):
    assert str(reason) == text


def test_a_file_without_policy_cannot_be_judged():
    risk = replace(as_risk_file(CASES["clean"]), policy=None)
    with pytest.raises(ValueError, match=r"^the risk file has no policy; repair risk/data/policy\.toml first$"):
        evaluate(risk, as_specification(CASES["clean"]), None)


SHIPPED = as_risk_file(CASES["clean"])


@pytest.mark.parametrize(("severity", "probability"), [(0, 1), (1, 0), (6, 1), (1, 6)])
def test_a_level_outside_the_scales_says_which(severity, probability):
    with pytest.raises(ValueError, match=rf"^levels must lie in 1 to 5, got S{severity} P{probability}$"):
        Estimate(severity, probability)


@pytest.mark.parametrize("level", [1, 5])
def test_both_ends_of_the_scales_are_levels(level):
    assert str(Estimate(level, level)) == f"S{level} P{level}"


@pytest.mark.parametrize(
    ("one", "other", "covers"),
    [((3, 3), (3, 3), True), ((4, 3), (3, 3), True), ((3, 4), (3, 3), True), ((4, 2), (3, 3), False), ((2, 4), (3, 3), False)],
)
def test_an_estimate_covers_what_is_below_it_on_both_scales(one, other, covers):
    assert Estimate(*one).covers(Estimate(*other)) is covers


@pytest.mark.parametrize(
    ("one", "other", "answer"),
    [
        ((4, 2), (4, 1), True),
        ((4, 1), (4, 2), False),
        ((1, 5), (3, 2), True),
        ((4, 4), (4, 3), True),
        ((4, 3), (4, 4), False),
        ((4, 4), (4, 4), False),
        ((5, 3), (4, 4), False),
        ((4, 3), (1, 1), True),
        ((1, 1), (4, 3), False),
    ],
)
def test_worse_goes_by_acceptability_and_then_by_both_levels(one, other, answer):
    assert worse(SHIPPED.policy, Estimate(*one), Estimate(*other)) is answer


def test_a_probability_that_is_left_out_is_the_policys_level():
    unknown = replace(SHIPPED.situations[0], probability=None)
    assert before_controls(SHIPPED.policy, unknown) == Estimate(3, 5)
    assert before_controls(replace(SHIPPED.policy, unknown_probability=4), unknown) == Estimate(3, 4)
    assert before_controls(SHIPPED.policy, SHIPPED.situations[0]) == Estimate(3, 4)
    assert supported(SHIPPED.policy, unknown, SHIPPED.controls) == Estimate(3, 3)


def test_a_residual_is_the_claim_or_what_controls_support_whichever_is_worse():
    situation_ = SHIPPED.situations[0]
    assert claimed(situation_) == Estimate(3, 2)
    assert with_controls(SHIPPED.policy, situation_, SHIPPED.controls) == Estimate(3, 2)
    assert with_controls(SHIPPED.policy, situation_, []) == Estimate(3, 4)
    assert with_controls(
        SHIPPED.policy, replace(situation_, residual_severity=5, residual_probability=3), SHIPPED.controls
    ) == Estimate(5, 3)


@pytest.mark.parametrize(
    ("levels", "estimate"), [((3, 2), Estimate(3, 2)), ((3, None), None), ((None, 2), None), ((None, None), None)]
)
def test_an_arising_risk_has_an_estimate_when_it_has_both_levels(levels, estimate):
    assert arising_estimate(Arising("r", "a", (), *levels)) == estimate


LINKS = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=20)


@given(LINKS, LINKS)
def test_circles_are_the_strongly_connected_components_that_a_library_finds(brought, reduced):
    graph = nx.DiGraph()
    controls = []
    for number in range(8):
        holds = [f"HS-00{s}" for c, s in brought if c == number]
        takes = [f"HS-00{s}" for c, s in reduced if c == number]
        controls.append(control(number, situations=takes, arising=arising(*holds)))
        graph.add_edges_from((f"RC-00{number}", name) for name in holds)
        graph.add_edges_from((name, f"RC-00{number}") for name in takes)
    risk = as_risk_file(file([], controls))
    knots = [
        sorted(name for name in knot if name.startswith("RC"))
        for knot in nx.strongly_connected_components(graph)
        if len(knot) > 1
    ]
    assert [list(circle) for circle in loops(risk.policy, risk.controls)] == sorted(knots)


def test_a_chain_of_ten_thousand_controls_is_followed_without_recursion():
    controls = [
        control(1) | {"id": f"RC-{n}", "situations": [f"HS-{n}"], "arising": arising(f"HS-{(n + 1) % 10_000}")}
        for n in range(10_000)
    ]
    risk = as_risk_file(file([], controls))
    (circle,) = loops(risk.policy, risk.controls)
    assert len(circle) == 10_000
    broken = replace(risk, controls=risk.controls[1:])
    assert loops(broken.policy, broken.controls) == ()
