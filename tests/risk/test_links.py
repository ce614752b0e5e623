"""Every problem of the links and duties in the risk file: what is found, where, and in which words; and the cases next to each that are in order."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from risk.links import link_problems, monotone, policy_problems
from tests.risk.generated import as_policy, as_risk_file, as_specification
from tests.risk.test_oracle import POLICY

BENEFIT = {"statement": "b", "clinical_evidence": [], "missing": "a study", "owner_role": "o", "plan": "p"}


def situation(number, **changes):
    plain = {
        "id": f"HS-00{number}",
        "text": "t",
        "harm": "h",
        "severity": 3,
        "probability": 4,
        "basis": "b",
        "residual_severity": 3,
        "residual_probability": 2,
        "residual_basis": "r",
    }
    return plain | changes


def control(number, **changes):
    plain = {
        "id": f"RC-00{number}",
        "title": "t",
        "kind": "inherent-design",
        "text": "t",
        "situations": ["HS-001"],
        "requirements": ["SRS-001"],
        "probability_steps": 2,
        "severity_steps": 0,
        "effect": "e",
        "evidence": [f"@RC-00{number}"],
        "arising": {"risk": "", "assessment": "a", "situations": []},
    }
    return plain | changes


def arising(*situations, **estimate):
    return {"risk": "something", "assessment": "a", "situations": list(situations), **estimate}


def file(situations, controls, **policy):
    return {
        "policy": POLICY | {"benefit": BENEFIT} | policy,
        "hazards": [{"id": "HAZ-001", "title": "t", "source": "s", "sequence": ["a", "b"], "situation": situations}],
        "controls": controls,
        "requirements": ["SRS-001"],
        "passed": None,
    }


def said(plain, specification=None):
    situations = plain["hazards"][0]["situation"]
    declared = frozenset({"HAZ-001", *(each["id"] for each in (*plain["controls"], *situations))})
    return [str(each) for each in link_problems(as_risk_file(plain), specification or as_specification(plain), declared)]


CASES = {
    "clean": file([situation(1)], [control(1)]),
    "no control": file(
        [situation(1, residual_probability=4, further_control="f"), situation(2)], [control(1, situations=["HS-002"])]
    ),
    "acceptable without control": file([situation(1), situation(2, probability=2)], [control(1)]),
    "dangling situation": file([situation(1)], [control(1, situations=["HS-001", "HS-009"])]),
    "dangling arising": file([situation(1)], [control(1, arising=arising("HS-009", severity=1, probability=1))]),
    "dangling requirement": file([situation(1)], [control(1, requirements=["SRS-001", "SRS-009"])]),
    "dangling evidence": file([situation(1)], [control(1, evidence=["@RC-001", "@RC-009", "@SRS-001", "@SRS-009"])]),
    "evidence": file([situation(1)], [control(1, evidence=["@SRS-001"])]),
    "options": file([situation(1)], [control(1, kind="protective")]),
    "label": file([situation(1)], [control(1, label_section="labelling")]),
    "label2": file([situation(1)], [control(1, label_section="labelling", ifu_sentence="s")]),
    "no sentence": file(
        [situation(1, probability=3)],
        [control(1, kind="information", option_analysis="o", label_section="labelling"), control(2)],
    ),
    "no section": file(
        [situation(1, probability=3)], [control(1, kind="information", option_analysis="o", ifu_sentence="s"), control(2)]
    ),
    "no effect": file([situation(1)], [control(1), control(2, probability_steps=0)]),
    "severity effect": file([situation(1)], [control(1), control(2, probability_steps=0, severity_steps=1)]),
    "half severity": file([situation(1)], [control(1, arising=arising(severity=1))]),
    "half probability": file([situation(1)], [control(1, arising=arising("HS-001", probability=1)), control(2)]),
    "wordless estimate": file(
        [situation(1)], [control(1, arising={"risk": "", "assessment": "a", "situations": [], "severity": 1, "probability": 1})]
    ),
    "wordless situations": file(
        [situation(1), situation(2)],
        [control(1, arising={"risk": "", "assessment": "a", "situations": ["HS-002"]}), control(2, situations=["HS-002"])],
    ),
    "open": file([situation(1)], [control(1, arising=arising())]),
    "open estimate": file([situation(1)], [control(1, arising=arising(severity=3, probability=3))]),
    "open uncontrolled": file(
        [situation(1), situation(2), situation(3)], [control(1, arising=arising("HS-002", "HS-003", severity=3, probability=3))]
    ),
    "carried": file(
        [situation(1), situation(2)],
        [control(1, arising=arising("HS-002", severity=3, probability=3)), control(2, situations=["HS-002"])],
    ),
    "worse": file(
        [
            situation(1, severity=1, probability=5, residual_severity=1),
            situation(2, severity=5, residual_severity=5, residual_probability=3, further_control="f"),
        ],
        [control(1, probability_steps=4, arising=arising("HS-002")), control(2, situations=["HS-002"], probability_steps=1)],
    ),
    "loop": file(
        [situation(1), situation(2)],
        [control(1, arising=arising("HS-002")), control(2, situations=["HS-002"], arising=arising("HS-001"))],
    ),
    "information only": file(
        [situation(1, residual_probability=3, further_control="f"), situation(2)],
        [
            control(1, kind="information", probability_steps=1, option_analysis="o", label_section="labelling", ifu_sentence="s"),
            control(2, situations=["HS-002"]),
            control(3, kind="protective", option_analysis="o", situations=["HS-002"]),
        ],
    ),
    "information only alone": file(
        [situation(1, residual_probability=3, further_control="f")],
        [control(1, kind="information", probability_steps=1, option_analysis="o", label_section="labelling", ifu_sentence="s")],
    ),
    "information justified": file(
        [situation(1, residual_probability=3, further_control="f", information_only="i")],
        [control(1, kind="information", probability_steps=1, option_analysis="o", label_section="labelling", ifu_sentence="s")],
    ),
    "surplus justification": file([situation(1, information_only="i")], [control(1)]),
    "no further": file([situation(1, severity=4, residual_severity=4)], [control(1)]),
    "claim low": file([situation(1, residual_probability=1)], [control(1)]),
    "claim severity low": file([situation(1, residual_severity=2)], [control(1)]),
    "claim high": file([situation(1, residual_severity=4, further_control="f")], [control(1)]),
    "claim high p": file([situation(1, residual_probability=5, further_control="f")], [control(1)]),
    "controlled carrier": file(
        [
            situation(1, severity=1, probability=5, residual_severity=1),
            situation(2, severity=5, residual_severity=1),
        ],
        [control(1, probability_steps=4, arising=arising("HS-002")), control(2, situations=["HS-002"], severity_steps=4)],
    ),
    "two carriers": file(
        [
            situation(1, severity=1, probability=1, residual_severity=1, residual_probability=1),
            situation(2),
            situation(3),
        ],
        [
            control(1, arising=arising("HS-002", "HS-003")),
            control(2, situations=["HS-002", "HS-003"]),
        ],
    ),
    "second situation": file(
        [situation(1), situation(2, residual_probability=3, further_control="f")],
        [
            control(1),
            control(
                2,
                kind="information",
                probability_steps=1,
                option_analysis="o",
                label_section="labelling",
                ifu_sentence="s",
                situations=["HS-002"],
            ),
        ],
    ),
}

SAID = {
    "clean": [],
    "no control": [
        "RSK-UNCONTROLLED hazards.toml:HS-001 HS-001: found no control that names this situation, and S3 P4 is unacceptable; expected at least one control, or a risk that is acceptable without any; repair: add the situation to a control, or write one [ISO 14971 6, 7.6]"
    ],
    "acceptable without control": [],
    "dangling situation": [
        "RSK-DANGLING controls.toml:RC-001 RC-001: found a link to HS-009; expected the id of an item that exists; repair: correct the id or add the item [ISO 14971 4.5; IEC 62304 7.3.3]"
    ],
    "dangling arising": [
        "RSK-DANGLING controls.toml:RC-001 RC-001: found a link to HS-009; expected the id of an item that exists; repair: correct the id or add the item [ISO 14971 4.5; IEC 62304 7.3.3]",
        "RSK-ARISING controls.toml:RC-001 RC-001: found a risk arising from the control with no estimate and situations without control: HS-009; expected an estimate that the matrix calls acceptable, or situations that hold the risk and are controlled; repair: estimate the risk, name the situations, or control them [ISO 14971 7.5]",
    ],
    "dangling requirement": [
        "RSK-DANGLING controls.toml:RC-001 RC-001: found a link to SRS-009; expected the id of an item that exists; repair: correct the id or add the item [ISO 14971 4.5; IEC 62304 7.3.3]"
    ],
    "dangling evidence": [
        "RSK-DANGLING controls.toml:RC-001 RC-001: found a link to @RC-009; expected the id of an item that exists; repair: correct the id or add the item [ISO 14971 4.5; IEC 62304 7.3.3]",
        "RSK-DANGLING controls.toml:RC-001 RC-001: found a link to @SRS-009; expected the id of an item that exists; repair: correct the id or add the item [ISO 14971 4.5; IEC 62304 7.3.3]",
    ],
    "evidence": [
        "RSK-EVIDENCE controls.toml:RC-001 RC-001: found evidence @SRS-001; expected the control's own tag @RC-001 among it; repair: add the tag and a scenario that carries it [ISO 14971 7.2]"
    ],
    "options": [
        "RSK-OPTIONS controls.toml:RC-001 RC-001: found a control of kind protective without option_analysis; expected the reason why no option of higher priority was taken; repair: write option_analysis [ISO 14971 7.1]"
    ],
    "label": [
        "RSK-LABEL controls.toml:RC-001 RC-001: found kind inherent-design with label_section labelling and no sentence; expected label_section and ifu_sentence for information controls, and for no other; repair: name the section and the sentence, or correct the kind [ISO 14971 7.1 c; MDR Annex I 23.1]"
    ],
    "label2": [
        "RSK-LABEL controls.toml:RC-001 RC-001: found kind inherent-design with label_section labelling and a sentence; expected label_section and ifu_sentence for information controls, and for no other; repair: name the section and the sentence, or correct the kind [ISO 14971 7.1 c; MDR Annex I 23.1]"
    ],
    "no sentence": [
        "RSK-LABEL controls.toml:RC-001 RC-001: found kind information with label_section labelling and no sentence; expected label_section and ifu_sentence for information controls, and for no other; repair: name the section and the sentence, or correct the kind [ISO 14971 7.1 c; MDR Annex I 23.1]"
    ],
    "no section": [
        "RSK-LABEL controls.toml:RC-001 RC-001: found kind information with label_section None and a sentence; expected label_section and ifu_sentence for information controls, and for no other; repair: name the section and the sentence, or correct the kind [ISO 14971 7.1 c; MDR Annex I 23.1]"
    ],
    "no effect": [
        "RSK-NO-EFFECT controls.toml:RC-002 RC-002: found no step claimed; expected at least one step of probability or severity; repair: state the effect, or remove the control [ISO 14971 7.2]"
    ],
    "severity effect": [],
    "half severity": [
        "RSK-ARISING controls.toml:RC-001 RC-001: found severity alone; expected severity and probability of the risk that arises, or neither; repair: complete the statement [ISO 14971 7.5]",
        "RSK-ARISING controls.toml:RC-001 RC-001: found a risk arising from the control with no estimate and no situation that holds it; expected an estimate that the matrix calls acceptable, or situations that hold the risk and are controlled; repair: estimate the risk, name the situations, or control them [ISO 14971 7.5]",
    ],
    "half probability": [
        "RSK-ARISING controls.toml:RC-001 RC-001: found probability alone; expected severity and probability of the risk that arises, or neither; repair: complete the statement [ISO 14971 7.5]",
        "RSK-ARISING-LOOP controls.toml:RC-001 RC-001: found a circle of arising risks: RC-001; expected a chain of arising risks that ends; repair: estimate one of these risks by itself, or control it by something outside the loop [ISO 14971 7.5]",
    ],
    "wordless estimate": [
        "RSK-ARISING controls.toml:RC-001 RC-001: found an estimate or situations of a risk that no words describe; expected the risk in words, or nothing but the assessment; repair: complete the statement [ISO 14971 7.5]"
    ],
    "wordless situations": [
        "RSK-ARISING controls.toml:RC-001 RC-001: found an estimate or situations of a risk that no words describe; expected the risk in words, or nothing but the assessment; repair: complete the statement [ISO 14971 7.5]"
    ],
    "open": [
        "RSK-ARISING controls.toml:RC-001 RC-001: found a risk arising from the control with no estimate and no situation that holds it; expected an estimate that the matrix calls acceptable, or situations that hold the risk and are controlled; repair: estimate the risk, name the situations, or control them [ISO 14971 7.5]"
    ],
    "open estimate": [
        "RSK-ARISING controls.toml:RC-001 RC-001: found a risk arising from the control with S3 P3 is reduce and no situation that holds it; expected an estimate that the matrix calls acceptable, or situations that hold the risk and are controlled; repair: estimate the risk, name the situations, or control them [ISO 14971 7.5]"
    ],
    "open uncontrolled": [
        "RSK-UNCONTROLLED hazards.toml:HS-002 HS-002: found no control that names this situation, and S3 P4 is unacceptable; expected at least one control, or a risk that is acceptable without any; repair: add the situation to a control, or write one [ISO 14971 6, 7.6]",
        "RSK-CLAIM hazards.toml:HS-002 HS-002: found residual S3 P2; expected at best S3 P4, which its controls add up to; repair: correct the residual, or add a control [ISO 14971 7.3]",
        "RSK-UNCONTROLLED hazards.toml:HS-003 HS-003: found no control that names this situation, and S3 P4 is unacceptable; expected at least one control, or a risk that is acceptable without any; repair: add the situation to a control, or write one [ISO 14971 6, 7.6]",
        "RSK-CLAIM hazards.toml:HS-003 HS-003: found residual S3 P2; expected at best S3 P4, which its controls add up to; repair: correct the residual, or add a control [ISO 14971 7.3]",
        "RSK-ARISING controls.toml:RC-001 RC-001: found a risk arising from the control with S3 P3 is reduce and situations without control: HS-002, HS-003; expected an estimate that the matrix calls acceptable, or situations that hold the risk and are controlled; repair: estimate the risk, name the situations, or control them [ISO 14971 7.5]",
    ],
    "carried": [],
    "worse": [
        "RSK-ARISING-WORSE controls.toml:RC-001 RC-001: found HS-002: a risk worse than each that the control reduces; expected a control that reduces more than it brings; repair: control the risk that arises, or take another control [ISO 14971 7.5]"
    ],
    "loop": [
        "RSK-ARISING-LOOP controls.toml:RC-001 RC-001: found a circle of arising risks: RC-001, RC-002; expected a chain of arising risks that ends; repair: estimate one of these risks by itself, or control it by something outside the loop [ISO 14971 7.5]",
        "RSK-ARISING-LOOP controls.toml:RC-002 RC-002: found a circle of arising risks: RC-001, RC-002; expected a chain of arising risks that ends; repair: estimate one of these risks by itself, or control it by something outside the loop [ISO 14971 7.5]",
    ],
    "information only": [
        "RSK-INFORMATION-ONLY hazards.toml:HS-001 HS-001: found information alone and no word why, though this hazard knows RC-002 (inherent-design), RC-003 (protective); expected `information_only` where controls by information stand alone against a risk that is not acceptable, and nowhere else; repair: add a control by design or protection, or write why there is none [ISO 14971 7.1]"
    ],
    "information only alone": [
        "RSK-INFORMATION-ONLY hazards.toml:HS-001 HS-001: found information alone and no word why; expected `information_only` where controls by information stand alone against a risk that is not acceptable, and nowhere else; repair: add a control by design or protection, or write why there is none [ISO 14971 7.1]"
    ],
    "information justified": [],
    "surplus justification": [
        "RSK-INFORMATION-ONLY hazards.toml:HS-001 HS-001: found a reason for information alone, which is not the case; expected `information_only` where controls by information stand alone against a risk that is not acceptable, and nowhere else; repair: remove `information_only` [ISO 14971 7.1]"
    ],
    "no further": [
        "RSK-FURTHER-CONTROL hazards.toml:HS-001 HS-001: found residual S4 P2 is reduce, and no word on further control; expected `further_control`: why no further control is practicable; repair: write it, or add the control [ISO 14971 7.4]"
    ],
    "claim low": [
        "RSK-CLAIM hazards.toml:HS-001 HS-001: found residual S3 P1; expected at best S3 P2, which its controls add up to; repair: correct the residual, or add a control [ISO 14971 7.3]"
    ],
    "claim severity low": [
        "RSK-CLAIM hazards.toml:HS-001 HS-001: found residual S2 P2; expected at best S3 P2, which its controls add up to; repair: correct the residual, or add a control [ISO 14971 7.3]"
    ],
    "claim high": [
        "RSK-CLAIM hazards.toml:HS-001 HS-001: found residual S4 P2; expected at most S3 P4, the risk before controls; repair: correct one of the two estimates [ISO 14971 7.3]"
    ],
    "claim high p": [
        "RSK-CLAIM hazards.toml:HS-001 HS-001: found residual S3 P5; expected at most S3 P4, the risk before controls; repair: correct one of the two estimates [ISO 14971 7.3]"
    ],
    "controlled carrier": [],
    "two carriers": [
        "RSK-ARISING-WORSE controls.toml:RC-001 RC-001: found HS-002, HS-003: a risk worse than each that the control reduces; expected a control that reduces more than it brings; repair: control the risk that arises, or take another control [ISO 14971 7.5]"
    ],
    "second situation": [
        "RSK-INFORMATION-ONLY hazards.toml:HS-002 HS-002: found information alone and no word why, though this hazard knows RC-001 (inherent-design); expected `information_only` where controls by information stand alone against a risk that is not acceptable, and nowhere else; repair: add a control by design or protection, or write why there is none [ISO 14971 7.1]"
    ],
}
"""What is said about each case; nothing where it is in order."""


@pytest.mark.parametrize("name", CASES)
def test_each_case_is_judged_in_these_words(name):
    assert said(CASES[name]) == SAID[name]


def requirements(**controls):
    rows = [
        SimpleNamespace(id=name.replace("_", "-"), controls=each, where=f"srs.toml:{name}") for name, each in controls.items()
    ]
    return SimpleNamespace(requirements=tuple(rows))


CLEAN = CASES["clean"]
ONE_SIDED = (
    "found a link that only one of the two items states; expected the control in the requirement's `controls` and the requirement in the control's "
    "`requirements`; repair: add the missing side, or remove the other after review [IEC 62304 7.2.2, 7.3.3]"
)


def test_a_link_that_only_the_control_states_stands_at_the_control():
    assert said(CLEAN, requirements(SRS_001=())) == [f"RSK-ONE-SIDED controls.toml:RC-001 RC-001 - SRS-001: {ONE_SIDED}"]


def test_a_link_that_only_the_requirement_states_stands_at_the_requirement():
    found = said(CLEAN, requirements(SRS_001=("RC-001",), SRS_002=("RC-001",), SRS_003=()))
    assert found == [f"RSK-ONE-SIDED srs.toml:SRS_002 RC-001 - SRS-002: {ONE_SIDED}"]


def test_a_link_to_nothing_is_dangling_and_not_one_sided_too():
    found = said(CLEAN, requirements(SRS_001=("RC-001", "RC-009")))
    words = "found a link to RC-009; expected the id of a control that exists; repair: correct the id or add the control"
    assert found == [f"RSK-DANGLING srs.toml:SRS_001 SRS-001: {words} [ISO 14971 4.5; IEC 62304 7.3.3]"]


def test_one_sided_links_come_in_the_order_of_their_ids():
    found = said(CLEAN, requirements(SRS_003=("RC-001",), SRS_001=("RC-001",), SRS_002=("RC-001",)))
    assert [line.split(" ")[4] for line in found] == ["SRS-002:", "SRS-003:"]


SHIPPED = as_policy(CLEAN["policy"])
AT = "risk/data/policy.toml:1 POLICY-RISK"


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (SHIPPED, []),
        (None, []),
        (
            replace(SHIPPED, severities=SHIPPED.severities[:4]),
            [
                "RSK-SCALE {at}: found levels [1, 2, 3, 4] of severity; expected levels [1, 2, 3, 4, 5], each once, in order; repair: complete the scale [ISO 14971 4.4 d]"
            ],
        ),
        (
            replace(SHIPPED, probabilities=tuple(reversed(SHIPPED.probabilities))),
            [
                "RSK-SCALE {at}: found levels [5, 4, 3, 2, 1] of probability; expected levels [1, 2, 3, 4, 5], each once, in order; repair: complete the scale [ISO 14971 4.4 d]"
            ],
        ),
        (
            replace(SHIPPED, matrix=tuple(reversed(SHIPPED.matrix))),
            [
                "RSK-MATRIX {at}: found a cell that is more acceptable than one of lower severity or probability; expected acceptability that never improves as severity or probability rises; repair: correct the rows of [acceptability] [ISO 14971 4.4 d]"
            ],
        ),
        (
            replace(SHIPPED, approvals=SHIPPED.approvals[:1] * 2),
            [
                "RSK-APPROVAL {at}: found one identity in two roles; expected two identities; repair: name a second identity [ISO 14971 4.2, 4.3]"
            ],
        ),
    ],
    ids=["in order", "no policy", "a level missing", "levels out of order", "a matrix that falls", "one approver"],
)
def test_a_policy_is_judged_in_these_words(policy, words):
    assert [str(each) for each in policy_problems(policy)] == [each.format(at=AT) for each in words]


def test_without_a_policy_only_links_and_duties_are_judged():
    plain = CASES["no control"]
    risk = replace(as_risk_file(plain), policy=None)
    assert list(link_problems(risk, as_specification(plain), frozenset({"HS-002", "RC-001"}))) == []


def test_a_matrix_with_rows_of_unlike_length_is_no_matrix():
    with pytest.raises(ValueError, match="zip"):
        monotone(replace(SHIPPED, matrix=(*SHIPPED.matrix[:4], SHIPPED.matrix[4][:3])))


def test_a_link_to_nothing_does_not_hide_a_one_sided_one_after_it():
    plain = file([situation(1)], [control(1, requirements=["SRS-000", "SRS-001"])])
    assert [line.split(" ")[0] for line in said(plain, requirements(SRS_001=()))] == ["RSK-DANGLING", "RSK-ONE-SIDED"]


def test_evidence_that_leaves_out_the_controls_own_tag_is_listed():
    (line,) = said(file([situation(1)], [control(1, evidence=["@SRS-001", "@HAZ-001"])]))
    assert "found evidence @SRS-001, @HAZ-001; expected" in line


def test_steps_of_both_kinds_add_up_to_an_effect():
    plain = file([situation(1)], [control(1), control(2, probability_steps=1, severity_steps=1)])
    assert said(plain) == []
