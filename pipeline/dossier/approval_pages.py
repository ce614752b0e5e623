"""Who may sign what, what is signed as it lies here, and every signature in full: name, role, time, meaning, and the hash of what was signed.

Signatures are those of verification/approvals.jsonl, judged by the rules of the trace gate; one that does not hold stops the build, because a page must not print
what the gate refuses. A document counts as approved only in the state in which it lies here. The records themselves, with statement, key and signature, lie beside the
page as the file that is cited.

Source: 21 CFR 11.50 (name, time and meaning, in each printed form), 11.70; ISO 13485 4.2.4; AI Act Annex IV 2(g).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from pipeline.dossier.errors import FileError
from pipeline.dossier.tables import plain, table
from requirements_spec import changes
from requirements_spec import loader as specification_loader
from risk import changes as risk_changes
from risk import loader as risk_loader
from verification.trace import features
from verification.trace.approvals import APPROVALS, Approvals, examine, read_chain
from verification.trace.baseline import read_ledger
from verification.trace.inputs import SIGNED
from verification.trace.people import People, read_people, shown
from verification.trace.subjects import Material, named, read_documents, subjects
from verification.trace.written import read_written

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from pipeline.dossier.evidence import EvidenceBook
    from requirements_spec.problem import Problem
    from verification.trace.approvals import Record
    from verification.trace.people import Role
    from verification.trace.subjects import Document

NOTHING_SIGNED = f"There is no signature: `{APPROVALS}` does not exist, and nobody has approved any document of this version."
SHORT = 16
"""Digits of a hash in a table of documents; the table of signatures prints all."""


@dataclass(frozen=True)
class Signatures:
    """Everything the pages are made from.

    Attributes:
        people: roles, rules and persons.
        approvals: the signatures that hold.
        documents: hash of each document that has to be signed before a release.
    """

    people: People
    approvals: Approvals
    documents: Mapping[str, Document]


def read_signatures(root: Path) -> Signatures:
    """Return roles, signatures and documents as they lie below ``root``.

    Raises:
        FileError: FILE-DATA, people.toml or a signature does not hold.
    """
    people, problems = read_people(root)
    _refuse(problems)
    approvals = _judged(root, people)
    _refuse(approvals.problems)
    return Signatures(people, approvals, read_documents(root, _to_sign(root)))


def _judged(root: Path, people: People) -> Approvals:
    """Return what the chain amounts to, by the gate's rules; who wrote what is asked only where somebody signed."""
    chain = read_chain(root)
    known = subjects(_material(root, (*_to_sign(root), *named(chain)))) if chain.lines else {}
    return examine(chain, people, known, datetime.now(UTC))


def _material(root: Path, documents: Iterable[str]) -> Material:
    specification, _ = specification_loader.load(root)
    risk, _ = risk_loader.load(root, specification)
    scenarios, _ = features.load(root)
    of_specification, _ = changes.read_ledger(root, changes.SPECIFICATION_BOOK.ledger)
    of_risk, _ = changes.read_ledger(root, risk_changes.RISK_BOOK.ledger)
    obligations, _ = read_ledger(root)
    return Material(
        specification,
        risk,
        scenarios,
        (*of_specification, *of_risk),
        obligations,
        read_written(root),
        read_documents(root, documents),
    )


def _to_sign(root: Path) -> Iterator[str]:
    """Yield the files that two roles have to sign before a release."""
    for name in SIGNED:
        path = root / name
        files = [path] if path.suffix else [*path.rglob("*.toml"), *path.rglob("*.feature")]
        yield from (file.relative_to(root).as_posix() for file in files)


def _refuse(problems: Iterable[Problem]) -> None:
    for first in problems:
        raise FileError("FILE-DATA", first.where, f"{first.code} {first.item}: {first.found}", first.expected, first.repair)


class ApprovalPages:
    """The tables of the page of approvals, and those that plans take from the same people."""

    def __init__(self, signatures: Signatures, book: EvidenceBook) -> None:
        """Keep what was read, and the book that the file of records is cited from."""
        self._book = book
        self._people = signatures.people
        self._approvals = signatures.approvals
        self._documents = signatures.documents

    def roles(self) -> str:
        """Return each role with what its signature means and who holds it."""
        rows = [
            [f"**{plain(role.name)}**", plain(role.signs), ", ".join(map(plain, role.meanings)), self._holders(role)]
            for role in self._people.roles
        ]
        return table(["Role", "Signs", "A signature may mean", "Held by"], rows, widths=[17, 41, 18, 24])

    def _holders(self, role: Role) -> str:
        holders = [person for person in self._people.persons if role.name in person.roles]
        keyed = [f"{plain(person.shown)}{'' if person.keys else ', without a key'}" for person in holders]
        return "\n\n".join(keyed) or "nobody"

    def rules(self) -> str:
        """Return which roles have to approve which documents."""
        rows = [[f"`{rule.documents}`", " and ".join(map(plain, rule.roles))] for rule in self._people.rules]
        return table(["Documents at or below", "Roles that approve"], rows, widths=[50, 50])

    def documents(self) -> str:
        """Return each document that has to be signed, as it lies here, with the roles that approved exactly this and those that are missing."""
        rows = [self._document(name, document) for name, document in sorted(self._documents.items())]
        return table(["Document", "SHA-256 as it lies here", "Approved as", "Roles missing"], rows, widths=[42, 18, 22, 18])

    def _document(self, name: str, document: Document) -> list[str]:
        records = self._approvals.for_content(name, document.sha256)
        missing = [role for role in self._people.required(name) if role not in {record.role for record in records}]
        approved = ", ".join(plain(record.role) for record in records)
        return [f"`{name}`", f"`{document.sha256[:SHORT]}`", approved or "nobody", ", ".join(map(plain, missing)) or "none"]

    def unsigned(self) -> str:
        """Return how many of the documents lack a role."""
        rows = (self._document(name, document)[3] for name, document in self._documents.items())
        return f"{sum(row != 'none' for row in rows)} of {len(self._documents)}"

    def records(self) -> str:
        """Return every signature that holds, by what was signed; a sentence where there is none."""
        if not self._approvals.records:
            return NOTHING_SIGNED
        by_content = attrgetter("target", "sha256")
        grouped = groupby(sorted(self._approvals.records, key=by_content), key=by_content)
        rows = [[f"`{target}`\n\n`{sha256}`", "\n\n".join(map(_signature, records))] for (target, sha256), records in grouped]
        count = self._book.cited(str(len(self._approvals.records)), APPROVALS)
        listing = table(
            ["What was signed, and the SHA-256 of its content", "Name, role, meaning, time (UTC)"], rows, widths=[46, 54]
        )
        return f"{count} signatures; each with its statement, key and bytes in the file that this number leads to.\n\n{listing}"


def _signature(record: Record) -> str:
    return f"**{plain(shown(record.name))}**, {plain(record.role)}: {plain(record.meaning)}, {record.time}"
