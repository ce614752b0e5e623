"""Measures the trace gate on generated projects, and four public tools on the same graph in the same run.

    python -m tests.benchmarks.trace_speed --sizes 1000,10000,100000 --work FOLDER --peers FOLDER --out evidence/trace_speed/speed.json

Every figure is of a whole process: wall time, processor time (user and system, children included) and peak resident memory, the median of the
repetitions. Where other work shares the machine, wall time grows and processor time hardly does; both are kept, with the load at the time. The file is
written after each step, and steps that are in it already are not run again, so a long run can be resumed; ``--again PREFIX`` repeats steps.

A re-check edits one requirement of one file after a check that left its readings, so that everything else may be recalled from them. The edit makes the
evidence stale, as any edit of a requirement does.

Peers come from PyPI into a virtual environment under ``--peers``; sphinx-needs is the one of our own lock. What cannot be installed or fails is
reported with its error.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.benchmarks import peer_projects
from tests.benchmarks.generated_project import Mix, write_project

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Written = tuple[Callable[[Path, Mix], None], list[str]]
    """How a peer's project is written, and the command that is measured."""

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SCHEMA = "thoratrace/trace-speed/1"
PACKAGES = {"strictdoc": "strictdoc==0.30.4", "doorstop": "doorstop==3.2", "jamb": "jamb==2.0.0"}
JAMB_PURE = ("click", "jinja2", "openpyxl", "pytest", "pyyaml", "tomlkit")
"""What jamb 2.0.0 needs besides quarto-cli, whose build downloads a binary."""


@dataclass(frozen=True)
class Cost:
    """What one process took: seconds of wall and processor time, MB (10^6 bytes) of peak memory, exit status, and the end of what it said."""

    wall: float
    cpu: float
    peak_mb: float
    status: int
    said: str


def measure(command: Sequence[str], folder: Path, limit: float) -> Cost:
    """Run a command and return its cost; status 124 where it ran into the limit (seconds)."""
    log = folder / ".measured.log"
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    begin = time.perf_counter()
    with log.open("wb") as sink:
        process = subprocess.Popen(
            list(command), cwd=folder, stdout=sink, stderr=subprocess.STDOUT, env=environment, start_new_session=True
        )
        ended = _waited(process, begin + limit)
    wall = time.perf_counter() - begin
    said = log.read_text(encoding="utf-8", errors="replace")[-4000:]
    log.unlink()
    if ended is None:
        return Cost(wall, math.nan, math.nan, 124, said)
    status, usage = ended
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6, os.waitstatus_to_exitcode(status), said)


def apart(work: Callable[..., object], *arguments: object) -> None:
    """Do something in a process of its own: the system counts the memory of whoever starts a measured process as that process's own."""
    process = multiprocessing.get_context("spawn").Process(target=work, args=arguments)
    process.start()
    process.join()
    if process.exitcode:
        raise RuntimeError(f"{work.__name__} ended with {process.exitcode}")


def _waited(process: subprocess.Popen[bytes], until: float) -> Any:
    while time.perf_counter() < until:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return status, usage
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return None


class Book:
    """The results file; each step is written when it is done."""

    def __init__(self, path: Path, again: str, schema: str = SCHEMA) -> None:
        self._path = path
        self.data: dict[str, Any] = (
            json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"schema": schema, "steps": {}}
        )
        if again:
            self.data["steps"] = {name: step for name, step in self.data["steps"].items() if not name.startswith(again)}
        self.data["machine"] = {"processors": os.cpu_count(), "python": sys.version.split()[0], "system": sys.platform}

    def step(self, name: str, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return the step's result, from the file or by doing it."""
        if name not in self.data["steps"]:
            print(name, flush=True)  # noqa: T201 - a command's progress
            load = os.getloadavg()[0]
            self.data["steps"][name] = {**work(), "load_at_start": round(load, 1)}
            self.save()
        return self.data["steps"][name]

    def save(self) -> None:
        """Write the file whole."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_suffix(".part")
        draft.write_text(json.dumps(self.data, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        draft.replace(self._path)


def figures(costs: Sequence[Cost]) -> dict[str, Any]:
    """Return the medians of repetitions."""
    return {
        "wall_s": round(statistics.median(cost.wall for cost in costs), 3),
        "cpu_s": round(statistics.median(cost.cpu for cost in costs), 3),
        "least_wall_s": round(min(cost.wall for cost in costs), 3),
        "peak_mb": round(max(cost.peak_mb for cost in costs), 1),
        "repetitions": len(costs),
        "status": sorted({cost.status for cost in costs}),
    }


def ours(book: Book, work: Path, size: int, repetitions: int) -> None:
    """Measure full check, check without change, re-check after one edit, and matrix on one size."""
    root = work / f"project_{size}"
    if not root.exists():
        apart(write_project, root, size)
    command = [sys.executable, str(HERE / "one_check.py"), str(root)]

    def full() -> dict[str, Any]:
        costs = [measure(command, root, 600) for _ in range(repetitions + 1)][1:]
        return {**figures(costs), **json.loads(costs[-1].said)}

    def unchanged() -> dict[str, Any]:
        costs = [measure([*command, "--recall"], root, 600) for _ in range(repetitions + 1)][1:]
        return {**figures(costs), **json.loads(costs[-1].said)}

    def edited(name: str, old: str, new: str) -> Callable[[], dict[str, Any]]:
        def run() -> dict[str, Any]:
            path, costs = root / name, []
            before = path.read_text(encoding="utf-8")
            for number in range(repetitions):
                path.write_text(before, encoding="utf-8")
                measure([*command, "--recall"], root, 600)
                path.write_text(before.replace(old, f"{new} {number}", 1), encoding="utf-8")
                costs.append(measure([*command, "--recall"], root, 600))
            path.write_text(before, encoding="utf-8")
            return {**figures(costs), **json.loads(costs[-1].said), "edited": name}

        return run

    book.step(f"ours/{size}/full", full)
    book.step(f"ours/{size}/unchanged", unchanged)
    data = "requirements_spec/data/software_requirements/file_0000.toml"
    book.step(f"ours/{size}/one requirement edited", edited(data, "The device shall answer", "The device shall answer quickly"))
    feature = "verification/features/file_0000.feature"
    book.step(f"ours/{size}/one scenario edited", edited(feature, "When it is analysed", "When it is analysed again"))
    words = ("The device shall answer", "The device shall answer quickly")
    book.step(f"ours/{size}/one requirement edited, watched", lambda: _watched(root, data, *words))
    step = ("When it is analysed", "When it is analysed again")
    book.step(f"ours/{size}/one scenario edited, watched", lambda: _watched(root, feature, *step))
    if size <= 10_000:
        book.step(f"ours/{size}/matrix", lambda: _matrix(command, root))


def _watched(root: Path, name: str, old: str, new: str) -> dict[str, Any]:
    """Return what a watching gate takes from the saved file to the verdict."""
    load = round(os.getloadavg()[0], 1)
    cost = measure([sys.executable, str(HERE / "one_watch.py"), str(root), name, old, new, "7"], root, 600)
    told = json.loads(cost.said) if cost.status == 0 else {"error": cost.said[-400:]}
    return {**told, "peak_mb": round(cost.peak_mb, 1), "load_at_start": load, "edited": name}


def _matrix(command: Sequence[str], root: Path) -> dict[str, Any]:
    cost = measure([*command, "--matrix"], root, 600)
    return {**figures([cost]), **(json.loads(cost.said) if cost.status == 0 else {"error": cost.said[-400:]})}


def install(folder: Path, packages: Mapping[str, str] = PACKAGES) -> dict[str, Any]:
    """Make the peers' environment and return what was installed and what was not."""
    python = folder / "venv" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
    outcome: dict[str, Any] = {}
    for name, package in packages.items():
        done = _pip(python, package)
        outcome[name] = {"package": package, "installed": done.returncode == 0}
        if done.returncode != 0:
            outcome[name]["error"] = done.stderr.strip().splitlines()[-1]
            if name == "jamb" and _pip(python, *JAMB_PURE).returncode == 0 and _pip(python, "--no-deps", package).returncode == 0:
                outcome[name] |= {"installed": True, "note": "without its dependency quarto-cli"}
    return outcome


def _pip(python: Path, *packages: str) -> subprocess.CompletedProcess[str]:
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def peers(book: Book, work: Path, folder: Path, size: int, limit: float) -> None:
    """Measure each peer cold on the same graph."""
    mix = Mix(size)
    for name, (write, command) in peer_runs(folder).items():
        book.step(
            f"peer/{size}/{name}",
            lambda name=name, write=write, command=command: _peer(work, size, name, mix, write, command, limit),
        )


def peer_runs(folder: Path) -> dict[str, Written]:
    """Return what is measured of each peer whose environment lies in ``folder``."""
    tools = folder / "venv" / "bin"
    return {
        "sphinx-needs html": (
            peer_projects.write_sphinx_needs,
            [sys.executable, "-m", "sphinx", "-q", "-E", "-b", "html", ".", "_out"],
        ),
        "sphinx-needs needs.json": (
            peer_projects.write_sphinx_needs,
            [sys.executable, "-m", "sphinx", "-q", "-E", "-b", "needs", ".", "_json"],
        ),
        "strictdoc export": (peer_projects.write_strictdoc, [str(tools / "strictdoc"), "export", ".", "--output-dir", "_out"]),
        "doorstop validate": (peer_projects.write_doorstop, [str(tools / "doorstop"), "-F", "-q"]),
        "jamb validate": (peer_projects.write_jamb, [str(tools / "jamb"), "validate"]),
    }


def _peer(  # noqa: PLR0917 - the parts of one measurement
    work: Path, size: int, name: str, mix: Mix, write: Callable[[Path, Mix], None], command: list[str], limit: float
) -> dict[str, Any]:
    root = work / f"peer_{size}_{name.replace(' ', '_')}"
    shutil.rmtree(root, ignore_errors=True)
    apart(write, root, mix)
    cost = measure(command, root, limit)
    items, links = peer_projects.counts(mix)
    shutil.rmtree(root, ignore_errors=True)
    result = {
        "items_of_the_graph": items,
        "links_of_the_graph": links,
        "command": " ".join([Path(command[0]).name, *command[1:]]),
    }
    if cost.status == 124:
        return {**result, "error": f"not finished after {limit:.0f} s", "wall_s_at_least": round(cost.wall, 1)}
    return {**result, **figures([cost]), **({"error": cost.said[-400:]} if cost.status not in {0, 1} else {})}


def summarise(book: Book) -> None:
    """Add slopes and ratios; both from processor time and from wall time."""
    steps = book.data["steps"]
    full = {int(name.split("/")[1]): step for name, step in steps.items() if name.startswith("ours/") and name.endswith("/full")}
    summary: dict[str, Any] = {}
    for measure_name in ("cpu_s", "wall_s"):
        if len(full) > 1:
            points = [(math.log(size), math.log(step[measure_name])) for size, step in sorted(full.items())]
            summary[f"slope_{measure_name}"] = round(statistics.linear_regression(*zip(*points, strict=True)).slope, 3)
            ends = (points[0], points[-1])
            summary[f"slope_between_ends_{measure_name}"] = round((ends[1][1] - ends[0][1]) / (ends[1][0] - ends[0][0]), 3)
    ratios: dict[str, dict[str, float]] = {}
    for name, step in steps.items():
        if name.startswith("peer/") and "cpu_s" in step and "error" not in step and int(name.split("/")[1]) in full:
            own = full[int(name.split("/")[1])]
            ratios[name] = {key: round(step[key] / own[key], 1) for key in ("wall_s", "cpu_s")}
    book.data["summary"] = {**summary, "peer_to_full_check": ratios}
    book.save()


def main() -> None:
    """Run the steps that are asked for and not done yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="1000,10000,100000", help="items, separated by commas")
    parser.add_argument("--peer-sizes", default="1000,10000", help="sizes for the peers")
    parser.add_argument("--peers", type=Path, help="folder for the peers' environment; without it they are not measured")
    parser.add_argument("--peer-limit", type=float, default=600, help="seconds after which a peer is stopped")
    parser.add_argument("--work", type=Path, required=True, help="folder for the generated projects")
    parser.add_argument("--out", type=Path, default=ROOT / "evidence" / "trace_speed" / "speed.json")
    parser.add_argument("--again", default="", help="repeat the steps whose names begin like this")
    parser.add_argument("--repetitions", type=int, default=3)
    options = parser.parse_args()
    book = Book(options.out, options.again)
    options.work.mkdir(parents=True, exist_ok=True)
    for size in [int(each) for each in options.sizes.split(",") if each]:
        ours(book, options.work.resolve(), size, options.repetitions if size <= 10_000 else 1)
    if options.peers:
        options.peers.mkdir(parents=True, exist_ok=True)
        book.step("peers installed", lambda: install(options.peers.resolve()))
        for size in [int(each) for each in options.peer_sizes.split(",") if each]:
            peers(book, options.work.resolve(), options.peers.resolve(), size, options.peer_limit)
    summarise(book)
    print(json.dumps(book.data["summary"], indent=1))  # noqa: T201 - a command's result


if __name__ == "__main__":
    main()
