"""Whether an archive gives the same Merkle root however it is divided and whatever dies: serial, 1, 2 and 4 workers, workers and the whole run killed.

    python -m tests.benchmarks.archive --films artifacts/cohort --count 200 --out evidence/archive/report.json

``--films`` names a folder of DICOM files; without it, films of random pictures are made. Each run has a folder of its own; each is inspected afterwards (chain,
files, leaves). Times are wall-clock on whatever else the machine did and no claim.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from device_sw._version import __version__
from device_sw.batch.archive import AHEAD
from device_sw.batch.inspection import inspect
from tests.benchmarks.crash_safety import command, ends, make_inputs
from tests.device_sw.batch import dying
from verification.steps import bundles

SEED = 20261121
APART = AHEAD * 4
"""Recorded inputs between two kills: as many as four workers have at most in hand or waiting, so that an input that lost one is recorded before the next kill."""


def inputs_of(folder, films, count):
    """Return a folder of so many films, with a text and a cut file among them."""
    if films is None:
        return make_inputs(folder, count)
    make_inputs(folder, 1)
    (folder / "0000.dcm").unlink()
    for number, path in enumerate(sorted(films.rglob("*.dcm"))[:count]):
        shutil.copy(path, folder / f"{number:04d}.dcm")
    return folder


def undisturbed(out, inputs, bundle, options):
    """Run once and return what came out."""
    began = time.monotonic()
    done = subprocess.run(command(inputs, out, bundle, *options), capture_output=True, text=True, check=False)
    return {"exit_code": done.returncode, "seconds": round(time.monotonic() - began, 1), "errors": _errors(done.stderr)}


def workers_killed(out, inputs, bundle, options, kills):
    """Kill worker processes at random while the run goes on.

    Two kills lie so many recorded inputs apart that no input can lose three workers: that is when the device gives an input up (``INF-WORKER``), which its
    scenarios show, and not what is asked here.
    """
    chance, killed, last, began = random.Random(SEED), 0, 0, time.monotonic()
    process = subprocess.Popen(
        command(inputs, out, bundle, *options), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    while process.poll() is None:
        time.sleep(chance.uniform(0.5, 2.0))
        if killed < kills and (lines := _lines(out)) > last + APART and (workers := _workers(process.pid)):
            os.kill(chance.choice(workers), signal.SIGKILL)
            killed, last = killed + 1, lines
    told = process.stderr.read()
    seconds = round(time.monotonic() - began, 1)
    return {"exit_code": process.returncode, "seconds": seconds, "workers_killed": killed, "errors": _errors(told)}


def driver_killed(out, inputs, bundle, options, kills):
    """Kill the process that writes, at random, and give the same command again until it ends."""
    chance, killed, orphans, began = random.Random(SEED), 0, 0, time.monotonic()
    while True:
        before = _lines(out)
        process = subprocess.Popen(command(inputs, out, bundle, *options), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and (killed >= kills or _lines(out) <= before):
            time.sleep(0.05)
        if killed < kills:
            time.sleep(chance.uniform(0, 1.0))
        if process.poll() is not None:
            break
        family = _family(process.pid)
        process.kill()
        process.wait()
        killed += 1
        time.sleep(5)
        orphans += sum(Path(f"/proc/{pid}").exists() for pid in family)
    seconds = round(time.monotonic() - began, 1)
    return {"exit_code": process.returncode, "seconds": seconds, "driver_killed": killed, "left_running_after_5_s": orphans}


def _lines(out):
    return (out / "audit.jsonl").read_bytes().count(b"\n") if (out / "audit.jsonl").exists() else 0


def _family(pid):
    """Return the ids of every descendant of a process."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


def _workers(pid):
    """Return the ids of the worker processes below a run, which Ray names after the class they hold."""
    names = {}
    for child in _family(pid):
        try:
            names[child] = Path(f"/proc/{child}/cmdline").read_text()
        except OSError:
            continue
    return [child for child, name in names.items() if name.startswith("ray::_Worker")]


def _errors(stderr):
    return [line for line in stderr.splitlines() if "Traceback" in line or "INF-WORKER" in line]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--films", type=Path)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--bundle", type=Path, help="a bundle; else a small untrained one is made")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        bundle = options.bundle or bundles.untrained(folder / "bundle")
        inputs = inputs_of(folder / "in", options.films, options.count)
        ray = {n: ("--engine", "ray", "--workers", str(n)) for n in (1, 2, 4)}
        studies = {
            "serial": lambda out: undisturbed(out, inputs, bundle, ()),
            **{f"{n} workers": lambda out, n=n: undisturbed(out, inputs, bundle, ray[n]) for n in ray},
            "2 workers, workers killed": lambda out: workers_killed(out, inputs, bundle, ray[2], options.kills),
            "2 workers, run killed": lambda out: driver_killed(out, inputs, bundle, ray[2], options.kills),
            "serial, run killed": lambda out: driver_killed(out, inputs, bundle, (), options.kills),
        }
        report = {
            "schema": "thoratrace/archive/1",
            "date": datetime.now(UTC).date().isoformat(),
            "device_version": __version__,
            "bundle_sha256": bundles.sha256(bundle / "manifest.json"),
            "bundle": "given" if options.bundle else "untrained, made for the study",
            "films": "given" if options.films else "random pictures",
            "inputs": len(list(inputs.iterdir())),
            "processors": os.cpu_count(),
            "same_root": True,
            "runs": {},
        }
        for name, study in studies.items():
            out = folder / name.replace(" ", "-").replace(",", "")
            run = study(out)
            found = inspect(out)
            wrong = [*ends(out, inputs, None), *dying.faults_after_death(out), *run.get("errors", ())]
            told = {"merkle_root": found.merkle_root, "inputs": found.inputs, "files": found.files, "wrong": wrong}
            report["runs"][name] = run | told
            report["same_root"] = len({each["merkle_root"] for each in report["runs"].values()}) == 1
            print(name, report["runs"][name], file=sys.stderr, flush=True)  # noqa: T201
            options.out.parent.mkdir(parents=True, exist_ok=True)
            options.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 0 if report["same_root"] and not any(run["wrong"] for run in report["runs"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())
