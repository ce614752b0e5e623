"""How fast the stand-alone verifier is on a release of 200 MB, in an interpreter of its own: goal under 5 s (issue line 5).

    python -m tests.benchmarks.verify_speed [--megabytes 200] [--runs 5] [--out evidence/verify_speed/2026-11-21.json]

Parts of 1 to 40 MB of pseudo-random bytes, half of them in the archive; wall and processor time of each run, hashing alone beside it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from pipeline.release import verifier
from pipeline.release.record.folder import replace_bytes
from tests.pipeline.release.sealed import QUALITY, Sealed, content_of

GOAL_SECONDS = 5.0


def parts_of(megabytes: int) -> dict[str, bytes]:
    """Return the parts of a release of so many megabytes."""
    draw, parts, left, number = random.Random(6), content_of(), megabytes, 0
    while left > 0:
        size = min(left, draw.randint(1, 40))
        parts[f"{('files', 'archive')[number % 2]}/large/{number:03}.bin"] = draw.randbytes(size * 10**6)
        left, number = left - size, number + 1
    return parts


def measured(command: list[str]) -> dict[str, float]:
    """Run a command and return its wall and processor seconds; it has to succeed."""
    before, began = os.times(), time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    wall, after = time.perf_counter() - began, os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return {"wall_s": round(wall, 3), "processor_s": round(used, 3)}


def study(megabytes: int, runs: int) -> dict[str, object]:
    """Return the figures of all runs."""
    with tempfile.TemporaryDirectory() as folder:
        sealed = Sealed(Path(folder), parts=parts_of(megabytes))
        size = sum(map(len, sealed.parts.values()))
        began = time.process_time()
        for content in sealed.parts.values():
            hashlib.sha256(content).hexdigest()
        alone = time.process_time() - began
        command = [
            sys.executable,
            "-I",
            verifier.__file__,
            str(sealed.folder),
            "--archive",
            str(sealed.archive),
            "--pin",
            QUALITY.key,
        ]
        found = [measured(command) for _ in range(runs)]
    walls, used = ([each[what] for each in found] for what in ("wall_s", "processor_s"))
    return {
        "what": "stand-alone verifier on a sealed folder with archive and pin, fresh interpreter each run",
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "load_average": round(os.getloadavg()[0], 1),
        "bytes": size,
        "parts": len(sealed.parts),
        "hashing_alone_processor_s": round(alone, 3),
        "runs": found,
        "median_wall_s": statistics.median(walls),
        "median_processor_s": statistics.median(used),
        "goal": {"seconds": GOAL_SECONDS, "met_by_every_run": max(walls) < GOAL_SECONDS},
        "lines_of_the_verifier": len(Path(verifier.__file__).read_text(encoding="utf-8").splitlines()),
    }


def main() -> int:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    text = json.dumps(study(given.megabytes, given.runs), indent=1, sort_keys=True) + "\n"
    if given.out:
        replace_bytes(given.out, text.encode())
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
