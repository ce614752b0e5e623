"""Makes a bundle with second opinions from a finished bundle: further networks, views, tiles and a classifier go in, scores are calibrated again, operating points chosen again.

Fused scores are no scores of one network: a box on which half of the looks agree keeps half of its score. So calibration and operating points are fitted on what the finished device
gives for the validation films, read from their DICOM files. The model's version carries a suffix, since it is another model.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.numpy import save_file

from device_sw.detector.bundle import MANIFEST, load_bundle
from device_sw.detector.classifier import CLASSIFIER_WEIGHTS
from device_sw.detector.classifier_engine import CompiledClassifier
from device_sw.detector.classifier_network import EagerClassifier
from device_sw.detector.inference import Detector, detections_to_json
from device_sw.detector.judgement import golden_judgement
from device_sw.detector.second_opinions import FILE, SCHEMA
from device_sw.detector.second_readers import SecondReaders
from device_sw.device import Device
from device_sw.dicom.reader import read
from device_sw.preprocessing.geometry import letterbox, to_network
from device_sw.preprocessing.intensity import normalise
from pipeline import calibration, held_out, operating_point
from pipeline.run import file_sha256, read_json, write_json
from pipeline.second_opinions.cut_off import cut_off
from pipeline.training.classifier import abnormal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from device_sw.detector.bundle import Bundle
    from device_sw.detector.classifier import ClassifierShape
    from pipeline.second_opinions.plan import ClassifierPlan, Plan
    from pipeline.training.dataset import PreparedSplit

SUFFIX = "+second-opinions"
"""Appended to the model's version."""


@dataclass(frozen=True)
class FittedClassifier:
    """The trained classifier: the shape of its network and the weights by name."""

    shape: ClassifierShape
    weights: Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Films:
    """The validation films: as they were prepared, and their DICOM files in the same order."""

    prepared: PreparedSplit
    paths: tuple[Path, ...]


def package(  # noqa: PLR0913 - what goes in, part by part
    base: Path,
    target: Path,
    plan: Plan,
    films: Films,
    *,
    members: Sequence[Path] = (),
    classifier: FittedClassifier | None = None,
    progress: Callable[[int, int, str], None] = lambda _done, _total, _text: None,
) -> Path:
    """Write the bundle and return its folder.

    Args:
        base: a finished bundle; its network is the first one.
        target: the new bundle's folder, replaced.
        plan: limit, views, tiling and the classifier's rule.
        films: validation films.
        members: finished bundles whose networks are fused with the first; same findings, input and preprocessing.
        classifier: trained for the plan; None leaves it out.
        progress: called with (films done, films in all, a line of text).

    Raises:
        ValueError: a member does not fit, the classifier's cut-off cannot be chosen, or the base states no budget of false positives.
        BundleError: what was made is not usable, for example because the cut-off was not shown to spare films with findings.
    """
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(base, target)
    first = load_bundle(base)
    names = [_member(load_bundle(path), first, f"member_{number}", target) for number, path in enumerate(members, start=1)]
    parts = {
        "schema": SCHEMA,
        "fusion": {"limit": plan.limit, "weights": [1.0] * (1 + len(names))},
        "members": names,
        "views": [view.to_json() for view in plan.views],
        "tiling": None if plan.tiling is None else plan.tiling.to_json(),
        "classifier": None if classifier is None else _classifier(classifier, plan.classifier, films.prepared, target),
        "golden": {},
    }
    write_json(target / FILE, parts)
    _seal(target, first)
    if names or plan.views or plan.tiling:
        _recalibrate(target, films, progress)
        _seal(target, first)
    _golden(target, parts)
    _seal(target, first)
    Device(target)
    return target


def _member(member: Bundle, first: Bundle, name: str, target: Path) -> str:
    """Write a member's network, once it is shown to be one for the same question."""
    for what in ("findings", "preprocessing_id", "input_size"):
        own, wanted = getattr(member.settings, what), getattr(first.settings, what)
        if own != wanted:
            raise ValueError(f"{name}: {what} {own}, the first network has {wanted}")
    save_file({key: np.ascontiguousarray(value) for key, value in member.weights.items()}, target / f"{name}.safetensors")
    golden = {film: _golden_output(member, first, film) for film in sorted(first.golden_inputs)}
    write_json(
        target / f"{name}.json",
        {
            "architecture": member.architecture.to_json(),
            "golden_outputs": golden,
            "parity": member.parity.to_json(),
            "model_version": member.settings.model_version,
            "bundle_sha256": member.sha256,
        },
    )
    return name


def _golden_output(member: Bundle, first: Bundle, film: str) -> dict[str, Any]:
    """Return what the member, as it was trained, says of one golden film of the first network."""
    from device_sw.detector.eager import EagerDetector  # noqa: PLC0415  needed for members only
    from device_sw.types import ModelInput  # noqa: PLC0415

    frame = first.golden_outputs[film].letterbox
    found = EagerDetector(member).candidates(ModelInput(first.golden_inputs[film], frame))
    box = {"rows": frame.rows, "columns": frame.columns, "size": frame.size}
    return {"letterbox": box, "candidates": detections_to_json(found)}


def _classifier(fitted: FittedClassifier, plan: ClassifierPlan | None, films: PreparedSplit, target: Path) -> dict[str, Any]:
    """Write the classifier's weights; return its rule with the record of the films that it was chosen on."""
    if plan is None:
        raise ValueError("a classifier needs the plan's [classifier] table")
    save_file({name: np.ascontiguousarray(value) for name, value in fitted.weights.items()}, target / CLASSIFIER_WEIGHTS)
    compiled, eager = CompiledClassifier(fitted.shape, fitted.weights), EagerClassifier(fitted.shape, fitted.weights)
    scores = [(compiled.score(film), eager.score(film)) for film in map(films.image, range(len(films.films)))]
    found = np.array([score for score, _ in scores])
    value, record = cut_off(found, abnormal(films), plan.may_suppress)
    apart = max(abs(one - other) for one, other in scores)
    return {
        "shape": fitted.shape.to_json(),
        "rule": f"highest score below which at most {plan.may_suppress} validation films with findings lie",
        "cut_off": value,
        "kept_above": plan.kept_above,
        "record": {name: getattr(record, name) for name in record.__dataclass_fields__},
        "parity": {"films": len(scores), "max_score": round(float(np.ceil(apart * 1e6)) / 1e6, 6)},
    }


def _recalibrate(target: Path, films: Films, progress: Callable[[int, int, str], None]) -> None:
    """Fit curves and operating points to the fused candidates of the validation films."""
    bundle = load_bundle(target)
    findings = [str(name) for name in bundle.settings.findings]
    found = []
    for number, path in enumerate(films.paths, start=1):
        found.append(_fused(bundle, path))
        progress(number, len(films.paths), "fused candidates")
    data = calibration.outcomes(held_out.matched(films.prepared, found, findings))
    curves = calibration.fit(data)
    values = read_json(target / "calibration.json")
    values |= {
        "films": len(found),
        "candidates": {name: len(scores) for name, (scores, _) in data.items()},
        "right_candidates": {name: int(right.sum()) for name, (_, right) in data.items()},
        "curves": {name: {"slope": curve.slope, "offset": curve.offset} for name, curve in curves.items()},
    }
    write_json(target / "calibration.json", values)
    scored = [[{**row, "score": curves[row["finding"]].calibrated(row["score"])} for row in rows] for rows in found]
    before = read_json(target / "thresholds.json")
    chosen = operating_point.choose(held_out.matched(films.prepared, scored, findings), _budget(before))
    write_json(
        target / "thresholds.json",
        {
            **before,
            **chosen.to_json(),
            operating_point.CHOSEN_FOR: operating_point.chosen_for(target),
            "thresholds": dict(chosen.thresholds),
        },
    )


def _budget(thresholds: Mapping[str, Any]) -> float:
    """Return the false positives a film that the first bundle's operating points were allowed: with more eyes the budget stays the same.

    Raises:
        ValueError: the bundle does not state it.
    """
    if "false_positives_per_film" not in thresholds:
        raise ValueError("the bundle does not state how many false positives its operating points were allowed; package it again")
    return float(thresholds["false_positives_per_film"])


def _fused(bundle: Bundle, path: Path) -> list[dict[str, Any]]:
    """Return the fused candidates of one DICOM file, in network pixels."""
    detector, readers = _at_work(bundle)
    film = normalise(read(path), bundle.settings.preprocessing_id)
    model_input = letterbox(film, bundle.settings.input_size)
    reading = readers.read(detector.detect(model_input), model_input, film)
    if reading is None:
        raise ValueError("the bundle has no second looks to calibrate")
    rows = detections_to_json(reading.candidates)
    boxes = (to_network(found.box, model_input.letterbox) for found in reading.candidates)
    return [{**row, "box": list(box.as_tuple())} for row, box in zip(rows, boxes, strict=True)]


_open: dict[str, tuple[Detector, SecondReaders]] = {}


def _at_work(bundle: Bundle) -> tuple[Detector, SecondReaders]:
    """Return the compiled networks of a bundle, compiled once."""
    if bundle.sha256 not in _open:
        _open.clear()
        detector = Detector(bundle)
        if bundle.second_opinions is None:
            raise ValueError("the bundle has no second opinions")
        _open[bundle.sha256] = (detector, SecondReaders(bundle, bundle.second_opinions, detector))
    return _open[bundle.sha256]


def _golden(target: Path, parts: dict[str, Any]) -> None:
    """Freeze what the second opinions say of the golden films, and the golden films' calibrated scores under the present curves."""
    bundle = load_bundle(target)
    detector, readers = _at_work(bundle)
    opinions = {name: readers.golden(name) for name in sorted(bundle.golden_inputs)}
    golden = {
        name: {"candidates": None if one.candidates is None else list(one.candidates), "abnormal": one.abnormal}
        for name, one in opinions.items()
    }
    write_json(target / FILE, {**parts, "golden": golden})
    frames = {name: judged["frame"] for name, judged in bundle.golden_judgements.items()}
    write_json(
        target / "golden_judgements.json",
        {name: golden_judgement(bundle, detector, name, frame) for name, frame in frames.items()},
    )


def _seal(target: Path, base: Bundle) -> None:
    """Write the manifest over what lies in the folder; the lineage names the bundle that it was made from."""
    files = sorted(path for path in target.iterdir() if path.name != MANIFEST)
    write_json(
        target / MANIFEST,
        {
            **base.manifest,
            "model_version": f"{base.settings.model_version}{SUFFIX}",
            "lineage": {**base.manifest["lineage"], "base_bundle_sha256": base.sha256},
            "files": {path.name: {"sha256": file_sha256(path), "size": path.stat().st_size} for path in files},
        },
    )
