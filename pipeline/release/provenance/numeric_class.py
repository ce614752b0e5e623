"""The numeric class of a machine: which numbers it computes, found by computing some, not by asking for the processor's name.

    class = SHA-256 of the canonical text of {probe: SHA-256 of its results}

Two machines of one class gave the same bytes for every operation of `pipeline.release.provenance.numeric_probe`, so equal results can be asked of them. Between two
classes bytes prove nothing, and a comparison is inconclusive. A class says nothing of what no probe computes.
Source: ADR 0003; FastSurfer's fingerprint probe (Deep-MI/FastSurfer, pull request 886) measured that processors of one name can differ.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.release.errors import ReleaseRefused
from pipeline.release.provenance.closed_environment import closed_environment
from pipeline.release.record.canonical import digest
from pipeline.run import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

PROBE = "pipeline.release.provenance.numeric_probe"


@dataclass(frozen=True)
class NumericClass:
    """What the probes gave.

    Attributes:
        probes: name of a probe -> SHA-256 of its results.
        facts: what the libraries say of themselves; explains a class, is no part of it.
    """

    probes: Mapping[str, str]
    facts: Mapping[str, str]

    @property
    def sha256(self) -> str:
        """The class.

        >>> NumericClass({"a": "1"}, {"torch": "2"}).sha256 == NumericClass({"a": "1"}, {}).sha256
        True
        """
        return digest(dict(self.probes))

    def difference(self, other: Mapping[str, str]) -> tuple[str, ...]:
        """Return the names of the probes whose results differ from the other's, or that only one of them has.

        >>> NumericClass({"a": "1", "b": "2"}, {}).difference({"a": "1", "b": "3", "c": "4"})
        ('b', 'c')
        """
        return tuple(name for name in sorted({*self.probes, *other}) if self.probes.get(name) != other.get(name))


def measured(
    root: Path = REPOSITORY,
    python: str = sys.executable,
    *,
    caches: Path | None = None,
    changes: Mapping[str, str] | None = None,
    under: Sequence[str] = (),
) -> NumericClass:
    """Run the probes in a process of their own and return what they gave.

    Args:
        root: checkout whose probe runs.
        python: interpreter with the locked libraries.
        caches: folder for compiled code, see `closed_environment`.
        changes: variables that are set otherwise than a release asks for, to see what they do.
        under: a command that runs the interpreter on another processor than this one: an emulator with its options.

    Raises:
        ReleaseRefused: ``REL-NUMERIC-PROBE``, the probes did not run.
    """
    environment = {**closed_environment(root, caches, python), **(changes or {})}
    done = subprocess.run([*under, python, "-m", PROBE], cwd=root, env=environment, capture_output=True, text=True, check=False)
    try:
        found: dict[str, Any] = json.loads(done.stdout) if done.returncode == 0 else {}
        return NumericClass(found["probes"], found["facts"])
    except (ValueError, KeyError) as err:
        said = (done.stderr.strip().splitlines() or ["nothing"])[-1]
        raise ReleaseRefused(
            "REL-NUMERIC-PROBE",
            where=PROBE,
            found=f"exit code {done.returncode}, {said[:160]}",
            expected="the hashes of all probes",
            repair="make the environment from requirements.lock and try again",
        ) from err
