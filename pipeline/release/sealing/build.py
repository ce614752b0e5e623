"""Builds a trial or a release: a trial seals the canonical run as it lies, verified at its commit, a release seals the release run in a workspace and enters that in the audit log.

    release: clean tree -> version is new -> workspace -> registered, verified, validated -> sealed -> entered in the audit log

A release build that died is started again with the same command: workspace, verification and technical file are found as they lie, and a folder that was
sealed and not entered yet is entered. What stands in the way is one error with its code; nothing is written into ``releases/`` before everything held.

Source: IEC 62304 5.8; design 3 and 4; docs/adr/0033.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline import audit_log
from pipeline.dvc_runs import run_folder
from pipeline.release.approval import cover_sheet
from pipeline.release.approval.approval import require_unaltered
from pipeline.release.approval.signers import signers_of
from pipeline.release.errors import ReleaseRefused
from pipeline.release.provenance.source import read_source, require_clean
from pipeline.release.record.folder import RELEASES, folder_of, newest
from pipeline.release.record.record import Kind, Previous, numbers
from pipeline.release.sealing.preparation import prepare, verify_at
from pipeline.release.sealing.sealing import Order, seal
from pipeline.release.sealing.workspace import OF_THE_RUN, close_workspace, open_workspace
from pipeline.run import REPOSITORY, Run
from verification.trace.audit_log import Event

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.audit_log import Signer as Enterer
    from pipeline.progress import Report
    from pipeline.release.record.folder import ReleaseFolder
    from pipeline.release.record.record import Record

PROFILE, BUDGET = "phantom", "release"
"""Which run is released."""


@dataclass(frozen=True)
class ReleaseOrder:
    """A release that is asked for: its version, who has to sign it, and who enters in the audit log that it was made."""

    version: str
    signers: tuple[str, ...]
    enterer: Enterer


def build_trial(root: Path, version: str, signers: tuple[str, ...], report: Report) -> ReleaseFolder:
    """Build the trial of a version anew and return its folder.

    Verdicts name the commit at which scenarios ran. Those of an earlier commit are made again, or nobody could make the trial again from its own.

    Args:
        root: of the repository, which is the root of the canonical run.
        version: three numbers.
        signers: who has to sign, as people.toml writes the names; may be nobody.
        report: progress.

    Raises:
        ReleaseRefused: something does not hold; an earlier trial stays then.
    """
    _require_no_release(root, version)
    folder = folder_of(root, version, Kind.TRIAL)
    source, files = read_source(root)
    require_clean(root, files)
    verify_at(root, source.commit, report)
    seal(root, Order(version, Kind.TRIAL, signers_of(root, Kind.TRIAL, signers)), folder, report)
    cover_sheet.write(folder)
    return folder


def build_release(root: Path, order: ReleaseOrder, report: Report) -> ReleaseFolder:
    """Build a release and return its folder, unsigned.

    Raises:
        ReleaseRefused: something does not hold.
        AuditRefused: the audit log does not take the entry; the same command enters it later.
        KeyringError: the private key of who enters is not there.
    """
    folder = folder_of(root, order.version, Kind.RELEASE)
    if folder.record_file.exists():
        record = folder.record()
        _require_ordered(record, order)
        _require_unentered(root, record)
        require_unaltered(folder, record)
    else:
        record = _sealed(root, order, folder, report)
    cover_sheet.write(folder)
    facts = {"version": record.version, "record_sha256": record.sha256, "commit": record.source.commit}
    audit_log.enter(root, Event.RECORDED, facts, order.enterer)
    return folder


def previous_of(root: Path, version: str) -> Previous | None:
    """Return the newest release; None before the first.

    Raises:
        ReleaseRefused: ``REL-VERSION``, the version is not newer than it; ``REL-RECORD``, its record cannot be read.
    """
    last = newest(root)
    if last is None:
        return None
    if numbers(last) >= numbers(version):
        raise ReleaseRefused(
            "REL-VERSION", where="VERSION", found=version, expected=f"a version after {last}", repair="give a newer one"
        )
    return Previous(last, folder_of(root, last, Kind.RELEASE).record().sha256)


def _sealed(root: Path, order: ReleaseOrder, folder: ReleaseFolder, report: Report) -> Record:
    source, files = read_source(root)
    require_clean(root, files)
    previous = previous_of(root, order.version)
    signers = signers_of(root, Kind.RELEASE, order.signers)
    run = Run(root / run_folder(PROFILE, BUDGET).relative_to(REPOSITORY))
    workspace = open_workspace(root, run, source.commit, report)
    prepare(workspace, source.commit, report)
    wanted = Order(order.version, Kind.RELEASE, signers, previous, spared=OF_THE_RUN)
    record = seal(workspace, wanted, folder, report)
    close_workspace(root, workspace)
    return record


def _require_no_release(root: Path, version: str) -> None:
    """Refuse a trial of a version that was released: its folder is the place of that release's archive, which may be the only copy."""
    if folder_of(root, version, Kind.RELEASE).path.exists():
        raise ReleaseRefused(
            "REL-EXISTS",
            where=f"{RELEASES}/{version}",
            found="a release of this version",
            expected="a version that is not released",
            repair="give another version to the trial",
        )


def _require_ordered(record: Record, order: ReleaseOrder) -> None:
    """Refuse to enter a sealed record that is not the one that was asked for: a trial that was copied here, another version, other signers."""
    found = (str(record.kind), record.version, tuple(sorted(each.name for each in record.signers)))
    wanted = (str(Kind.RELEASE), order.version, tuple(sorted(set(order.signers))))
    if found != wanted:
        raise ReleaseRefused(
            "REL-EXISTS",
            where=f"{RELEASES}/{order.version}",
            found=f"the record of the {found[0]} {found[1]}, to be signed by {', '.join(found[2]) or 'nobody'}",
            expected=f"the release {wanted[1]}, to be signed by {', '.join(wanted[2]) or 'nobody'}, as asked for",
            repair="remove the folder if it was not sealed by this command, or ask for the signers that it names",
        )


def _require_unentered(root: Path, record: Record) -> None:
    """Refuse to build a version again; one that was sealed and not entered goes on."""
    entered = [each.fact("record_sha256") for each in audit_log.read_trail(root).entries if each.event is Event.RECORDED]
    if record.sha256 in entered:
        raise ReleaseRefused(
            "REL-EXISTS",
            where=f"{RELEASES}/{record.version}",
            found=f"the record {record.sha256[:12]}, entered in the audit log",
            expected="a version that is not released",
            repair="a release is never built again; give the next version",
        )
