"""How many small errors in the safety-relevant code the tests would notice: the mutation score of device, risk engine and trace gate.

A mutant is the source with one operator, constant, argument or branch changed, as mutmut does it. It is killed when a test fails. The tests of a
mutant are those that were seen to run the statement it changes, the quickest first, and no more than a budget of seconds of them: a figure found so
can only be too low. Mutants whose tests run out of time count as killed and are told apart. What survives is either a gap of the tests or a change
without effect; the second are listed with a reason in ``evidence/mutation_score/equivalent.toml``, and both scores are given.

    python -m tests.benchmarks.mutation_score --group trace --copy FOLDER --out evidence/mutation_score/trace.json --sample 300 --seed 1

The copy is a clone made for it; running the command again goes on where it stopped, and after a commit that changes tests only it takes these tests
over and tries the survivors again where ``--survivors`` is given. ``--sample N`` tries N mutants drawn at random, of every module in proportion to
its mutants, instead of all; the score then carries its 95 % interval (Clopper-Pearson).

Source: Clopper and Pearson, Biometrika 26 (1934) 404.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import subprocess
import sys
import tomllib
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import coverage
import grimp
from scipy.stats import beta

from tests.benchmarks.mutant_reach import FIXTURE
from tests.benchmarks.mutant_sources import Mutant, mutate

ROOT = Path(__file__).resolve().parents[2]
GOAL = 0.9
EQUIVALENT = ROOT / "evidence" / "mutation_score" / "equivalent.toml"
BUDGET_SECONDS = 8.0
KILLED = frozenset({"killed", "timeout"})


@dataclass(frozen=True)
class Group:
    """What is mutated, and the tests of which those that reach a mutant have to notice it.

    Attributes:
        modules: dotted; a name with ``*`` before it stands for what it imports of the packages of the group, and itself.
        packages: those that may be mutated.
        tests: files or folders.
        without: files and tests that cost more than the budget of a mutant.
    """

    modules: tuple[str, ...]
    packages: tuple[str, ...]
    tests: tuple[str, ...]
    without: tuple[str, ...] = ()


TRACE = "tests/verification/trace"
GROUPS = {
    "device": Group(
        ("device_sw.dicom.admission", "device_sw.detector.bundle"),
        ("device_sw",),
        (
            "tests/device_sw/dicom/test_admission.py",
            "tests/device_sw/dicom/test_orientation.py",
            "tests/device_sw/detector/test_bundle.py",
        ),
    ),
    "risk": Group(
        tuple(f"risk.{name}" for name in ("arising", "criteria", "estimate", "evaluation", "labelling", "links", "review")),
        ("risk",),
        ("tests/risk",),
        ("tests/risk/test_random_files.py::test_engine_and_oracle_agree_on_everything_in_ten_thousand_files",),
    ),
    "trace": Group(
        ("*verification.trace.gate", "*verification.trace.cucumber"),
        ("verification.trace", "requirements_spec"),
        (TRACE, "tests/requirements_spec"),
        (
            *(
                f"{TRACE}/test_{name}.py"
                for name in (
                    "chain_mutants",
                    "impact",
                    "matrix_browser",
                    "mutants",
                    "step_use",
                    "truth_table",
                    "verification_run",
                )
            ),
            f"{TRACE}/exchange",
            f"{TRACE}/test_bad_input.py::test_any_bytes_in_any_file_never_raise_out_of_the_gate",
            f"{TRACE}/test_risk_duties.py::test_every_sentence_of_the_shipped_file_is_needed_on_the_page",
            f"{TRACE}/test_plain_gherkin.py::test_it_agrees_on_nearly_plain_text",
            f"{TRACE}/test_plain_gherkin.py::test_it_agrees_on_lines_in_any_order",
        ),
    ),
}


def main() -> int:
    """Run or go on with a group's study, and write the score; 0 where the goal is met."""
    options = _options()
    group, study = GROUPS[options.group], Study(options.copy.resolve())
    if not options.report:
        study.prepare(group)
        study.take_over_tests(group)
    mutants = study.mutants()
    chosen = mutants if not options.sample else drawn(mutants, options.sample, options.seed)
    if options.survivors:
        study.forget_survivors()
    if not options.report:
        study.run(chosen)
    summary = _summary(options, study, mutants, chosen)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(summary, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
    print(json.dumps({key: summary[key] for key in ("group", "tried", "killed", "score", "interval_95", "not_equivalent")}))  # noqa: T201  the result
    return 0 if summary["not_equivalent"]["score"] >= GOAL else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--group", choices=sorted(GROUPS), required=True)
    parser.add_argument("--copy", type=Path, required=True, help="folder for the clone that is mutated")
    parser.add_argument("--out", type=Path, required=True, help="JSON file for the score")
    parser.add_argument("--sample", type=int, default=0, help="mutants drawn at random; 0 for all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--survivors", action="store_true", help="try survivors again")
    parser.add_argument("--report", action="store_true", help="only write the score of what was tried so far")
    return parser.parse_args()


class Study:
    """A clone with all mutants in it, what reaches them, and what came of those tried."""

    def __init__(self, copy: Path) -> None:
        self.copy = copy
        self.kept = copy / ".mutation"
        self.results = self.kept / "results.jsonl"

    def prepare(self, group: Group) -> None:
        """Clone the committed state and write every mutant into it; what is there is used as it is."""
        if (self.kept / "mutants.json").exists():
            return
        subprocess.run(["git", "clone", "-q", str(ROOT), str(self.copy)], check=True)
        self.kept.mkdir()
        (self.copy / ".git" / "info" / "exclude").write_text(".mutation/\n.venv\n", encoding="utf-8")
        made: list[Mutant] = []
        for path in modules(self.copy, group):
            text, mutants = mutate(self.copy, path)
            (self.copy / path).write_text(text, encoding="utf-8")
            made.extend(mutants)
        (self.kept / "sources.commit").write_text(_commit(self.copy), encoding="utf-8")
        self._commit(_commit(self.copy))
        (self.kept / "mutants.json").write_text(json.dumps([asdict(each) for each in made], indent=1) + "\n", encoding="utf-8")

    def take_over_tests(self, group: Group) -> None:
        """Bring the copy's tests to the committed state, and see what those that changed reach."""
        state = self.kept / "tests.commit"
        before, now = state.read_text(encoding="utf-8") if state.exists() else "", _commit(ROOT)
        changed = list(group.tests)
        if before:
            listed = subprocess.run(
                ["git", "-C", str(ROOT), "diff", "--name-only", before, now, "--", *group.tests],
                capture_output=True,
                text=True,
                check=True,
            ).stdout.split()
            changed = [each for each in listed if Path(each).name.startswith("test_") and (ROOT / each).exists()]
            subprocess.run(["git", "-C", str(self.copy), "fetch", "-q", "origin", now], check=True)
            subprocess.run(["git", "-C", str(self.copy), "checkout", now, "--", "tests"], check=True)
            self._commit(now)
        if changed:
            number = len(list(self.kept.glob("reach-*.json")))
            paths = sorted({str(self.copy / each.path) for each in self.mutants()})
            without = [f"--{'deselect' if '::' in each else 'ignore'}={each}" for each in group.without]
            self._python("mutant_reach", str(self.kept / f"reach-{number:03}"), ",".join(paths), *without, *changed)
        state.write_text(now, encoding="utf-8")

    def commit(self, of: str) -> str:
        """Return the commit that the ``sources`` or the ``tests`` are of."""
        return (self.kept / f"{of}.commit").read_text(encoding="utf-8")

    def mutants(self) -> list[Mutant]:
        """Return every mutant that was made."""
        listed = json.loads((self.kept / "mutants.json").read_text(encoding="utf-8"))
        return [Mutant(**each | {"lines": tuple(each["lines"])}) for each in listed]

    def tried(self) -> dict[str, dict]:
        """Return what came of each mutant tried."""
        lines = self.results.read_text(encoding="utf-8").splitlines() if self.results.exists() else []
        return {each["mutant"]: each for each in map(json.loads, lines)}

    def forget_survivors(self) -> None:
        """Let the mutants that no test killed be tried again."""
        kept = [each for each in self.tried().values() if each["outcome"] in KILLED]
        self.results.write_text("".join(json.dumps(each, sort_keys=True) + "\n" for each in kept), encoding="utf-8")

    def run(self, chosen: list[Mutant]) -> None:
        """Try the mutants."""
        plan = self.kept / "plan.json"
        plan.write_text(json.dumps(Tests(self.kept, self.copy).plan(chosen), indent=1) + "\n", encoding="utf-8")
        self._python("mutant_trials", str(plan), str(self.results))

    def _python(self, module: str, *arguments: str) -> None:
        command = [sys.executable, "-m", f"tests.benchmarks.{module}", *arguments]
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        subprocess.run(command, cwd=self.copy, env=environment, stdout=sys.stderr, check=True)

    def _commit(self, of: str) -> None:
        author = ["-c", "user.name=study", "-c", "user.email=study@localhost"]
        subprocess.run(["git", "-C", str(self.copy), "add", "-A"], check=True)
        subprocess.run(
            ["git", "-C", str(self.copy), *author, "commit", "-q", "--allow-empty", "-m", f"Mutants of {of}"], check=True
        )


class Tests:
    """The tests with what they cost, and the lines that each reaches."""

    def __init__(self, kept: Path, copy: Path) -> None:
        self.copy = copy
        self.costs: dict[str, float] = {}
        self.shared: dict[str, tuple[str, ...]] = {}
        self.failed: set[str] = set()
        self.reached: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
        for path in sorted(kept.glob("reach-*.json")):
            self._add(path)
        self.users: dict[str, set[str]] = defaultdict(set)
        for test, fixtures in self.shared.items():
            for each in fixtures:
                self.users[each].add(test)

    def _add(self, path: Path) -> None:
        record = json.loads(path.read_text(encoding="utf-8"))
        again = {test.split("::")[0] for test in record["tests"]}
        for test in [each for each in self.costs if each.split("::")[0] in again]:
            del self.costs[test], self.shared[test]
        self.failed = {each for each in self.failed if each.split("::")[0] not in again}
        for test, each in record["tests"].items():
            self.costs[test], self.shared[test] = each["seconds"], tuple(each["shared"])
            if each["failed"]:
                self.failed.add(test)
        for name, seconds in record["fixtures"].items():
            self.costs[name] = seconds
        data = coverage.CoverageData(str(path.with_suffix(".coverage")))
        data.read()
        for file in data.measured_files():
            lines = self.reached[str(Path(file).relative_to(self.copy))]
            for line, contexts in data.contexts_by_lineno(file).items():
                lines[line].update(contexts)

    def plan(self, chosen: list[Mutant]) -> list[dict[str, object]]:
        """Return, for each mutant, the tests that reach it within the budget, the quickest first."""
        return [self._planned(each) for each in chosen]

    def _planned(self, mutant: Mutant) -> dict[str, object]:
        lines = self.reached[mutant.path]
        contexts = set().union(*(lines[line] for line in mutant.lines))
        fresh = "" in contexts
        if fresh:
            contexts = set().union(*lines.values())
        tests, seconds = self._affordable(contexts)
        return {"mutant": mutant.name, "tests": tests, "seconds": round(seconds, 2), "fresh": fresh}

    def _affordable(self, contexts: set[str]) -> tuple[list[str], float]:
        reaching = {each for each in contexts if each in self.shared and each in self.costs}
        reaching |= set().union(*(self.users[each] for each in contexts if each.startswith(FIXTURE)))
        chosen, total, paid = [], 0.0, set()
        for test in sorted(reaching - self.failed, key=lambda each: (self._alone(each), each)):
            new = set(self.shared[test]) - paid
            cost = self.costs[test] + sum(self.costs.get(each, 0.0) for each in new)
            if chosen and total + cost > BUDGET_SECONDS:
                break
            chosen.append(test)
            paid |= new
            total += cost
        return chosen, total

    def _alone(self, test: str) -> float:
        return self.costs[test] + sum(self.costs.get(each, 0.0) for each in self.shared[test])


def modules(root: Path, group: Group) -> list[str]:
    """Return the files of a group, sorted."""
    named = {each for each in group.modules if not each.startswith("*")}
    roots = {each[1:] for each in group.modules if each.startswith("*")}
    if roots:
        sys.path.insert(0, str(root))
        graph = grimp.build_graph(*sorted({each.split(".")[0] for each in group.packages}), cache_dir=None)
        reached = roots.union(*(graph.find_upstream_modules(each) for each in roots))
        named |= {each for each in reached if any(each.startswith(package + ".") for package in group.packages)}
    return sorted(each.replace(".", "/") + ".py" for each in named if (root / (each.replace(".", "/") + ".py")).exists())


def drawn(mutants: list[Mutant], sample: int, seed: int) -> list[Mutant]:
    """Return a random sample of every module in proportion to its mutants (largest remainders), at least one of each, in random order.

    The order matters where a study is stopped before its end: what it tried is then a random sample too.
    """
    by_module: dict[str, list[Mutant]] = defaultdict(list)
    for each in mutants:
        by_module[each.module].append(each)
    shares = {name: sample * len(own) / len(mutants) for name, own in by_module.items()}
    sizes = {name: max(1, int(share)) for name, share in shares.items()}
    for name in sorted(shares, key=lambda each: (int(shares[each]) - shares[each], each))[: max(0, sample - sum(sizes.values()))]:
        sizes[name] += 1
    draw = random.Random(seed)
    chosen = [each for name in sorted(by_module) for each in draw.sample(by_module[name], min(sizes[name], len(by_module[name])))]
    draw.shuffle(chosen)
    return chosen


def _summary(options: argparse.Namespace, study: Study, mutants: list[Mutant], chosen: list[Mutant]) -> dict[str, object]:
    tried = study.tried()
    judged = [each for each in chosen if each.name in tried]
    excused = equivalents()
    killed = [each for each in judged if tried[each.name]["outcome"] in KILLED]
    survivors = [each for each in judged if tried[each.name]["outcome"] not in KILLED]
    unable = [each for each in survivors if (each.module, each.before, each.after) in excused]
    by_module: dict[str, Counter[str]] = defaultdict(Counter)
    for each in judged:
        by_module[each.module][tried[each.name]["outcome"]] += 1
    return {
        "schema": "thoratrace/mutation-score/2",
        "group": options.group,
        "date": datetime.now(UTC).date().isoformat(),
        "command": _command(options),
        "tree": _tree(study, GROUPS[options.group]),
        "mutants_made": len(mutants),
        "sample": options.sample or None,
        "seed": options.seed if options.sample else None,
        "budget_seconds": BUDGET_SECONDS,
        "tried": len(judged),
        "not_tried": len(chosen) - len(judged),
        "killed": len(killed),
        "outcomes": dict(sorted(Counter(tried[each.name]["outcome"] for each in judged).items())),
        "score": _share(len(killed), len(judged)),
        "interval_95": clopper_pearson(len(killed), len(judged)) if options.sample and judged else None,
        "not_equivalent": {
            "tried": len(judged) - len(unable),
            "score": _share(len(killed), len(judged) - len(unable)),
            "interval_95": clopper_pearson(len(killed), len(judged) - len(unable)) if options.sample and judged else None,
        },
        "modules": {module: dict(sorted(counts.items())) for module, counts in sorted(by_module.items())},
        "survivors": [_survivor(each, tried[each.name]["outcome"], excused) for each in survivors],
    }


def _survivor(mutant: Mutant, outcome: str, excused: dict[tuple[str, str, str], str]) -> dict[str, str]:
    reason = excused.get((mutant.module, mutant.before, mutant.after))
    shown = {"mutant": mutant.name, "outcome": outcome, "before": mutant.before, "after": mutant.after}
    return shown | ({"equivalent": reason} if reason else {})


def equivalents() -> dict[tuple[str, str, str], str]:
    """Return the reason why a change has no effect, by module, line before and line after."""
    if not EQUIVALENT.exists():
        return {}
    listed = tomllib.loads(EQUIVALENT.read_text(encoding="utf-8"))["mutant"]
    return {(each["module"], each["before"], each["after"]): each["reason"] for each in listed}


def clopper_pearson(successes: int, trials: int) -> list[float]:
    """Return the exact 95 % interval of a proportion.

    >>> clopper_pearson(95, 100)
    [0.8872, 0.9836]
    """
    low = beta.ppf(0.025, successes, trials - successes + 1) if successes else 0.0
    high = beta.ppf(0.975, successes + 1, trials - successes) if successes < trials else 1.0
    return [round(float(low), 4), round(float(high), 4)]


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _command(options: argparse.Namespace) -> str:
    sample = f" --sample {options.sample} --seed {options.seed}" if options.sample else ""
    return f"python -m tests.benchmarks.mutation_score --group {options.group} --copy FOLDER --out {options.out.name}{sample}"


def _tree(study: Study, group: Group) -> dict[str, dict[str, str | None]]:
    """Return what was mutated, and the tests that had to notice it as they lie in the copy: SHA-256 of git's list of mode, blob and path.

    The commit is named where it holds exactly these files.
    """
    mutated = sorted({each.path for each in study.mutants()})
    sources = _git("ls-tree", "-r", study.commit("sources"), "--", *mutated)
    tests = _git("ls-tree", "-r", "HEAD", "--", *group.tests, root=study.copy)
    committed = _git("ls-tree", "-r", study.commit("tests"), "--", *group.tests)
    return {
        "sources": {"sha256": hashlib.sha256(sources.encode()).hexdigest(), "commit": study.commit("sources")},
        "tests": {
            "sha256": hashlib.sha256(tests.encode()).hexdigest(),
            "commit": study.commit("tests") if tests == committed else None,
        },
    }


def _commit(root: Path) -> str:
    return _git("rev-parse", "HEAD", root=root)


def _git(*arguments: str, root: Path = ROOT) -> str:
    return subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
