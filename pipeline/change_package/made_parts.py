"""What was made and sealed: weights, data, bundle, bills of materials and every other part, each as equal, other, added, removed, or not compared with the reason.

A part is equal only where the bytes of both ends were hashed by the verifier. Where an end is not sealed the sources that a stage of the pipeline was made from are
compared instead: what was made from other sources has to be made again, and nothing says that it would be the same.

Source: IEC 62304 8.1.2, 8.2.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

from pipeline.change_package.ends import refused_part

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pipeline.change_package.ends import End
    from pipeline.release.record.record import Stage

LINEAGE = "files/lineage.json"
WEIGHTS, DATA, MODEL_VERSION = "weights of the model", "data the model was made with", "version of the model"


class State(StrEnum):
    """What a comparison came to."""

    EQUAL = "equal"
    OTHER = "other"
    ADDED = "added"
    REMOVED = "removed"
    NOT_COMPARED = "not compared"


@dataclass(frozen=True, slots=True)
class PartChange:
    """One part: its name, what came of it, the SHA-256 (or the version) on both sides, and why it was not compared."""

    name: str
    state: State
    before: str
    after: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class StageChange:
    """One stage of the pipeline: the inputs of the older release that differ in the newer source, and the stages before it that do."""

    stage: str
    inputs: tuple[str, ...]
    because: tuple[str, ...]

    @property
    def is_stale(self) -> bool:
        """Whether what the stage made does not belong to the newer source."""
        return bool(self.inputs or self.because)


def claims(before: End, after: End) -> tuple[PartChange, ...]:
    """Return what the records themselves say of model and data."""
    old, new = (_claims(end) for end in (before, after))
    reason = "; ".join(f"{each.title}: {each.absence('')}" for each in (before, after) if each.sealed is None)
    return tuple(_compared(name, old.get(name, ""), new.get(name, ""), reason) for name in (MODEL_VERSION, WEIGHTS, DATA))


def _claims(end: End) -> dict[str, str]:
    if end.sealed is None:
        return {}
    record = end.sealed.record
    return {MODEL_VERSION: record.model.version, WEIGHTS: record.model.weights_sha256, DATA: record.data_root}


def parts(before: End, after: End) -> tuple[PartChange, ...]:
    """Return every part that either record names, sorted by name."""
    names = sorted({name for end in (before, after) if end.sealed for name in end.sealed.parts})
    return tuple(_part(before, after, name) for name in names)


def _part(before: End, after: End, name: str) -> PartChange:
    old, new = (end.sealed.parts.get(name) if end.sealed else None for end in (before, after))
    missing = [f"{end.title}: {end.absence(name)}" for end, part in ((before, old), (after, new)) if _unread(end, part, name)]
    return _compared(name, old.sha256 if old else "", new.sha256 if new else "", "; ".join(missing))


def _unread(end: End, part: object, name: str) -> bool:
    """Say whether nobody looked: nothing is sealed, or the record names the part and it is not here; a part that a record does not name is no part of it."""
    return end.sealed is None or (part is not None and bool(end.absence(name)))


def _compared(name: str, old: str, new: str, reason: str) -> PartChange:
    if reason:
        return PartChange(name, State.NOT_COMPARED, old, new, reason)
    if not old or not new:
        return PartChange(name, State.REMOVED if old else State.ADDED, old, new)
    return PartChange(name, State.EQUAL if old == new else State.OTHER, old, new)


def stages(before: End, after: End, files: Iterable[str]) -> tuple[StageChange, ...]:
    """Return what each stage of the older release finds otherwise at the newer end, in the order in which the stages follow from each other.

    Args:
        before: the older end; nothing where it is not sealed.
        after: the newer end; where it is sealed, the hashes of both records are compared.
        files: paths of the source that differ; where the newer end is not sealed, these decide.

    Raises:
        ChangePackageRefused: ``CPK-PART``, no lineage that tells what each stage made.
    """
    if before.sealed is None:
        return ()
    known, differ = before.sealed.record.stages, tuple(files)
    newer = after.sealed.record.stages if after.sealed else None
    earlier = _earlier(before, known)
    found: dict[str, StageChange] = {}
    for name in TopologicalSorter(earlier).static_order():
        inputs = known[name].before
        own = _touched(inputs, differ) if newer is None else _rehashed(inputs, newer[name].before if name in newer else {})
        found[name] = StageChange(name, tuple(sorted(own)), tuple(each for each in earlier[name] if found[each].is_stale))
    return tuple(found.values())


def _earlier(end: End, known: Mapping[str, Stage]) -> dict[str, tuple[str, ...]]:
    """Return for each stage those whose outputs it reads, as the sealed lineage tells outputs."""
    try:
        outputs = {name: set(end.data(LINEAGE)["stages"][name]["outs"]) for name in sorted(known)}
        return {name: tuple(each for each in outputs if outputs[each] & known[name].before.keys()) for name in outputs}
    except (KeyError, TypeError) as err:
        raise refused_part(LINEAGE, type(err).__name__, "the outputs of each stage of the record") from err


def _touched(inputs: Iterable[str], files: tuple[str, ...]) -> Iterator[str]:
    for path in inputs:
        if any(each == path or each.startswith(f"{path}/") for each in files):
            yield path


def _rehashed(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    yield from (path for path in {**before, **after} if before.get(path) != after.get(path))
