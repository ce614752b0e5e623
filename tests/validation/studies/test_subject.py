"""The fixed subsample, the ledger and what a study's goal says."""

import pytest

from validation import cohort
from validation.metrics.result import Metric
from validation.studies.goals import Goal
from validation.studies.ledger import Ledger
from validation.studies.sample import fixed_subsample
from validation.studies.subject import digest_of


@pytest.fixture
def films(cohort_json, written):
    return cohort.load(written("cohort.json", cohort_json)).of_split("test")


def test_a_larger_sample_holds_the_smaller_one(films):
    small, large = ({film.film_id for film in fixed_subsample(films, count)} for count in (10, 25))
    assert len(small) == 10
    assert small < large


def test_the_sample_does_not_depend_on_the_films_order(films):
    first, second = ({film.film_id for film in fixed_subsample(order, 12)} for order in (films, films[::-1]))
    assert first == second


def test_no_count_or_a_large_one_is_every_film(films):
    assert fixed_subsample(films, None) == films
    assert fixed_subsample(films, 10_000) == films


def test_an_empty_sample_is_refused(films):
    with pytest.raises(ValueError, match="at least 1 film"):
        fixed_subsample(films, 0)


def test_the_ledger_asks_once_and_keeps_subjects_apart(tmp_path):
    asked = []

    def make():
        asked.append(1)
        return {"value": len(asked)}

    assert Ledger(tmp_path, "bundle a").get("film", make) == {"value": 1}
    assert Ledger(tmp_path, "bundle a").get("film", make) == {"value": 1}
    assert Ledger(tmp_path, "bundle b").get("film", make) == {"value": 2}


def test_the_ledger_keeps_no_half_result(tmp_path):
    ledger = Ledger(tmp_path, "a")
    with pytest.raises(ValueError, match="Out of range float"):
        ledger.get("film", lambda: float("nan"))
    assert not ledger.held("film")


def test_layout_of_a_module_is_no_part_of_it(tmp_path):
    texts = {"one": "a = 1  # so\n", "two": "a   =   1\n", "three": "a = 2\n"}
    digests = {}
    for name, text in texts.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "module.py").write_text(text, encoding="utf-8")
        digests[name] = digest_of(tmp_path / name / "module.py")
    assert digests["one"] == digests["two"] != digests["three"]


def test_a_goal_carries_value_interval_n_threshold_margin_and_verdict():
    found = Goal("x", "t", "at-most", 0.05, "SRS-039").judged(Metric(0.02, denominator=7))
    assert {name: found[name] for name in ("value", "n", "threshold", "passed")} == {
        "value": 0.02,
        "n": 7,
        "threshold": 0.05,
        "passed": True,
    }
    assert found["margin"] == pytest.approx(0.03)
