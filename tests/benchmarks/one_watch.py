"""Re-checks of a watching gate, in one process: ``python one_watch.py ROOT FILE OLD NEW REPETITIONS``; prints seconds and codes as JSON.

Each repetition edits one file of the project and asks the watch again; wall and processor time are those of looking at the files, reading and judging.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from verification.trace.case import Level
from verification.trace.watch import Watch


def main() -> None:
    """Edit, ask again, put back, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path)
    parser.add_argument("file")
    parser.add_argument("old")
    parser.add_argument("new")
    parser.add_argument("repetitions", type=int)
    options = parser.parse_args()
    watch = Watch(options.root, Level.DEVELOPMENT)
    path = options.root / options.file
    before = path.read_text(encoding="utf-8")
    wall, processor, codes = [], [], {}
    try:
        for number in range(options.repetitions):
            path.write_text(before.replace(options.old, f"{options.new} {number}", 1), encoding="utf-8")
            begun, worked = time.perf_counter(), time.process_time()
            result = watch.again()
            wall.append(time.perf_counter() - begun)
            processor.append(time.process_time() - worked)
            codes = Counter(each.code for each in result.problems) if result is not None else {}
    finally:
        path.write_text(before, encoding="utf-8")
    said = {
        "wall_s": round(statistics.median(wall), 3),
        "cpu_s": round(statistics.median(processor), 3),
        "least_wall_s": round(min(wall), 3),
        "repetitions": options.repetitions,
        "codes": dict(sorted(codes.items())),
    }
    print(json.dumps(said))  # noqa: T201 - a command's result


if __name__ == "__main__":
    main()
