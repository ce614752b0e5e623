"""Who may sign what, what is signed as it lies here, and every signature in full: name, role, time, meaning, and the hash of what was signed.

Signatures are those of verification/approvals.jsonl, judged by the rules of the trace gate; one that does not hold stops the build, because a page must not print
what the gate refuses. A document counts as approved only in the state in which it lies here. The records themselves, with statement, key and signature, lie beside the
page as the file that is cited.

Source: 21 CFR 11.50 (name, time and meaning, in each printed form), 11.70; ISO 13485 4.2.4; AI Act Annex IV 2(g).
"""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from pipeline.dossier.tables import plain, table
from verification.trace.approvals import APPROVALS
from verification.trace.checks.levels import lacking
from verification.trace.people import shown
from verification.trace.subjects import subjects

if TYPE_CHECKING:
    from pipeline.dossier.evidence import EvidenceBook
    from verification.trace.approvals import Record
    from verification.trace.inputs import Inputs
    from verification.trace.people import Role

NOTHING_SIGNED = f"There is no signature: `{APPROVALS}` does not exist, and nobody has approved any document of this version."
SHORT = 16
"""Digits of a hash in a table of documents; the table of signatures prints all."""


class ApprovalPages:
    """The tables of the page of approvals, and those that plans take from the same people."""

    def __init__(self, inputs: Inputs, book: EvidenceBook) -> None:
        """Keep what the gate reads, and the book that the file of records is cited from."""
        self._book = book
        self._people = inputs.people
        self._approvals = inputs.approvals
        self._documents = {name: inputs.documents[name].sha256 for name in inputs.reviewed if name in inputs.documents}
        known = subjects(inputs.material)
        self._lacking = {name: lacking(inputs, name, known.get(name)) for name in inputs.reviewed}

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
        """Return each document that has to be signed before a release, as it lies here, with the roles that approved exactly this and what it lacks."""
        rows = [self._document(name, said) for name, said in sorted(self._lacking.items())]
        return table(["Document", "SHA-256 as it lies here", "Approved as", "Lacks"], rows, widths=[40, 17, 19, 24])

    def _document(self, name: str, said: str) -> list[str]:
        sha256 = self._documents.get(name, "")
        approved = ", ".join(plain(record.role) for record in self._approvals.for_content(name, sha256))
        return [f"`{name}`", f"`{sha256[:SHORT]}`" if sha256 else "no such file", approved or "nobody", plain(said) or "nothing"]

    def unsigned(self) -> str:
        """Return how many of the documents lack an approval, as the gate asks for it at release level."""
        return f"{sum(map(bool, self._lacking.values()))} of {len(self._lacking)}"

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
