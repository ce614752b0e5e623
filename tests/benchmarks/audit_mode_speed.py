"""What audit mode costs: films a second against plain data-parallel training on the same cores, in turns, in one run.

    python -m tests.benchmarks.audit_mode_speed --rounds 12 --out evidence/audit_mode_speed/speed.json

Three trainings of the canonical network on the same films, each on two processes of one thread: audit mode (a gradient for each film, summed as int64, update in
float64), and DistributedDataParallel with SGD as it is usually written (each process half of the batch at once, gradients averaged in float32), once in the
device's numeric environment and once with the instruction set that torch chooses. Only the one whose turn it is works. Wall time is what a user waits, and on a busy machine says as much about
the machine; processor time of all processes is what the work costs. The weights after the last step stand in the record: those of plain training depend on the number of processes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from device_sw.launcher import MARKER, NUMERIC_ENVIRONMENT, numeric_environment
from pipeline.progress import bar
from pipeline.run import REPOSITORY, write_json

PROCESSES, GOAL = 2, 0.8
AUDIT, PLAIN, FREE = "audit mode", "data-parallel, same numeric environment", "data-parallel, torch's own instruction set"
ALONE = "data-parallel, one process"
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--steps", type=int, default=2, help="steps of a turn")
    parser.add_argument("--out", type=Path, default=REPOSITORY / "evidence" / "audit_mode_speed" / "speed.json")
    parser.add_argument("--worker", choices=[AUDIT, PLAIN, FREE, ALONE])
    options = parser.parse_args()
    if options.worker:
        serve(options.worker)
        return 0
    record = measured(options.rounds, options.steps)
    write_json(options.out, record)
    print(json.dumps(record, indent=1, sort_keys=True))  # noqa: T201
    return 0 if record["passed"] else 1


def measured(rounds, steps):
    """Let the trainings take turns and return the record."""
    load = os.getloadavg()[0]
    batch = read_params()["train"]["batch"]
    with tempfile.TemporaryDirectory() as folder:
        trainings = {name: Training(name, Path(folder)) for name in (AUDIT, PLAIN, FREE)}
        taken = {name: [] for name in trainings}
        for training in trainings.values():
            training.turn(steps)
        with bar("rounds") as report:
            for number in range(rounds):
                for name, training in trainings.items():
                    taken[name].append(training.turn(steps))
                report(number + 1, rounds, "")
        weights = {name: training.end() for name, training in trainings.items()}
        alone = Training(ALONE, Path(folder))
        for _ in range(rounds + 1):
            alone.turn(steps)
        weights[ALONE] = alone.end()
    films = steps * batch
    rates = {name: {kind: rate(rows, kind, films) for kind in ("wall", "cpu")} for name, rows in taken.items()}
    ratios = {name: {kind: paired(taken, name, kind) for kind in ("wall", "cpu")} for name in (PLAIN, FREE)}
    return {
        "schema": "thoratrace/audit-mode-speed/1",
        "date": datetime.now(UTC).date().isoformat(),
        "machine": {
            "processors": os.cpu_count(),
            "load_at_start": round(load, 1),
            "load_at_end": round(os.getloadavg()[0], 1),
        },
        "processes": PROCESSES,
        "films_of_a_turn": films,
        "rounds": rounds,
        "films_per_second": rates,
        "throughput_ratio": {f"{AUDIT} / {name}": values for name, values in ratios.items()},
        "goal": {"ratio": GOAL, "against": PLAIN, "by": "the medians of wall time and of processor time, both"},
        "passed": all(values["median"] >= GOAL for values in ratios[PLAIN].values()),
        "weights_sha256": weights,
        "plain_weights_depend_on_processes": weights[PLAIN] != weights[ALONE],
    }


def rate(rows, kind, films):
    """Return films a second: by wall time of the pair of processes, or by processor time of one core."""
    return round(films / median(row[kind] for row in rows), 3)


def paired(taken, name, kind):
    """Return throughput of audit mode over that of another training: median, least and greatest of all rounds."""
    ratios = [theirs[kind] / ours[kind] for ours, theirs in zip(taken[AUDIT], taken[name], strict=True)]
    return {"median": round(median(ratios), 3), "least": round(min(ratios), 3), "greatest": round(max(ratios), 3)}


def environment(name):
    """Return the environment of a training's processes."""
    if name != FREE:
        return numeric_environment()
    free = {key: value for key, value in os.environ.items() if key not in NUMERIC_ENVIRONMENT and key != MARKER}
    return free | dict.fromkeys(THREADS, "1")


class Training:
    """The processes of one training, which work when asked."""

    def __init__(self, name, folder):
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
        world = {AUDIT: 1, ALONE: 1}.get(name, PROCESSES)
        self._processes = [
            subprocess.Popen(
                [sys.executable, "-m", "tests.benchmarks.audit_mode_speed", "--worker", name],
                cwd=REPOSITORY,
                env=environment(name)
                | {"RANK": str(rank), "WORLD_SIZE": str(world), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=(folder / f"{len(list(folder.iterdir()))}.log").open("w"),
                text=True,
            )
            for rank in range(world)
        ]

    def _ask(self, line):
        for process in self._processes:
            process.stdin.write(f"{line}\n")
            process.stdin.flush()
        return [json.loads(process.stdout.readline()) for process in self._processes]

    def turn(self, steps):
        """Return wall time of the longest process and processor time of all of them, seconds."""
        answers = self._ask(steps)
        return {"wall": max(answer["wall"] for answer in answers), "cpu": sum(answer["cpu"] for answer in answers)}

    def end(self):
        """Return the SHA-256 of the weights, and let the processes end."""
        (sha256, *others) = [answer["weights_sha256"] for answer in self._ask(0)]
        for process in self._processes:
            process.stdin.close()
            process.wait(60)
        return sha256 if set(others) <= {sha256} else "differs between processes"


def read_params():
    import yaml

    return yaml.safe_load((REPOSITORY / "params.yaml").read_text(encoding="utf-8"))


def serve(name):
    """Answer each request, a number of steps, with what they took; 0 asks for the weights."""
    steps, used, weights = audit() if name == AUDIT else plain()
    next_step = 0
    for line in sys.stdin:
        count = int(line)
        if count == 0:
            answer = {"weights_sha256": hashlib.sha256(weights().numpy().tobytes()).hexdigest()}
        else:
            began, before = time.perf_counter(), used()
            for step in range(next_step, next_step + count):
                steps(step)
            next_step += count
            answer = {"wall": time.perf_counter() - began, "cpu": used() - before}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def material():
    """Return configuration, plan, initialised network and the order of the films: the same for every training."""
    from device_sw.detector.families.registry import build, family_of
    from pipeline.training.augmentation import Augmentation
    from pipeline.training.configuration import TrainingConfiguration
    from pipeline.training.dataset import read_split
    from pipeline.training.initialisation import initialise
    from pipeline.training.loop import fit_architecture
    from pipeline.training.sampling import FilmOrder
    from pipeline.training.worker import WorkerPlan

    configuration = TrainingConfiguration.from_params(read_params()["train"])
    prepared = REPOSITORY / "artifacts" / "prepared"
    films = read_split(prepared, "train")
    architecture = fit_architecture(films, configuration, 0.02)
    network = build(architecture)
    initialise(network, family_of(architecture), configuration.seed)
    augmentation = Augmentation(configuration.rotation_deg, configuration.exposure)
    plan = WorkerPlan(prepared, architecture, augmentation, configuration.seed, configuration.batch)
    order = FilmOrder.of(films.films, configuration.sampling, configuration.batch, configuration.seed)
    batches = [batch for epoch in range(3) for batch in order.batches(epoch) if len(batch) == configuration.batch]
    return configuration, plan, network, batches


def audit():
    """Return a function that makes one step in audit mode, one for the processor time, and one for the weights."""
    from pipeline.training import fixed_point
    from pipeline.training.loop import _descent
    from pipeline.training.pool import TrainingPool
    from pipeline.training.schedule import learning_rate

    configuration, plan, network, batches = material()
    descent = _descent(network, configuration, None)
    pool = TrainingPool(plan, len(descent.weights), PROCESSES)

    def step(number):
        pool.weights.copy_(descent.weights)
        total, _ = pool.gradient(number, batches[number])
        rate = learning_rate(number, steps=876, warmup=configuration.warmup_steps, peak=configuration.learning_rate)
        descent.step(fixed_point.mean(total, len(batches[number])), rate)

    def used():
        return time.process_time() + sum(processor_time(process.pid) for process in pool._processes)

    return step, used, descent.weights.float


def processor_time(pid):
    """Return the processor time that a process has used, seconds, to a hundredth."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def plain():
    """Return the same three functions for plain data-parallel training."""
    import torch
    from torch import distributed
    from torch.nn.parallel import DistributedDataParallel

    from device_sw.detector.families.registry import family_of
    from pipeline.training.schedule import learning_rate
    from pipeline.training.worker import Worker, film_seed, flat_weights

    torch.set_num_threads(1)
    distributed.init_process_group("gloo")
    rank, world = distributed.get_rank(), distributed.get_world_size()
    configuration, plan, network, batches = material()
    films = Worker(plan, flat_weights(network), torch.zeros(0, dtype=torch.int64))
    torch.use_deterministic_algorithms(mode=False)
    names = tuple(family_of(plan.architecture).losses)
    network.train()
    shared = DistributedDataParallel(network)
    optimiser = torch.optim.SGD(
        network.parameters(), configuration.learning_rate, configuration.momentum, weight_decay=configuration.weight_decay
    )

    def step(number):
        own = batches[number][rank::world]
        torch.manual_seed(film_seed(configuration.seed, number, rank))
        images, targets = zip(*(films._augmented(films._train, number, film) for film in own), strict=True)
        losses = shared(list(images), list(targets))
        optimiser.zero_grad(set_to_none=True)
        torch.stack([losses[name] for name in names]).sum().backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), configuration.clip_norm)
        rate = learning_rate(number, steps=876, warmup=configuration.warmup_steps, peak=configuration.learning_rate)
        for group in optimiser.param_groups:
            group["lr"] = rate
        optimiser.step()

    return step, time.process_time, lambda: flat_weights(network)


if __name__ == "__main__":
    sys.exit(main())
