"""Who may sign what, what is signed as it lies here, and every signature in full: name, role, time, meaning, and the hash of what was signed.

Signatures are those of verification/approvals.jsonl, judged by the rules of the trace gate; one that does not hold stops the build, because a page must not print
what the gate refuses. A document counts as approved only in the state in which it lies here.

Source: 21 CFR 11.50 (name, time and meaning, in each printed form), 11.70; ISO 13485 4.2.4; AI Act Annex IV 2(g).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.dossier.errors import FileError
from pipeline.dossier.tables import plain, table
from verification.trace import gate
from verification.trace.approvals import APPROVALS, Approvals, read_chain
from verification.trace.inputs import SIGNED
from verification.trace.people import People, read_people, shown
from verification.trace.subjects import read_documents

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

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
    approvals = gate.read(root).approvals if read_chain(root).lines else Approvals()
    _refuse(approvals.problems)
    return Signatures(people, approvals, read_documents(root, _to_sign(root)))


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

    def __init__(self, signatures: Signatures) -> None:
        """Keep what was read."""
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
        """Return each document that has to be signed, as it lies here, with who approved exactly this and which roles are missing."""
        rows = [self._document(name, document) for name, document in sorted(self._documents.items())]
        return table(["Document", "SHA-256 as it lies here", "Approved by", "Roles missing"], rows, widths=[36, 20, 24, 20])

    def _document(self, name: str, document: Document) -> list[str]:
        records = self._approvals.for_content(name, document.sha256)
        missing = [role for role in self._people.required(name) if role not in {record.role for record in records}]
        approved = "\n\n".join(f"{plain(shown(record.name))}, {plain(record.role)}" for record in records)
        return [f"`{name}`", f"`{document.sha256[:SHORT]}`", approved or "nobody", ", ".join(map(plain, missing)) or "none"]

    def unsigned(self) -> str:
        """Return how many of the documents lack a role."""
        rows = (self._document(name, document)[3] for name, document in self._documents.items())
        return f"{sum(row != 'none' for row in rows)} of {len(self._documents)}"

    def records(self) -> str:
        """Return every signature that holds, in full; a sentence where there is none."""
        if not self._approvals.records:
            return NOTHING_SIGNED
        rows = [self._record(record) for record in self._approvals.records]
        header = ["Name and role", "Time (UTC)", "Meaning", "What was signed, and its SHA-256", "Statement"]
        return table(header, rows, widths=[22, 13, 11, 32, 22])

    @staticmethod
    def _record(record: Record) -> list[str]:
        return [
            f"**{plain(shown(record.name))}**\n\n{plain(record.role)}",
            record.time,
            plain(record.meaning),
            f"`{record.target}`\n\n`{record.sha256}`",
            plain(record.statement),
        ]
