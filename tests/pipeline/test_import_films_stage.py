"""The stage that brings films in: from a profile's run folder to a cohort that the next stages read."""

import pytest

from pipeline import dvc_runs
from pipeline.adapters import importing
from pipeline.run import read_json
from pipeline.stages import import_films, prepare
from tests.pipeline.adapters.eda_folder import small
from validation import cohort


@pytest.fixture
def run(tmp_path, monkeypatch):
    """The laid-out run of the eda profile on a small folder, with the working directory in it, as DVC starts a stage."""
    monkeypatch.setattr(dvc_runs, "run_folder", lambda profile, budget: tmp_path / f"{profile}-{budget}")
    monkeypatch.setattr(importing, "write_page", lambda *_: None)
    run = dvc_runs.configure("eda", "quick", small(tmp_path / "data").write())
    monkeypatch.chdir(run.root)
    return run


def test_the_stage_leaves_a_cohort_that_the_next_stages_can_use(run):
    import_films.main()
    found = cohort.load(run.artifact("cohort") / "cohort.json")
    params = run.params()
    assert (found.profile, found.budget, params["prepare"]["preprocessing"]) == ("eda", "quick", "eda-log-1")
    assert {film.split for film in found.films} == set(cohort.SPLITS)
    films = read_json(run.artifact("cohort") / "cohort.json")["films"]
    assert all(prepare.is_usable(film, params["train"]["findings"]) for film in films)
    pixels = prepare.prepared_film(run.artifact("cohort") / films[0]["path"], params["prepare"]["preprocessing"], 64)
    assert pixels.shape == (64, 64)


@pytest.mark.parametrize("profile", ["coco", "eda", "vindr", "nih"])
def test_each_profile_has_an_adapter_and_depends_on_its_data(profile, tmp_path, monkeypatch):
    monkeypatch.setattr(dvc_runs, "run_folder", lambda profile, budget: tmp_path / f"{profile}-{budget}")
    run = dvc_runs.configure(profile, "quick", tmp_path)
    assert profile in importing.ADAPTERS
    assert run.params()["data"]["path"] == str(tmp_path.resolve())
    stages = dvc_runs.yaml.safe_load((run.root / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    assert "${data.path}" in stages["cohort"]["deps"]


def test_options_of_a_profile_stay_beside_the_path(tmp_path, monkeypatch):
    monkeypatch.setattr(dvc_runs, "run_folder", lambda profile, budget: tmp_path / f"{profile}-{budget}")
    assert dvc_runs.configure("nih", "quick", tmp_path).params()["data"] == {"weak_normals": 0, "path": str(tmp_path.resolve())}
