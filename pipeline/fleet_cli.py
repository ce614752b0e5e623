"""The commands of `./qms fleet`: a training shared out over ranks, and an archive shared out over shards.

Exit codes: 0 done; 1 a list, plan, result or training is not what it has to be; 2 usage; 3 no model bundle.
"""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.fleet.examiners import Examiner

fleet = typer.Typer(
    help="Work beyond one process: training under torchrun, and archives of any size in shards.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
NOT_WHAT_IT_HAS_TO_BE, NO_BUNDLE = 1, 3

FolderArgument = Annotated[Path, typer.Argument(help="folder of the plan, its results and marks", file_okay=False)]
BundleOption = Annotated[Path | None, typer.Option(help="model bundle; that of the canonical run where none is given")]
SimulateOption = Annotated[
    bool, typer.Option("--simulate", help="invent results instead of analysing: a trial of the bookkeeping")
]
DeviceOption = Annotated[str, typer.Option("--device-options", help='for `thoratrace analyse`: "--policy research --no-page"')]


@fleet.command()
def train(
    ranks: Annotated[int, typer.Option(min=1, max=256, help="processes of torchrun on this machine")],
    run: Annotated[Path | None, typer.Option(help="folder of another run, such as artifacts/runs/phantom-release")] = None,
    workers: Annotated[int, typer.Option(min=1, max=256, help="worker processes of each rank")] = 1,
) -> None:
    """Run the train stage on several ranks of this machine: the weights are those of one process, byte for byte."""
    from pipeline.dvc_runs import canonical, stage_environment  # noqa: PLC0415  keeps `./qms --help` fast
    from pipeline.run import Run, read_json  # noqa: PLC0415

    chosen = canonical() if run is None else Run(run.resolve())
    launcher = ["torch.distributed.run", "--standalone", "--nproc-per-node", str(ranks)]
    command = [sys.executable, "-m", *launcher, "-m", "pipeline.ranks.train"]
    environment = stage_environment(chosen) | {"THORATRACE_WORKERS": str(workers)}
    code = subprocess.run(command, cwd=chosen.root, env=environment, stdout=sys.stderr, check=False).returncode
    if code:
        raise typer.Exit(NOT_WHAT_IT_HAS_TO_BE)
    typer.echo(read_json(chosen.artifact("training") / "training.json")["weights_sha256"])


@fleet.command()
def plan(
    listed: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="a line for each study: UID, tabulator, path")],
    out: Annotated[Path, typer.Option(help="folder of the plan")],
    shards: Annotated[int, typer.Option(min=1, help="how many; a parameter of the archive, not of the machines")],
) -> None:
    """Divide a list of studies into shards; the same studies in any order give the same plan."""
    from pipeline.fleet import plan as planning  # noqa: PLC0415

    with _told(), listed.open("rb") as lines:
        made = planning.make(lines, out, shards)
    _print({"studies": made.studies, "shards": len(made.shards), "plan_sha256": made.sha256})


@fleet.command("run")
def work_on(  # noqa: PLR0913, PLR0917  one option each
    folder: FolderArgument,
    workers: Annotated[int, typer.Option(min=1, max=256, help="processes of this machine")] = 1,
    part: Annotated[
        int, typer.Option(min=0, envvar=["SLURM_ARRAY_TASK_ID", "JOB_COMPLETION_INDEX"], help="number of this job, from 0")
    ] = 0,
    of: Annotated[int, typer.Option(min=1, envvar=["SLURM_ARRAY_TASK_COUNT", "FLEET_JOBS"], help="how many jobs there are")] = 1,
    bundle: BundleOption = None,
    simulate: SimulateOption = False,  # noqa: FBT002
    device_options: DeviceOption = "",
    ray_workers: Annotated[int, typer.Option(min=1, max=256, help="processes that Ray shares each shard out over")] = 1,
) -> None:
    """Examine the shards of a plan, or one job's part of them; the same command goes on where a killed one stood."""
    from pipeline.fleet import plan as planning  # noqa: PLC0415
    from pipeline.fleet import shard, work  # noqa: PLC0415
    from pipeline.progress import bar  # noqa: PLC0415

    with _told(), bar("fleet") as report:
        planned = planning.read(folder)
        shards = shard.share(planned, part, of)
        examiner = _examiner(bundle, device_options, ray_workers, simulate=simulate)
        work.run(planned, shards, examiner, workers, report)
        _print({"shards_done_here": len(shards), "shards_not_done": len(shard.missing(planned))})


@fleet.command()
def merge(
    folder: FolderArgument,
    bundle: BundleOption = None,
    simulate: SimulateOption = False,  # noqa: FBT002
    device_options: DeviceOption = "",
) -> None:
    """Check every byte of every shard and print one Merkle root over all of them."""
    from pipeline.fleet import merge as merging  # noqa: PLC0415
    from pipeline.fleet import plan as planning  # noqa: PLC0415
    from pipeline.progress import bar  # noqa: PLC0415

    with _told(), bar("merge") as report:
        _print(merging.merge(planning.read(folder), _examiner(bundle, device_options, simulate=simulate), report))


def _examiner(bundle: Path | None, options: str, ray_workers: int = 1, *, simulate: bool) -> Examiner:
    from pipeline.dvc_runs import canonical  # noqa: PLC0415
    from pipeline.fleet.examiners import DeviceCommand, Simulated  # noqa: PLC0415

    if simulate:
        return Simulated()
    chosen = bundle or canonical().artifact("bundle")
    if not (chosen / "manifest.json").is_file():
        typer.echo(f"no model bundle in {chosen}: ./qms demo makes one, or give --bundle", err=True)
        raise typer.Exit(NO_BUNDLE)
    return DeviceCommand(chosen, tuple(options.split()), ray_workers)


@contextmanager
def _told() -> Iterator[None]:
    """Say what is not what it has to be, on stderr, and end with exit code 1."""
    from pipeline.fleet.errors import FleetError  # noqa: PLC0415

    try:
        yield
    except FleetError as err:
        typer.echo(str(err), err=True)
        raise typer.Exit(NOT_WHAT_IT_HAS_TO_BE) from err


def _print(value: dict[str, object]) -> None:
    typer.echo(json.dumps(value, indent=1, sort_keys=True))
