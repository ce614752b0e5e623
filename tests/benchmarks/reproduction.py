"""Makes a release again several times from clean clones in other folders, time zones, locales and hash seeds, and keeps what each run said.

    python -m tests.benchmarks.reproduction VERSION --level eval --runs 10
    python -m tests.benchmarks.reproduction VERSION --level train --runs 3

Each run clones this repository into a folder of its own, brings the release's folder along where it is not committed, and starts `./qms release reproduce`
of that clone with other surroundings. Wheelhouse and environments are those of this checkout; the environment is compared with its wheels in each run. Killed
and started again, on another day or machine too, it goes on with the runs that are missing: what is made again is the release's own commit, and each run names
the commit of the program that made it. Another record or level begins a new series.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from pipeline.progress import bar
from pipeline.release.record.folder import find
from pipeline.repository import commit
from pipeline.run import REPOSITORY, available_workers, read_json, write_json

SCHEMA = "thoratrace/reproduction-series/2"
FOLDERS = ("a", "b/deep/down/below", "with a space", "Ünïcode-放射線", "x" * 60)
ZONES = ("UTC", "Asia/Taipei", "America/St_Johns", "Pacific/Kiritimati", "Asia/Kathmandu", "Pacific/Pago_Pago", "Europe/Berlin")
SEEDS = ("random", "0", "1", "42", "4294967295", "7", "123456", "99991")


def main():
    """Run what is missing of the series, write it after each run, and print the sum; 0 where every run said PASS."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("version")
    parser.add_argument("--level", choices=("eval", "train"), default="eval")
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--place", type=Path, default=None, help="folder for clones and throw-away folders")
    parser.add_argument("--out", type=Path, default=None)
    chosen = parser.parse_args()
    out = chosen.out or REPOSITORY / "evidence" / "reproduction" / f"{chosen.version}-{chosen.level}.json"
    series = begun(out, chosen)
    with bar("reproductions") as report:
        for number in range(len(series["runs"]), chosen.runs):
            report(number, chosen.runs, json.dumps(surroundings(number), ensure_ascii=False))
            series["runs"].append(one(chosen, number))
            write_json(out, series | {"passed": passed(series)})
        report(chosen.runs, chosen.runs, "")
    sys.stdout.write(
        f"{passed(series)} of {len(series['runs'])} PASS, level {chosen.level}, slowest {slowest(series):.0f} s: {out.name}\n"
    )
    sys.exit(0 if passed(series) == len(series["runs"]) >= chosen.runs else 1)


def begun(out, chosen):
    """Return the series so far, or a new one where that was of another record or level."""
    record = find(REPOSITORY, chosen.version).record()
    head = {
        "schema": SCHEMA,
        "release": record.title,
        "record_sha256": record.sha256,
        "level": chosen.level,
    }
    kept = read_json(out) if out.is_file() else {"runs": []}
    same = all(kept.get(name) == head[name] for name in ("schema", "record_sha256", "level"))
    return head | {"runs": kept["runs"] if same else []}


def surroundings(number):
    """Return folder, time zone, locale and hash seed of a run: no two runs share all of them."""
    locales = ("C", "C.UTF-8", "POSIX", *others())
    return {
        "folder": FOLDERS[number % len(FOLDERS)],
        "TZ": ZONES[number % len(ZONES)],
        "LC_ALL": locales[number % len(locales)],
        "PYTHONHASHSEED": SEEDS[number % len(SEEDS)],
    }


def others():
    """Return up to three further locales of this machine."""
    listed = subprocess.run(["locale", "-a"], capture_output=True, text=True, check=False).stdout.splitlines()
    return sorted(name for name in listed if name not in {"C", "C.UTF-8", "C.utf8", "POSIX"})[:3]


def one(chosen, number):
    """Make the release again once and return surroundings, verdict and seconds."""
    around = surroundings(number)
    above = Path(tempfile.mkdtemp(prefix="tt-series-", dir=chosen.place))
    try:
        clone = above / around["folder"]
        throw_away = above / "t"
        throw_away.mkdir()
        lay_out(chosen.version, clone)
        start = time.monotonic()
        found = reproduced(chosen, clone, throw_away, around)
        found["seconds_in_all"] = round(time.monotonic() - start, 1)
    finally:
        shutil.rmtree(above, ignore_errors=True)
    return {"surroundings": around, **circumstances(), **found}


def circumstances():
    """Return when, by which program and on what kind of machine a run is made."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": commit(REPOSITORY),
        "cores": available_workers(),
        "processor": platform.machine(),
    }


def lay_out(version, clone):
    """Clone the last commit, without what a clone does not have, and bring the release's folders where they are not committed."""
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(REPOSITORY), str(clone)], check=True)
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout.strip()
    subprocess.run(["git", "checkout", "--quiet", "--detach", head], cwd=clone, check=True)
    folder = find(REPOSITORY, version)
    for path in {folder.path, folder.archive}:
        target = clone / path.relative_to(REPOSITORY)
        if not target.exists():
            shutil.copytree(path, target)


def reproduced(chosen, clone, throw_away, around):
    """Start the clone's own program with other surroundings, and return what it says."""
    names = {name: value for name, value in around.items() if name != "folder"}
    environment = {**os.environ, **names, "PYTHONPATH": str(clone), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pipeline.cli", "release", "reproduce", chosen.version, "--level", chosen.level, "--json"]
    command += ["--place", str(throw_away), "--supplies", str(REPOSITORY / "artifacts")]
    done = subprocess.run(command, cwd=clone, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    try:
        found = json.loads(done.stdout)
    except ValueError:
        found = {"verdict": "no verdict", "reasons": [f"exit code {done.returncode}"], "equal": 0, "seconds": {}}
    return {name: found[name] for name in ("verdict", "reasons", "equal", "seconds")}


def passed(series):
    return sum(run["verdict"] == "PASS" for run in series["runs"])


def slowest(series):
    return max((run["seconds_in_all"] for run in series["runs"]), default=0.0)


if __name__ == "__main__":
    main()
