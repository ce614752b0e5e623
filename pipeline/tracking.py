"""Holds every run of the pipeline in MLflow: parameters, curves, plots, environment, and what data and code it was made of.

A run is known by its content: parameters, code, data and weights. The same content is found again and not logged twice; a run that failed is held too, with
what is known of it. What stays at home: the path of the data, and pictures of patients (the gallery of any profile but the phantom).
"""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from device_sw.launcher import NUMERIC_ENVIRONMENT
from pipeline.dvc_runs import SNAPSHOT
from pipeline.registry_store import server
from pipeline.run import REPOSITORY, Run, file_sha256, read_json, write_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mlflow.tracking import MlflowClient

IDENTITY = "run_sha256"
"""Tag by which a run is found again."""

LONGEST_VALUE = 5000
"""Characters of a parameter that MLflow keeps; longer ones are kept by their hash."""

_CODE = frozenset({".py", ".toml", ".json", ".npz", ".yaml"})
_FILES = ("params.yaml", "dvc.yaml", "dvc.lock")
_LOCKS = ("requirements.lock", "device.lock")


def hold(client: MlflowClient, run: Run, commit: str, *, finished: bool = True) -> str:
    """Log a run, once, and return MLflow's id of it.

    Args:
        client: of the store.
        run: folders and parameters; of a run that failed only parameters, code and environment are logged.
        commit: of the checkout, recorded, never compared.
        finished: whether every stage came to its end.
    """
    params = run.params()
    tags = identity(run, finished=finished) | {
        "commit": commit,
        "profile": str(params["profile"]),
        "budget": str(params["budget"]),
    }
    experiment = _experiment(client, f"{params['profile']}-{params['budget']}")
    known = client.search_runs([experiment], f"tags.{IDENTITY} = '{tags[IDENTITY]}'", max_results=1)
    if known:
        return str(known[0].info.run_id)
    made = client.create_run(experiment, tags=tags, run_name=_name(params))
    run_id = str(made.info.run_id)
    for key, value in _flat({name: part for name, part in params.items() if name != "data"} | {"data": _without_path(params)}):
        client.log_param(run_id, key, value)
    _log_environment(client, run, run_id)
    if finished:
        _log_data(client, run_id, tags)
        _log_results(client, run, run_id, real=params["profile"] != "phantom")
    client.set_terminated(run_id, "FINISHED" if finished else "FAILED")
    return run_id


def _name(params: Mapping[str, Any]) -> str:
    """Return what people see: profile, budget, model version and, where it is stated, the family of the network."""
    family = params.get("train", {}).get("network", {}).get("family")
    return " ".join(filter(None, [f"{params['profile']}-{params['budget']}", str(params["model_version"]), family]))


def identity(run: Run, *, finished: bool) -> dict[str, str]:
    """Return the run's hashes: code, parameters, lock of the stages and, of a finished run, data and weights; and one over all of them.

    A part that is not there is ``none``, so that it cannot be taken for another.
    """
    parts = {
        "code_sha256": code_sha256(run.root if (run.root / "pipeline").is_dir() else REPOSITORY),
        "params_sha256": _sha256(run.root / "params.yaml"),
    }
    if finished:
        parts |= {
            "cohort_sha256": _sha256(run.artifact("cohort") / "cohort.json"),
            "weights_sha256": _sha256(run.artifact("bundle") / "weights.safetensors"),
            "bundle_sha256": _sha256(run.artifact("bundle") / "manifest.json"),
            "validation_sha256": _sha256(run.artifact("validation") / "validation.json"),
            "dvc_lock_sha256": _sha256(run.root / "dvc.lock"),
        }
    content = json.dumps({"finished": finished, **parts}, sort_keys=True).encode()
    return {**parts, IDENTITY: hashlib.sha256(content).hexdigest()}


@cache
def code_sha256(root: Path) -> str:
    """Return the SHA-256 over path and content of every source file of the packages that a run may import, below its own root."""
    digest = hashlib.sha256()
    for package in SNAPSHOT:
        for path in sorted((root / package).rglob("*")):
            if path.suffix in _CODE and "__pycache__" not in path.parts:
                digest.update(f"{path.relative_to(root).as_posix()}\0{file_sha256(path)}\n".encode())
    return digest.hexdigest()


def _sha256(path: Path) -> str:
    return file_sha256(path) if path.is_file() else "none"


def _without_path(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.get("data", {}).items() if name != "path"}


def _experiment(client: MlflowClient, name: str) -> str:
    """Return the experiment of a profile and budget; where artifacts go is the server's matter, and beside the SQLite file without one."""
    experiment = client.get_experiment_by_name(name)
    if experiment:
        return str(experiment.experiment_id)
    place = None if server() else (Path(client.tracking_uri.removeprefix("sqlite:///")).parent / "artifacts").as_uri()
    return str(client.create_experiment(name, place))


def environment() -> dict[str, Any]:
    """Return what a run was computed with: interpreter, machine class, the numeric environment as it is, and every installed distribution."""
    import os  # noqa: PLC0415  read at the moment it is asked for

    return {
        "python": sys.version.split()[0],
        "system": platform.system(),
        "machine": platform.machine(),
        "numeric_environment": {name: os.environ.get(name) for name in sorted(NUMERIC_ENVIRONMENT)},
        "distributions": dict(sorted({found.name: found.version for found in distributions()}.items())),
    }


def _log_environment(client: MlflowClient, run: Run, run_id: str) -> None:
    with TemporaryDirectory() as folder:
        write_json(Path(folder) / "environment.json", environment())
        client.log_artifact(run_id, str(Path(folder) / "environment.json"), "environment")
    for path in (*(run.root / name for name in _FILES), *(REPOSITORY / name for name in _LOCKS)):
        if path.is_file() and not (path.name == "params.yaml" and "data" in run.params()):
            client.log_artifact(run_id, str(path), "environment")


def _log_data(client: MlflowClient, run_id: str, tags: Mapping[str, str]) -> None:
    """Name the cohort as the run's input, by its hash."""
    from mlflow.entities import Dataset, DatasetInput, InputTag  # noqa: PLC0415  MLflow must not be imported before its switches are set

    name = f"cohort {tags['profile']}"
    dataset = Dataset(
        name=name,
        digest=tags["cohort_sha256"][:36],
        source_type="cohort.json",
        source=json.dumps({"sha256": tags["cohort_sha256"]}),
    )
    client.log_inputs(run_id, [DatasetInput(dataset, [InputTag("mlflow.data.context", "training and validation")])])


def _log_results(client: MlflowClient, run: Run, run_id: str, *, real: bool) -> None:
    for key, value, step in (*_curves(run), *_figures(run)):
        client.log_metric(run_id, key, value, step=step)
    for folder in ("training", "validation", "bundle"):
        for path in sorted(run.artifact(folder).glob("*")):
            if path.is_file() and not (real and path.name.startswith("gallery")):
                client.log_artifact(run_id, str(path), folder)


def _curves(run: Run) -> Iterator[tuple[str, float, int]]:
    """Yield every figure of every epoch of the history, by its path in it."""
    history = run.artifact("training") / "history.json"
    for row in read_json(history)["epochs"] if history.is_file() else ():
        for key, value in _numbers({name: part for name, part in row.items() if name != "epoch"}):
            yield key, value, int(row["epoch"])


def _figures(run: Run) -> Iterator[tuple[str, float, int]]:
    """Yield value and bounds of every endpoint that is defined."""
    validation = run.artifact("validation") / "validation.json"
    for endpoint in read_json(validation)["endpoints"] if validation.is_file() else ():
        figures = {"value": endpoint.get("value"), **(endpoint.get("interval") or {}), "passed": float(endpoint["passed"])}
        for name, value in _numbers(figures):
            yield f"endpoint.{endpoint['id']}.{name}", value, 0


def _numbers(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _numbers(value, f"{prefix}{key}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield f"{prefix}{key}", float(value)


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            text = str(value)
            yield f"{prefix}{key}", text if len(text) <= LONGEST_VALUE else f"sha256 {hashlib.sha256(text.encode()).hexdigest()}"
