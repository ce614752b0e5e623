"""A site, and the plan of this project with windows that a test can fill."""

import re
from dataclasses import replace

import pytest

from pipeline.surveillance import plan as plans
from requirements_spec.loader import load as load_specification
from risk.loader import load as load_risk
from tests.pipeline.surveillance.sites import ROOT, Site


@pytest.fixture
def site(tmp_path, monkeypatch):
    return Site(tmp_path / "site", monkeypatch)


@pytest.fixture
def new_site(tmp_path, monkeypatch):
    return lambda name: Site(tmp_path / name, monkeypatch)


@pytest.fixture(scope="session")
def situations():
    return {each.id for each in load_risk(ROOT, load_specification(ROOT)[0])[0].situations}


@pytest.fixture(scope="session")
def plan(situations):
    """The plan of this project with windows that a test can fill."""
    whole = plans.load_plan(ROOT, situations)
    return replace(whole, window=replace(whole.window, films=40, baseline_films=80, least_films=20, least_scores=8))


@pytest.fixture
def plan_file(tmp_path):
    """The same, as the file of a site."""
    text = (ROOT / plans.PLAN).read_text(encoding="utf-8")
    for name, value in {"films": 40, "baseline_films": 80, "least_films": 20, "least_scores": 8}.items():
        text = re.sub(rf"(?m)^{name} = \d+", f"{name} = {value}", text)
    path = tmp_path / "plan.toml"
    path.write_text(text, encoding="utf-8")
    return path
