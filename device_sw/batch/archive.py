"""Examines the inputs of an archive in several processes of this machine, which Ray starts, watches and replaces.

Only the examining is shared out; one process numbers the inputs and writes, in the order they were given, so the output folder does not depend on the number of
workers or on which of them died. A worker that dies takes one input with it; that input is given to another one, and fails with ``INF-WORKER`` when it has taken
three. Ray is an optional part (``thoratrace[archive]``). Its dashboard and its usage reports are off; its
processes talk over this machine's own address and ask each other for a token that is made for the run and written nowhere.
"""

from __future__ import annotations

import os
import secrets
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from device_sw.batch.examination import examine, identity, not_analysed
from device_sw.errors import BundleError, EnvironmentUnfit, InferenceFailed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from device_sw.batch.examination import Examination, Identity, Job
    from device_sw.errors import InputRefused
    from device_sw.report.outputs import Wanted
    from device_sw.types import ExplanationMethod, Policy

ATTEMPTS = 3
"""How many workers an input may take with it before it is recorded as failed."""

AHEAD = 4
"""How many inputs for each worker may be taken ahead of the one that is recorded next; bounds memory."""

STORE_BYTES = 256 * 2**20

QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DISABLE_IMPORT_WARNING": "1",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_DEDUP_LOGS": "0",
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    "RAY_LOG_TO_STDERR": "0",
}
"""Set before Ray is loaded: no usage reports, nothing on the streams of the device."""


@dataclass(frozen=True, slots=True)
class DeviceOptions:
    """What the device of each worker is made with."""

    bundle: Path
    policy: Policy
    methods: tuple[ExplanationMethod, ...]


class Workers:
    """An examiner that shares its inputs out over worker processes."""

    def __init__(self, options: DeviceOptions, wanted: Wanted, count: int) -> None:
        """Start the workers; each verifies the bundle and passes the self-test for itself.

        Raises:
            EnvironmentUnfit: Ray is not installed, or cannot start here (``ENV-RAY``).
            BundleError: a worker cannot use the bundle (``BND-...``).
        """
        self._ray = _started(count)
        self._worker = self._ray.remote(_Worker)
        self._arguments = (options, wanted)
        self._wanted = wanted
        try:
            self._idle = [self._new() for _ in range(count)]
            self.identity: Identity = self._identity()
        except BaseException:
            self.close()
            raise
        self._count = count

    def _new(self) -> Any:
        return self._worker.remote(*self._arguments)

    def _identity(self) -> Identity:
        for told in self._ray.get([worker.identity.remote() for worker in self._idle]):
            if isinstance(told, dict):
                raise BundleError(**told)
            found: Identity = told
        return found

    def examine_all(self, jobs: Iterable[Job]) -> Iterator[Examination]:
        """Yield what became of each input, in the order of the jobs."""
        waiting, order = iter(jobs), deque[int]()
        running: dict[Any, tuple[Any, Job, int]] = {}
        done: dict[int, Examination] = {}
        while True:
            while self._idle and len(order) < AHEAD * self._count and (job := next(waiting, None)) is not None:
                order.append(job.index)
                self._submit(running, job, 1)
            if not running:
                break
            self._collect(running, done)
            while order and order[0] in done:
                yield done.pop(order.popleft())

    def _submit(self, running: dict[Any, tuple[Any, Job, int]], job: Job, attempt: int) -> None:
        worker = self._idle.pop()
        running[worker.examine.remote(job)] = (worker, job, attempt)

    def _collect(self, running: dict[Any, tuple[Any, Job, int]], done: dict[int, Examination]) -> None:
        """Wait for one worker: keep what it found, or give the input of a dead one to a new one."""
        (ready,), _ = self._ray.wait(list(running), num_returns=1)
        worker, job, attempt = running.pop(ready)
        try:
            done[job.index] = self._ray.get(ready)
            self._idle.append(worker)
        except self._ray.exceptions.RayError:
            self._ray.kill(worker)
            self._idle.append(self._new())
            if attempt < ATTEMPTS:
                self._submit(running, job, attempt + 1)
            else:
                done[job.index] = not_analysed(self.identity, _worker_died(), job, self._wanted)

    def refuse(self, job: Job, error: InputRefused) -> Examination:
        """Examine an input again whose result must not be kept, and leave a refusal."""
        for _ in range(ATTEMPTS):
            worker = self._new()
            try:
                found: Examination = self._ray.get(worker.examine.remote(job, _parts(error)))
            except self._ray.exceptions.RayError:
                continue
            finally:
                self._ray.kill(worker)
            return found
        return not_analysed(self.identity, _worker_died(), job, self._wanted)

    def close(self) -> None:
        """End the workers and Ray."""
        self._ray.shutdown()


class _Worker:
    """A device in a process of its own. Errors cross the border as their five parts."""

    def __init__(self, options: DeviceOptions, wanted: Wanted) -> None:
        from device_sw.device import Device  # noqa: PLC0415 - the driver does not load the network

        self._wanted = wanted
        self._device: Device | None = None
        try:
            self._device = Device(options.bundle, options.policy, methods=options.methods)
        except BundleError as error:
            self._error = _parts(error)

    def identity(self) -> Identity | dict[str, str]:
        return self._error if self._device is None else identity(self._device, self._wanted)

    def examine(self, job: Job, refused: dict[str, str] | None = None) -> Examination:
        from device_sw.errors import InputRefused  # noqa: PLC0415 - a name that the driver needs for types only

        if self._device is None:
            raise RuntimeError("a worker without device was given an input")
        return examine(self._device, job, self._wanted, None if refused is None else InputRefused(**refused))  # type: ignore[arg-type]


def _parts(error: BundleError | InputRefused) -> dict[str, str]:
    return {name: getattr(error, name) for name in ("code", "where", "found", "expected", "repair")}


def _started(count: int) -> Any:
    os.environ.update(QUIET | {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)})
    try:
        import ray  # noqa: PLC0415 - optional, and only after its variables are set
    except ImportError as err:
        raise _no_ray("no module ray", "install thoratrace[archive], or leave --engine out") from err
    try:
        ray.init(
            num_cpus=count,
            include_dashboard=False,
            log_to_driver=False,
            configure_logging=False,
            object_store_memory=STORE_BYTES,
            _node_ip_address="127.0.0.1",
        )
    except Exception as err:
        raise _no_ray(
            type(err).__name__, "check memory, shared memory and loopback of this machine, or leave --engine out"
        ) from err
    return ray


def _no_ray(found: str, repair: str) -> EnvironmentUnfit:
    return EnvironmentUnfit("ENV-RAY", where="engine ray", found=found, expected="Ray on this machine", repair=repair)


def _worker_died() -> InferenceFailed:
    return InferenceFailed(
        "INF-WORKER",
        where="worker process",
        found=f"{ATTEMPTS} workers that ended while they examined this input",
        expected="a result or a refusal",
        repair="keep the file and report this code; check the memory of this machine",
    )
