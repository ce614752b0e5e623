"""Whether the technical file has equal bytes wherever, whenever and by whomever it is built: HTML, PDF and JSON, every file, from clones of the commit.

    python -m tests.benchmarks.file_bytes [--out evidence/technical_file/bytes.json] [--as-it-lies]

Each place is a clone of the commit in a folder of another name, with the run's evidence copied in, and builds under its own time zone, locale, hash seed,
user, file mask and year: the clock of Python is shifted by a `sitecustomize`; the type-setter is asked for no date at all. A place that is done stands in the
report, and the command given again goes on with the others. ``--as-it-lies`` does not ask whether the run is that of the commit, which matters for what the pages say and not
for whether they are the same; the report says so.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pipeline.progress import bar
from pipeline.repository import commit
from pipeline.run import REPOSITORY, file_sha256, read_json, write_json

EVIDENCE = REPOSITORY / "evidence" / "technical_file" / "bytes.json"
RUN = (
    "bundle",
    "cohort",
    "cut_offs",
    "predictions",
    "prepared",
    "trace/check.json",
    "trace/matrix.csv",
    "trace/matrix.html",
    "trace/matrix.xlsx",
    "trace/trace.json",
    "training",
    "validation",
    "verification/verdicts.json",
)
SHIFTED = """import datetime, time
_SHIFT = {seconds}
_now = time.time
time.time = lambda: _now() + _SHIFT
class _Shifted(datetime.datetime):
    @classmethod
    def now(cls, tz=None): return cls.fromtimestamp(time.time(), tz)
    @classmethod
    def utcnow(cls): return cls.fromtimestamp(time.time(), datetime.UTC).replace(tzinfo=None)
    @classmethod
    def today(cls): return cls.now()
datetime.datetime = _Shifted
"""
BUILD = """import sys
from pathlib import Path
from pipeline import technical_file
from pipeline.dossier import subject
if sys.argv[1] == "as it lies":
    subject.require_one_build = lambda root, book: None
technical_file.build(Path.cwd())
"""


@dataclass(frozen=True)
class Place:
    """Where, when and as whom the file is built."""

    name: str
    folder: str
    variables: dict[str, str] = field(default_factory=dict)
    shift_days: int = 0
    mask: int = 0o022
    user: int | None = None


PLACES = (
    Place("plain", "one", {"TZ": "UTC", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0", "USER": "root"}),
    Place(
        "far",
        "another folder/胸部 x",
        {"TZ": "Asia/Taipei", "LC_ALL": "POSIX", "LANG": "zh_TW.Big5", "PYTHONHASHSEED": "4711", "USER": "somebody"},
        shift_days=500,
        mask=0o077,
        user=12345,
    ),
    Place(
        "west",
        "c",
        {"TZ": "America/St_Johns", "LC_ALL": "C", "PYTHONHASHSEED": "99", "USER": "x", "SOURCE_DATE_EPOCH": "1"},
        shift_days=-3000,
        mask=0o002,
    ),
)


def main() -> int:
    """Build in each place that is not done yet, compare, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=EVIDENCE)
    parser.add_argument("--as-it-lies", action="store_true", help="do not ask whether the run is that of the commit")
    chosen = parser.parse_args()
    key = {"commit": commit(REPOSITORY), "run_is": "as it lies" if chosen.as_it_lies else "that of the commit"}
    done = known(chosen.out, key)
    with bar("technical files") as report:
        for place in PLACES:
            report(len(done), len(PLACES), place.name)
            if place.name not in done:
                done[place.name] = built(place, key["run_is"])
                write_json(chosen.out, judged(key, done))
        report(len(done), len(PLACES), "compared")
    said = judged(key, done)
    sys.stdout.write(f"{said['files']} files in {len(done)} places; different: {len(said['different'])}\n")
    sys.stdout.writelines(f"  {name}\n" for name in said["different"])
    return 1 if said["different"] else 0


def known(out: Path, key: dict[str, str]) -> dict[str, dict]:
    """Return the places that a report of the same commit has."""
    report = read_json(out) if out.is_file() else {}
    return report.get("places", {}) if {name: report.get(name) for name in key} == key else {}


def judged(key: dict[str, str], places: dict[str, dict]) -> dict:
    """Return the report: each place, and every file that is not the same in all of them."""
    listings = [place["sha256"] for place in places.values()]
    names = sorted({name for listing in listings for name in listing})
    return {
        "schema": "thoratrace/file-bytes/1",
        "date": datetime.now(UTC).date().isoformat(),
        **key,
        "films_are": "phantom",
        "files": len(names),
        "different": [name for name in names if len({listing.get(name) for listing in listings}) > 1],
        "places": places,
    }


def built(place: Place, run_is: str) -> dict:
    """Return what a place gives: seconds, and the hash of every file."""
    with tempfile.TemporaryDirectory() as holder:
        root = Path(holder) / place.folder
        cloned(root)
        (root / "sitecustomize.py").write_text(SHIFTED.format(seconds=place.shift_days * 86400), encoding="utf-8")
        start = time.monotonic()
        command = [*as_user(place.user), sys.executable, "-c", BUILD, run_is]
        variables = {**os.environ, **place.variables, "HOME": str(root.parent), "PYTHONPATH": str(root)}
        subprocess.run(command, cwd=root, env=variables, umask=place.mask, check=True, stdout=subprocess.DEVNULL)
        seconds = time.monotonic() - start
        return {
            "seconds": round(seconds, 1),
            "variables": place.variables,
            "shift_days": place.shift_days,
            "sha256": hashes(root),
        }


def cloned(root: Path) -> None:
    """Clone the commit that is checked out, and copy the run's evidence into the clone."""
    root.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["git", "clone", "-q", "--shared", REPOSITORY, root], check=True)
    for name in filter(lambda name: (REPOSITORY / "artifacts" / name).exists(), RUN):
        copied(REPOSITORY / "artifacts" / name, root / "artifacts" / name)


def copied(source: Path, target: Path) -> None:
    """Copy a file or folder of the run."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)


def as_user(number: int | None) -> list[str]:
    """Return the prefix that makes a command another user's; none where the system has no such means."""
    return ["unshare", "--user", f"--map-user={number}"] if number and shutil.which("unshare") else []


def hashes(root: Path) -> dict[str, str]:
    """Return the SHA-256 of every file of the technical file."""
    folder = root / "artifacts" / "technical_file"
    return {path.relative_to(folder).as_posix(): file_sha256(path) for path in sorted(folder.rglob("*")) if path.is_file()}


if __name__ == "__main__":
    raise SystemExit(main())
