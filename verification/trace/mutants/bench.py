"""A copy of the project in which mutants are made, judged and taken back, one at a time.

Only what a mutant touches is read again: hashes, the pipeline's lock and the last run are handed on where no touched file can change them. That the
verdict is the one of reading everything is shown by `judge_fully` on a sample of every campaign.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from requirements_spec import changes, loader
from requirements_spec.reading_cache import MemoryCache
from risk import changes as risk_ledger
from risk import loader as risk_loader
from verification.trace import features, gate, renewal
from verification.trace.case import Level
from verification.trace.evidence import JUNIT, VERDICTS, read_evidence
from verification.trace.identity import read_identity
from verification.trace.inputs import Heavy, read, read_heavy
from verification.trace.lineage import md5_of
from verification.trace.mutants.copying import BenchError
from verification.trace.mutants.mutant import Change, Form
from verification.trace.mutants.project import Project
from verification.trace.mutants.sealing import clean_run, seal
from verification.trace.rereading import Rereading, touches
from verification.trace.slices import SLICES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from requirements_spec.changes import Content
    from requirements_spec.problem import Problem
    from verification.trace.gate import GateResult

SLICE = SLICES["verification"]
EVIDENCE = frozenset({JUNIT, VERDICTS})
"""Files of the last run; a change of nothing else changes nothing else that is read."""

SHOWN = 3
"""How many of the messages that stand in the way are told."""

RECORDED_IN = (changes.SPECIFICATION_BOOK.ledger, risk_ledger.RISK_BOOK.ledger, "dvc.lock", JUNIT, VERDICTS)
"""Files that recording a change and running again write."""


class Bench:
    """The copy, what was read from it, and the gate's verdict on it before any harm."""

    def __init__(self, root: Path) -> None:
        """Read the copy at ``root``; where its run is no evidence for it, put a clean one in its place.

        Raises:
            BenchError: nothing can be put in place of what is missing, or the pipeline's results are of another state.
        """
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
        _require_sound_ground(self.verdict)
        self._inputs = inputs
        self._before = {self.level: frozenset(self.verdict.problems)}
        self._rereading = Rereading(root, self.heavy)
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
        if touches(edits, "requirements_spec/data", "risk/data"):
            specification, problems = loader.load(self.root, self._cache)
            risk, risk_problems = risk_loader.load(self.root, specification, self._cache)
            contents = (
                (changes.SPECIFICATION_BOOK, (changes.specification_content(specification), problems)),
                (risk_ledger.RISK_BOOK, (risk_ledger.risk_content(risk), (*problems, *risk_problems))),
            )
            for book, content in contents:
                known = replace(book, load=partial(_known, content))
                changes.record(self.root, known, "DEMO-author", "recorded by whoever made the change", self._cache)

    def _lock_again(self, edits: Mapping[str, object]) -> None:
        """Let the pipeline's lock agree, as running the touched stages again would."""
        touched = {path: md5 for path, md5 in self._rereading.stages.items() if touches(edits, path)}
        if touched:
            text = (self.root / "dvc.lock").read_text(encoding="utf-8")
            for path, md5 in touched.items():
                text = text.replace(md5, md5_of(self.root / path))
            (self.root / "dvc.lock").write_text(text, encoding="utf-8")

    def _heavy(self, touched: frozenset[str], form: Form) -> Heavy:
        """Return what takes long to read: as before, where nothing that was touched can change it; a clean run of this state where everything ran again."""
        after = self._rereading.after(touched)
        if form is Form.RECORDED and self.heavy.evidence.record is not None:
            scenarios = features.load(self.root, self._cache)[0]
            return replace(after, evidence=clean_run(scenarios, after.identity, self.heavy.evidence.record))
        return after


def _require_sound_ground(verdict: GateResult) -> None:
    """Refuse a project in which mutants would survive that the gate does catch: a message that stands there before the harm is no catch.

    Raises:
        BenchError: no evidence counts, or the pipeline's lock does not describe what lies here.
    """
    if not verdict.accepted:
        raise BenchError("; ".join(map(str, verdict.problems[:SHOWN])) or "no evidence is accepted")
    stale = [each for each in verdict.problems if each.code == "TRC-PIPELINE-STALE"]
    if stale:
        named = "; ".join(map(str, stale[:SHOWN]))
        raise BenchError(f"the pipeline's results do not belong to what lies here; run ./qms demo, then again: {named}")


def _known(content: tuple[Content, tuple[Problem, ...]], _: Path) -> tuple[Content, tuple[Problem, ...]]:
    return content


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
