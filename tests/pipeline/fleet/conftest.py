"""A list of a few studies."""

from __future__ import annotations

import pytest


def line(number):
    return f"1.2.826.0.1.{number}\tarchive/{number}".encode()


@pytest.fixture
def lines():
    return [line(number) for number in range(23)]


def silent(done, total, text):
    """Report nothing."""
