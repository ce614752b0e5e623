"""Trails recorded by the device's own batch: films whose answers are chosen here, so that a drift is known; and a small plan."""

import hashlib
import json
from datetime import datetime
from pathlib import Path

from device_sw import merkle
from device_sw.batch import run
from device_sw.batch.examination import Examination, Identity
from device_sw.types import Policy
from pipeline.surveillance.installed import Released
from pipeline.surveillance.record import Order, findings_of
from pipeline.surveillance.trail import read_trail

ROOT = Path(__file__).resolve().parents[3]
FINDINGS = findings_of(ROOT)
BUNDLE = "b" * 64
RELEASED = frozenset({Released("0.1.0", "0.1.0", BUNDLE)})
WORDS = "DEMO reader, as a test, on no day"


class Site:
    """A site whose films are answered as the test says, recorded by the device's own batch."""

    def __init__(self, folder, monkeypatch):
        self.folder, self._monkeypatch, self._films = folder, monkeypatch, 0
        self.day, self.bundle, self.policy = "2030-01-01", BUNDLE, Policy.INTENDED_USE

    @property
    def identity(self):
        return Identity(self.policy, "0.1.0", "0.1.0", self.bundle, ())

    def record(self, answers):
        """Record one input for each answer: a code, or ``(distance, {finding: scores})``."""
        self._answers = iter(list(answers))
        paths = []
        for _ in answers:
            self._films += 1
            path = self.folder.parent / f"films-of-{self.folder.name}" / f"DOE^JANE-{self._films:05d}.dcm"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(f"{self.folder.name} {self._films}".encode())
            paths.append(path)
        self._monkeypatch.setattr(run, "datetime", Clock(self.day))
        batch = run.Batch(self, self.folder, lambda _: None)
        batch.take(*paths)
        batch.finish()
        return self

    def examine_all(self, jobs):
        return (self._examined(job, next(self._answers)) for job in jobs)

    def close(self):
        pass

    def _examined(self, job, answer):
        uid = f"1.2.3.{int(job.content_sha256[:8], 16)}"
        if isinstance(answer, str):
            status, value = ("failed" if answer.startswith("INF") else "refused"), {"status": "refused", "code": answer}
            name = f"refusals/{job.index:04d}-{job.content_sha256[:8]}.json"
            code, marks = answer, {}
        else:
            status, code, name = "analysed", None, f"results/{job.index:04d}-{job.content_sha256[:8]}.json"
            value = result(*answer)
            marks = {finding: len(scores) for finding, scores in answer[1].items() if scores}
        value["input"] = {"index": job.index, "content_sha256": job.content_sha256, "sop_instance_uid": uid}
        return Examination(
            job=job,
            status=status,
            code=code,
            content_sha256=job.content_sha256,
            sop_instance_uid=uid,
            picture_sha256=job.content_sha256 if status == "analysed" else None,
            detections=dict(sorted(marks.items())),
            leaf=merkle.leaf(value),
            message="",
            files={name: json.dumps(value, sort_keys=True).encode()},
        )


def result(distance, scores):
    """The parts of a result that surveillance reads."""
    state = "not judged" if distance is None else "outside" if distance > 2 else "within"
    marks = {finding: [{"finding": finding, "score": score} for score in scores.get(finding, ())] for finding in FINDINGS}
    return {
        "status": "analysed",
        "distribution": {"state": state, "picture": distance, "network": None if distance is None else distance / 2},
        "findings": [{"id": finding, "detections": marks[finding]} for finding in FINDINGS],
    }


class Clock:
    """Stands in for the clock of the batch: noon of one day."""

    def __init__(self, day):
        self._day = day

    def now(self, zone):
        return datetime.fromisoformat(f"{self._day}T12:00:00").replace(tzinfo=zone)


def steady(count, seed=0, shift=0.0):
    """Answers of an undrifted site: every fourth film has a mark of the first finding; scores and distances spread evenly, moved by ``shift``."""
    spread = [((index * 7 + seed) % 20) / 20 for index in range(count)]
    return [
        (0.8 + 0.4 * part + 2 * shift, {FINDINGS[0]: [min(1.0, 0.4 + 0.5 * part + shift)]} if index % 4 == 0 else {})
        for index, part in enumerate(spread)
    ]


def read(*folders):
    return tuple(read_trail(folder, number) for number, folder in enumerate(folders, start=1))


def ordered(plan, trails, baseline=None, earlier=None):
    return Order(plan, trails, baseline, earlier, RELEASED, FINDINGS, "made answers, no films")


def points(record, indicator, series=None):
    """Return the points of an indicator's series by window."""
    found = next(each for each in record["indicators"] if each["id"] == indicator)
    one = next(each for each in found["series"] if series in {None, each["name"]})
    return one["points"]


def states(record, indicator, series=None):
    return [point["state"] for point in points(record, indicator, series)]


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()
