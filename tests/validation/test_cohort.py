"""The cohort loader trusts nothing and counts what it leaves out."""

import pytest

from validation import cohort
from validation.errors import ValidationError


def first_positive(value):
    return next(film for film in value["films"] if film["boxes"])


def test_a_good_cohort_loads_frozen(cohort_json, written):
    found = cohort.load(written("cohort.json", cohort_json))
    assert len(found.of_split("test")) == 80
    assert found.notes == ("drawn by a test",)
    with pytest.raises(TypeError, match="does not support item assignment"):
        found.films[0].status["scoliosis"] = None


def test_a_missing_file_is_one_clear_line(tmp_path):
    with pytest.raises(ValidationError, match=r"^VAL-MISSING at cohort\.json: found no file"):
        cohort.load(tmp_path / "cohort.json")


def test_text_that_is_no_json_is_refused(tmp_path):
    (tmp_path / "cohort.json").write_text("{")
    with pytest.raises(ValidationError, match=r"^VAL-COHORT at cohort\.json: found unreadable JSON"):
        cohort.load(tmp_path / "cohort.json")


def test_a_repeated_key_is_refused(tmp_path):
    (tmp_path / "cohort.json").write_text('{"seed": 1, "seed": 2}')
    with pytest.raises(ValidationError, match="repeated key seed"):
        cohort.load(tmp_path / "cohort.json")


def break_box(edges):
    return lambda value: first_positive(value)["boxes"][0].update(box=edges)


def nobody_looked(value):
    film = first_positive(value)
    film["status"][film["boxes"][0]["finding"]] = None


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda value: value.update(schema="thoratrace/cohort/2"), r"\$\.schema is 'thoratrace/cohort/2'"),
        (lambda value: value.update(extra=1), r"\$ has unknown extra"),
        (lambda value: value.pop("seed"), r"\$ lacks seed"),
        (lambda value: value.update(films={}), r"\$\.films is not a list"),
        (lambda value: value["films"][3].pop("status"), r"\$\.films\[3\] lacks status"),
        (lambda value: value["films"][3].update(note=1), r"\$\.films\[3\] has unknown note"),
        (lambda value: value["films"][3].update(split="exam"), r"\$\.films\[3\]\.split is 'exam'"),
        (lambda value: value["films"][3].update(rows=0), r"\$\.films\[3\]\.rows is not a positive integer"),
        (lambda value: value["films"][3].update(scored=False), r"exclusion is missing although the film is not scored"),
        (lambda value: value["films"][3]["strata"].pop("sex"), r"\$\.films\[3\]\.strata lacks sex"),
        (lambda value: value["films"][3]["status"].update(scoliosis=2), r"status\.scoliosis is 2, not 0, 1 or null"),
        (lambda value: value["films"][3]["status"].update(scoliosis=True), r"status\.scoliosis is True, not 0, 1 or null"),
        (lambda value: value["films"].append(value["films"][0]), "holds film P0000-1 2 times"),
        (break_box([0, 0, 0, 0]), "is empty or leaves the film"),
        (break_box([0, 0, 2000, 10]), "is empty or leaves the film"),
        (break_box([0, 0, None, 10]), "is not four finite numbers"),
        (nobody_looked, "whose status is not 1"),
    ],
)
def test_each_damage_is_named_with_its_path(cohort_json, written, damage, message):
    damage(cohort_json)
    with pytest.raises(ValidationError, match=message) as caught:
        cohort.load(written("cohort.json", cohort_json))
    assert caught.value.code == "VAL-COHORT"


def test_all_problems_are_told_at_once(cohort_json, written):
    for film in cohort_json["films"][:12]:
        film["split"] = "exam"
    with pytest.raises(ValidationError, match=r"films\[0\]\.split.*films\[9\]\.split.* and 2 more"):
        cohort.load(written("cohort.json", cohort_json))


@pytest.mark.parametrize(("key", "kind"), [("patient_id", "patient"), ("sha256", "file content")])
def test_splits_that_share_a_patient_or_a_file_are_refused(cohort_json, written, key, kind):
    cohort_json["films"][-1][key] = cohort_json["films"][0][key]
    with pytest.raises(ValidationError, match=f"^VAL-LEAKAGE .*1 shared: {kind} .* in test and train"):
        cohort.load(written("cohort.json", cohort_json))


def test_two_films_of_one_patient_in_one_split_are_no_leak(cohort_json, written):
    cohort_json["films"][1]["patient_id"] = cohort_json["films"][0]["patient_id"]
    assert cohort.leaks(cohort.load(written("cohort.json", cohort_json))) == ()


def test_what_is_left_out_is_counted_with_its_reason(cohort_json, written):
    films = [film for film in cohort_json["films"] if film["split"] == "test"]
    films[0].update(scored=False, exclusion="disputed")
    films[1]["status"]["scoliosis"] = None
    films[1]["boxes"] = [box for box in films[1]["boxes"] if box["finding"] != "scoliosis"]
    films[2]["status"]["scoliosis"] = 1
    films[2]["boxes"] = [box for box in films[2]["boxes"] if box["finding"] != "scoliosis"]
    found = cohort.load(written("cohort.json", cohort_json))
    assert cohort.exclusions(found.of_split("test"), ["scoliosis"]) == [
        {"finding": "scoliosis", "reason": "disputed", "films": 1},
        {"finding": "scoliosis", "reason": "marked present without a box", "films": 1},
        {"finding": "scoliosis", "reason": "nobody looked for the finding", "films": 1},
    ]
    assert "scoliosis" not in found.of_split("test")[1].truth(["scoliosis"])
