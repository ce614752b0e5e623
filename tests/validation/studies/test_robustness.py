"""Robustness: a device that loses marks loses AP in proportion, and refusals count as films without marks."""

import pytest

from validation import cohort, protocol
from validation.studies import robustness
from validation.studies.corruptions import CORRUPTIONS, GRADES
from validation.studies.observation import INVERTED
from validation.studies.subject import Subject


@pytest.fixture
def films(cohort_json, written):
    return cohort.load(written("cohort.json", cohort_json)).of_split("test")[:30]


@pytest.fixture
def study(films, predictions_json, monkeypatch):
    """A device that never minds, refuses inverted films, marks nothing on tilted ones and refuses collimated ones."""
    known = {row["film_id"]: {key: row[key] for key in ("status", "code", "candidates")} for row in predictions_json["films"]}
    refused = {"status": "refused", "code": "ADM-PICTURE", "candidates": []}

    def answers(_subject, questions, _report):
        blank = {"tilted": {"status": "analysed", "code": None, "candidates": []}, INVERTED: refused, "collimated": refused}
        return [blank.get(question.way, known[question.film.film_id]) for question in questions]

    monkeypatch.setattr(robustness, "answers", answers)
    monkeypatch.setattr(robustness, "_thresholds", lambda _: predictions_json["thresholds"])
    return robustness.study(Subject(None, None, None), films, protocol.load(), 50, lambda *_: None)


def cells(study, name):
    return [cell for cell in study["cells"] if cell["corruption"] == name]


def test_there_is_a_cell_for_every_corruption_and_grade(study):
    assert [(cell["corruption"], cell["grade"]) for cell in study["cells"]] == [
        (name, grade) for name in CORRUPTIONS for grade in GRADES
    ]


def test_what_changes_nothing_keeps_everything(study):
    assert all(cell["relative_ap50"]["value"] == 1.0 for cell in cells(study, "JPEG"))
    assert study["per_corruption"]["JPEG"]["first_grade_below_goal"] is None


@pytest.mark.parametrize("name", ["tilted", "collimated"])
def test_films_without_marks_and_refused_films_are_misses(study, name):
    assert all(
        cell["relative_ap50"]["value"] == 0.0 and cell["relative_sensitivity"]["value"] == 0.0 for cell in cells(study, name)
    )
    assert study["per_corruption"][name]["first_grade_below_goal"] == 1


def test_refusals_are_counted_with_their_codes(study):
    assert all(cell["refused"] == {"ADM-PICTURE": 30} for cell in cells(study, "collimated"))
    assert study["per_corruption"]["collimated"]["refused"] == 150


def test_goals_carry_the_mean_and_what_has_to_be_refused(study):
    mean, inverted, same = study["goals"]
    assert mean["value"] == pytest.approx(10 / 12)
    assert not mean["passed"]
    assert mean["interval"] is not None
    assert (inverted["value"], inverted["passed"]) == (1.0, True)
    assert same["passed"]
