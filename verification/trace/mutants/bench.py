"""A copy of the project in which mutants are made, judged and taken back, one at a time.

Only what a mutant touches is read again: hashes, the pipeline's lock and the last run are handed on where no touched file can change them. That the
verdict is the one of reading everything is shown by `judge_fully` on a sample of every campaign.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from requirements_spec import changes, loader
from requirements_spec.reading_cache import ReadingCache
from risk import changes as risk_ledger
from risk import loader as risk_loader
from verification.trace import assembly, features, gate, renewal
from verification.trace.assembly import VALIDATION
from verification.trace.baseline import BASELINE, read_baseline
from verification.trace.case import Level
from verification.trace.evidence import JUNIT, VERDICTS, Evidence, read_evidence
from verification.trace.executed_protocol import PROTOCOL, read_executed_protocol
from verification.trace.identity import Identity, digest, read_identity
from verification.trace.inputs import GAPS, SIGNED, Heavy, bundle_of, read, read_dependencies, read_gaps, read_heavy, read_stale
from verification.trace.lineage import md5_of, read_lock
from verification.trace.mutants.copying import RUN, BenchError
from verification.trace.mutants.mutant import Change, Form
from verification.trace.mutants.project import Project
from verification.trace.mutants.sealing import clean_run, seal
from verification.trace.slices import SLICES
from verification.trace.subjects import read_documents
from verification.trace.switches import FOREIGN_SETTINGS, SETTINGS
from verification.trace.tool_validation import KIT, read_state
from verification.trace.validated_build import COHORT, MANIFEST, PARAMS, PREDICTIONS, VERSION, read_validated_build
from verification.trace.written import read_written

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from requirements_spec.changes import Content
    from requirements_spec.problem import Problem
    from verification.trace.subjects import Document
    from verification.trace.tool_validation import ToolState

SLICE = SLICES["verification"]
MOST_READINGS = 400
"""Readings kept in memory: each file of the project, and those of the last mutants."""

LINEAGE = ("dvc.lock", "artifacts/bundle")
"""Paths that the model's lineage is read from."""

EVIDENCE = frozenset({JUNIT, VERDICTS})
"""Files of the last run; a change of nothing else changes nothing else that is read."""

RECORDED_IN = (changes.SPECIFICATION_BOOK.ledger, risk_ledger.RISK_BOOK.ledger, "dvc.lock", JUNIT, VERDICTS)
"""Files that recording a change and running again write."""

SOURCES = ("verification", "requirements_spec", "risk", "pipeline")
"""Folders below which source texts hold obligations."""

BUILD = (VALIDATION, PREDICTIONS, COHORT, MANIFEST, VERSION, PARAMS, PROTOCOL, "dvc.lock")
"""Files that the figures, and what they say of the build, are read from."""


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
            seal(root, features.load(root)[0], read_identity(root, SLICE.name))
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

    def is_a_change(self, change: Change) -> bool:
        """Say whether an edit leaves any file other than it was: a mutant that changes nothing proves nothing."""
        return any(_bytes(content) != _content(self.root / name) for name, content in change.edits.items())

    def judge(self, change: Change) -> tuple[Problem, ...]:
        """Return what the gate says of a change, reading again only what it touches."""
        with self._harmed(change) as touched:
            if touched <= EVIDENCE:
                inputs = replace(self._inputs, evidence=read_evidence(self.root))
            else:
                inputs = read(self.root, self._heavy(touched, change.form), self._cache)
            return gate.judge(inputs, change.level).problems

    def judge_fully(self, change: Change) -> tuple[Problem, ...]:
        """Return what the gate says of a change when it reads everything, as the command does."""
        with self._harmed(change):
            if change.form is Form.RECORDED:
                seal(self.root, features.load(self.root)[0], read_identity(self.root, SLICE.name))
            return gate.check(self.root, change.level, write=False).problems

    @contextmanager
    def _harmed(self, change: Change) -> Iterator[frozenset[str]]:
        """Make a change, with what its form asks for but the run, and take everything back; yields the paths whose content is another."""
        names = {*change.edits, *(RECORDED_IN if change.form is Form.RECORDED else ())}
        kept = {name: _content(self.root / name) for name in names}
        try:
            for name, content in change.edits.items():
                _write(self.root / name, content)
            if change.form is Form.RECORDED:
                self._record(change.edits)
                self._lock_again(change.edits)
            yield self._changed(kept)
        finally:
            for name, content in kept.items():
                _write(self.root / name, content)

    def _changed(self, kept: Mapping[str, bytes | None]) -> frozenset[str]:
        """Return the paths whose content is not the one that was kept."""
        return frozenset(name for name, content in kept.items() if _content(self.root / name) != content)

    def _record(self, edits: Iterable[str]) -> None:
        """Enter every change with the tool's own command; where the data have problems it refuses, as it does for people."""
        if _touch(edits, "requirements_spec/data", "risk/data"):
            specification, problems = loader.load(self.root, self._cache)
            risk, risk_problems = risk_loader.load(self.root, specification, self._cache)
            contents = (
                (changes.SPECIFICATION_BOOK, (changes.specification_content(specification), problems)),
                (risk_ledger.RISK_BOOK, (risk_ledger.risk_content(risk), (*problems, *risk_problems))),
            )
            for book, content in contents:
                known = replace(book, load=partial(_known, content))
                changes.record(self.root, known, "DEMO-author", "recorded by whoever made the change")

    def _lock_again(self, edits: Mapping[str, object]) -> None:
        """Let the pipeline's lock agree, as running the touched stages again would."""
        touched = {path: md5 for path, md5 in self._inputs_of_stages.items() if _touch(edits, path)}
        if touched:
            text = (self.root / "dvc.lock").read_text(encoding="utf-8")
            for path, md5 in touched.items():
                text = text.replace(md5, md5_of(self.root / path))
            (self.root / "dvc.lock").write_text(text, encoding="utf-8")

    def _heavy(self, touched: frozenset[str], form: Form) -> Heavy:
        """Return what takes long to read: as before, where nothing that was touched can change it."""
        before, root = self.heavy, self.root
        stages = (*self._inputs_of_stages, "dvc.lock", "dvc.yaml", "params.yaml")
        identity = self._identity(before.identity, touched)
        return Heavy(
            identity=identity,
            stale=read_stale(root) if _touch(touched, *stages) else before.stale,
            evidence=self._evidence(touched, form, identity),
            written=read_written(root) if any(map(_is_written, touched)) else before.written,
            baseline=read_baseline(root) if _touch(touched, BASELINE) else before.baseline,
            build=read_validated_build(root, bundle_of(identity)) if _touch(touched, *BUILD) else before.build,
            tool=self._tool(touched),
            endpoints=assembly.read_endpoints(root) if _touch(touched, VALIDATION) else before.endpoints,
            protocol=read_executed_protocol(root) if _touch(touched, VALIDATION, PROTOCOL) else before.protocol,
            dependencies=read_dependencies(root) if _touch(touched, SETTINGS) else before.dependencies,
            gaps=tuple(read_gaps(root)) if _touch(touched, GAPS) else before.gaps,
            documents=self._documents(touched),
        )

    def _documents(self, touched: frozenset[str]) -> Mapping[str, Document]:
        """Return what a signature is held against, with only the touched files hashed again; a new file, or a line of the chain, asks for all."""
        before = self.heavy.documents
        if any(_touch((name,), *SIGNED, "verification/approvals.jsonl") and name not in before for name in touched):
            return read_heavy(self.root).documents
        known = {name: each for name, each in before.items() if name not in touched}
        return dict(sorted({**known, **read_documents(self.root, touched & before.keys())}.items()))

    def _evidence(self, touched: frozenset[str], form: Form, identity: Identity) -> Evidence:
        """Return the run: a clean one of this state where everything ran again, else the one that lies there."""
        if form is Form.RECORDED and self.heavy.evidence.record is not None:
            return clean_run(features.load(self.root, self._cache)[0], identity, self.heavy.evidence.record)
        return read_evidence(self.root) if _touch(touched, RUN) else self.heavy.evidence

    def _tool(self, touched: frozenset[str]) -> tuple[ToolState, tuple[Problem, ...]]:
        """Return what is known of the tool itself, with its identity of this state; the plan names tests, so those are looked up again."""
        state, problems = self.heavy.tool
        if _touch(touched, KIT, "tests"):
            return read_state(self.root)
        return replace(state, identity=self._identity(state.identity, touched)), problems

    def _identity(self, before: Identity, touched: frozenset[str]) -> Identity:
        """Return the identity of a slice with only the touched files hashed again."""
        chosen = SLICES[before.slice_name]
        if before.sha256 is None or (chosen.stages and _touch(touched, *LINEAGE)):
            return read_identity(self.root, chosen.name)
        files = dict(before.files)
        for name in touched:
            if _touch((name,), *chosen.paths):
                content = _content(self.root / name)
                files.pop(name, None)
                files |= {} if content is None else {name: hashlib.sha256(content).hexdigest()}
        return replace(before, sha256=digest(chosen.name, files, before.lineage), files=dict(sorted(files.items())))


def _known(content: tuple[Content, tuple[Problem, ...]], _: Path) -> tuple[Content, tuple[Problem, ...]]:
    return content


def _hashes(root: Path) -> dict[str, str]:
    """Return path and MD5 of everything a stage reads or makes, as the lock states it."""
    sides = [item for entry in read_lock(root).values() for side in ("deps", "outs") for item in entry.get(side) or ()]
    return {str(item["path"]): str(item.get("md5", "")) for item in sides}


def _touch(names: Iterable[str], *paths: str) -> bool:
    """Say whether one of the names is one of the paths or lies below it."""
    return any(name == path or name.startswith(f"{path}/") for name in names for path in paths)


def _is_written(name: str) -> bool:
    """Say whether obligations stand in the text of a file: sources, the protocol, and settings of the runner."""
    source = name.endswith(".py") and _touch((name,), *SOURCES)
    return source or name in {PROTOCOL, SETTINGS} or name.rpartition("/")[2] in FOREIGN_SETTINGS


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _write(path: Path, content: str | bytes | None) -> None:
    """Write a file, or remove it."""
    if content is None:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_bytes(content) or b"")


def _bytes(content: str | bytes | None) -> bytes | None:
    return content.encode() if isinstance(content, str) else content
