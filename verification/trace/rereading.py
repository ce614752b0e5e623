"""Reads again what changed files can have changed, and hands on the rest: for a process that judges one project many times.

That the verdict is the one of reading everything is shown on a sample of every mutation campaign (`verification.trace.mutants.bench`).
"""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from requirements_spec.modules import PACKAGE
from verification.trace import assembly
from verification.trace.assembly import VALIDATION
from verification.trace.baseline import BASELINE, read_baseline
from verification.trace.evidence import read_evidence
from verification.trace.executed_protocol import PROTOCOL, read_executed_protocol
from verification.trace.identity import Identity, content_hash, digest, read_identity
from verification.trace.inputs import (
    GAPS,
    SIGNED,
    Heavy,
    bundle_of,
    read_dependencies,
    read_gaps,
    read_reviewed,
    read_signed,
    read_stale,
)
from verification.trace.label_pages import read_label_pages
from verification.trace.lineage import LineageError, md5_of, read_lock
from verification.trace.slices import SLICES
from verification.trace.subjects import read_documents
from verification.trace.switches import FOREIGN_SETTINGS, SETTINGS
from verification.trace.tool_validation import KIT, NO_KIT, SHOWN, read_state
from verification.trace.validated_build import COHORT, MANIFEST, PARAMS, PREDICTIONS, VERSION, read_validated_build
from verification.trace.written import read_written

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from requirements_spec.problem import Problem
    from verification.trace.subjects import Document
    from verification.trace.tool_validation import ToolState

PAGES = "docs"
"""Where the templates of the technical file's sections lie."""

RUN = "artifacts/verification"
"""Where the last verification run lies."""

LINEAGE = ("dvc.lock", "artifacts/bundle")
"""Paths that the model's lineage is read from."""

SOURCES = ("verification", "requirements_spec", "risk", "pipeline")
"""Folders below which source texts hold obligations."""

BUILD = (VALIDATION, PREDICTIONS, COHORT, MANIFEST, VERSION, PARAMS, PROTOCOL, *LINEAGE)
"""Files that the figures, and what they say of the build, are read from."""


class Rereading:
    """What took long to read of one project, and what of it stands after files changed."""

    def __init__(self, root: Path, heavy: Heavy) -> None:
        """Start from a whole reading."""
        self.root = root
        self.heavy = heavy
        self.stages = _stages(root)
        self._untouched: dict[str, str] = {}

    def after(self, touched: frozenset[str]) -> Heavy:
        """Return what takes long to read: as in the whole reading, where none of the files that changed since can change it."""
        before, root = self.heavy, self.root
        stages = (*self.stages, "dvc.lock", "dvc.yaml", "params.yaml")
        identity = self._identity(before.identity, touched)
        return Heavy(
            identity=identity,
            stale=read_stale(root, partial(self._md5, touched)) if touches(touched, *stages) else before.stale,
            evidence=read_evidence(root) if touches(touched, RUN) else before.evidence,
            written=read_written(root) if any(map(_is_written, touched)) else before.written,
            baseline=read_baseline(root) if touches(touched, BASELINE) else before.baseline,
            build=read_validated_build(root, bundle_of(identity)) if touches(touched, *BUILD) else before.build,
            tool=self._tool(touched),
            endpoints=assembly.read_endpoints(root) if touches(touched, VALIDATION) else before.endpoints,
            protocol=read_executed_protocol(root) if touches(touched, VALIDATION, PROTOCOL) else before.protocol,
            dependencies=read_dependencies(root) if touches(touched, SETTINGS) else before.dependencies,
            gaps=tuple(read_gaps(root)) if touches(touched, GAPS) else before.gaps,
            documents=self._documents(touched),
            reviewed=read_reviewed(root) if self._appeared_or_gone(touched, *SIGNED) else before.reviewed,
            modules=assembly.read_modules(root) if self._appeared_or_gone(touched, PACKAGE) else before.modules,
            pages=assembly.read_pages(root) if self._appeared_or_gone(touched, PAGES) else before.pages,
            label_pages=read_label_pages(root) if touches(touched, PAGES) else before.label_pages,
        )

    def _appeared_or_gone(self, touched: frozenset[str], *paths: str) -> bool:
        """Say whether a touched file below one of the paths may be new or gone: all but those that were signed or hashed before, and lie there still."""
        known = (self.heavy.documents, self.heavy.identity.files)
        below = [name for name in touched if touches((name,), *paths)]
        return not all((self.root / name).is_file() and any(name in each for each in known) for name in below)

    def _md5(self, touched: frozenset[str], path: Path) -> str:
        """Return the MD5 of what a stage reads or makes; one that lies as in the whole reading is hashed once."""
        name = path.relative_to(self.root).as_posix()
        if touches(touched, name):
            return md5_of(path)
        if name not in self._untouched:
            self._untouched[name] = md5_of(path)
        return self._untouched[name]

    def _documents(self, touched: frozenset[str]) -> Mapping[str, Document]:
        """Return what a signature is held against, with only the touched files hashed again; a new file, or a line of the chain, asks for all."""
        before = self.heavy.documents
        if any(touches((name,), *SIGNED, "verification/approvals.jsonl") and name not in before for name in touched):
            return read_signed(self.root)
        known = {name: each for name, each in before.items() if name not in touched}
        return dict(sorted({**known, **read_documents(self.root, touched & before.keys())}.items()))

    def _tool(self, touched: frozenset[str]) -> tuple[ToolState, tuple[Problem, ...]]:
        """Return what is known of the tool itself, with its identity of this state; the plan names tests, so those are looked up again."""
        state, problems = self.heavy.tool
        if touches(touched, KIT, SHOWN, "tests"):
            return read_state(self.root)
        if state.kit is NO_KIT:
            return state, problems
        return replace(state, identity=self._identity(state.identity, touched)), problems

    def _identity(self, before: Identity, touched: frozenset[str]) -> Identity:
        """Return the identity of a slice with only the touched files hashed again; whether one that is new belongs to it is for git to say."""
        chosen = SLICES[before.slice_name]
        if before.sha256 is None or (chosen.stages and touches(touched, *LINEAGE)):
            return read_identity(self.root, chosen.name)
        files, mine = dict(before.files), [name for name in touched if touches((name,), *chosen.paths)]
        if any(name not in files and os.path.lexists(self.root / name) for name in mine):
            return read_identity(self.root, chosen.name)
        for name in mine:
            files.pop(name, None)
            files |= {name: content_hash(self.root / name)} if os.path.lexists(self.root / name) else {}
        return replace(before, sha256=digest(chosen.name, files, before.lineage), files=dict(sorted(files.items())))


def lock_paths(root: Path) -> tuple[str, ...]:
    """Return everything that a stage reads or makes, as the lock names it; nothing where there is no readable lock."""
    return tuple(_stages(root))


def _stages(root: Path) -> dict[str, str]:
    try:
        return _hashes(root)
    except LineageError:
        return {}


def _hashes(root: Path) -> dict[str, str]:
    """Return path and MD5 of everything a stage reads or makes, as the lock states it."""
    sides = [item for entry in read_lock(root).values() for side in ("deps", "outs") for item in entry.get(side) or ()]
    return {str(item["path"]): str(item.get("md5", "")) for item in sides}


def touches(names: Iterable[str], *paths: str) -> bool:
    """Say whether one of the names is one of the paths or lies below it."""
    return any(name == path or name.startswith(f"{path}/") for name in names for path in paths)


def _is_written(name: str) -> bool:
    """Say whether obligations stand in the text of a file: sources, the protocol, and settings of the runner."""
    source = name.endswith(".py") and touches((name,), *SOURCES)
    return source or name in {PROTOCOL, SETTINGS} or name.rpartition("/")[2] in FOREIGN_SETTINGS
