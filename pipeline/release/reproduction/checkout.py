"""The throw-away checkout of a release's commit: a clone of its own, so that nothing that happens in it can reach the repository it came from.

Files are believed by content, not because git said so: `source.read_source` and `source.require_clean` compare every one of them with the commit.

Source: git-clone(1) (--shared: objects are read where they lie, none is copied or written); IEC 62304 8.1.2.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

from device_sw.errors import CodedError
from pipeline.release.provenance.source import read_source, require_clean

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.release.record.record import Source

_PLAIN = (
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.autocrlf=false",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "advice.detachedHead=false",
)


class CheckoutFailed(CodedError):
    """The source of a release cannot be laid out. Codes: REP-COMMIT, the repository does not have it; REP-SOURCE, it is another one than was recorded."""


def check_out(repository: Path, source: Source, folder: Path) -> None:
    """Lay out a commit in a folder that must not exist, and compare every file with the record.

    Raises:
        CheckoutFailed: REP-COMMIT or REP-SOURCE.
    """
    _git("clone", "--quiet", "--shared", "--no-checkout", "--template=", "--", str(repository), str(folder), where=source.commit)
    _git("-C", str(folder), *_PLAIN, "checkout", "--quiet", "--detach", source.commit, where=source.commit)
    found, files = read_source(folder)
    for part in ("commit", "tree", "files_sha256"):
        if getattr(found, part) != getattr(source, part):
            raise CheckoutFailed(
                "REP-SOURCE",
                where=f"source {part}",
                found=getattr(found, part),
                expected=f"{getattr(source, part)}, as recorded",
                repair="the repository's objects are not those of the release; take a clone from another place",
            )
    require_clean(folder, files)


def throw_away(folder: Path) -> None:
    """Remove a folder that this program made, with everything in it."""
    shutil.rmtree(folder, ignore_errors=True)


def _git(*arguments: str, where: str) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    plain = kept | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_NO_REPLACE_OBJECTS": "1"}
    done = subprocess.run(["git", *arguments], env=plain, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise CheckoutFailed(
            "REP-COMMIT",
            where=where,
            found=said[-1] if said else f"git ended with {done.returncode}",
            expected="a repository with the commit of the record",
            repair="clone the whole project (no shallow clone) and try again",
        )
