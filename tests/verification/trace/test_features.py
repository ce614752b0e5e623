"""Feature files are read independently of the runner, and every defect of one is named with its line."""

import pytest

from requirements_spec.reading_cache import ReadingCache, open_cache
from verification.trace import features
from verification.trace.features import Row, Scenario, Step

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


WHOLE = """\
@SRS-001 @slow
Feature: Film
  Background:
    Given a film
  Scenario: Plain
    * it is read
    Then it is told
  @RC-002
  Rule: Adults
    Background:
      Given an adult
      And a table
        | age | sex |
        | 40  | F   |
    @RC-001
    Scenario Outline: Views
      When the view is <view>
      But nothing else
        \"\"\"
        two
        lines
        \"\"\"
      Then it says <view> and <code>
      @lost @also
      Examples:
        | view | code |
        | PA   | 1    |
      Examples:
        | view    | code |
        | LATERAL | 2    |
"""


@pytest.mark.parametrize("cached", [False, True])
def test_a_file_is_read_whole(project, cached):
    project.write(NAME, WHOLE)
    cache = None
    if cached:
        first = ReadingCache()
        features.load(project.root, first)
        first.save(project.root / "cache")
        cache = open_cache(project.root / "cache")
    scenarios, problems = features.load(project.root, cache)
    assert problems == ()
    given = (Step("Context", "a film", "Given"),)
    adult = (Step("Context", "an adult", "Given"), Step("Context", "a table", "And", "age | sex\n40 | F"))
    views = Scenario(
        feature="admission.feature",
        title="Film",
        name="Views",
        line=16,
        tags=("RC-001", "RC-002", "SRS-001", "slow"),
        lost_tags=("also", "lost"),
        is_outline=True,
        rows=(
            Row("view=PA, code=1", 27, (("view", "PA"), ("code", "1"))),
            Row("view=LATERAL, code=2", 30, (("view", "LATERAL"), ("code", "2"))),
        ),
        steps=(
            *given,
            *adult,
            Step("Action", "the view is <view>", "When"),
            Step("Action", "nothing else", "But", "two\nlines"),
            Step("Outcome", "it says <view> and <code>", "Then"),
        ),
    )
    plain = Scenario(
        feature="admission.feature",
        title="Film",
        name="Plain",
        line=5,
        tags=("SRS-001", "slow"),
        lost_tags=(),
        is_outline=False,
        rows=(),
        steps=(*given, Step("Unknown", "it is read", "*"), Step("Outcome", "it is told", "Then")),
    )
    assert scenarios == (plain, views)
    assert (views.id, views.where) == ("TC:admission.feature::Views", f"{NAME}:16")
    assert plain.expected() == (("admission.feature", "Plain", ""),)


def told(problems):
    return [(each.code, each.where, each.item, each.found) for each in problems]


def test_what_cannot_be_read_is_told_with_file_line_and_words(project):
    _, problems = load(project, "Feature: F\n  Scenario: S\n    Then t\n  nonsense here\n")
    (only,) = told(problems)
    assert only[:3] == ("TRC-FEATURE-SYNTAX", f"{NAME}:4", "admission.feature")
    assert only[3].startswith("(4:3): expected: ")
    assert only[3].endswith("got 'nonsense here'")
    (project.root / NAME).write_bytes(b"Feature: \xff\n")
    code, where, item, found = told(features.load(project.root)[1])[0]
    assert (code, where, item) == ("TRC-FEATURE-SYNTAX", NAME, "admission.feature")
    assert found == "'utf-8' codec can't decode byte 0xff in position 9: invalid start byte"
    (project.root / NAME).unlink()
    (project.root / NAME).mkdir()
    assert told(features.load(project.root)[1]) == [
        ("TRC-FEATURE-SYNTAX", NAME, "admission.feature", "no readable file (IsADirectoryError)")
    ]


def test_one_unreadable_file_does_not_hide_the_next(project):
    project.write("verification/features/aaa.feature", "nonsense\n")
    scenarios, problems = features.load(project.root)
    assert len(scenarios) == 2
    assert [each.item for each in problems] == ["aaa.feature"]


def test_a_file_in_a_folder_is_known_by_its_path(project):
    project.write("verification/features/sub/b.feature", "Feature: F\n  Scenario: S\n    Then t\n")
    assert [each.id for each in features.load(project.root)[0]][-1] == "TC:sub/b.feature::S"


def test_equal_names_and_rows_are_told_with_their_count(project):
    _, problems = load(project, "Feature: F\n" + "  Scenario: S\n    Then t\n" * 3)
    assert told(problems) == [
        ("TRC-SCENARIO-DUPLICATE", f"{NAME}:{line}", "TC:admission.feature::S", "3 scenarios of this name in the file")
        for line in (2, 4, 6)
    ]
    outline = (
        "Feature: F\n  Scenario Outline: S\n    Then <a>\n    Examples:\n      | a |\n      | 1 |\n      | 2 |\n      | 1 |\n"
    )
    _, problems = load(project, outline)
    assert told(problems) == [
        ("TRC-SCENARIO-DUPLICATE", f"{NAME}:{line}", "TC:admission.feature::S [a=1]", "2 equal rows") for line in (6, 8)
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_form_of_line_end_is_one(project, end):
    (project.root / NAME).write_bytes(f"Feature: F{end}  Scenario: S{end}    Then t{end}".encode())
    (scenario,), problems = features.load(project.root)
    assert problems == ()
    assert (scenario.line, scenario.steps) == (2, (Step("Outcome", "t", "Then"),))
