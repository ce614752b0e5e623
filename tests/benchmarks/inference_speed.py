"""How fast the shipped device is: the network on its engine against eager PyTorch, cold start, time a study, memory.

``python -m tests.benchmarks.inference_speed [--rounds 40] [--studies 100] [--starts 5]`` writes evidence/inference_speed/speed.json.

The network: three processes on the same cores, asked in turn film after film, so that whatever else the machine does falls on all of them:
eager PyTorch with its default settings (threads and instruction set as it chooses), eager PyTorch in the device's numeric environment, and the engine.
Wall time is what a user waits, and on a busy machine says as much about the machine; processor time is what the work costs. Both are given as
the ratio of the medians and of the least of all rounds. Cold start runs from the start of ``thoratrace analyse`` to its first result file.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median

from device_sw._version import __version__
from device_sw.launcher import MARKER, NUMERIC_ENVIRONMENT, numeric_environment

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "evidence" / "inference_speed" / "speed.json"
ENGINES = ("eager, default settings", "eager, numeric environment", "engine")
GOALS = {"speed_ratio": 2.5, "cold_start_s": 6.0, "p95_study_s": 1.5, "peak_memory_mb": 2000.0}


def main() -> None:
    """Measure and write the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--studies", type=int, default=100)
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--worker", choices=[*ENGINES, "study"])
    options = parser.parse_args()
    if options.worker:
        (study_worker if options.worker == "study" else network_worker)(options.worker)
        return
    record = measured(options.rounds, options.studies, options.starts)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(record, sort_keys=True, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(record, sort_keys=True, indent=1))  # noqa: T201 - a command's result


def measured(rounds: int, studies: int, starts: int) -> dict:
    """Return the record of one run."""
    load = os.getloadavg()[0]
    network, study, cold = network_part(rounds), study_part(studies), cold_part(starts)
    return {
        "schema": "thoratrace/inference-speed/1",
        "made": datetime.now(UTC).date().isoformat(),
        "device_version": __version__,
        "bundle_sha256": bundle_sha256(),
        "machine": {
            "processor": processor(),
            "cores": len(os.sched_getaffinity(0)),
            "system": platform.system(),
            "load_at_start": round(load, 1),
            "load_at_end": round(os.getloadavg()[0], 1),
        },
        "network": network,
        "study": study,
        "cold_start": cold,
        "goals": GOALS,
    }


def processor() -> str:
    """Return the processor's name."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))


def bundle_sha256() -> str:
    """Return the identity of the shipped bundle."""
    from device_sw.detector.bundle import load_bundle

    return load_bundle(ROOT / "artifacts" / "bundle").sha256


def environment(worker: str) -> dict[str, str]:
    """Return the environment a worker runs in; the default one is the caller's without anything the device sets."""
    if worker == ENGINES[0]:
        return {name: value for name, value in os.environ.items() if name not in NUMERIC_ENVIRONMENT and name != MARKER}
    return numeric_environment()


class Worker:
    """A process that does one film when asked, and says what it took."""

    def __init__(self, name):
        command = [sys.executable, "-m", "tests.benchmarks.inference_speed", "--worker", name]
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=environment(name), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, line):
        """Send one request and return the answer."""
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def end(self):
        """Let the process end; return its peak memory, MB."""
        self._process.stdin.close()
        _, _, usage = os.wait4(self._process.pid, 0)
        self._process.returncode = 0
        return usage.ru_maxrss / 1e3


def network_part(rounds: int) -> dict:
    """Ask the three engines in turn and return times and ratios."""
    workers = {name: Worker(name) for name in ENGINES}
    taken: dict[str, list[dict]] = {name: [] for name in ENGINES}
    for name, worker in workers.items():
        worker.ask(0)
        worker.ask(1)
        print(f"{name}: warm", file=sys.stderr)  # noqa: T201
    for index in range(rounds):
        for name, worker in workers.items():
            taken[name].append(worker.ask(index))
    memory = {name: worker.end() for name, worker in workers.items()}
    engines = {
        name: {
            **{f"{kind}_ms": {"least": least(rows, kind), "median": middle(rows, kind)} for kind in ("wall", "cpu")},
            "threads": rows[0]["threads"],
            "peak_memory_mb": round(memory[name]),
        }
        for name, rows in taken.items()
    }
    ours = engines["engine"]
    ratios = {
        f"{name} / engine": {
            f"{kind}_{figure}": round(engines[name][f"{kind}_ms"][figure] / ours[f"{kind}_ms"][figure], 2)
            for kind in ("wall", "cpu")
            for figure in ("least", "median")
        }
        for name in ENGINES[:2]
    }
    return {"rounds": rounds, "engines": engines, "ratios": ratios}


def least(rows, kind):
    return round(min(row[kind] for row in rows) * 1e3, 1)


def middle(rows, kind):
    return round(median(row[kind] for row in rows) * 1e3, 1)


def network_worker(name: str) -> None:
    """Answer each request, a film's number, with the time the network took for it."""
    import numpy as np

    from device_sw.detector.bundle import load_bundle
    from device_sw.types import Letterbox, ModelInput

    bundle = load_bundle(ROOT / "artifacts" / "bundle")
    stored = np.load(ROOT / "artifacts" / "prepared" / "val.npy", mmap_mode="r")
    side = stored.shape[1]
    detector, threads = prepared(name, bundle)
    for line in sys.stdin:
        pixels = stored[int(line) % len(stored)].astype(np.float32) / np.iinfo(stored.dtype).max
        answer(partial(detector.candidates, ModelInput(pixels, Letterbox(side, side, side))), threads=threads)


def prepared(name, bundle):
    """Return a detector and its number of threads."""
    if name == "engine":
        from device_sw.detector.engine import THREADS
        from device_sw.detector.inference import Detector

        return Detector(bundle), min(THREADS, len(os.sched_getaffinity(0)))
    import torch

    from device_sw.detector.eager import EagerDetector

    return EagerDetector(bundle), torch.get_num_threads()


def answer(work, **facts):
    """Do the work and print what it took."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    taken = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, **facts}
    sys.stdout.write(json.dumps(taken) + "\n")
    sys.stdout.flush()


def films(count: int) -> list[Path]:
    """Return the paths of films whose longer side is 1,024 pixels."""
    listed = json.loads((ROOT / "artifacts" / "cohort" / "cohort.json").read_text(encoding="utf-8"))["films"]
    large = [film for film in listed if max(film["rows"], film["columns"]) == 1024]
    return [ROOT / "artifacts" / "cohort" / film["path"] for film in large[:count]]


def study_part(count: int) -> dict:
    """Analyse films one by one in one device, everything written that the command line writes by default."""
    worker = Worker("study")
    paths = films(count)
    worker.ask(paths[0])
    rows = [worker.ask(path) for path in paths]
    walls = sorted(row["wall"] for row in rows)
    cpus = sorted(row["cpu"] for row in rows)
    return {
        "films": len(rows),
        "wall_s": {"median": round(median(walls), 3), "p95": round(walls[int(0.95 * (len(walls) - 1))], 3)},
        "cpu_s": {"median": round(median(cpus), 3), "p95": round(cpus[int(0.95 * (len(cpus) - 1))], 3)},
        "training_library_loaded": rows[-1]["torch"],
        "peak_memory_mb": round(worker.end()),
    }


def study_worker(_name: str) -> None:
    """Answer each request, a film's path, with the time from reading it to its files being complete."""
    from device_sw.batch.examination import InProcess
    from device_sw.batch.run import Batch
    from device_sw.device import Device
    from device_sw.report.outputs import Wanted

    with tempfile.TemporaryDirectory() as folder:
        device = Device(ROOT / "artifacts" / "bundle")
        examiner = InProcess(device, Wanted(datetime.now(UTC), dicom=True))
        batch = Batch(examiner, Path(folder), lambda _line: None, again=True)
        for line in sys.stdin:
            answer(partial(batch.take, Path(line.rstrip("\n"))), torch="torch" in sys.modules)


def cold_part(count: int) -> dict:
    """Start the command line and wait for its first result file."""
    rows = [cold_start(films(1)[0]) for _ in range(count)]
    return {
        "starts": count,
        "first_result_s": {"median": round(median(row[0] for row in rows), 2), "longest": round(max(row[0] for row in rows), 2)},
        "cpu_s": round(median(row[1] for row in rows), 2),
        "peak_memory_mb": round(max(row[2] for row in rows)),
    }


def cold_start(film: Path) -> tuple[float, float, float]:
    """Return seconds to the first result, processor seconds in all, and peak memory in MB."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "device_sw", "analyse", str(film), "-o", folder, "--json"]
        command += ["--bundle", str(ROOT / "artifacts" / "bundle")]
        start = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment(ENGINES[0]), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        first = None
        while first is None and time.perf_counter() - start < 120:
            if any(Path(folder).glob("results/*.json")):
                first = time.perf_counter() - start
            time.sleep(0.005)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if first is None or process.returncode != 0:
            raise SystemExit(f"the device ended with {process.returncode} and no result")
        return first, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1e3


if __name__ == "__main__":
    main()
