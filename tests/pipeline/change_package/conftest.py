"""One project with a release for all tests, one with a second release in which something of every kind changed, and a copy for each test that goes on from there."""

import pytest

from tests.pipeline.change_package.releases import Releases


@pytest.fixture(scope="session")
def released(tmp_path_factory):
    """A project with release 0.1.0, not to be changed."""
    made = Releases(tmp_path_factory.mktemp("change-package") / "tiny")
    made.release("0.1.0")
    return made


@pytest.fixture(scope="session")
def twice(released, tmp_path_factory):
    """The same with release 0.2.0, which holds the same; not to be changed."""
    made = released.copied(tmp_path_factory.mktemp("twice") / "tiny")
    made.release("0.2.0")
    return made


@pytest.fixture(scope="session")
def changed(released, tmp_path_factory):
    """The same with release 0.2.0, in which something of every kind changed; not to be changed."""
    made = released.copied(tmp_path_factory.mktemp("changed") / "tiny")
    made.change()
    return made


@pytest.fixture
def releases(released, tmp_path):
    """A project with release 0.1.0, free to be changed and released again."""
    return released.copied(tmp_path / "tiny")
