"""What the tests of releases share."""

from __future__ import annotations

import pytest

from tests.pipeline.release.bench import Bench


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)
