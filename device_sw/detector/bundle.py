"""The model bundle: verified file by file against its manifest, then parsed, then used. There is no switch to skip that.

A bundle is a folder with `manifest.json` and exactly the files the manifest names. Weights are safetensors, everything else is JSON or TOML;
nothing in it can run code. A file that is extra, missing or changed is named.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import load as load_safetensors

from device_sw.detector.architecture import architecture_from_json
from device_sw.detector.distribution import DESCRIPTIONS, ReferenceDistribution, ReferenceFilms
from device_sw.detector.parity import Parity
from device_sw.detector.second_opinions import SecondOpinions, second_opinions
from device_sw.errors import BundleError
from device_sw.findings import all_findings
from device_sw.settings import DeviceSettings, ReleasedEngine
from device_sw.types import FindingId, Letterbox, ScoreCurve

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from device_sw.detector.architecture import Architecture

MANIFEST = "manifest.json"
SCHEMA = "thoratrace/bundle/1"
REQUIRED = (
    "weights.safetensors",
    "model.json",
    "thresholds.json",
    "findings.toml",
    "golden_inputs.safetensors",
    "golden_outputs.json",
    "calibration.json",
    "distribution.json",
    "distribution.safetensors",
    "golden_judgements.json",
    "parity.json",
)
"""Files without which a bundle is not one."""


@dataclass(frozen=True, slots=True)
class GoldenOutput:
    """What the trained network says of one golden film: candidates as JSON values, in the coordinates of the letterboxed film, best first."""

    letterbox: Letterbox
    candidates: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Bundle:
    """A verified bundle, parsed."""

    path: Path
    sha256: str
    manifest: dict[str, Any]
    architecture: Architecture
    settings: DeviceSettings
    weights: dict[str, NDArray[np.float32]]
    golden_inputs: dict[str, NDArray[np.float32]]
    golden_outputs: dict[str, GoldenOutput]
    parity: Parity
    distribution: ReferenceDistribution
    golden_judgements: dict[str, Any]
    second_opinions: SecondOpinions | None = None


def load_bundle(path: Path) -> Bundle:
    """Verify a bundle and return it.

    Raises:
        BundleError: BND-MISSING, BND-EXTRA, BND-HASH, BND-SCHEMA, BND-CONTENT or BND-FINDINGS; the message names the file.
    """
    manifest_bytes = _read_manifest(path)
    manifest = _parse_manifest(manifest_bytes)
    contents = _verified_contents(path, manifest)
    return _parse(path, manifest_bytes, manifest, contents)


def _read_manifest(path: Path) -> bytes:
    try:
        return (path / MANIFEST).read_bytes()
    except OSError as err:
        raise BundleError(
            "BND-MISSING",
            where=MANIFEST,
            found="no readable manifest in the bundle folder",
            expected="a folder with manifest.json and the files it names",
            repair="give the folder of a released bundle with --bundle, or make one with `./qms demo`",
        ) from err


def _parse_manifest(content: bytes) -> dict[str, Any]:
    try:
        manifest = json.loads(content)
        files = {str(name): (str(entry["sha256"]), int(entry["size"])) for name, entry in manifest["files"].items()}
        problem = "" if manifest["schema"] == SCHEMA else f"schema {manifest['schema']!r}"
    except (ValueError, KeyError, TypeError, AttributeError) as err:
        raise _schema_error(f"{type(err).__name__} while reading it") from err
    outside = [name for name in files if "/" in name or "\\" in name or name in {"", ".", "..", MANIFEST}]
    if problem or outside:
        raise _schema_error(problem or f"file name {outside[0]!r}")
    return dict(manifest)


def _schema_error(found: str) -> BundleError:
    return BundleError(
        "BND-SCHEMA",
        where=MANIFEST,
        found=found,
        expected=f"a manifest of schema {SCHEMA} with plain file names, each with sha256 and size",
        repair="use a bundle made for this device version",
    )


def _verified_contents(path: Path, manifest: dict[str, Any]) -> dict[str, bytes]:
    """Read every file once, compare it with the manifest, and hand on exactly the bytes that were compared."""
    listed = manifest["files"]
    present = {entry.name for entry in path.iterdir()} - {MANIFEST}
    missing = sorted((set(listed) | set(REQUIRED)) - (present & set(listed)))
    if missing:
        raise BundleError(
            "BND-MISSING",
            where=", ".join(missing),
            found="not in the bundle or not in its manifest",
            expected="every file the device needs, listed and present",
            repair="restore the bundle from its release",
        )
    extra = sorted(present - set(listed))
    if extra:
        raise BundleError(
            "BND-EXTRA",
            where=", ".join(extra),
            found="in the bundle but not in its manifest",
            expected="exactly the files the manifest names",
            repair="remove what does not belong there, or restore the bundle from its release",
        )
    return {name: _verified(path / name, listed[name]["sha256"], listed[name]["size"]) for name in sorted(listed)}


def _verified(file: Path, expected: str, size: int) -> bytes:
    content = b"" if file.is_symlink() or not file.is_file() else file.read_bytes()
    actual = hashlib.sha256(content).hexdigest()
    if actual != expected or len(content) != size:
        raise BundleError(
            "BND-HASH",
            where=file.name,
            found=f"SHA-256 {actual[:16]}..., {len(content)} bytes",
            expected=f"SHA-256 {expected[:16]}..., {size} bytes",
            repair="do not use this bundle; restore it from its release",
        )
    return content


def _parse(path: Path, manifest_bytes: bytes, manifest: dict[str, Any], contents: dict[str, bytes]) -> Bundle:
    try:
        model = json.loads(contents["model.json"])
        thresholds = json.loads(contents["thresholds.json"])["thresholds"]
        curves = json.loads(contents["calibration.json"])["curves"]
        bundle = Bundle(
            path=path,
            sha256=hashlib.sha256(manifest_bytes).hexdigest(),
            manifest=manifest,
            architecture=architecture_from_json(model["architecture"]),
            settings=_settings(manifest, model, thresholds, curves),
            weights=load_safetensors(contents["weights.safetensors"]),
            golden_inputs=load_safetensors(contents["golden_inputs.safetensors"]),
            golden_outputs=golden_outputs(json.loads(contents["golden_outputs.json"])),
            parity=Parity.from_json(json.loads(contents["parity.json"])),
            distribution=_distribution(
                json.loads(contents["distribution.json"]), load_arrays(contents["distribution.safetensors"])
            ),
            golden_judgements=json.loads(contents["golden_judgements.json"]),
            second_opinions=second_opinions(contents),
        )
        _check_second_opinions(bundle)
    except (ValueError, KeyError, TypeError, AttributeError, SafetensorError) as err:
        raise BundleError(
            "BND-CONTENT",
            where="a JSON or safetensors file of the bundle",
            found=f"{type(err).__name__} while reading it",
            expected="the fields this device version reads",
            repair="use a bundle made for this device version",
        ) from err
    _check_findings(bundle.settings)
    return bundle


def _settings(
    manifest: dict[str, Any], model: dict[str, Any], thresholds: dict[str, float], curves: dict[str, dict[str, float]]
) -> DeviceSettings:
    return DeviceSettings(
        model_version=manifest["model_version"],
        preprocessing_id=model["preprocessing"],
        input_size=model["architecture"]["input_size"],
        findings=tuple(FindingId(name) for name in model["findings"]),
        thresholds={FindingId(name): float(value) for name, value in thresholds.items()},
        score_floor=model["architecture"]["score_floor"],
        profile=manifest["profile"],
        budget=manifest["budget"],
        calibration={FindingId(name): ScoreCurve(**curve) for name, curve in curves.items()},
        engine=ReleasedEngine(**model["engine"]),
    )


def _distribution(values: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> ReferenceDistribution:
    return ReferenceDistribution(
        films={
            name: ReferenceFilms(
                mean=arrays[f"{name}_mean"],
                scale=arrays[f"{name}_scale"],
                precision=arrays[f"{name}_precision"],
                unit=float(values["units"][name]),
            )
            for name in DESCRIPTIONS
        },
        limit=float(values["limit"]),
        reference_films=int(values["reference_films"]),
        held_out_films=int(values["held_out_films"]),
    )


def golden_outputs(values: dict[str, Any]) -> dict[str, GoldenOutput]:
    """Return what a network says of the golden films, by film, from JSON values.

    Raises:
        KeyError: a field is missing.
        TypeError: a field is of another type, or unknown.
    """
    return {
        str(name): GoldenOutput(
            Letterbox(**{str(side): int(length) for side, length in golden["letterbox"].items()}),
            tuple(_golden_candidate(candidate) for candidate in golden["candidates"]),
        )
        for name, golden in values.items()
    }


def _golden_candidate(values: dict[str, Any]) -> dict[str, Any]:
    x0, y0, x1, y1 = (float(edge) for edge in values["box"])
    return {"finding": str(values["finding"]), "box": [x0, y0, x1, y1], "score": float(values["score"])}


def _check_second_opinions(bundle: Bundle) -> None:
    """Refuse further networks that were trained for other findings or another input than the first one."""
    plan, classes, size = bundle.second_opinions, len(bundle.settings.findings), bundle.settings.input_size
    if plan is None:
        return
    wrong = [one.name for one in plan.members if (one.architecture.classes, one.architecture.input_size) != (classes, size)]
    if wrong or (plan.classifier is not None and plan.classifier.shape.input_size != size):
        raise ValueError(f"a further network of another input or other findings: {', '.join(wrong) or 'the classifier'}")


def _check_findings(settings: DeviceSettings) -> None:
    known = {row.id for row in all_findings()}
    unknown = [name for name in (*settings.findings, *settings.thresholds, *settings.calibration) if name not in known]
    if unknown or not set(settings.findings) == set(settings.thresholds) == set(settings.calibration):
        raise BundleError(
            "BND-FINDINGS",
            where="model.json, thresholds.json and calibration.json",
            found=f"findings {', '.join(sorted(set(unknown))) or 'that differ between the files'}",
            expected="the same findings in all of them, each in the device's table",
            repair="use a bundle made for this device version",
        )
