"""Whether the weights depend on threads, workers or ranks: the canonical network trained for 40 steps in every arrangement, one SHA-256 wanted.

    python -m tests.benchmarks.invariance --side 384 --out evidence/invariance/384.json

The films are the first of the canonical run's prepared ones, at their own size or reduced by a whole number, with its own parameters but for one epoch of 40 steps. Threads are set past the
launcher, which allows only one: so they show what the training itself holds. Ranks are processes of torchrun. A tensor counts as trained when its values left
the initial ones; all have to. Each arrangement is done once: given again, the command goes on, unless films, parameters or code changed.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import yaml
from safetensors.torch import load_file

from device_sw.detector.architecture import architecture_from_json
from device_sw.detector.families.registry import build, family_of
from device_sw.launcher import numeric_environment
from pipeline.progress import bar
from pipeline.ranks.train import inputs_sha256
from pipeline.run import REPOSITORY, file_sha256, read_json, write_json
from pipeline.training.dataset import read_split, write_split
from pipeline.training.initialisation import initialise

STEPS, VALIDATION_FILMS = 40, 4
PLACE = REPOSITORY / "artifacts" / "invariance"
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Threads and workers of a process, and ranks of torchrun; no ranks is the train stage alone."""

    threads: int = 1
    workers: int = 1
    ranks: int | None = None

    @property
    def name(self):
        shared = "stage alone" if self.ranks is None else f"torchrun, {self.ranks} ranks"
        return f"{shared}, {self.workers} workers, {self.threads} threads"

    def command(self):
        if self.ranks is None:
            return [sys.executable, "-m", "pipeline.stages.train"]
        launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(self.ranks)]
        return [sys.executable, *launcher, "-m", "pipeline.ranks.train"]


ARRANGEMENTS = (
    Arrangement(),
    *(Arrangement(ranks=ranks) for ranks in (1, 2, 3, 4)),
    *(Arrangement(workers=workers) for workers in (2, 4)),
    *(Arrangement(threads=threads) for threads in (2, 4)),
)

CROSSED = (Arrangement(workers=2, threads=4), Arrangement(workers=4, threads=2), Arrangement(workers=2, ranks=2))
"""Several at once, where that is asked for."""


def lay_out(folder, side):
    """Write the run: a part of the prepared films at this side, pixels, and parameters for one epoch of 40 steps."""
    params = yaml.safe_load((REPOSITORY / "params.yaml").read_text(encoding="utf-8"))
    params["train"] |= {"epochs": 1}
    shutil.rmtree(folder, ignore_errors=True)
    place = folder / "artifacts" / "prepared"
    place.mkdir(parents=True)
    for split, count in (("train", STEPS * params["train"]["batch"]), ("val", VALIDATION_FILMS)):
        source = REPOSITORY / "artifacts" / "prepared"
        pixels = read_split(source, split).pixels[:count]
        factor = pixels.shape[1] // side
        rows = read_json(source / f"{split}.json")["films"][:count]
        smaller = [{**row, "boxes": [[edge / factor for edge in box] for box in row["boxes"]]} for row in rows]
        blocks = pixels.reshape(len(pixels), side, factor, side, factor)
        write_split(place, split, np.rint(blocks.mean(axis=(2, 4))).astype(np.uint16), smaller)
    (folder / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")


def trained(folder, arrangement):
    """Train once and return what came out.

    Raises:
        RuntimeError: the training ended with an error.
    """
    environment = numeric_environment() | {"THORATRACE_WORKERS": str(arrangement.workers), "PYTHONPATH": str(REPOSITORY)}
    environment |= dict.fromkeys(THREADS, str(arrangement.threads))
    shutil.rmtree(folder / "artifacts" / "training", ignore_errors=True)
    shutil.rmtree(folder / "artifacts" / "checkpoints", ignore_errors=True)
    began, used = time.monotonic(), _children_cpu()
    done = subprocess.run(arrangement.command(), cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{arrangement.name}: {done.stderr[-3000:]}")
    made = folder / "artifacts" / "training"
    return {
        "threads": arrangement.threads,
        "workers": arrangement.workers,
        "ranks": arrangement.ranks,
        "weights_sha256": file_sha256(made / "weights.safetensors"),
        "history_sha256": file_sha256(made / "history.json"),
        "wall_s": round(time.monotonic() - began, 1),
        "cpu_s": round(_children_cpu() - used, 1),
    }


def _children_cpu():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def tensors(folder):
    """Return how many tensors the network has, and the names of those that are still what they were at the start."""
    made = folder / "artifacts" / "training"
    architecture = architecture_from_json(read_json(made / "training.json")["architecture"])
    network = build(architecture)
    initialise(network, family_of(architecture), yaml.safe_load((folder / "params.yaml").read_text())["train"]["seed"])
    weights = load_file(made / "weights.safetensors")
    start = dict(network.named_parameters())
    return {"tensors": len(start), "unchanged": sorted(name for name, value in start.items() if (value == weights[name]).all())}


def report(key, side, wanted, runs, layers):
    hashes = sorted({run["weights_sha256"] for run in runs.values()})
    missing = [each.name for each in wanted if each.name not in runs]
    return {
        "schema": "thoratrace/invariance/1",
        "date": datetime.now(UTC).date().isoformat(),
        "inputs_sha256": key,
        "steps": STEPS,
        "films": {"shown": STEPS * read_batch(), "side_px": side},
        "network": layers,
        "processors": os.cpu_count(),
        "distinct_weights": len(hashes),
        "weights_sha256": hashes,
        "distinct_histories": len({run["history_sha256"] for run in runs.values()}),
        "not_yet_done": missing,
        "passed": len(hashes) == 1 and not missing and not layers["unchanged"],
        "arrangements": runs,
    }


def read_batch():
    return yaml.safe_load((REPOSITORY / "params.yaml").read_text(encoding="utf-8"))["train"]["batch"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=384, choices=[384, 192, 128], help="of the films, pixels")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--at-most", type=int, default=len(ARRANGEMENTS + CROSSED), help="arrangements to do in this call")
    parser.add_argument("--crossed", action="store_true", help="several workers with several threads or ranks, too")
    options = parser.parse_args()
    wanted = ARRANGEMENTS + (CROSSED if options.crossed else ())
    folder, kept = PLACE / f"run-{options.side}", PLACE / f"done-{options.side}.json"
    lay_out(folder, options.side)
    key = inputs_sha256(folder)
    earlier = read_json(kept) if kept.exists() else {}
    runs = earlier["arrangements"] if earlier.get("inputs_sha256") == key else {}
    todo = [each for each in wanted if each.name not in runs][: options.at_most]
    layers = earlier.get("network") if runs else None
    with bar("arrangements") as show:
        for number, arrangement in enumerate(todo):
            show(number, len(todo), arrangement.name)
            runs[arrangement.name] = trained(folder, arrangement)
            layers = layers or tensors(folder)
            write_json(kept, {"inputs_sha256": key, "network": layers, "arrangements": runs})
    found = report(key, options.side, wanted, runs, layers)
    write_json(options.out, found)
    print(json.dumps({name: value for name, value in found.items() if name != "arrangements"}, indent=1))  # noqa: T201
    return 0 if found["passed"] else 1


if __name__ == "__main__":
    sys.exit(main())
