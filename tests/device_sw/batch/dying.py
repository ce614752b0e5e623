"""Processes that die at a chosen call into the file system, and what must hold of the folder that they leave."""

import json
import os
from hashlib import sha256

from device_sw import merkle
from device_sw.audit import NAME, complete_lines, verify
from device_sw.batch.examination import Examination, Identity
from device_sw.types import Policy

CALLS = ("open", "write", "fsync", "replace", "unlink", "ftruncate", "mkdir")
"""The calls by which the device changes its output folder."""

DIED = 9


class Countdown:
    """Ends the process at the n-th of those calls: before it or, where it writes, after half of it. After a call is before the next one."""

    def __init__(self, at=0, moment="before"):
        self.at, self.moment, self.made = at, moment, []
        self.real = {name: getattr(os, name) for name in CALLS}

    def install(self):
        for name in CALLS:
            setattr(os, name, self._counted(name))
        return self

    def remove(self):
        for name, call in self.real.items():
            setattr(os, name, call)

    def _counted(self, name):
        real = self.real[name]

        def call(*arguments, **options):
            self.made.append(name)
            if len(self.made) == self.at:
                if self.moment == "half":
                    real(arguments[0], arguments[1][: len(arguments[1]) // 2])
                os._exit(DIED)
            return real(*arguments, **options)

        return call


def in_child(action):
    """Run an action in a forked process and return its exit code, 0 where it came to its end."""
    child = os.fork()
    if child == 0:
        try:
            action()
        except BaseException:  # noqa: BLE001 - the parent sees the code
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def points_of(action):
    """Return every point at which an action can die: (number of the call, moment)."""
    counter = Countdown().install()
    try:
        action()
    finally:
        counter.remove()
    calls = list(enumerate(counter.made, start=1))
    return [(at, "before") for at, _ in calls] + [(at, "half") for at, name in calls if name == "write"]


def faults_after_death(out):
    """Return what is wrong with a folder whose run died, before anything was recovered: every visible file is whole and has its line."""
    if not (out / NAME).exists():
        return [f"{path.name}: visible without audit file" for path in visible(out)]
    lines, _ = complete_lines(out / NAME)
    verify(lines)
    named = {name: digest for line in map(json.loads, lines) for name, digest in line.get("files", {}).items()}
    wrong = [
        str(path) for path in visible(out) if named.get(path.relative_to(out).as_posix()) != sha256(path.read_bytes()).hexdigest()
    ]
    lost = [name for name in named if not (out / name).exists() and not part(out / name).exists()]
    return [*(f"{path}: visible and not as its line says" for path in wrong), *(f"{name}: named and lost" for name in lost)]


def visible(out):
    """Return the files of inputs that have their final names."""
    files = [path for path in sorted(out.glob("*/**/*")) if path.is_file()]
    return [path for path in files if not path.name.startswith(".") and path.parent.name != "quarantine"]


def part(target):
    return target.with_name(f".{target.name}.part")


def parts(out):
    return sorted(out.rglob(".*.part"))


class QuickExaminer:
    """Leaves a record and a picture of each input without looking at it, so that only the recording takes time."""

    identity = Identity(Policy.INTENDED_USE, "0.0.0", "1.2.3", "b" * 64, ())

    def examine_all(self, jobs):
        return map(self._examined, jobs)

    def _examined(self, job):
        record = {"input": {"index": job.index, "content_sha256": job.content_sha256}, "status": "analysed"}
        names = (f"results/{job.index:04d}-x.json", f"overlays/{job.index:04d}-x.png", f"dicom/{job.index:04d}-x/sr.dcm")
        files = dict(zip(names, (json.dumps(record).encode(), b"x" * 9000, b"y"), strict=True))
        uid = f"1.2.{job.index}"
        return Examination(job, "analysed", None, job.content_sha256, uid, "p" * 64, {}, merkle.leaf(record), "", files)

    def close(self):
        pass
