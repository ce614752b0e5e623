"""Builds the technical file of the checkout it lies in and says what each part cost: ``python -m tests.benchmarks.shipped_file SAID [--as-it-lies]``.

The parts are the steps that the build itself reports, so nothing is measured that a user would not wait for. Reading, writing pages and building HTML are the
cost of the HTML; translating and setting are the cost of all PDFs, with record, front page, checksums and the check of every link.
"""

from __future__ import annotations

import json
import sys
import time
from itertools import pairwise
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from typing import TYPE_CHECKING, Any

from pipeline import technical_file
from pipeline.dossier import subject

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parents[2]
HTML = ("reading specification, risk file and evidence", "writing pages", "building HTML")
AS_IT_LIES = "--as-it-lies"


def build() -> dict[str, Any]:
    """Build the file from nothing and return seconds of wall and processor time for each part, for the HTML and for all PDFs."""
    ticks: list[tuple[str, float, float]] = []
    technical_file.build(ROOT, lambda _done, _total, text: ticks.append((text, time.perf_counter(), processor())))
    return costs(ticks)


def costs(ticks: Sequence[tuple[str, float, float]]) -> dict[str, Any]:
    """Return what lies between the ticks, each of which is the start of a part; the last is the end.

    >>> costs([("building HTML", 1.0, 0.5), ("setting PDF", 3.0, 2.0), ("technical file built", 4.0, 2.5)])["pdf"]
    {'wall_s': 1.0, 'cpu_s': 0.5}
    """
    parts = {text: _cost(after[1] - wall, after[2] - cpu) for (text, wall, cpu), after in pairwise(ticks)}
    return {"parts": parts, "html": _sum(parts, HTML), "pdf": _sum(parts, [name for name in parts if name not in HTML])}


def _sum(parts: dict[str, dict[str, float]], names: Sequence[str]) -> dict[str, float]:
    found = [parts[name] for name in names if name in parts]
    return _cost(sum(each["wall_s"] for each in found), sum(each["cpu_s"] for each in found))


def _cost(wall: float, cpu: float) -> dict[str, float]:
    return {"wall_s": round(wall, 3), "cpu_s": round(cpu, 3)}


def processor() -> float:
    """Return seconds of processor time so far, children included."""
    return sum(each.ru_utime + each.ru_stime for each in map(getrusage, (RUSAGE_SELF, RUSAGE_CHILDREN)))


if __name__ == "__main__":
    if AS_IT_LIES in sys.argv:
        subject.require_one_build = lambda _root, _book: None
    Path(sys.argv[1]).write_text(json.dumps(build()), encoding="utf-8")
