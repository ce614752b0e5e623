"""Steps on what must not be there: patient data, source paths, connections, pickles, settings from the environment."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pytest_bdd import then, when

from device_sw.launcher import NUMERIC_ENVIRONMENT
from verification.steps import bundles, films
from verification.steps.admission import analysed
from verification.steps.outputs import (
    detections,
    streams_and_files,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from device_sw.device import Device
    from verification.steps.command import Run


def _planted(run: Run) -> dict[str, bytes]:
    values = films.planted_bytes(run.inputs[0])
    return {name: value for name, value in values.items() if not name.startswith("source")}


@then("no planted value is found on stdout, on stderr or in any output file but the DICOM objects")
def _no_planted(run: Run) -> None:
    places = {place: content for place, content in streams_and_files(run).items() if not place.startswith("dicom/")}
    assert len(places) == 17, f"expected fifteen files and two streams, observed {sorted(places)}"
    leaked = [(place, name) for place, content in places.items() for name, value in _planted(run).items() if value in content]
    assert not leaked, f"expected no patient data, observed {leaked}"


@then("the DICOM objects hold the planted patient and order of their film, and no other planted value")
def _objects_bound(run: Run) -> None:
    objects = {place: content for place, content in streams_and_files(run).items() if place.startswith("dicom/")}
    expected = {"PatientName", "PatientID", "PatientBirthDate", "AccessionNumber", "ReferringPhysicianName"}
    assert len(objects) == 8, f"expected two objects for each of four films with a header, observed {sorted(objects)}"
    for place, content in objects.items():
        held = {name for name, value in _planted(run).items() if value in content}
        assert held == expected, f"expected {sorted(expected)} in {place}, observed {sorted(held)}"


def _paths(run: Run) -> list[bytes]:
    return [b"PLANTEDFOLDER", *(path.name.encode() for path in run.inputs)]


@then("no source path is found on stdout, on stderr or in any output file but the local index of names")
def _no_path(run: Run) -> None:
    places = streams_and_files(run)
    leaked = [
        (place, value) for place, content in places.items() for value in _paths(run) if value in content and place != "index.json"
    ]
    assert not leaked, f"expected no source path, observed {leaked}"
    assert all(value in places["index.json"] for value in _paths(run)), "expected the names in the local index, observed others"


@then("neither a planted value nor a source path is found in the audit file")
def _audit_private(run: Run) -> None:
    content = (run.out / "audit.jsonl").read_bytes()
    leaked = [value for value in (*_planted(run).values(), *_paths(run)) if value in content]
    assert len(content) > 500, f"expected five lines, observed {len(content)} bytes"
    assert not leaked, f"expected neither, observed {leaked}"


@then("the run finished although every socket was refused, and nothing asked for one but a library's probe for IPv6 at import")
def _no_socket(run: Run) -> None:
    """Of the libraries that torch imports, urllib3 makes one local socket when it is imported, to learn whether the machine knows IPv6."""
    assert run.code == 1, f"expected a finished batch, observed {run.code}: {run.stderr}"
    others = [
        (event, source)
        for event, source in run.witness["sockets"]
        if (event, source) != ("socket.__new__", "urllib3/util/connection.py")
    ]
    assert not others, f"expected no socket, observed {others}"


@then("the bundle's files are byte-identical before and after")
def _same_bundle(run: Run) -> None:
    after = {str(path): bundles.sha256(path) for path in sorted(run.bundle.iterdir())}
    before = {path: digest for path, digest in run.before.items() if path.startswith(str(run.bundle))}
    assert after == before, "expected the bundle unchanged, observed another"


@then("the result file is the same but for its number")
def _same_result(run: Run, again: Run) -> None:
    first = run.record("results", 1)
    second = again.record("results", 7)
    assert (first["input"].pop("index"), second["input"].pop("index")) == (1, 7), "expected numbers 1 and 7"
    assert first == second, "expected the same result, observed another"


@then("the result of the same film is equal in both runs, without tolerance")
def _equal_runs(run: Run, again: Run) -> None:
    pairs = ((1, 7), (5, 6))
    for before, after in pairs:
        first, second = detections(run.record("results", before)), detections(again.record("results", after))
        assert first, f"expected detections of input {before}, observed none"
        assert first == second, f"expected equal detections of inputs {before} and {after}, observed others"


@then("the process that analysed ran with every variable of the numeric environment as fixed")
def _as_fixed(run: Run) -> None:
    """What the requirement fixes is written down here a second time; the rest is compared with the device's own table."""
    environment = run.witness["environment"]
    required = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    required |= {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "OV_CPU_MAX_ISA": "AVX2", "PYTHONHASHSEED": "0"}
    wrong = {
        name: environment.get(name) for name, value in (NUMERIC_ENVIRONMENT | required).items() if environment.get(name) != value
    }
    assert not wrong, f"expected the numeric environment, observed {wrong}"
    assert run.witness["random_hashes"] == 0, "expected fixed hashes, observed random ones"


_WATCHED: list[str] = []
_WATCHING = {"on": False, "hooked": False}


def _watch(event: str, _arguments: object) -> None:
    if _WATCHING["on"] and (event.startswith("pickle.") or event == "open"):
        _WATCHED.append(event)


@when("two chest films are analysed under an audit hook", target_fixture="events")
def _under_hook(devices: Callable[[str], Device], tmp_path: Path) -> list[str]:
    paths = [films.write(films.film(name=name), tmp_path / f"{name}.dcm") for name in ("first", "second")]
    device = devices("intended-use")
    if not _WATCHING["hooked"]:
        sys.addaudithook(_watch)
        _WATCHING["hooked"] = True
    _WATCHED.clear()
    _WATCHING["on"] = True
    try:
        endings = [analysed(device, path) for path in paths]
    finally:
        _WATCHING["on"] = False
    assert [ending.code for ending in endings] == ["analysed", "analysed"], (
        f"expected two results, observed {[e.code for e in endings]}"
    )
    return list(_WATCHED)


@then("the hook saw files being opened and no pickle")
def _saw(events: list[str]) -> None:
    assert "open" in events, f"expected opened files, observed {events}"
    pickles = [event for event in events if event.startswith("pickle.")]
    assert not pickles, f"expected no pickle, observed {pickles}"
