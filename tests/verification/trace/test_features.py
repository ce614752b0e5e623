"""Feature files are read independently of the runner, and every defect of one is named with its line."""

import pytest

from verification.trace import features

NAME = "verification/features/admission.feature"


def load(project, text):
    project.write(NAME, text)
    return features.load(project.root)


def test_scenarios_carry_tags_rows_and_background(project):
    (child, views), problems = features.load(project.root)
    assert problems == ()
    assert child.tags == ("RC-001", "SRS-001")
    assert (child.steps[0].kind, child.steps[0].text) == ("Context", "a film")
    assert views.expected() == (
        ("admission.feature", "Every view is told", "view=PA"),
        ("admission.feature", "Every view is told", "view=LATERAL"),
    )


def test_rules_pass_their_tags_and_background_on(project):
    text = "@SRS-001\nFeature: F\n  @SRS-002\n  Rule: R\n    Background:\n      Given g\n    Scenario: S\n      Then t\n      And u\n"
    (scenario,), _ = load(project, text)
    assert scenario.tags == ("SRS-001", "SRS-002")
    assert [step.kind for step in scenario.steps] == ["Context", "Outcome", "Outcome"]


def test_syntax_error_is_named_with_its_line(project):
    _, problems = load(project, "Feature: F\n  Scenario: S\n    Then t\n  nonsense here\n")
    assert [(problem.code, problem.where) for problem in problems] == [("TRC-FEATURE-SYNTAX", f"{NAME}:4")]


def test_text_that_is_not_utf8_is_named(project):
    (project.root / NAME).write_bytes(b"Feature: \xff\n")
    _, problems = features.load(project.root)
    assert [problem.code for problem in problems] == ["TRC-FEATURE-SYNTAX"]


def test_two_scenarios_of_one_name_are_named(project):
    _, problems = load(project, "Feature: F\n  Scenario: S\n    Then t\n  Scenario: S\n    Then u\n")
    assert [(problem.code, problem.where) for problem in problems] == [
        ("TRC-SCENARIO-DUPLICATE", f"{NAME}:2"),
        ("TRC-SCENARIO-DUPLICATE", f"{NAME}:4"),
    ]


def test_two_equal_rows_are_named(project):
    project.replace(NAME, "| LATERAL |", "| PA |")
    _, problems = features.load(project.root)
    assert [problem.where for problem in problems] == [f"{NAME}:{line}" for line in (17, 18)]


def test_an_empty_file_owes_nothing(project):
    assert load(project, "") == ((), ())


@pytest.mark.parametrize("keyword", ["Scenario Outline", "Scenario Template"])
def test_an_outline_without_rows_is_owed(project, keyword):
    (scenario,), _ = load(project, f"Feature: F\n  {keyword}: S\n    Then <t>\n")
    assert scenario.is_outline
    assert scenario.expected() == (("admission.feature", "S", ""),)
