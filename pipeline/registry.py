"""The MLflow registry of models: a registered model for each budget, one version a bundle, its tags say what it is, its aliases how far it has come.

A version is compared with the version in use of its own budget and takes the place of no other: a quick model, made to show that the pipeline works, succeeds
a quick model, and a release model a release model. Aliases move in one order: `candidate` (the bundle is verified and passes its self-test), `validated` (every endpoint of the protocol and every
scenario passed for exactly this bundle), later `released` and `retired`. MLflow is the registry and its page for people; its numbers, ids and times
never enter evidence, and a model is loaded only through the verifying loader, never through MLflow.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from device_sw._version import __version__
from device_sw.detector.bundle import MANIFEST, Bundle, load_bundle
from device_sw.detector.inference import Detector
from pipeline import alias_moves, cut_offs, tracking
from pipeline.registry_store import ALIASES, RegisteredModel, RegistrationRefused, model_name, open_registry
from pipeline.repository import commit as commit_of
from pipeline.run import Run, read_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mlflow.tracking import MlflowClient


@dataclass(frozen=True)
class Registration:
    """A version of a registered model, and whether this call made it."""

    model: str
    version: str
    created: bool
    tags: dict[str, str]
    aliases: tuple[str, ...]


def model_of(run: Run) -> RegisteredModel:
    """Return the registered model of the run's budget, in the registry that the run shares.

    Raises:
        RegistrationRefused: the store does not answer.
    """
    budget = read_json(run.artifact("bundle") / MANIFEST)["budget"]
    return RegisteredModel(open_registry(run.artifact("mlflow")), model_name(budget))


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
    model = model_of(run)
    run_id = tracking.hold(model.client, run, commit)
    tags = version_tags(bundle, commit)
    version = find_version(model, bundle.sha256)
    created = version is None
    if version is None:
        version = _create(model, run_id, tags)
    alias_moves.move(model, "candidate", version, ground="bundle verified, self-test passed, cut-offs its own", commit=commit)
    return Registration(model.name, version, created, tags, aliases_of(model, version))


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


def find_version(model: RegisteredModel, bundle_sha256: str) -> str | None:
    """Return the version number of a bundle, or None."""
    return next((str(v.version) for v in model.versions() if v.tags.get("bundle_sha256") == bundle_sha256), None)


def aliases_of(model: RegisteredModel, version: str) -> tuple[str, ...]:
    """Return the aliases of a version in their order."""
    held = model.version(version).aliases
    return tuple(alias for alias in ALIASES if alias in held)


def in_use(model: RegisteredModel, bundle_sha256: str, folder: Path | None = None) -> cut_offs.Predecessor | None:
    """Return the other version that is `released`, else the one that is `validated`, else None: whom this bundle's version would replace.

    A version of another budget is nobody's predecessor, also where an alias of an older registry, in which all budgets had one name, stands at it.

    Args:
        model: of the budget.
        bundle_sha256: the bundle whose version asks.
        folder: where the other one's bundle is brought to, if it is wanted.

    Raises:
        RegistrationRefused: ``REG-ORDER``, the bundle is not registered.
    """
    versions = model.versions()
    asks = next((v for v in versions if v.tags.get("bundle_sha256") == bundle_sha256), None)
    if asks is None:
        raise _not_candidate("no version of this bundle")
    for alias in ("released", "validated"):
        held = next((v for v in versions if alias in v.aliases and v.tags.get("budget") == asks.tags.get("budget")), None)
        if held is not None and held.version != asks.version:
            bundle = None if folder is None else _bundle_of(model.client, held.run_id, folder)
            return cut_offs.Predecessor(str(held.version), held.tags["bundle_sha256"], bundle)
    return None


def _bundle_of(client: MlflowClient, run_id: str, folder: Path) -> Path | None:
    if not any(entry.path == "bundle" for entry in client.list_artifacts(run_id)):
        return None
    folder.mkdir(parents=True, exist_ok=True)
    return Path(client.download_artifacts(run_id, "bundle", str(folder)))


def _create(model: RegisteredModel, run_id: str, tags: Mapping[str, str]) -> str:
    client, name = model.client, model.name
    if not any(each.name == name for each in client.search_registered_models()):
        client.create_registered_model(name)
    source = f"{client.get_run(run_id).info.artifact_uri}/bundle"
    return str(client.create_model_version(name, source=source, run_id=run_id, tags=dict(tags)).version)


def validate(
    run: Run,
    verification_passed: bool,  # noqa: FBT001  the caller states one fact
    replaced: Callable[[RegisteredModel, str], cut_offs.Predecessor | None] = in_use,
) -> Registration:
    """Give the run's version the alias `validated`, if it is `candidate` and everything passed for exactly its bundle.

    Args:
        run: whose bundle was predicted with.
        verification_passed: every scenario, for this bundle.
        replaced: whom the version has to have been compared with, of the registered model and the bundle's hash.

    Raises:
        RegistrationRefused: an endpoint or scenario did not pass, or the figures are of another bundle.
        CutOffsUnchecked: nobody compared it with the version in use, or the comparison does not hold.
    """
    model = model_of(run)
    bundle_sha256 = read_json(run.artifact("predictions") / "predictions.json")["bundle_sha256"]
    version = find_version(model, bundle_sha256)
    if version is None or "candidate" not in aliases_of(model, version):
        raise _not_candidate("no candidate version of the predicted bundle")
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
    cut_offs.require_compared(run, bundle_sha256, replaced(model, bundle_sha256))
    ground = "every endpoint of the protocol and every scenario passed for this bundle; cut-offs compared with the version in use"
    alias_moves.move(model, "validated", version, ground=ground, commit=commit_of(run.root))
    held = model.version(version)
    return Registration(model.name, version, created=False, tags=dict(held.tags), aliases=aliases_of(model, version))


def _not_candidate(found: str) -> RegistrationRefused:
    return RegistrationRefused("REG-ORDER", where="registry", found=found, expected="one", repair="register it first")
