"""What examines the studies of a shard: the device, or a stand-in that invents results so that the bookkeeping of a million studies can be tried.

An examiner leaves results in a folder of the shard, can be killed at any moment and be asked again, and says afterwards what it recorded.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from device_sw import __name__ as device_package
from device_sw import merkle
from device_sw._version import __version__
from device_sw.batch.inspection import inspect
from device_sw.launcher import numeric_environment
from pipeline.fleet.errors import FleetError
from pipeline.fleet.whole_file import write_whole
from pipeline.run import REPOSITORY, file_sha256, read_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.fleet.plan import Study

SIMULATED = "results.jsonl"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an examiner left of a shard.

    Attributes:
        root: Merkle root over the records.
        counts: inputs by status.
        files: name below the shard's folder -> SHA-256, of what the root rests on.
    """

    root: str
    counts: dict[str, int]
    files: dict[str, str]


class Examiner(Protocol):
    """What examines the studies of a shard."""

    @property
    def identity(self) -> dict[str, str]:
        """What makes the results: results of two identities are never merged."""

    def examine(self, studies: Sequence[Study], place: Path) -> Outcome:
        """Examine studies into a folder, going on where an earlier call was killed."""

    def recorded(self, studies: Sequence[Study], place: Path) -> Counter[str]:
        """Return how often each study UID stands among the records of a folder."""


@dataclass(frozen=True, slots=True)
class Simulated:
    """Invents a record for each study from its UID; nothing is read and nothing is analysed."""

    @property
    def identity(self) -> dict[str, str]:
        """Say that the results are invented."""
        return {"examiner": "simulated: no film was read"}

    def examine(self, studies: Sequence[Study], place: Path) -> Outcome:
        """Write one line for each study."""
        lines = [_invented(study.uid) for study in studies]
        write_whole(place / SIMULATED, (line + b"\n" for line in lines))
        root = merkle.root(hashlib.sha256(b"\x00" + line).hexdigest() for line in lines)
        counts = Counter(json.loads(line)["status"] for line in lines)
        content = hashlib.sha256(b"".join(line + b"\n" for line in lines)).hexdigest()
        return Outcome(root, dict(sorted(counts.items())), {SIMULATED: content})

    def recorded(self, studies: Sequence[Study], place: Path) -> Counter[str]:  # noqa: ARG002  each line names its study
        """Count the lines of each study."""
        return Counter(json.loads(line)["study"] for line in (place / SIMULATED).read_bytes().splitlines())


def _invented(uid: str) -> bytes:
    """Return a record that follows from the UID: one in sixteen is refused.

    >>> _invented("1.2.3") == _invented("1.2.3"), json.loads(_invented("1.2.3"))["study"]
    (True, '1.2.3')
    """
    drawn = hashlib.sha256(f"simulated {uid}".encode()).digest()
    record = {"study": uid, "status": "refused"} if drawn[0] < 16 else {"study": uid, "status": "analysed", "marks": drawn[1] % 8}
    return json.dumps(record, sort_keys=True, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class DeviceCommand:
    """Runs ``thoratrace analyse`` over the files of a shard; its own audit trail lets a killed shard go on at the film where it stood (ADR 0026).

    Attributes:
        bundle: the model bundle.
        options: further options of the command that its results depend on, for example ``--policy research``.
        workers: processes that Ray shares a shard out over; results do not depend on them.
    """

    bundle: Path
    options: tuple[str, ...] = ()
    workers: int = 1

    @property
    def identity(self) -> dict[str, str]:
        """Return the device's version, the bundle's hash and the options."""
        return {
            "examiner": "thoratrace analyse",
            "device_version": __version__,
            "bundle_manifest_sha256": file_sha256(self.bundle / "manifest.json"),
            "options": " ".join(self.options),
        }

    def examine(self, studies: Sequence[Study], place: Path) -> Outcome:
        """Run the device over every file of the studies.

        Raises:
            FleetError: FLT-DEVICE, the device could not work, or its folder is not what its audit trail says.
        """
        paths = [str(path) for study in studies for path in _files(study)]
        if any(len(path.splitlines()) != 1 for path in paths):
            raise _device("a file whose name has a line break")
        command = [sys.executable, "-m", device_package, "analyse", "--list", "-", "-o", str(place)]
        command += ["--bundle", str(self.bundle), *self.options]
        command += ["--engine", "ray", "--workers", str(self.workers)] if self.workers > 1 else []
        done = subprocess.run(
            command,
            env=numeric_environment() | {"PYTHONPATH": str(REPOSITORY)},
            input="\n".join(paths).encode("utf-8", "surrogateescape"),
            capture_output=True,
            check=False,
        )
        if done.returncode not in {0, 1}:
            raise _device(f"exit code {done.returncode}: {done.stderr.decode(errors='replace').strip()[-300:]}")
        found, summary = inspect(place), read_json(place / "summary.json")
        if found.difference is not None:
            raise _device(found.difference)
        counts = {name: int(summary[name]) for name in ("analysed", "refused", "failed")}
        return Outcome(found.merkle_root, counts, {"audit.jsonl": file_sha256(place / "audit.jsonl")})

    def recorded(self, studies: Sequence[Study], place: Path) -> Counter[str]:
        """Count each study once whose files are all recorded: by path, or by content where the same bytes had been recorded under another path; one without files has no record.

        Raises:
            FleetError: FLT-DEVICE, the folder is not what its audit trail says.
        """
        if (difference := inspect(place).difference) is not None:
            raise _device(difference)
        inputs = read_json(place / "index.json")["inputs"]
        paths, contents = ({entry[name] for entry in inputs} for name in ("path", "content_sha256"))

        def known(path: Path) -> bool:
            return str(path) in paths or (path.is_file() and file_sha256(path) in contents)

        return Counter(study.uid for study in studies if (files := _files(study)) and all(map(known, files)))


def _files(study: Study) -> list[Path]:
    path = Path(study.path)
    return sorted(entry for entry in path.rglob("*") if not entry.is_dir()) if path.is_dir() else [path]


def _device(found: str) -> FleetError:
    repair = "see what the device said; the folder of the shard keeps what was recorded"
    return FleetError("FLT-DEVICE", where="thoratrace analyse", found=found, expected="every input recorded", repair=repair)
