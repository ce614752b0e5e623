"""Inputs shared out over workers: in order, each once, and a worker's death costs one attempt of one input. Ray itself is in the scenarios."""

import random
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from device_sw.batch import archive
from device_sw.batch.archive import DeviceOptions, Workers
from device_sw.batch.examination import Job
from device_sw.errors import BundleError, EnvironmentUnfit
from device_sw.report.outputs import Wanted
from device_sw.types import Policy
from tests.device_sw.batch.dying import QuickExaminer

WANTED = Wanted(run_time=datetime(2026, 1, 1, tzinfo=UTC), dicom=False)
OPTIONS = DeviceOptions(Path("bundle"), Policy.INTENDED_USE, ())


class RayError(Exception):
    pass


class FakeRay:
    """Runs a task when it is collected, in any order; a worker may die instead."""

    exceptions = SimpleNamespace(RayError=RayError)

    def __init__(self, dies=lambda job: False, identity=QuickExaminer.identity):
        self.dies, self.told, self.made, self.killed, self.most = dies, identity, 0, 0, 0
        self.chance = random.Random(7)

    def get(self, reference):
        return [each() for each in reference] if isinstance(reference, list) else reference()

    def wait(self, references, **_options):
        self.most = max(self.most, len(references))
        return [self.chance.choice(references)], []

    def kill(self, _worker):
        self.killed += 1

    def shutdown(self):
        self.ended = True


class Task:
    def __init__(self, work):
        self.remote = lambda *arguments: lambda: work(*arguments)


class Maker:
    def __init__(self, ray):
        self.ray = ray

    def remote(self, *_arguments):
        self.ray.made += 1
        return Worker(self.ray)


class Worker:
    def __init__(self, ray):
        self.identity = Task(lambda: ray.told)

        def examine(job, *_refused):
            if ray.dies(job):
                raise RayError
            return QuickExaminer()._examined(job)

        self.examine = Task(examine)


@pytest.fixture
def shared(monkeypatch):
    def make(count=3, **options):
        ray = FakeRay(**options)
        ray.remote = lambda _kind: Maker(ray)
        monkeypatch.setattr(archive, "_started", lambda _count: ray)
        return ray, Workers(OPTIONS, WANTED, count)

    return make


def jobs(count):
    return [Job(n, n + 1, Path(f"{n}.dcm"), f"{n:064x}") for n in range(count)]


def test_results_come_in_the_order_of_the_inputs(shared):
    ray, workers = shared()
    assert [found.job.index for found in workers.examine_all(jobs(40))] == list(range(1, 41))
    assert ray.most == 3


def test_no_more_is_taken_ahead_than_memory_holds(shared):
    _, workers = shared(count=2)
    taken = []
    results = workers.examine_all(taken.append(job.index) or job for job in jobs(100))
    for done, _ in enumerate(results, start=1):
        assert len(taken) - done <= archive.AHEAD * 2


def test_a_dead_worker_is_replaced_and_its_input_given_to_another(shared):
    died = []

    def dies(job):
        return job.index % 3 == 0 and died.count(job.index) < 2 and not died.append(job.index)

    ray, workers = shared(dies=dies)
    found = list(workers.examine_all(jobs(9)))
    assert [(each.job.index, each.status) for each in found] == [(n, "analysed") for n in range(1, 10)]
    assert (ray.killed, ray.made) == (6, 9)


def test_an_input_that_takes_three_workers_with_it_fails_and_the_others_go_on(shared):
    _, workers = shared(dies=lambda job: job.index == 2)
    found = list(workers.examine_all(jobs(4)))
    assert [each.code for each in found] == [None, "INF-WORKER", None, None]
    assert (found[1].status, found[1].content_sha256) == ("failed", f"{1:064x}")


def test_a_bundle_that_no_worker_can_use_is_told_as_in_one_process(shared):
    parts = {"code": "BND-HASH", "where": "weights", "found": "x", "expected": "y", "repair": "z"}
    with pytest.raises(BundleError, match="BND-HASH at weights: found x, expected y"):
        shared(identity=parts)


def test_without_ray_the_engine_says_so(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(EnvironmentUnfit, match="ENV-RAY at engine ray: found no module ray"):
        archive._started(2)
