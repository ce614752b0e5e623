"""Ten problems are planted in a copy of the project; each message alone says where, what, and what to do. The kept list is of the same problems."""

import json
import re

import pytest

from tests.benchmarks.seeded_problems import EVIDENCE, PROBLEMS, ROOT, message, said
from tests.project_copy import COPIED, LINKED, copy_of_project


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    missing = [name for name in (*LINKED, *COPIED) if not (ROOT / "artifacts" / name).is_dir()]
    if missing:
        pytest.skip(f"no finished run here (./qms demo makes it): {', '.join(missing)}")
    return copy_of_project(tmp_path_factory.mktemp("seeded") / "project")


@pytest.mark.needs_run
@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name.split(":")[0].replace(" ", "-"))
def test_the_message_leads_to_the_repair(project, problem):
    text = message(project, problem)
    assert re.match(problem.begins, text), text
    assert [words for words in problem.leads if words not in text] == [], text


@pytest.mark.needs_run
def test_without_a_problem_nothing_is_said(project):
    assert said(project, "build") == ""


def test_the_kept_list_is_of_these_problems():
    kept = json.loads(EVIDENCE.read_text(encoding="utf-8"))
    assert [row["problem"] for row in kept["rows"]] == [problem.name for problem in PROBLEMS]
    assert kept["led_to_the_repair"] == len(PROBLEMS) == 10
    assert kept["said_without_a_problem"] == ""
