"""Makes a release again on this machine, without a network and without anything made before, and has the result judged.

    record -> parts that lie here against it -> locked environment, offline, by hash -> checkout of the commit, by content
    -> network cut -> rerun by the commit's own code -> every part against the record, in the order of the pipeline

Everything happens in a throw-away folder; the repository, its lock and its caches stay as they are.

Source: IEC 62304 5.8.5 (how the released software was created can be repeated), 8.1.2.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.release import rerun
from pipeline.release.errors import ReleaseRefused
from pipeline.release.record.folder import ReleaseFolder
from pipeline.release.reproduction import sandbox
from pipeline.release.reproduction.checkout import CheckoutFailed, check_out, throw_away
from pipeline.release.reproduction.sandbox import Sandbox
from pipeline.release.reproduction.verdict import Outcome, Reproduction, Verdict, judge
from pipeline.release.wheelhouse.installation import prepare
from pipeline.release.wheelhouse.pins import machine_of, needed, read_pins
from pipeline.release.wheelhouse.wheelhouse import WheelhouseUnfit
from pipeline.repository import commit
from pipeline.run import REPOSITORY, file_sha256, write_json

if TYPE_CHECKING:
    from pipeline.progress import Report
    from pipeline.release.record.record import Record
    from pipeline.release.wheelhouse.pins import Pin

SUPPLIES = "artifacts"
"""Where wheelhouse and environments lie, unless they are those of another checkout."""

WHEELHOUSE = "wheelhouse"
ENVIRONMENTS = "environments"
LOCK = "files/requirements.lock"
WORK = "pipeline.release.rerun"
"""Module that does the work: of the released commit, not of this tree, so it keeps its name wherever the modules around it lie today."""


@dataclass(frozen=True)
class Order:
    """What is to be made again, and where.

    Attributes:
        repository: with the commit of the record.
        folder: of the release.
        level: eval or train.
        place: folder below which the throw-away folder is made; None for the system's folder of temporary files.
        keep: whether the throw-away folder stays.
        supplies: folder with wheelhouse and environments; None for the repository's own.
    """

    repository: Path
    folder: ReleaseFolder
    level: str
    place: Path | None = None
    keep: bool = False
    supplies: Path | None = None


def reproduce(order: Order, progress: Report) -> Reproduction:
    """Make a release again and compare it with its record.

    Raises:
        ReleaseRefused: the record cannot be read.
        LockUnreadable: its lock cannot be read.
    """
    record = order.folder.record()
    if altered := altered_parts(order.folder, record):
        return Reproduction(record, order.level, Verdict.FAIL, tuple(altered))
    try:
        python = prepared(order, progress)
    except WheelhouseUnfit as err:
        return Reproduction(record, order.level, Verdict.INCONCLUSIVE, (str(err),))
    if reason := sandbox.why_not(python):
        return Reproduction(
            record, order.level, Verdict.INCONCLUSIVE, (f"REP-NETWORK: the network cannot be cut here: {reason}",)
        )
    return _in_throw_away_folder(order, record, python)


def keep_result(found: Reproduction, place: Path) -> None:
    """Write a result as dated evidence: what was made again, with which verdict, at which commit of the program that judged."""
    write_json(place, {**found.to_json(), "date": datetime.now(UTC).date().isoformat(), "judged_by": commit(REPOSITORY)})


def altered_parts(folder: ReleaseFolder, record: Record) -> list[str]:
    """Return a sentence for each part that does not lie in its folder as recorded; what belongs into the archive may be absent."""
    found = []
    for subject in record.subjects:
        place = folder.place(subject.name)
        if not place.is_file():
            if not subject.name.startswith("archive/"):
                found.append(f"REP-PART at {subject.name}: found nothing, expected {subject.sha256[:16]}")
        elif file_sha256(place) != subject.sha256:
            found.append(f"REP-PART at {subject.name}: found other bytes, expected {subject.sha256[:16]}")
    return found


def pins_of(folder: ReleaseFolder) -> tuple[Pin, ...]:
    """Return what this machine has to install for a release, by the lock that its record names.

    Raises:
        ReleaseRefused: ``REL-RECORD``, the record cannot be read; ``REL-ALTERED``, the lock that lies there is not the recorded one.
        LockUnreadable: it cannot be read.
    """
    content = folder.place(LOCK).read_bytes() if folder.place(LOCK).is_file() else b""
    recorded = {each.name: each.sha256 for each in folder.record().subjects}.get(LOCK, "no lock")
    found = hashlib.sha256(content).hexdigest()
    if found != recorded:
        repair = "restore the folder from version control"
        raise ReleaseRefused("REL-ALTERED", where=LOCK, found=found[:16], expected=f"{recorded[:16]}, as recorded", repair=repair)
    return needed(read_pins(content.decode("utf-8", "replace")), machine_of(Path(sys.executable)))


def prepared(order: Order, progress: Report) -> Path:
    """Return the interpreter of the release's locked environment, every file of which was compared with its wheel.

    Raises:
        WheelhouseUnfit: there is no whole wheelhouse, or the environment is not that of its wheels.
    """
    digest = file_sha256(order.folder.place(LOCK))
    supplies = order.supplies or order.repository / SUPPLIES
    return prepare(supplies / ENVIRONMENTS / digest, supplies / WHEELHOUSE, pins_of(order.folder), digest, progress).python


def _in_throw_away_folder(order: Order, record: Record, python: Path) -> Reproduction:
    place = Path(tempfile.mkdtemp(prefix="tt-reproduce-", dir=order.place))
    try:
        found = _made_again(order, record, python, place)
    except CheckoutFailed as err:
        verdict = Verdict.FAIL if err.code == "REP-SOURCE" else Verdict.INCONCLUSIVE
        return Reproduction(record, order.level, verdict, (str(err),))
    finally:
        if not order.keep:
            throw_away(place)
    return replace(found, kept=place) if order.keep else found


def _made_again(order: Order, record: Record, python: Path, place: Path) -> Reproduction:
    checkout, out = place / "checkout", place / "out"
    check_out(order.repository, record.source, checkout)
    out.mkdir()
    folders = {"release": order.folder.path, "archive": order.folder.archive, "out": out}
    words = [word for name, path in folders.items() for word in (f"--{name}", str(path.resolve()))]
    code = Sandbox(python, checkout, place / "s").run(["-m", WORK, order.level, *words])
    made = ReleaseFolder(out / rerun.SEALED, out / rerun.SEALED)
    return judge(record, order.folder, Outcome(order.level, code, _report(out / rerun.REPORT), made))


def _report(path: Path) -> dict[str, Any]:
    """Return the rerun's report; nothing where it left none that can be read."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and found.get("schema") == rerun.SCHEMA else {}
