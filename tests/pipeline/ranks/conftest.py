"""A run's folder small enough to train under torchrun in a test."""

from __future__ import annotations

import dataclasses
import shutil

import pytest
import yaml

from tests.pipeline.training.conftest import configuration, prepared  # noqa: F401 - fixtures


def params_of(configuration):  # noqa: F811
    """Return params.yaml's value for a configuration."""
    section = dataclasses.asdict(configuration)
    section["network"] = {"family": section["network"]["family"], **section["network"]["values"]}
    section["sampling"] = str(section["sampling"])
    as_lists = yaml.safe_load(yaml.safe_dump(_plain(section)))
    return {"train": as_lists, "package": {"score_floor": 0.02}}


def _plain(value):
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, (list, tuple)) else value


@pytest.fixture
def run_folder(tmp_path, prepared, configuration):  # noqa: F811
    """A run with prepared films and parameters, not yet trained."""
    folder = tmp_path / "run"
    folder.mkdir()
    one_epoch = dataclasses.replace(configuration, epochs=1)
    (folder / "params.yaml").write_text(yaml.safe_dump(params_of(one_epoch)), encoding="utf-8")
    shutil.copytree(prepared, folder / "artifacts" / "prepared")
    return folder
