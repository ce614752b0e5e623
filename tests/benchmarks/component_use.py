"""Measures which libraries the device imports and which binaries it maps: what `pipeline/release/parts/components.toml` says of their use.

    python -m tests.benchmarks.component_use --bundle artifacts/bundle --out evidence/component_use/measured.json

Every module of the device is imported, the network is computed on the golden films by the released engine and in PyTorch, and what the process has then
imported and mapped is assigned to the distributions that own the files. What only a test environment adds is left out: libraries that are not in device.lock.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
from importlib.metadata import distributions
from pathlib import Path

from packaging.utils import canonicalize_name

import device_sw
from pipeline.release.parts.components import pins
from pipeline.run import REPOSITORY, file_sha256, write_json

SCHEMA = "thoratrace/component-use/1"


def compute(bundle: Path) -> None:
    """Import every module of the device and compute the golden films in both engines."""
    for found in pkgutil.walk_packages(device_sw.__path__, "device_sw."):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)
    bundles = importlib.import_module("device_sw.detector.bundle")
    inference = importlib.import_module("device_sw.detector.inference")
    eager = importlib.import_module("device_sw.detector.eager")
    loaded = bundles.load_bundle(bundle)
    verdict = inference.Detector(loaded).self_test()
    if not verdict.passed:
        raise SystemExit(f"the bundle does not pass its self-test: {verdict}")
    eager.EagerDetector(loaded)


def used() -> tuple[set[str], set[str]]:
    """Return the distributions of which this process imported a module, and those of which it mapped a binary."""
    owner = {
        str(Path(str(each.locate_file(file))).resolve()): canonicalize_name(each.name)
        for each in distributions()
        for file in each.files or ()
        if file.suffix != ".pyc"
    }
    imported = {
        owner.get(str(Path(each.__file__).resolve())) for each in list(sys.modules.values()) if getattr(each, "__file__", None)
    }
    lines = (line.split(None, 5) for line in Path("/proc/self/maps").read_text(encoding="utf-8").splitlines())
    mapped = {owner.get(parts[5]) for parts in lines if len(parts) == 6}
    return {name for name in imported if name}, {name for name in mapped if name}


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, default=REPOSITORY / "artifacts" / "bundle")
    parser.add_argument("--out", type=Path, default=REPOSITORY / "evidence" / "component_use" / "measured.json")
    given = parser.parse_args()
    compute(given.bundle)
    imported, mapped = used()
    names = {pin.name for pin in pins((REPOSITORY / "device.lock").read_text(encoding="utf-8"))}
    result = {
        "schema": SCHEMA,
        "device_lock_sha256": file_sha256(REPOSITORY / "device.lock"),
        "imported": sorted(imported & names),
        "mapped_only": sorted((mapped - imported) & names),
        "neither": sorted(names - imported - mapped),
    }
    write_json(given.out, result)
    for part in ("imported", "mapped_only", "neither"):
        sys.stdout.write(f"{part}: {', '.join(result[part])}\n")


if __name__ == "__main__":
    main()
