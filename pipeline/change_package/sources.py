"""The source of an end as a folder: of a release or a commit unpacked from git without touching the checkout, of the working tree as it lies there.

Source: IEC 62304 8.1.3, 8.3.
"""

from __future__ import annotations

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
        with unpacked(root, end.commit, ALSO) as folder:
            yield folder
    except RevisionError as err:
        raise ChangePackageRefused(
            "CPK-SOURCE",
            where=end.title,
            found=str(err),
            expected="a commit that git can read",
            repair="fetch the repository again",
        ) from err
