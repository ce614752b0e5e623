"""The validation of the tool itself: each way `qms` could mislead the people who rely on it, and the tests that would show it.

The method starts from potential errors, not from features: a tool that says "passed" is judged by how it could say so wrongly. The tests run in the
tool's own runner, their record is read by the tool's own reader, and only a clean pass counts; the result belongs to the identity of the tool
(slice ``tool``) and to no other.

Source: ISO 13485 4.1.6 (validation of software used in the quality management system), IEC 62304 5.1.10 and 5.1.11 (control of tools).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from requirements_spec.datafile import Table, Tables, Text, Texts, duplicate_ids, read
from requirements_spec.schema import head
from verification.trace.codes import problem
from verification.trace.identity import Identity, difference, read_identity
from verification.trace.outcomes import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from requirements_spec.problem import Problem
    from verification.trace.outcomes import Result

KIT = "verification/tool_validation.toml"
SCHEMA = "thoratrace/tool-validation/1"
SHOWN = "artifacts/verification/tool_validation.json"
RAW = "artifacts/verification/tool_validation.xml"
SHOWN_SCHEMA = "thoratrace/tool-validation-record/1"

_DEFINITION = re.compile(rb"^def (test_\w+)\(", re.MULTILINE)
_TEST = r"tests/[\w/]+\.py::test_\w+"
_TABLE = Table(
    {
        **head(SCHEMA),
        "intended_use": Text(),
        "risk": Text(),
        "approach": Text(),
        "procedural": Texts(),
        "potential_error": Tables(
            Table(
                {
                    "id": Text(pattern=r"PE-\d{3,}"),
                    "title": Text(),
                    "consequence": Text(),
                    "safeguard": Text(),
                    "tests": Texts(Text(pattern=_TEST)),
                }
            )
        ),
    }
)


@dataclass(frozen=True, slots=True)
class PotentialError:
    """One way in which the tool could mislead.

    Attributes:
        id: ``PE-001`` and so on.
        title: the error, as a user would meet it.
        consequence: what would be believed wrongly because of it.
        safeguard: what in the tool keeps it from happening.
        tests: test functions that would fail if it happened, ``path::name``.
        where: ``file:line``.
    """

    id: str
    title: str
    consequence: str
    safeguard: str
    tests: tuple[str, ...]
    where: str


@dataclass(frozen=True, slots=True)
class Kit:
    """The plan of the validation: what the tool is used for, what its errors could do, and every potential error."""

    intended_use: str
    risk: str
    approach: str
    procedural: tuple[str, ...]
    errors: tuple[PotentialError, ...]


NO_KIT = Kit("", "", "", (), ())

NO_IDENTITY = Identity("tool", None, "not read")


@dataclass(frozen=True, slots=True)
class Shown:
    """What came of the tests of one potential error: test function to outcome, the worst of its cases."""

    id: str
    tests: Mapping[str, Outcome]

    @property
    def excluded(self) -> bool:
        """Say whether every test that would show the error ran and passed cleanly."""
        return bool(self.tests) and all(outcome is Outcome.PASSED for outcome in self.tests.values())


@dataclass(frozen=True, slots=True)
class ToolRecord:
    """A validation run of the tool, bound to the tool's identity."""

    identity: Identity
    shown: tuple[Shown, ...]

    @property
    def passed(self) -> bool:
        """Say whether the run has an identity and excluded each potential error."""
        return self.identity.sha256 is not None and bool(self.shown) and all(each.excluded for each in self.shown)

    def to_json(self) -> dict[str, Any]:
        """Return the record as plain data."""
        shown = [{"id": each.id, "tests": {name: str(each.tests[name]) for name in sorted(each.tests)}} for each in self.shown]
        return {"schema": SHOWN_SCHEMA, "identity": self.identity.to_json(), "potential_errors": shown}


@dataclass(frozen=True)
class ToolState:
    """What lies here about the tool itself: the plan, the last run, and the tool's identity."""

    kit: Kit = NO_KIT
    record: ToolRecord | None = None
    identity: Identity = NO_IDENTITY


NO_TOOL = ToolState()


def read_state(root: Path) -> tuple[ToolState, tuple[Problem, ...]]:
    """Return plan, last run and identity, and what is wrong with the plan: its form, and tests that do not exist."""
    kit, problems = read_kit(root)
    if kit is NO_KIT:
        return ToolState(), ()
    return ToolState(kit, read_shown(root), read_identity(root, "tool")), (*problems, *absent_tests(root, kit))


def read_kit(root: Path) -> tuple[Kit, tuple[Problem, ...]]:
    """Return the kit of the project at ``root``, and what is wrong with its file; a project without that file has none."""
    if not (root / KIT).exists():
        return NO_KIT, ()
    document = read(root, KIT, _TABLE)
    rows = document.rows("potential_error")
    errors = tuple(
        PotentialError(
            row.id, row.data["title"], row.data["consequence"], row.data["safeguard"], tuple(row.data["tests"]), row.where
        )
        for row in rows
        if row.sound
    )
    problems = (*document.problems, *duplicate_ids(rows))
    if document.problems:
        return Kit("", "", "", (), errors), problems
    data = document.data
    return Kit(data["intended_use"], data["risk"], data["approach"], tuple(data["procedural"]), errors), problems


def absent_tests(root: Path, kit: Kit) -> Iterator[Problem]:
    """Yield tests that a potential error names and that no file defines: a renamed test shows nothing."""
    defined: dict[str, frozenset[str]] = {}
    for error in kit.errors:
        for test in error.tests:
            file, name = test.split("::")
            if file not in defined:
                defined[file] = _functions(root / file)
            if name not in defined[file]:
                yield problem("TRC-TOOL-TEST", error.where, error.id, found=f"no test {test}")


def _functions(path: Path) -> frozenset[str]:
    try:
        return frozenset(name.decode() for name in _DEFINITION.findall(path.read_bytes()))
    except OSError:
        return frozenset()


def judge(kit: Kit, results: Iterable[Result]) -> tuple[Shown, ...]:
    """Hold the results of the tests against the potential errors; a test without result is missing, and of its cases the worst counts."""
    by_test: dict[str, list[Outcome]] = {}
    for result in results:
        by_test.setdefault(function_of(result.node), []).append(result.outcome)
    return tuple(Shown(error.id, {test: _worst(by_test.get(test, [])) for test in error.tests}) for error in kit.errors)


def function_of(node: str) -> str:
    """Return the test function of a JUnit case as the kit names it.

    >>> function_of("tests.verification.trace.test_gate::test_a[one]")
    'tests/verification/trace/test_gate.py::test_a'
    """
    module, _, name = node.partition("::")
    return f"{module.replace('.', '/')}.py::{name.split('[', maxsplit=1)[0]}"


def _worst(outcomes: list[Outcome]) -> Outcome:
    bad = [outcome for outcome in outcomes if outcome is not Outcome.PASSED]
    if bad:
        return bad[0]
    return Outcome.PASSED if outcomes else Outcome.MISSING


def read_shown(root: Path) -> ToolRecord | None:
    """Return the record of the last validation run, or None where there is none that can be read."""
    try:
        data = json.loads((root / SHOWN).read_text(encoding="utf-8"))
        if data["schema"] != SHOWN_SCHEMA:
            return None
        shown = tuple(
            Shown(str(each["id"]), {str(name): Outcome(value) for name, value in each["tests"].items()})
            for each in data["potential_errors"]
        )
        return ToolRecord(Identity.from_json(data["identity"]), shown)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def unshown(state: ToolState) -> Iterator[Problem]:
    """Yield what keeps the tool from counting as validated: no run of this tool, or a potential error that the run did not exclude."""
    kit, record, current = state.kit, state.record, state.identity
    if not kit.errors:
        yield problem("TRC-TOOL-EVIDENCE", KIT, "tool", found="no plan of the tool's validation")
        return
    named = ("no record of a validation run",) if record is None else difference(record.identity, current)
    if record is None or named:
        yield problem("TRC-TOOL-EVIDENCE", SHOWN, "tool", found="; ".join(named[:4]))
        return
    stated = {each.id: each for each in record.shown}
    for error in kit.errors:
        each = stated.get(error.id)
        if each is None or set(each.tests) != set(error.tests) or not each.excluded:
            bad = sorted(
                f"{name} {outcome}" for name, outcome in (each.tests if each else {}).items() if outcome is not Outcome.PASSED
            )
            yield problem("TRC-TOOL-EVIDENCE", error.where, error.id, found="; ".join(bad) or "not what the run was about")
