"""The verdict: never a false FAIL on another kind of machine, never a PASS without a comparison."""

from __future__ import annotations

import json

import pytest

from pipeline.release.reproduction.guard import NOT_CUT
from pipeline.release.reproduction.tolerance import apart
from pipeline.release.reproduction.verdict import PREDICTIONS, Outcome, Verdict, judge
from tests.pipeline.release.records import record
from tests.pipeline.release.reproduction.test_comparison import PARTS, folders

__all__ = ["folders"]

CLASS = {"numeric_class": "a" * 64, "python": "3.11.7"}
REPORT = {"failed": "", "steps": [{"name": "cohort", "seconds": 1.5, "failed": ""}], "environment": CLASS}


@pytest.fixture
def parts(folders):
    release, recorded, made = folders
    return record(subjects=release.subjects, environment=CLASS), recorded, made


def judged(parts, *, code=0, level="train", **report):
    release, recorded, made = parts
    return judge(release, recorded, Outcome(level, code, {**REPORT, **report}, made))


def test_equal_bytes_in_the_class_of_the_record_pass(parts):
    found = judged(parts)
    assert found.verdict is Verdict.PASS
    assert found.to_text().splitlines() == [
        "cohort: 2 s",
        "not compared, the runner's raw record holds times: 1 parts",
        "PASS: trial of 0.1.0, not a release, level train: 4 parts equal, 0 not",
    ]


def test_the_first_difference_fails(parts):
    parts[2].place("files/validation.json").write_bytes(b'{"ap50": 0.1}')
    found = judged(parts)
    assert found.verdict is Verdict.FAIL
    assert found.reasons == ("REP-DIVERGENCE: validate: files/validation.json at /ap50: recorded 0.7, reproduced 0.1",)
    assert json.loads(json.dumps(found.to_json()))["divergences"][0]["where"] == "/ap50"


@pytest.mark.parametrize("here", [{"numeric_class": "b" * 64}, {}, {"numeric_class": ""}])
def test_another_class_is_inconclusive_even_where_bytes_differ(parts, here):
    parts[2].place("files/validation.json").write_bytes(b"{}")
    found = judged(parts, environment={**CLASS, **here} if here else {})
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.reasons[0].startswith("REP-CLASS: this machine computes in numeric class")


def test_a_record_without_a_class_passes_nowhere(parts):
    release, recorded, made = parts
    found = judged((record(subjects=release.subjects, environment={}), recorded, made), environment={})
    assert found.verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("code", "report", "reason"),
    [(NOT_CUT, {}, "REP-NETWORK"), (-9, {}, "REP-KILLED"), (137, {}, "REP-KILLED"), (1, None, "REP-REPORT")],
)
def test_a_rerun_that_did_not_happen_proves_nothing(parts, code, report, reason):
    release, recorded, made = parts
    found = judge(release, recorded, Outcome("eval", code, REPORT if report is not None else {}, made))
    assert (found.verdict, found.reasons[0].split(":")[0]) == (Verdict.INCONCLUSIVE, reason)


def test_a_step_that_failed_fails_although_the_parts_so_far_are_equal(parts):
    found = judged(parts, code=1, failed="stage train ended with 1")
    assert (found.verdict, found.reasons) == (Verdict.FAIL, ("REP-RERUN: stage train ended with 1",))


def test_other_libraries_of_the_same_class_are_shown_and_do_not_decide(parts):
    found = judged(parts, environment={**CLASS, "python": "3.11.9"})
    assert (found.verdict, found.environment) == (Verdict.PASS, {"python": ("3.11.7", "3.11.9")})


def test_of_another_class_the_distance_of_the_predictions_is_reported(parts):
    _, recorded, made = parts
    for folder, score in ((recorded, 0.5), (made, 0.50005)):
        folder.place(PREDICTIONS).parent.mkdir(parents=True)
        folder.place(PREDICTIONS).write_text(json.dumps(predictions(score)), encoding="utf-8")
    found = judged(parts, environment={**CLASS, "numeric_class": "b" * 64})
    assert (found.tolerances["within"], round(found.tolerances["score"], 6)) == (True, 0.00005)


def test_at_level_eval_the_model_is_not_compared(parts):
    assert judged(parts, level="eval").compared.not_compared.keys() == {
        "archive/verification/junit.xml",
        "bundle/weights.safetensors",
    }
    assert "bundle/weights.safetensors" in PARTS


def predictions(score, *, edge=10.0, status="analysed", finding="f"):
    candidate = {"finding": finding, "box": [0.0, 0.0, 5.0, edge], "score": score}
    film = {"film_id": "one", "status": status, "code": None, "candidates": [candidate]}
    return {"films": [film], "thresholds": {"f": 0.4, "g": 0.4}}


@pytest.mark.parametrize(
    ("other", "within", "flips", "unmatched"),
    [
        (predictions(0.5), True, 0, 0),
        (predictions(0.5, edge=10.6), False, 0, 0),
        (predictions(0.5002), False, 0, 0),
        (predictions(0.39), False, 1, 0),
        (predictions(0.5, status="refused"), False, 0, 1),
        (predictions(0.5, finding="g"), False, 0, 1),
        ({"films": [], "thresholds": {}}, False, 0, 1),
    ],
)
def test_how_far_predictions_are_apart(other, within, flips, unmatched):
    found = apart(predictions(0.5), other)
    assert (found.within, found.flips, found.unmatched) == (within, flips, unmatched)
