"""The commands around the validation protocol: what it fixes, freezing it, and opening the locked cohort. Each parses, calls one function, and prints.

Exit codes: 0 done, every primary endpoint met; 1 refused or not met; 2 usage; 3 no usable bundle.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from pathlib import Path

    from validation.protocol import Protocol
    from validation.sample_size import Rationale

HOLDS, DOES_NOT_HOLD, ENVIRONMENT = 0, 1, 3

protocol = typer.Typer(
    help="The validation protocol: what is judged, on how many films, and the films that nobody has seen.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

AsJson = Annotated[bool, typer.Option("--json", help="the result as JSON on stdout")]


def _root() -> Path:
    from pipeline.run import REPOSITORY  # noqa: PLC0415  keeps `./qms --help` fast

    return REPOSITORY


def _refuse(err: Exception) -> NoReturn:
    typer.echo(str(err), err=True)
    raise typer.Exit(DOES_NOT_HOLD) from err


@protocol.command()
def show(as_json: AsJson = False) -> None:  # noqa: FBT002
    """Print endpoints and the number of locked films with its reasons."""
    from validation.errors import ValidationError  # noqa: PLC0415
    from validation.protocol import PROTOCOL, load  # noqa: PLC0415
    from validation.sample_size import rationale  # noqa: PLC0415

    try:
        plan = load((_root() / PROTOCOL).read_text(encoding="utf-8"))
        needs = rationale(plan)
    except (OSError, UnicodeDecodeError, ValidationError) as err:
        _refuse(err)
    if as_json:
        typer.echo(json.dumps(_as_json(plan, needs), indent=1, sort_keys=True, ensure_ascii=False))
    else:
        _print(plan, needs)
    raise typer.Exit(HOLDS if needs else DOES_NOT_HOLD)


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
