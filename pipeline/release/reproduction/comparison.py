"""Compares what was made again with the record: every part by its bytes, in the order in which the pipeline makes them.

A few values are recorded and never compared, because they say when and by whom and not what: one table, with the reason of each. Every other byte counts.

Source: design 4 (verdict files hold no times; the commit is recorded, never compared; raw JUnit lies beside them, uncompared).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.release.parts.order import rank, step_of
from pipeline.release.reproduction.divergence import NOTHING, Divergence, first_difference, json_differences

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from pipeline.release.record.folder import ReleaseFolder
    from pipeline.release.record.record import Record, Subject

NEVER_COMPARED: Mapping[str, str] = {
    "archive/verification/junit.xml": "the runner's raw record holds times",
    "files/registry.json": "the registry's moves happened once; what they name is compared as bundle",
}
"""Part -> why its bytes are not compared."""

NEVER_COMPARED_VALUES: Mapping[str, Mapping[str, str]] = {
    "files/verification.json": {"/identity/commit": "recorded for people, never part of the identity"},
    "archive/verification/records.json": {
        "/junit_sha256": "of the raw record, which holds times",
        "/run/platform": "on what it ran",
        "/run/started": "when it ran",
        "/run/tester": "who ran it",
    },
    "files/environment.json": dict.fromkeys(
        ("/implementation", "/libc", "/machine", "/processor", "/python", "/system"),
        "explains the numeric class and is no part of it; what differs is listed beside the verdict",
    ),
}
"""Part -> JSON pointer of a value, or of what holds it -> why it is not compared."""


@dataclass(frozen=True)
class Compared:
    """What a comparison found.

    Attributes:
        equal: names of parts with equal bytes, but for the values that are never compared.
        divergences: the first difference of every other part, the earliest part first.
        not_compared: name -> reason.
    """

    equal: tuple[str, ...]
    divergences: tuple[Divergence, ...]
    not_compared: Mapping[str, str]

    def __bool__(self) -> bool:
        """Say whether nothing differs, and something was compared."""
        return bool(self.equal) and not self.divergences


def compare(record: Record, recorded: ReleaseFolder, made: ReleaseFolder, taken: Iterable[str] = ()) -> Compared:
    """Compare the parts of a record with those that lie in a folder.

    Args:
        record: of the release.
        recorded: its folder, where a difference is looked up; that a part lies there as recorded is not assumed.
        made: the folder of what was made again.
        taken: prefixes of parts that this level takes from the release.
    """
    equal, found, skipped = [], [], {}
    taken = tuple(taken)
    for subject in sorted(record.subjects, key=lambda each: rank(each.name)):
        if reason := NEVER_COMPARED.get(subject.name) or _taken(subject.name, taken):
            skipped[subject.name] = reason
        elif difference := _difference(subject, recorded.place(subject.name), made.place(subject.name)):
            found.append(Divergence(step_of(subject.name), subject.name, *difference))
        else:
            equal.append(subject.name)
    known = {each.name for each in record.subjects}
    found += [
        Divergence(step_of(name), name, "the whole part", NOTHING, "a part")
        for name in names_of(made.path)
        if name not in {*known, *NEVER_COMPARED}
    ]
    return Compared(tuple(equal), tuple(sorted(found, key=lambda each: rank(each.name))), skipped)


def names_of(folder: Path) -> list[str]:
    """Return the names of the parts that lie in a folder of sealed parts, sorted."""
    paths = (path for place in ("archive", "bundle", "files") for path in (folder / place).rglob("*") if path.is_file())
    return sorted(path.relative_to(folder).as_posix() for path in paths)


def _taken(name: str, prefixes: tuple[str, ...]) -> str:
    return "taken from the release at this level" if prefixes and name.startswith(prefixes) else ""


def _difference(subject: Subject, recorded: Path, made: Path) -> tuple[str, str, str] | None:
    """Return where a part begins to differ; the record's hash decides, the release's copy only tells where."""
    if not made.is_file():
        return "the whole part", f"{subject.size} bytes", NOTHING
    content = made.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if digest == subject.sha256:
        return None
    kept = recorded.read_bytes() if recorded.is_file() else b""
    if hashlib.sha256(kept).hexdigest() != subject.sha256:
        return "SHA-256 (the recorded bytes are not here to look further)", subject.sha256[:16], digest[:16]
    if spared := NEVER_COMPARED_VALUES.get(subject.name):
        return _but_for(spared, kept, content)
    return first_difference(subject.name, kept, content)


def _but_for(spared: Mapping[str, str], kept: bytes, content: bytes) -> tuple[str, str, str] | None:
    """Compare two JSON texts value by value, and where no other value differs, that both are written alike."""
    try:
        one, other = json.loads(kept), json.loads(content)
    except (ValueError, RecursionError):
        return first_difference("", kept, content)
    counted = (each for each in json_differences(one, other) if not _is_spared(each[0], spared))
    return next(counted, None) or _written_otherwise(one, kept, other, content)


def _is_spared(pointer: str, spared: Mapping[str, str]) -> bool:
    """Say whether a value, or something that holds it, is in the table.

    >>> _is_spared("/processor/name", {"/processor": ""}), _is_spared("/processors", {"/processor": ""})
    (True, False)
    """
    return any(pointer == each or pointer.startswith(f"{each}/") for each in spared)


def _written_otherwise(one: Any, kept: bytes, other: Any, content: bytes) -> tuple[str, str, str] | None:
    """Return a difference where one of the texts is not the sorted form that every evidence file has, though the other is."""
    forms = [
        json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n" == text
        for value, text in ((one, kept), (other, content))
    ]
    return None if forms[0] == forms[1] else ("the form of the text", str(forms[0]), str(forms[1]))
