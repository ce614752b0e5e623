"""Try mutants one after the other, each in a process of its own with a limit of time and memory.

    python -m tests.benchmarks.mutant_trials PLAN RESULTS

Run in the copy that is mutated. ``PLAN`` is a JSON list of ``{"mutant", "tests", "seconds", "fresh"}``: the tests in the order in which they are run
until one fails, what they take unmutated, and whether the mutant must be there while modules are imported. One line of JSON is added to ``RESULTS``
for each, and those that are there already are not tried again. A test counts as the one that kills only if it passes where no mutant is chosen.

The process of a mutant is forked from this one, which has imported all tests and run none.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import Phase, settings

ARGUMENTS = ("-x", "-q", "--no-header", "--tb=no", "-p", "no:cacheprovider", "-W", "ignore", "--hypothesis-seed=0")
SPARE_SECONDS = 15
TIMES_LONGER = 4
WALL_PER_CPU = 6
BYTES = 16 << 30
FILE_BYTES = 1 << 29
MEMORY = Path("/dev/shm")


class FirstFailure:
    """Pytest plugin that writes down the test that fails."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the name of a test that fails."""
        if report.failed and not self.path.exists():
            self.path.write_text(report.nodeid, encoding="utf-8")


def main() -> int:
    """Try what is planned and not tried yet."""
    plan = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    results = Path(sys.argv[2]).resolve()
    known = (
        {json.loads(line)["mutant"] for line in results.read_text(encoding="utf-8").splitlines()} if results.exists() else set()
    )
    due = [each for each in plan if each["mutant"] not in known]
    settings.register_profile("mutants", database=None, phases=(Phase.explicit, Phase.generate), deadline=None)
    settings.load_profile("mutants")
    files = sorted({test.split("::")[0] for each in due for test in each["tests"]})
    if files and pytest.main(["--collect-only", "-qqq", "-p", "no:cacheprovider", *files]) != pytest.ExitCode.OK:
        return 2
    sound: dict[str, bool] = {}
    for each in due:
        outcome = _tried(each)
        while outcome["test"] and not _sound(outcome["test"], sound):
            each["tests"].remove(outcome["test"])
            outcome = _tried(each)
        with results.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"mutant": each["mutant"]} | outcome, sort_keys=True) + "\n")
    return 0


def _sound(test: str, known: dict[str, bool]) -> bool:
    """Return whether a test passes where no mutant is chosen."""
    if test not in known:
        known[test] = _tried({"mutant": "none", "tests": [test], "seconds": 60, "fresh": False})["outcome"] == "survived"
    return known[test]


def _tried(each: dict) -> dict[str, object]:
    """Return what came of one mutant: killed by a test, out of time, or survived."""
    if not each["tests"]:
        return {"outcome": "no tests", "test": "", "seconds": 0.0}
    begun = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="mutant-", dir=MEMORY if MEMORY.is_dir() else None))
    pid = os.fork()
    if pid == 0:
        _child(each, folder)
    code = _waited(pid, WALL_PER_CPU * _allowed(each))
    first = folder / "first"
    test = first.read_text(encoding="utf-8") if first.exists() else ""
    shutil.rmtree(folder, ignore_errors=True)
    _clean()
    return {"outcome": _outcome(code, test), "test": test, "code": code, "seconds": round(time.monotonic() - begun, 2)}


def _outcome(code: int | None, test: str) -> str:
    if code is None or code in {-signal.SIGXCPU, -signal.SIGKILL}:
        return "timeout"
    if code == 0:
        return "survived"
    return "killed" if test or code in {1, 2} else "broken"


def _allowed(each: dict) -> int:
    return SPARE_SECONDS + int(TIMES_LONGER * each["seconds"])


def _child(each: dict, folder: Path) -> None:
    """Run the tests of one mutant and end the process with pytest's exit code."""
    os.setpgid(0, 0)
    limit = _allowed(each) + int(time.process_time())
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 1))
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES, FILE_BYTES))
    os.environ["MUTANT_UNDER_TEST"] = each["mutant"]
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    arguments = [*ARGUMENTS, f"--basetemp={folder / 'tests'}", *each["tests"]]
    if each["fresh"]:
        _fresh(arguments, sorted({test.split("::")[0] for test in each["tests"]}))
    os._exit(int(pytest.main(arguments, plugins=[FirstFailure(folder / "first")])))


def _fresh(arguments: list[str], files: list[str]) -> None:
    """Run pytest in a new interpreter; a mutant that breaks the import of a test file leaves its tests unknown, which pytest calls wrong usage."""
    code = subprocess.run([sys.executable, "-m", "pytest", *arguments], check=False).returncode
    if code == pytest.ExitCode.USAGE_ERROR:
        collected = subprocess.run(
            [sys.executable, "-m", "pytest", "--collect-only", "-p", "no:cacheprovider", *files], check=False
        )
        code = collected.returncode or code
    os._exit(code)


def _waited(pid: int, seconds: float) -> int | None:
    """Return the exit code, or None where the process and its children had to be ended."""
    deadline, pause = time.monotonic() + seconds, 0.01
    code = None
    while time.monotonic() < deadline:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            code = os.waitstatus_to_exitcode(status)
            break
        time.sleep(pause)
        pause = min(pause * 1.5, 0.2)
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return code
    if code is None:
        os.waitpid(pid, 0)
    return code


def _clean() -> None:
    """Undo what a mutant did to the copy itself."""
    status = subprocess.run(["git", "status", "--porcelain"], capture_output=True, text=True, check=True).stdout
    if status:
        subprocess.run(["git", "reset", "-q", "--hard"], check=True)
        subprocess.run(["git", "clean", "-fdq"], check=True)


if __name__ == "__main__":
    sys.exit(main())
