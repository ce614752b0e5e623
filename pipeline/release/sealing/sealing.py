"""Seals a run: proves that tree, pipeline and evidence belong together, builds the technical file, gathers the parts, and writes the record last.

    clean tree -> pipeline current -> gate open -> technical file -> nothing changed meanwhile -> parts -> record

The order is what keeps anything from hashing itself: the technical file says "signatures: see cover sheet", the record names the technical file, and
signatures are about the record. What is already built and still current is not built again, so a build that died goes on.

Source: IEC 62304 5.8.1 to 5.8.6, 8.1.2, 8.2.4.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline import technical_file
from pipeline.release.errors import ReleaseRefused
from pipeline.release.parts.collection import subject_of
from pipeline.release.parts.parts import gather
from pipeline.release.provenance.environment import Environment, environment
from pipeline.release.provenance.honest_stages import HonestStage, as_they_lie, sealed_stages
from pipeline.release.provenance.lineage import lineage
from pipeline.release.provenance.source import commit_time, read_source, require_clean
from pipeline.release.provenance.watched_run import decides
from pipeline.release.record.canonical import canonical
from pipeline.release.record.dsse import Envelope
from pipeline.release.record.folder import KEYS, RECORD
from pipeline.release.record.record import Kind, Model, Previous, Record, Signer, Stage
from pipeline.run import Run
from verification.trace import gate, matrix

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline.progress import Report
    from pipeline.release.record.folder import ReleaseFolder

KEYS_SCHEMA = "thoratrace/release-keys/1"
LEVELS = {Kind.RELEASE: gate.Level.RELEASE, Kind.TRIAL: gate.Level.DEVELOPMENT}
STEPS = ("tree and pipeline", "trace gate", "technical file", "tree and pipeline again", "parts", "record")


@dataclass(frozen=True)
class Order:
    """What is to be sealed.

    Attributes:
        version: of the release.
        kind: release or trial.
        signers: who has to sign the record.
        previous: the release before.
        spared: paths that differ from the commit, because they are those of the run that is released.
        unwatched: whether stages are read as they lie although it is a release: where it is made again only to be compared, not every stage runs.
    """

    version: str
    kind: Kind
    signers: tuple[Signer, ...] = ()
    previous: Previous | None = None
    spared: tuple[str, ...] = ()
    unwatched: bool = False

    @property
    def read_as(self) -> Kind:
        """The kind that says how stages are read: as they lie, or from the journals of their runs."""
        return Kind.TRIAL if self.unwatched else self.kind


def seal(root: Path, order: Order, folder: ReleaseFolder, report: Report) -> Record:
    """Seal the run whose root this is into a folder, and return its record.

    Raises:
        ReleaseRefused: something does not hold; nothing is written then.
    """
    report(0, len(STEPS), STEPS[0])
    source, files = read_source(root)
    require_clean(root, files, order.spared)
    lineage(root)
    here = environment(root)
    before = stages_of(root, order.read_as, here)
    report(1, len(STEPS), STEPS[1])
    judged = open_gate(root, LEVELS[order.kind])
    report(2, len(STEPS), STEPS[2])
    build_file(root)
    report(3, len(STEPS), STEPS[3])
    stages = unchanged(before, stages_of(root, order.read_as, here))
    if read_source(root)[0] != source:
        raise _moved("another commit is checked out than when the build began")
    require_clean(root, files, order.spared)
    report(4, len(STEPS), STEPS[4])
    parts = gather(root, here, commit_time(root, source.commit), registry_owed=order.kind is Kind.RELEASE)
    report(5, len(STEPS), STEPS[5])
    record = Record(
        version=order.version,
        kind=order.kind,
        subjects=tuple(subject_of(name, content) for name, content in sorted(parts.contents.items())),
        source=source,
        model=Model(**parts.model),
        environment=here.summary(),
        data_root=parts.data_root,
        gate=judged,
        stages=stages,
        signers=order.signers,
        previous=order.previous,
    )
    write(folder, record, parts.contents)
    report(6, len(STEPS), "sealed")
    return record


def open_gate(root: Path, level: gate.Level) -> dict[str, str | int]:
    """Ask the trace gate at a level, write the matrix of what it judged, and return level and number of problems.

    Raises:
        ReleaseRefused: ``REL-GATE``.
    """
    result = gate.check(root, level)
    if not result:
        first = "; ".join(f"{each.code} {each.where}" for each in result.problems[:5])
        raise ReleaseRefused(
            "REL-GATE",
            where=f"./qms check --level {level}",
            found=f"{len(result.problems)} problems, first {first}",
            expected="an open gate",
            repair=f"./qms check --level {level} names every problem with its repair",
        )
    matrix.write(root, result)
    return {"level": str(level), "problems": len(result.problems)}


def build_file(root: Path) -> None:
    """Bring the technical file up to date.

    Raises:
        ReleaseRefused: ``REL-FILE``.
    """
    try:
        technical_file.build(root)
    except technical_file.FileError as err:
        raise ReleaseRefused(
            "REL-FILE", where="technical file", found=str(err), expected="a built file", repair="mend what is named"
        ) from err


def unchanged(before: Mapping[str, HonestStage], after: Mapping[str, HonestStage]) -> dict[str, Stage]:
    """Return what each stage was made from, once it is the same when the stage began, and now.

    Raises:
        ReleaseRefused: ``REL-MOVED``.
    """
    try:
        return {name: Stage(before[name].before.files, after[name].after.files) for name in sorted({*before, *after})}
    except (KeyError, ValueError) as err:
        raise _moved(str(err)) from err


def stages_of(root: Path, kind: Kind, here: Environment) -> dict[str, HonestStage]:
    """Return what each stage was made from: of a release from the journals of its run, of a trial as it lies.

    Raises:
        ReleaseRefused: a stage of a release ran unwatched, or something of it is another one now.
    """
    deciding = decides(here.libraries, here.locks["requirements.lock"])
    return (as_they_lie if kind is Kind.TRIAL else sealed_stages)(Run(root), deciding)


def write(folder: ReleaseFolder, record: Record, parts: Mapping[str, bytes]) -> None:
    """Write parts, keys and the unsigned record beside the folder, then put them in its place; a folder is whole or not there."""
    stage = folder.archive.with_name(f"{folder.archive.name}.part")
    shutil.rmtree(stage, ignore_errors=True)
    for name, content in parts.items():
        place = stage / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    (stage / KEYS).write_bytes(canonical(keys_json(record)) + b"\n")
    (stage / RECORD).write_bytes(Envelope(record.payload).to_bytes())
    shutil.rmtree(folder.archive, ignore_errors=True)
    if folder.path != folder.archive:
        folder.archive.mkdir(parents=True)
        shutil.move(stage / "archive", folder.archive / "archive")
        shutil.rmtree(folder.path, ignore_errors=True)
        folder.path.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(stage, folder.path)


def keys_json(record: Record) -> dict[str, Any]:
    """Return the public keys of who has to sign, for reading: a key is trusted only through a pin that came another way."""
    keys = [{"name": each.name, "role": each.role, "key": each.key, "public": each.public} for each in record.signers]
    return {"schema": KEYS_SCHEMA, "keys": keys}


def _moved(found: str) -> ReleaseRefused:
    expected = "a tree and data that stay as they are during the build"
    return ReleaseRefused("REL-MOVED", where="the build", found=found, expected=expected, repair="build again, editing nothing")
