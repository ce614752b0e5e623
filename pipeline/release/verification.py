"""Hands a release of this checkout to the stand-alone verifier, in an interpreter of its own that takes nothing from the surroundings.

The verifier is the file that an auditor carries away (`verifier.py`); this module only says where a release and its archive lie. Where a folder of the
version lies under releases/, it has to hold a release: a trial of the same number never takes its place.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from pipeline.release.errors import ReleaseRefused
from pipeline.release.record.folder import RELEASES, TRIALS, folder_of
from pipeline.release.record.record import Kind

VERIFIER = Path(__file__).with_name("verifier.py")


def command(root: Path, version: str, options: tuple[str, ...] = (), *, repository: bool = True) -> list[str]:
    """Return the command that verifies a version.

    Args:
        root: of the checkout.
        version: three numbers.
        options: of the verifier, handed on.
        repository: whether commit, files and audit log of the checkout are checked too.

    Raises:
        ReleaseRefused: ``REL-VERSION``; ``REL-RECORD``, neither a release nor a trial of this version lies here.
    """
    release, trial = (folder_of(root, version, kind) for kind in (Kind.RELEASE, Kind.TRIAL))
    found = release if release.path.exists() else trial
    if not found.path.exists():
        expected, repair = f"{RELEASES}/{version} or {TRIALS}/{version}", f"./qms release build {version} --trial makes a trial"
        raise ReleaseRefused("REL-RECORD", where=version, found="no folder", expected=expected, repair=repair)
    given = ["--release"] if found is release else []
    if found is release and (archive := release.archive / "archive").is_dir():
        given += ["--archive", str(archive)]
    given += ["--repository", str(root)] if repository else []
    return [sys.executable, "-I", str(VERIFIER), str(found.path), *given, *options]


def verify(root: Path, version: str, options: tuple[str, ...] = (), *, repository: bool = True) -> int:
    """Verify a version, with the verifier's own prints, and return its exit code.

    Raises:
        ReleaseRefused: as ``command`` does.
    """
    return subprocess.run(command(root, version, options, repository=repository), check=False).returncode
