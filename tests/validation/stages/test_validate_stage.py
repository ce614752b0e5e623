"""The validate stage: writes record and plots, the same twice; records a missed goal; ends in one line on input it cannot judge."""

import json
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from pipeline.adapters.dx import FilmRecord
from pipeline.adapters.wrap import wrapped
from pipeline.run import Run
from pipeline.stages import validate as stage
from validation import protocol
from validation.errors import ValidationError
from validation.plots.canvas import label
from validation.plots.gallery import worst_films

PLOTS = {
    "ap30.png",
    "ap50.png",
    "ap50_severity.png",
    "ap75.png",
    "confusion.png",
    "froc.png",
    "gallery.png",
    "precision_recall.png",
    "subgroups.png",
}
PARAMS = "profile: phantom\nbudget: quick\nprepare: {preprocessing: tt-default-1}\n"


def dicom():
    buffer = BytesIO()
    Image.fromarray((np.add.outer(np.arange(64), np.arange(64)) * 2).astype(np.uint8), mode="L").save(buffer, "jpeg")
    return wrapped(buffer.getvalue(), FilmRecord("x", "y", "PA", "F", 40, 64, 64, "drawn"), seed=1)


@pytest.fixture
def run(tmp_path, cohort_json, predictions_json, written, monkeypatch):
    plan = replace(protocol.load(), replicates=40)
    monkeypatch.setattr(protocol, "load", lambda: plan)
    content = dicom()
    for film in cohort_json["films"]:
        path = tmp_path / "artifacts" / "cohort" / film["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    written("artifacts/cohort/cohort.json", cohort_json)
    written("artifacts/predictions/predictions.json", predictions_json)
    (tmp_path / "params.yaml").write_text(PARAMS)
    return Run(tmp_path)


def contents(run):
    return {path.name: path.read_bytes() for path in run.artifact("validation").iterdir()}


def test_record_and_plots_are_written_and_the_same_twice(run):
    stage.validate(run)
    first = contents(run)
    assert set(first) == PLOTS | {"validation.json"}
    stage.validate(run)
    assert contents(run) == first
    record = json.loads(first["validation.json"])
    assert record["schema"] == "thoratrace/validation/1"
    assert record["films_are"].startswith("phantom results")
    assert all(value[:8] == b"\x89PNG\r\n\x1a\n" for name, value in first.items() if name in PLOTS)


def test_plots_of_undefined_figures_are_drawn_all_the_same(run, cohort_json, written):
    for film in cohort_json["films"]:
        film["boxes"] = []
        film["status"] = dict.fromkeys(film["status"], 0)
    written("artifacts/cohort/cohort.json", cohort_json)
    record = stage.validate(run)
    assert record["primary_passed"] is False
    assert set(contents(run)) == PLOTS | {"validation.json"}


def test_a_missed_goal_ends_well(run, predictions_json, written, monkeypatch):
    for film in predictions_json["films"]:
        film["candidates"] = []
    written("artifacts/predictions/predictions.json", predictions_json)
    monkeypatch.chdir(run.root)
    stage.main()
    record = json.loads(contents(run)["validation.json"])
    assert record["primary_passed"] is False


def test_missing_predictions_end_the_stage_with_one_line(run, monkeypatch, capsys):
    (run.artifact("predictions") / "predictions.json").unlink()
    monkeypatch.chdir(run.root)
    with pytest.raises(SystemExit, match="1"):
        stage.main()
    text = capsys.readouterr().err
    assert text.startswith("VAL-MISSING at predictions.json: found no file")
    assert text.count("\n") == 1
    assert not run.artifact("validation").exists()


def test_a_box_given_twice_ends_the_stage_with_one_line(run, predictions_json, written, monkeypatch, capsys):
    film = next(film for film in predictions_json["films"] if film["candidates"])
    film["candidates"].append(film["candidates"][0] | {"score": 0.01})
    written("artifacts/predictions/predictions.json", predictions_json)
    monkeypatch.chdir(run.root)
    with pytest.raises(SystemExit, match="1"):
        stage.main()
    text = capsys.readouterr().err
    assert text.startswith(
        f"VAL-BOX-TWICE at detection box of {film['candidates'][0]['finding']} in film {film['film_id']}: found"
    )
    assert text.count("\n") == 1
    assert not run.artifact("validation").exists()


def test_a_cohort_of_another_profile_is_refused(run):
    (run.root / "params.yaml").write_text(PARAMS.replace("phantom", "coco"))
    with pytest.raises(ValidationError, match=r"VAL-COHORT .*a cohort of profile phantom, expected one of profile coco"):
        stage.validate(run)


def test_the_gallery_shows_the_films_with_most_errors_first(run, predictions_json, written, monkeypatch):
    seen = []
    monkeypatch.setattr(
        stage, "gallery", lambda selection, found, *rest: seen.append(worst_films(selection, found.thresholds, 0.5))
    )
    monkeypatch.setattr(stage, "save", lambda made, path: None)
    fourth = predictions_json["films"][3]
    fourth["candidates"] = [{"finding": "scoliosis", "box": [900, 10 * k, 909, 10 * k + 9], "score": 0.9} for k in range(6)]
    written("artifacts/predictions/predictions.json", predictions_json)
    stage.validate(run)
    film, _, false = seen[0][0]
    assert film.film_id == fourth["film_id"]
    assert false == 6
    errors = [missed + extra for _, missed, extra in seen[0]]
    assert errors == sorted(errors, reverse=True)
    assert len(errors) == 8


def test_a_label_holds_every_word_on_lines_that_fit_a_legend():
    shown = label("degenerative_joint_disease_of_the_thoracic_spine")
    assert shown.split() == ["degenerative", "joint", "disease", "of", "the", "thoracic", "spine"]
    assert max(map(len, shown.splitlines())) <= 33
    assert label("scoliosis") == "scoliosis"
