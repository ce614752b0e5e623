"""People with keys made for one test, and what they sign; the private halves end with the test."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from verification.trace.approvals import Record, Subject, examine, head_json
from verification.trace.keys import Form, public_of, sign
from verification.trace.people import Key, People, Person, Role, time_text
from verification.trace.signed_chain import FIRST, Chain, line_hash

START = datetime(2026, 11, 21, 8, 0, 0, tzinfo=UTC)
NOW = START + timedelta(days=10)
YEAR = timedelta(days=365)
SHA = "a" * 64
SUBJECTS = {
    "risk/data/policy.toml": Subject(SHA, (("SRS-001", "b" * 64),), frozenset({"DEMO-author"})),
    "SRS-001": Subject("b" * 64, (), frozenset({"DEMO-author"})),
}
MEANINGS = ("authored", "reviewed", "approved")


class Signer:
    """A person with a key."""

    def __init__(self, name, *roles, since=START - timedelta(days=1), until=START + YEAR, revoked=None, private=None):
        self.private = private or Ed25519PrivateKey.generate()
        self.key = Key(public_of(self.private), since, until, revoked, "the laptop was lost" if revoked else "")
        self.person = Person(name, "demonstration", roles, (self.key,))


def people(*signers, project="thoratrace"):
    """Return people.toml's content with these people and every role they hold."""
    roles = sorted({role for signer in signers for role in signer.person.roles})
    return People(
        project, tuple(Role(name, "everything", MEANINGS) for name in roles), (), tuple(each.person for each in signers)
    )


class Book:
    """A chain in the making; time goes on by a minute with each record."""

    def __init__(self):
        self.lines = []
        self.time = START

    def draft(self, signer, **fields):
        """Return the next record, unsigned."""
        self.time += timedelta(minutes=1)
        given = {
            "project": "thoratrace",
            "name": signer.person.name,
            "role": signer.person.roles[0],
            "time": time_text(self.time),
            "meaning": "approved",
            "target": "risk/data/policy.toml",
            "sha256": SHA,
            "links": (("SRS-001", "b" * 64),),
            "statement": "read in full against the hazards",
            "key": signer.key.id,
            "previous": line_hash(self.lines[-1]) if self.lines else FIRST,
            "form": Form.PLAIN,
        }
        return Record(**(given | fields))

    def add(self, signer, **fields):
        """Sign the next record and append it."""
        record = self.draft(signer, **fields)
        record = replace(record, signature=sign(signer.private, record.message, record.form))
        self.lines.append(record.line)
        return record

    def chain(self):
        """Return the chain with a fitting head."""
        head = head_json(tuple(self.lines))
        return Chain(tuple(self.lines), (head["records"], head["sha256"]))

    def judged(self, known, now=NOW):
        """Return what the gate makes of it."""
        return examine(self.chain(), known, SUBJECTS, now)

    def codes(self, known, now=NOW):
        """Return the codes of everything refused."""
        return sorted({problem.code for problem in self.judged(known, now).problems})
