"""The command `./qms compare`: detector families trained on the same films with the same budget, and the page that says which to build on.

Exit codes: 0 every trial is finished; 1 a trial failed, its reason is on the page; 2 usage; 3 there is no run to compare on.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path  # noqa: TC003  typer reads the annotation at run time
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from pipeline.compare.comparison import Order

compare = typer.Typer()
FINISHED, A_TRIAL_FAILED, USAGE, NO_RUN = 0, 1, 2, 3


@compare.command("compare")
def compare_families(  # noqa: PLR0913, PLR0917  one option each
    families: Annotated[str | None, typer.Option(help="which, with commas; all by default")] = None,
    run: Annotated[
        Path | None, typer.Option(help="folder of the run whose films and parameters are used; by default phantom/quick")
    ] = None,
    share: Annotated[
        float, typer.Option(min=0.001, max=1.0, help="share of the patients: below 1 tries the tool, not the families")
    ] = 1.0,
    epochs: Annotated[int | None, typer.Option(min=1, help="other than the run's parameters say")] = None,
    rates: Annotated[
        str, typer.Option(help="learning rates to search for each family, with commas; empty for none")
    ] = "0.003,0.01,0.03",
    search_epochs: Annotated[int, typer.Option(min=1, help="epochs of each training of the search")] = 2,
    replicates: Annotated[int, typer.Option(min=10, help="of the bootstrap")] = 2000,
    name: Annotated[str, typer.Option(help="folder under artifacts/compare")] = "families",
    keep: Annotated[
        Path | None,
        typer.Option(help="copy record and pictures into this folder, by habit under evidence/; the page is made from them"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="the record as JSON on stdout")] = False,  # noqa: FBT002
) -> None:
    """Train detector families on the same films with the same budget and compare them; the same command goes on where it stopped."""
    from pipeline.compare import candidates, page  # noqa: PLC0415  keeps `./qms --help` fast
    from pipeline.compare.comparison import Order, compare  # noqa: PLC0415
    from pipeline.compare.errors import ComparisonError  # noqa: PLC0415
    from pipeline.compare.learning_rate import Search  # noqa: PLC0415
    from pipeline.dvc_runs import canonical  # noqa: PLC0415
    from pipeline.run import Run  # noqa: PLC0415

    source = Run(run.resolve()) if run else canonical()
    wanted = tuple(part.strip() for part in families.split(",")) if families else tuple(candidates.all_families())
    order = Order(
        source, canonical().artifact("compare") / name, wanted, share, epochs, replicates, Search(_numbers(rates), search_epochs)
    )
    try:
        record = compare(order, _say)
    except ComparisonError as err:
        _say(str(err))
        raise typer.Exit(NO_RUN if err.code == "CMP-DATA" else USAGE) from err
    written = page.write(order.folder / "result", record)
    _hold(order, record)
    if keep:
        _keep(order, keep)
    typer.echo(json.dumps(record, indent=1, sort_keys=True, ensure_ascii=False) if as_json else _summary(record, written))
    raise typer.Exit(A_TRIAL_FAILED if record["failed"] else FINISHED)


def _hold(order: Order, record: dict[str, Any]) -> None:
    """Hold each trial in MLflow, the failed ones too; a store that does not answer is told, since the comparison itself is done."""
    from pipeline.dvc_runs import canonical  # noqa: PLC0415
    from pipeline.registry_store import RegistrationRefused, open_registry  # noqa: PLC0415
    from pipeline.repository import commit  # noqa: PLC0415
    from pipeline.run import Run  # noqa: PLC0415
    from pipeline.tracking import hold  # noqa: PLC0415

    try:
        client = open_registry(canonical().artifact("mlflow"))
    except RegistrationRefused as err:
        _say(str(err))
        return
    begun = [name for name in (*record["families"], *record["failed"]) if (order.folder / name / "params.yaml").is_file()]
    for name in begun:
        hold(client, Run(order.folder / name), commit(canonical().root), finished=name in record["families"])


def _numbers(text: str) -> tuple[float, ...]:
    try:
        found = tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError as err:
        raise typer.BadParameter(f"found {text!r}, expected numbers with commas", param_hint="--rates") from err
    if not all(0 < rate < 1 for rate in found):
        raise typer.BadParameter(f"found {text!r}, expected numbers between 0 and 1", param_hint="--rates")
    return found


def _say(text: str) -> None:
    typer.echo(text, err=True)


def _summary(record: dict[str, Any], written: Path) -> str:
    from pipeline.compare.page import shown  # noqa: PLC0415

    lines = [
        f"{name}: AP50 {shown(found['figures']['ap50']['macro'])}, CPM {shown(found['figures']['cpm']['macro'])}, "
        f"{found['size']['bundle_bytes'] / 1e6:.1f} MB, {found['seconds']['train'] / 60:.1f} min"
        for name, found in record["families"].items()
    ]
    failed = [f"{name}: FAILED, {reason}" for name, reason in record["failed"].items()]
    choice = f"choice: {record['choice']['family'] or 'none'}: {record['choice']['reason']}"
    return "\n".join([record["films_are"], *lines, *failed, choice, f"page: {written}"])


def _keep(order: Order, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted((order.folder / "result").iterdir()):
        if path.suffix != ".html":  # it holds the pictures once more
            shutil.copy(path, folder / path.name)
