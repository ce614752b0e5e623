"""A pytest plugin that keeps what JUnit XML would lose: an expected failure that passed, and how the whole run ended.

pytest writes a non-strict xpass to JUnit as a plain pass. Loaded with ``-p verification.trace.recording`` by the verification run; it changes no
outcome and only adds properties.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

XFAIL = "xfail"
"""Property of a test case that was marked or called as an expected failure, whatever came of it."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note on the item that it was expected to fail; the property reaches JUnit with the tear-down report."""
    report = yield
    if hasattr(report, "wasxfail") and (XFAIL, "expected") not in item.user_properties:
        item.user_properties.append((XFAIL, "expected"))
    return report
