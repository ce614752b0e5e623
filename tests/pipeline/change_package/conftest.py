"""One project with a release for all tests, and a copy of it for each test that goes on from there."""

import copy
import shutil

import pytest

from tests.pipeline.change_package.releases import Project, Releases


@pytest.fixture(scope="session")
def released(tmp_path_factory):
    """A project with release 0.1.0, not to be changed."""
    made = Releases(tmp_path_factory.mktemp("change-package") / "tiny")
    made.release("0.1.0")
    return made


@pytest.fixture
def releases(released, tmp_path):
    """A project with release 0.1.0, free to be changed and released again."""
    shutil.copytree(released.root, tmp_path / "tiny")
    other = copy.deepcopy(released)
    other.project = Project(tmp_path / "tiny")
    return other
