"""A trial: every step of a release on the canonical run as it lies, at development level, kept out of the repository. It releases nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.release.folder import ReleaseFolder, folder_of
from pipeline.release.record import Kind, Record
from pipeline.release.sealing import Order, seal
from pipeline.release.signers import signers_of

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.progress import Report


def build_trial(root: Path, version: str, names: tuple[str, ...], report: Report) -> tuple[ReleaseFolder, Record]:
    """Build the trial of a version anew and return its folder and record.

    Args:
        root: of the repository, which is the root of the canonical run.
        version: three numbers.
        names: who has to sign, as people.toml writes the names; may be nobody.
        report: progress.

    Raises:
        ReleaseRefused: something does not hold; an earlier trial stays then.
    """
    folder = folder_of(root, version, Kind.TRIAL)
    order = Order(version, Kind.TRIAL, signers_of(root, Kind.TRIAL, names))
    return folder, seal(root, order, folder, report)
