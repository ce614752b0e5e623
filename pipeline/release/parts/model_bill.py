"""The machine-learning bill of materials, CycloneDX JSON: the model by the hash of its weights, with a model card made of this run's own results.

Every number is copied from validation.json, the bundle or the cohort; nothing is judged here and nothing is added. What is not defined is written as
undefined, with its reason. What the model is for is the risk policy's intended use, word for word.
Source: ECMA-424 (CycloneDX 1.6), modelCard; Mitchell et al. 2019 (arXiv:1810.03993); FDA, Transparency for Machine Learning-Enabled Medical Devices; AI Act
Annex IV 2 and 3.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from typing import TYPE_CHECKING, Any

from pipeline.release.parts.bill import SUPPLIER, document, properties
from pipeline.release.parts.components import refused
from pipeline.release.record.record import CONCLUSION
from pipeline.run import read_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

SPLITS = ("train", "val", "test")
UNDEFINED = "undefined"
AT_OPERATING_POINT = frozenset({"false_positives_per_film", "film_sensitivity", "film_specificity", "sensitivity"})
"""Figures that are given at the operating points, of all findings and of each, where validation has them."""


def model_bill(root: Path, data_root: str, timestamp: str) -> bytes:
    """Return the bill of the packaged model.

    Args:
        root: of the run, with its artifacts and the risk policy.
        data_root: SHA-256 root of the films it was made with.
        timestamp: of the source commit.

    Raises:
        ReleaseRefused: ``REL-BILL-RUN``, a result is absent or has another form; ``REL-BILL-MODEL``, the results are not of this bundle; ``REL-BILL-SCHEMA``.
    """
    folder = root / "artifacts"
    try:
        manifest, model = read_json(folder / "bundle" / "manifest.json"), read_json(folder / "bundle" / "model.json")
        validation, cohort = read_json(folder / "validation" / "validation.json"), read_json(folder / "cohort" / "cohort.json")
        training = read_json(folder / "training" / "training.json")
        policy = tomllib.loads((root / "risk" / "data" / "policy.toml").read_text(encoding="utf-8"))
        _require_one_model(manifest, training, validation)
        subject = _subject(manifest)
        card = _card(model, training, validation, policy)
        parts = {
            "components": [{**subject, "bom-ref": "model", "modelCard": card}, *_datasets(cohort, data_root), *_files(manifest)],
            "dependencies": [
                {"ref": "release", "dependsOn": ["model"]},
                {"ref": "model", "dependsOn": [f"data-{name}" for name in SPLITS]},
            ],
            "properties": properties(
                conclusion=CONCLUSION, films=str(validation["films_are"]), statement=str(validation["statement"])
            ),
        }
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as err:
        raise refused(
            "RUN",
            "the run's results",
            f"{type(err).__name__}: {str(err)[:80]}",
            "bundle, training, validation and cohort of one run",
        ) from err
    return document({**subject, "bom-ref": "release", "type": "machine-learning-model"}, parts, timestamp)


def _require_one_model(manifest: Mapping[str, Any], training: Mapping[str, Any], validation: Mapping[str, Any]) -> None:
    weights = manifest["files"]["weights.safetensors"]["sha256"]
    if not weights == training["weights_sha256"] == manifest["lineage"]["weights_sha256"]:
        raise refused("MODEL", "artifacts/training", training["weights_sha256"][:16], f"the bundle's weights {weights[:16]}")
    if validation["device"]["model_version"] != manifest["model_version"]:
        raise refused("MODEL", "artifacts/validation", str(validation["device"]["model_version"]), str(manifest["model_version"]))


def _subject(manifest: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "machine-learning-model",
        "name": "thoratrace-detector",
        "version": str(manifest["model_version"]),
        "supplier": SUPPLIER,
        "description": f"Detection model of ThoraTrace ({manifest['profile']}/{manifest['budget']}); {CONCLUSION}",
        "hashes": [{"alg": "SHA-256", "content": manifest["files"]["weights.safetensors"]["sha256"]}],
        "licenses": [{"license": {"id": "Apache-2.0"}}],
    }


def _card(
    model: Mapping[str, Any], training: Mapping[str, Any], validation: Mapping[str, Any], policy: Mapping[str, Any]
) -> dict[str, Any]:
    shape = model["architecture"]
    return {
        "modelParameters": {
            "approach": {"type": "supervised"},
            "task": "object detection: " + ", ".join(model["findings"]),
            "architectureFamily": str(shape["family"]),
            "modelArchitecture": ", ".join(
                f"{name} {shape[name]}" for name in sorted(shape) if name not in {"family", "anchors"}
            ),
            "datasets": [{"ref": f"data-{name}"} for name in SPLITS],
            "inputs": [
                {
                    "format": f"frontal chest radiograph, DICOM; {shape['input_size']} x {shape['input_size']} after {model['preprocessing']}"
                }
            ],
            "outputs": [{"format": "boxes in film pixels with finding and score; operating points of thresholds.json"}],
        },
        "quantitativeAnalysis": {"performanceMetrics": list(_metrics(validation))},
        "considerations": {
            "users": ["radiologists"],
            "useCases": [policy["intended_use"]],
            "technicalLimitations": list(_limitations(validation, policy)),
            "ethicalConsiderations": [
                {"name": text, "mitigationStrategy": "risk file, ISO 14971"} for text in policy["foreseeable_misuse"]
            ],
            "fairnessAssessments": list(_groups(validation)),
        },
        "properties": properties(
            engine=" ".join(str(model["engine"][name]) for name in ("name", "version", "precision")),
            training=str(training["mode"]),
            protocol_sha256=validation["protocol"]["sha256"],
        ),
    }


def _metrics(validation: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield each endpoint, then AP50 of each finding, then what holds at the operating points."""
    for endpoint in validation["endpoints"]:
        passed = "met" if endpoint["passed"] else "not met"
        goal = f"{endpoint['direction']} {endpoint['threshold']}, judged on the {endpoint['bound']}: {passed}"
        yield {"type": endpoint["title"], "slice": f"{validation['films_are']}; {goal}", **_figure(endpoint)}
    for finding, figure in sorted(validation["figures"]["ap50"].items()):
        yield {"type": "AP at IoU 0.5", "slice": finding, **_figure(figure)}
    point = validation["operating_point"]
    for finding, figures in [("all findings", point["all_findings"]), *sorted(point["per_finding"].items())]:
        for name in sorted(figures.keys() & AT_OPERATING_POINT):
            yield {"type": f"{name.replace('_', ' ')} at the operating point", "slice": finding, **_figure(figures[name])}


def _figure(stated: Mapping[str, Any]) -> dict[str, Any]:
    if stated.get("value") is None:
        return {"value": f"{UNDEFINED}: {stated.get('reason') or 'no reason stated'}"}
    bounds = stated.get("interval")
    interval = {"lowerBound": str(bounds["low"]), "upperBound": str(bounds["high"])} if bounds else None
    return {"value": str(stated["value"]), **({"confidenceInterval": interval} if interval else {})}


def _limitations(validation: Mapping[str, Any], policy: Mapping[str, Any]) -> Iterator[str]:
    yield f"{validation['films_are']}; {validation['statement']}"
    yield policy["benefit"]["statement"]
    yield f"missing: {policy['benefit']['missing']}"
    for limitation in validation["subgroups"]["limitations"]:
        yield f"subgroup: {limitation}"


def _groups(validation: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """Yield each subgroup with its difference from the rest, or why there is none."""
    for stratum, groups in sorted(validation["subgroups"]["strata"].items()):
        for name, group in sorted(groups.items()):
            difference = group["difference"]
            found = difference.get("not_compared") or f"difference {difference['value']}, corrected p {difference['p_corrected']}"
            yield {
                "groupAtRisk": f"{stratum} {name}, {group['patients']} patients",
                "harms": f"{validation['subgroups']['figure']}: {found}",
            }


def _datasets(cohort: Mapping[str, Any], data_root: str) -> Iterator[dict[str, Any]]:
    for split in SPLITS:
        films = [film for film in cohort["films"] if film["split"] == split]
        present = Counter(finding for film in films for finding, status in film["status"].items() if status == 1)
        patients = len({film["patient_id"] for film in films})
        counts = {finding: str(present[finding]) for finding in sorted(present)}
        contents = {"properties": properties(data_root=data_root, films=str(len(films)), patients=str(patients), **counts)}
        yield {
            "type": "data",
            "bom-ref": f"data-{split}",
            "name": f"{cohort['profile']}-{cohort['budget']}-{split}",
            "description": " ".join(str(note) for note in cohort["notes"]),
            "data": [
                {"type": "dataset", "name": split, "contents": contents, "sensitiveData": ["none: no patient in the phantom"]}
            ]
            if cohort["profile"] == "phantom"
            else [{"type": "dataset", "name": split, "contents": contents}],
        }


def _files(manifest: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for name, entry in sorted(manifest["files"].items()):
        yield {
            "type": "file",
            "bom-ref": f"bundle/{name}",
            "name": name,
            "hashes": [{"alg": "SHA-256", "content": entry["sha256"]}],
        }
