"""The MLflow store behind runs and registry: a SQLite file of this checkout, or the server that MLFLOW_TRACKING_URI names; nothing else differs.

With a server, artifacts go to the server (`mlflow server --artifacts-destination s3://...`), which alone holds the keys of database and object store.

In MLflow a registered model is a name with versions that succeed each other, and an alias points at one version of it. So each budget has a registered
model of its own: what shows that the pipeline works and what may be released are different models with different successors (docs/adr/0044).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from device_sw.errors import CodedError

if TYPE_CHECKING:
    from pathlib import Path

    from mlflow.entities.model_registry import ModelVersion
    from mlflow.tracking import MlflowClient

MODEL = "thoratrace-detector"
"""Registered model of what may be released; its name since the first release, so that the next one is compared with it."""

RELEASED = "release"
"""Budget of what may be released."""

DATABASE = "mlflow.db"
"""File of the store in its folder, where no server is named."""

ALIASES = ("candidate", "validated", "released", "retired")
"""In the order a version may take them."""

QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
_PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "60"}


class RegistrationRefused(CodedError):
    """A run or version may not be held, registered or given an alias. Codes: REG-STORE, REG-SELF-TEST, REG-ORDER, REG-VALIDATED, REG-JOURNAL, REG-UNRECORDED."""


def model_name(budget: str) -> str:
    """Return the registered model in which models of a budget succeed each other, and no others.

    >>> model_name("release"), model_name("quick")
    ('thoratrace-detector', 'thoratrace-detector-quick')
    """
    return MODEL if budget == RELEASED else f"{MODEL}-{budget}"


@dataclass(frozen=True, slots=True)
class RegisteredModel:
    """A registered model in a store: whose versions, aliases and journal are meant.

    Attributes:
        client: of the store.
        name: as ``model_name`` makes it, or as an export recorded it.
    """

    client: MlflowClient
    name: str

    def versions(self) -> list[ModelVersion]:
        """Return every version, read one by one so that aliases are with it; none where nothing was registered under this name."""
        listed = self.client.search_model_versions(f"name = '{self.name}'")
        return [self.version(str(each.version)) for each in listed]

    def version(self, number: str) -> ModelVersion:
        """Return one version."""
        return self.client.get_model_version(self.name, number)


def server() -> str | None:
    """Return the tracking server's address, None where the store is the SQLite file."""
    return os.environ.get("MLFLOW_TRACKING_URI") or None


def existing_registry(folder: Path) -> MlflowClient:
    """Return a client of a registry that is there, for those who only read: an empty one made by asking would answer that everything is gone.

    Raises:
        RegistrationRefused: ``REG-STORE``, there is none in ``folder`` and no server is named, or it does not answer.
    """
    if server() is None and not (folder / DATABASE).is_file():
        raise RegistrationRefused(
            "REG-STORE",
            where="artifacts/mlflow",
            found="no registry in this checkout",
            expected="the registry that the release was made with",
            repair="name the server in MLFLOW_TRACKING_URI, or ask on the machine that made the release",
        )
    return open_registry(folder)


def open_registry(folder: Path) -> MlflowClient:
    """Return a client of the registry in ``folder`` (SQLite), or of the server named by MLFLOW_TRACKING_URI.

    Raises:
        RegistrationRefused: the store does not answer (``REG-STORE``); the address is not repeated, since it may hold a password.
    """
    os.environ.update(QUIET)
    for name, value in _PATIENCE.items():
        os.environ.setdefault(name, value)
    import logging  # noqa: PLC0415  MLflow must not be imported before its switches are set
    import warnings  # noqa: PLC0415

    from mlflow.exceptions import MlflowException  # noqa: PLC0415
    from mlflow.tracking import MlflowClient  # noqa: PLC0415

    logging.getLogger("mlflow").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", module="mlflow")
    folder.mkdir(parents=True, exist_ok=True)
    uri = server() or f"sqlite:///{folder / DATABASE}"
    try:
        client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        client.search_registered_models(max_results=1)
    except MlflowException as error:
        raise RegistrationRefused(
            "REG-STORE",
            where="MLFLOW_TRACKING_URI" if server() else "artifacts/mlflow",
            found="a store that does not answer",
            expected="an MLflow tracking server, or a SQLite file that can be written",
            repair="start the server, or unset MLFLOW_TRACKING_URI",
        ) from error
    return client
