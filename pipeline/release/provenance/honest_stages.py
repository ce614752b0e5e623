"""Runs each stage between two readings of everything it is made from, and refuses the run if the readings differ.

DVC hashes the inputs of a stage after its command: code that is edited while a stage runs is locked as if it had made the result. Environment variables and
installed libraries are in no lock of DVC at all. Here inputs, parameters, environment and libraries are read before and after; a stage gets a
closed environment and an empty cache of compiled code; what was read is kept in a journal below the run, and a release is built from journals only.

Rule: sealed(stage) = before == after == now, and outputs then == outputs now, and environment then == environment now.
Source: IEC 62304 8.2.4 and 5.8.5 (how the released software was created); ISO 13485 7.3.9, 7.3.10.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import asdict, dataclass
from functools import partial
from graphlib import TopologicalSorter
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import rfc8785

from device_sw.launcher import NUMERIC_ENVIRONMENT
from pipeline.dvc_runs import KEPT_MEMORY, stage_environment
from pipeline.release.errors import ReleaseRefused
from pipeline.release.provenance.closed_environment import closed_environment
from pipeline.release.provenance.content import ABSENT, content_sha256
from pipeline.run import Run, read_json, write_json
from verification.trace.lineage import read_yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SCHEMA = "thoratrace/honest-stage/1"
SEALS = "artifacts/honest_stages"
"""Folder of a run that holds the journal of each stage."""


@dataclass(frozen=True)
class Reading:
    """What a stage is made from, at one moment.

    Attributes:
        files: dependency, ``dvc.yaml``, ``params.yaml`` (the values that the stage names) -> SHA-256.
        environment: what decides numbers and lies in no file of the run; see `environment_of`.
    """

    files: Mapping[str, str]
    environment: Mapping[str, str]


@dataclass(frozen=True)
class HonestStage:
    """One stage that was run between two readings."""

    stage: str
    before: Reading
    after: Reading
    outs: Mapping[str, str]

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> HonestStage:
        """Return what a journal holds; ``from_json(asdict(x)) == x``."""
        return cls(str(value["stage"]), Reading(**value["before"]), Reading(**value["after"]), dict(value["outs"]))


def stages_of(root: Path) -> dict[str, dict[str, Any]]:
    """Return the stages of dvc.yaml in an order in which each comes after those whose outputs it reads."""
    stages = dict(read_yaml(root / "dvc.yaml")["stages"])
    made = {PurePosixPath(out): name for name, stage in stages.items() for out in stage["outs"]}
    needs = {
        name: {made[out] for dep in stage["deps"] for out in made if PurePosixPath(dep).is_relative_to(out)}
        for name, stage in stages.items()
    }
    return {name: stages[name] for name in TopologicalSorter(needs).static_order()}


def files_of(root: Path, stage: Mapping[str, Any]) -> dict[str, str]:
    """Return the SHA-256 of everything in the run's folder that a stage is made from.

    Raises:
        ReleaseRefused: ``REL-STAGE-MISSING``, a dependency is not there.
    """
    params = read_yaml(root / "params.yaml")
    named = {key: _value(params, key) for key in stage.get("params", ())}
    files = {str(path): content_sha256(root / str(path)) for path in stage["deps"]}
    absent = sorted(path for path, digest in files.items() if digest == ABSENT)
    if absent:
        raise _refused("MISSING", absent[0], "nothing there", "a dependency that dvc.yaml names", "run the stages before it")
    return {
        **files,
        "dvc.yaml": hashlib.sha256(rfc8785.dumps(dict(stage))).hexdigest(),
        "params.yaml": hashlib.sha256(rfc8785.dumps(named)).hexdigest(),
    }


def _value(table: Any, key: str) -> Any:
    for part in key.split("."):
        table = table.get(part) if isinstance(table, dict) else None
    return table


def environment_of(libraries: Mapping[str, str], lock: str) -> dict[str, str]:
    """Return what decides numbers beside files: the numeric variables, interpreter, lock and each installed library.

    Args:
        libraries: distribution -> SHA-256 of its files, from `pipeline.release.provenance.installed`.
        lock: SHA-256 of requirements.lock.
    """
    return {
        **{f"variable {name}": value for name, value in NUMERIC_ENVIRONMENT.items()},
        "interpreter": sys.version,
        "requirements.lock": lock,
        **{f"library {name}": digest for name, digest in libraries.items()},
    }


def variables(run: Run, caches: Path) -> dict[str, str]:
    """Return exactly the variables that a stage gets: those of a closed environment, DVC's and those of freed memory; compiled code starts empty in ``caches``."""
    quiet = {name: value for name, value in stage_environment(run).items() if name.startswith("DVC_")}
    return {**closed_environment(run.root, caches), **KEPT_MEMORY, **quiet}


def execute(run: Run, stage: str, caches: Path) -> int:
    """Run one stage with DVC, whether it looks up to date or not and never from a cache of runs, and return DVC's exit code; its words go to stderr."""
    command = [sys.executable, "-m", "dvc", "repro", "--single-item", "--force", "--no-run-cache", stage]
    return subprocess.run(command, cwd=run.root, env=variables(run, caches), stdout=sys.stderr, check=False).returncode


def run_honestly(
    run: Run, environment: Callable[[], Mapping[str, str]], run_stage: Callable[[Run, str, Path], int] = execute
) -> dict[str, HonestStage]:
    """Run every stage that has no valid seal, in order, and seal it; killed and started again it goes on where it was.

    Args:
        run: folder of the run.
        environment: reads what decides numbers beside files, as it is at this moment; called before and after each stage.
        run_stage: runs one stage and returns its exit code.

    Raises:
        ReleaseRefused: ``REL-STAGE-FAILED``; ``REL-STAGE-CHANGED``, something that the stage is made from changed while it ran; what `files_of` raises.
    """
    sealed = {}
    for name, stage in stages_of(run.root).items():
        try:
            sealed[name] = _sealed(run, name, stage, environment())
        except ReleaseRefused:
            _journal(run, name).unlink(missing_ok=True)
            with TemporaryDirectory() as caches:
                sealed[name] = _between_readings(
                    run, name, stage, environment, partial(_with_caches, run_stage, run, Path(caches))
                )
            write_json(_journal(run, name), {"schema": SCHEMA, **asdict(sealed[name])})
    return sealed


def _with_caches(run_stage: Callable[[Run, str, Path], int], run: Run, caches: Path, stage: str) -> int:
    return run_stage(run, stage, caches)


def sealed_stages(run: Run, environment: Mapping[str, str]) -> dict[str, HonestStage]:
    """Return the stages of a finished run, each from its journal, after everything was read once more.

    Raises:
        ReleaseRefused: ``REL-STAGE-UNSEALED``, a stage was not run between two readings; ``REL-STAGE-CHANGED``, its readings differ; ``REL-STAGE-STALE``, an input is
            another one now; ``REL-STAGE-OUTPUT``, an output is; ``REL-STAGE-ENVIRONMENT``, a variable, the interpreter or a library is.
    """
    return {name: _sealed(run, name, stage, environment) for name, stage in stages_of(run.root).items()}


def as_they_lie(run: Run, environment: Mapping[str, str]) -> dict[str, HonestStage]:
    """Return the stages of a run that nobody watched, both readings made now: what a trial shows, and no release may rest on."""
    found = {}
    for name, stage in stages_of(run.root).items():
        reading = Reading(files_of(run.root, stage), dict(environment))
        found[name] = HonestStage(name, reading, reading, _outs(run, stage))
    return found


def _journal(run: Run, stage: str) -> Path:
    return run.root / SEALS / f"{stage}.json"


def _outs(run: Run, stage: Mapping[str, Any]) -> dict[str, str]:
    return {str(path): content_sha256(run.root / str(path)) for path in stage["outs"]}


def _between_readings(
    run: Run, name: str, stage: Mapping[str, Any], environment: Callable[[], Mapping[str, str]], run_stage: Callable[[str], int]
) -> HonestStage:
    before = Reading(files_of(run.root, stage), dict(environment()))
    code = run_stage(name)
    if code:
        raise _refused("FAILED", f"stage {name}", f"exit code {code}", "0", "read what it said and run it again")
    made = HonestStage(name, before, Reading(files_of(run.root, stage), dict(environment())), _outs(run, stage))
    _require_unchanged(made)
    return made


def _require_unchanged(made: HonestStage) -> None:
    for kind in ("files", "environment"):
        _require_equal("CHANGED", made.stage, getattr(made.before, kind), getattr(made.after, kind), "as before the stage ran")


def _sealed(run: Run, name: str, stage: Mapping[str, Any], environment: Mapping[str, str]) -> HonestStage:
    try:
        value = read_json(_journal(run, name))
        made = HonestStage.from_json(value)
        known = value["schema"] == SCHEMA and made.stage == name
    except (OSError, ValueError, KeyError, TypeError) as err:
        raise _unsealed(name, f"no readable journal ({type(err).__name__})") from err
    if not known:
        raise _unsealed(name, "the journal of something else")
    _require_unchanged(made)
    _require_equal("STALE", name, made.after.files, files_of(run.root, stage), "as when the stage ran")
    _require_equal("OUTPUT", name, made.outs, _outs(run, stage), "as the stage made it")
    _require_equal("ENVIRONMENT", name, made.after.environment, environment, "as when the stage ran")
    return made


def _require_equal(what: str, stage: str, then: Mapping[str, str], now: Mapping[str, str], expected: str) -> None:
    for name in sorted(then.keys() | now.keys()):
        if then.get(name) != now.get(name):
            found = f"{now.get(name, ABSENT)[:40]} instead of {then.get(name, ABSENT)[:40]}"
            raise _refused(what, f"stage {stage}, {name}", found, expected, "restore it, or run the stages again")


def _unsealed(stage: str, found: str) -> ReleaseRefused:
    return _refused(
        "UNSEALED", f"stage {stage}", found, "a stage that ran between two readings", "run the stages with their seals"
    )


def _refused(what: str, where: str, found: str, expected: str, repair: str) -> ReleaseRefused:
    return ReleaseRefused(f"REL-STAGE-{what}", where=where, found=found, expected=expected, repair=repair)
