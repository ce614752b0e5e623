"""The quick reader never says anything else than the reference parser: it agrees, or it is silent."""

from pathlib import Path

import pytest
from gherkin.errors import CompositeParserException, ParserException
from gherkin.parser import Parser
from hypothesis import given, settings
from hypothesis import strategies as st

from verification.trace.features import _children, _tags
from verification.trace.plain_gherkin import plain_feature

ROOT = Path(__file__).resolve().parents[3]
FILES = sorted((ROOT / "verification" / "features").rglob("*.feature"))

LINES = (
    "Feature: a",
    "Feature:",
    "  as a reader",
    "  Background:",
    "Background: b",
    "  Scenario: c",
    "  Scenario: d: e",
    "  Scenario Outline: <f>",
    "  Scenario Template: g",
    "  Example: h",
    "    Given i",
    "    When  j <f> ",
    "    Then k: l",
    "    And m",
    "    But n",
    "    * o",
    "    Given",
    "    Given ",
    "    Examples:",
    "    Examples: p",
    "    Scenarios:",
    "      | f | q |",
    "      | 1 | 2 |",
    "      | 3 |",
    "      ||",
    "      |",
    "      | a\\|b | c |",
    "      | x | y | # z",
    "  @r",
    "  @s @t",
    "@u@v",
    "  @w #x",
    "@",
    "# language: de",
    "  # a comment",
    "  Rule: y",
    '    """',
    "    ```",
    "  Given: z",
    "Givenness",
    "text",
    "",
    "   ",
    "\t",
    "\u3000Scenario: wide",
    "\ufeffFeature: a",
    "\x1c",
    "  Scenario :",
)


def scenarios(feature):
    """Return what `features` makes of a tree."""
    return tuple(_children("x.feature", feature["name"], feature["children"], _tags(feature), ()))


def agrees_or_is_silent(text):
    plain = plain_feature(text)
    if plain is not None:
        assert scenarios(plain) == scenarios(Parser().parse(text)["feature"])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_it_agrees_on_every_feature_file(path):
    agrees_or_is_silent(path.read_text(encoding="utf-8"))


def test_it_reads_most_feature_files_itself():
    read = [path for path in FILES if plain_feature(path.read_text(encoding="utf-8")) is not None]
    assert len(read) > len(FILES) // 2


@settings(max_examples=1500, deadline=None)
@given(st.lists(st.sampled_from(LINES), max_size=14))
def test_it_agrees_on_lines_in_any_order(lines):
    agrees_or_is_silent("\n".join(lines))


@settings(max_examples=1500, deadline=None)
@given(st.lists(st.sampled_from(LINES[:14] + LINES[18:23] + LINES[28:30] + ("",)), max_size=16))
def test_it_agrees_on_nearly_plain_text(lines):
    agrees_or_is_silent("\n".join(["Feature: a", *lines]))


@settings(max_examples=500, deadline=None)
@given(st.text(st.sampled_from("FeatureScenarioGivenThen:@|#*\n \t\r\"'<>\\é\u2028"), max_size=60))
def test_it_agrees_on_random_text(text):
    agrees_or_is_silent(f"Feature: a\n  Scenario: b\n    {text}")


def test_a_background_is_plain():
    text = "Feature: a\n  Background:\n    Given b\n  Scenario: c\n    Then d\n"
    assert [[step["text"] for step in child["background"]["steps"]] for child in plain_feature(text)["children"][:1]] == [["b"]]


def test_a_mistake_is_left_to_the_reference_parser():
    text = "Feature: a\n  Scenario: b\n    Given c\n    Gven d\n"
    assert plain_feature(text) is None
    with pytest.raises((CompositeParserException, ParserException), match="Gven d"):
        Parser().parse(text)
