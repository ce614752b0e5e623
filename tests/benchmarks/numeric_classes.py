"""Whether other processors compute the same numbers: the probes of the numeric class on this machine, under emulated ones, and as the releases recorded them.

    python -m tests.benchmarks.numeric_classes --bundle releases/0.2.0/bundle --out evidence/numeric_classes/processors.json

Each processor is emulated by QEMU in user mode (Debian: qemu-user): vendor, caches and instructions that libraries ask for are that processor's, and its
arithmetic is computed as IEEE 754 says. Approximate instructions (reciprocals, reciprocal roots) have QEMU's result, not the maker's: a difference under
emulation may be the emulator's alone, and says only that such an instruction is used. Beside it stands how many roots of the network, and of PyTorch itself, are not the exact ones, and
what the bundle's golden films give with both limits on instructions and with the first alone. Where a probe differs, it is named; nothing is tuned. About two
minutes a processor; what is done is kept, and the command goes on where device version, lock and this machine's numbers are the same.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from device_sw._version import __version__
from pipeline.progress import bar
from pipeline.release.provenance.closed_environment import closed_environment
from pipeline.release.provenance.numeric_class import NumericClass, measured
from pipeline.run import REPOSITORY, file_sha256, read_json, write_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SCHEMA = "thoratrace/numeric-classes/3"
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


ROOTS = """
import json
import numpy as np
import torch
from device_sw.detector.families.local_contrast import exact_root
numbers = np.random.Generator(np.random.Philox(20261122)).random(100_000, dtype=np.float32)
exact, given = np.sqrt(numbers), torch.from_numpy(numbers)
ours, plain = (int((root(given).numpy() != exact).sum()) for root in (exact_root, torch.sqrt))
print(json.dumps({"roots": len(numbers), "not_exact": ours, "pytorch_not_exact": plain}))
"""
"""The network's roots and PyTorch's own beside the exact ones, which numpy takes from the processor's own instruction."""

GOLDEN = """
import json
import sys
from pathlib import Path
from device_sw.detector.bundle import load_bundle
from device_sw.detector.inference import Detector
from device_sw.detector.judgement import golden_judgement
bundle = load_bundle(Path(sys.argv[1]))
detector = Detector(bundle)
verdict = detector.self_test()
released = bundle.golden_judgements
same = [golden_judgement(bundle, detector, name, judged["frame"])["network"] == judged["network"] for name, judged in released.items()]
print(json.dumps({"max_box_px": verdict.max_box_px, "max_score": verdict.max_score, "films": len(same), "released_distances": sum(same)}))
"""
"""The golden films on the engine: differences from the released outputs, and how many released distances come out to the last digit."""


def main() -> None:
    """Measure what is missing, and write the record after each processor."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--bundle", type=Path, required=True, help="a released bundle, for the golden films")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--processors", default=",".join(PROCESSORS), help="QEMU's names, with commas")
    chosen = parser.parse_args()
    names = chosen.processors.split(",")
    if shutil.which(EMULATOR) is None:
        parser.exit(3, f"found no {EMULATOR}, expected the emulator on the path; install it (Debian: qemu-user)\n")
    here = measured()
    kept = taken_up(chosen.out, here)
    kept["golden_films"] = {
        "both limits": computed(GOLDEN, str(chosen.bundle.resolve())),
        "without OV_CPU_MAX_ISA": computed(GOLDEN, str(chosen.bundle.resolve()), changes={"OV_CPU_MAX_ISA": ""}),
    }
    kept["roots"] = {**kept.get("roots", {}), "here": computed(ROOTS)}
    with bar("processors") as report:
        for number, name in enumerate(names):
            report(number, len(names), name)
            if name not in kept["emulated"]:
                under = (EMULATOR, "-cpu", name)
                kept["emulated"][name] = {"is": PROCESSORS.get(name, ""), **beside(here, measured(under=under))}
                kept["roots"][name] = computed(ROOTS, under=under)
                kept["summary"] = summed_up(kept)
                write_json(chosen.out, kept)
        report(len(names), len(names), "")
    write_json(chosen.out, kept)


def computed(code: str, *arguments: str, under: Sequence[str] = (), changes: Mapping[str, str] | None = None) -> dict:
    """Run code in a process of its own under the numeric environment, and return the JSON that it prints."""
    environment = {**closed_environment(REPOSITORY, python=sys.executable), **(changes or {})}
    command = [*under, sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def summed_up(kept: dict) -> dict:
    """Return how many probes gave equal bytes here and on every emulated processor, and which did not."""
    differ = sorted({name for each in kept["emulated"].values() for name in each["differ"]})
    probes = len(kept["here"]["probes"])
    return {"processors": len(kept["emulated"]), "probes": probes, "equal": probes - len(differ), "differ": differ}


def taken_up(out: Path, here: NumericClass) -> dict:
    """Return the record so far, or a new one where device version, lock or this machine's numbers are others."""
    head = {
        "schema": SCHEMA,
        "date": datetime.now(UTC).date().isoformat(),
        "device_version": __version__,
        "lock_sha256": file_sha256(REPOSITORY / "requirements.lock"),
        "emulator": version(),
        "here": {
            "numeric_class": here.sha256,
            "processor": processor(),
            "wider_instructions": wider(),
            "probes": dict(here.probes),
            "facts": dict(here.facts),
        },
        "releases": {folder.name: beside(here, recorded(folder)) for folder in sorted((REPOSITORY / "releases").glob("*.*.*"))},
    }
    kept = read_json(out) if out.is_file() else {}
    same = all(kept.get(name) == head[name] for name in head if name != "date")
    done = {name: kept[name] for name in ("emulated", "roots", "summary") if name in kept} if same else {}
    return head | {"emulated": {}} | done


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


def processor() -> dict[str, str]:
    """Return maker, family and model of this processor as the kernel says them."""
    lines = (line.partition(":") for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines())
    facts = {name.strip(): value.strip() for name, _, value in lines}
    return {name: facts.get(name, "") for name in ("vendor_id", "cpu family", "model", "model name")}


def wider() -> list[str]:
    """Return which wider instructions this processor has."""
    flags = set(Path("/proc/cpuinfo").read_text(encoding="utf-8").split())
    return [name for name in WIDER if name in flags]


def version() -> str:
    """Return the emulator's name and version."""
    return subprocess.run([EMULATOR, "--version"], capture_output=True, text=True, check=True).stdout.partition("\n")[0]


if __name__ == "__main__":
    main()
