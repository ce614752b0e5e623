import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture
def project(tmp_path):
    """A copy of the project's data, to be damaged."""
    for folder in ("requirements_spec/data", "risk/data"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    for file in ("requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / file, tmp_path / file)
    return tmp_path
