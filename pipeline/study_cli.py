"""The command `./qms study NAME`: examines the finished device on films, goes on where it stopped, and keeps a dated record."""

from __future__ import annotations

import json
import sys
from pathlib import Path  # noqa: TC003  typer reads the annotation at run time
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping

HOLDS, DOES_NOT_HOLD, USAGE, ENVIRONMENT = 0, 1, 2, 3

studies = typer.Typer(pretty_exceptions_enable=False)


@studies.command()
def study(  # noqa: PLR0913, PLR0917  one option each
    name: Annotated[str, typer.Argument(help="the study; `list` names them all")],
    films: Annotated[int | None, typer.Option(min=1, help="at most so many films, always the same ones")] = None,
    fresh: Annotated[
        int | None,
        typer.Option(min=1, help="blocks of 240 new phantom patients, made once, in the place of the run's test films"),
    ] = None,
    bundle: Annotated[Path | None, typer.Option(help="the bundle; else that of the last run")] = None,
    cohort: Annotated[Path | None, typer.Option(help="the cohort's folder; else that of the last run")] = None,
    replicates: Annotated[int | None, typer.Option(min=1, help="resamples behind each interval; else the protocol's")] = None,
    out: Annotated[Path | None, typer.Option(help="where the record goes; else evidence/studies")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="the record as JSON on stdout")] = False,  # noqa: FBT002
) -> None:
    """Examine the finished device on films of the last run or on new ones; a second call goes on where the first one stopped."""
    from device_sw.errors import DeviceError  # noqa: PLC0415  keeps `./qms --help` fast
    from pipeline import study_cohort, study_run  # noqa: PLC0415
    from pipeline.dvc_runs import canonical  # noqa: PLC0415
    from pipeline.progress import bar  # noqa: PLC0415
    from pipeline.run import available_workers  # noqa: PLC0415
    from validation.errors import ValidationError  # noqa: PLC0415
    from validation.studies.subject import Subject  # noqa: PLC0415
    from validation.studies.table import STUDIES  # noqa: PLC0415

    if name == "list":
        for one in STUDIES.values():
            print(f"{one.name:14} {one.question}")  # noqa: T201  the result
        return
    if name not in STUDIES:
        raise typer.BadParameter(f"found {name!r}, expected list or one of {', '.join(STUDIES)}", param_hint="NAME")
    run = canonical()
    place = run.artifact("studies")
    try:
        with bar(name) as report:
            folder = study_cohort.make(place / "cohort", fresh, report) if fresh else (cohort or run.artifact("cohort"))
            subject = Subject(folder, bundle or run.artifact("bundle"), place / "work", workers=available_workers())
            order = study_run.Order(
                name, films, replicates, out or run.root / "evidence" / "studies", _command(name, films, fresh, cohort)
            )
            record = study_run.run(subject, order, report)
    except (DeviceError, ValidationError) as err:
        print(f"{err}; if no run lies here: ./qms demo", file=sys.stderr)  # noqa: T201  diagnosis
        raise typer.Exit(ENVIRONMENT) from err
    if as_json:
        print(json.dumps(record, indent=1, sort_keys=True, ensure_ascii=False))  # noqa: T201  the result
    else:
        Console(width=max(Console().width, 110)).print(_table(record))
    raise typer.Exit(HOLDS if all(goal["passed"] for goal in record["goals"]) else DOES_NOT_HOLD)


def _command(name: str, films: int | None, fresh: int | None, cohort: Path | None) -> str:
    """Return the command as it goes into the record: without any path of this machine."""
    parts = ["./qms study", name]
    parts += [f"--films {films}"] if films else []
    parts += [f"--fresh {fresh}"] if fresh else ["--cohort FOLDER"] if cohort else []
    return " ".join(parts)


def _table(record: Mapping[str, Any]) -> Table:
    title = f"{record['study']}: {record['films']} films, bundle {record['device']['bundle_sha256'][:12]} ({record['films_are']})"
    table = Table("goal", "value", "interval", "n", "threshold", "", title=title)
    for goal in record["goals"]:
        between = goal["interval"]
        table.add_row(
            goal["title"],
            "undefined" if goal["value"] is None else f"{goal['value']:.4f}",
            f"{between['low']:.4f} to {between['high']:.4f}" if between else "",
            "" if goal["n"] is None else str(goal["n"]),
            f"{goal['direction'].replace('-', ' ')} {goal['threshold']:g}",
            "[green]met" if goal["passed"] else f"[red]NOT MET[/red] {goal['reason'] or ''}",
        )
    return table
