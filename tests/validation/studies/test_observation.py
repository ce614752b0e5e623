"""A stopped study goes on where it was: what the device answered once is not asked again."""

import pytest

from validation import cohort
from validation.studies import observation
from validation.studies.corruptions import CORRUPTIONS, GRADES
from validation.studies.observation import AS_IT_IS, INVERTED, Question, answers
from validation.studies.subject import Subject


class Interrupted(Exception):
    """Somebody pulled the plug."""


@pytest.fixture
def films(cohort_json, written):
    return cohort.load(written("cohort.json", cohort_json)).of_split("test")[:6]


@pytest.fixture
def asked(monkeypatch):
    """Record what reaches the device; it dies at the fourth film once."""
    seen = []

    def answer(task):
        if len(seen) == 3 and "died" not in seen:
            seen.append("died")
            raise Interrupted
        seen.append(task.key)
        return {"status": "analysed", "code": None, "candidates": [], "number": len(seen)}

    monkeypatch.setattr(observation, "_answer", answer)
    monkeypatch.setattr(Subject, "device", lambda _: {"bundle_sha256": "b", "source_sha256": "s"})
    return seen


def test_a_killed_study_asks_only_what_is_missing(films, asked, tmp_path):
    subject = Subject(tmp_path, tmp_path, tmp_path / "work")
    questions = [Question(film) for film in films]
    with pytest.raises(Interrupted):
        answers(subject, questions, lambda *_: None)
    first = answers(subject, questions, lambda *_: None)
    assert len([key for key in asked if key != "died"]) == len(set(asked)) - 1 == len(films)
    assert answers(subject, questions, lambda *_: None) == first
    assert len(asked) == len(films) + 1


def test_another_device_is_asked_anew(films, asked, tmp_path, monkeypatch):
    asked.append("died")
    subject = Subject(tmp_path, tmp_path, tmp_path / "work")
    answers(subject, [Question(films[0])], lambda *_: None)
    monkeypatch.setattr(Subject, "device", lambda _: {"bundle_sha256": "another", "source_sha256": "s"})
    answers(subject, [Question(films[0])], lambda *_: None)
    assert len(asked) == 3


def test_every_way_of_showing_a_film_is_a_question_of_its_own(films):
    ways = [(AS_IT_IS, 0), (INVERTED, 0), *((name, grade) for name in CORRUPTIONS for grade in GRADES)]
    assert len({Question(film, way, grade).key() for film in films for way, grade in ways}) == len(films) * 62
