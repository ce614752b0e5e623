"""The source of an end as a folder: of a release or a commit unpacked from git without touching the checkout, of the working tree as it lies there.

Source: IEC 62304 8.1.3, 8.3.
"""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipeline.change_package.errors import ChangePackageRefused
from verification.trace.revisions import RevisionError, unpacked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.change_package.ends import End

ALSO = ("AUDIT.jsonl", "CHANGELOG.md", "device.lock", "evidence/locked_validation", "params.yaml", "verification/approvals.jsonl")
"""What is compared of a commit beside what the engine of impact needs."""


@contextmanager
def source_of(root: Path, end: End) -> Iterator[Path]:
    """Give a folder with what is compared of an end's source, for as long as it is needed.

    Raises:
        ChangePackageRefused: ``CPK-SOURCE``.
    """
    if end.is_tree:
        yield root
        return
    try:
        with unpacked(root, end.commit) as folder:
            for name in _present(root, end.commit):
                _write(folder / name, _git(root, "cat-file", "blob", f"{end.commit}:{name}"))
            yield folder
    except RevisionError as err:
        raise _refused_source(end.title, str(err)) from err


def _present(root: Path, commit: str) -> list[str]:
    listing = _git(root, "ls-tree", "-r", "-z", "--name-only", "--full-tree", commit, "--", *ALSO)
    return [name for name in listing.decode().split("\0") if name and not name.endswith(".png")]


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _git(root: Path, *arguments: str) -> bytes:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, check=False)
    if done.returncode:
        raise _refused_source(f"git {arguments[0]}", f"exit code {done.returncode}")
    return done.stdout


def _refused_source(where: str, found: str) -> ChangePackageRefused:
    return ChangePackageRefused(
        "CPK-SOURCE", where=where, found=found, expected="a commit that git can read", repair="fetch the repository again"
    )
