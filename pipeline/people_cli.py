"""The commands by which people answer for things: `people`, `review`, `approve`, `obligations`. Each parses, calls one function, and prints.

Exit codes: 0 done, or nothing became smaller; 1 refused, with the reason; 2 usage.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from pipeline.signing import Desk, Words
    from verification.trace.approvals import Record
    from verification.trace.people import Key, Person
    from verification.trace.renewal import Comparison

HOLDS, DOES_NOT_HOLD = 0, 1

answer = typer.Typer(pretty_exceptions_enable=False)
people = typer.Typer(help="Who may sign, with which roles and public keys (people.toml).", no_args_is_help=True)
obligations = typer.Typer(
    help="What became smaller against the obligation baseline, and who answers for it.", no_args_is_help=True
)
answer.add_typer(people, name="people")
answer.add_typer(obligations, name="obligations")

Name = Annotated[str, typer.Argument(help="the name as people.toml writes it")]
Keys = Annotated[
    Path | None, typer.Option("--keys", help="folder of private keys outside the repository (default: $THORATRACE_KEYS)")
]
Days = Annotated[int, typer.Option(min=1, max=1096, help="days for which the key counts")]
AsJson = Annotated[bool, typer.Option("--json", help="the result as JSON on stdout")]
Author = Annotated[str, typer.Option(help="who answers for it: a name of people.toml, for example DEMO-author")]
Reason = Annotated[str, typer.Option(help="why, at least 20 characters")]
Target = Annotated[str, typer.Argument(help="one item's id, one document's path, or one entry OBR-...")]
As = Annotated[str, typer.Option("--as", help="who signs, as people.toml writes the name")]
RoleOption = Annotated[str, typer.Option("--role", help="as what; needed where the person holds several roles")]
Statement = Annotated[str, typer.Option(help="what was looked at and found; without it the target is only shown")]
Ssh = Annotated[bool, typer.Option("--ssh", help="sign in the form of ssh-keygen -Y sign")]
Prepare = Annotated[
    Path | None, typer.Option(help="write the message to this file, to be signed elsewhere with ssh-keygen -Y sign -n thoratrace")
]
Signature = Annotated[Path | None, typer.Option(help="take the message from --prepare's file and its signature from this one")]


def _root() -> Path:
    from pipeline.run import REPOSITORY  # noqa: PLC0415  keeps `./qms --help` fast

    return REPOSITORY


def _refuse(err: Exception) -> NoReturn:
    typer.echo(str(err), err=True)
    raise typer.Exit(DOES_NOT_HOLD) from err


@people.command("list")
def list_people(as_json: AsJson = False) -> None:  # noqa: FBT002
    """Print everybody with roles and keys, and whether each key counts now."""
    from verification.trace.people import read_people  # noqa: PLC0415

    known, faults = read_people(_root())
    now = datetime.now(UTC)
    rows = [
        {"name": each.shown, "roles": list(each.roles), "keys": [_key_row(key, now) for key in each.keys]}
        for each in known.persons
    ]
    typer.echo(
        json.dumps(rows, indent=1, ensure_ascii=False)
        if as_json
        else "\n".join(_person_text(each, now) for each in known.persons)
    )
    for fault in faults:
        typer.echo(str(fault), err=True)
    raise typer.Exit(DOES_NOT_HOLD if faults else HOLDS)


def _key_row(key: Key, now: datetime) -> dict[str, str]:
    return {"id": key.id, "from": f"{key.valid_from:%Y-%m-%d}", "until": f"{key.valid_until:%Y-%m-%d}", "state": _state(key, now)}


def _state(key: Key, now: datetime) -> str:
    if key.revoked is not None and now >= key.revoked:
        return f"revoked: {key.revoked_reason}"
    if now > key.valid_until:
        return "expired"
    return "counts" if now >= key.valid_from else "does not count yet"


def _person_text(person: Person, now: datetime) -> str:
    keys = [
        f"    {row['id']}  {row['from']} to {row['until']}  {row['state']}" for row in (_key_row(key, now) for key in person.keys)
    ]
    return "\n".join([f"{person.shown}: {', '.join(person.roles)}", *(keys or ["    no key, so nothing can be signed"])])


@people.command("add")
def add_person(
    name: Name,
    role: Annotated[list[str] | None, typer.Option(help="a role of people.toml; may be repeated; needed for a new name")] = None,
    public: Annotated[
        Path | None, typer.Option(help="a public key made elsewhere (ssh-ed25519 ...); else a pair is made here")
    ] = None,
    keys: Keys = None,
    days: Days = 365,
) -> None:
    """Give a person a key, and add the person where the name is new; a private key made here is stored in --keys only."""
    from pipeline import keyring, signing  # noqa: PLC0415
    from verification.trace.keys import MalformedError, PublicKey  # noqa: PLC0415
    from verification.trace.people import DEMO, Person  # noqa: PLC0415

    newcomer = Person(name, "demonstration" if name.startswith(DEMO) else "person", tuple(role or ()), ())
    try:
        if public is None:
            key = keyring.open_keyring(_root(), keys).create()
        else:
            key = PublicKey.from_line(public.read_text(encoding="utf-8"))
        signing.add_key(_root(), newcomer, key, days, datetime.now(UTC))
    except (keyring.KeyringError, signing.SigningError, MalformedError, OSError, UnicodeDecodeError) as err:
        _refuse(err)
    typer.echo(f"{newcomer.shown}  {key.id}")


@people.command("rotate")
def rotate(name: Name, keys: Keys = None, days: Days = 365) -> None:
    """Replace a person's key by a new one that the old one signs; the old one stays, revoked from now on."""
    from pipeline import keyring, signing  # noqa: PLC0415

    try:
        key = signing.rotate_key(_root(), name, keyring.open_keyring(_root(), keys), days, datetime.now(UTC))
    except (keyring.KeyringError, signing.SigningError) as err:
        _refuse(err)
    typer.echo(f"{name}  {key.id}")


@people.command("revoke")
def revoke(
    name: Name,
    key: Annotated[str, typer.Option(help="the key's fingerprint, SHA256:...")],
    reason: Annotated[str, typer.Option(help="why, at least 10 characters")],
    since: Annotated[str, typer.Option(help="UTC time from which it does not count, 2026-11-21T10:00:00Z (default: now)")] = "",
) -> None:
    """Revoke a key: signatures from that time on are refused; the key and earlier signatures stay."""
    from pipeline import signing  # noqa: PLC0415
    from verification.trace.people import time_of  # noqa: PLC0415

    try:
        signing.revoke_key(_root(), name, key, reason, time_of(since) if since else datetime.now(UTC))
    except signing.SigningError as err:
        _refuse(err)
    except ValueError as err:
        raise typer.BadParameter(str(err), param_hint="--since") from err
    typer.echo(f"{name}  {key} revoked")


@answer.command()
def review(  # noqa: PLR0913  one option for each thing that a signature says
    target: Target,
    *,
    name: As,
    statement: Statement = "",
    meaning: Annotated[str, typer.Option(help="reviewed, authored or re-evaluated")] = "reviewed",
    role: RoleOption = "",
    keys: Keys = None,
    ssh: Ssh = False,
    prepare: Prepare = None,
    signature: Signature = None,
) -> None:
    """Show what is to be reviewed, with its links and what changed since it was last signed, and sign it."""
    from pipeline.signing import Words  # noqa: PLC0415

    if meaning == "approved":
        raise typer.BadParameter("an approval is made with ./qms approve", param_hint="--meaning")
    _sign(target, Words(name, role, meaning, statement), _Means(keys, prepare, signature, ssh=ssh))


@answer.command()
def approve(  # noqa: PLR0913  one option for each thing that a signature says
    target: Target,
    *,
    name: As,
    statement: Statement = "",
    role: RoleOption = "",
    keys: Keys = None,
    ssh: Ssh = False,
    prepare: Prepare = None,
    signature: Signature = None,
) -> None:
    """Show what is to be approved, with its links and what changed since it was last signed, and sign it."""
    from pipeline.signing import Words  # noqa: PLC0415

    _sign(target, Words(name, role, "approved", statement), _Means(keys, prepare, signature, ssh=ssh))


@dataclass(frozen=True)
class _Means:
    """With what a record is signed: a key that lies here, or somewhere else by way of two files."""

    keys: Path | None
    prepare: Path | None
    signature: Path | None
    ssh: bool


def _sign(target: str, words: Words, means: _Means) -> None:
    from pipeline import keyring, signing  # noqa: PLC0415
    from verification.trace.approvals import is_target  # noqa: PLC0415

    if not is_target(target):
        raise typer.BadParameter(f"{target!r} is not one id or one path; each target is signed by itself", param_hint="TARGET")
    try:
        desk = signing.open_desk(_root(), target)
        typer.echo("\n".join(signing.to_read(desk, target)))
        record = _record(desk, target, words, means)
        if record is not None:
            signing.append(desk, record, datetime.now(UTC))
    except (keyring.KeyringError, signing.SigningError, OSError, UnicodeDecodeError) as err:
        _refuse(err)
    if record is not None:
        typer.echo(f"\n{_printed(record)}")


def _record(desk: Desk, target: str, words: Words, means: _Means) -> Record | None:
    """Return the signed record; None where there is nothing to sign yet: no statement, or a message for a key that lies elsewhere."""
    from pipeline import keyring, signing  # noqa: PLC0415
    from verification.trace.keys import Form  # noqa: PLC0415

    if means.prepare is not None and means.signature is not None:
        record = signing.signed_elsewhere(means.prepare.read_bytes(), means.signature.read_text(encoding="utf-8"))
        if (record.target, record.name, record.meaning) != (target, words.name, words.meaning):
            raise signing.SigningError(f"the message is {record.meaning!r} of {record.target} by {record.name}")
        return record
    if not words.statement:
        typer.echo("\nnothing signed: say with --statement what was looked at and found")
        return None
    now = datetime.now(UTC)
    if means.prepare is not None:
        means.prepare.write_bytes(signing.draft(desk, target, words, Form.SSH, now).message)
        typer.echo(f"\nsign with: ssh-keygen -Y sign -n thoratrace -f YOUR_KEY {means.prepare}")
        return None
    ring = keyring.open_keyring(_root(), means.keys)
    return signing.signed(signing.draft(desk, target, words, Form.SSH if means.ssh else Form.PLAIN, now), ring)


def _printed(record: Record) -> str:
    from verification.trace.people import shown  # noqa: PLC0415

    return f"{record.meaning} by {shown(record.name)} as {record.role}, {record.time}: {record.target} {record.sha256[:12]}"


@obligations.command("status")
def status(as_json: AsJson = False) -> None:  # noqa: FBT002
    """Print what became smaller, entered or not, and how much is owed beyond the baseline."""
    from verification.trace.renewal import compare  # noqa: PLC0415

    found = compare(_root())
    typer.echo(json.dumps(_status_json(found), indent=1, ensure_ascii=False) if as_json else _status_text(found))
    for each in found.problems:
        typer.echo(str(each), err=True)
    raise typer.Exit(DOES_NOT_HOLD if found.open or found.problems else HOLDS)


def _status_json(found: Comparison) -> dict[str, object]:
    smaller = [
        {
            "code": each.code,
            "what": each.what,
            "from": each.before,
            "to": each.after,
            "where": each.where,
            "entered": each not in found.open,
        }
        for each in found.smaller
    ]
    return {"obligations": len(found.current), "larger": [each.name for each in found.larger], "smaller": smaller}


def _status_text(found: Comparison) -> str:
    lines = [
        f"{each.code}  {each.where}\n    {each.what}\n    from {each.before} to {each.after}{'' if each in found.open else '  (entered)'}"
        for each in found.smaller
    ]
    summary = f"{len(found.current)} obligations; {len(found.larger)} beyond the baseline, {len(found.smaller)} smaller, {len(found.open)} not entered"
    return "\n".join([*lines, summary])


def _checked(author: str, reason: str) -> None:
    from requirements_spec.schema import AUTHOR  # noqa: PLC0415
    from verification.trace.baseline import SHORTEST_REASON  # noqa: PLC0415

    if not re.fullmatch(AUTHOR, author):
        raise typer.BadParameter("letters, digits, dots, hyphens and spaces", param_hint="--author")
    if len(reason.strip()) < SHORTEST_REASON or not reason.isprintable():
        raise typer.BadParameter(f"at least {SHORTEST_REASON} printable characters", param_hint="--reason")


@obligations.command("enter")
def enter(
    what: Annotated[str, typer.Argument(help="the obligation as `status` prints it")], author: Author, reason: Reason
) -> None:
    """Answer for one obligation that became smaller."""
    from dataclasses import replace  # noqa: PLC0415

    from verification.trace import baseline, renewal  # noqa: PLC0415

    _checked(author, reason)
    found = renewal.compare(_root())
    chosen = tuple(each for each in found.open if each.what == what)
    if len(chosen) != 1:
        _refuse(
            renewal.RenewalRefused(f"{len(chosen)} open reductions are named {what!r}; `./qms obligations status` lists them")
        )
    (entry,) = renewal.entries(replace(found, open=chosen), author, reason)
    baseline.append(_root(), [entry])
    typer.echo(f"{entry.id}  {entry.what}")


@obligations.command("renew")
def renew(author: Author, reason: Reason) -> None:
    """Make what is owed now the baseline; before the first release, reductions without an entry get one with this author and reason."""
    from verification.trace import renewal  # noqa: PLC0415

    _checked(author, reason)
    try:
        found = renewal.renew(_root(), author, reason, unsigned=_unsigned())
    except renewal.RenewalRefused as err:
        _refuse(err)
    typer.echo(f"{len(found.current)} obligations; {len(found.larger)} were new, {len(found.open)} reductions entered")
    for each in found.open:
        typer.echo(f"  {each.what}: from {each.before[:80]} to {each.after[:80]}")


def _unsigned() -> tuple[str, ...]:
    from verification.trace import gate  # noqa: PLC0415
    from verification.trace.checks.levels import unsigned_reductions  # noqa: PLC0415

    return tuple(entry.id for entry, _ in unsigned_reductions(gate.read(_root())))
