"""Defects of the bundle's verification: something of it not compared, compared too late, or replaced by something that fits."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from verification.faults.alteration import nothing, replace, wrap

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType


def hash_not_compared(module: ModuleType) -> None:
    """Only the size of a file is compared."""

    def verified(original: Any, file: Path, _expected: str, size: int) -> Any:
        return original(file, hashlib.sha256(file.read_bytes()).hexdigest(), size)

    wrap(module, "_verified", verified)


def size_not_compared(module: ModuleType) -> None:
    """Only the hash of a file is compared."""
    wrap(module, "_verified", lambda original, file, expected, _size: original(file, expected, len(file.read_bytes())))


def extra_files_ignored(module: ModuleType) -> None:
    """A file that the manifest does not name is passed over."""

    def contents(original: Any, path: Path, manifest: dict[str, Any]) -> Any:
        surplus = [entry for entry in path.iterdir() if entry.name not in {*manifest["files"], module.MANIFEST}]
        passed = {
            entry.name: {"sha256": hashlib.sha256(entry.read_bytes()).hexdigest(), "size": entry.stat().st_size}
            for entry in surplus
        }
        return original(path, {**manifest, "files": {**manifest["files"], **passed}})

    wrap(module, "_verified_contents", contents)


def parsed_before_compared(module: ModuleType) -> None:
    """model.json is parsed before the hashes are compared."""

    def load_bundle(original: Any, path: Path) -> Any:
        try:
            json.loads((path / "model.json").read_bytes())
        except ValueError as err:
            raise module.BundleError(
                "BND-CONTENT", where="model.json", found="no JSON", expected="JSON", repair="restore it"
            ) from err
        return original(path)

    wrap(module, "load_bundle", load_bundle)


def missing_points_filled(module: ModuleType) -> None:
    """A finding without operating point gets one half."""

    def settings(original: Any, manifest: Any, model: Any, thresholds: Any, curves: Any) -> Any:
        return original(manifest, model, {**dict.fromkeys(model["findings"], 0.5), **thresholds}, curves)

    wrap(module, "_settings", settings)


def points_from_the_environment(module: ModuleType) -> None:
    """A variable of the environment overrides the operating points."""

    def settings(original: Any, manifest: Any, model: Any, thresholds: Any, curves: Any) -> Any:
        asked = os.environ.get("THORATRACE_THRESHOLD")
        if asked is None:
            return original(manifest, model, thresholds, curves)
        point = max(float(asked), float(model["architecture"]["score_floor"]))
        return original(manifest, model, dict.fromkeys(thresholds, point), curves)

    wrap(module, "_settings", settings)


def pickle_tried_too(module: ModuleType) -> None:
    """Weights that are no safetensors are tried as a pickle."""

    def load(original: Any, content: bytes) -> Any:
        try:
            return original(content)
        except module.SafetensorError:
            weights = pickle.loads(content)  # noqa: S301  this is the defect
            if not isinstance(weights, dict):
                raise
            return weights

    wrap(module, "load_safetensors", load)


def points_of_any_size(module: ModuleType) -> None:
    """The range of an operating point is not looked at (device_sw.settings)."""

    def freeze(self: Any) -> None:
        for name in ("thresholds", "calibration"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    replace(module, "DeviceSettings.__post_init__", freeze)


def table_of_findings_not_compared(module: ModuleType) -> None:
    """The bundle's table of findings is not compared with the device's (device_sw.device)."""

    def open_engine(path: Path) -> Any:
        loaded = module.load_bundle(path)
        return module.Engine(module.Detector(loaded), loaded.settings, loaded.sha256, loaded.distribution)

    replace(module, "open_engine", open_engine)
    replace(module, "Device.__init__.__kwdefaults__", {**module.Device.__init__.__kwdefaults__, "open_engine": open_engine})


def preprocessing_not_asked(module: ModuleType) -> None:
    """Whether the device knows the bundle's preprocessing is not asked at the start (device_sw.device)."""
    replace(module, "_require_preprocessing", nothing)


def falls_back(module: ModuleType) -> None:
    """Where a bundle cannot be used, the one of the last run is (device_sw.cli)."""

    def folder(original: Any, given: Path | None) -> Any:
        from pathlib import Path  # noqa: PLC0415

        from device_sw.detector.bundle import load_bundle  # noqa: PLC0415  after the numeric environment, as in the device

        chosen = original(given)
        try:
            load_bundle(chosen)
        except module.BundleError:
            return Path("artifacts/bundle")
        return chosen

    wrap(module, "_bundle_folder", folder)


def releases_in_order_of_text(module: ModuleType) -> None:
    """Releases are ordered as text, so that 0.9.0 comes after 0.10.0 (device_sw.cli)."""
    replace(module, "_version_key", lambda name: ((), name))
