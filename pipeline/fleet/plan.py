"""The plan of a large archive: which study belongs to which shard. It follows from the list alone, not from workers, machines or what happened before.

A study's key is the SHA-256 of its Study Instance UID. The studies are sorted by key and cut into a fixed number of shards of equal size (to within one), so the
same studies in any order give the same plan, byte for byte. The list has a line for each study: UID, tabulator, path of its file or folder.

    plan.json          how many studies and shards, and the SHA-256 of each shard; written last, so a plan that was cut off is none
    shards/00000.tsv   the lines of a shard, by key

Source: DICOM PS3.5 section 9.1 for UIDs; reproducibility of work assignment: docs/adr/0035-beyond-one-machine.md.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from pipeline.fleet.errors import FleetError
from pipeline.fleet.whole_file import remove_parts, write_whole
from pipeline.run import file_sha256

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

SCHEMA = "thoratrace/fleet-plan/1"
KEY_BYTES = hashlib.sha256().digest_size
STUDY = re.compile(rb"(?=[0-9.]{1,64}\t)(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))+\t[^\t\r\n\0]+")
"""A line of the list: a valid UID, a tabulator, a path."""


@dataclass(frozen=True, slots=True)
class Study:
    """One study: its Study Instance UID, and where its file or folder lies."""

    uid: str
    path: str


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan as it lies in a folder.

    Attributes:
        folder: where plan, shards, results and marks of what is done lie.
        studies: how many there are.
        shards: SHA-256 of each shard's file.
        sha256: of plan.json: the plan's identity.
    """

    folder: Path
    studies: int
    shards: tuple[str, ...]
    sha256: str

    def of_shard(self, index: int) -> list[Study]:
        """Return the studies of a shard.

        Raises:
            FleetError: FLT-SHARD, there is no such shard, or its file is not the planned one.
        """
        if not 0 <= index < len(self.shards):
            raise _no_shard(index, "no such shard", f"a number from 0 to {len(self.shards) - 1}", "give another number")
        try:
            content = shard_path(self.folder, index).read_bytes()
        except OSError as err:
            raise _no_shard(index, type(err).__name__, "the shard's file", "make the plan again from the same list") from err
        if hashlib.sha256(content).hexdigest() != self.shards[index]:
            raise _no_shard(index, "another SHA-256", "the one that the plan names", "make the plan again from the same list")
        rows = (line.split("\t") for line in content.decode("utf-8", errors="surrogateescape").split("\n")[:-1])
        return [Study(uid, path) for uid, path in rows]


def _no_shard(index: int, found: str, expected: str, repair: str) -> FleetError:
    return FleetError("FLT-SHARD", where=f"shard {index}", found=found, expected=expected, repair=repair)


def shard_path(folder: Path, index: int) -> Path:
    """Return where the lines of a shard lie."""
    return folder / "shards" / f"{index:05d}.tsv"


def make(lines: Iterable[bytes], folder: Path, shards: int) -> Plan:
    """Write the plan of a list into a folder, or find the same one there, and return it.

    Args:
        lines: of the list, each ending in a line feed or not.
        folder: of the plan.
        shards: how many; a parameter of the archive, never of the machines that work on it.

    Raises:
        FleetError: FLT-LIST, a line is no study or a study stands there twice; FLT-SHARDS, more shards than studies; FLT-PLAN, another plan lies there.
    """
    keyed = _by_key(lines)
    if not 1 <= shards <= min(len(keyed), 100_000):
        expected = f"a number from 1 to {min(len(keyed), 100_000)}"
        raise FleetError("FLT-SHARDS", where="--shards", found=str(shards), expected=expected, repair="give another number")
    digests, contents = [], (_content(keyed, index, shards) for index in range(shards))
    there = _earlier(folder)
    for index, content in enumerate(contents):
        digests.append(hashlib.sha256(content).hexdigest())
        if there is None:
            write_whole(shard_path(folder, index), [content])
    value = {"schema": SCHEMA, "studies": len(keyed), "shards": digests}
    text = json.dumps(value, indent=1, sort_keys=True).encode() + b"\n"
    if there is None:
        write_whole(folder / "plan.json", [text])
        remove_parts(folder / "shards")
    elif there != text:
        repair = "give another folder; results of one plan say nothing of another"
        raise FleetError("FLT-PLAN", where="plan.json", found="a plan of other studies or shards", expected="none", repair=repair)
    return Plan(folder, len(keyed), tuple(digests), hashlib.sha256(text).hexdigest())


def _earlier(folder: Path) -> bytes | None:
    path = folder / "plan.json"
    return path.read_bytes() if path.exists() else None


def _by_key(lines: Iterable[bytes]) -> list[bytes]:
    """Return key and line of each study, sorted: one object each, so that a million of them fit into memory."""
    keyed = sorted(_keyed(lines))
    for before, after in pairwise(keyed):
        if before[:KEY_BYTES] == after[:KEY_BYTES]:
            repair = "give each study one line; several files of it lie in one folder"
            raise FleetError("FLT-LIST", where="list", found="a study in two lines", expected="one line each", repair=repair)
    return keyed


def _keyed(lines: Iterable[bytes]) -> Iterator[bytes]:
    for number, line in enumerate(lines, start=1):
        study = line.removesuffix(b"\n")
        if not STUDY.fullmatch(study) or len(study.decode("utf-8", errors="surrogateescape").splitlines()) != 1:
            repair = "write UID, tabulator, path of the study's file or folder"
            raise FleetError(
                "FLT-LIST", where=f"line {number}", found="no study", expected="a UID (PS3.5 9.1) and a path", repair=repair
            )
        yield hashlib.sha256(study.partition(b"\t")[0]).digest() + study


def _content(keyed: list[bytes], index: int, shards: int) -> bytes:
    first, end = (len(keyed) * edge // shards for edge in (index, index + 1))
    return b"".join(study[KEY_BYTES:] + b"\n" for study in keyed[first:end])


def read(folder: Path) -> Plan:
    """Return the plan that lies in a folder.

    Raises:
        FleetError: FLT-PLAN, there is none, or it is none of ours.
    """
    path = folder / "plan.json"
    try:
        value = json.loads(path.read_bytes())
        plan = Plan(folder, int(value["studies"]), tuple(value["shards"]), file_sha256(path))
        usable = value["schema"] == SCHEMA and all(isinstance(digest, str) for digest in plan.shards)
    except (OSError, ValueError, KeyError, TypeError) as err:
        raise _no_plan(type(err).__name__) from err
    if not usable:
        raise _no_plan("another schema")
    return plan


def _no_plan(found: str) -> FleetError:
    return FleetError("FLT-PLAN", where="plan.json", found=found, expected=SCHEMA, repair="./qms fleet plan LIST --out DIR")
