"""Makes a bundle with second opinions from what a finished run left: trains the classifier of the plan, puts everything beside the network, calibrates again."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from device_sw.detector.bundle import load_bundle
from pipeline.run import file_sha256, read_json
from pipeline.second_opinions.packaging import Films, FittedClassifier, package
from pipeline.training.checkpoint import Checkpoint
from pipeline.training.classifier import train
from pipeline.training.dataset import read_split

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pipeline.second_opinions.plan import ClassifierPlan, Plan


def make(
    artifacts: Path,
    plan: Plan,
    target: Path,
    *,
    members: Sequence[Path] = (),
    progress: Callable[[int, int, str], None],
) -> Path:
    """Write the bundle and return its folder.

    Args:
        artifacts: of a finished run: cohort, prepared films and bundle.
        plan: what is put beside the network.
        target: the new bundle's folder, replaced.
        members: finished bundles whose networks are fused with the first.
        progress: called with (done, in all, a line of text).

    Raises:
        FileNotFoundError: the run left no cohort, prepared films or bundle.
        ValueError: a member does not fit, or the films give no classifier or no cut-off.
        BundleError: what was made is not usable.
    """
    base = artifacts / "bundle"
    fitted = None if plan.classifier is None else _classifier(artifacts, plan.classifier, progress)
    return package(base, target, plan, _films(artifacts), members=members, classifier=fitted, progress=progress)


def _films(artifacts: Path) -> Films:
    """Return the validation films as prepared, with their DICOM files in the same order."""
    prepared = read_split(artifacts / "prepared", "val")
    paths = {film["film_id"]: film["path"] for film in read_json(artifacts / "cohort" / "cohort.json")["films"]}
    return Films(prepared, tuple(artifacts / "cohort" / paths[film.film_id] for film in prepared.films))


def _classifier(artifacts: Path, plan: ClassifierPlan, progress: Callable[[int, int, str], None]) -> FittedClassifier:
    films, held_out = (read_split(artifacts / "prepared", split) for split in ("train", "val"))
    detector = load_bundle(artifacts / "bundle")
    checkpoint = Checkpoint(artifacts / "checkpoints" / "classifier.safetensors", _key(artifacts, plan))
    trained = train(films, held_out, plan.training, detector=detector.weights, progress=progress, checkpoint=checkpoint)
    checkpoint.remove()
    return FittedClassifier(trained.shape, {name: tensor.numpy() for name, tensor in trained.state.items()})


def _key(artifacts: Path, plan: ClassifierPlan) -> str:
    """Return the hash of what decides the classifier's weights, besides code: a checkpoint is removed when its training ends."""
    files = [*sorted((artifacts / "prepared").iterdir()), artifacts / "bundle" / "weights.safetensors"]
    parts = [json.dumps(asdict(plan.training), sort_keys=True), *(file_sha256(path) for path in files)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
