"""One shard: examined, then marked as done by a file that holds the hashes of what it left. Doing it again changes nothing.

    results/00000/     what the examiner left
    done/00000.json    plan, shard, examiner, Merkle root, counts and hashes; written last, whole or not at all

Killed before the mark, a shard is examined again, or goes on inside where its examiner can; after the mark it is passed over.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from pipeline.fleet.errors import FleetError
from pipeline.fleet.whole_file import write_whole
from pipeline.run import file_sha256

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.fleet.examiners import Examiner
    from pipeline.fleet.plan import Plan

SCHEMA = "thoratrace/fleet-shard/1"


@dataclass(frozen=True, slots=True)
class Done:
    """The mark of a shard that is done."""

    shard: int
    plan_sha256: str
    shard_sha256: str
    examiner: dict[str, str]
    studies: int
    root: str
    counts: dict[str, int]
    files: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        """Return the mark as JSON."""
        return {"schema": SCHEMA, **asdict(self)}


def place_of(folder: Path, index: int) -> Path:
    """Return where the results of a shard lie."""
    return folder / "results" / f"{index:05d}"


def mark_of(folder: Path, index: int) -> Path:
    """Return where the mark of a shard lies."""
    return folder / "done" / f"{index:05d}.json"


def read_mark(plan: Plan, index: int) -> Done | None:
    """Return the mark of a shard, or None where it is not done.

    Raises:
        FleetError: FLT-RESULT, the mark is none of ours, or one of another plan or shard.
    """
    try:
        value = json.loads(mark_of(plan.folder, index).read_bytes())
        if value.pop("schema") != SCHEMA:
            raise _altered(index, "a mark of another schema")
        done = Done(**value)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as err:
        raise _altered(index, f"a mark that cannot be read ({type(err).__name__})") from err
    if (done.shard, done.plan_sha256, done.shard_sha256) != (index, plan.sha256, plan.shards[index]):
        raise _altered(index, "a mark of another plan or shard")
    return done


def require_results(plan: Plan, done: Done, examiner: Examiner) -> int:
    """Compare what a mark says with what lies there, every byte it rests on, and each study of the shard once; return how many studies have a record.

    Raises:
        FleetError: FLT-RESULT, a file is missing or differs; FLT-INCOMPLETE or FLT-TWICE, a study is missing, foreign or recorded twice; FLT-SHARD.
    """
    place, studies = place_of(plan.folder, done.shard), plan.of_shard(done.shard)
    for name, digest in done.files.items():
        path = place / name
        if not path.is_file() or file_sha256(path) != digest:
            raise _altered(done.shard, f"{name} missing or with another SHA-256")
    recorded, wanted = examiner.recorded(studies, place), Counter(study.uid for study in studies)
    if twice := recorded - wanted:
        raise _wrong("FLT-TWICE", done.shard, f"{len(twice)} studies recorded twice or foreign to the shard")
    if absent := wanted - recorded:
        raise _wrong("FLT-INCOMPLETE", done.shard, f"{len(absent)} of {len(wanted)} studies without a record")
    return recorded.total()


def run(plan: Plan, index: int, examiner: Examiner) -> Done:
    """Bring one shard to its end and return its mark; a shard that is done is left as it is.

    Raises:
        FleetError: FLT-SHARD, FLT-RESULT, FLT-DEVICE, FLT-INCOMPLETE or FLT-TWICE; FLT-MIXED, the shard was done by another examiner.
    """
    done = read_mark(plan, index)
    if done is not None:
        if done.examiner != examiner.identity:
            found = "results of another examiner, bundle or options"
            raise FleetError(
                "FLT-MIXED", where=f"shard {index}", found=found, expected="one for all", repair="plan into another folder"
            )
        return done
    studies, place = plan.of_shard(index), place_of(plan.folder, index)
    outcome = examiner.examine(studies, place)
    done = Done(
        index, plan.sha256, plan.shards[index], examiner.identity, len(studies), outcome.root, outcome.counts, outcome.files
    )
    require_results(plan, done, examiner)
    text = json.dumps(done.to_json(), indent=1, sort_keys=True) + "\n"
    write_whole(mark_of(plan.folder, index), [text.encode()])
    return done


def missing(plan: Plan) -> list[int]:
    """Return the shards that are not done."""
    return [index for index in range(len(plan.shards)) if not mark_of(plan.folder, index).exists()]


def share(plan: Plan, part: int, parts: int) -> range:
    """Return the shards that the n-th of so many jobs has to do, dealt out in turn: what it is, whoever else runs.

    Raises:
        FleetError: FLT-SHARD, there is no such part.
    """
    if not 0 <= part < parts:
        where, expected = f"--part {part} --of {parts}", f"a number from 0 to {parts - 1}"
        raise FleetError("FLT-SHARD", where=where, found=str(part), expected=expected, repair="number the jobs from 0")
    return range(part, len(plan.shards), parts)


def _altered(index: int, found: str) -> FleetError:
    expected = "what was written when the shard was done"
    repair = "keep it for investigation; remove mark and results of this shard to have it examined again"
    return FleetError("FLT-RESULT", where=f"shard {index}", found=found, expected=expected, repair=repair)


def _wrong(code: str, index: int, found: str) -> FleetError:
    repair = "remove mark and results of this shard and run it again; if that does not help, report it"
    return FleetError(code, where=f"shard {index}", found=found, expected="each study recorded once", repair=repair)
