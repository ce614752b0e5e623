"""Each single defect of the small project shuts the gate with its code at its place; what is done to the shipped data is in `test_mutants`."""

import json
import re

import pytest
import yaml

from verification.trace import gate
from verification.trace.lineage import md5_of

FEATURE = "verification/features/admission.feature"
NEEDS = "requirements_spec/data/user_needs.toml"
REQUIREMENTS = "requirements_spec/data/software_requirements/device.toml"
ARCHITECTURE = "requirements_spec/data/architecture.toml"
SOUP = "requirements_spec/data/soup.toml"
HAZARDS = "risk/data/hazards.toml"
CONTROLS = "risk/data/controls.toml"

SINGLE = [
    ("need without requirement", NEEDS, 'id = "UN-001"', 'id = "UN-002"', "SPC-NEED-UNSERVED", "UN-002"),
    ("requirement names an unknown need", REQUIREMENTS, 'needs = ["UN-001"]', 'needs = ["UN-099"]', "SPC-DANGLING", "SRS-001"),
    ("requirement without need", REQUIREMENTS, 'needs = ["UN-001"]', "needs = []", "SPC-VALUE", "$.requirement[0].needs"),
    (
        "requirement without disposition",
        REQUIREMENTS,
        'not_risk_related = "It repeats what the film says."\n',
        "",
        "SPC-DISPOSITION",
        "SRS-002",
    ),
    ("safety taken away", REQUIREMENTS, "safety = true", "safety = false", "SPC-DISPOSITION", "SRS-001"),
    (
        "requirement without section",
        REQUIREMENTS,
        'sections = ["software-requirements"]',
        "sections = []",
        "SPC-VALUE",
        "$.requirement[0].sections",
    ),
    ("requirement without item", REQUIREMENTS, "SWI-DEVICE", "SWI-OTHER", "SPC-DANGLING", "SRS-001"),
    (
        "requirement no longer names its control",
        REQUIREMENTS,
        'controls = ["RC-001"]',
        'not_risk_related = "no"',
        "RSK-ONE-SIDED",
        "RC-001 - SRS-001",
    ),
    (
        "requirement names an unknown control",
        REQUIREMENTS,
        'controls = ["RC-001"]',
        'controls = ["RC-001", "RC-009"]',
        "RSK-DANGLING",
        "SRS-001",
    ),
    (
        "item without requirement",
        ARCHITECTURE,
        "[[interface]]",
        '[[item]]\nid = "SWI-IDLE"\ntitle = "t"\npurpose = "p"\nmodules = ["device_sw.idle"]\n[[interface]]',
        "SPC-ITEM-IDLE",
        "SWI-IDLE",
    ),
    (
        "item names a module that is not there",
        ARCHITECTURE,
        "device_sw.device",
        "device_sw.devices",
        "SPC-MODULE-ABSENT",
        "SWI-DEVICE",
    ),
    ("SOUP that is not locked", SOUP, 'distribution = "numpy"', 'distribution = "scipy"', "SPC-SOUP-UNLOCKED", "SOUP-NUMPY"),
    (
        "dependency that is no SOUP item",
        "pyproject.toml",
        '  "numpy>=2.4,<3",\n',
        '  "numpy>=2.4,<3",\n  "Rich_Text>=15",\n',
        "TRC-SOUP-UNLISTED",
        "rich-text",
    ),
    (
        "control that reduces nothing",
        CONTROLS,
        'situations = ["HS-001"]',
        "situations = []",
        "SPC-VALUE",
        "$.control[0].situations",
    ),
    (
        "control of another situation",
        CONTROLS,
        'situations = ["HS-001"]',
        'situations = ["HS-009"]',
        "RSK-UNCONTROLLED",
        "HS-001",
    ),
    (
        "control without requirement",
        CONTROLS,
        'requirements = ["SRS-001"]',
        "requirements = []",
        "SPC-VALUE",
        "$.control[0].requirements",
    ),
    (
        "control redirected to another requirement",
        CONTROLS,
        'requirements = ["SRS-001"]',
        'requirements = ["SRS-002"]',
        "RSK-ONE-SIDED",
        "RC-001 - SRS-002",
    ),
    ("residual claimed too low", HAZARDS, "residual_probability = 2", "residual_probability = 1", "RSK-CLAIM", "HS-001"),
    (
        "situation removed",
        HAZARDS,
        re.compile(r"\[\[hazard\.situation\]\].*", re.DOTALL),
        "",
        "SPC-MISSING-KEY",
        "$.hazard[0].situation",
    ),
    ("requirement text edited", REQUIREMENTS, "under 18", "under 16", "CHG-UNRECORDED", "SRS-001"),
    ("severity lowered", HAZARDS, "\nseverity = 3", "\nseverity = 2", "CHG-UNRECORDED", "HAZ-001"),
    (
        "policy loosened",
        "risk/data/policy.toml",
        'S3 = ["acceptable", "acceptable", "reduce"',
        'S3 = ["acceptable", "acceptable", "acceptable"',
        "CHG-UNRECORDED",
        "POLICY-RISK",
    ),
    ("tag of the requirement removed", FEATURE, "  @SRS-002\n", "", "TRC-REQ-SCENARIO", "SRS-002"),
    ("tag of the control removed", FEATURE, "  @RC-001\n", "", "TRC-CONTROL-SCENARIO", "RC-001"),
    (
        "tag of an unknown requirement",
        FEATURE,
        "@SRS-002",
        "@SRS-002 @SRS-099",
        "TRC-TAG-UNKNOWN",
        "TC:admission.feature::Every view is told",
    ),
    (
        "scenario without requirement",
        FEATURE,
        "@SRS-001\n",
        "",
        "TRC-SCENARIO-TAG",
        "TC:admission.feature::A child's film is refused",
    ),
    (
        "tag on an example table",
        FEATURE,
        "    Examples:",
        "    @SRS-001\n    Examples:",
        "TRC-TAG-LOST",
        "TC:admission.feature::Every view is told",
    ),
    (
        "scenario that expects nothing",
        FEATURE,
        "    Then it is refused\n",
        "",
        "TRC-SCENARIO-NO-OUTCOME",
        "TC:admission.feature::A child's film is refused",
    ),
]


@pytest.mark.parametrize("case", [case[1:] for case in SINGLE], ids=[case[0] for case in SINGLE])
def test_each_single_defect_has_its_code_and_place(project, case):
    name, old, new, code, item = case
    text = project.read(name)
    mutant = old.sub(new, text, count=1) if isinstance(old, re.Pattern) else text.replace(old, new, 1)
    assert mutant != text
    project.write(name, mutant)
    result = project.check()
    found = [problem for problem in result.problems if (problem.code, problem.item) == (code, item)]
    assert found, [f"{problem.code} {problem.item}" for problem in result.problems]
    assert re.fullmatch(r"[\w./-]+:\d+", found[0].where)
    assert not result.passed


def test_control_without_risk_of_its_own_file_still_names_the_line(project):
    project.replace(FEATURE, "  @RC-001\n", "")
    found = next(problem for problem in project.check().problems if problem.code == "TRC-CONTROL-SCENARIO")
    assert found.where == f"{CONTROLS}:{project.line(CONTROLS, '[[control]]')}"


def test_a_missing_page_is_named(project):
    (project.root / "docs/software-requirements.md").unlink()
    found = next(problem for problem in project.check().problems if problem.code == "TRC-SECTION-UNKNOWN")
    assert (found.where, found.item) == ("docs/software-requirements.md:1", "software-requirements")


def test_a_module_without_item_is_named(project):
    project.write("device_sw/orphan.py", "")
    assert "SPC-MODULE-UNASSIGNED" in project.codes()


def test_a_removed_ledger_is_named(project):
    (project.root / "requirements_spec/data/changes.toml").unlink()
    assert {"SPC-FILE", "CHG-UNRECORDED"} <= set(project.codes())


def test_a_failed_control_raises_the_residual_risk(project):
    project.verify({("A child's film is refused", ""): "<failure message='boom'/>"})
    found = next(problem for problem in project.check().problems if problem.code == "TRC-RISK-RESIDUAL")
    assert found.item == "HS-001"
    assert found.found == "S3 P4 is unacceptable, because not shown to work: RC-001"


def test_an_unacceptable_residual_that_is_stated_blocks_submission_only(project):
    stated = 'residual_probability = 4\nfurther_control = "The age is legible in the header only."'
    project.replace(HAZARDS, "residual_probability = 2", stated)
    project.seal()
    assert project.codes() == []
    submission = project.check(gate.Level.SUBMISSION).problems
    assert "HS-001" in [problem.item for problem in submission if problem.code == "TRC-RISK-RESIDUAL"]
    assert "TRC-RISK-OVERALL" in {problem.code for problem in submission}


EDITS = [
    ("verdict row cut out", lambda data: data["verdicts"].pop(), "TRC-EVIDENCE-UNREADABLE"),
    ("verdict given another tag", lambda data: data["verdicts"][0]["tags"].append("SRS-002"), "TRC-EVIDENCE-ALTERED"),
    ("verdict of an unknown outcome", lambda data: data["verdicts"][0].update(outcome="fine"), "TRC-EVIDENCE-UNREADABLE"),
    ("another schema", lambda data: data.update(schema="thoratrace/verdicts/9"), "TRC-EVIDENCE-UNREADABLE"),
]


@pytest.mark.parametrize(("edit", "code"), [case[1:] for case in EDITS], ids=[case[0] for case in EDITS])
def test_edited_evidence_is_refused(project, edit, code):
    project.edit_verdicts(edit)
    result = project.check()
    assert [problem.code for problem in result.problems] == [code]
    assert not result.accepted


def test_a_failure_typed_over_as_a_pass_is_found(project):
    project.verify({("A child's film is refused", ""): "<failure message='boom'/>"})

    def heal(data):
        data["verdicts"][0].update(outcome="passed", reason="")
        data["counts"] = {"passed": 3}

    project.edit_verdicts(heal)
    found = project.check().problems
    assert [problem.code for problem in found] == ["TRC-EVIDENCE-ALTERED"]
    assert "verdicts.json: passed" in found[0].found
    assert "junit.xml: failed" in found[0].found


def test_a_removed_scenario_makes_its_evidence_stale(project):
    text = project.read(FEATURE)
    project.write(FEATURE, text[: text.index("  @SRS-002")])
    codes = project.codes()
    assert "TRC-EVIDENCE-STALE" in codes
    assert "TRC-REQ-SCENARIO" in codes


def endpoint(project, **changes):
    """Rerun the pipeline with another validation record."""
    data = json.loads(project.read("artifacts/validation/validation.json"))
    data["endpoints"][0].update(changes)
    project.write("artifacts/validation/validation.json", json.dumps(data))
    relock(project)
    project.verify()


def relock(project):
    lock = yaml.safe_load(project.read("dvc.lock"))
    lock["stages"]["validate"]["outs"][0]["md5"] = md5_of(project.root / "artifacts/validation")
    project.write("dvc.lock", yaml.safe_dump(lock))


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({}, []),
        ({"passed": False, "value": 0.5}, ["TRC-ENDPOINT-FAILED"]),
        ({"passed": False, "value": None, "reason": "undefined: no truth boxes"}, ["TRC-ENDPOINT-FAILED"]),
        ({"passed": False, "primary": False, "value": 0.5}, ["TRC-ENDPOINT-PROTOCOL"]),
        ({"passed": "yes"}, ["TRC-ENDPOINT-FAILED", "TRC-ENDPOINT-RECOUNT"]),
        ({"requirement": "SRS-099"}, ["TRC-ENDPOINT-PROTOCOL", "TRC-ENDPOINT-REQUIREMENT"]),
        ({"value": 0.5}, ["TRC-ENDPOINT-RECOUNT"]),
        ({"id": "ap50-other"}, ["TRC-ENDPOINT-PROTOCOL"]),
    ],
)
def test_primary_endpoints_have_to_be_met(project, changes, codes):
    endpoint(project, **changes)
    assert project.codes() == codes


def test_release_asks_for_signatures_that_nothing_here_can_give(project):
    project.write("people.toml", "[[person]]\nname = 'DEMO'\n")
    problems = [problem for problem in project.check(gate.Level.RELEASE).problems if problem.code == "TRC-SIGNATURE"]
    names = {problem.where for problem in problems}
    assert {CONTROLS, HAZARDS, "risk/data/policy.toml", NEEDS, REQUIREMENTS, FEATURE, "validation/protocol.toml"} <= names


def test_submission_names_every_gap_with_its_line(project):
    problems = project.check(gate.Level.SUBMISSION).problems
    gaps = [(problem.where, problem.item) for problem in problems if problem.code == "TRC-GAP"]
    assert gaps == [("docs/gaps.toml:2", "GAP-001")]
    assert "TRC-SIGNATURE" in {problem.code for problem in problems}


@pytest.mark.parametrize("text", [None, "gap = [", "x = 1"])
def test_an_unreadable_register_of_gaps_blocks_submission(project, text):
    if text is None:
        (project.root / "docs/gaps.toml").unlink()
    else:
        project.write("docs/gaps.toml", text)
    gaps = [problem for problem in project.check(gate.Level.SUBMISSION).problems if problem.code == "TRC-GAP"]
    assert len(gaps) == 1
    assert "no readable register" in gaps[0].found
