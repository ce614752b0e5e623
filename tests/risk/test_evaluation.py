"""The risk computation against an oracle written from the policy's words, and the properties that no policy may break."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from requirements_spec.loader import load as load_specification
from risk.estimate import Estimate, acceptability, supported
from risk.evaluation import ACCEPTABLE, BASELINE, evaluate
from risk.links import monotone
from risk.loader import load
from risk.model import Acceptability, Arising, ControlKind

LEVELS = st.integers(1, 5)
STEPS = st.integers(0, 4)


@pytest.fixture(scope="module")
def shipped(root):
    specification, _ = load_specification(root)
    risk, _ = load(root, specification)
    return risk, specification


@pytest.fixture(scope="module")
def everything(shipped):
    risk, specification = shipped
    return {requirement.id for requirement in specification.requirements} | {control.id for control in risk.controls}


@given(LEVELS, LEVELS, LEVELS, LEVELS)
def test_a_worse_risk_is_never_more_acceptable(shipped, severity, probability, worse_severity, worse_probability):
    policy = shipped[0].policy
    better = Estimate(min(severity, worse_severity), min(probability, worse_probability))
    worse = Estimate(max(severity, worse_severity), max(probability, worse_probability))
    assert acceptability(policy, better) <= acceptability(policy, worse)


@given(st.lists(st.lists(st.sampled_from(list(Acceptability)), min_size=5, max_size=5), min_size=5, max_size=5))
def test_the_matrix_check_agrees_with_comparing_every_pair_of_cells(shipped, matrix):
    cells = [(s, p) for s in range(5) for p in range(5)]
    expected = all(matrix[a][b] <= matrix[c][d] for a, b in cells for c, d in cells if a <= c and b <= d)
    assert monotone(replace(shipped[0].policy, matrix=tuple(map(tuple, matrix)))) == expected


@pytest.mark.parametrize("turn", [False, True])
def test_a_matrix_that_falls_along_one_axis_only_is_no_policy(shipped, turn):
    rows = [[Acceptability.REDUCE] * 5, *[[Acceptability.ACCEPTABLE] * 5 for _ in range(4)]]
    matrix = zip(*rows, strict=True) if turn else rows
    assert not monotone(replace(shipped[0].policy, matrix=tuple(map(tuple, matrix))))


def controls_like(shipped, kinds_and_steps):
    template = shipped[0].controls[0]
    return tuple(
        replace(template, id=f"RC-9{index:02}", kind=kind, probability_steps=probability, severity_steps=severity)
        for index, (kind, probability, severity) in enumerate(kinds_and_steps)
    )


CONTROLS = st.lists(st.tuples(st.sampled_from(list(ControlKind)), STEPS, STEPS), max_size=5)


def oracle(policy, severity, probability, controls):
    """Lower the levels one step at a time, as the policy's words say, instead of by sums and minima."""
    hard = [control for control in controls if control[0] != "information"]
    allowance = policy.information_steps
    best = 1 if len(hard) >= 2 else policy.single_control_probability
    for kind, steps, _ in controls:
        for _ in range(steps):
            if kind == "information":
                if allowance == 0:
                    break
                allowance -= 1
            if probability > best:
                probability -= 1
    for _ in range(max((control[2] for control in hard), default=0)):
        severity = severity - 1 if severity > 1 else 1
    return severity, probability


@given(LEVELS, LEVELS, CONTROLS)
def test_the_supported_residual_agrees_with_the_oracle(shipped, severity, probability, controls):
    policy = shipped[0].policy
    situation = replace(shipped[0].situations[0], severity=severity, probability=probability)
    best = supported(policy, situation, controls_like(shipped, controls))
    assert (best.severity, best.probability) == oracle(policy, severity, probability, controls)


@given(LEVELS, LEVELS, CONTROLS, st.integers(0, 4))
def test_taking_a_control_away_never_lowers_the_residual(shipped, severity, probability, controls, which):
    policy = shipped[0].policy
    situation = replace(shipped[0].situations[0], severity=severity, probability=probability)
    more = controls_like(shipped, controls)
    less = more[:which] + more[which + 1 :]
    with_all, with_fewer = supported(policy, situation, more), supported(policy, situation, less)
    assert with_all.severity <= with_fewer.severity
    assert with_all.probability <= with_fewer.probability


@given(LEVELS, LEVELS, CONTROLS, st.booleans())
def test_raising_the_initial_risk_never_lowers_the_residual_nor_its_acceptability(
    shipped, severity, probability, controls, raise_severity
):
    policy = shipped[0].policy
    situation = replace(shipped[0].situations[0], severity=severity, probability=probability)
    worse = replace(situation, severity=min(severity + raise_severity, 5), probability=min(probability + (not raise_severity), 5))
    acting = controls_like(shipped, controls)
    assert acceptability(policy, supported(policy, situation, acting)) <= acceptability(policy, supported(policy, worse, acting))


def test_information_alone_takes_off_one_step_however_much_there_is(shipped):
    situation = replace(shipped[0].situations[0], severity=4, probability=5)
    acting = controls_like(shipped, [(ControlKind.INFORMATION, 4, 4)] * 4)
    assert supported(shipped[0].policy, situation, acting) == Estimate(4, 4)


def test_one_control_alone_never_reaches_the_lowest_probability(shipped):
    situation = replace(shipped[0].situations[0], severity=4, probability=4)
    assert supported(shipped[0].policy, situation, controls_like(shipped, [(ControlKind.DESIGN, 4, 0)])) == Estimate(4, 2)


@pytest.mark.parametrize("levels", [(0, 1), (1, 6), (6, 1)])
def test_a_level_outside_the_scales_is_refused(levels):
    with pytest.raises(ValueError, match="levels must lie in 1 to 5"):
        Estimate(*levels)


def test_the_project_concludes_that_it_is_not_for_clinical_use(shipped, everything):
    evaluation = evaluate(*shipped, everything)
    assert evaluation.conclusion == BASELINE == "engineering baseline; not acceptable for clinical use"
    assert any("HS-009" in reason and "HS-022" in reason for reason in evaluation.reasons)
    assert any("no clinical evidence" in reason for reason in evaluation.reasons)
    assert evaluation.complete


def test_claims_without_evidence_are_said_to_be_claims(shipped):
    evaluation = evaluate(*shipped, None)
    assert not evaluation.evidence_considered
    assert {control.implemented for control in evaluation.controls} == {None}
    assert evaluation.reasons[-1].startswith("judged on claims alone")


def test_a_control_without_passing_evidence_lowers_nothing(shipped, everything):
    evaluation = evaluate(*shipped, everything - {"RC-005"})
    situation = next(each for each in evaluation.situations if each.id == "HS-007")
    control = next(each for each in evaluation.controls if each.id == "RC-005")
    assert (control.implemented, control.effective, control.missing) == (True, False, ("RC-005",))
    assert situation.residual == situation.initial
    assert situation.residual_acceptability is Acceptability.UNACCEPTABLE


def test_a_requirement_that_fails_takes_its_controls_out(shipped, everything):
    evaluation = evaluate(*shipped, everything - {"SRS-028"})
    failed = {control.id for control in evaluation.controls if not control.counts}
    assert failed == {"RC-001", "RC-002"}
    situation = next(each for each in evaluation.situations if each.id == "HS-001")
    assert situation.residual == Estimate(4, 3)


def test_nothing_passed_means_nothing_is_lowered(shipped):
    evaluation = evaluate(*shipped, frozenset())
    assert all(each.residual == each.initial for each in evaluation.situations)


def test_a_control_whose_requirement_does_not_exist_is_not_implemented(shipped, everything):
    risk, specification = shipped
    fewer = replace(specification, requirements=tuple(r for r in specification.requirements if r.id != "SRS-011"))
    control = next(each for each in evaluate(risk, fewer, None).controls if each.id == "RC-005")
    assert control.implemented is False
    assert not control.counts


NOTHING_ARISES = Arising("", "None found.", ())


def acceptable_file(risk):
    """The shipped file with everything against clinical use taken away, to see that the other conclusion can be reached at all."""
    policy = replace(risk.policy, benefit=replace(risk.policy.benefit, clinical_evidence=("study",)))
    hazards = tuple(
        replace(hazard, situations=tuple(s for s in hazard.situations if s.id not in {"HS-009", "HS-022"}))
        for hazard in risk.hazards
    )
    controls = tuple(
        replace(control, arising=NOTHING_ARISES) if "HS-022" in control.arising.situations else control
        for control in risk.controls
    )
    return replace(risk, policy=policy, hazards=tuple(hazard for hazard in hazards if hazard.situations), controls=controls)


def test_the_other_conclusion_needs_evidence_of_benefit_and_of_every_control(shipped, everything):
    risk, specification = acceptable_file(shipped[0]), shipped[1]
    assert evaluate(risk, specification, everything).conclusion == ACCEPTABLE
    assert evaluate(risk, specification, None).conclusion == BASELINE
    for tag in sorted({control.id for control in risk.controls} | {"SRS-001", "SRS-039"}):
        assert evaluate(risk, specification, everything - {tag}).conclusion == BASELINE, tag


def test_an_empty_file_is_no_acceptable_one(shipped, everything):
    risk, specification = shipped
    assert evaluate(replace(risk, hazards=(), controls=()), specification, everything).conclusion == BASELINE


def test_a_situation_without_control_makes_the_file_incomplete(shipped, everything):
    risk, specification = shipped
    without = replace(risk, controls=tuple(control for control in risk.controls if "HS-007" not in control.situations))
    assert not evaluate(without, specification, everything).complete


def test_without_policy_nothing_is_judged(shipped):
    with pytest.raises(ValueError, match="no policy"):
        evaluate(replace(shipped[0], policy=None), shipped[1], None)


def test_the_highest_option_of_a_situation_is_named(shipped):
    options = {each.id: each.highest_option for each in evaluate(*shipped, None).situations}
    assert options["HS-001"] is ControlKind.DESIGN
    assert options["HS-007"] is ControlKind.PROTECTIVE
    assert options["HS-022"] is ControlKind.INFORMATION
