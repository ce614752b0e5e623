"""The gate as a whole: open on a sealed project, shut by every single defect, and never open without evidence."""

import json
import shutil
import subprocess
import sys

import pytest

from verification.trace import gate
from verification.trace.evidence import JUNIT, VERDICTS


def test_sealed_project_passes(project):
    result = project.check()
    assert result.problems == ()
    assert result.accepted
    assert result.passed
    text = gate.to_text(result)
    assert text.endswith("level development: nothing stands against it")
    assert f"identity:  {result.identity.sha256}\n" in text


def test_results_are_written_sorted_and_without_times(project):
    project.check()
    first = [project.read(gate.TRACE), project.read(gate.CHECK)]
    project.check()
    assert [project.read(gate.TRACE), project.read(gate.CHECK)] == first
    trace = json.loads(first[0])
    assert trace["evidence_accepted"] is True
    assert [item["id"] for item in trace["items"]] == sorted(item["id"] for item in trace["items"])
    assert json.loads(first[1])["passed"] is True


def test_a_project_without_a_policy_is_traced_and_concludes_nothing(project):
    """Without criteria nothing is judged: the risk is neither acceptable nor unacceptable."""
    (project.root / "risk/data/policy.toml").unlink()
    assert "SPC-FILE" in {problem.code for problem in project.check().problems}
    trace = json.loads(project.read(gate.TRACE))
    assert (trace["overall_residual_risk"], trace["risk_management_review"]) == (None, None)
    assert "HS-001" in {item["id"] for item in trace["items"]}


def test_without_evidence_it_names_the_demo(project):
    (project.root / VERDICTS).unlink()
    result = project.check()
    found = [problem for problem in result.problems if problem.code == "TRC-EVIDENCE-MISSING"]
    assert len(found) == 1
    assert "./qms demo" in found[0].repair
    assert result.graph.verdicts == {}


def test_a_run_counts_for_nothing_where_nobody_can_say_what_lies_here(project):
    """The run itself is whole; without a lock, what it judged cannot be compared with anything."""
    (project.root / "dvc.lock").unlink()
    result = project.check()
    assert "TRC-IDENTITY-UNKNOWN" in {problem.code for problem in result.problems}
    assert not result.accepted
    assert result.graph.verdicts == {}


def test_a_clone_without_run_is_shut(project):
    shutil.rmtree(project.root / "artifacts")
    (project.root / "dvc.lock").unlink()
    assert project.codes() == ["TRC-ENDPOINT-MISSING", "TRC-EVIDENCE-MISSING", "TRC-IDENTITY-UNKNOWN"]


@pytest.mark.parametrize("name", [VERDICTS, JUNIT])
def test_cut_off_record_is_refused(project, name):
    content = project.read(name)
    project.write(name, content[: len(content) // 2])
    assert project.codes() == ["TRC-EVIDENCE-UNREADABLE"]


def test_all_problems_come_at_once_and_sorted(project):
    project.replace("risk/data/hazards.toml", "severity = 3", "severity = 9")
    project.replace("requirements_spec/data/user_needs.toml", "[[need]]", "[[need]]\nowner = 1")
    (project.root / "docs/software-requirements.md").unlink()
    problems = project.check().problems
    assert list(problems) == sorted(problems)
    assert {"SPC-VALUE", "SPC-TYPE", "SPC-UNKNOWN-KEY", "TRC-SECTION-UNKNOWN"} & {p.code for p in problems} >= {
        "SPC-UNKNOWN-KEY",
        "TRC-SECTION-UNKNOWN",
    }


def test_every_problem_has_all_its_parts(project):
    project.verify({("A child's film is refused", ""): "<failure message='boom'/>"})
    project.replace("verification/features/admission.feature", "@SRS-002", "@SRS-099")
    for problem in project.check(gate.Level.SUBMISSION).problems:
        for part in (problem.where, problem.code, problem.item, problem.found, problem.expected, problem.repair, problem.clause):
            assert part.strip(), problem


def test_json_form_says_the_same(project):
    (project.root / VERDICTS).unlink()
    result = project.check()
    data = gate.to_json_result(result)
    assert data["passed"] is False
    assert [each["code"] for each in data["problems"]] == [problem.code for problem in result.problems]
    assert set(data["problems"][0]) == {"where", "code", "item", "found", "expected", "repair", "clause"}


def test_gate_does_not_depend_on_hash_seed(project):
    script = "import sys; from pathlib import Path; from verification.trace import gate, matrix; r = gate.check(Path(sys.argv[1])); sys.stdout.write(matrix.render(r))"
    pages = []
    for seed in ("0", "1"):
        environment = {
            "PYTHONPATH": str(gate.__file__).split("/verification/")[0],
            "PYTHONHASHSEED": seed,
            "PATH": "/usr/bin:/bin",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        done = subprocess.run([sys.executable, "-c", script, str(project.root)], capture_output=True, check=True, env=environment)
        pages.append((done.stdout, project.read(gate.TRACE)))
    assert pages[0] == pages[1]
