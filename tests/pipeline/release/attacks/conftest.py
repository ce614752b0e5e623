"""A little signed release of a committed source, made once; attacks only ever copy it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

specification = importlib.util.spec_from_file_location("sealed_release", Path(__file__).with_name("sealed.py"))
sealed = importlib.util.module_from_spec(specification)
sys.modules["sealed_release"] = sealed
specification.loader.exec_module(sealed)


@pytest.fixture(scope="session")
def original(tmp_path_factory):
    root = tmp_path_factory.mktemp("attacked")
    return sealed.write_release(root / "releases" / sealed.VERSION, with_source=True)


@pytest.fixture(scope="session")
def unsigned(tmp_path_factory):
    root = tmp_path_factory.mktemp("unsigned")
    return sealed.write_release(root / "releases" / sealed.VERSION, signed=False)
