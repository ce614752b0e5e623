"""What the recording plugin says a run ran on; what it notes of tests is in test_truth_table.py."""

import importlib
from importlib import metadata

import pytest

from verification.trace.recording import environment, installed


def test_the_environment_names_every_distribution_with_its_version():
    packages = environment()["packages"]
    assert packages["pytest"] == pytest.__version__
    assert packages["pytest-bdd"] == metadata.version("pytest_bdd")
    assert len(packages) == len(installed())


def test_what_one_reader_does_with_the_packages_changes_nothing_for_the_next():
    environment()["packages"].clear()
    assert environment()["packages"]["pytest"] == pytest.__version__


@pytest.mark.parametrize("reader", ["importlib.metadata", "importlib_metadata"])
def test_a_distribution_that_a_broken_installation_left_without_a_name_ends_no_run(reader, tmp_path, monkeypatch):
    importlib.import_module(reader)  # the backport, which MLflow loads, answers for the standard library from then on
    broken = tmp_path / "broken-1.0.dist-info"
    broken.mkdir()
    (broken / "METADATA").write_text("Summary: cut off\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    found = installed.__wrapped__()
    assert found["none"] is None
    assert found["pytest"] == pytest.__version__
