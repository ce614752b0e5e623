"""The environment that a release was computed in: numeric class, interpreter, system, processor, variables, locks and every library by the hash of its files.

No time, no path, no name of a machine or user. What decides numbers is the class; the rest explains it and lets another machine be made like this one.
Source: IEC 62304 8.1.3, 5.8.5; FDA, Content of Premarket Submissions for Device Software Functions, VI.I (build environment).
"""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from device_sw.launcher import NUMERIC_ENVIRONMENT
from pipeline.release.provenance.installed import Installed, installed
from pipeline.release.provenance.numeric_class import NumericClass, measured
from pipeline.release.record.canonical import digest
from pipeline.run import file_sha256

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA = "thoratrace/environment/1"
LOCKS = ("device.lock", "requirements.lock")
_PROCESSOR = {"vendor_id": "vendor", "cpu family": "family", "model": "model", "model name": "name", "cache size": "cache"}


@dataclass(frozen=True)
class Environment:
    """Where and with what numbers were computed.

    Attributes:
        numeric: what the probes gave.
        libraries: distribution -> version and hash of its files.
        locks: lock -> SHA-256.
    """

    numeric: NumericClass
    libraries: Mapping[str, Installed]
    locks: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        """Return everything, as plain data."""
        return {
            "schema": SCHEMA,
            **self.summary(),
            "probes": dict(self.numeric.probes),
            "processor": processor(),
            "variables": dict(NUMERIC_ENVIRONMENT),
            "locks": dict(self.locks),
            "libraries": {name: {"version": each.version, "sha256": each.sha256} for name, each in self.libraries.items()},
        }

    def summary(self) -> dict[str, str]:
        """Return the few texts that stand in the record itself."""
        return {
            "numeric_class": self.numeric.sha256,
            **self.numeric.facts,
            "python": platform.python_version(),
            "implementation": platform.python_implementation(),
            "system": platform.system(),
            "machine": platform.machine(),
            "libc": " ".join(platform.libc_ver()),
            "libraries_sha256": digest({name: each.sha256 for name, each in self.libraries.items()}),
        }


def environment(root: Path) -> Environment:
    """Compute the numeric class and read every installed file.

    Raises:
        ReleaseRefused: the probes do not run, or the installed libraries are not those of the lock.
    """
    libraries = installed((root / "requirements.lock").read_text(encoding="utf-8"))
    return Environment(measured(root), libraries, {name: file_sha256(root / name) for name in LOCKS})


def processor(cpuinfo: Path = Path("/proc/cpuinfo")) -> dict[str, str]:
    """Return what the system says of its first processor; empty where it says nothing."""
    if not cpuinfo.is_file():
        return {}
    first = cpuinfo.read_text(encoding="utf-8").split("\n\n")[0]
    rows = dict(line.split(":", 1) for line in first.splitlines() if ":" in line)
    stated = {name.strip(): value.strip() for name, value in rows.items()}
    return {ours: stated[theirs] for theirs, ours in _PROCESSOR.items() if theirs in stated}
