"""The two ends of a change package: a release that verifies, a commit, or the working tree.

    0.1.0..0.2.0   two releases        0.1.0..HEAD   a release and a commit        0.1.0   a release and the working tree

A release is believed only when the verifier of this checkout finds that it holds, its source included, because the texts that are compared are those of its
commit. Sealed parts are hashed once more when they are read. A part that only the archive holds, and that is not here, has a reason instead of bytes; so has every
part of an end that nothing was sealed for. Neither is ever taken for unchanged.

Source: IEC 62304 8.2.4, 8.3; ISO 13485 7.3.9.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline.change_package.errors import ChangePackageRefused
from pipeline.release import verification
from pipeline.release.errors import ReleaseRefused
from pipeline.release.record.folder import ReleaseFolder, find
from pipeline.release.record.record import VERSION, Kind, numbers
from requirements_spec.datafile import cut
from verification.trace.revisions import WORKING_TREE, Range, RevisionError, resolve
from verification.trace.strict_json import loads

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline.release.record.record import Record, Subject

NOTHING_SEALED = "nothing is sealed yet"
NEEDS = ("contents", "source")
"""Checks of the verifier that have to be made, not only not to fail."""


@dataclass(frozen=True)
class Sealed:
    """What was sealed: the folder, its record, and what the verifier said of it.

    Attributes:
        folder: where the parts lie.
        record: as it was verified.
        verdict: the verifier's last line.
        unchecked: what the verifier could not check, one sentence each.
        archived: whether the parts outside the repository lie here.
    """

    folder: ReleaseFolder
    record: Record
    verdict: str
    unchecked: tuple[str, ...]
    archived: bool
    parts: Mapping[str, Subject] = field(init=False)

    def __post_init__(self) -> None:
        """Make the table of parts by name."""
        object.__setattr__(self, "parts", {each.name: each for each in self.record.subjects})


@dataclass(frozen=True)
class End:
    """One end.

    Attributes:
        title: in words: a release with its number, a commit, or the working tree.
        commit: where its source lies; of the working tree, the commit that it was begun from.
        is_tree: whether it is the working tree, with whatever is edited in it.
        sealed: of a release; None where nothing is sealed.
    """

    title: str
    commit: str
    is_tree: bool = False
    sealed: Sealed | None = None

    def absence(self, name: str) -> str:
        """Return why a part cannot be read here; empty where it can."""
        if self.sealed is None:
            return NOTHING_SEALED
        if name not in self.sealed.parts:
            return "the record names no such part"
        if name.startswith("archive/") and not self.sealed.archived:
            return "kept in the archive, which is not here"
        return ""

    def part(self, name: str) -> bytes:
        """Return the bytes of a sealed part.

        Raises:
            ChangePackageRefused: ``CPK-PART``, it cannot be read, or is not the recorded one any more.
        """
        reason = self.absence(name)
        if reason or self.sealed is None:
            raise refused_part(name, reason, "a part that is here")
        try:
            content = self.sealed.folder.place(name).read_bytes()
        except OSError as err:
            raise refused_part(name, type(err).__name__, "a readable part") from err
        if hashlib.sha256(content).hexdigest() != self.sealed.parts[name].sha256:
            raise refused_part(name, "another SHA-256 than recorded", "the recorded bytes")
        return content

    def data(self, name: str) -> Any:
        """Return the parsed JSON of a sealed part.

        Raises:
            ChangePackageRefused: ``CPK-PART``.
        """
        try:
            return loads(self.part(name))
        except ValueError as err:
            raise refused_part(name, cut(str(err)), "JSON") from err


@dataclass(frozen=True, slots=True)
class Pair:
    """The ends, older first, and the two states of the source as git names them."""

    before: End
    after: End

    @property
    def span(self) -> Range:
        """The same two states for the engine of impact."""
        return Range(self.before.commit, None if self.after.is_tree else self.after.commit)

    @property
    def name(self) -> str:
        """The name of the package's folder."""
        ends = (_short(self.before), _short(self.after))
        return "..".join(ends)


def _short(end: End) -> str:
    if end.sealed is not None:
        return end.sealed.record.version
    return WORKING_TREE.replace(" ", "-") if end.is_tree else end.commit[:12]


def refused_part(where: str, found: str, expected: str) -> ChangePackageRefused:
    """Return the error of a part that cannot be used."""
    repair = "restore the release from version control, its archive from where it is kept, and verify it"
    return ChangePackageRefused("CPK-PART", where=where, found=found, expected=expected, repair=repair)


def open_pair(root: Path, text: str, pins: tuple[str, ...] = ()) -> Pair:
    """Return the two ends that a text names.

    Args:
        root: of the checkout.
        text: ``FROM..TO`` or ``FROM``; FROM is a version, TO a version, a revision, or nothing for the working tree.
        pins: fingerprints of signers that the releases have to be signed by, or files of them, as the verifier takes them.

    Raises:
        ChangePackageRefused: ``CPK-RANGE``, ``CPK-RELEASE``.
    """
    first, dots, second = text.partition("..")
    if not VERSION.fullmatch(first) or (dots and not second) or second.startswith((".", "-")):
        raise _refused_range(text)
    if first == second:
        raise _refused_range(text, "the same release twice")
    before = _released(root, first, pins)
    if not dots:
        return Pair(before, _working_tree(root))
    after = _released(root, second, pins) if VERSION.fullmatch(second) else _committed(root, second)
    if after.sealed is not None and numbers(second) < numbers(first):
        raise _refused_range(text, "the newer release first")
    return Pair(before, after)


def _refused_range(text: str, found: str = "") -> ChangePackageRefused:
    return ChangePackageRefused(
        "CPK-RANGE",
        where="change-package",
        found=found or repr(cut(text)),
        expected="FROM..TO, or FROM alone for the working tree; FROM is the version of a release, TO a later version or a revision",
        repair="name a release that lies under releases/, for example 0.1.0..HEAD",
    )


def _released(root: Path, version: str, pins: tuple[str, ...]) -> End:
    """Return a release that the verifier finds to hold."""
    try:
        folder = find(root, version)
        report = _report(root, version, pins)
        record = folder.record()
    except ReleaseRefused as err:
        raise _refused_release(version, str(err)) from err
    if record.kind is not Kind.RELEASE:
        raise _refused_release(version, f"a {record.kind}, which releases nothing")
    checks = {each["name"]: each for each in report["checks"]}
    faults = [f"{fault['code']} at {fault['where']}" for each in checks.values() for fault in each["faults"]]
    if report["exit"] or faults:
        raise _refused_release(version, "; ".join(faults[:5]) or report["verdict"])
    if missing := [name for name in NEEDS if checks.get(name, {}).get("state") != "GOOD"]:
        raise _refused_release(version, f"{', '.join(missing)}: not checked")
    if record.sha256 != checks["record"]["note"]:
        raise _refused_release(version, "another record than the one that was verified")
    unchecked = tuple(f"{each['name']}: {each['note']}" for each in checks.values() if each["state"] != "GOOD")
    sealed = Sealed(folder, record, str(report["verdict"]), unchecked, (folder.archive / "archive").is_dir())
    return End(record.title, record.source.commit, sealed=sealed)


def _report(root: Path, version: str, pins: tuple[str, ...]) -> dict[str, Any]:
    """Return what the verifier says, in an interpreter of its own."""
    options = [word for pin in pins for word in ("--pin", pin)]
    command = verification.command(root, version, (*options, "--json"))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        return dict(json.loads(done.stdout))
    except ValueError as err:
        said = done.stderr.strip().splitlines()
        raise _refused_release(version, said[-1] if said else f"exit code {done.returncode}") from err


def _refused_release(version: str, found: str) -> ChangePackageRefused:
    return ChangePackageRefused(
        "CPK-RELEASE",
        where=f"release {version}",
        found=found,
        expected="a release whose bytes, signatures and source the verifier finds to hold",
        repair=f"./qms release verify {version} names every fault with its repair",
    )


def _committed(root: Path, name: str) -> End:
    commit = _commit(root, name)
    return End(f"commit {commit[:12]}", commit)


def _working_tree(root: Path) -> End:
    commit = _commit(root, "HEAD")
    return End(f"working tree at {commit[:12]}", commit, is_tree=True)


def _commit(root: Path, name: str) -> str:
    if ".." in name or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_./~^@{}-]*", name):
        raise _refused_range(name)
    try:
        return resolve(root, name).before
    except RevisionError as err:
        raise _refused_range(name) from err
