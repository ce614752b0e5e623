"""Steps on the inference engine: what it computes in, held against the trained network, with other threads, and what it brings into the process."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np
from pytest_bdd import given, parsers, then, when

from device_sw.detector import engine, small_network
from device_sw.detector.bundle import load_bundle
from device_sw.detector.eager import EagerDetector
from device_sw.detector.inference import Detector
from device_sw.detector.parity import Parity, measure
from device_sw.launcher import numeric_environment
from verification.steps import bundles

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from numpy.typing import NDArray

    from device_sw.types import ModelInput

LOW_PRECISIONS = {"bf16", "f16", "i8", "u8"}
WIDER_INSTRUCTIONS = ("avx512", "avx10", "amx")
UNLIMITED_LIBRARY = "mlas"
"""The library of matrix products inside the engine, by the name that its kernels carry."""


def _bfloat16(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Cut float32 to the 16 leading bits, as bfloat16 has them."""
    return (weights.view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)


def _films() -> list[ModelInput]:
    return [bundles.golden_film(seed) for seed in range(4)]


@given("an engine that computes with weights cut to bfloat16")
def _coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    fine = engine.CompiledNetwork
    monkeypatch.setattr(
        small_network,
        "CompiledNetwork",
        lambda shape, weights: fine(shape, {name: _bfloat16(value) for name, value in weights.items()}),
    )


@when("engine and trained network look at the same four films", target_fixture="parity")
def _compare(small_bundle: Path) -> Parity:
    loaded = load_bundle(small_bundle)
    return measure(Detector(loaded), EagerDetector(loaded), _films(), loaded.settings.score_floor)


@then(parsers.re(r"the parity check (?P<verdict>holds|does not hold)"))
def _parity_verdict(parity: Parity, verdict: str) -> None:
    assert parity.holds == (verdict == "holds"), f"expected that the parity check {verdict}, observed {parity}"


@when("the network is compiled", target_fixture="precisions")
def _compiled(small_bundle: Path) -> frozenset[str]:
    loaded = load_bundle(small_bundle)
    return engine.CompiledNetwork(loaded.architecture, loaded.weights).precisions()


@then("none of its steps computes in less than 32 bits")
def _full(precisions: frozenset[str]) -> None:
    low = {name for name in precisions if name in LOW_PRECISIONS - {"u8"}}
    assert "f32" in precisions, f"expected steps in f32, observed {sorted(precisions)}"
    assert not low, f"expected no step in a lower precision, observed {sorted(low)}"


@when("the kernels of the shipped network are named", target_fixture="kernels")
def _named(shipped_bundle: Path) -> frozenset[str]:
    """Kernels are chosen by the sizes of layers, too, so they are those of the shipped ones."""
    loaded = load_bundle(shipped_bundle)
    return engine.CompiledNetwork(loaded.architecture, loaded.weights).kernels()


@then("none uses wider instructions than the fixed ones")
def _not_wider(kernels: frozenset[str]) -> None:
    limit = numeric_environment()["OV_CPU_MAX_ISA"]
    assert engine.instruction_set() == limit, f"expected kernels limited to {limit}, observed {engine.instruction_set()}"
    wider = sorted(name for name in kernels if any(more in name for more in WIDER_INSTRUCTIONS))
    assert not wider, f"expected no kernel beyond {limit}, observed {wider}"


@then("none is of the library that knows no limit")
def _limited(kernels: frozenset[str]) -> None:
    unlimited = sorted(name for name in kernels if UNLIMITED_LIBRARY in name)
    assert any("avx2" in name for name in kernels), f"expected kernels by name, observed {sorted(kernels)}"
    assert not unlimited, f"expected kernels that obey the limit, observed {unlimited}"


@when(parsers.parse("four films are computed with {one:d} and with {other:d} threads"), target_fixture="pairs")
def _threads(small_bundle: Path, one: int, other: int) -> list[tuple[Any, Any]]:
    loaded = load_bundle(small_bundle)
    networks = [engine.CompiledNetwork(loaded.architecture, loaded.weights, threads) for threads in (one, other)]
    return [tuple(network.maps(film.pixels) for network in networks) for film in _films()]  # type: ignore[misc]


@then("every number is the same bit for bit")
def _same_bits(pairs: list[tuple[Any, Any]]) -> None:
    for one, other in pairs:
        for name in ("features", "objectness", "offsets"):
            same = all(np.array_equal(a, b) for a, b in zip(getattr(one, name), getattr(other, name), strict=True))
            assert same, f"expected equal {name}, observed a difference"


FILM = """
    import sys
    from pathlib import Path
    from device_sw.device import Device
    Device(Path(sys.argv[1]))
    print(sorted({name.split(".")[0] for name in sys.modules}))
"""


@when("a process starts the device", target_fixture="loaded_packages")
def _process(small_bundle: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FILM), str(small_bundle)],
        env=numeric_environment(),
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    return done.stdout


@then(parsers.parse("the process has not loaded {package}"))
def _not_loaded(loaded_packages: str, package: str) -> None:
    assert "'openvino'" in loaded_packages, f"expected the engine among the packages, observed {loaded_packages}"
    assert f"'{package}'" not in loaded_packages, f"expected no {package}, observed it"


@when("the command line analyses one film of the phantom from a cold start", target_fixture="cold")
def _cold(shipped_bundle: Path, cohort: dict[str, Any], repository: Path, tmp_path: Path) -> dict[str, Any]:
    film = next(film for film in cohort["films"] if film["split"] == "test" and (film["rows"], film["columns"]) == (1024, 1024))
    command = [sys.executable, "-m", "device_sw", "analyse", str(repository / "artifacts" / "cohort" / film["path"])]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [*command, "--bundle", str(shipped_bundle), "-o", str(tmp_path / "out"), "--json"],
        env=dict(os.environ),
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"seconds": seconds, "inputs": json.loads(done.stdout)["inputs"]}


@then(parsers.parse("it took at most {limit:g} seconds of processor time"))
def _cold_within(cold: dict[str, Any], limit: float) -> None:
    assert cold["inputs"] == 1, f"expected one input, observed {cold}"
    assert cold["seconds"] <= limit, f"expected at most {limit} s, observed {cold['seconds']:.2f} s"
