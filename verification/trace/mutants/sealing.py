"""Leaves what a clean run of every scenario leaves, without running one: the stand-in for people who repeat the run after an edit.

The gate cannot tell it from a real run, and must not have to: what an edit made smaller has to be found in the data. It is written into copies only.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

from requirements_spec.remembered import remembered
from verification.trace.assembly import ITEM_PREFIXES
from verification.trace.evidence import JUNIT, VERDICTS, Evidence, Record, read_evidence, write_json
from verification.trace.junit import ATTEMPTS
from verification.trace.outcomes import Outcome, Result, judge

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from verification.trace.features import Scenario
    from verification.trace.identity import Identity

HEAD = '<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests"><testsuite name="pytest">'
TAIL = "</testsuite></testsuites>\n"


def seal(root: Path, scenarios: tuple[Scenario, ...], identity: Identity) -> None:
    """Write junit.xml and verdicts.json as a run of exactly this state would, in which every scenario and row passed once."""
    path = root / JUNIT
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEAD + "".join(cases(scenarios)) + TAIL, encoding="utf-8")
    run = clean_run(scenarios, identity, read_evidence(root).record)
    if run.record is not None:
        write_json(root / VERDICTS, run.record.to_json())


def clean_run(scenarios: tuple[Scenario, ...], identity: Identity, before: Record | None) -> Evidence:
    """Return what reading the files of `seal` gives, without writing them."""
    results = tuple(chain.from_iterable(map(_passed, scenarios)))
    verdicts = judge(scenarios, results)
    record = replace(before, identity=identity, exit_code=0, verdicts=verdicts) if before else Record(identity, 0, verdicts)
    return Evidence(record, results)


@remembered
def _passed(scenario: Scenario) -> tuple[Result, ...]:
    node, ids = f"verification.test_features::{scenario.name}", tuple(sorted(_ids(scenario)))
    return tuple(Result(key, node, ids, Outcome.PASSED, "") for key in scenario.expected())


def _ids(scenario: Scenario) -> list[str]:
    return [tag for tag in scenario.tags if tag.startswith(ITEM_PREFIXES)]


def cases(scenarios: Iterable[Scenario]) -> Iterable[str]:
    """Yield a passed test case for each scenario and row owed."""
    for scenario in scenarios:
        tags = _ids(scenario)
        for feature, name, row in scenario.expected():
            yield case(feature, name, row, tags)


def case(feature: str, scenario: str, row: str, tags: Iterable[str], children: str = "") -> str:
    """Return one test case with its properties; ``children`` are the elements of an outcome other than a pass."""
    pairs = [*(("verifies", tag) for tag in tags), ("feature", feature), ("scenario", scenario), ("row", row), (ATTEMPTS, "1")]
    properties = "".join(f"<property name={quoteattr(name)} value={quoteattr(value)} />" for name, value in pairs)
    head = f'<testcase classname="verification.test_features" name={quoteattr(scenario)}>'
    return f"{head}<properties>{properties}</properties>{children}</testcase>\n"
