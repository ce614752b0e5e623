"""The usability file follows the risk file: a situation or misuse without a scenario, and a name that leads nowhere, stop the build."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.dossier.usability import USABILITY, critical, load_usability
from pipeline.dossier.usability_pages import STATE, UsabilityPages
from pipeline.file_error import FileError
from tests.edits import edit

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def copy(tmp_path):
    (tmp_path / "docs").mkdir()
    shutil.copy(ROOT / USABILITY, tmp_path / USABILITY)
    return tmp_path


@pytest.mark.parametrize(
    "change",
    [
        ('situations = ["HS-006"]', 'situations = ["HS-005"]', r"HS-006: found no use scenario and no reason why there is none"),
        (
            'situations = ["HS-006"]',
            'situations = ["HS-006", "HS-099"]',
            r"scenario and technical: found no hazardous situation HS-099",
        ),
        ('situations = ["HS-006"]', 'situations = ["HS-006", "HS-001"]', r"HS-001: found both in USE-01 and under technical"),
        (
            'misuse = ["the film is read only where',
            'misuse = ["the film is never read where',
            r"misuse: found no scenario for 'the film is read only",
        ),
        ('user = "U-1"', 'user = "U-7"', r"USE-01: found no user U-7"),
        ('elements = ["UI-1", "UI-2"]', 'elements = ["UI-9"]', r"USE-01: found no element UI-9"),
        ('"SRS-150"]', '"SRS-999"]', r"UI-1: found no requirement SRS-999"),
        ('role = "maintainer"', 'role = "visitor"', r"U-3: found no role of a user need visitor"),
        ('kind = "summative"', 'kind = "formative"', r"evaluation: found no summative evaluation"),
    ],
)
def test_what_is_left_out_or_leads_nowhere_is_named(copy, specification, risk, change):
    old, new, said = change
    with pytest.raises(FileError, match=rf"^FILE-CONTENT at docs/usability\.toml {said}"):
        load_usability(edit(copy, USABILITY, old, new), specification, risk, risk.policy)


def test_a_new_situation_of_the_risk_file_has_to_be_met(copy, specification, risk):
    first, *others = risk.hazards
    more = replace(
        risk, hazards=(replace(first, situations=(*first.situations, replace(first.situations[0], id="HS-900"))), *others)
    )
    with pytest.raises(FileError, match=r"docs/usability\.toml HS-900: found no use scenario"):
        load_usability(copy, specification, more, more.policy)


def test_severity_alone_makes_a_scenario_critical(specification, risk):
    usability = load_usability(ROOT, specification, risk, risk.policy)
    severities = {situation.id: situation.severity for situation in risk.situations}
    assert {each.id for each in usability.scenarios if not critical(each, risk)} == {
        each.id for each in usability.scenarios if all(severities[name] <= 3 for name in each.situations)
    }
    assert any(critical(each, risk) for each in usability.scenarios)


@pytest.fixture(scope="module")
def pages(specification, risk, evaluation, verdicts):
    usability = load_usability(ROOT, specification, risk, risk.policy)
    return UsabilityPages(usability, specification, risk, evaluation, verdicts)


def test_each_scenario_is_tested_in_exactly_one_kind_of_evaluation(pages):
    tested = [name for kind in ("formative", "summative") for name in pages.tasks(kind).split("[")[1:] if name.startswith("USE-")]
    assert len(tested) == pages.counts()["scenarios"]
    assert pages.tasks("summative").count("[USE-") == pages.counts()["critical"]


def test_every_plan_says_that_it_was_not_carried_out(pages):
    assert pages.evaluations("formative").count(STATE) == 3
    assert pages.evaluations("summative").count(STATE) == 1


def test_a_scenario_prints_what_the_risk_file_says_of_its_situation(pages, risk):
    situation = next(each for each in risk.situations if each.id == "HS-006")
    text = pages.scenarios()
    assert situation.text in text
    assert situation.harm in text
    assert "S5 P3" in text
