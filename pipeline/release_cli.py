"""`./qms release`: build, approve, registry, verify, fetch, reproduce, attack. Each parses, calls one function, and prints.

Exit codes: 0 done; 1 refused, or what was checked does not hold; 2 usage; 3 environment.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from pipeline.release.record.folder import ReleaseFolder
    from pipeline.release.record.record import Record

HOLDS, DOES_NOT_HOLD, ENVIRONMENT = 0, 1, 3

release = typer.Typer(
    help="Sealed releases: build, sign, verify, reproduce, attack. None of them is cleared for clinical use.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

Version = Annotated[str, typer.Argument(metavar="VERSION", help="three numbers, for example 0.1.0")]
AsJson = Annotated[bool, typer.Option("--json", help="the result as JSON on stdout")]


def root() -> Path:
    """Return the root of the checkout."""
    from pipeline.run import REPOSITORY  # noqa: PLC0415  keeps `./qms --help` fast

    return REPOSITORY


def refuse(err: Exception, code: int = DOES_NOT_HOLD) -> NoReturn:
    """Print why nothing was done, and end."""
    typer.echo(str(err), err=True)
    raise typer.Exit(code) from err


Keys = Annotated[
    Path | None, typer.Option("--keys", help="folder of private keys outside the repository (default: $THORATRACE_KEYS)")
]
As = Annotated[str, typer.Option("--as", help="who does it, as people.toml writes the name")]
RoleOption = Annotated[str, typer.Option("--role", help="as what; needed where the person holds several fitting roles")]
Statement = Annotated[str, typer.Option(help="in own words, at least 10 characters")]


@release.command()
def build(  # noqa: PLR0913  one option for each thing that a release names
    version: Version,
    *,
    trial: Annotated[bool, typer.Option("--trial", help="every step on phantom/quick as it lies; releases nothing")] = False,
    signer: Annotated[list[str] | None, typer.Option(help="who has to sign, as people.toml writes the name; repeatable")] = None,
    name: As = "",
    role: RoleOption = "",
    statement: Statement = "",
    keys: Keys = None,
    as_json: AsJson = False,
) -> None:
    """Seal what lies here: clean tree, current pipeline, open gate, technical file, parts, record. Resumable."""
    from device_sw.errors import CodedError  # noqa: PLC0415
    from pipeline.audit_log import Signer  # noqa: PLC0415
    from pipeline.keyring import KeyringError, open_keyring  # noqa: PLC0415
    from pipeline.progress import bar  # noqa: PLC0415
    from pipeline.release.sealing.build import ReleaseOrder, build_release, build_trial  # noqa: PLC0415

    if not trial and not (name and statement):
        raise typer.BadParameter(
            "a release is entered in the audit log: give --as and --statement, or --trial", param_hint="--as"
        )
    signers = tuple(signer or ())
    try:
        with bar("release") as report:
            if trial:
                folder = build_trial(root(), version, signers, report)
            else:
                enterer = Signer(name, role, statement, open_keyring(root(), keys))
                folder = build_release(root(), ReleaseOrder(version, signers, enterer), report)
    except (CodedError, KeyringError) as err:
        refuse(err)
    _print(folder, as_json=as_json)


@release.command()
def registry(version: Version, *, as_json: AsJson = False) -> None:
    """Compare the registry with what a release recorded of it: alias, source, tag, row and artefact. Exit 1 where it has drifted, 3 where there is none."""
    from device_sw.errors import CodedError  # noqa: PLC0415
    from pipeline.registry_store import RegistrationRefused, existing_registry  # noqa: PLC0415
    from pipeline.release.record.folder import find  # noqa: PLC0415
    from pipeline.release.registry.drift import drift_of  # noqa: PLC0415

    try:
        found = drift_of(find(root(), version), existing_registry(root() / "artifacts" / "mlflow"))
    except RegistrationRefused as err:
        refuse(err, ENVIRONMENT)
    except CodedError as err:
        refuse(err)
    facts = [{"kind": str(each.kind), "where": each.where, "found": each.found, "expected": each.expected} for each in found]
    text = "\n".join(str(each) for each in found) or "the registry says what was released"
    typer.echo(json.dumps(facts, indent=1, sort_keys=True) if as_json else text)
    if found:
        raise typer.Exit(DOES_NOT_HOLD)


@release.command()
def approve(version: Version, *, name: As, statement: Statement = "", keys: Keys = None) -> None:
    """Show what is to be signed, hash every part again, and sign the record; without a statement it is only shown."""
    from device_sw.errors import CodedError  # noqa: PLC0415
    from pipeline.keyring import KeyringError, open_keyring  # noqa: PLC0415
    from pipeline.release.approval.approval import Approval, approve, to_read  # noqa: PLC0415
    from pipeline.release.record.folder import find  # noqa: PLC0415
    from verification.trace.people import shown  # noqa: PLC0415

    try:
        folder = find(root(), version)
        typer.echo("\n".join(to_read(folder)))
        if not statement:
            typer.echo("\nnothing signed: say with --statement what was looked at and found")
            return
        made = approve(root(), folder, Approval(name, statement, open_keyring(root(), keys)))
    except (CodedError, KeyringError) as err:
        refuse(err)
    typer.echo(f"\n{made.meaning} by {shown(made.name)} as {made.role}, {made.time}: record {made.record_sha256}")


def _print(folder: ReleaseFolder, *, as_json: bool) -> None:
    record = folder.record()
    typer.echo(json.dumps(_facts(folder, record), indent=1, sort_keys=True) if as_json else _text(folder, record))


def _facts(folder: ReleaseFolder, record: Record) -> dict[str, object]:
    return {
        "version": record.version,
        "kind": str(record.kind),
        "record_sha256": record.sha256,
        "commit": record.source.commit,
        "parts": len(record.subjects),
        "bytes": sum(each.size for each in record.subjects),
        "folder": folder.path.relative_to(root()).as_posix(),
        "signatures_owed": [each.name for each in record.signers],
    }


def _text(folder: ReleaseFolder, record: Record) -> str:
    from pipeline.release.record.record import CONCLUSION  # noqa: PLC0415
    from verification.trace.people import shown  # noqa: PLC0415

    facts = _facts(folder, record)
    size = sum(each.size for each in record.subjects) / 1e6
    owed = ", ".join(shown(each.name) for each in record.signers) or "nobody"
    return (
        f"{record.title} ({CONCLUSION})\n"
        f"record {record.sha256}\ncommit {record.source.commit}\n"
        f"{len(record.subjects)} parts, {size:.1f} MB, in {facts['folder']}\nhas to sign: {owed}"
    )


@release.command()
def verify(  # noqa: PLR0913  one option each
    version: Version,
    *,
    pin: Annotated[list[str] | None, typer.Option(help="a signer's fingerprint, or a file of them; repeatable")] = None,
    require_pin: Annotated[bool, typer.Option("--require-pin", help="exit 3 where no pin is given")] = False,
    at_least: Annotated[str | None, typer.Option(help="refuse an older version")] = None,
    no_repository: Annotated[
        bool, typer.Option("--no-repository", help="leave out commit and audit log of the checkout")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Verify offline, by a file that an auditor can carry away: every byte, every signature, the source, the logs."""
    from pipeline.release import verification  # noqa: PLC0415
    from pipeline.release.errors import ReleaseRefused  # noqa: PLC0415

    given = [word for each in pin or () for word in ("--pin", each)]
    given += [*(["--require-pin"] if require_pin else []), *(["--at-least", at_least] if at_least else [])]
    given += ["--json"] if as_json else []
    try:
        code = verification.verify(root(), version, tuple(given), repository=not no_repository)
    except ReleaseRefused as err:
        refuse(err, 2 if err.code == "REL-VERSION" else ENVIRONMENT)
    raise typer.Exit(code)


@release.command("rotate-key")
def rotate_key(
    name: Annotated[str, typer.Argument(help="whose key was rotated (./qms people rotate), as people.toml writes the name")],
    *,
    reason: Annotated[str, typer.Option(help="why, at least 10 characters")],
    keys: Keys = None,
) -> None:
    """Enter that a signer's key gave way to another: both sign, and the old one counts for the records it signed and no other."""
    from datetime import UTC, datetime  # noqa: PLC0415

    from pipeline.keyring import KeyringError, open_keyring  # noqa: PLC0415
    from pipeline.release.approval.rotation import rotate  # noqa: PLC0415
    from pipeline.release.errors import ReleaseRefused  # noqa: PLC0415
    from verification.trace.people import shown  # noqa: PLC0415

    try:
        line = rotate(root(), name, reason, open_keyring(root(), keys), datetime.now(UTC))
    except (ReleaseRefused, KeyringError) as err:
        refuse(err)
    typer.echo(
        f"{shown(name)}: {line['from']} gave way to {line['to']}; it counts for {len(line['records'])} records and no other"
    )


@release.command()
def fetch(version: Version) -> None:
    """While online: fill the wheelhouse with every file that the release's lock pins for this machine, each by its hash."""
    from pipeline.progress import bar  # noqa: PLC0415
    from pipeline.release.errors import ReleaseRefused  # noqa: PLC0415
    from pipeline.release.record.folder import find  # noqa: PLC0415
    from pipeline.release.reproduction.reproduce import SUPPLIES, WHEELHOUSE, pins_of  # noqa: PLC0415
    from pipeline.release.wheelhouse.fetch import fetch as fill  # noqa: PLC0415
    from pipeline.release.wheelhouse.pins import LockUnreadable  # noqa: PLC0415
    from pipeline.release.wheelhouse.wheelhouse import WheelhouseUnfit  # noqa: PLC0415

    try:
        with bar("wheelhouse") as report:
            files = fill(root() / SUPPLIES / WHEELHOUSE, pins_of(find(root(), version)), report)
    except (ReleaseRefused, LockUnreadable) as err:
        refuse(err)
    except WheelhouseUnfit as err:
        refuse(err, ENVIRONMENT)
    size = sum(path.stat().st_size for path in files.values()) / 1e9
    typer.echo(f"{len(files)} files, {size:.2f} GB, each with a hash of the lock, in {SUPPLIES}/{WHEELHOUSE}/")


@release.command()
def reproduce(  # noqa: PLR0913  one option each
    version: Version,
    *,
    level: Annotated[str, typer.Option(help="eval: the model from the release; train: everything")] = "eval",
    place: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="folder below which the throw-away folder is made")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="leave the throw-away folder, and print where it lies")] = False,
    supplies: Annotated[
        Path | None, typer.Option(help="folder with wheelhouse/ and environments/, where they are not in artifacts/")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="write the result, dated, into this JSON file")] = None,
    as_json: AsJson = False,
) -> None:
    """Make the release again, offline and from nothing: 0 PASS, 1 FAIL with the first difference, 3 INCONCLUSIVE with the reason."""
    from pipeline.progress import bar  # noqa: PLC0415
    from pipeline.release.errors import ReleaseRefused  # noqa: PLC0415
    from pipeline.release.record.folder import find  # noqa: PLC0415
    from pipeline.release.reproduction import reproduce as reproduction  # noqa: PLC0415
    from pipeline.release.reproduction.verdict import TAKEN  # noqa: PLC0415
    from pipeline.release.wheelhouse.pins import LockUnreadable  # noqa: PLC0415

    if level not in TAKEN:
        raise typer.BadParameter(f"found {level!r}, expected {' or '.join(TAKEN)}", param_hint="--level")
    try:
        with bar("environment") as report:
            order = reproduction.Order(root(), find(root(), version), level, place, keep, supplies)
            found = reproduction.reproduce(order, report)
    except (ReleaseRefused, LockUnreadable) as err:
        refuse(err, ENVIRONMENT)  # 1 would say that a release was made again and differs
    if out:
        reproduction.keep_result(found, out)
    typer.echo(json.dumps(found.to_json(), indent=1, sort_keys=True, ensure_ascii=False) if as_json else found.to_text())
    raise typer.Exit({"PASS": HOLDS, "FAIL": DOES_NOT_HOLD}.get(found.verdict, ENVIRONMENT))


@release.command()
def attack(
    version: Version,
    *,
    flips: Annotated[int, typer.Option(min=0, help="flipped bytes in each kind of artefact")] = 100,
    clean: Annotated[int, typer.Option(min=0, help="verifications of the unharmed release")] = 1000,
    only: Annotated[
        list[str] | None, typer.Option(help="attack by its id; repeatable; `none` leaves flips and clean runs")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Harm copies of a release in every way that is known; each harm has to be caught by the check that should."""
    from pipeline.progress import bar  # noqa: PLC0415
    from pipeline.release.attacks import campaign, report  # noqa: PLC0415
    from pipeline.release.attacks.catalogue import chosen  # noqa: PLC0415
    from pipeline.release.attacks.command import attack as run  # noqa: PLC0415
    from pipeline.release.errors import ReleaseRefused  # noqa: PLC0415

    try:
        plan = campaign.Plan(flips, clean, chosen(only))
    except KeyError as err:
        raise typer.BadParameter(str(err.args[0]), param_hint="--only") from err
    try:
        with bar("attack") as progress:
            done = run(root(), version, plan, progress)
    except ReleaseRefused as err:
        refuse(err)
    typer.echo(json.dumps(done.result, indent=1, sort_keys=True) if as_json else report.to_text(done.result))
    typer.echo(done.page.relative_to(root()).as_posix(), err=True)
    raise typer.Exit(HOLDS if done else DOES_NOT_HOLD)
