"""The identity of evidence: what exactly was judged, so that a result of something else can be refused and the difference named.

Identity = SHA-256 over (path, content hash) of a slice's files as they lie in the working tree, and over the model's lineage. Two checkouts with
the same bytes have the same identity; the commit is recorded beside it for people and never compared. Where a part is missing there is no
identity, only a reason: absence fails closed.

Source: IEC 62304 5.7.5 b) and 8.1; design decision: docs/adr, "identity of evidence".
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from verification.trace.lineage import LineageError, read_lineage
from verification.trace.slices import SLICES, Slice
from verification.trace.strict_json import depth_at_most

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


DEEPEST_LINEAGE = 16
"""Levels of a lineage: stage, side, path, and parameters of a few levels."""


@dataclass(frozen=True)
class Identity:
    """What a piece of evidence was obtained from.

    Attributes:
        slice_name: row of the table of slices.
        sha256: the identity, or None where it cannot be stated.
        reason: why there is none; empty otherwise.
        files: path to SHA-256 of every file of the slice.
        lineage: canonical pipeline entries and model, see ``lineage.read_lineage``; empty where missing.
        commit: the commit checked out, for people; never compared. None outside git or before the first commit.
    """

    slice_name: str
    sha256: str | None
    reason: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    lineage: Mapping[str, Any] = field(default_factory=dict)
    commit: str | None = field(default=None, compare=False)

    def to_json(self) -> dict[str, Any]:
        """Return the identity as sorted plain data."""
        return {
            "slice": self.slice_name,
            "sha256": self.sha256,
            "reason": self.reason,
            "files": dict(sorted(self.files.items())),
            "lineage": dict(self.lineage),
            "commit": self.commit,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Identity:
        """Return the identity a file recorded; ``from_json(x.to_json()) == x``.

        Raises:
            ValueError: the recorded hash is not the hash of the recorded parts, so the record was edited; or the parts have another form.
        """
        if not depth_at_most(data["lineage"], DEEPEST_LINEAGE) or not all(
            isinstance(each, str) for each in data["files"].values()
        ):
            raise ValueError("files and lineage have not the form that a run records")
        identity = cls(
            slice_name=str(data["slice"]),
            sha256=data["sha256"],
            reason=str(data["reason"]),
            files=dict(data["files"]),
            lineage=dict(data["lineage"]),
            commit=data["commit"],
        )
        if identity.sha256 is not None and identity.sha256 != digest(identity.slice_name, identity.files, identity.lineage):
            raise ValueError("the recorded identity is not the hash of the files and lineage recorded with it")
        return identity


def digest(slice_name: str, files: Mapping[str, str], lineage: Mapping[str, Any]) -> str:
    """Return the identity's SHA-256: canonical JSON of slice name, sorted (path, hash) pairs and lineage.

    >>> digest("file", {"a": "1", "b": "2"}, {}) == digest("file", {"b": "2", "a": "1"}, {})
    True
    """
    content = {"slice": slice_name, "files": sorted(files.items()), "lineage": lineage}
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def read_identity(root: Path, slice_name: str) -> Identity:
    """Return the identity of a slice as the working tree and the pipeline's lock are now; never raises for missing parts."""
    chosen = SLICES[slice_name]
    try:
        files = read_files(root, chosen)
    except SourceTreeError as err:
        return Identity(slice_name, None, str(err))
    commit = _commit(root)
    try:
        lineage = read_lineage(root, chosen.stages) if chosen.stages else {}
    except LineageError as err:
        return Identity(slice_name, None, str(err), files, {}, commit)
    return Identity(slice_name, digest(slice_name, files, lineage), "", files, lineage, commit)


class SourceTreeError(Exception):
    """The files of a slice cannot be listed; the message says why."""


def read_files(root: Path, chosen: Slice) -> dict[str, str]:
    """Return path and SHA-256 of every file of a slice: tracked, and untracked unless git ignores it.

    Raises:
        SourceTreeError: ``root`` is no git working tree, the slice is empty there, or one of its files cannot be read.
    """
    names = tracked(root, *chosen.paths)
    try:
        files = {name: content_hash(root / name) for name in names if os.path.lexists(root / name)}
    except OSError as err:
        raise SourceTreeError(f"a file of the slice {chosen.name} cannot be read ({err.strerror}: {err.filename})") from err
    if not files:
        raise SourceTreeError(f"no file of the slice {chosen.name} exists here")
    return files


def tracked(root: Path, *paths: str) -> tuple[str, ...]:
    """Return the files that git knows or would take up, below some paths or all of them, sorted.

    Raises:
        SourceTreeError: ``root`` is no git working tree.
    """
    listing = _git(root, "--literal-pathspecs", "ls-files", "-z", "-co", "--exclude-standard", "--", *paths)
    if listing is None:
        raise SourceTreeError("not a git working tree, so the files that count cannot be listed; use a clone")
    return tuple(sorted({name for name in listing.split("\0") if name}))


def content_hash(path: Path) -> str:
    """Return the SHA-256 of a file's bytes; of a link, the text it points to, so that a redirected link shows."""
    content = os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes()
    return hashlib.sha256(content).hexdigest()


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return os.fsdecode(done.stdout)


def _commit(root: Path) -> str | None:
    found = _git(root, "rev-parse", "--verify", "HEAD")
    return found.strip() if found else None


def difference(recorded: Identity, current: Identity) -> tuple[str, ...]:
    """Return one sentence for each thing in which two identities differ; empty exactly when their hashes are equal and stated.

    >>> difference(Identity("file", "1", files={"a": "x"}), Identity("file", "2", files={"a": "y"}))
    ('a changed',)
    """
    if recorded.sha256 is not None and recorded.sha256 == current.sha256:
        return ()
    named = [*_unstated(recorded, "recorded"), *_unstated(current, "current")]
    if recorded.slice_name != current.slice_name:
        named.append(f"slice {recorded.slice_name} instead of {current.slice_name}")
    named += _changes(recorded.files, current.files)
    if recorded.lineage and current.lineage:
        named += _changes(flatten(recorded.lineage), flatten(current.lineage))
    return tuple(named) or ("the hashes differ, the recorded parts do not",)


def _unstated(identity: Identity, which: str) -> Iterator[str]:
    if identity.sha256 is None:
        yield f"no {which} identity: {identity.reason or 'no reason recorded'}"


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted(before.keys() | after.keys()):
        if name not in after:
            yield f"{name} removed"
        elif name not in before:
            yield f"{name} added"
        elif before[name] != after[name]:
            yield f"{name} changed"


def flatten(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return a nested table with one entry per leaf, so that a difference can be named.

    >>> flatten({"model": {"version": "0.1.0"}, "n": 1})
    {'model > version': '0.1.0', 'n': 1}
    """
    leaves: dict[str, Any] = {}
    for key, value in table.items():
        name = f"{prefix}{key}"
        leaves.update(flatten(value, f"{name} > ") if isinstance(value, dict) else {name: value})
    return leaves
