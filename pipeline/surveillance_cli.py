"""The commands `./qms surveil`: sum up what devices recorded, for a site or for the manufacturer; each parses, calls one function, and prints.

Exit codes: 0 in every full window at least one value of each indicator that a program sums up could be evaluated, and no value lies outside its limits; 1 a value lies
outside, a full window has an indicator without an evaluated value, there is no full window, or the records are refused; 2 usage.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.surveillance.plan import Plan
    from pipeline.surveillance.trail import Trail

HOLDS, DOES_NOT_HOLD = 0, 1
FILMS_ARE = "films of a site, as its device recorded them"

surveil = typer.Typer(
    help="Surveillance: what the device recorded, summed up after docs/surveillance.toml. Every chain is verified first; a broken one is refused.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

Folders = Annotated[
    list[Path],
    typer.Argument(
        metavar="FOLDER...", help="every output folder of `thoratrace analyse` of one site, or its audit.jsonl with results/"
    ),
]
PlanOption = Annotated[Path | None, typer.Option("--plan", help="the site's plan; else docs/surveillance.toml")]


@surveil.command()
def baseline(
    folders: Folders,
    out: Annotated[Path, typer.Option("--out", "-o", help="the file that is written")],
    looked_through: Annotated[
        str,
        typer.Option(
            help="who looked through the films of the baseline, as what, when; without it no limit rests on the baseline"
        ),
    ] = "",
    plan: PlanOption = None,
) -> None:
    """Form the baseline of a site from its first inputs."""
    from pipeline.run import REPOSITORY  # noqa: PLC0415  keeps `./qms --help` fast
    from pipeline.surveillance.baseline import form, said  # noqa: PLC0415
    from pipeline.surveillance.installed import releases  # noqa: PLC0415
    from pipeline.surveillance.trail import in_order, require_distinct  # noqa: PLC0415

    if looked_through and not said(looked_through.strip()):
        raise typer.BadParameter("expected 10 to 200 printable characters: who, as what, when", param_hint="--looked-through")
    watched, trails = _plan(plan), _trails(folders)
    try:
        require_distinct(trails)
        made = form(in_order(trails), trails, watched, looked_through.strip(), releases(REPOSITORY))
    except _refusals() as err:
        _refuse(err)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(made.content)
    counted = made.tally
    state = f"looked through: {made.looked_through}" if made.looked_through else "looked through by nobody: no limit rests on it"
    typer.echo(
        f"{out}: {counted.inputs} inputs, {counted.analysed} analysed, {counted.refused} refused, {counted.failed} failed; {state}"
    )


@surveil.command()
def windows(  # noqa: PLR0913, PLR0917  one option each
    folders: Folders,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="folder for surveillance.json, surveillance.html and the control charts")
    ],
    baseline: Annotated[
        Path | None, typer.Option(help="the file of `surveil baseline`; without it only what needs no baseline is judged")
    ] = None,
    earlier: Annotated[
        Path | None, typer.Option(help="surveillance.json of an earlier time: what it saw must be there still")
    ] = None,
    films_are: Annotated[str, typer.Option(help="what kind of films these are")] = FILMS_ARE,
    plan: PlanOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="the record as JSON on stdout")] = False,  # noqa: FBT002
) -> None:
    """Sum up every window after the baseline, judge it by the limits of the plan, and draw the control charts."""
    from pipeline.run import REPOSITORY, read_json  # noqa: PLC0415
    from pipeline.surveillance import page  # noqa: PLC0415
    from pipeline.surveillance.baseline import load  # noqa: PLC0415
    from pipeline.surveillance.installed import releases  # noqa: PLC0415
    from pipeline.surveillance.record import Order, findings_of, record_of  # noqa: PLC0415

    try:
        before = read_json(earlier) if earlier else None
    except (OSError, ValueError) as err:
        raise typer.BadParameter(f"found a file that is no JSON ({type(err).__name__})", param_hint="--earlier") from err
    watched, trails = _plan(plan), _trails(folders)
    try:
        order = Order(
            plan=watched,
            trails=trails,
            baseline=load(baseline) if baseline else None,
            earlier=before,
            releases=releases(REPOSITORY),
            findings=findings_of(REPOSITORY),
            films_are=films_are,
        )
        record = record_of(order)
    except _refusals() as err:
        _refuse(err)
    written = page.write(out, record, watched)
    if as_json:
        typer.echo(json.dumps(record, indent=1, sort_keys=True, ensure_ascii=False))
    else:
        Console(width=max(Console().width, 110)).print(_table(record))
        unknown = sum(each["points"]["not evaluated"] for each in record["indicators"])
        typer.echo(f"{record['verdict']}; {record['films_are']}; values that could not be evaluated: {unknown}; page: {written}")
    raise typer.Exit(HOLDS if record["verdict"] == "inside" else DOES_NOT_HOLD)


def _plan(given: Path | None) -> Plan:
    from pipeline.run import REPOSITORY  # noqa: PLC0415
    from pipeline.surveillance.plan import PLAN, load_plan  # noqa: PLC0415
    from requirements_spec.loader import load as load_specification  # noqa: PLC0415
    from risk.loader import load as load_risk  # noqa: PLC0415

    specification, _ = load_specification(REPOSITORY)
    risk, _ = load_risk(REPOSITORY, specification)
    situations = {situation.id for situation in risk.situations}
    try:
        return load_plan(REPOSITORY, situations, str(given.resolve()) if given else PLAN)
    except _refusals() as err:
        _refuse(err)


def _trails(folders: Sequence[Path]) -> tuple[Trail, ...]:
    """Return every trail, or end with the refusal of the first one that does not hold; it is named by its place, never by its folder."""
    from pipeline.surveillance.trail import read_trail  # noqa: PLC0415

    read = []
    for number, folder in enumerate(folders, start=1):
        try:
            read.append(read_trail(folder, number))
        except _refusals() as err:
            typer.echo(f"trail {number} of {len(folders)} is refused, nothing was summed up", err=True)
            _refuse(err)
    return tuple(read)


def _refusals() -> type[Exception]:
    from device_sw.errors import CodedError  # noqa: PLC0415

    return CodedError


def _refuse(err: Exception) -> NoReturn:
    typer.echo(str(err), err=True)
    raise typer.Exit(DOES_NOT_HOLD) from err


def _table(record: Mapping[str, Any]) -> Table:
    table = Table(
        "indicator",
        "state",
        "inside",
        "outside",
        "not evaluated",
        title=f"{len(record['windows'])} windows of {record['plan']['films']} inputs",
    )
    for each in record["indicators"]:
        counts = [str(each["points"][name]) if each["summed"] else "" for name in ("inside", "outside", "not evaluated")]
        table.add_row(f"{each['id']} {each['title']}", each["state"] if each["summed"] else "not summed up by a program", *counts)
    return table
