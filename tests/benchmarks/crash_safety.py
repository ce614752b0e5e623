"""Whether a batch can be killed at any moment without losing or halving anything: the real process killed, and every call into the file system cut.

    python -m tests.benchmarks.crash_safety --kills 50 --out evidence/crash_safety/report.json

1. *recording*: a process that records 40 inputs without looking at them is killed (SIGKILL) at random moments and begun again until it ends, over and over.
   *kills* does the same with a process that analyses, forked from one that has loaded the device; *commands* with whole `thoratrace analyse` commands.
2. *calls*: a run of three inputs dies before each call that changes its folder, and in the middle of each write; then the run that continues it dies, too.
3. *surroundings*: a full disk, a read-only folder, a folder that vanishes, a second run on the same folder.

After each death, before anything is recovered: every visible file is whole and named by an audit line with its hash, and every file that a line names is there,
visible or as a part. After the last run: one line an input, every file as its line says, no part left, and the Merkle root of a run that nobody disturbed.
What is done stands in the report, and the command given again goes on. A full disk and a read-only folder need the right to mount a small file system; without it they are reported as not tried.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from device_sw import __name__ as device_package
from device_sw._version import __version__
from device_sw.batch.examination import InProcess
from device_sw.batch.inspection import inspect
from device_sw.batch.run import Batch
from device_sw.device import Device
from device_sw.report.outputs import Wanted
from tests.device_sw.batch import dying
from verification.steps import bundles, films

FILMS = 6
SEED = 20261121
PAIRS = 400


def command(inputs, out, bundle, *options):
    program = [sys.executable, "-m", device_package, "analyse", str(inputs), "-o", str(out), "--bundle", str(bundle)]
    return [*program, *options]


def run(inputs, out, bundle, *options):
    return subprocess.run(command(inputs, out, bundle, *options), capture_output=True, text=True, check=False, timeout=900)


def make_inputs(folder, count, *, side=520):
    """Write films of random pictures, a text and a file that is cut; the same bytes at each call."""
    folder.mkdir(parents=True)
    for number in range(count):
        films.write(films.film(films.picture(side, 512, seed=number), name=f"film {number}"), folder / f"{number:04d}.dcm")
    (folder / "note.txt").write_text("no film\n")
    whole = (folder / "0000.dcm").read_bytes()
    (folder / "cut.dcm").write_bytes(whole[: len(whole) // 2])
    return folder


def ends(out, inputs, root):
    """Return what is wrong with a folder whose run came to its end."""
    found, wanted = inspect(out), len(list(inputs.iterdir()))
    wrong = [] if found.difference is None else [found.difference]
    wrong += [] if found.inputs == wanted else [f"{found.inputs} lines of {wanted} inputs"]
    wrong += [] if root in {None, found.merkle_root} else ["another Merkle root"]
    wrong += [f"{path.name}: left over" for path in dying.parts(out)]
    names = json.loads((out / "index.json").read_text())["inputs"]
    return wrong + ([] if len(names) == wanted else [f"{len(names)} names of {wanted}"])


def kills(folder, bundle, wanted):
    """Kill processes that analyse and record at random moments, and begin again until one comes to its end."""
    inputs = make_inputs(folder / "in", FILMS)
    return _kills(folder, inputs, InProcess(Device(bundle), Wanted(run_time=datetime.now(UTC))), wanted)


def recording(folder, wanted):
    """Kill processes that record many small inputs at random moments, so that most moments lie within the recording."""
    inputs = folder / "in"
    inputs.mkdir()
    for number in range(40):
        (inputs / f"{number:02d}").write_text(str(number))
    return _kills(folder, inputs, dying.QuickExaminer(), wanted)


def _kills(folder, inputs, examiner, wanted):
    paths, chance = sorted(inputs.iterdir()), random.Random(SEED)

    def record(out):
        batch = Batch(examiner, out, lambda _: None)
        batch.take(*paths)
        batch.finish()

    started = time.monotonic()
    record(folder / "undisturbed")
    working, root = time.monotonic() - started, inspect(folder / "undisturbed").merkle_root
    killed, with_parts, finished, wrong = [], 0, 0, ends(folder / "undisturbed", inputs, root)
    while len(killed) < wanted:
        out, code = folder / f"killed-{finished}", None
        while code != 0:
            code = _in_killed_child(lambda out=out: record(out), chance.uniform(0, working / 2))
            if code != 0:
                wrong += [] if code == -signal.SIGKILL else [f"ended with {code}"]
                wrong += [f"kill {len(killed) + 1}: {fault}" for fault in dying.faults_after_death(out)] if out.exists() else []
                with_parts += bool(out.exists() and dying.parts(out))
                killed.append((out / "audit.jsonl").read_bytes().count(b"\n") if _size(out / "audit.jsonl") > 0 else 0)
        wrong += ends(out, inputs, root)
        finished += 1
    by_lines = {str(n): killed.count(n) for n in sorted(set(killed))}
    return {
        "kills": len(killed),
        "kills_with_parts_left": with_parts,
        "kills_by_lines_recorded": by_lines,
        "runs_that_ended": finished,
        "inputs_of_a_run": len(paths),
        "wrong": wrong,
    }


def _in_killed_child(action, after):
    """Run an action in a forked process, kill it after so many seconds, and return how it ended."""
    child = os.fork()
    if child == 0:
        try:
            action()
        except BaseException:  # noqa: BLE001 - the parent sees the code
            os._exit(1)
        os._exit(0)
    deadline = time.monotonic() + after
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def commands(folder, bundle, wanted):
    """Kill the whole command at random moments of its work, and give it again until it ends."""
    inputs, chance = make_inputs(folder / "in", FILMS), random.Random(SEED)
    started = time.monotonic()
    run(inputs, folder / "undisturbed", bundle)
    lasting, root = time.monotonic() - started, inspect(folder / "undisturbed").merkle_root
    first = min(path.stat().st_mtime for path in (folder / "undisturbed" / "refusals").iterdir())
    last = (folder / "undisturbed" / "summary.json").stat().st_mtime
    working = last - first + 1.0
    killed, recovered, finished, wrong = [], 0, 0, ends(folder / "undisturbed", inputs, root)
    while len(killed) < wanted:
        out = folder / f"killed-{finished}"
        ended = False
        while not ended:
            ended, lines, after = _kill_once(command(inputs, out, bundle), out, chance, working)
            if not ended:
                wrong += [f"kill {len(killed) + 1}: {fault}" for fault in dying.faults_after_death(out)] if out.exists() else []
                recovered += bool(out.exists() and dying.parts(out))
                killed.append({"after_s": after, "lines": lines})
                print(f"kill {len(killed)}: {lines} lines", file=sys.stderr, flush=True)  # noqa: T201
        wrong += ends(out, inputs, root)
        finished += 1
    return {
        "kills": len(killed),
        "kills_with_parts_left": recovered,
        "kills_by_lines_recorded": {
            str(n): sum(kill["lines"] == n for kill in killed) for n in sorted({k["lines"] for k in killed})
        },
        "runs_that_ended": finished,
        "inputs_of_a_run": len(list(inputs.iterdir())),
        "undisturbed_s": round(lasting, 1),
        "wrong": wrong,
    }


def _kill_once(arguments, out, chance, working):
    """Start the command, wait for its audit file and a random part of its work, and kill it; say whether it had ended by itself."""
    before = _size(out / "audit.jsonl")
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    began = time.monotonic()
    while process.poll() is None and _size(out / "audit.jsonl") == before and time.monotonic() - began < 300:
        time.sleep(0.005)
    delay = chance.uniform(0, working / 3)
    try:
        process.wait(delay)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
    lines = (out / "audit.jsonl").read_bytes().count(b"\n") if (out / "audit.jsonl").exists() else 0
    return process.returncode != -signal.SIGKILL, lines, round(time.monotonic() - began, 3)


def _size(path):
    return path.stat().st_size if path.exists() else -1


def calls(folder):
    """Let a run die at each call that changes its folder, then let the run that continues it die, too."""
    paths = [folder / name for name in ("a", "b", "c")]
    for path in paths:
        path.write_text(path.name)

    def record(out):
        batch = Batch(dying.QuickExaminer(), out, lambda _: None)
        batch.take(*paths)
        batch.finish()

    def die(out, point):
        dying.Countdown(*point).install()
        record(out)

    points = dying.points_of(lambda: record(folder / "undisturbed"))
    root, wrong = inspect(folder / "undisturbed").merkle_root, []
    chance = random.Random(SEED)
    pairs = [(point, (chance.randrange(1, 30), chance.choice(["before", "half"]))) for point in chance.choices(points, k=PAIRS)]
    for number, deaths in enumerate([*((point,) for point in points), *pairs]):
        out = folder / f"out-{number}"
        for point in deaths:
            dying.in_child(lambda out=out, point=point: die(out, point))
            wrong += [f"{deaths}: {fault}" for fault in dying.faults_after_death(out)] if out.exists() else []
        record(out)
        found = inspect(out)
        if (found.difference, found.inputs, found.merkle_root, dying.parts(out)) != (None, 3, root, []):
            wrong.append(f"{deaths}: {found.difference}, {found.inputs} inputs, parts {len(dying.parts(out))}")
    return {"points": len(points), "one_death": len(points), "two_deaths": len(pairs), "wrong": wrong}


def surroundings(folder, bundle):
    """Try what a site's disk can do to a run."""
    inputs = make_inputs(folder / "in", FILMS)
    run(inputs, folder / "undisturbed", bundle)
    root = inspect(folder / "undisturbed").merkle_root
    return {
        "full_disk": _on_small_disk(folder / "full", lambda disk: _full(disk, inputs, bundle, root)),
        "read_only": _on_small_disk(folder / "read_only", lambda disk: _read_only(disk, inputs, bundle, root)),
        "folder_vanishes": _vanishing(folder / "vanishing", inputs, bundle),
        "two_runs": _two_runs(folder / "two", inputs, bundle, root),
    }


def _on_small_disk(folder, study):
    folder.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], capture_output=True, check=False
    ).returncode:
        return {"tried": False, "reason": "no right to mount a small file system"}
    try:
        return {"tried": True, **study(folder)}
    finally:
        subprocess.run(["umount", str(folder)], check=False)


def _remount(disk, option):
    subprocess.run(["mount", "-o", f"remount,{option}", str(disk)], check=True)


def _full(disk, inputs, bundle, root):
    """Fill the disk but for a little more at each run; in the end, give the space."""
    filler, told, wrong = disk / "filler", [], []
    for free in (0, 8, 60, 200, 500, 900):
        filler.write_bytes(b"")
        space = os.statvfs(disk)
        filler.write_bytes(b"x" * max(0, space.f_bavail * space.f_frsize - free * 1024))
        done = run(inputs, disk / "out", bundle)
        told.append({"free_kib": free, "exit_code": done.returncode, "codes": _codes(done.stderr)})
        wrong += ["a traceback"] if "Traceback" in done.stderr else []
        wrong += dying.faults_after_death(disk / "out") if (disk / "out").exists() else []
    filler.unlink()
    _remount(disk, "size=64m")
    told.append({"free_kib": None, "exit_code": run(inputs, disk / "out", bundle).returncode, "codes": []})
    return {"runs": told, "wrong": wrong + ends(disk / "out", inputs, root)}


def _read_only(disk, inputs, bundle, root):
    _remount(disk, "size=64m")
    run(inputs, disk / "out", bundle)
    before = _contents(disk)
    _remount(disk, "ro")
    done, new = run(inputs, disk / "out", bundle, "--again"), run(inputs, disk / "new", bundle)
    wrong = [] if _contents(disk) == before else ["something changed"]
    wrong += ["a traceback"] if "Traceback" in done.stderr + new.stderr else []
    told = [{"exit_code": each.returncode, "codes": _codes(each.stderr)} for each in (done, new)]
    _remount(disk, "rw")
    return {"runs": told, "wrong": wrong + ends(disk / "out", inputs, root)}


def _vanishing(folder, inputs, bundle):
    """Move the output folder away while the run works: what was recorded stays whole where it is now, and the run says so."""
    folder.mkdir()
    out, away = folder / "out", folder / "away"
    process = subprocess.Popen(command(inputs, out, bundle), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and _size(out / "audit.jsonl") <= 0:
        time.sleep(0.01)
    out.rename(away)
    told = process.communicate(timeout=300)[1]
    wrong = dying.faults_after_death(away) + (["a traceback"] if "Traceback" in told else [])
    wrong += [] if not out.exists() else ["the folder was made again"]
    return {"runs": [{"exit_code": process.returncode, "codes": _codes(told)}], "wrong": wrong}


def _two_runs(folder, inputs, bundle, root):
    folder.mkdir()
    out = folder / "out"
    process = subprocess.Popen(command(inputs, out, bundle), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and _size(out / "audit.jsonl") < 0:
        time.sleep(0.01)
    process.send_signal(signal.SIGSTOP)
    second = run(inputs, out, bundle)
    process.send_signal(signal.SIGCONT)
    first = process.wait(300)
    told = [{"exit_code": first, "codes": []}, {"exit_code": second.returncode, "codes": _codes(second.stderr)}]
    return {"runs": told, "wrong": ends(out, inputs, root)}


def _codes(stderr):
    heads = {line.split(" ", 1)[0] for line in stderr.splitlines()}
    return sorted(head for head in heads if head.startswith("OUT-"))


def _contents(folder):
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument(
        "--parts", nargs="*", help="calls, recording, kills, surroundings, commands; else all that the report lacks"
    )
    parser.add_argument("--commands", type=int, default=5)
    parser.add_argument("--bundle", type=Path, help="a bundle; else a small untrained one is made")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        bundle = options.bundle or bundles.untrained(folder / "bundle")
        identity = {
            "schema": "thoratrace/crash-safety/1",
            "date": datetime.now(UTC).date().isoformat(),
            "device_version": __version__,
            "bundle_sha256": bundles.sha256(bundle / "manifest.json"),
            "bundle": "given" if options.bundle else "untrained, made for the study",
        }
        report = json.loads(options.out.read_text(encoding="utf-8")) if options.out.exists() else identity
        parts = {
            "calls": calls,
            "recording": lambda place: recording(place, options.kills),
            "kills": lambda place: kills(place, bundle, options.kills),
            "surroundings": lambda place: surroundings(place, bundle),
            "commands": lambda place: commands(place, bundle, options.commands),
        }
        for name, study in parts.items():
            if name not in report and name in (options.parts or parts):
                (folder / name).mkdir()
                report[name] = study(folder / name)
                options.out.parent.mkdir(parents=True, exist_ok=True)
                options.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    judged = [report[name] for name in ("calls", "recording", "kills", "commands") if name in report]
    judged += report.get("surroundings", {}).values()
    return 1 if any(part.get("wrong") for part in judged) else 0


if __name__ == "__main__":
    sys.exit(main())
