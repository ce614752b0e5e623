"""Signs a record: whoever has to sign reads what it says, the parts are hashed again, and a signature goes into the envelope.

Of a release, the approval is entered in the repository's audit log too, and with the last signature its model becomes `released` in the registry; of a
trial, nothing is. A signing that died is done again: signatures of Ed25519
are the same each time, and nothing is entered twice.

Source: 21 CFR 11.50, 11.70, 11.200; IEC 62304 5.8.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipeline.audit_log import Signer as Enterer
from pipeline.audit_log import enter, read_trail
from pipeline.release.approval import certificate, cover_sheet
from pipeline.release.approval.signers import refused
from pipeline.release.errors import ReleaseRefused
from pipeline.release.record.folder import replace_bytes
from pipeline.release.record.record import CONCLUSION, Kind
from pipeline.release.registry.promotion import promote
from pipeline.run import file_sha256
from pipeline.signing import SigningError, current_key, person_of
from verification.trace.approvals import SHORTEST_STATEMENT
from verification.trace.audit_log import Event
from verification.trace.people import read_people, shown, time_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.keyring import Keyring
    from pipeline.release.approval.certificate import Certificate
    from pipeline.release.record.folder import ReleaseFolder
    from pipeline.release.record.record import Record, Signer


@dataclass(frozen=True)
class Approval:
    """Who signs, in which words, with which keys."""

    name: str
    statement: str
    keyring: Keyring


def approve(root: Path, folder: ReleaseFolder, approval: Approval) -> Certificate:
    """Sign the record of a folder and return the certificate.

    Raises:
        ReleaseRefused: ``REL-RECORD``, no record; ``REL-ALTERED``, a part is not the recorded one; ``REL-SIGNER``, this person does not have to sign, has no
            such key that counts now, or says nothing.
        AuditRefused: the audit log does not take the entry.
        KeyringError: the private key is not there.
        RegistrationRefused: the last signature is given, and the registry does not let the model become `released`; the same command tries again.
    """
    record, envelope = folder.record(), folder.envelope()
    signer = _owed(root, record, approval)
    require_unaltered(folder, record)
    private = approval.keyring.private(signer.key)
    # The log first: what it does not take is not signed either, and a signing that dies in between finds its entry.
    time = _entered(root, record, signer, approval) if record.kind is Kind.RELEASE else time_text(datetime.now(UTC))
    replace_bytes(folder.record_file, envelope.signed(private).to_bytes())
    made = certificate.held(folder, record).get(signer.name)
    if made is None:
        made = certificate.made(record, signer, approval.statement.strip(), time, private)
        replace_bytes(certificate.place(folder, signer.name), made.to_bytes())
    cover_sheet.write(folder)
    if record.kind is Kind.RELEASE and not owed(folder, record):
        promote(root, record)
    return made


def owed(folder: ReleaseFolder, record: Record) -> tuple[Signer, ...]:
    """Return who has not signed yet: without a certificate that holds, or without a signature of the record."""
    signed = certificate.held(folder, record)
    keys = {each.keyid for each in folder.envelope().signatures}
    return tuple(each for each in record.signers if each.name not in signed or each.key not in keys)


def require_unaltered(folder: ReleaseFolder, record: Record) -> None:
    """Refuse parts that are not the recorded ones; an archive that is not here is passed over, a committed part never.

    Raises:
        ReleaseRefused: ``REL-ALTERED``.
    """
    archived = (folder.archive / "archive").is_dir()
    wanted = [each for each in record.subjects if archived or not each.name.startswith("archive/")]
    odd = [each.name for each in wanted if not folder.place(each.name).is_file()]
    odd += [each.name for each in wanted if each.name not in odd and file_sha256(folder.place(each.name)) != each.sha256]
    if odd:
        raise ReleaseRefused(
            "REL-ALTERED",
            where=record.version,
            found=f"{', '.join(odd[:5])} missing or changed",
            expected="the parts that the record names",
            repair="restore the folder; nobody signs what is not there",
        )


def to_read(folder: ReleaseFolder) -> Iterator[str]:
    """Yield what a signer has to read: what is signed, from what, with which figures, and who signed it already."""
    record = folder.record()
    yield f"{record.title} ({CONCLUSION})"
    yield f"record {record.sha256}"
    yield f"commit {record.source.commit}, model {record.model.version}, weights {record.model.weights_sha256[:16]}"
    yield f"trace gate at {record.gate['level']} level: {record.gate['problems']} problems; {len(record.subjects)} parts"
    yield from (
        f"{row.title}: {row.figure} ({row.goal}): {row.outcome}"
        for row in cover_sheet.endpoints(folder.content(cover_sheet.VALIDATION))
    )
    signed = certificate.held(folder, record)
    for each in record.signers:
        yield f"{shown(each.name)} as {each.role}: {'signed ' + signed[each.name].time if each.name in signed else 'owed'}"


def _owed(root: Path, record: Record, approval: Approval) -> Signer:
    """Return who signs, once it is one of those who have to, with a key that counts now and in words of their own."""
    signer = next((each for each in record.signers if each.name == approval.name), None)
    if signer is None:
        raise refused(
            f"{approval.name}, who does not have to sign; owed: {', '.join(each.name for each in record.signers) or 'nobody'}"
        )
    if len(approval.statement.strip()) < SHORTEST_STATEMENT or not approval.statement.isprintable():
        raise refused(f"the statement {approval.statement[:40]!r} of {approval.name}")
    people, faults = read_people(root)
    if faults:
        raise refused("; ".join(map(str, faults[:3])))
    try:
        key = current_key(person_of(people, approval.name), datetime.now(UTC)).id
    except SigningError as err:
        raise refused(str(err)) from err
    if key != signer.key:
        raise refused(f"{approval.name} with the key {key}; the record names {signer.key}, so it has to be built again")
    return signer


def _entered(root: Path, record: Record, signer: Signer, approval: Approval) -> str:
    """Enter the approval in the audit log, once, and return its time."""
    for entry in read_trail(root).entries:
        if entry.event is Event.APPROVED and (entry.name, entry.fact("record_sha256")) == (signer.name, record.sha256):
            return entry.time
    facts = {"version": record.version, "record_sha256": record.sha256}
    enterer = Enterer(signer.name, signer.role, approval.statement, approval.keyring)
    return enter(root, Event.APPROVED, facts, enterer).time
