import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from requirements_spec.changes import SPECIFICATION_BOOK, check
from requirements_spec.loader import load as load_specification
from risk.changes import LEDGER, RISK_BOOK
from risk.loader import load
from risk.model import ControlKind

DATA = "risk/data"
LINK_KEYS = ("needs", "controls", "situations", "requirements", "used_by", "evidence", "modules", "sections")


@pytest.fixture(scope="module")
def shipped(root):
    specification, _ = load_specification(root)
    return load(root, specification)


def problems(project):
    specification, own = load_specification(project)
    return (*own, *load(project, specification)[1])


def change(project, file, old, new):
    path = project / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return [(problem.code, problem.item) for problem in problems(project)]


def test_the_shipped_risk_file_has_no_problem(shipped):
    assert [str(problem) for problem in shipped[1]] == []


def test_the_shipped_ledger_accounts_for_every_item(root):
    assert [str(problem) for problem in check(root, RISK_BOOK)] == []


def test_the_shipped_risk_file_is_as_large_as_promised(shipped):
    risk, _ = shipped
    assert len(risk.hazards) >= 15
    assert len(risk.controls) >= 18
    assert {control.kind for control in risk.controls} == set(ControlKind)


@pytest.mark.parametrize(
    "word",
    [
        "polarity",
        "patient",
        "laterality",
        "missed",
        "false",
        "bias",
        "child",
        "lateral",
        "population",
        "modality",
        "model",
        "drift",
        "privacy",
        "normal",
        "research",
        "damaged",
        "numbers",
    ],
)
def test_the_hazards_of_the_issue_are_there(shipped, word):
    texts = [
        f"{hazard.title} {hazard.source} {' '.join(s.text for s in hazard.situations)}".lower() for hazard in shipped[0].hazards
    ]
    if word == "privacy":
        word = "patient data leave"
    assert any(word in text for text in texts)


def test_every_information_control_names_a_label_section_and_a_sentence(shipped):
    information = [control for control in shipped[0].controls if control.kind is ControlKind.INFORMATION]
    assert information
    assert all(control.label_section and control.ifu_sentence for control in information)


def test_links_of_the_shipped_data_can_be_found(root):
    assert len(links(root)) > 500


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_deleting_any_link_is_a_problem(project, data):
    path, number, line, part = data.draw(st.sampled_from(links(project)))
    before = path.read_text(encoding="utf-8")
    lines = before.split("\n")
    assert lines[number] == line
    lines[number] = re.sub(rf"{re.escape(part)},? ?", "", line, count=1)
    path.write_text("\n".join(lines), encoding="utf-8")
    try:
        found = [*problems(project), *check(project, SPECIFICATION_BOOK), *check(project, RISK_BOOK)]
    finally:
        path.write_text(before, encoding="utf-8")
    assert found, f"{path.name}:{number + 1} without {part}"
    assert any(problem.where.startswith(str(path.relative_to(project))) or "RSK" in problem.code for problem in found)


def links(root):
    """Return every entry of every list of links: its file, line number, line and text."""
    files = sorted([*(root / "requirements_spec/data").rglob("*.toml"), *(root / DATA).glob("*.toml")])
    found = []
    for path in files:
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n")):
            if re.match(rf"({'|'.join(LINK_KEYS)}) = \[", line):
                found += [(path, number, line, part) for part in re.findall(r'"[^"]*"', line)]
    return found


CONTROLS, HAZARDS, POLICY = f"{DATA}/controls.toml", f"{DATA}/hazards.toml", f"{DATA}/policy.toml"


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        (CONTROLS, 'situations = ["HS-001"]', 'situations = ["HS-999"]', ("RSK-DANGLING", "RC-001")),
        (CONTROLS, '["SRS-016", "SRS-028"]', '["SRS-016", "SRS-928"]', ("RSK-DANGLING", "RC-001")),
        (CONTROLS, '["@RC-001"]', '["@RC-001", "@RC-901"]', ("RSK-DANGLING", "RC-001")),
        (CONTROLS, 'situations = ["HS-016"] }', 'situations = ["HS-916"] }', ("RSK-DANGLING", "RC-001")),
        (CONTROLS, '["SRS-016", "SRS-028"]', '["SRS-016"]', ("RSK-ONE-SIDED", "RC-001 - SRS-028")),
        (CONTROLS, '["SRS-016", "SRS-028"]', '["SRS-016", "SRS-028", "SRS-001"]', ("RSK-ONE-SIDED", "RC-001 - SRS-001")),
        (CONTROLS, 'situations = ["HS-007"]', 'situations = ["HS-008"]', ("RSK-UNCONTROLLED", "HS-007")),
        (CONTROLS, '["@RC-001"]', '["@RC-002"]', ("RSK-EVIDENCE", "RC-001")),
        (CONTROLS, "option_analysis = ", "effect_of = ", ("SPC-UNKNOWN-KEY", "$.control[0].effect_of")),
        (CONTROLS, 'kind = "inherent-design"', 'kind = "protective"', ("RSK-OPTIONS", "RC-002")),
        (CONTROLS, 'kind = "inherent-design"', 'kind = "information"', ("RSK-LABEL", "RC-002")),
        (CONTROLS, 'kind = "information"', 'kind = "protective"', ("RSK-LABEL", "RC-018")),
        (CONTROLS, "probability_steps = 2", "probability_steps = 0", ("RSK-NO-EFFECT", "RC-001")),
        (CONTROLS, '["SRS-011"]\nprobability_steps = 2', '["SRS-011"]\nprobability_steps = 1', ("RSK-CLAIM", "HS-007")),
        (CONTROLS, 'id = "RC-002"', 'id = "RC-001"', ("SPC-DUPLICATE-ID", "RC-001")),
        (HAZARDS, 'id = "HS-002"', 'id = "HS-001"', ("SPC-DUPLICATE-ID", "HS-001")),
        (HAZARDS, 'id = "HAZ-002"', 'id = "HAZ-001"', ("SPC-DUPLICATE-ID", "HAZ-001")),
        (HAZARDS, "residual_severity = 4", "residual_severity = 3", ("RSK-CLAIM", "HS-001")),
        (HAZARDS, "residual_severity = 4", "residual_severity = 5", ("RSK-CLAIM", "HS-001")),
        (HAZARDS, "residual_probability = 2", "residual_probability = 5", ("RSK-CLAIM", "HS-003")),
        (HAZARDS, "\nprobability = 4", "\nprobability = 6", ("SPC-TYPE", "$.hazard[0].situation[0].probability")),
        (
            HAZARDS,
            "\nprobability = 4",
            "\nprobability = 4\nacceptable = true",
            ("SPC-UNKNOWN-KEY", "$.hazard[0].situation[0].acceptable"),
        ),
        (HAZARDS, "\nprobability = 4", "\nprobability = 4\np1 = 2", ("SPC-UNKNOWN-KEY", "$.hazard[0].situation[0].p1")),
        (
            HAZARDS,
            'pneumonia missed."\nseverity = 4\nprobability = 4',
            'pneumonia missed."\nseverity = 4',
            ("RSK-CLAIM", "HS-007"),
        ),
        (HAZARDS, "\nfurther_control = ", "\n# ", ("RSK-FURTHER-CONTROL", "HS-003")),
        (HAZARDS, "\ninformation_only = ", "\n# ", ("RSK-INFORMATION-ONLY", "HS-009")),
        (CONTROLS, "severity = 1, probability = 4, ", "severity = 1, ", ("RSK-ARISING", "RC-001")),
        (CONTROLS, 'detector matrix.", severity = 1', 'detector matrix.", severity = 4', ("RSK-ARISING-LOOP", "RC-027")),
        (POLICY, 'S1 = ["acceptable", "acceptable"', 'S1 = ["unacceptable", "acceptable"', ("RSK-MATRIX", "POLICY-RISK")),
        (POLICY, 'S1 = ["acceptable", "acceptable"', 'S1 = ["acceptable"', ("SPC-VALUE", "$.acceptability.S1")),
        (POLICY, "level = 5", "level = 4", ("RSK-SCALE", "POLICY-RISK")),
        (POLICY, '"DEMO-clinical-safety"', '"DEMO-risk-manager"', ("RSK-APPROVAL", "POLICY-RISK")),
    ],
)
def test_what_does_not_hold_is_a_problem(project, file, old, new, expected):
    assert expected in change(project, file, old, new)


def test_a_requirement_that_names_an_unknown_control_is_a_problem(project):
    found = change(
        project, "requirements_spec/data/software_requirements/dicom.toml", 'controls = ["RC-005"]', 'controls = ["RC-905"]'
    )
    assert ("RSK-DANGLING", "SRS-011") in found
    assert ("RSK-ONE-SIDED", "RC-005 - SRS-011") in found


def test_a_risk_from_a_control_that_nobody_assessed_is_a_problem(project):
    path = project / CONTROLS
    text = path.read_text(encoding="utf-8")
    old = re.search(r"arising = \{ risk = \"The mark covers.*", text)[0]
    path.write_text(
        text.replace(old, 'arising = { risk = "Something.", assessment = "To be seen", situations = [] }'), encoding="utf-8"
    )
    assert [(problem.code, problem.item) for problem in problems(project)] == [("RSK-ARISING", "RC-018")]


def test_a_problem_of_a_situation_has_the_line_of_its_key(project):
    change(project, HAZARDS, 'harm = "Infiltration', 'harm = 7 # "Infiltration')
    (problem,) = [each for each in problems(project) if each.code == "SPC-TYPE"]
    line = int(problem.where.split(":")[1])
    assert (project / HAZARDS).read_text(encoding="utf-8").split("\n")[line - 1].startswith("harm = 7")
    assert problem.item == "$.hazard[0].situation[0].harm"


def test_malformed_files_are_problems_and_leave_no_policy(project):
    (project / POLICY).write_text("[[", encoding="utf-8")
    (project / HAZARDS).write_bytes(b"\xfe\xff")
    specification, _ = load_specification(project)
    risk, found = load(project, specification)
    assert risk.policy is None
    assert {"SPC-TOML", "SPC-ENCODING", "RSK-DANGLING"} <= {problem.code for problem in found}


def test_an_edit_of_a_situation_is_an_edit_of_its_hazard(project):
    change(project, HAZARDS, "Infiltration or enlarged heart", "Enlarged heart")
    assert [(problem.code, problem.item) for problem in check(project, RISK_BOOK)] == [("CHG-UNRECORDED", "HAZ-001")]
    assert (project / LEDGER).exists()
