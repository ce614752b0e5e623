"""The MLflow registry of models: one version a bundle, its tags say what it is, its aliases how far it has come.

Aliases move in one order: `candidate` (the bundle is verified and passes its self-test), `validated` (every endpoint of the protocol and every
scenario passed for exactly this bundle), later `released` and `retired`. MLflow is the registry and its page for people; its numbers, ids and times
never enter evidence, and a model is loaded only through the verifying loader, never through MLflow.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from device_sw._version import __version__
from device_sw.detector.bundle import Bundle, load_bundle
from device_sw.detector.inference import Detector
from pipeline import alias_moves, cut_offs, tracking
from pipeline.registry_store import ALIASES, MODEL, RegistrationRefused, open_registry
from pipeline.repository import commit as commit_of
from pipeline.run import Run, read_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mlflow.tracking import MlflowClient


@dataclass(frozen=True)
class Registration:
    """A version of the registry, and whether this call made it."""

    version: str
    created: bool
    tags: dict[str, str]
    aliases: tuple[str, ...]


def register(run: Run, commit: str) -> Registration:
    """Register the run's bundle as `candidate`, once; the same bundle is found again by its hash.

    Raises:
        BundleError: the bundle does not verify.
        RegistrationRefused: the bundle does not pass its self-test.
        CutOffsUnchecked: its cut-offs were not chosen for its own weights and calibration.
    """
    bundle = load_bundle(run.artifact("bundle"))
    verdict = Detector(bundle).self_test()
    if not verdict.passed:
        raise RegistrationRefused(
            "REG-SELF-TEST",
            where="artifacts/bundle",
            found=str(verdict),
            expected="a passed self-test",
            repair="run the pipeline again",
        )
    cut_offs.require_own(bundle)
    client = open_registry(run.artifact("mlflow"))
    run_id = tracking.hold(client, run, commit)
    tags = version_tags(bundle, commit)
    version = find_version(client, bundle.sha256)
    created = version is None
    if version is None:
        version = _create(client, run_id, tags)
    alias_moves.move(client, "candidate", version, ground="bundle verified, self-test passed, cut-offs its own", commit=commit)
    return Registration(version, created, tags, aliases_of(client, version))


def version_tags(bundle: Bundle, commit: str) -> dict[str, str]:
    """Return the tags that tie a version to bytes: weights, bundle, data root, lineage, code."""
    lineage = bundle.manifest["lineage"]
    return {
        "weights_sha256": lineage["weights_sha256"],
        "bundle_sha256": bundle.sha256,
        "data_root_sha256": lineage["cohort_sha256"],
        "lineage_sha256": lineage["history_sha256"],
        "commit": commit,
        "model_version": bundle.settings.model_version,
        "device_version": __version__,
        "profile": bundle.settings.profile,
        "budget": bundle.settings.budget,
    }


def find_version(client: MlflowClient, bundle_sha256: str) -> str | None:
    """Return the version number of a bundle, or None."""
    from mlflow.exceptions import MlflowException  # noqa: PLC0415

    try:
        versions = client.search_model_versions(f"name = '{MODEL}'")
    except MlflowException:
        return None
    return next((str(v.version) for v in versions if v.tags.get("bundle_sha256") == bundle_sha256), None)


def aliases_of(client: MlflowClient, version: str) -> tuple[str, ...]:
    """Return the aliases of a version in their order."""
    held = client.get_model_version(MODEL, version).aliases
    return tuple(alias for alias in ALIASES if alias in held)


def in_use(client: MlflowClient, version: str, folder: Path | None = None) -> cut_offs.Predecessor | None:
    """Return the other version that is `released`, else the one that is `validated`, else None: whom this version would replace.

    Args:
        client: of the registry.
        version: the version that asks.
        folder: where the other one's bundle is brought to, if it is wanted.
    """
    for alias in ("released", "validated"):
        held = next(
            (v for v in client.search_model_versions(f"name = '{MODEL}'") if alias in aliases_of(client, str(v.version))), None
        )
        if held is not None and str(held.version) != version:
            bundle = None if folder is None else _bundle_of(client, held.run_id, folder)
            return cut_offs.Predecessor(str(held.version), held.tags["bundle_sha256"], bundle)
    return None


def _bundle_of(client: MlflowClient, run_id: str, folder: Path) -> Path | None:
    if not any(entry.path == "bundle" for entry in client.list_artifacts(run_id)):
        return None
    folder.mkdir(parents=True, exist_ok=True)
    return Path(client.download_artifacts(run_id, "bundle", str(folder)))


def _create(client: MlflowClient, run_id: str, tags: Mapping[str, str]) -> str:
    if not any(model.name == MODEL for model in client.search_registered_models()):
        client.create_registered_model(MODEL)
    source = f"{client.get_run(run_id).info.artifact_uri}/bundle"
    return str(client.create_model_version(MODEL, source=source, run_id=run_id, tags=dict(tags)).version)


def validate(run: Run, verification_passed: bool) -> Registration:  # noqa: FBT001  the caller states one fact
    """Give the run's version the alias `validated`, if it is `candidate` and everything passed for exactly its bundle.

    Raises:
        RegistrationRefused: an endpoint or scenario did not pass, or the figures are of another bundle.
        CutOffsUnchecked: nobody compared it with the version in use, or the comparison does not hold.
    """
    client = open_registry(run.artifact("mlflow"))
    bundle_sha256 = read_json(run.artifact("predictions") / "predictions.json")["bundle_sha256"]
    version = find_version(client, bundle_sha256)
    if version is None or "candidate" not in aliases_of(client, version):
        raise RegistrationRefused(
            "REG-ORDER",
            where="registry",
            found="no candidate version of the predicted bundle",
            expected="one",
            repair="register it first",
        )
    failed = [c["id"] for c in read_json(run.artifact("validation") / "validation.json")["endpoints"] if not c["passed"]]
    if failed or not verification_passed:
        missing = ", ".join(failed) or "verification"
        raise RegistrationRefused(
            "REG-VALIDATED",
            where=f"version {version}",
            found=f"not passed: {missing}",
            expected="every endpoint and scenario passed for exactly this bundle",
            repair="see the verification and validation pages of the technical file",
        )
    cut_offs.require_compared(run, bundle_sha256, in_use(client, version))
    ground = "every endpoint of the protocol and every scenario passed for this bundle; cut-offs compared with the version in use"
    alias_moves.move(client, "validated", version, ground=ground, commit=commit_of(run.root))
    held = client.get_model_version(MODEL, version)
    return Registration(version, created=False, tags=dict(held.tags), aliases=aliases_of(client, version))
