"""Whether other processors compute the same numbers: the probes of the numeric class on this machine, under emulated ones, and as the releases recorded them.

    python -m tests.benchmarks.numeric_classes --out evidence/numeric_classes/processors.json

Each processor is emulated by QEMU in user mode (Debian: qemu-user): vendor, caches and instructions that libraries ask for are that processor's, and its
arithmetic is computed as IEEE 754 says. Approximate instructions (reciprocals) have QEMU's result, not the maker's, so a difference under emulation may be the
emulator's; equality is of this machine and the emulated one. Where a probe differs, it is named; nothing is tuned. About two minutes a processor; what is
done is kept, and the command goes on.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from device_sw._version import __version__
from pipeline.progress import bar
from pipeline.release.provenance.numeric_class import NumericClass, measured
from pipeline.run import REPOSITORY, file_sha256, read_json, write_json

SCHEMA = "thoratrace/numeric-classes/1"
EMULATOR = "qemu-x86_64"
PROCESSORS = {
    "Haswell-noTSX": "Intel, AVX2, 2013",
    "Skylake-Client-noTSX-IBRS": "Intel, AVX2, 2015",
    "EPYC": "AMD, AVX2, 2017",
    "EPYC-Milan": "AMD, AVX2, 2021",
}
"""Processors by QEMU's name: all have AVX2, which a release asks for, and none AVX-512, which the emulator does not have."""

WIDER = ("avx512f", "avx512bw", "avx_vnni", "amx_tile", "avx10")
"""Of this machine's instructions, those beyond AVX2 that a library could have taken."""


def main() -> None:
    """Measure what is missing, and write the record after each processor."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--processors", default=",".join(PROCESSORS), help="QEMU's names, with commas")
    chosen = parser.parse_args()
    names = chosen.processors.split(",")
    if shutil.which(EMULATOR) is None:
        parser.exit(3, f"found no {EMULATOR}, expected the emulator on the path; install it (Debian: qemu-user)\n")
    here = measured()
    kept = taken_up(chosen.out, here)
    with bar("processors") as report:
        for number, name in enumerate(names):
            report(number, len(names), name)
            if name not in kept["emulated"]:
                found = measured(under=(EMULATOR, "-cpu", name))
                kept["emulated"][name] = {"is": PROCESSORS.get(name, ""), **beside(here, found)}
                write_json(chosen.out, kept)
        report(len(names), len(names), "")
    write_json(chosen.out, kept)


def taken_up(out: Path, here: NumericClass) -> dict:
    """Return the record so far, or a new one where code, lock or this machine's numbers are others."""
    head = {
        "schema": SCHEMA,
        "date": datetime.now(UTC).date().isoformat(),
        "device_version": __version__,
        "lock_sha256": file_sha256(REPOSITORY / "requirements.lock"),
        "emulator": version(),
        "here": {
            "numeric_class": here.sha256,
            "wider_instructions": wider(),
            "probes": dict(here.probes),
            "facts": dict(here.facts),
        },
        "releases": {folder.name: beside(here, recorded(folder)) for folder in sorted((REPOSITORY / "releases").glob("*.*.*"))},
    }
    kept = read_json(out) if out.is_file() else {}
    same = all(kept.get(name) == head[name] for name in head if name != "date")
    return head | {"emulated": kept["emulated"] if same else {}}


def beside(here: NumericClass, other: NumericClass) -> dict:
    """Return the other class, and the names of the probes that differ from this machine's."""
    return {
        "numeric_class": other.sha256,
        "same_class": other.sha256 == here.sha256,
        "differ": list(here.difference(other.probes)),
    }


def recorded(folder: Path) -> NumericClass:
    """Return the class that a release recorded of the machine that made it."""
    return NumericClass(read_json(folder / "files" / "environment.json")["probes"], {})


def wider() -> list[str]:
    """Return which wider instructions this processor has."""
    flags = set(Path("/proc/cpuinfo").read_text(encoding="utf-8").split())
    return [name for name in WIDER if name in flags]


def version() -> str:
    """Return the emulator's name and version."""
    said = subprocess.run([EMULATOR, "--version"], capture_output=True, text=True, check=True).stdout
    return said.splitlines()[0] if said else sys.exit(f"{EMULATOR} says no version")


if __name__ == "__main__":
    main()
