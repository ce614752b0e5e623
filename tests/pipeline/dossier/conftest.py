"""The hand-written data of this project, which most pages are held to."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from pipeline.dossier.anomaly_pages import told_sentences
from pipeline.dossier.gaps import load_gaps
from requirements_spec import loader as specification_loader
from risk import loader as risk_loader
from risk.evaluation import evaluate
from verification.trace.anomalies import read_anomalies

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def specification():
    return specification_loader.load(ROOT)[0]


@pytest.fixture(scope="session")
def risk(specification):
    return risk_loader.load(ROOT, specification)[0]


@pytest.fixture(scope="session")
def known(specification, risk):
    """What threats and provisions may name: specification, risk file, ids of gaps."""
    return specification, risk, [gap.id for gap in load_gaps(ROOT)]


@pytest.fixture(scope="session")
def evaluation(specification, risk):
    """The risk file with every requirement and control taken as shown."""
    return evaluate(risk, specification, {each.id for each in (*specification.requirements, *risk.controls)})


@pytest.fixture(scope="session")
def verdicts():
    """Pages of a verification run that says nothing of any item."""
    return SimpleNamespace(verdict=lambda _item: "")


@pytest.fixture(scope="session")
def told():
    """What users are told of the known anomalies, by item and field."""
    return told_sentences(read_anomalies(ROOT)[0])
