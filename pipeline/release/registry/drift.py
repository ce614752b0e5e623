"""Compares the registry with a release: alias, source, tag, row and artefact, every difference named; and loads a registered model only if it is the released one.

Whoever can write into MLflow's database or artefact store can change all of it without a trace there. So nothing that the registry says decides what is
loaded: the bundle's hash comes from the signed record, the file's own bytes are compared with it before anything is parsed, and what is parsed is safetensors,
JSON and TOML by `device_sw.detector.bundle`. No loader of MLflow is ever called.

Compared is the registered model that the export names, whatever its budget is called today. An alias may have moved on since the export, by the journal's own lines; it stands where the journal says, or it has drifted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from device_sw.detector.bundle import MANIFEST, load_bundle
from pipeline import alias_moves, tracking
from pipeline.registry_store import RegisteredModel, RegistrationRefused
from pipeline.release.errors import ReleaseRefused
from pipeline.release.provenance.content import content_sha256
from pipeline.release.record.folder import RECORD, ReleaseFolder
from pipeline.release.record.record import Kind as RecordKind
from pipeline.release.registry.export import FOLDER, artefacts, moves_of, refused
from pipeline.run import file_sha256

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mlflow.entities.model_registry import ModelVersion
    from mlflow.tracking import MlflowClient

    from device_sw.detector.bundle import Bundle


PART = "files/registry.json"
"""The part of a release that holds the export."""


class Kind(StrEnum):
    """What of the registry differs."""

    ALIAS = "alias"
    ARTEFACT = "artefact"
    ROW = "row"
    SOURCE = "source"
    TAG = "tag"


@dataclass(frozen=True, slots=True, order=True)
class Drift:
    """One difference between registry and release."""

    kind: Kind
    where: str
    found: str
    expected: str

    def __str__(self) -> str:
        """Return the difference as one line."""
        return f"REL-REGISTRY-{self.kind.upper()} at {self.where}: found {self.found}, expected {self.expected}"


def drift(client: MlflowClient, export: Mapping[str, Any], releases: Mapping[str, str] | None = None) -> tuple[Drift, ...]:
    """Return every difference between the registry as it is now and an export; none where it still says what was released.

    Args:
        client: of the registry.
        export: what was recorded.
        releases: SHA-256 of a release's record -> that of its bundle, for every release there is; with them each move to `released` has to name one.
    """
    model = RegisteredModel(client, export["model"])
    if not any(each.name == model.name for each in client.search_registered_models()):
        return (Drift(Kind.ROW, model.name, "no such registered model", "the released model"),)
    found = list(_alias_drift(model, export, releases))
    now = model.versions()
    for weights, rows in export["versions"].items():
        for row in rows:
            found += _row_drift(model, weights, row, now)
    return tuple(sorted(found))


def drift_of(folder: ReleaseFolder, client: MlflowClient) -> tuple[Drift, ...]:
    """Return how the registry differs from what a release recorded of it, once that part is the recorded one.

    Raises:
        ReleaseRefused: ``REL-RECORD``, no record that can be read; ``REL-REGISTRY-ABSENT``, the release recorded no registry; ``REL-ALTERED``.
    """
    record = folder.record()
    recorded = {each.name: each.sha256 for each in record.subjects}.get(PART)
    if recorded is None:
        raise refused("ABSENT", "record", f"no {PART}", "a release whose model was registered")
    if content_sha256(folder.place(PART)) != recorded:
        repair = "restore the folder from version control; ./qms release verify names every change"
        raise ReleaseRefused("REL-ALTERED", where=PART, found="another content", expected="the recorded one", repair=repair)
    return drift(client, folder.content(PART), _releases_beside(folder) if record.kind is RecordKind.RELEASE else None)


def _releases_beside(folder: ReleaseFolder) -> dict[str, str]:
    """Return record -> bundle of every release that lies beside this one, this one included."""
    records = [ReleaseFolder(place.parent, place.parent).record() for place in sorted(folder.path.parent.glob(f"*/{RECORD}"))]
    return {each.sha256: each.model.bundle_sha256 for each in records}


def load_registered(model: RegisteredModel, bundle_sha256: str, folder: Path) -> Bundle:
    """Bring a registered bundle into an empty folder, and load it once its bytes are those of the release.

    Args:
        model: of which it is a version.
        bundle_sha256: SHA-256 of the bundle's manifest as the signed record names it.
        folder: where it is brought to.

    Raises:
        ReleaseRefused: ``REL-REGISTRY-ABSENT``, no version of it, or none with files; ``REL-REGISTRY-MODEL``, another manifest.
        BundleError: a file is missing, too many or not as the manifest says.
    """
    client = model.client
    held = [each for each in model.versions() if each.tags.get("bundle_sha256") == bundle_sha256]
    if not held or not any(entry.path == FOLDER for entry in client.list_artifacts(held[0].run_id)):
        raise refused("ABSENT", "registry", f"no files of bundle {bundle_sha256[:16]}", "the released bundle")
    brought = Path(client.download_artifacts(held[0].run_id, FOLDER, str(folder)))
    manifest = brought / MANIFEST
    actual = file_sha256(manifest) if manifest.is_file() and not manifest.is_symlink() else "no manifest"
    if actual != bundle_sha256:
        raise refused("MODEL", MANIFEST, actual[:16], f"{bundle_sha256[:16]} as the release says")
    return load_bundle(brought)


def _alias_drift(model: RegisteredModel, export: Mapping[str, Any], releases: Mapping[str, str] | None) -> Iterator[Drift]:
    try:
        said = {line.alias: line.version for line in alias_moves.journal(model)}
        moves = list(moves_of(model))
    except RegistrationRefused as err:
        yield Drift(Kind.ALIAS, err.where, err.found, err.expected)
        return
    standing = alias_moves.standing(model)
    for alias in sorted({*said, *standing}):
        if said.get(alias) != standing.get(alias):
            expected = f"version {said[alias]}, as the journal says" if alias in said else "none: the journal knows no such move"
            yield Drift(Kind.ALIAS, alias, f"version {standing[alias]}" if alias in standing else "none", expected)
    if releases is not None:
        yield from _unreleased(moves, releases)
    bundles = {row["tags"]["bundle_sha256"] for rows in export["versions"].values() for row in rows}
    kept = [move for move in moves if move["bundle_sha256"] in bundles][: len(export["moves"])]
    for number, (now, then) in enumerate(zip(kept, export["moves"], strict=False), start=1):
        if now != then:
            yield Drift(Kind.ALIAS, f"move {number}", f"{now['alias']}: {now['ground']}", f"{then['alias']}: {then['ground']}")
    if len(kept) < len(export["moves"]):
        yield Drift(Kind.ALIAS, "journal", f"{len(kept)} moves of the released model", f"{len(export['moves'])}")


def _unreleased(moves: Iterable[Mapping[str, str]], releases: Mapping[str, str]) -> Iterator[Drift]:
    """The journal is chained and not signed, so a line can be added to it; what may become `released` is known from the releases alone."""
    for move in moves:
        named = [
            record for record in re.findall(r"[0-9a-f]{64}", move["ground"]) if releases.get(record) == move["bundle_sha256"]
        ]
        if move["alias"] == "released" and not named:
            expected = "a move whose ground names the record of a release of that bundle"
            yield Drift(Kind.ALIAS, "released", f"bundle {move['bundle_sha256'][:16]}: {move['ground'][:60]}", expected)


def _row_drift(model: RegisteredModel, weights: str, row: Mapping[str, Any], now: list[ModelVersion]) -> Iterator[Drift]:
    """Compare one exported row with the version that its run was registered as."""
    client, label = model.client, f"model {weights[:12]}"
    claimed = [each for each in now if each.tags.get("bundle_sha256") == row["tags"]["bundle_sha256"]]
    of_the_run = [each for each in now if _run_tag(client, each) == row["run_sha256"]]
    if len(claimed) > 1 or len(of_the_run) > 1:
        yield Drift(Kind.ROW, label, f"{max(len(claimed), len(of_the_run))} versions", "one version of this bundle and run")
    if not claimed and not of_the_run:
        yield Drift(Kind.ROW, label, "no version", "the released model")
        return
    version = (of_the_run or claimed)[0]
    for name in ("status", "description"):
        actual = str(getattr(version, name) or "")
        if actual != row[name]:
            yield Drift(Kind.ROW, f"{label}, {name}", actual or "nothing", row[name] or "nothing")
    if not of_the_run:
        yield Drift(Kind.ROW, f"{label}, run", _run_tag(client, version)[:16] or "another run", row["run_sha256"][:16])
    yield from _differences(Kind.TAG, label, dict(version.tags), row["tags"])
    yield from _source_drift(model, label, version)
    yield from _differences(Kind.ARTEFACT, label, _artefacts(client, version), row["artefacts"])


def _source_drift(model: RegisteredModel, label: str, version: ModelVersion) -> Iterator[Drift]:
    """A version's source is the bundle of its run, below the place of its experiment; anything else leads MLflow's loaders elsewhere."""
    from mlflow.exceptions import MlflowException  # noqa: PLC0415  MLflow must not be imported before its switches are set

    client = model.client
    try:
        run = client.get_run(version.run_id)
        place = str(client.get_experiment(run.info.experiment_id).artifact_location)
    except MlflowException as err:
        yield Drift(Kind.SOURCE, f"{label}, run", type(err).__name__, "the run that it was registered from")
        return
    expected = f"{run.info.artifact_uri}/{FOLDER}"
    download = client.get_model_version_download_uri(model.name, str(version.version))
    stated = {"source": str(version.source), "download": str(download)}
    for name, actual in stated.items():
        if actual != expected:
            yield Drift(Kind.SOURCE, f"{label}, {name}", _last(actual), "the bundle of its run")
    if run.info.artifact_uri != f"{place}/{run.info.run_id}/artifacts":
        yield Drift(Kind.SOURCE, f"{label}, artefacts of the run", _last(run.info.artifact_uri), "the place of its experiment")


def _last(place: str) -> str:
    """Return the end of a place, since its beginning is of one machine."""
    return f".../{'/'.join(place.rstrip('/').split('/')[-2:])}"


def _run_tag(client: MlflowClient, version: ModelVersion) -> str:
    from mlflow.exceptions import MlflowException  # noqa: PLC0415  MLflow must not be imported before its switches are set

    try:
        return str(client.get_run(version.run_id).data.tags.get(tracking.IDENTITY, ""))
    except MlflowException:
        return ""


def _artefacts(client: MlflowClient, version: ModelVersion) -> dict[str, str]:
    from mlflow.exceptions import MlflowException  # noqa: PLC0415  MLflow must not be imported before its switches are set

    try:
        return artefacts(client, str(version.run_id))
    except MlflowException:
        return {}


def _differences(kind: Kind, label: str, now: Mapping[str, str], then: Mapping[str, str]) -> Iterator[Drift]:
    for name in sorted(now.keys() | then.keys()):
        if now.get(name) != then.get(name):
            yield Drift(kind, f"{label}, {name}", now.get(name, "nothing")[:40], then.get(name, "nothing")[:40])
