"""Makes what the trace gate later judges: people with keys in people.toml, and signed records in verification/approvals.jsonl.

Every change of people.toml is an addition of text, read again before it is kept: what the strict loader refuses is not written. A record is judged by the same code as
in the gate before it is appended, so that nobody signs what would be refused.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import subprocess
import tempfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from verification.trace import gate
from verification.trace.approvals import APPROVALS, HEAD, Record, Subject, examine, head_json, read_chain
from verification.trace.evidence import write_json
from verification.trace.keys import Form, MalformedError, from_armour, sign
from verification.trace.people import PEOPLE, People, Person, read_people, rotation_message, shown, time_text
from verification.trace.signed_chain import Chain
from verification.trace.subjects import fingerprints, read_documents, subjects

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.keyring import Keyring
    from verification.trace.inputs import Inputs
    from verification.trace.keys import PublicKey
    from verification.trace.people import Key

VALID_DAYS = 365
"""Days for which a new key counts, unless told otherwise."""


class SigningError(Exception):
    """Nothing was signed or written; the message says why."""


@dataclass(frozen=True)
class Desk:
    """What lies before a signer: the project, what can be signed in it, and the chain to sign into."""

    root: Path
    inputs: Inputs
    subjects: dict[str, Subject]
    chain: Chain

    @property
    def people(self) -> People:
        """Who may sign."""
        return self.inputs.people


@dataclass(frozen=True)
class Words:
    """What a signer says: who, as what, meaning what, in which words."""

    name: str
    role: str
    meaning: str
    statement: str


def open_desk(root: Path, target: str) -> Desk:
    """Read the project, with ``target`` among what can be signed.

    Raises:
        SigningError: people.toml or the chain do not hold, or the target is no item and no file of the project.
    """
    inputs = gate.read(root)
    _, faults = read_people(root)
    if faults or inputs.approvals.problems:
        raise SigningError("\n".join(map(str, (*faults, *inputs.approvals.problems))))
    documents = {**inputs.documents, **read_documents(root, [target])}
    known = subjects(replace(inputs.material, documents=documents))
    if target not in known:
        raise SigningError(
            f"{target} is no item and no file of this project; name one item or one file, never a pattern or a folder"
        )
    return Desk(root, inputs, known, read_chain(root))


def person_of(people: People, name: str) -> Person:
    """Return the person of a name.

    Raises:
        SigningError: people.toml holds nobody of that name.
    """
    person = people.person(name)
    if person is None:
        raise SigningError(f"{PEOPLE} holds no {name}; known are {', '.join(each.name for each in people.persons) or 'none'}")
    return person


def current_key(person: Person, now: datetime) -> Key:
    """Return the person's newest key that counts now.

    Raises:
        SigningError: there is none.
    """
    counting = [
        key for key in person.keys if key.valid_from <= now <= key.valid_until and (key.revoked is None or now < key.revoked)
    ]
    if not counting:
        raise SigningError(f"{shown(person.name)} has no key that counts now; add one with ./qms people add or rotate")
    return max(counting, key=lambda key: key.valid_from)


def draft(desk: Desk, target: str, words: Words, form: Form, now: datetime) -> Record:
    """Return the record that is to be signed.

    Raises:
        SigningError: nobody of that name, no key that counts, or several roles and none named.
    """
    person = person_of(desk.people, words.name)
    role = words.role or (person.roles[0] if len(person.roles) == 1 else "")
    if not role:
        raise SigningError(f"{words.name} holds {', '.join(person.roles)}; say with --role as which of them this is signed")
    subject = desk.subjects[target]
    return Record(
        project=desk.people.project,
        name=person.name,
        role=role,
        time=time_text(now),
        meaning=words.meaning,
        target=target,
        sha256=subject.sha256,
        links=subject.links,
        statement=words.statement.strip(),
        key=current_key(person, now).id,
        previous=desk.chain.last,
        form=form,
    )


def signed(record: Record, keyring: Keyring) -> Record:
    """Return the record with its signature."""
    return replace(record, signature=sign(keyring.private(record.key), record.message, record.form))


def signed_elsewhere(message: bytes, armour: str) -> Record:
    """Return the record whose message ``ssh-keygen -Y sign -n thoratrace`` signed, wherever its key lies.

    Raises:
        SigningError: the message is no record, or the file no signature.
    """
    try:
        data = json.loads(message)
        names = set(data) - {"schema", "links", "form"}
        record = Record(
            **{name: data[name] for name in names}, links=tuple(sorted(data["links"].items())), form=Form(data["form"])
        )
        record = replace(record, signature=from_armour(armour))
    except (ValueError, TypeError, KeyError, AttributeError, MalformedError) as err:
        raise SigningError(f"not a message that ./qms wrote, or not its signature: {err}") from err
    if record.message != message:
        raise SigningError("the message was changed after ./qms wrote it")
    return record


def append(desk: Desk, record: Record, now: datetime) -> None:
    """Add a record to the chain, once the gate's own judgement has nothing against it.

    Raises:
        SigningError: the gate would refuse it.
    """
    lines = (*desk.chain.lines, record.line)
    head = head_json(lines)
    judged = examine(Chain(lines, (head["records"], head["sha256"])), desk.people, desk.subjects, now)
    if judged.problems:
        raise SigningError("\n".join(map(str, judged.problems)))
    path = desk.root / APPROVALS
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    part.replace(path)
    write_json(desk.root / HEAD, head)


def to_read(desk: Desk, target: str) -> Iterator[str]:
    """Yield what a signer has to read: the content, what it links to, who wrote it, and the difference from what was signed last."""
    subject = desk.subjects[target]
    yield f"{target}  sha256 {subject.sha256}"
    yield f"written by: {', '.join(map(shown, sorted(subject.authors))) or 'nobody says'}"
    yield ""
    content = content_of(desk, target)
    yield from content
    yield ""
    known = fingerprints(desk.inputs.material)
    yield f"links to {len(subject.links)} items:"
    yield from (f"  {name}  {known[name][:12]}" for name, _ in subject.links)
    yield from _difference(desk, target, content)


def content_of(desk: Desk, target: str) -> list[str]:
    """Return the lines of a document, or of the part of its file in which an item stands."""
    if (desk.root / target).is_file():
        return (desk.root / target).read_text(encoding="utf-8").splitlines()
    place = _place(desk, target)
    path, _, line = place.rpartition(":")
    return block((desk.root / path).read_text(encoding="utf-8").splitlines(), int(line))


def block(lines: list[str], line: int) -> list[str]:
    """Return a table of a TOML file from its header on, with the tables below it.

    >>> block(["[[a]]", "b = 1", "[[a.c]]", "d = 2", "[[a]]", "b = 3"], 1)
    ['[[a]]', 'b = 1', '[[a.c]]', 'd = 2']
    """
    header = lines[line - 1].strip().strip("[]")
    taken = lines[line - 1 : line]
    for text in lines[line:]:
        if text.startswith("[") and not text.strip("[").startswith(f"{header}."):
            break
        taken.append(text)
    return taken


def _place(desk: Desk, target: str) -> str:
    for entry in desk.inputs.obligations.entries:
        if entry.id == target:
            return entry.where
    specification, risk = desk.inputs.specification, desk.inputs.risk
    items = (*specification.needs, *specification.requirements, *specification.items, *specification.soup)
    places = {str(item.id): item.where for item in items}
    places |= {str(item.id): item.where for item in (*risk.hazards, *risk.situations, *risk.controls)}
    if specification.system:
        places[specification.system.id] = specification.system.where
    if risk.policy:
        places[risk.policy.id] = f"{risk.policy.where.rpartition(':')[0]}:1"
    return places[target]


def _difference(desk: Desk, target: str, content: list[str]) -> Iterator[str]:
    """Yield the lines that differ from what was signed last, where the history of the repository still has it."""
    last = desk.inputs.approvals.latest(target)
    if last is None:
        yield "never signed before"
        return
    yield f"last signed: {last.meaning} by {shown(last.name)} as {last.role}, {last.time}, sha256 {last.sha256[:12]}"
    if last.sha256 == desk.subjects[target].sha256:
        yield "unchanged since"
    elif not (desk.root / target).is_file():
        yield "changed since; the ledgers of changes say why"
    elif (before := _former(desk.root, target, last.sha256)) is None:
        yield "changed since; no commit holds what was signed"
    else:
        yield from difflib.unified_diff(before, content, "as signed", "as it lies here", lineterm="")


def _former(root: Path, path: str, sha256: str) -> list[str] | None:
    """Return the lines of a file as a commit holds them with this hash, or None."""
    listing = subprocess.run(
        ["git", "log", "--format=%H", "--", path], cwd=root, capture_output=True, text=True, check=False
    ).stdout
    for commit in listing.split():
        found = subprocess.run(["git", "show", f"{commit}:{path}"], cwd=root, capture_output=True, check=False)
        if found.returncode == 0 and hashlib.sha256(found.stdout).hexdigest() == sha256:
            return found.stdout.decode("utf-8", "replace").splitlines()
    return None


def add_key(root: Path, newcomer: Person, public: PublicKey, days: int, now: datetime) -> None:
    """Add a key to a person, and the person where people.toml does not hold the name yet.

    Raises:
        SigningError: the loader refuses the result, or a new person comes without roles.
    """
    people, _ = read_people(root)
    known = people.person(newcomer.name)
    if known is None and not newcomer.roles:
        raise SigningError(f"{newcomer.name} is new; name the roles with --role")
    head = "" if known else _table("person", {"name": newcomer.name, "kind": newcomer.kind, "roles": list(newcomer.roles)})
    text = (root / PEOPLE).read_text(encoding="utf-8")
    _keep(root, _inserted(text, people, newcomer.name, head + _key_table(public, now, days)))


def rotate_key(root: Path, name: str, keyring: Keyring, days: int, now: datetime) -> PublicKey:
    """Give a person a new key that the old one vouches for; the old one counts until then and is revoked from then on.

    Raises:
        SigningError: no such person, or no key that counts.
    """
    people, _ = read_people(root)
    old = current_key(person_of(people, name), now)
    vouching = keyring.private(old.id)
    new = keyring.create()
    vouched = sign(vouching, rotation_message(name, old.public, new))
    text = (root / PEOPLE).read_text(encoding="utf-8")
    text = _inserted(text, people, name, _key_table(new, now, days, replaces=old.id, vouched=vouched))
    _keep(root, _revoked(text, old.id, now, f"rotated: {new.id} follows"))
    return new


def revoke_key(root: Path, name: str, key_id: str, reason: str, since: datetime) -> None:
    """Revoke a key from a time on; signatures before it stay, later ones are refused.

    Raises:
        SigningError: no such key, one that is revoked already, or a reason that says nothing.
    """
    people, _ = read_people(root)
    key = next((each for each in person_of(people, name).keys if each.id == key_id), None)
    if key is None or key.revoked is not None:
        raise SigningError(f"{name} has no key {key_id} that still counts")
    _keep(root, _revoked((root / PEOPLE).read_text(encoding="utf-8"), key_id, since, reason))


def _key_table(public: PublicKey, now: datetime, days: int, *, replaces: str = "", vouched: str = "") -> str:
    start = now.astimezone(UTC).replace(microsecond=0)
    values = {
        "id": public.id,
        "public": public.line,
        "valid_from": time_text(start),
        "valid_until": time_text(start + timedelta(days=days)),
    }
    return _table("person.key", values | ({"replaces": replaces, "vouched": vouched} if replaces else {}))


def _table(name: str, values: dict[str, str | list[str]]) -> str:
    return f"[[{name}]]\n" + "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in values.items())


def _inserted(text: str, people: People, name: str, addition: str) -> str:
    """Return the file with an addition behind the last line of a person, or at its end."""
    person = people.person(name)
    lines = text.rstrip("\n").split("\n")
    if person is None:
        return "\n".join([*lines, addition])
    start = int(person.where.rpartition(":")[2])
    end = next((number for number in range(start, len(lines)) if lines[number].startswith("[[person]]")), len(lines))
    return "\n".join([*lines[:end], *addition.rstrip("\n").split("\n"), *lines[end:]]) + "\n"


def _revoked(text: str, key_id: str, since: datetime, reason: str) -> str:
    """Return the file with a key's revocation behind its last date."""
    lines = text.split("\n")
    at = lines.index(f"id = {json.dumps(key_id)}")
    end = next(number for number in range(at, len(lines)) if lines[number].startswith("valid_until"))
    said = [f"revoked = {json.dumps(time_text(since))}", f"revoked_reason = {json.dumps(reason, ensure_ascii=False)}"]
    return "\n".join([*lines[: end + 1], *said, *lines[end + 1 :]])


def _keep(root: Path, text: str) -> None:
    """Write people.toml, once the loader has nothing against it."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / PEOPLE).write_text(text, encoding="utf-8")
        _, faults = read_people(Path(folder))
    if faults:
        raise SigningError("\n".join(map(str, faults)))
    part = (root / PEOPLE).with_suffix(".part")
    part.write_text(text, encoding="utf-8")
    part.replace(root / PEOPLE)
