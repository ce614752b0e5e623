"""A comparison of families: paired differences, failures that stay visible, and a page that shows what the record says."""

from __future__ import annotations

import dataclasses
import json

import pytest
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.compare import candidates, measurement, page
from pipeline.compare.comparison import Order, compare
from pipeline.compare.errors import ComparisonError
from pipeline.compare.learning_rate import Search
from pipeline.compare.trial import Trial
from pipeline.run import write_json
from tests.pipeline.compare.conftest import predictions_for, test_films_of

PRESENT = "faster_rcnn_small"
NO_SEARCH = Search((), 1)
GOOD, SAME, BROKEN = "good", "same", "broken"


@pytest.fixture
def families(monkeypatch, source):
    """Three more families beside the present one; their trials write what a device would have said."""
    asked, best_rates = [], {GOOD: 0.03, PRESENT: 0.003}
    table = {PRESENT: {}, GOOD: {}, SAME: {"learning_rate": 0.01}, BROKEN: {}}
    monkeypatch.setattr(candidates, "all_families", lambda: table)
    monkeypatch.setattr(candidates.TrainingConfiguration, "from_params", lambda section: section)

    def execute(trial, stages=("train", "package", "predict")):
        if trial.family == BROKEN:
            raise ComparisonError("CMP-TRIAL", where=trial.family, found="nothing", expected="a stage", repair="mend it")
        films = test_films_of(trial.material.folder)
        asked.append((trial.family, trial.params["train"]["learning_rate"], trial.params["train"]["epochs"], stages))
        write_json(trial.run.artifact("predictions") / "predictions.json", predictions_for(films, good=trial.family == GOOD))
        write_json(trial.run.artifact("training") / "training.json", {"weights_sha256": "ab" * 32})
        reached = 1 - abs(trial.params["train"]["learning_rate"] - best_rates.get(trial.family, 0.01))
        epochs = [{"validation": {"ap50": value}} for value in (None, reached)]
        write_json(trial.run.artifact("training") / "history.json", {"epochs": epochs, "best_epoch": 2})
        write_json(trial.run.root / "seconds.json", {"train": 60.0})

    monkeypatch.setattr(Trial, "execute", execute)
    latency = {"films": 3, "median_s": 0.2, "p95_s": 0.3, "processors": 2, "load_before": 0.5}
    monkeypatch.setattr(measurement, "latency", lambda trial, selection: latency)
    sizes = {"bundle_bytes": 4_000_000, "weights_bytes": 3_000_000, "parameters": 900_000}
    monkeypatch.setattr(measurement, "size", lambda trial: sizes)
    return asked


@pytest.fixture
def order(source, tmp_path, families):
    return Order(source, tmp_path / "compare", (PRESENT, GOOD, SAME, BROKEN), 1.0, None, 200, NO_SEARCH)


@pytest.fixture
def record(order):
    return compare(order, lambda text: None)


def test_what_is_equal_has_no_difference_in_any_replicate(record):
    for figure, parts in record["differences"][SAME].items():
        assert (parts["macro"]["value"], parts["macro"]["interval_reason"]) == (0.0, "all 200 replicates are equal"), figure


def test_a_better_family_differs_by_the_difference_of_the_figures(record):
    families, found = record["families"], record["differences"][GOOD]["ap50"]["macro"]
    assert found["value"] == pytest.approx(
        families[GOOD]["figures"]["ap50"]["macro"]["value"] - families[PRESENT]["figures"]["ap50"]["macro"]["value"]
    )
    assert found["interval"]["low"] > 0
    assert record["choice"]["family"] == GOOD
    assert record["analysis"]["comparisons"] == 2


def test_a_family_whose_trial_failed_stays_in_the_record(record):
    assert list(record["failed"]) == [BROKEN]
    assert "CMP-TRIAL at broken" in record["failed"][BROKEN]
    assert BROKEN not in record["families"]


def test_the_same_trials_give_the_same_record(record, order):
    again = compare(order, lambda text: None)
    assert json.dumps(again, sort_keys=True) == json.dumps(record, sort_keys=True)


def test_a_refused_film_counts_as_one_without_marks(order, monkeypatch):
    execute = Trial.execute

    def refuse_all(trial, *stages):
        execute(trial, *stages)
        place = trial.run.artifact("predictions") / "predictions.json"
        said = json.loads(place.read_text(encoding="utf-8"))
        said["films"] = [{**film, "status": "refused", "code": "ADM-VIEW", "candidates": []} for film in said["films"]]
        write_json(place, said)

    monkeypatch.setattr(Trial, "execute", refuse_all)
    record = compare(Order(order.source, order.folder, (PRESENT,), 1.0, None, 50, NO_SEARCH), lambda text: None)
    assert record["families"][PRESENT]["figures"]["sensitivity"]["macro"]["value"] == 0.0
    assert record["families"][PRESENT]["figures"]["d_ece"]["macro"]["value"] is None


def test_each_family_is_trained_at_the_rate_that_its_own_short_search_found(order, families):
    searched = dataclasses.replace(order, families=(PRESENT, GOOD), search=Search((0.003, 0.01, 0.03), 2))
    record = compare(searched, lambda text: None)
    full = record["epochs"]
    assert families == [
        *((PRESENT, rate, 2, ("train",)) for rate in (0.003, 0.01, 0.03)),
        (PRESENT, 0.003, full, ("train", "package", "predict")),
        *((GOOD, rate, 2, ("train",)) for rate in (0.003, 0.01, 0.03)),
        (GOOD, 0.03, full, ("train", "package", "predict")),
    ]
    assert record["families"][GOOD]["train"]["learning_rate"] == 0.03
    assert set(record["families"][GOOD]["rates"]) == {"0.003", "0.01", "0.03"}
    text = page.render(record)
    assert "the one of 0.003, 0.01, 0.03 with the highest validation AP50 after 2 epochs" in text


def test_the_page_shows_every_family_its_figures_and_what_failed(record, tmp_path):
    written = page.write(tmp_path / "result", record)
    text = written.read_text(encoding="utf-8")
    assert record["films_are"] in text
    assert "Not cleared, not for clinical use" in text
    for name in (PRESENT, GOOD, SAME):
        assert page.shown(record["families"][name]["figures"]["ap50"]["macro"]) in text.replace("\n[", " [").replace(
            "\N{NO-BREAK SPACE}", " "
        )
    assert "Not compared: " in text
    assert "CMP-TRIAL at broken" in text
    assert "one side of 0" in text
    assert {path.stem for path in (tmp_path / "result").glob("*.png")} == set(page.PLOTS)
    assert text.count("data:image/png;base64,") == len(page.PLOTS)


def test_a_trial_of_the_tool_is_called_one(order):
    small = Order(order.source, order.folder, (PRESENT,), 0.5, 3, 50, NO_SEARCH)
    text = page.render(compare(small, lambda text: None))
    assert "its figures say nothing about the families" in text
    assert "Trained 3 epochs instead of" in text


def test_a_page_without_any_finished_trial_says_why(order):
    text = page.render(compare(Order(order.source, order.folder, (BROKEN,), 1.0, None, 50, NO_SEARCH), lambda text: None))
    assert "no family is admissible" in text
    assert "data:image" not in text


def test_every_candidate_fits_its_network(source):
    base = source.params()
    for name in candidates.all_families():
        assert candidates.params_of(name, base, None)["train"]["network"]["family"] == name
    present = candidates.params_of(base["train"]["network"]["family"], base, None)
    assert present["train"] == base["train"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--families", "no_such"], 2, "CMP-FAMILY at family no_such: found no such family"),
        (["--run", "nowhere"], 3, "params.yaml"),
        (["--share", "0"], 2, "share"),
        (["--rates", "fast"], 2, "expected numbers with commas"),
        (["--rates", "3"], 2, "expected numbers between 0 and 1"),
    ],
)
def test_wrong_input_is_one_clear_line_and_its_exit_code(arguments, code, said):
    done = CliRunner().invoke(app, ["compare", *arguments])
    assert done.exit_code == code
    assert said in done.output
    assert "Traceback" not in done.output
