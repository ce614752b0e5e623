"""How many small errors in the safety-relevant code the tests would notice: the mutation score, by mutmut, of device, risk engine and trace gate.

A mutant is the source with one operator, constant, argument or branch changed. It is killed when a test fails. What survives is either a gap of the
tests or a change without effect; both count against the score, none is excused. Mutants whose tests run out of time count as killed and are told apart.

    python -m tests.benchmarks.mutation_score --group device --copy FOLDER --out evidence/mutation_score/device.json

The copy is a clone made for it; running the command again goes on where it stopped. ``--sample N`` tries N mutants drawn at random instead of all,
and the score then carries its 95 % interval (Wilson).
"""

from __future__ import annotations

import argparse
import json
import math
import random
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mutmut.stats import status_by_exit_code

ROOT = Path(__file__).resolve().parents[2]
GOAL = 0.9
CORE = (
    "anomalies", "assembly", "case", "cucumber", "evidence", "features", "gate", "graph", "identity", "junit", "keys", "lineage", "outcomes", "people",
    "plain_gherkin", "tool_validation",
)  # fmt: skip
CORE_TESTS = (
    "anomalies", "cucumber", "features", "gate", "graph", "identity", "keys", "lineage", "outcomes", "people", "plain_gherkin", "tool_validation",
)  # fmt: skip
RECORDS = ("approvals", "baseline", "bridges", "duties", "obligations", "records", "seeded", "subjects", "switches")
RECORDS_TESTS = ("approvals", "assertions", "bridges", "obligations", "records", "seeded", "switches")


@dataclass(frozen=True)
class Group:
    """What is mutated, and the tests that have to notice."""

    source: str
    modules: tuple[str, ...]
    tests: tuple[str, ...]
    without: tuple[str, ...] = ()


GROUPS = {
    "device": Group(
        "device_sw",
        ("device_sw/dicom/admission.py", "device_sw/detector/bundle.py"),
        (
            "tests/device_sw/dicom/test_admission.py",
            "tests/device_sw/dicom/test_polarity.py",
            "tests/device_sw/detector/test_bundle.py",
        ),
    ),
    "risk": Group(
        "risk",
        tuple(f"risk/{name}.py" for name in ("arising", "criteria", "estimate", "evaluation", "labelling", "links", "review")),
        ("tests/risk",),
        ("test_engine_and_oracle_agree_on_everything_in_ten_thousand_files",),
    ),
    "trace": Group(
        "verification/trace",
        ("verification/trace/checks/*.py", *(f"verification/trace/{name}.py" for name in CORE)),
        tuple(f"tests/verification/trace/test_{name}.py" for name in CORE_TESTS),
    ),
    "records": Group(
        "verification/trace",
        tuple(f"verification/trace/{name}.py" for name in RECORDS),
        tuple(f"tests/verification/trace/test_{name}.py" for name in RECORDS_TESTS),
    ),
}


def main() -> int:
    """Run or go on with a group's study, and write the score; 0 where the goal is met."""
    options = _options()
    group = GROUPS[options.group]
    copy = options.copy.resolve()
    _prepare(copy, group)
    if not _mutants(copy):
        _mutmut(copy, options.workers, ["no.such.mutant"])
    chosen = _chosen(_mutants(copy), options.sample, options.seed)
    _mutmut(copy, options.workers, [name for name in chosen if _mutants(copy)[name] == "not checked"])
    summary = _summary(options.group, {name: _mutants(copy)[name] for name in chosen}, len(_mutants(copy)), options, copy)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(summary, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
    print(json.dumps({key: summary[key] for key in ("group", "tried", "killed", "score", "interval_95")}))  # noqa: T201  the result
    return 0 if summary["score"] is not None and summary["score"] >= GOAL else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--group", choices=sorted(GROUPS), required=True)
    parser.add_argument("--copy", type=Path, required=True, help="folder for the clone that is mutated")
    parser.add_argument("--out", type=Path, required=True, help="JSON file for the score")
    parser.add_argument("--sample", type=int, default=0, help="mutants drawn at random; 0 for all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    return parser.parse_args()


def _prepare(copy: Path, group: Group) -> None:
    """Clone the committed state and tell mutmut what to change; a copy that is there is used as it is."""
    if (copy / "pyproject.toml").exists():
        return
    subprocess.run(["git", "clone", "-q", str(ROOT), str(copy)], check=True)
    others = sorted(
        path.name for path in copy.iterdir() if path.name not in {".git", group.source.split("/")[0], "tests", "pyproject.toml"}
    )
    left_out = ["-k", " and ".join(f"not {name}" for name in group.without)] if group.without else []
    settings = {
        "source_paths": [group.source],
        "only_mutate": list(group.modules),
        "also_copy": [*others, *_siblings(copy, group.source)],
        "pytest_add_cli_args": ["-p", "no:cacheprovider", "-q", "-x", *left_out],
        "pytest_add_cli_args_test_selection": list(group.tests),
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    with (copy / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write("\n[tool.mutmut]\n" + "\n".join(lines) + "\n")


def _siblings(copy: Path, source: str) -> list[str]:
    """Return what lies beside a source that is only a part of its package."""
    parts = source.split("/")
    return [parts[0]] if len(parts) > 1 and (copy / parts[0]).is_dir() else []


def _mutants(copy: Path) -> dict[str, str]:
    """Return every mutant that was made, with what came of it."""
    found: dict[str, str] = {}
    for path in sorted((copy / "mutants").rglob("*.meta")):
        codes = json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"]
        found.update({name: status_by_exit_code[code] for name, code in codes.items()})
    return found


def _chosen(mutants: dict[str, str], sample: int, seed: int) -> list[str]:
    names = sorted(mutants)
    return names if not sample or sample >= len(names) else sorted(random.Random(seed).sample(names, sample))


def _mutmut(copy: Path, workers: int, names: list[str]) -> None:
    """Try the named mutants, in portions, so that an interruption costs one portion."""
    for start in range(0, len(names), 200):
        command = [sys.executable, "-m", "mutmut", "run", "--max-children", str(workers), *names[start : start + 200]]
        subprocess.run(command, cwd=copy, stdout=sys.stderr, check=False)


def _summary(group: str, tried: dict[str, str], made: int, options: argparse.Namespace, copy: Path) -> dict[str, object]:
    outcomes = Counter(tried.values())
    killed = outcomes["killed"] + outcomes["timeout"] + outcomes["segfault"]
    judged = sum(count for status, count in outcomes.items() if status not in {"not checked", "check was interrupted by user"})
    by_module: dict[str, Counter[str]] = defaultdict(Counter)
    for name, status in tried.items():
        by_module[name.rsplit(".", 1)[0]][status] += 1
    commit = subprocess.run(
        ["git", "-C", str(copy), "rev-parse", "HEAD"], capture_output=True, text=True, check=True
    ).stdout.strip()
    return {
        "schema": "thoratrace/mutation-score/1",
        "group": group,
        "date": datetime.now(UTC).date().isoformat(),
        "commit": commit,
        "mutants_made": made,
        "sample": options.sample or None,
        "seed": options.seed if options.sample else None,
        "tried": judged,
        "not_tried": len(tried) - judged,
        "killed": killed,
        "outcomes": dict(sorted(outcomes.items())),
        "score": round(killed / judged, 4) if judged else None,
        "interval_95": _wilson(killed, judged) if options.sample and judged else None,
        "modules": {module: dict(sorted(counts.items())) for module, counts in sorted(by_module.items())},
        "survivors": sorted(name for name, status in tried.items() if status in {"survived", "no tests", "suspicious"}),
    }


def _wilson(successes: int, trials: int) -> list[float]:
    """Return the 95 % interval of a proportion (Wilson, JASA 22 (1927) 209)."""
    z = 1.959964
    share = successes / trials
    middle = share + z * z / (2 * trials)
    spread = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    return [round((middle + sign * spread) / (1 + z * z / trials), 4) for sign in (-1, 1)]


if __name__ == "__main__":
    sys.exit(main())
