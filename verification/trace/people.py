"""Who may sign what: the roles, the rules which roles a document needs, the people, and their public keys, from people.toml behind a strict loader.

A name that the project made begins with ``DEMO-`` and is printed with the words "demonstration identity, no natural person". Keys have a time from which and until
which they count; a key that was given up carries when and why, and stays, because signatures made before are judged by it.

What this file cannot know: that a name is the person, that two names are two persons, and that a key is in one pair of hands. Those are procedures.

Source: 21 CFR 11.10 g), 11.100, 11.300; ISO 13485 5.5.1, 6.2.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from requirements_spec.datafile import Document, Table, Tables, Text, Texts, read
from requirements_spec.schema import AUTHOR
from verification.trace.codes import problem
from verification.trace.keys import ForgedError, Form, MalformedError, PublicKey, verify

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from requirements_spec.problem import Problem

PEOPLE = "people.toml"
SCHEMA = "thoratrace/people/1"
DEMONSTRATION = "demonstration identity, no natural person"
DEMO = "DEMO-"
TIME = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z"
FINGERPRINT = r"SHA256:[A-Za-z0-9+/]{43}"
MEANINGS = ("authored", "reviewed", "approved", "re-evaluated")
"""What a signature can mean (21 CFR 11.50 a 3); only ``approved`` opens a release."""

MOST_TIMES = 10_000
"""Times that are kept read: a process that judges again reads those of the same signatures each time."""

_ROLE = Text(pattern=r"[a-z][a-z ]*")
_TABLE = Table(
    {
        "schema": Text(choices=frozenset({SCHEMA})),
        "project": Text(pattern=r"[a-z0-9][a-z0-9.-]*"),
        "role": Tables(Table({"name": _ROLE, "signs": Text(), "meanings": Texts(Text(choices=frozenset(MEANINGS)))})),
        "rule": Tables(Table({"documents": Text(pattern=r"[A-Za-z0-9_./-]+"), "roles": Texts(_ROLE, least=2)})),
        "person": Tables(
            Table(
                {
                    "name": Text(pattern=AUTHOR),
                    "kind": Text(choices=frozenset({"demonstration", "person"})),
                    "roles": Texts(_ROLE),
                    "key": Tables(
                        Table(
                            {
                                "id": Text(pattern=FINGERPRINT),
                                "public": Text(pattern=r"ssh-ed25519 [A-Za-z0-9+/=]+"),
                                "valid_from": Text(pattern=TIME),
                                "valid_until": Text(pattern=TIME),
                                "revoked": Text(pattern=TIME, required=False),
                                "revoked_reason": Text(pattern=r".{10,}", required=False),
                                "replaces": Text(pattern=FINGERPRINT, required=False),
                                "vouched": Text(required=False),
                            }
                        ),
                        least=0,
                        required=False,
                    ),
                }
            ),
            least=0,
            required=False,
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Role:
    """A role, what it signs in words, and the meanings its signatures may have."""

    name: str
    signs: str
    meanings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """Which roles have to approve the documents at or below a path; the longest path that fits decides."""

    documents: str
    roles: tuple[str, ...]
    where: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Key:
    """A public key with the time in which it counts.

    Attributes:
        public: the key.
        valid_from: first moment, UTC.
        valid_until: last moment, UTC.
        revoked: from when on it does not count any more; None while it does.
        revoked_reason: why.
        replaces: id of the key that vouched for this one; empty for a first key.
        where: ``file:line``.
    """

    public: PublicKey
    valid_from: datetime
    valid_until: datetime
    revoked: datetime | None = None
    revoked_reason: str = ""
    replaces: str = ""
    vouched: str = ""
    where: str = field(default="", compare=False)

    @property
    def id(self) -> str:
        """The key's fingerprint."""
        return self.public.id


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who signs, with roles and keys; ``kind`` says whether there is a natural person behind the name."""

    name: str
    kind: str
    roles: tuple[str, ...]
    keys: tuple[Key, ...]
    where: str = field(default="", compare=False)

    @property
    def shown(self) -> str:
        """The name as it is printed."""
        return f"{self.name} ({DEMONSTRATION})" if self.kind == "demonstration" else self.name


@dataclass(frozen=True)
class People:
    """Everything people.toml holds."""

    project: str = ""
    roles: tuple[Role, ...] = ()
    rules: tuple[Rule, ...] = ()
    persons: tuple[Person, ...] = ()

    def person(self, name: str) -> Person | None:
        """Return the person of that name, or None."""
        return next((each for each in self.persons if each.name == name), None)

    def role(self, name: str) -> Role | None:
        """Return the role of that name, or None."""
        return next((each for each in self.roles if each.name == name), None)

    def required(self, document: str) -> tuple[str, ...]:
        """Return the roles that have to approve a document or item; of a document without a rule, none is named and any two approving roles do.

        >>> people = People(rules=(Rule("risk", ("a", "b")), Rule("risk/data", ("c", "d"))))
        >>> people.required("risk/data/policy.toml"), people.required("docs/x.md")
        (('c', 'd'), ())
        """
        fits = [
            rule for rule in self.rules if document == rule.documents or document.startswith(f"{rule.documents.rstrip('/')}/")
        ]
        return max(fits, key=lambda rule: len(rule.documents)).roles if fits else ()


def shown(name: str) -> str:
    """Return a name as it is printed; every name that the project made says that nobody is behind it.

    >>> shown("DEMO-quality")
    'DEMO-quality (demonstration identity, no natural person)'
    """
    return f"{name} ({DEMONSTRATION})" if name.startswith(DEMO) else name


@lru_cache(maxsize=MOST_TIMES)
def time_of(text: str) -> datetime:
    """Return a UTC time of the form 2026-11-21T10:00:00Z.

    Raises:
        ValueError: another form, or a time that does not exist.
    """
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def time_text(time: datetime) -> str:
    """Return a time as records write it, whole seconds, UTC."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_people(root: Path) -> tuple[People, tuple[Problem, ...]]:
    """Return people.toml and what is wrong with it; a project without the file has no roles, so nothing can be approved."""
    if not (root / PEOPLE).exists():
        return People(), ()
    document = read(root, PEOPLE, _TABLE)
    if document.problems:
        return People(), document.problems
    data = document.data
    faults: list[Problem] = []
    people = People(
        project=data["project"],
        roles=tuple(Role(each["name"], each["signs"], tuple(each["meanings"])) for each in data["role"]),
        rules=tuple(
            Rule(each["documents"], tuple(each["roles"]), where=document.where(f"$.rule[{index}]"))
            for index, each in enumerate(data["rule"])
        ),
        persons=tuple(_person(document, index, each, faults) for index, each in enumerate(data.get("person", ()))),
    )
    return people, tuple(sorted([*faults, *_contradictions(people)]))


def _person(document: Document, index: int, data: Mapping[str, Any], faults: list[Problem]) -> Person:
    keys = []
    for number, each in enumerate(data.get("key", ())):
        where = document.where(f"$.person[{index}].key[{number}]")
        try:
            keys.append(_key(each, where))
        except (ValueError, MalformedError) as err:
            faults.append(problem("SIG-KEY", where, data["name"], found=str(err)))
    return Person(data["name"], data["kind"], tuple(data["roles"]), tuple(keys), where=document.where(f"$.person[{index}]"))


def _key(data: Mapping[str, Any], where: str) -> Key:
    public = PublicKey.from_line(data["public"])
    if public.id != data["id"]:
        raise ValueError(f"the id {data['id']} for a key with the fingerprint {public.id}")
    key = Key(
        public,
        time_of(data["valid_from"]),
        time_of(data["valid_until"]),
        time_of(data["revoked"]) if "revoked" in data else None,
        data.get("revoked_reason", ""),
        data.get("replaces", ""),
        data.get("vouched", ""),
        where=where,
    )
    if key.valid_until <= key.valid_from:
        raise ValueError("a key that ends before it begins")
    if (key.revoked is None) != (not key.revoked_reason):
        raise ValueError("a revoked key without a reason, or a reason without a time")
    if bool(key.replaces) != bool(key.vouched):
        raise ValueError("a key that replaces another without that key's signature")
    return key


def _contradictions(people: People) -> Iterator[Problem]:
    """Yield what cannot be: a name, a role or a key twice, a role that does not exist, a name that hides or feigns a demonstration."""
    roles = [role.name for role in people.roles]
    for name in sorted({each for each in roles if roles.count(each) > 1}):
        yield problem("SIG-PERSON", PEOPLE, name, found="a role that stands there twice")
    for rule in people.rules:
        for missing in sorted(set(rule.roles) - set(roles)):
            yield problem("SIG-PERSON", PEOPLE, rule.documents, found=f"the role {missing}, which does not exist")
    names: set[str] = set()
    owners: dict[str, str] = {}
    for person in people.persons:
        if person.name in names:
            yield problem("SIG-PERSON", person.where, person.name, found="a name that another person has")
        names.add(person.name)
        if person.name.startswith(DEMO) != (person.kind == "demonstration"):
            yield problem("SIG-PERSON", person.where, person.name, found=f"a name of another kind than {person.kind}")
        for missing in sorted(set(person.roles) - set(roles)):
            yield problem("SIG-PERSON", person.where, person.name, found=f"the role {missing}, which does not exist")
        for key in person.keys:
            if key.id in owners:
                yield problem("SIG-KEY-SHARED", key.where, person.name, found=f"the key of {owners[key.id]}")
            owners.setdefault(key.id, person.name)
        yield from _unvouched(person)


def rotation_message(name: str, old: PublicKey, new: PublicKey) -> bytes:
    """Return the bytes that an old key signs to vouch for its successor."""
    return f"thoratrace/key-rotation/1\n{name}\n{old.id}\n{new.id}\n".encode()


def _unvouched(person: Person) -> Iterator[Problem]:
    """Yield keys that replace a key which is not there or did not vouch for them."""
    known = {key.id: key for key in person.keys}
    for key in person.keys:
        if not key.replaces:
            continue
        old = known.get(key.replaces)
        if old is None or old is key:
            yield problem(
                "SIG-KEY", key.where, person.name, found=f"the predecessor {key.replaces}, which is no key of {person.name}"
            )
            continue
        try:
            verify(old.public, rotation_message(person.name, old.public, key.public), Form.PLAIN, key.vouched)
        except (ForgedError, MalformedError) as err:
            yield problem("SIG-KEY", key.where, person.name, found=f"a successor that its predecessor did not sign: {err}")
