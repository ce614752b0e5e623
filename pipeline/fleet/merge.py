"""The merge of a finished archive: one Merkle root over its shards, after a look at every byte it rests on.

A leaf is SHA-256(0x00 || canonical JSON of plan, shard and the shard's own root); leaves are joined as in RFC 6962. So the root names the plan, each shard's
place in it and every record, and nothing of workers, machines, order, times or interruptions.

Source: RFC 6962 section 2.1; device_sw.merkle.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from device_sw import merkle
from pipeline.fleet import shard
from pipeline.fleet.errors import FleetError
from pipeline.fleet.whole_file import remove_parts, write_whole

if TYPE_CHECKING:
    from pipeline.fleet.examiners import Examiner
    from pipeline.fleet.plan import Plan
    from pipeline.fleet.shard import Done
    from pipeline.progress import Report

SCHEMA = "thoratrace/fleet-merge/1"


def leaf(done: Done) -> str:
    """Return the leaf of a shard, in hex."""
    content = {"plan": done.plan_sha256, "shard": done.shard, "root": done.root}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(b"\x00" + text.encode()).hexdigest()


def merge(plan: Plan, examiner: Examiner, report: Report) -> dict[str, Any]:
    """Check every shard, write merged.json and return it.

    Raises:
        FleetError: FLT-INCOMPLETE, shards are not done; FLT-MIXED, they were done by several examiners, or by another one than is given; FLT-RESULT or
            FLT-TWICE, a result is not what its mark says.
    """
    marks, recorded = _marks(plan), 0
    for number, done in enumerate(marks, start=1):
        if done.examiner != examiner.identity:
            repair = "give the examiner's own options; results of two examiners are never one result"
            raise FleetError(
                "FLT-MIXED", where=f"shard {done.shard}", found="another examiner", expected="the one given", repair=repair
            )
        recorded += shard.require_results(plan, done, examiner)
        report(number, len(marks), "shards")
    counts: Counter[str] = Counter()
    for done in marks:
        counts.update(done.counts)
    value = {
        "schema": SCHEMA,
        "plan_sha256": plan.sha256,
        "examiner": examiner.identity,
        "studies": plan.studies,
        "shards": len(plan.shards),
        "recorded": recorded,
        "counts": dict(sorted(counts.items())),
        "merkle_root": merkle.root(leaf(done) for done in marks),
    }
    write_whole(plan.folder / "merged.json", [json.dumps(value, indent=1, sort_keys=True).encode() + b"\n"])
    for folder in (plan.folder, plan.folder / "done", *(plan.folder / "results").iterdir()):
        remove_parts(folder)
    return value


def _marks(plan: Plan) -> list[Done]:
    marks = [shard.read_mark(plan, index) for index in range(len(plan.shards))]
    found = [done for done in marks if done is not None]
    if len(found) < len(marks):
        text = f"{len(marks) - len(found)} of {len(marks)} shards not done"
        raise FleetError("FLT-INCOMPLETE", where="done", found=text, expected="all", repair="./qms fleet run DIR")
    return found
