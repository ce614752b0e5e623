"""A copy of the project in which mutants are made, judged and taken back, one at a time.

Only what a mutant touches is read again: hashes, the pipeline's lock and the last run are handed on where no touched file can change them. That the
verdict is the one of reading everything is shown by `judge_fully` on a sample of every campaign.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from requirements_spec import changes
from requirements_spec.reading_cache import ReadingCache
from risk import changes as risk_ledger
from verification.trace import features, gate, renewal
from verification.trace.baseline import BASELINE, read_baseline
from verification.trace.case import Level
from verification.trace.evidence import read_evidence
from verification.trace.identity import Identity, digest, read_identity
from verification.trace.inputs import Heavy, read, read_heavy, read_stale
from verification.trace.lineage import REHASH_LIMIT, LineageError, md5_of, read_lock
from verification.trace.mutants.mutant import Change, Form
from verification.trace.mutants.project import Project
from verification.trace.mutants.sealing import seal
from verification.trace.slices import SLICES
from verification.trace.written import read_written

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from requirements_spec.problem import Problem

SLICE = SLICES["verification"]
MEMORY = Path("/dev/shm")  # noqa: S108  a file system in memory where there is one; the folder below it has a name nobody can foresee
MOST_READINGS = 400
"""Readings kept in memory: each file of the project, and those of the last mutants."""

LINEAGE = ("dvc.lock", "artifacts/bundle")
"""Paths that the model's lineage is read from."""

RUN = "artifacts/verification"
WRITTEN = ("pipeline", "pyproject.toml", "requirements_spec", "risk", "validation/protocol.toml", "verification")
"""Paths below which the source texts lie that hold obligations, and more."""

NOT_WRITTEN = ("requirements_spec/data", "risk/data", "verification/features")
"""Paths below those that hold none of them."""

BOOKS = (changes.SPECIFICATION_BOOK, risk_ledger.RISK_BOOK)


class BenchError(Exception):
    """No mutants can be made from this project; the message says why."""


def workplace() -> Path:
    """Return a new empty folder for copies, in memory where the machine has a file system for that."""
    return Path(tempfile.mkdtemp(prefix="thoratrace-mutants-", dir=MEMORY if MEMORY.is_dir() else None))


def copy_project(root: Path, target: Path) -> None:
    """Copy what the gate reads: the files git knows or would take up, and the outputs of the pipeline; large folders only as links.

    Raises:
        BenchError: ``root`` is no git working tree.
    """
    listing = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-z", "-co", "--exclude-standard"], capture_output=True, check=False
    )
    if listing.returncode:
        raise BenchError("not a git working tree, so the files that count cannot be listed; use a clone")
    for name in sorted({name for name in os.fsdecode(listing.stdout).split("\0") if name}):
        if (root / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / name, target / name, follow_symlinks=False)
    for name in (*sorted(_outputs(root)), RUN):
        _copy_output(root / name, target / name)
    subprocess.run(["git", "-C", str(target), "init", "-q"], check=True, capture_output=True)


def _outputs(root: Path) -> set[str]:
    try:
        stages = read_lock(root).values()
    except LineageError:
        return set()
    return {str(item["path"]) for entry in stages for item in entry.get("outs") or ()}


def _copy_output(source: Path, target: Path) -> None:
    """Copy an output; of one that is too large to be hashed, its small files, and links in place of the rest."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_file():
        shutil.copy(source, target)
    elif source.is_dir() and sum(path.stat().st_size for path in source.rglob("*")) <= REHASH_LIMIT:
        shutil.copytree(source, target, symlinks=True)
    elif source.is_dir():
        target.mkdir()
        for path in source.iterdir():
            small = path.is_file() and path.stat().st_size <= REHASH_LIMIT // 8
            shutil.copy(path, target / path.name) if small else (target / path.name).symlink_to(path.resolve())


class MemoryCache(ReadingCache):
    """Readings by path and content for as long as the process lives."""

    def __init__(self) -> None:
        """Start empty."""
        super().__init__()
        self._readings: dict[tuple[str, bytes], Any] = {}

    def recall(self, path: str, content: bytes) -> Any:
        """Return what was read from these bytes at this path, or None."""
        return self._readings.get((path, hashlib.sha256(content).digest()))

    def keep(self, path: str, content: bytes, reading: object) -> None:
        """Keep plain data; what came from one mutant is dropped again when there are many."""
        if len(self._readings) > MOST_READINGS:
            self._readings.clear()
        self._readings[path, hashlib.sha256(content).digest()] = json.loads(json.dumps(reading))


class Bench:
    """The copy, what was read from it, and the gate's verdict on it before any harm."""

    def __init__(self, root: Path) -> None:
        """Read the copy at ``root``; where its run is no evidence for it, put a clean one in its place."""
        self.root = root
        self._cache = MemoryCache()
        self.level = Level.DEVELOPMENT
        self.owed_beyond = self._baseline_of_today()
        self.stand_in = not gate.judge(read(root), self.level).accepted
        if self.stand_in:
            self._run_again(features.load(root)[0])
        self.heavy = read_heavy(root)
        inputs = read(root, self.heavy, self._cache)
        self.verdict = gate.judge(inputs, self.level)
        if not self.verdict.accepted:
            raise BenchError("; ".join(str(each) for each in self.verdict.problems[:3]) or "no evidence is accepted")
        self._inputs = inputs
        self._before = {self.level: frozenset(self.verdict.problems)}
        self._inputs_of_stages = _hashes(root)
        self.project = Project(root, inputs, self.verdict)

    def _baseline_of_today(self) -> int:
        """Renew the copy's baseline where the project owes more, or other things, than its own says; returns in how many obligations they differ.

        What came after the baseline is owed by nobody yet, so no comparison can miss it; a release asks for a baseline that is up to date.
        """
        found = renewal.compare(self.root)
        if found.baseline is None or found.problems:
            return 0
        beyond = len(found.larger) + len(found.open)
        if beyond:
            renewal.renew(self.root, "DEMO-author", "the baseline of today, for a copy that is thrown away")
        return beyond

    def before(self, level: Level) -> frozenset[Problem]:
        """Return what the gate says at a level before any harm."""
        if level not in self._before:
            self._before[level] = frozenset(gate.judge(self._inputs, level).problems)
        return self._before[level]

    def judge(self, change: Change) -> tuple[Problem, ...]:
        """Return what the gate says of a change, reading again only what it touches."""
        with self._harmed(change) as touched:
            return gate.judge(read(self.root, self._heavy(touched), self._cache), change.level).problems

    def judge_fully(self, change: Change) -> tuple[Problem, ...]:
        """Return what the gate says of a change when it reads everything, as the command does."""
        with self._harmed(change):
            return gate.check(self.root, change.level, write=False).problems

    @contextmanager
    def _harmed(self, change: Change) -> Iterator[frozenset[str]]:
        """Make a change, with what its form asks for, and take everything back; yields the paths that were written."""
        extra = self._written_besides(change.form, change.edits)
        kept = {name: _content(self.root / name) for name in (*change.edits, *extra)}
        try:
            for name, content in change.edits.items():
                _write(self.root / name, content)
            if change.form is Form.RECORDED:
                self._record()
                self._lock_again(change.edits)
                self._run_again(features.load(self.root, self._cache)[0], self._changed(kept))
            yield self._changed(kept)
        finally:
            for name, content in kept.items():
                _write(self.root / name, content)

    def _changed(self, kept: Mapping[str, bytes | None]) -> frozenset[str]:
        """Return the paths whose content is not the one that was kept."""
        return frozenset(name for name, content in kept.items() if _content(self.root / name) != content)

    def _written_besides(self, form: Form, edits: Mapping[str, object]) -> tuple[str, ...]:
        if form is not Form.RECORDED:
            return ()
        return tuple(
            name
            for name in (*(book.ledger for book in BOOKS), "dvc.lock", f"{RUN}/junit.xml", f"{RUN}/verdicts.json")
            if name not in edits
        )

    def _record(self) -> None:
        """Enter every change with the tool's own command; where the data have problems it refuses, as it does for people."""
        for book in BOOKS:
            changes.record(self.root, book, "DEMO-author", "recorded by whoever made the change")

    def _lock_again(self, edits: Mapping[str, object]) -> None:
        """Let the pipeline's lock agree, as running the touched stages again would."""
        touched = {path: md5 for path, md5 in self._inputs_of_stages.items() if _touch(edits, path)}
        if touched:
            text = (self.root / "dvc.lock").read_text(encoding="utf-8")
            for path, md5 in touched.items():
                text = text.replace(md5, md5_of(self.root / path))
            (self.root / "dvc.lock").write_text(text, encoding="utf-8")

    def _run_again(self, scenarios: tuple[features.Scenario, ...], touched: frozenset[str] | None = None) -> None:
        identity = read_identity(self.root, SLICE.name) if touched is None else self._identity(touched)
        seal(self.root, scenarios, identity)

    def _heavy(self, touched: frozenset[str]) -> Heavy:
        """Return what takes long to read: as before, where nothing that was touched can change it."""
        inputs = (*self._inputs_of_stages, "dvc.lock", "dvc.yaml", "params.yaml")
        return Heavy(
            identity=self._identity(touched),
            stale=read_stale(self.root) if _touch(touched, *inputs) else self.heavy.stale,
            evidence=read_evidence(self.root) if _touch(touched, RUN) else self.heavy.evidence,
            written=read_written(self.root) if any(_is_written(name) for name in touched) else self.heavy.written,
            baseline=read_baseline(self.root) if _touch(touched, BASELINE) else self.heavy.baseline,
        )

    def _identity(self, touched: frozenset[str]) -> Identity:
        """Return the identity with only the touched files hashed again."""
        before = self.heavy.identity
        if _touch(touched, *LINEAGE):
            return read_identity(self.root, SLICE.name)
        files = dict(before.files)
        for name in touched:
            if _touch((name,), *SLICE.paths):
                content = _content(self.root / name)
                files.pop(name, None)
                files |= {} if content is None else {name: hashlib.sha256(content).hexdigest()}
        return replace(before, sha256=digest(SLICE.name, files, before.lineage), files=dict(sorted(files.items())))


def _hashes(root: Path) -> dict[str, str]:
    """Return path and MD5 of everything a stage reads or makes, as the lock states it."""
    sides = [item for entry in read_lock(root).values() for side in ("deps", "outs") for item in entry.get(side) or ()]
    return {str(item["path"]): str(item.get("md5", "")) for item in sides}


def _touch(names: Iterable[str], *paths: str) -> bool:
    """Say whether one of the names is one of the paths or lies below it."""
    return any(name == path or name.startswith(f"{path}/") for name in names for path in paths)


def _is_written(name: str) -> bool:
    return _touch((name,), *WRITTEN) and not _touch((name,), *NOT_WRITTEN)


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _write(path: Path, content: str | bytes | None) -> None:
    """Write a file, or remove it."""
    if content is None:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
