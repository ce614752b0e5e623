"""Which tests reach which line of the mutated files, what each test costs, and which fail though no mutant is chosen.

    python -m tests.benchmarks.mutant_reach DATA INCLUDE[,INCLUDE ...] TEST [TEST ...]

Run in the copy that is mutated. ``DATA`` is the path of two files: ``DATA.coverage``, lines by context (a test, or a fixture that several tests share),
and ``DATA.json``, the tests with cost in seconds of the processor, outcome and shared fixtures. What runs while tests are collected has the empty context.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from collections import defaultdict
from functools import _lru_cache_wrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any

import coverage
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

FIXTURE = "fixture "
OWN = ("verification", "requirements_spec", "risk", "device_sw")


class Reach:
    """Pytest plugin that tells coverage whose work is being done."""

    def __init__(self, measured: coverage.Coverage) -> None:
        self.measured = measured
        self.contexts = [""]
        self.shared: dict[str, list[str]] = {}
        self.costs: dict[str, float] = defaultdict(float)
        self.failed: set[str] = set()
        self.caches: list[_lru_cache_wrapper] = []
        self.begun = 0.0

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note which fixtures each test shares with others, and what keeps results from one test to the next."""
        self.caches = [
            each for each in gc.get_objects() if isinstance(each, _lru_cache_wrapper) and str(each.__module__).startswith(OWN)
        ]
        for item in session.items:
            definitions = item._fixtureinfo.name2fixturedefs if isinstance(item, pytest.Function) else {}
            self.shared[item.nodeid] = sorted(
                _fixture(each) for found in definitions.values() for each in found if each.scope != "function"
            )

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Begin a test with empty caches, so that it reaches what it would reach alone."""
        for each in self.caches:
            each.cache_clear()
        self._enter(nodeid)
        self.begun = _processor_seconds()

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """End a test, and add what it cost."""
        self.costs[nodeid] += _processor_seconds() - self.begun
        self._leave()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a test that fails."""
        if report.failed:
            self.failed.add(report.nodeid)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> Iterator[None]:
        """Count the work of a shared fixture to the fixture."""
        if fixturedef.scope == "function":
            return (yield)
        name, begun = _fixture(fixturedef), _processor_seconds()
        self._enter(name)
        try:
            return (yield)
        finally:
            self._leave()
            spent = _processor_seconds() - begun
            self.costs[name] += spent
            self.costs[request._pyfuncitem.nodeid] -= spent

    def _enter(self, context: str) -> None:
        self.contexts.append(context)
        self.measured.switch_context(context)

    def _leave(self) -> None:
        self.contexts.pop()
        self.measured.switch_context(self.contexts[-1])

    def record(self) -> dict[str, object]:
        """Return what is kept."""
        return {
            "tests": {
                name: {"seconds": round(max(self.costs[name], 0.0), 3), "failed": name in self.failed, "shared": shared}
                for name, shared in self.shared.items()
            },
            "fixtures": {name: round(cost, 3) for name, cost in self.costs.items() if name.startswith(FIXTURE)},
        }


def _processor_seconds() -> float:
    """Return what this process and its ended children have used; the time of day says more about the neighbours than about a test."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def _fixture(definition: Any) -> str:
    return f"{FIXTURE}{definition.baseid}::{definition.argname}"


def main() -> int:
    """Run the tests and keep what they reach."""
    data, include, *tests = sys.argv[1:]
    measured = coverage.Coverage(data_file=data + ".coverage", include=include.split(","), config_file=False)
    reach = Reach(measured)
    measured.start()
    code = pytest.main(["-q", "--no-header", "--tb=no", "-p", "no:cacheprovider", *tests], plugins=[reach])
    measured.stop()
    measured.save()
    Path(data + ".json").write_text(json.dumps(reach.record(), indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return 0 if code in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED} else int(code)


if __name__ == "__main__":
    sys.exit(main())
