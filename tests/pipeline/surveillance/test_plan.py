"""A plan says how each indicator is summed up, or why none can; what it names exists."""

import shutil

import pytest

from pipeline.file_error import FileError
from pipeline.surveillance.indicators import SUMMED_BY
from pipeline.surveillance.plan import IDENTITY, PLAN, RESULTS, RULES, WRITER, load_plan
from tests.edits import edit
from tests.pipeline.surveillance.sites import ROOT


@pytest.fixture
def tree(tmp_path):
    for name in (PLAN, WRITER, IDENTITY, RESULTS):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_every_way_of_summing_up_that_a_plan_may_name_is_a_program():
    assert set(SUMMED_BY) == set(RULES)


def test_the_plan_of_this_project_uses_every_way_and_leaves_five_to_people(situations):
    plan = load_plan(ROOT, situations)
    assert {each.summed_by for each in plan.indicators if each.summed_by} == set(RULES)
    assert sum(bool(each.not_summed) for each in plan.indicators) == 5


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ('summed_by = "refused-share"\n', "", "neither summed_by nor not_summed"),
        ('summed_by = "refused-share"\n', 'summed_by = "refused-share"\nnot_summed = "no"\n', "both summed_by and not_summed"),
        ('rules = ["first-occurrence"]\n', "", "no rules"),
        ('rules = ["first-occurrence"]', 'rules = ["released"]', "no rule of failed-count released"),
        ('not_summed = "Publications', 'rules = ["released"]\nnot_summed = "Publications', "rules of what is not summed up"),
    ],
)
def test_a_plan_that_does_not_say_how_is_refused(tree, situations, old, new, found):
    edit(tree, PLAN, old, new)
    with pytest.raises(FileError, match=rf"^FILE-CONTENT at docs/surveillance\.toml PMI-\d\d: found {found}"):
        load_plan(tree, situations)


@pytest.mark.parametrize(
    ("old", "new"),
    [('"refused-share"', '"refused"'), ('"first-occurrence"', '"first"'), ("least_films = 100", "least_films = 0")],
)
def test_a_word_that_no_program_knows_is_refused_with_its_line(tree, situations, old, new):
    edit(tree, PLAN, old, new)
    with pytest.raises(FileError, match=r"^FILE-DATA at docs/surveillance\.toml:\d+"):
        load_plan(tree, situations)
