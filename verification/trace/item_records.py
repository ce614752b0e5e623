"""What is known of items beside the graph: their content, its fingerprint, and the last entry of the ledger that accounts for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from requirements_spec.changes import specification_content
from requirements_spec.fingerprint import content, fingerprint
from risk.changes import risk_content
from verification.trace.show import Records

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from requirements_spec.changes import Change
    from verification.trace.features import Scenario
    from verification.trace.inputs import Inputs


@dataclass(frozen=True, slots=True)
class ScenarioContent:
    """What a scenario says, without the lines it stands on."""

    feature: str
    title: str
    name: str
    tags: tuple[str, ...]
    steps: tuple[tuple[str, str], ...]
    rows: tuple[str, ...]

    @classmethod
    def of(cls, scenario: Scenario) -> ScenarioContent:
        """Return the content of a scenario as it is written."""
        steps = tuple((step.kind, step.text) for step in scenario.steps)
        rows = tuple(row.text for row in scenario.rows)
        return cls(scenario.feature, scenario.title, scenario.name, (*scenario.tags, *scenario.lost_tags), steps, rows)


def records(inputs: Inputs, tests: Mapping[str, tuple[str, ...]]) -> Records:
    """Return the records of all items; a situation is accounted for by its hazard's entry.

    Args:
        inputs: everything the gate reads.
        tests: lines on each scenario's test record (IEC 62304 5.7.5), by scenario id.
    """
    changes = _latest((*inputs.specification_changes, *inputs.risk_changes))
    changes |= {
        situation.id: changes[hazard.id]
        for hazard in inputs.risk.hazards
        for situation in hazard.situations
        if hazard.id in changes
    }
    return Records(_content(inputs), _fingerprints(inputs), changes, tests)


def _latest(entries: Iterable[Change]) -> dict[str, Change]:
    return {entry.item: entry for entry in entries}


def _content(inputs: Inputs) -> dict[str, dict[str, Any]]:
    specification, risk = inputs.specification, inputs.risk
    items: list[Any] = [*specification.needs, *specification.requirements, *specification.items, *specification.soup]
    items += [*risk.situations, *risk.controls]
    found = {str(item.id): content(item) for item in items}
    for hazard in risk.hazards:
        found[str(hazard.id)] = {name: value for name, value in content(hazard).items() if name != "situations"}
    return found | {
        scenario.id: {"steps": [f"{step.kind}: {step.text}" for step in scenario.steps]} for scenario in inputs.scenarios
    }


def _fingerprints(inputs: Inputs) -> dict[str, str]:
    found = {**specification_content(inputs.specification).fingerprints, **risk_content(inputs.risk).fingerprints}
    found |= {str(situation.id): fingerprint(situation) for situation in inputs.risk.situations}
    found |= {scenario.id: scenario_fingerprint(scenario) for scenario in inputs.scenarios}
    files = inputs.identity.files
    return found | {name: files[path] for name in inputs.modules if (path := f"{name.replace('.', '/')}.py") in files}


def scenario_fingerprint(scenario: Scenario) -> str:
    """Return the SHA-256 over what a scenario says: feature, name, tags, steps with the background's, rows; not where it stands."""
    return fingerprint(ScenarioContent.of(scenario))
