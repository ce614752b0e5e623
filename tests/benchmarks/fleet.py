"""A million invented studies: how long planning takes and how much memory, and whether kills leave anything missing, twice or different.

    python -m tests.benchmarks.fleet --studies 1000000 --kills 20 --out evidence/fleet/fleet.json

One fleet is planned, worked off and merged without disturbance. Another is killed (SIGKILL of the command and all its processes) at random moments of planning,
work and merge, and the same command given again; its list names the same studies in another order and other numbers of processes work on it. Afterwards this module reads every
result itself and counts studies against the list. The studies are invented and so are the results: this tries the bookkeeping, not the device.
Times are wall-clock on whatever else the machine did.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from device_sw.launcher import numeric_environment
from pipeline.progress import bar
from pipeline.run import REPOSITORY, read_json, write_json

SEED = 20261121
PLACE = REPOSITORY / "artifacts" / "fleet_trial"
GOALS = {"planning_s": 60.0, "planning_peak_mb": 1000.0, "kills": 20}


def uid(number):
    """Return an invented Study Instance UID."""
    return f"1.2.826.0.1.3680043.10.{number}.{number * 7919 % 104729}"


def write_list(path, studies, seed):
    """Write the studies in an order that follows from a seed."""
    numbers = list(range(studies))
    random.Random(seed).shuffle(numbers)
    with path.open("w", encoding="utf-8") as stream:
        stream.writelines(f"{uid(number)}\tarchive/{number // 1000:04d}/{number:07d}\n" for number in numbers)


def command(*arguments):
    return [sys.executable, "-m", "pipeline.cli", "fleet", *(str(each) for each in arguments)]


def started(*arguments):
    environment = numeric_environment() | {"PYTHONPATH": str(REPOSITORY)}
    return subprocess.Popen(
        command(*arguments), env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
    )


def whole(*arguments):
    """Run a command to its end; return what it printed, seconds, and peak memory of its largest process in MB.

    Raises:
        RuntimeError: it ended with an error.
    """
    began = time.monotonic()
    process = started(*arguments)
    text = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(map(str, arguments))}: exit code {process.returncode}")
    took = {"wall_s": round(time.monotonic() - began, 1), "cpu_s": round(used.ru_utime + used.ru_stime, 1)}
    return json.loads(text), took | {"peak_mb": round(used.ru_maxrss / 1e3)}


def killed(wait, *arguments):
    """Start a command, kill it and all its processes when a condition holds, and say whether it was killed."""
    process = started(*arguments)
    while process.poll() is None and not wait():
        time.sleep(0.005)
    if process.poll() is not None:
        return False
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    return True


def after(seconds):
    end = time.monotonic() + seconds
    return lambda: time.monotonic() >= end


def marks(folder):
    done = folder / "done"
    return sum(path.suffix == ".json" for path in done.iterdir()) if done.exists() else 0


def more_than(folder, count, seconds):
    """Hold some time after more than so many shards are done."""
    reached = []

    def wait():
        if not reached and marks(folder) > count:
            reached.append(time.monotonic())
        return bool(reached) and time.monotonic() >= reached[0] + seconds

    return wait


def disturbed(listed, folder, shards, kills, planning_s):
    """Plan, work off and merge with kills at random moments, and return where they fell."""
    chance, fell = random.Random(SEED), Counter()
    early = max(kills // 10, 1)
    with bar("kills") as report:
        while fell["planning"] < early and not (folder / "plan.json").exists():
            fell["planning"] += killed(
                after(chance.uniform(0.3, planning_s)), "plan", listed, "--out", folder, "--shards", shards
            )
        whole("plan", listed, "--out", folder, "--shards", shards)
        in_work = kills - early - fell["planning"]
        at = sorted(chance.sample(range(shards * 9 // 10), in_work))
        for number, count in enumerate(at):
            wait = more_than(folder, count, chance.uniform(0, 0.2))
            fell["work"] += killed(wait, "run", folder, "--simulate", "--workers", 1 + number % 3)
            report(sum(fell.values()), kills, f"{marks(folder)} of {shards} shards done")
        whole("run", folder, "--simulate", "--workers", 2)
        while sum(fell.values()) < kills:
            fell["merge"] += killed(after(chance.uniform(0.3, 3.0)), "merge", folder, "--simulate")
            report(sum(fell.values()), kills, "merge")
    return dict(fell)


def counted(folder, studies):
    """Return how many studies of the list have no record, and how many records are one too many, by reading every result here."""
    found = bytearray(studies)
    twice = foreign = 0
    for path in sorted((folder / "results").glob("*/results.jsonl")):
        for line in path.read_bytes().splitlines():
            number = int(json.loads(line)["study"].split(".")[7])
            foreign += number >= studies
            twice += found[number]
            found[number] = 1
    return {"missing": studies - sum(found), "twice": twice, "foreign": foreign, "parts_left": len(list(folder.rglob("*.part")))}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=1_000_000)
    parser.add_argument("--shards", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--out", type=Path, default=REPOSITORY / "evidence" / "fleet" / "fleet.json")
    options = parser.parse_args()
    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir(parents=True)
    lists, folders = [PLACE / f"list-{number}.tsv" for number in (1, 2)], [PLACE / f"fleet-{number}" for number in (1, 2)]
    for number, path in enumerate(lists):
        write_list(path, options.studies, SEED + number)
    plan, planning = whole("plan", lists[0], "--out", folders[0], "--shards", options.shards)
    _, work = whole("run", folders[0], "--simulate", "--workers", 2)
    merged, merging = whole("merge", folders[0], "--simulate")
    fell = disturbed(lists[1], folders[1], options.shards, options.kills, planning["wall_s"])
    again, _ = whole("merge", folders[1], "--simulate")
    ends = [counted(folder, options.studies) for folder in folders]
    held = {
        "same_plan": read_json(folders[0] / "plan.json") == read_json(folders[1] / "plan.json"),
        "same_root": merged == again,
        "nothing_missing_or_twice": not any(any(end.values()) for end in ends),
        "planning": planning["wall_s"] <= GOALS["planning_s"] and planning["peak_mb"] <= GOALS["planning_peak_mb"],
        "kills": sum(fell.values()) >= GOALS["kills"],
    }
    record = {
        "schema": "thoratrace/fleet/1",
        "date": datetime.now(UTC).date().isoformat(),
        "results": "simulated: no film was read and no device ran",
        "studies": options.studies,
        "shards": options.shards,
        "processors": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "planning": planning,
        "work, 2 workers": work,
        "merge": merging,
        "plan_sha256": plan["plan_sha256"],
        "merkle_root": merged["merkle_root"],
        "merkle_root_after_kills": again["merkle_root"],
        "kills": fell,
        "undisturbed": ends[0],
        "after_kills": ends[1],
        "goals": GOALS,
        "held": held,
        "passed": all(held.values()),
        "peak_mb_of_any_process": round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3),
    }
    write_json(options.out, record)
    print(json.dumps(record, indent=1))  # noqa: T201
    shutil.rmtree(PLACE)
    return 0 if record["passed"] else 1


if __name__ == "__main__":
    sys.exit(main())
