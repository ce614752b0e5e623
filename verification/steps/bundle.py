"""Steps on the model bundle: a copy with one fault is given to the device, which must not start, or the device's own source is inspected."""

from __future__ import annotations

import ast
import hashlib
import inspect
import json
import pickle
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pytest_bdd import given, parsers, then, when

import device_sw
from device_sw.detector import small_network
from device_sw.device import Device, Engine, open_engine
from device_sw.errors import DeviceError
from device_sw.launcher import is_launched
from device_sw.types import Policy
from verification.steps import bundles, films
from verification.steps.admission import Ending, analysed

if TYPE_CHECKING:
    from device_sw.detector.inference import DetectorOutput, SelfTest
    from device_sw.types import ModelInput

SHIPPED = Path("artifacts/bundle")
"""Where `./qms demo` leaves the bundle, from the repository's root."""


@pytest.fixture(scope="session")
def repository(pytestconfig: pytest.Config) -> Path:
    """The repository's root."""
    return pytestconfig.rootpath


@pytest.fixture(scope="session")
def shipped_bundle(repository: Path) -> Path:
    """The bundle of the finished run; scenarios that need it fail, and say why, where the run is missing."""
    bundle = repository / SHIPPED
    assert (bundle / "manifest.json").is_file(), (
        f"expected {SHIPPED.as_posix()}/manifest.json, observed none; run `./qms demo` first"
    )
    assert is_launched(), (
        "expected the numeric environment of the device in this process, observed another; run the scenarios through `./qms test`"
    )
    return bundle


@given("a copy of the bundle", target_fixture="bundle")
def _copy(small_bundle: Path, tmp_path: Path) -> Path:
    return bundles.copy(small_bundle, tmp_path / "bundle")


@given(parsers.parse("a copy of the bundle with {fault}, sealed again"), target_fixture="bundle")
def _faulty(small_bundle: Path, tmp_path: Path, fault: str) -> Path:
    return bundles.spoil(bundles.copy(small_bundle, tmp_path / "bundle"), fault)


@given("no bundle", target_fixture="bundle")
def _none(tmp_path: Path) -> Path:
    return tmp_path / "nowhere"


@given("the shipped bundle", target_fixture="bundle")
def _shipped(shipped_bundle: Path) -> Path:
    return shipped_bundle


@given(parsers.re(r"one bit of its (?P<name>\S+) is flipped"))
def _flipped(bundle: Path, name: str) -> None:
    bundles.flip_bit(bundle / name)


@given("its golden scores are shifted and it is sealed again")
def _shifted(bundle: Path) -> None:
    bundles.spoil(bundle, "golden scores shifted by 0.0002")


@given("its model.json holds what no parser accepts")
def _unparsable(bundle: Path) -> None:
    (bundle / "model.json").write_bytes(b"\xff{[" * 50)


def _edit_manifest(bundle: Path, **changes: Any) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))
    manifest.update(changes)
    (bundle / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


@given(parsers.parse("the manifest states another size for {name}"))
def _other_size(bundle: Path, name: str) -> None:
    files = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))["files"]
    files[name]["size"] += 1
    _edit_manifest(bundle, files=files)


@given("its manifest is absent")
def _no_manifest(bundle: Path) -> None:
    (bundle / "manifest.json").unlink()


@given("its manifest is cut to half")
def _cut_manifest(bundle: Path) -> None:
    content = (bundle / "manifest.json").read_bytes()
    (bundle / "manifest.json").write_bytes(content[: len(content) // 2])


@given("its manifest is of another schema")
def _other_schema(bundle: Path) -> None:
    _edit_manifest(bundle, schema="thoratrace/bundle/99")


@given("its manifest is one that names ../secret")
def _outside(bundle: Path) -> None:
    (bundle.parent / "secret").write_bytes(b"secret")
    files = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))["files"]
    files["../secret"] = {"sha256": hashlib.sha256(b"secret").hexdigest(), "size": 6}
    _edit_manifest(bundle, files=files)


@given(parsers.parse("its file {name} is deleted"))
def _deleted(bundle: Path, name: str) -> None:
    (bundle / name).unlink()


@given(parsers.parse("its file {name} is taken out of folder and manifest"))
def _taken_out(bundle: Path, name: str) -> None:
    (bundle / name).unlink()
    bundles.seal(bundle)


@given(parsers.parse("a file {name} is added"))
def _added(bundle: Path, name: str) -> None:
    (bundle / name).write_text("a note\n", encoding="utf-8")


class _LeavesAFile:
    """A pickle of this object writes a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.write_text, (self.path, "the pickle ran"))


@given("a copy of the bundle whose weights are a pickle that leaves a file behind, sealed again", target_fixture="bundle")
def _pickle(small_bundle: Path, tmp_path: Path) -> Path:
    bundle = bundles.copy(small_bundle, tmp_path / "bundle")
    content = pickle.dumps(_LeavesAFile(tmp_path / "ran"))
    pickle.loads(content)
    assert (tmp_path / "ran").exists(), "expected a pickle that writes a file when loaded, observed none"
    (tmp_path / "ran").unlink()
    (bundle / "weights.safetensors").write_bytes(content)
    return bundles.seal(bundle)


@then("the pickle has left no file behind")
def _no_file(tmp_path: Path) -> None:
    assert not (tmp_path / "ran").exists(), "expected no file, observed the one that the pickle writes"


@when("the device is started with it", target_fixture="start")
def _start(bundle: Path) -> DeviceError | Device:
    try:
        return Device(bundle, Policy.INTENDED_USE)
    except DeviceError as error:
        return error


@then("it starts")
def _starts(start: DeviceError | Device) -> None:
    assert isinstance(start, Device), f"expected a device, observed {start}"
    assert start.self_test.passed, f"expected a passed self-test, observed {start.self_test}"


@then(parsers.re(r"it does not start and the code is (?P<code>\S+)$"))
def _does_not_start(start: DeviceError | Device, code: str) -> None:
    assert isinstance(start, DeviceError), f"expected {code}, observed a device that starts"
    matches = start.code.startswith(code) if code.endswith("-") else start.code == code
    assert matches, f"expected {code}, observed {start}"
    assert len(str(start).splitlines()) == 1, f"expected one line, observed {str(start)!r}"


@then("it is the golden inputs that differ")
def _golden_inputs(start: DeviceError | Device) -> None:
    assert isinstance(start, DeviceError), "expected a device that does not start, observed one that starts"
    assert start.where == "golden inputs", f"expected golden inputs, observed {start}"


@then(parsers.parse("the message names {name}"))
def _names(start: DeviceError | Device, name: str) -> None:
    assert name in str(start), f"expected {name} in the message, observed {start}"


@when("a chest film is analysed with it", target_fixture="ending")
def _analyse_with(bundle: Path, tmp_path: Path) -> Ending:
    try:
        device = Device(bundle, Policy.INTENDED_USE)
    except DeviceError as error:
        return Ending(None, error, 0.0)
    return analysed(device, films.write(films.film(), tmp_path / "film.dcm"))


@then("there is no result, and the code begins with BND- or INF-")
def _no_result(ending: Ending) -> None:
    assert ending.result is None, f"expected no result, observed {len(ending.analysis.detections)} detections"
    assert ending.code.startswith(("BND-", "INF-")), f"expected a code of BND- or INF-, observed {ending.error}"


@then(parsers.re(r"there is no result, and the code is (?P<code>[A-Z-]+)$"))
def _no_result_but(ending: Ending, code: str) -> None:
    assert ending.result is None, f"expected no result, observed {len(ending.analysis.detections)} detections"
    assert ending.code == code, f"expected {code}, observed {ending.error}"


@then(parsers.parse("its files add up to at most {limit:d} bytes"))
def _small_enough(bundle: Path, limit: int) -> None:
    size = sum(path.stat().st_size for path in bundle.iterdir())
    assert 0 < size <= limit, f"expected at most {limit} bytes, observed {size}"


@then("its manifest names model version, data profile, training budget and lineage")
def _origin(bundle: Path) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))
    empty = [name for name in ("model_version", "profile", "budget", "lineage") if not manifest.get(name)]
    assert not empty, f"expected the four fields, observed {empty} absent or empty"
    assert all(manifest["lineage"].values()), f"expected every part of the lineage, observed {manifest['lineage']}"


@when("the source of every module of the device is inspected", target_fixture="source")
def _source() -> dict[str, ast.Module]:
    root = Path(next(iter(device_sw.__path__)))
    return {path.relative_to(root).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in sorted(root.rglob("*.py"))}


@then("no module imports pickle, marshal or shelve, and none calls eval, exec, compile or torch.load")
def _inspected(source: dict[str, ast.Module]) -> None:
    assert len(source) > 20, f"expected the whole device, observed {len(source)} modules"
    offences = [f"{name}:{node.lineno}" for name, tree in source.items() for node in ast.walk(tree) if _runs_content(node)]
    assert not offences, f"expected none, observed {offences}"


def _runs_content(node: ast.AST) -> bool:
    forbidden = {"pickle", "marshal", "shelve", "cloudpickle", "dill", "joblib"}
    if isinstance(node, ast.Import):
        return any(alias.name.split(".")[0] in forbidden for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        return (node.module or "").split(".")[0] in forbidden
    if isinstance(node, ast.Call):
        return ast.unparse(node.func) in {"eval", "exec", "compile", "__import__", "torch.load", "np.load", "numpy.load"}
    return False


class _Watched:
    """Passes everything on to the real detector and counts how often the network saw a film."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.films = engine, 0

    def detect(self, model_input: ModelInput) -> DetectorOutput:
        self.films += 1
        return self.engine.detector.detect(model_input)

    def self_test(self) -> SelfTest:
        return self.engine.detector.self_test()


@given("a device whose network is watched", target_fixture="watched")
def _watched(small_bundle: Path) -> tuple[Device, _Watched]:
    engine = open_engine(small_bundle)
    watch = _Watched(engine)
    return Device(small_bundle, open_engine=lambda _: Engine(watch, engine.settings, engine.bundle_sha256)), watch


@given("a device whose network gives no numbers from its self-test on", target_fixture="silenced")
def _silenced(small_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> Device:
    built: list[Any] = []
    network = small_network.CompiledNetwork
    monkeypatch.setattr(small_network, "CompiledNetwork", lambda *arguments: built.append(network(*arguments)) or built[-1])
    device = Device(small_bundle)
    answers = built[-1].answers

    def without_numbers(*arguments: Any) -> Any:
        given = answers(*arguments)
        return replace(given, logits=np.full_like(given.logits, np.nan))

    monkeypatch.setattr(built[-1], "answers", without_numbers)
    return device


@when("that device is given a chest film", target_fixture="ending")
def _given_film(silenced: Device, tmp_path: Path) -> Ending:
    return analysed(silenced, films.write(films.film(), tmp_path / "film.dcm"))


@when("it is given a lateral film and then a good chest film", target_fixture="runs")
def _two_films(watched: tuple[Device, _Watched], tmp_path: Path) -> list[tuple[str, int]]:
    device, watch = watched
    lateral = films.film(name="lateral")
    lateral.ViewPosition = "LL"
    runs = []
    for name, dataset in {"lateral": lateral, "good": films.film(name="good")}.items():
        before = watch.films
        ending = analysed(device, films.write(dataset, tmp_path / f"{name}.dcm"))
        runs.append((ending.code, watch.films - before))
    return runs


@then("the network ran for the good film only")
def _ran(runs: list[tuple[str, int]]) -> None:
    assert runs == [("ADM-VIEW", 0), ("analysed", 1)], (
        f"expected no run for the refused film and one for the good, observed {runs}"
    )


def parameters(function: Any) -> set[str]:
    """Return the names of a function's parameters."""
    return set(inspect.signature(function).parameters) - {"self"}
