"""A pytest plugin that writes down what JUnit XML and Cucumber JSON would lose, so that nothing hides behind a plain pass.

For each test: how many attempts it took, whether it was expected to fail, whether something other than an expectation broke, and each step with its
outcome. For the run: which tests were left out, which scenario a crashed worker was running, what it ran on and with which versions, and who started
it. Loaded with ``-p verification.trace.recording`` by the verification run, also in the workers of pytest-xdist; it changes no outcome.

Source: IEC 62304 5.7.5.
"""

from __future__ import annotations

import json
import os
import platform
import re
from dataclasses import dataclass, field
from functools import cache
from importlib import metadata
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.junitxml import xml_key
from pytest_bdd.exceptions import StepDefinitionNotFoundError

from verification.trace.junit import ATTEMPTS, BROKE, CRASHED, DESELECTED, ENDED, STEP, XFAIL

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

ENVIRONMENT = "environment"
"""Property of the run: JSON of interpreter, platform and the versions of every installed distribution."""

TESTER = "tester"
"""Property of the run: who started it, from the variable of the same purpose."""

TESTER_VARIABLE = "THORATRACE_TESTER"
NO_PERSON = "automated run, no person"

STEPS = pytest.StashKey[list[list[str]]]()
"""Steps of the present attempt: outcome and text; the outcome is ``started`` until the step ends."""

_OWN = (ATTEMPTS, XFAIL, BROKE, ENDED, STEP)
"""Properties that belong to one attempt and are taken back when another one starts."""

_EXPECTATIONS = (AssertionError, pytest.fail.Exception)
"""What a step raises when an expectation does not hold; anything else broke."""


def pytest_configure(config: pytest.Config) -> None:
    """Register the run's book; properties of the whole run are written where JUnit XML is written, not in workers."""
    config.pluginmanager.register(RunBook(config), "thoratrace-run-book")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note on the item, and on the report that carries it away, what the report alone does not say."""
    report = yield
    if call.when == "setup":
        _start_attempt(item)
    if hasattr(report, "wasxfail") or str(report.longrepr).startswith("[XPASS(strict)]"):
        _note(item, XFAIL, "expected")
    elif report.failed and not (call.when == "call" and _is_expectation(call.excinfo)):
        _note(item, BROKE, call.when)
    if call.when == "call":
        _note(item, ENDED, report.outcome)
        item.user_properties.extend((STEP, f"{outcome}: {text}") for outcome, text in item.stash.get(STEPS, []))
    report.user_properties = list(item.user_properties)
    return report


def _start_attempt(item: pytest.Item) -> None:
    """Count the attempt and forget what the one before left."""
    attempts = sum(int(str(value)) for name, value in item.user_properties if name == ATTEMPTS)
    item.user_properties[:] = [pair for pair in item.user_properties if pair[0] not in _OWN]
    item.user_properties.append((ATTEMPTS, str(attempts + 1)))


def _note(item: pytest.Item, name: str, value: str) -> None:
    if (name, value) not in item.user_properties:
        item.user_properties.append((name, value))


def _is_expectation(excinfo: pytest.ExceptionInfo[BaseException] | None) -> bool:
    """Say whether a failed call judged an expectation; without an exception it did (a strict expected failure that passed)."""
    return excinfo is None or isinstance(excinfo.value, _EXPECTATIONS)


def pytest_bdd_before_scenario(request: pytest.FixtureRequest) -> None:
    """Begin the list of steps of this attempt."""
    request.node.stash[STEPS] = []


def pytest_bdd_before_step(request: pytest.FixtureRequest, step: Any) -> None:
    """Note that the step started; where nothing else is noted, the test ended inside it."""
    request.node.stash[STEPS].append(["started", _text(step)])


def pytest_bdd_after_step(request: pytest.FixtureRequest) -> None:
    """Note that the step held."""
    request.node.stash[STEPS][-1][0] = "passed"


def pytest_bdd_step_error(request: pytest.FixtureRequest, exception: Exception) -> None:
    """Note that the step did not hold, or broke."""
    request.node.stash[STEPS][-1][0] = "failed" if isinstance(exception, _EXPECTATIONS) else "broke"


def pytest_bdd_step_func_lookup_error(request: pytest.FixtureRequest, step: Any, exception: Exception) -> None:
    """Note that nobody wrote the step."""
    outcome = "undefined" if isinstance(exception, StepDefinitionNotFoundError) else "broke"
    request.node.stash[STEPS].append([outcome, _text(step)])


def _text(step: Any) -> str:
    return f"{step.keyword.strip()} {step.name}".splitlines()[0]


@dataclass(eq=False)
class RunBook:
    """What is noted for the run as a whole, in one process or over the workers of pytest-xdist; hashed by identity, as pytest needs its plugins."""

    config: pytest.Config
    left_out: list[pytest.Item] = field(default_factory=list)
    kept: list[pytest.Item] = field(default_factory=list)
    crashed: list[pytest.TestReport] = field(default_factory=list)
    ended: list[pytest.TestReport] = field(default_factory=list)
    of_workers: dict[str, dict[str, Any]] = field(default_factory=lambda: {"kept": {}, "left out": {}})

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        """Keep what was left out; its properties are read when all of them stand there."""
        self.left_out += items

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Keep what will run, so that a crash can be given its scenario."""
        self.kept = list(session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, report: pytest.TestReport) -> None:
        """Keep the report of a test whose worker died."""
        self.crashed.append(report)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take over what a worker noted; one that died notes nothing, and what replaced it knows the same tests."""
        for name, noted in getattr(node, "workeroutput", {}).get("thoratrace", {}).items():
            self.of_workers[name].update(noted)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep how each test ended; its last report carries everything that was noted."""
        if report.when == "teardown":
            self.ended.append(report)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self) -> Generator[None, None, None]:
        """Hand the notes to the controller, or, there, write them into the JUnit record before it is written and into Cucumber JSON after."""
        own = {"kept": _properties(self.kept), "left out": _properties(self.left_out)}
        if hasattr(self.config, "workeroutput"):
            self.config.workeroutput["thoratrace"] = own
        else:
            self._complete_junit({name: {**noted, **self.of_workers[name]} for name, noted in own.items()})
        yield
        path = getattr(self.config.option, "cucumber_json_path", None)
        if path and not hasattr(self.config, "workeroutput"):
            _complete_cucumber(Path(path), self.ended)

    def _complete_junit(self, known: Mapping[str, Mapping[str, Any]]) -> None:
        record = self.config.stash.get(xml_key, None)
        if record is None:
            return
        for report in self.crashed:
            case = record.node_reporter(report)
            for name, value in (*known["kept"].get(report.nodeid, ()), (CRASHED, "the worker died while it ran")):
                case.add_property(name, value)
        for node, properties in sorted(known["left out"].items()):
            note = json.dumps({"node": node, "properties": properties}, ensure_ascii=False)
            record.add_global_property(DESELECTED, note)
        record.add_global_property(ENVIRONMENT, json.dumps(environment(), sort_keys=True, ensure_ascii=False))
        record.add_global_property(TESTER, os.environ.get(TESTER_VARIABLE, "").strip() or NO_PERSON)


def _complete_cucumber(path: Path, ended: list[pytest.TestReport]) -> None:
    """Add to each element of pytest-bdd's Cucumber JSON what pytest-bdd leaves out: tear-down, attempts, row, expected failure, what broke."""
    if not path.is_file():
        return
    features = json.loads(path.read_text(encoding="utf-8"))
    waiting = list(ended)
    for feature in features:
        for element in feature["elements"]:
            report = next((each for each in waiting if _is_about(each, feature["uri"], element["id"])), None)
            if report is not None:
                waiting.remove(report)
                notes = [
                    f"{name}={value}"
                    for name, value in report.user_properties
                    if name in {ATTEMPTS, BROKE, ENDED, "feature", "row"}
                ]
                notes += [XFAIL for name, _ in report.user_properties if name == XFAIL]
                element["tags"] += [{"name": f"@{note}", "line": element["line"]} for note in notes]
                status = "passed" if report.passed else "failed"
                element["after"] = [{"match": {"location": "tear-down"}, "result": {"status": status, "duration": 0}}]
    draft = path.with_name(f"{path.name}.part")
    draft.write_text(json.dumps(features), encoding="utf-8")
    draft.replace(path)


def _is_about(report: pytest.TestReport, uri: str, name: str) -> bool:
    """Say whether a report is about an element; pytest-bdd names a feature file with the folder it lies in and nothing above."""
    feature = str(dict(report.user_properties).get("feature", ""))
    return report.nodeid.endswith(f"::{name}") and f"features/{feature}".endswith(uri)


def _properties(items: list[pytest.Item]) -> dict[str, list[list[str]]]:
    """Return the properties that name a test's scenario, by the runner's own name of the test."""
    return {item.nodeid: [[name, str(value)] for name, value in item.user_properties if name not in _OWN] for item in items}


def environment() -> dict[str, Any]:
    """Return what the run ran on: interpreter, operating system and machine type, and every installed distribution with its version; no host name."""
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": f"{platform.system()} {_kernel()} {platform.machine()}, {' '.join(platform.libc_ver())}",
        "packages": dict(installed()),
    }


@cache
def installed() -> Mapping[str, str | None]:
    """Return every installed distribution with its version; read once in a process and in those split off from it, because hundreds of files are parsed."""
    found = (each.metadata for each in metadata.distributions())
    return MappingProxyType({_normalised(_field(each, "Name")): _field(each, "Version") for each in found})


def _field(distribution: metadata.PackageMetadata, name: str) -> str | None:
    """Return a field of a distribution's metadata, None without it; the backport of importlib.metadata, which answers here once loaded, would raise."""
    return distribution[name] if name in distribution else None  # noqa: SIM401 the protocol of Python 3.11 has no get


def _kernel() -> str:
    """Return the numbers of the operating system's release, without what a provider adds."""
    found = re.match(r"[0-9.]*[0-9]", platform.release())
    return found[0] if found else ""


def _normalised(name: str | None) -> str:
    """Return a distribution's name as indexes compare it; one without metadata, as a broken installation leaves it, is called none."""
    return re.sub(r"[-_.]+", "-", str(name)).lower()
