"""Runs the tests of every potential error of the tool and writes what came of them, bound to the tool's identity."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from pipeline.verification_run import environment
from verification.trace.evidence import write_json
from verification.trace.identity import Identity, read_identity
from verification.trace.junit import read_junit
from verification.trace.outcomes import RecordError
from verification.trace.tool_validation import RAW, SHOWN, Kit, ToolRecord, judge, read_kit

if TYPE_CHECKING:
    from pathlib import Path

    from requirements_spec.problem import Problem


class NoPlanError(Exception):
    """The plan cannot be executed; the problems say why."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        """Keep the problems of the plan."""
        super().__init__("\n".join(map(str, problems)) or "no plan of the tool's validation")


def run(root: Path) -> tuple[Kit, ToolRecord]:
    """Run every test that the plan names and return plan and record; the record is written to artifacts/verification.

    Raises:
        NoPlanError: there is no plan, or it has problems.
    """
    kit, problems = read_kit(root)
    if problems or not kit.errors:
        raise NoPlanError(problems)
    before = read_identity(root, "tool")
    tests = sorted({test for error in kit.errors for test in error.tests})
    (root / RAW).parent.mkdir(parents=True, exist_ok=True)
    (root / RAW).unlink(missing_ok=True)
    subprocess.run(command(tests), cwd=root, env=environment(root), stdout=sys.stderr, check=False)
    try:
        results = read_junit(root / RAW)
    except RecordError:
        results = ()
    record = ToolRecord(_unchanged(before, read_identity(root, "tool")), judge(kit, results))
    write_json(root / SHOWN, record.to_json())
    return kit, record


def command(tests: list[str]) -> list[str]:
    """Return the command line of the run; a test that does not exist ends it, and everything is missing then."""
    plugins = ["-p", "no:cacheprovider", "-p", "verification.trace.recording"]
    return [sys.executable, "-m", "pytest", "-q", "--color=no", "--tb=short", f"--junitxml={RAW}", *plugins, *tests]


def _unchanged(before: Identity, after: Identity) -> Identity:
    if before.sha256 == after.sha256:
        return after
    return Identity("tool", None, "changed during the run", after.files, after.lineage, after.commit)
