"""The checks that attacks are tried against, each as a person runs it, turned into one form: an exit code and findings with code and place."""

from __future__ import annotations

import importlib.util
import io
import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.release.attacks import environments, models, pipelines, registries
from pipeline.release.attacks.attack import CheckName, Finding, Outcome
from verification.trace.audit_log import examine, read_log
from verification.trace.people import read_people

if TYPE_CHECKING:
    from pipeline.release.attacks.bench import Bench

VERIFIER = Path(__file__).resolve().parents[1] / "verifier.py"
PATIENCE = 60
"""Seconds after which a verifier that hangs is ended: hanging is no catch."""


Runner = Callable[[list[str]], tuple[int, str, str]]
"""Runs the verifier with a command line and returns its exit code, what it printed, and its diagnosis."""


def in_its_own_process(arguments: list[str]) -> tuple[int, str, str]:
    """Run the verifier as an auditor does; one that hangs is ended, and hanging is no answer."""
    command = [sys.executable, "-I", str(VERIFIER), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        return -1, "", f"no answer within {PATIENCE} s"
    return done.returncode, done.stdout, done.stderr


def in_this_process(arguments: list[str]) -> tuple[int, str, str]:
    """Run the same file here, which saves its start; for thousands of verifications."""
    printed, diagnosis = io.StringIO(), io.StringIO()
    with redirect_stdout(printed), redirect_stderr(diagnosis):
        code = verifier().main(arguments)
    return code, printed.getvalue(), diagnosis.getvalue()


def verify(bench: Bench, run: Runner, *options: str) -> Outcome:
    """Run the verifier on a copy with its archive and further options."""
    archive = ["--archive", str(bench.archive)] if bench.archive is not None else []
    return _outcome(*run([str(bench.release), *archive, *options, "--json"]))


@cache
def verifier() -> Any:
    """Return the verifier as a module, loaded from its file as a stranger's copy would be."""
    specification = importlib.util.spec_from_file_location("thoratrace_verifier", VERIFIER)
    if specification is None or specification.loader is None:
        raise FileNotFoundError(VERIFIER)
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module
    specification.loader.exec_module(module)
    return module


def _outcome(code: int, printed: str, diagnosis: str) -> Outcome:
    try:
        result = json.loads(printed)
    except ValueError:
        return Outcome(code, said=(diagnosis or printed)[-300:])
    findings = tuple(
        Finding(each["code"], each["where"], each["found"], str(check["name"]))
        for check in result["checks"]
        for each in check["faults"]
    )
    return Outcome(code, findings, str(result["verdict"]))


def _audit(bench: Bench) -> Outcome:
    """Judge the audit log of the bench's own little project as the trace gate does."""
    root = bench.beside("project")
    people, faults = read_people(root)
    problems = [*faults, *examine(read_log(root), people, datetime.now(UTC)).problems]
    findings = tuple(Finding(each.code, each.where, each.found) for each in problems)
    return Outcome(1 if findings else 0, findings)


def checks(run: Runner) -> dict[CheckName, Callable[[Bench], Outcome]]:
    """Return how each check is run, given how the verifier is."""
    return {
        CheckName.VERIFY: lambda bench: verify(bench, run),
        CheckName.PINNED: lambda bench: verify(bench, run, "--pin", str(bench.pin)),
        CheckName.AT_LEAST: lambda bench: verify(bench, run, "--pin", str(bench.pin), "--at-least", bench.original.version),
        CheckName.SOURCE: lambda bench: verify(bench, run, "--repository", str(bench.repository)),
        CheckName.BUNDLE: models.check_bundle,
        CheckName.AUDIT: _audit,
        CheckName.REGISTRY: registries.check_registry,
        CheckName.LINEAGE: pipelines.check_lineage,
        CheckName.STAGES: pipelines.check_stages,
        CheckName.LIBRARIES: pipelines.check_libraries,
        CheckName.WHEELS: environments.check_wheelhouse,
        CheckName.PACKAGES: environments.check_environment,
    }
