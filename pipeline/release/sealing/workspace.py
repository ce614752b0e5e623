"""The workspace of a release: the repository at the source commit, with parameters, lock and results of the run that is released.

A release is made of another run than the canonical one, and everything that judges a run (verification, gate, technical file) works on the root of a
repository. So the commit is laid out once more as a git worktree, and the run's params.yaml, dvc.lock, outputs and seals take the place of the canonical ones. No
other file may differ from the commit. A workspace that an earlier build left is moved to the commit and keeps what lies in it,
so that results whose identity still holds are not made again.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

from pipeline.release.errors import ReleaseRefused
from pipeline.release.provenance.content import ABSENT, content_sha256
from pipeline.release.provenance.honest_stages import SEALS
from verification.trace.lineage import LineageError, read_lock

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.progress import Report
    from pipeline.run import Run

FOLDER = "artifacts/workspaces"
NAME = "release"
OF_THE_RUN = ("params.yaml", "dvc.lock")
"""What a workspace takes from the run instead of from the commit."""

REGISTRY = "artifacts/mlflow"


def open_workspace(root: Path, run: Run, commit: str, report: Report) -> Path:
    """Lay out the workspace of a commit and a run, or bring the one that lies there up to date, and return its root.

    Args:
        root: of the repository.
        run: whose results are released.
        commit: the source.
        report: progress over the outputs that are copied.

    Raises:
        ReleaseRefused: ``REL-RUN``, the run is not there or not finished; ``REL-WORKSPACE``, git refuses.
    """
    outputs = outputs_of(run)
    workspace = root / FOLDER / NAME
    if _commit(workspace) != commit:
        _lay_out(root, workspace, commit)
    for name in OF_THE_RUN:
        shutil.copy(run.root / name, workspace / name)
    for number, path in enumerate(outputs, start=1):
        report(number - 1, len(outputs), path)
        _bring(run.root / path, workspace / path)
        report(number, len(outputs), path)
    if (run.root / SEALS).is_dir():
        _bring(run.root / SEALS, workspace / SEALS)
    _share_registry(root, workspace)
    return workspace


def close_workspace(root: Path, workspace: Path) -> None:
    """Take a workspace away; the registry it shares stays."""
    (workspace / REGISTRY).unlink(missing_ok=True)
    shutil.rmtree(workspace, ignore_errors=True)
    _git(root, "worktree", "prune")


def outputs_of(run: Run) -> tuple[str, ...]:
    """Return the paths that the run's lock says it made.

    Raises:
        ReleaseRefused: ``REL-RUN``, no lock, or an output that is not there.
    """
    try:
        entries = read_lock(run.root).values()
    except LineageError as err:
        raise _no_run(str(err)) from err
    outputs = tuple(sorted(str(each["path"]) for entry in entries for each in entry.get("outs") or ()))
    if missing := [path for path in outputs if not (run.root / path).exists()]:
        raise _no_run(f"no {', '.join(missing)}")
    return outputs


def _lay_out(root: Path, workspace: Path, commit: str) -> None:
    if _commit(workspace):
        for arguments in (("checkout", "--quiet", "--force", "--detach", commit), ("clean", "--force", "-d", "--quiet")):
            _git(workspace, *arguments)
        if _commit(workspace) == commit:
            return
    if os.path.lexists(workspace):
        close_workspace(root, workspace)
    _git(root, "worktree", "prune")
    workspace.parent.mkdir(parents=True, exist_ok=True)
    done = _git(root, "worktree", "add", "--quiet", "--force", "--detach", str(workspace), commit)
    if done.returncode or _commit(workspace) != commit:
        said = done.stderr.strip().splitlines() or ["git left no working tree"]
        raise ReleaseRefused(
            "REL-WORKSPACE",
            where=FOLDER,
            found=said[-1][:160],
            expected="a working tree of the source commit",
            repair="`git worktree list` shows what stands in the way",
        )


def _bring(source: Path, target: Path) -> None:
    """Copy an output unless exactly its content lies there."""
    if content_sha256(target) not in {ABSENT, content_sha256(source)}:
        shutil.rmtree(target) if target.is_dir() else target.unlink()
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f"{target.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        shutil.copytree(source, part) if source.is_dir() else shutil.copy(source, part)
        part.replace(target)


def _share_registry(root: Path, workspace: Path) -> None:
    """Let the workspace register its model where all models are registered."""
    (root / REGISTRY).mkdir(parents=True, exist_ok=True)
    if not (workspace / REGISTRY).is_symlink():
        (workspace / REGISTRY).symlink_to(root / REGISTRY, target_is_directory=True)


def _commit(workspace: Path) -> str:
    """Return the commit of a working tree whose root this is; empty where it is none."""
    if not (workspace / ".git").is_file():
        return ""
    return _git(workspace, "rev-parse", "HEAD").stdout.strip()


def _git(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)


def _no_run(found: str) -> ReleaseRefused:
    repair = "./qms pipeline --profile phantom --budget release"
    return ReleaseRefused("REL-RUN", where="the release run", found=found, expected="a finished run", repair=repair)
