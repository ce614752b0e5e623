"""The commands around the validation protocol: what it fixes, freezing it, and opening the locked cohort. Each parses, calls one function, and prints.

Exit codes: 0 done, every primary endpoint met; 1 refused or not met; 2 usage; 3 no usable bundle.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.audit_log import Signer
    from validation.protocol import Protocol
    from validation.sample_size import Rationale

Done = TypeVar("Done")
HOLDS, DOES_NOT_HOLD, ENVIRONMENT = 0, 1, 3

protocol = typer.Typer(
    help="The validation protocol: what is judged, on how many films, and the films that nobody has seen.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

AsJson = Annotated[bool, typer.Option("--json", help="the result as JSON on stdout")]


Keys = Annotated[
    Path | None, typer.Option("--keys", help="folder of private keys outside the repository (default: $THORATRACE_KEYS)")
]
As = Annotated[str, typer.Option("--as", help="who does it, as people.toml writes the name")]
RoleOption = Annotated[str, typer.Option("--role", help="as what; needed where the person holds several fitting roles")]
Statement = Annotated[str, typer.Option(help="why, in at least 10 characters")]


def _root() -> Path:
    from pipeline.run import REPOSITORY  # noqa: PLC0415  keeps `./qms --help` fast

    return REPOSITORY


def _refuse(err: Exception) -> NoReturn:
    typer.echo(str(err), err=True)
    raise typer.Exit(DOES_NOT_HOLD) from err


@protocol.command()
def show(as_json: AsJson = False) -> None:  # noqa: FBT002
    """Print endpoints, the number of locked films with its reasons, and what the audit log says of this protocol."""
    from pipeline.audit_log import AuditRefused  # noqa: PLC0415
    from validation.errors import ValidationError  # noqa: PLC0415
    from validation.protocol import PROTOCOL, load  # noqa: PLC0415
    from validation.sample_size import rationale  # noqa: PLC0415

    try:
        plan = load((_root() / PROTOCOL).read_text(encoding="utf-8"))
        needs, done = rationale(plan), _done(plan)
    except (OSError, UnicodeDecodeError, ValidationError, AuditRefused) as err:
        _refuse(err)
    if as_json:
        typer.echo(json.dumps(_as_json(plan, needs) | {"log": done}, indent=1, sort_keys=True, ensure_ascii=False))
    else:
        _print(plan, needs)
        typer.echo("\n".join(done) or "not frozen: ./qms protocol freeze")
    raise typer.Exit(HOLDS if needs else DOES_NOT_HOLD)


def _done(plan: Protocol) -> list[str]:
    """Return what the audit log says of a protocol, one line for each entry."""
    from pipeline.audit_log import read_trail  # noqa: PLC0415
    from verification.trace.people import shown  # noqa: PLC0415

    about = [each for each in read_trail(_root()).entries if dict(each.facts).get("protocol_sha256") == plan.sha256]
    return [f"{each.event}, {each.time}, {shown(each.name)} as {each.role}: {each.statement}" for each in about]


@protocol.command()
def freeze(name: As, statement: Statement, role: RoleOption = "", keys: Keys = None) -> None:
    """Enter the protocol's hash in the audit log, signed: from now on it is the one that the locked cohort is opened by."""
    from pipeline import locked_opening  # noqa: PLC0415

    entry = _carried_out(lambda: locked_opening.freeze(_root(), _signer(name, statement, role, keys)))
    typer.echo(
        f"frozen: protocol {entry.fact('version')}, SHA-256 {entry.fact('protocol_sha256')}; commit AUDIT.jsonl and AUDIT.head.json"
    )


@protocol.command("open")
def open_locked_cohort(name: As, statement: Statement, role: RoleOption = "", keys: Keys = None) -> None:
    """Open the locked cohort, once for a frozen protocol: make its films, run the finished device, judge, and enter both in the audit log. Resumable."""
    from pipeline import locked_cohort  # noqa: PLC0415
    from pipeline.progress import bar  # noqa: PLC0415
    from pipeline.report import endpoint_line  # noqa: PLC0415

    record = _carried_out(lambda: locked_cohort.open_cohort(_root(), _signer(name, statement, role, keys), bar))
    typer.echo(f"{record['films_are']}\n{record['statement']}")
    for each in record["endpoints"]:
        typer.echo(f"{'passed' if each['passed'] else 'NOT PASSED'}: {endpoint_line(each)}")
    typer.echo("commit AUDIT.jsonl, AUDIT.head.json and evidence/locked_validation")
    raise typer.Exit(HOLDS if record["primary_passed"] else DOES_NOT_HOLD)


def _signer(name: str, statement: str, role: str, keys: Path | None) -> Signer:
    from pipeline.audit_log import Signer  # noqa: PLC0415
    from pipeline.keyring import open_keyring  # noqa: PLC0415

    return Signer(name, role, statement, open_keyring(_root(), keys))


def _carried_out(work: Callable[[], Done]) -> Done:
    """Return what a piece of work gives, or end with its refusal: 3 where there is no usable bundle, else 1."""
    from device_sw.errors import BundleError, CodedError  # noqa: PLC0415
    from pipeline.keyring import KeyringError  # noqa: PLC0415

    try:
        return work()
    except (CodedError, KeyringError, OSError, UnicodeDecodeError) as err:
        typer.echo(str(err), err=True)
        no_bundle = isinstance(err, BundleError) or getattr(err, "code", "") == "LCK-MODEL"
        raise typer.Exit(ENVIRONMENT if no_bundle else DOES_NOT_HOLD) from err


def _as_json(plan: Protocol, needs: Rationale) -> dict[str, Any]:
    sets = [
        {
            "profile": one.profile,
            "budgets": list(one.budgets),
            "statement": one.statement,
            "endpoints": [{name: getattr(each, name) for name in each.__slots__} for each in one.endpoints],
        }
        for one in plan.sets
    ]
    return {"version": plan.version, "sha256": plan.sha256, "sets": sets, "sample_size": needs.to_json()}


def _print(plan: Protocol, needs: Rationale) -> None:
    console = Console(width=max(Console().width, 110))
    console.print(f"protocol {plan.version}, SHA-256 {plan.sha256}", highlight=False)
    for one in plan.sets:
        table = Table(title=f"{one.profile}/{'+'.join(one.budgets)}: {one.statement}")
        for name in ("endpoint", "figure", "goal", "", "for"):
            table.add_column(name, overflow="fold")
        for each in one.endpoints:
            goal = f"{each.bound} end {each.direction.replace('-', ' ')} {each.threshold:g}"
            table.add_row(each.id, each.metric, goal, "primary" if each.primary else "", each.requirement)
        console.print(table)
    sizes = Table("what asks", "studies", "because", title=f"locked cohort: {needs.planned} studies, {needs.required} are needed")
    for need in needs.needs:
        sizes.add_row(need.what, str(need.studies), need.because)
    console.print(sizes)
