"""Single bytes flipped in every kind of artefact, size and modification time kept; each has to be found in the file it was done to.

Positions are drawn from the record's hash, so that the same release is always tried at the same places and another one at others.
"""

from __future__ import annotations

import fnmatch
import hashlib
import os
import random
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from pipeline.release.attacks.bench import KEYS, RECORD
from pipeline.release.attacks.forgery import statement_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from pipeline.release.attacks.attack import Finding, Outcome
    from pipeline.release.attacks.bench import Bench

KINDS: tuple[tuple[str, str], ...] = (
    ("record and signatures", RECORD),
    ("keys for reading", KEYS),
    ("technical file, PDF", "*.pdf"),
    ("technical file, pages", "archive/technical_file/*"),
    ("weights", "bundle/weights.safetensors"),
    ("bundle manifest", "bundle/manifest.json"),
    ("reference distribution", "bundle/distribution.*"),
    ("golden films and outputs", "bundle/golden_*"),
    ("settings of the bundle", "bundle/*"),
    ("parameters", "*params.yaml"),
    ("pipeline lock", "*dvc.lock"),
    ("lock of the device", "*device.lock"),
    ("lock of the tools", "*requirements.lock"),
    ("people and keys", "*people.toml"),
    ("environment", "*environment.json"),
    ("data root", "*data_root.json"),
    ("lineage", "*lineage.json"),
    ("validation", "*validation.json"),
    ("bill of materials of the device", "*device.cdx.json"),
    ("bill of materials of the model", "*model.cdx.json"),
    ("registry", "*registry.json"),
    ("trace matrix", "*matrix.*"),
    ("verification verdicts", "*verification.json"),
    ("audit log", "*audit*"),
    ("predictions", "*predictions*"),
    ("cohort index", "*cohort*"),
    ("wheel", "*.whl"),
    ("test report", "*junit*"),
    ("pictures", "*.png"),
    ("evidence", "*"),
)
"""Kinds of artefacts by the first pattern that fits the name."""


SIGNED = frozenset({"VER-SIGNATURE", "VER-UNSIGNED", "VER-FOREIGN"})
"""Codes that say of the record that its bytes are not those which were signed."""


@dataclass(frozen=True)
class Flip:
    """One byte of one file: the file, where in it, and what it is combined with (exclusive or, never 0)."""

    name: str
    offset: int
    mask: int


@dataclass(frozen=True)
class FlipCount:
    """What became of the flips of a kind, or of a part of them.

    Attributes:
        kind: of artefact.
        files: of that kind in the release.
        size: their bytes.
        places: where the flips were, as parts of a thousand of the kind's bytes.
        caught: how many the check refused, naming the file.
        missed: those that it did not: file, offset and mask.
        unseen_by_stat: how many left size, modification time and inode as they were, so that a check by those sees nothing.
        codes: how often each code named the file.
    """

    kind: str
    files: int
    size: int
    places: tuple[int, ...]
    caught: int
    missed: tuple[str, ...]
    unseen_by_stat: int
    codes: Mapping[str, int]

    @property
    def tried(self) -> int:
        """How many flips there were."""
        return len(self.places)

    def to_json(self) -> dict[str, Any]:
        """Return the count as plain data."""
        return {**asdict(self), "tried": self.tried}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> FlipCount:
        """Return a count as it was kept; the inverse of `to_json`."""
        return cls(
            kind=str(value["kind"]),
            files=int(value["files"]),
            size=int(value["size"]),
            places=tuple(map(int, value["places"])),
            caught=int(value["caught"]),
            missed=tuple(map(str, value["missed"])),
            unseen_by_stat=int(value["unseen_by_stat"]),
            codes={str(code): int(count) for code, count in value["codes"].items()},
        )


def kind_of(name: str) -> str:
    """Return the kind of artefact a name belongs to.

    >>> kind_of("bundle/weights.safetensors"), kind_of("archive/wheel/thoratrace-0.1.0-py3-none-any.whl")
    ('weights', 'wheel')
    """
    return next(kind for kind, pattern in KINDS if fnmatch.fnmatchcase(name, pattern))


def names_by_kind(bench: Bench) -> dict[str, tuple[str, ...]]:
    """Return the files that the release is made of, by kind, in the order of ``KINDS``; empty files cannot be flipped and are left out."""
    subjects = [subject["name"] for subject in statement_of(bench)["subject"]]
    found = defaultdict(list)
    for name in (RECORD, KEYS, *sorted(subjects)):
        if bench.place(name).is_file() and bench.place(name).stat().st_size:
            found[kind_of(name)].append(name)
    return {kind: tuple(found[kind]) for kind, _ in KINDS if kind in found}


def drawn(seed: str, kind: str, sizes: Mapping[str, int], count: int) -> tuple[tuple[Flip, int], ...]:
    """Return the flips of a kind, each with its place in parts of a thousand; every byte of the kind is as likely as any other.

    >>> flips = drawn("seed", "wheel", {"a": 1000, "b": 1}, 5)
    >>> len(flips), {flip.name for flip, _ in flips} <= {"a", "b"}, all(1 <= flip.mask <= 255 for flip, _ in flips)
    (5, True, True)
    """
    source = random.Random(f"{seed} {kind}")  # noqa: S311  a draw that anyone can repeat, no secret
    total = sum(sizes.values())
    return tuple(_flip(sizes, source.randrange(total), source.randrange(1, 256), total) for _ in range(count))


def _flip(sizes: Mapping[str, int], place: int, mask: int, total: int) -> tuple[Flip, int]:
    offset = place
    for name, size in sizes.items():
        if offset < size:
            return Flip(name, offset, mask), 1000 * place // total
        offset -= size
    raise ValueError(f"no byte {place} in {total}")


def try_kind(bench: Bench, kind: str, names: Iterable[str], part: range, verify: Callable[[Bench], Outcome]) -> FlipCount:
    """Flip a part of a kind's bytes one after the other in the copy, ask the check each time, and put each back.

    Args:
        bench: the copy.
        kind: of artefact.
        names: the files of that kind.
        part: numbers of the flips, of those drawn for the kind.
        verify: the check.
    """
    sizes = {name: bench.place(name).stat().st_size for name in names}
    seed = hashlib.sha256((bench.original.folder / RECORD).read_bytes()).hexdigest()
    codes: Counter[str] = Counter()
    missed, places, unseen = [], [], 0
    for flip, place in drawn(seed, kind, sizes, part.stop)[part.start :]:
        path = bench.place(flip.name)
        before = _stat(path)
        put(path, flip)
        unseen += _stat(path) == before
        outcome = verify(bench)
        put(path, flip)
        named = {each.code for each in outcome.findings if answers(each, flip.name)}
        codes.update(named)
        places.append(place)
        if outcome.code != 1 or not named:
            missed.append(f"{flip.name} at {flip.offset} with {flip.mask:#04x}: {outcome.said}")
    caught = len(places) - len(missed)
    return FlipCount(kind, len(sizes), sum(sizes.values()), tuple(places), caught, tuple(missed), unseen, dict(codes))


def answers(finding: Finding, name: str) -> bool:
    """Say whether a finding is about a flip in a file: it names the file; of the record, a signature that does not hold says the same.

    >>> from pipeline.release.attacks.attack import Finding
    >>> answers(Finding("VER-SIGNATURE", "DEMO-author"), "record.dsse.json"), answers(Finding("VER-SIGNATURE", "DEMO-author"), "params.yaml")
    (True, False)
    """
    return finding.where == name or (name == RECORD and finding.code in SIGNED)


def put(path: Path, flip: Flip) -> None:
    """Change one byte of a file in its place and set both times back; doing it twice undoes it."""
    status = path.stat()
    with path.open("r+b") as stream:
        stream.seek(flip.offset)
        byte = stream.read(1)[0]
        stream.seek(flip.offset)
        stream.write(bytes([byte ^ flip.mask]))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def _stat(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns


def together(parts: Iterable[FlipCount]) -> FlipCount:
    """Return the parts of one kind as one count."""
    parts = tuple(parts)
    codes: Counter[str] = Counter()
    for each in parts:
        codes.update(each.codes)
    return FlipCount(
        kind=parts[0].kind,
        files=parts[0].files,
        size=parts[0].size,
        places=tuple(place for each in parts for place in each.places),
        caught=sum(each.caught for each in parts),
        missed=tuple(line for each in parts for line in each.missed),
        unseen_by_stat=sum(each.unseen_by_stat for each in parts),
        codes=dict(sorted(codes.items())),
    )
