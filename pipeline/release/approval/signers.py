"""Who has to sign a release: the people whose roles people.toml names for releases, with the keys that count now.

Source: 21 CFR 11.50, 11.100; IEC 62304 5.8.3; design 4 (release: signatures of two roles).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipeline.release.errors import ReleaseRefused
from pipeline.release.record.record import Kind, Signer
from pipeline.signing import SigningError, current_key, person_of
from verification.trace.audit_log import RELEASES
from verification.trace.people import read_people

if TYPE_CHECKING:
    from pathlib import Path

    from verification.trace.people import People, Person


def signers_of(root: Path, kind: Kind, names: tuple[str, ...]) -> tuple[Signer, ...]:
    """Return who has to sign: those named, in the order of their names.

    Raises:
        ReleaseRefused: ``REL-SIGNER``, people.toml does not hold, a name or key is missing, or a release lacks one of the roles it needs.
    """
    people, faults = read_people(root)
    if faults:
        raise refused("; ".join(map(str, faults[:3])))
    signers = tuple(_signer(people, name) for name in sorted(set(names)))
    owed = people.required(RELEASES) if kind is Kind.RELEASE else ()
    missing = [role for role in owed if role not in {each.role for each in signers}]
    if missing or (kind is Kind.RELEASE and not owed):
        raise refused(f"nobody signs as {', '.join(missing) or 'two roles'}")
    return signers


def _signer(people: People, name: str) -> Signer:
    try:
        person = person_of(people, name)
        key = current_key(person, datetime.now(UTC))
    except SigningError as err:
        raise refused(str(err)) from err
    demonstration = person.kind == "demonstration"
    return Signer(name, _role(people, person), "approved", key.id, key.public.line, demonstration)


def _role(people: People, person: Person) -> str:
    fitting = [role for role in person.roles if role in people.required(RELEASES)] or list(person.roles)
    if len(fitting) != 1:
        raise refused(f"{person.name} holds {', '.join(person.roles)}; one of them has to fit")
    return fitting[0]


def refused(found: str) -> ReleaseRefused:
    """Return the error of a signer who cannot sign."""
    expected = f"people of people.toml with keys that count, in every role of its rule for {RELEASES!r}"
    return ReleaseRefused(
        "REL-SIGNER", where="people.toml", found=found, expected=expected, repair="./qms people list; --signer NAME"
    )
