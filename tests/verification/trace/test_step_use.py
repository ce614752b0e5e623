"""Which scenario depends on which definition: never too little, for every way step files name each other."""

import subprocess
import sys
from pathlib import Path

import pytest

from verification.trace import features, step_use
from verification.trace.features import Row, Scenario, Step

ROOT = Path(__file__).resolve().parents[3]
FILE = "verification/steps/a.py"
OTHER = "verification/steps/b.py"

STEPS = '''\
"""Steps."""
from pytest_bdd import given, parsers, then, when
from verification.steps import b
from verification.steps.b import helper as help_out

LIMIT = 18


@given("a film", target_fixture="film")
def _film(shelf):
    return help_out(shelf)


@when(parsers.parse("it is {age:d} years old"))
def _age(film, age):
    assert age < LIMIT


@then(parsers.re(r"it is (refused|admitted)"))
def _judged(film):
    b.look(film)


def unused():
    return LIMIT
'''
OTHERS = """\
import pytest


@pytest.fixture
def shelf():
    return build()


def build():
    return {}


def helper(shelf):
    return shelf


def look(film):
    return film
"""
CONFTEST = "from verification.steps.a import *\nfrom verification.steps.b import *\n"


def scenario(*steps, rows=()):
    kinds = {"Given": "Context", "When": "Action", "Then": "Outcome"}
    made = tuple(Step(kinds[kind], text) for kind, text in steps)
    return Scenario("x.feature", "X", "S", 1, ("SRS-001",), (), bool(rows), tuple(Row(row, 2) for row in rows), made)


def used(scenario, a=STEPS, b=OTHERS, conftest=CONFTEST):
    return step_use.used(scenario, step_use.read_files({FILE: a, OTHER: b, "verification/conftest.py": conftest}))


def names(found, file):
    return {name.split("::")[1] for name in found if name.startswith(f"{file}::")}


def test_a_scenario_uses_its_steps_and_what_they_name():
    found = used(scenario(("Given", "a film")))
    assert {"_film", "help_out"} <= names(found, FILE)
    assert {"shelf", "build", "helper"} <= names(found, OTHER)
    assert not {"_age", "_judged", "unused", "LIMIT"} & names(found, FILE)
    assert "look" not in names(found, OTHER)


def test_constants_and_attributes_of_modules_count():
    assert "LIMIT" in names(used(scenario(("When", "it is 17 years old"))), FILE)
    assert "look" in names(used(scenario(("Then", "it is refused"))), OTHER)


def test_rows_of_an_outline_are_put_in_before_steps_are_matched():
    found = used(scenario(("When", "it is <age> years old"), rows=("age=17", "age=19")))
    assert "_age" in names(found, FILE)
    assert "_judged" not in names(found, FILE)


def test_a_step_that_matches_nothing_uses_every_step():
    assert {"_film", "_age", "_judged"} <= names(used(scenario(("Given", "something nobody defined"))), FILE)


def test_a_keyword_has_to_fit():
    assert {"_film", "_age", "_judged"} <= names(used(scenario(("Then", "a film"))), FILE)


def test_a_pattern_that_is_no_literal_matches_every_step():
    found = used(
        scenario(("When", "it is 17 years old")), a=STEPS.replace('@given("a film", target_fixture="film")', "@when(NAME)")
    )
    assert {"_film", "_age"} <= names(found, FILE)


def test_what_a_regular_expression_has_put_in_may_be_any_text():
    text = STEPS + '\n\n@given(parsers.re(rf"a (?P<way>{WAYS}) film$"))\ndef _odd():\n    pass\n'
    files = step_use.read_files({FILE: text, OTHER: OTHERS})
    assert f"{FILE}::_odd" in step_use.used(scenario(("Given", "a slanted film")), files)
    assert f"{FILE}::_odd" not in step_use.used(scenario(("Given", "a film")), files)


def test_a_variable_of_a_comprehension_and_an_attribute_of_an_object_name_nothing():
    text = (
        STEPS
        + "\n\nTABLE = {film: 1 for film in ()}\n\n\nclass Shelf:\n    helper: int = 0\n\n    def of(self):\n        return self.unused\n"
    )
    files = step_use.read_files({FILE: text, OTHER: OTHERS})
    assert f"{FILE}::TABLE" in files.definitions
    assert f"{FILE}::film" not in files.definitions
    assert files.reached[f"{FILE}::Shelf"].isdisjoint({f"{FILE}::unused", f"{OTHER}::helper"})


def test_an_autouse_fixture_belongs_to_every_scenario():
    found = used(scenario(("When", "it is 17 years old")), b=OTHERS.replace("@pytest.fixture", "@pytest.fixture(autouse=True)"))
    assert {"shelf", "build"} <= names(found, OTHER)


def test_conftest_belongs_to_every_scenario_but_its_star_imports_only_to_users_of_the_module():
    plain = used(scenario(("When", "it is 17 years old")), conftest=f"{CONFTEST}SETTING = 1\n")
    assert "verification/conftest.py::SETTING" in plain
    assert "verification/conftest.py::* of verification.steps.a" in plain
    assert "verification/conftest.py::* of verification.steps.b" not in plain


def test_a_file_that_is_no_python_belongs_to_every_scenario():
    found = used(scenario(("When", "it is 17 years old")), b="def broken(:\n")
    assert f"{OTHER}::{OTHER}" in found


def test_two_definitions_of_one_name_are_both_compared():
    once = step_use.read_files({FILE: "def _():\n    return 1\n\n\ndef _():\n    return 2\n"})
    twice = step_use.read_files({FILE: "def _():\n    return 3\n\n\ndef _():\n    return 2\n"})
    assert once.definitions[f"{FILE}::_"].sha256 != twice.definitions[f"{FILE}::_"].sha256


@pytest.mark.parametrize(("text", "same"), [("LIMIT = 18  # years\n", True), ("LIMIT = 19\n", False), ("\n\nLIMIT = 18\n", True)])
def test_comments_and_layout_are_no_content(text, same):
    before = step_use.read_files({FILE: "LIMIT = 18\n"}).definitions[f"{FILE}::LIMIT"].sha256
    after = step_use.read_files({FILE: text}).definitions[f"{FILE}::LIMIT"].sha256
    assert (before == after) is same


def test_each_name_of_an_import_is_a_definition_of_its_own():
    read = step_use.read_files({FILE: "from verification.steps.b import helper, look\n", OTHER: OTHERS})
    assert f"{OTHER}::look" not in read.reached[f"{FILE}::helper"]
    assert f"{OTHER}::helper" in read.reached[f"{FILE}::helper"]


def test_no_scenario_of_the_project_has_a_step_without_definition():
    paths = [*sorted((ROOT / step_use.STEPS).glob("*.py")), *(ROOT / name for name in step_use.EVERYWHERE)]
    files = step_use.read_files({path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in paths})
    steps = {name for name, definition in files.definitions.items() if definition.steps}
    scenarios, _ = features.load(ROOT)
    assert [each.id for each in scenarios if steps <= step_use.used(each, files)] == []


COMPARISON = """
import ast, sys
from pathlib import Path
from tests.verification.trace.impact_oracle import step_use as running
from verification.trace import features, step_use
root = Path()
use = running(".")
texts = {p.as_posix(): p.read_text() for p in [*sorted(Path(step_use.STEPS).glob("*.py")), *map(Path, step_use.EVERYWHERE)]}
files = step_use.read_files(texts)
read = {each.id: step_use.used(each, files) for each in features.load(root)[0]}
missed, found, extra = [], 0, 0
for path, text in texts.items():
    for node in ast.parse(text).body:
        if path.startswith(step_use.STEPS) and isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            true = use.of(path.removesuffix(".py").replace("/", "."), node.name)
            said = {name for name, names in read.items() if f"{path}::{node.name}" in names}
            missed += [(path, node.name, name) for name in true - said]
            found += len(true & said)
            extra += len(said - true)
assert not missed, missed[:5]
assert found > 1000
assert found / (found + extra) > 0.8, (found, extra)
"""


def test_reading_the_sources_misses_nothing_that_running_them_shows():
    """Every function and class of the step files against pytest-bdd's registry and the byte code, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", COMPARISON], cwd=ROOT, env=_environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]


def _environment():
    from device_sw.launcher import numeric_environment

    return {**numeric_environment(), "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
