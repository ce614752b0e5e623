"""The commands of `./qms`: parse, call one function, print. Results on stdout, diagnosis on stderr.

Exit codes: 0 good; 1 the thing checked does not hold; 2 usage; 3 environment or no usable bundle.
"""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path  # noqa: TC003  typer reads the annotation at run time
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from pipeline.change_package_cli import change_packages
from pipeline.compare_cli import compare
from pipeline.exchange_cli import exchange
from pipeline.fleet_cli import fleet
from pipeline.guide import guide
from pipeline.people_cli import answer
from pipeline.protocol_cli import protocol
from pipeline.release_cli import release
from pipeline.second_opinions_cli import second_opinions
from pipeline.study_cli import studies
from pipeline.surveillance_cli import surveil

if TYPE_CHECKING:
    from verification.trace.case import Level
    from verification.trace.tool_validation import Kit, ToolRecord

app = typer.Typer(
    help="ThoraTrace: a chest-radiograph finding detector and the evidence around it. Not cleared, not for clinical use.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(guide)
app.add_typer(change_packages)
app.add_typer(compare)
app.add_typer(answer)
app.add_typer(exchange, name="exchange")
app.add_typer(fleet, name="fleet")
app.add_typer(protocol, name="protocol")
app.add_typer(release, name="release")
app.add_typer(studies)
app.add_typer(surveil, name="surveil")
app.add_typer(second_opinions)
diagnosis = Console(stderr=True)

HOLDS, DOES_NOT_HOLD, USAGE, ENVIRONMENT = 0, 1, 2, 3


@app.command()
def demo() -> None:
    """Run the main job on the phantom: pipeline, registry, verification, trace, technical file, sample radiographs."""
    raise typer.Exit(_main_job())


@app.command()
def test() -> None:
    """Bring phantom/quick up to date as `demo` does, then run every test."""
    job = _main_job()
    tests = _tests()
    raise typer.Exit(DOES_NOT_HOLD if job or tests else HOLDS)


def _main_job() -> int:
    from pipeline.main_job import run_main_job  # noqa: PLC0415  keeps `./qms --help` fast

    parts = run_main_job(lambda name: diagnosis.rule(f"[bold]{name}", align="left"))
    table = Table("part", "outcome", "made", "where", "s", title="ThoraTrace, phantom/quick (phantom results; no clinical claim)")
    for part in parts:
        table.add_row(part.name, "[green]good" if part.good else "[red]NOT GOOD", part.made, part.where, f"{part.seconds:.0f}")
    Console(width=max(Console().width, 120)).print(table)
    return HOLDS if all(part.good for part in parts) else DOES_NOT_HOLD


def _tests() -> int:
    """Run unit, property and architecture tests and the doctests; the scenarios already ran as part of the main job."""
    from pipeline.run import REPOSITORY, available_workers  # noqa: PLC0415

    packages = ["device_sw", "phantom", "requirements_spec", "risk", "validation", "pipeline", "verification/trace"]
    command = [
        sys.executable,
        "-m",
        "pytest",
        "tests",
        *packages,
        "--doctest-modules",
        "-q",
        "-n",
        str(available_workers()),
        "-p",
        "no:cacheprovider",
    ]
    return subprocess.run(command, cwd=REPOSITORY, check=False).returncode


@app.command()
def check(
    level: Annotated[str, typer.Option(help="development, release or submission")] = "development",
    as_json: Annotated[bool, typer.Option("--json", help="the result as JSON on stdout")] = False,  # noqa: FBT002
    watch: Annotated[  # noqa: FBT002 - typer reads the flag from the signature
        bool, typer.Option("--watch", help="stay, and judge again whenever a file changes; end with Ctrl-C")
    ] = False,
) -> None:
    """Run the trace gate: every problem at once, with place, finding, expectation and repair."""
    from pipeline.dvc_runs import canonical  # noqa: PLC0415
    from verification.trace import gate  # noqa: PLC0415

    if level not in set(gate.Level):
        raise typer.BadParameter(f"found {level!r}, expected one of {', '.join(gate.Level)}", param_hint="--level")
    if watch:
        if as_json:
            raise typer.BadParameter("a watch never ends by itself, so it has no result to print as JSON", param_hint="--json")
        raise typer.Exit(_watched(canonical().root, gate.Level(level)))
    result = gate.check(canonical().root, gate.Level(level), recall=True)
    print(
        json.dumps(gate.to_json_result(result), indent=1, sort_keys=True, ensure_ascii=False) if as_json else gate.to_text(result)
    )
    raise typer.Exit(HOLDS if result else DOES_NOT_HOLD)


def _watched(root: Path, level: Level) -> int:
    """Print the verdict after every change until somebody ends it; returns the exit code of the last one."""
    from verification.trace import gate  # noqa: PLC0415
    from verification.trace.watch import verdicts  # noqa: PLC0415

    last = DOES_NOT_HOLD
    with suppress(KeyboardInterrupt):
        for result, seconds in verdicts(root, level):
            last = HOLDS if result else DOES_NOT_HOLD
            print(
                f"{gate.to_text(result)}\n{datetime.now(UTC):%H:%M:%S} UTC, after {seconds:.2f} s; waiting for the next change",
                flush=True,
            )
    return last


@app.command()
def matrix(
    formats: Annotated[str, typer.Option("--format", help="html, csv, xlsx, json; several with commas")] = "html,csv,xlsx,json",
    level: Annotated[str, typer.Option(help="development, release or submission")] = "development",
) -> None:
    """Write the trace matrix from the last run's evidence, all files or none, and print their paths."""
    from pipeline.dvc_runs import canonical  # noqa: PLC0415
    from verification.trace import gate  # noqa: PLC0415
    from verification.trace import matrix as page  # noqa: PLC0415

    wanted = [name.strip() for name in formats.split(",")]
    if unknown := [name for name in wanted if name not in page.FORMATS]:
        raise typer.BadParameter(
            f"found {', '.join(unknown)!r}, expected one or more of {', '.join(page.FORMATS)}", param_hint="--format"
        )
    if level not in set(gate.Level):
        raise typer.BadParameter(f"found {level!r}, expected one of {', '.join(gate.Level)}", param_hint="--level")
    root = canonical().root
    result = gate.check(root, gate.Level(level))
    for path in page.write_formats(root, result, wanted).values():
        print(path)
    raise typer.Exit(HOLDS if result else DOES_NOT_HOLD)


@app.command("technical-file")
def technical_file() -> None:
    """Build the technical file from the last run's evidence."""
    from pipeline import technical_file as builder  # noqa: PLC0415
    from pipeline.dvc_runs import canonical  # noqa: PLC0415

    try:
        print(builder.build(canonical().root))
    except builder.FileError as err:
        print(err, file=sys.stderr)
        raise typer.Exit(DOES_NOT_HOLD) from err


@app.command()
def mutate(  # noqa: PLR0913, PLR0917  one option each
    part: Annotated[str, typer.Option(help="graph, evidence, controls or all")] = "all",
    operator: Annotated[str | None, typer.Option(help="one operator by its name")] = None,
    sample: Annotated[int | None, typer.Option(min=1, help="at most so many mutants of each operator")] = None,
    seed: Annotated[int, typer.Option(help="of the sample")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="the result as JSON on stdout")] = False,  # noqa: FBT002
    keep: Annotated[bool, typer.Option("--keep", help="keep a dated summary under evidence/trace_mutation")] = False,  # noqa: FBT002
) -> None:
    """Harm a copy of the project in every way that is known, one at a time; the gate has to name each harm at its place."""
    from pipeline import mutation_run  # noqa: PLC0415
    from pipeline.dvc_runs import canonical  # noqa: PLC0415
    from pipeline.progress import bar  # noqa: PLC0415
    from pipeline.seeded_defects import SeedingError  # noqa: PLC0415
    from verification.trace.mutants.campaign import Order  # noqa: PLC0415
    from verification.trace.mutants.copying import BenchError  # noqa: PLC0415

    parts = ("graph", "evidence", "controls", "all")
    if part not in parts:
        raise typer.BadParameter(f"found {part!r}, expected one of {', '.join(parts)}", param_hint="--part")
    if operator is not None and operator not in mutation_run.OPERATORS:
        raise typer.BadParameter(
            f"found {operator!r}, expected one of {', '.join(mutation_run.OPERATORS)}", param_hint="--operator"
        )
    chosen = (operator,) if operator else mutation_run.operators_of(part)
    root = canonical().root
    try:
        with bar("mutants") as report:
            found = mutation_run.run(root, "graph" if operator else part, Order(chosen, sample, seed), report)
    except (BenchError, SeedingError) as err:
        print(f"{err}; if no run lies here: ./qms demo", file=sys.stderr)
        raise typer.Exit(DOES_NOT_HOLD) from err
    print(json.dumps(found.to_json(), indent=1, sort_keys=True, ensure_ascii=False) if as_json else found.to_text())
    if keep:
        print(mutation_run.keep(root, found), file=sys.stderr)
    raise typer.Exit(HOLDS if found else DOES_NOT_HOLD)


@app.command("validate-tool")
def validate_tool(as_json: Annotated[bool, typer.Option("--json", help="the record as JSON on stdout")] = False) -> None:  # noqa: FBT002
    """Run the tests of every potential error of this tool (ISO 13485 4.1.6) and keep what came of them."""
    from pipeline import tool_validation  # noqa: PLC0415
    from pipeline.run import REPOSITORY  # noqa: PLC0415

    try:
        kit, record = tool_validation.run(REPOSITORY)
    except tool_validation.NoPlanError as err:
        print(err, file=sys.stderr)
        raise typer.Exit(DOES_NOT_HOLD) from err
    if as_json:
        print(json.dumps(record.to_json(), indent=1, sort_keys=True, ensure_ascii=False))
    else:
        Console(width=max(Console().width, 100)).print(_tool_table(kit, record))
    raise typer.Exit(HOLDS if record.passed else DOES_NOT_HOLD)


def _tool_table(kit: Kit, record: ToolRecord) -> Table:
    shown = {each.id: each for each in record.shown}
    excluded = sum(each.excluded for each in record.shown)
    table = Table("id", "the tool could ...", "tests", "", title=f"{excluded} of {len(kit.errors)} potential errors excluded")
    for error in kit.errors:
        good = shown[error.id].excluded
        table.add_row(error.id, error.title, str(len(error.tests)), "[green]excluded" if good else "[red]NOT EXCLUDED")
    return table


@app.command()
def pipeline(  # noqa: PLR0913, PLR0917  one option each
    profile: Annotated[str, typer.Option(help="data profile: phantom, coco, eda, vindr or nih")],
    budget: Annotated[str, typer.Option(help="training budget: quick or release")],
    data: Annotated[Path | None, typer.Option(help="folder with the profile's data, where it needs one")] = None,
    pretrained: Annotated[
        Path | None,
        typer.Option(help="weights whose backbone the training starts from, such as artifacts/training/weights.safetensors"),
    ] = None,
    evidence: Annotated[Path | None, typer.Option(help="keep the figures, dated, in this JSON file")] = None,
    watched: Annotated[
        bool | None,
        typer.Option(
            help="run each stage between two readings of all it is made from, as a release needs (default: budget release)"
        ),
    ] = None,
) -> None:
    """Run the pipeline for another data profile or budget, under artifacts/runs/PROFILE-BUDGET."""
    from pipeline.dvc_runs import RunError, canonical, configure, reproduce  # noqa: PLC0415
    from pipeline.registry_store import RegistrationRefused, open_registry  # noqa: PLC0415
    from pipeline.release.provenance.watched_run import reproduce_watched  # noqa: PLC0415
    from pipeline.report import keep, summarise  # noqa: PLC0415
    from pipeline.repository import commit  # noqa: PLC0415
    from pipeline.tracking import hold  # noqa: PLC0415

    try:
        run = configure(profile, budget, data, pretrained)
    except RunError as err:
        print(err, file=sys.stderr)
        raise typer.Exit(ENVIRONMENT if err.code == "DATA-MISSING" else USAGE) from err
    is_watched = budget == "release" if watched is None else watched
    code = (reproduce_watched if is_watched else reproduce)(run)
    if code == 0:
        print(summarise(run))
        if evidence:
            keep(run, evidence)
    try:
        hold(open_registry(canonical().artifact("mlflow")), run, commit(canonical().root), finished=code == 0)
    except RegistrationRefused as err:
        print(err, file=sys.stderr)
        raise typer.Exit(ENVIRONMENT) from err
    raise typer.Exit(HOLDS if code == 0 else DOES_NOT_HOLD)


if __name__ == "__main__":
    app(prog_name="./qms")
