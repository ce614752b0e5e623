"""Steps that record a result with the command line's own parts, change it or its circumstances, and replay it."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from pytest_bdd import given, parsers, then, when

from device_sw._version import __version__
from device_sw.batch.examination import InProcess
from device_sw.batch.run import Batch
from device_sw.device import Device
from device_sw.launcher import NUMERIC_ENVIRONMENT
from device_sw.replay_command import Verdict, replayed
from device_sw.report.outputs import Wanted
from verification.steps import bundles, films

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass
class Recorded:
    """A record with what it will be replayed with."""

    path: Path
    film: Path
    bundle: Path
    given: Path | None = None
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def value(self) -> dict[str, Any]:
        """The record as it is now."""
        return dict(json.loads(self.path.read_text(encoding="utf-8")))

    def edit(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Change a value and write the record in the device's own layout."""
        value = self.value
        change(value)
        self.path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def record(bundle: Path, film: Path, root: Path) -> None:
    """Analyse one film into a folder, as the command line does."""
    batch = Batch(InProcess(Device(bundle), Wanted(datetime(2026, 11, 21, 8, 0, 0, tzinfo=UTC))), root, lambda _: None)
    batch.take(film)
    batch.finish()


@pytest.fixture(scope="session")
def recorded_once(small_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """One analysed film without a stated window, so that its result carries a caution: its folder and the film."""
    place = tmp_path_factory.mktemp("recorded")
    dataset = films.film()
    del dataset.PatientOrientation
    film = films.write(dataset, place / "film.dcm")
    record(small_bundle, film, place / "out")
    return place / "out", film


@given("a recorded result", target_fixture="recorded")
def _recorded(recorded_once: tuple[Path, Path], small_bundle: Path, tmp_path: Path) -> Recorded:
    shutil.copytree(recorded_once[0], tmp_path / "out")
    (path,) = (tmp_path / "out" / "results").iterdir()
    return Recorded(path, recorded_once[1], small_bundle)


@given("a recorded refusal", target_fixture="recorded")
def _recorded_refusal(small_bundle: Path, tmp_path: Path) -> Recorded:
    text = tmp_path / "text.txt"
    text.write_text("no film", encoding="utf-8")
    record(small_bundle, text, tmp_path / "out")
    (path,) = (tmp_path / "out" / "refusals").iterdir()
    return Recorded(path, text, small_bundle)


@given("the first score in its trace is raised")
def _raised(recorded: Recorded) -> None:
    def change(value: dict[str, Any]) -> None:
        value["trace"]["filters"][0]["candidates"][0]["score"] += 1e-9

    recorded.edit(change)


@given("its conclusion is another")
def _concluded(recorded: Recorded) -> None:
    recorded.edit(lambda value: value.update(conclusion="No finding was marked."))


@given("a caution is taken out of it")
def _uncautioned(recorded: Recorded) -> None:
    assert recorded.value["cautions"], "expected a caution to take out, observed none"
    recorded.edit(lambda value: value["cautions"].pop())


@given("a space is added to its end")
def _spaced(recorded: Recorded) -> None:
    recorded.path.write_bytes(recorded.path.read_bytes() + b" ")


@given(parsers.re(r"one byte of its (?P<name>overlays|\S+\.dcm) is changed"))
def _flipped(recorded: Recorded, name: str) -> None:
    root = recorded.path.parent.parent
    place = root / "overlays" / f"{recorded.path.stem}.png" if name == "overlays" else root / "dicom" / recorded.path.stem / name
    content = bytearray(place.read_bytes())
    content[-3] ^= 1
    place.write_bytes(content)


@given("another film is given")
def _other_film(recorded: Recorded, tmp_path: Path) -> None:
    recorded.given = films.write(films.film(films.picture(seed=9)), tmp_path / "other.dcm")


@given("another bundle is given")
def _other_bundle(recorded: Recorded, tmp_path: Path) -> None:
    bundle = bundles.copy(recorded.bundle, tmp_path / "bundle")
    points = json.loads((bundle / "thresholds.json").read_text(encoding="utf-8"))["thresholds"]
    recorded.bundle = bundles.with_operating_points(bundle, {**points, "scoliosis": 0.99})


@given("its device version is another")
def _other_version(recorded: Recorded) -> None:
    recorded.edit(lambda value: value["device"].update(version="0.0.0"))


@given("its numeric class is another")
def _other_class(recorded: Recorded) -> None:
    recorded.edit(lambda value: value["trace"]["numeric"]["environment"].update(OMP_NUM_THREADS="8"))


@when("it is replayed", target_fixture="verdict")
def _replayed(recorded: Recorded) -> Verdict:
    return replayed(recorded.path, recorded.given, recorded.bundle)


@when("its decision trace is read", target_fixture="trace")
def _trace(recorded: Recorded) -> dict[str, Any]:
    return dict(recorded.value["trace"])


@then("it fits the published schema")
def _fits(trace: dict[str, Any]) -> None:
    schema = json.loads(files("device_sw").joinpath("decision_trace.schema.json").read_text(encoding="utf-8"))
    wrong = [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(trace)]
    assert not wrong, f"expected a trace of the schema, observed {wrong[:3]}"


@then("it names film, policy, device, bundle, engine and numeric class as they are")
def _names(recorded: Recorded, trace: dict[str, Any]) -> None:
    expected = (bundles.sha256(recorded.film), "intended-use", __version__, bundles.sha256(recorded.bundle / "manifest.json"))
    observed = (trace["input"]["content_sha256"], trace["policy"], trace["device"]["version"], trace["bundle"]["sha256"])
    assert observed == expected, f"expected {expected}, observed {observed}"
    assert trace["engine"]["name"], "expected an engine, observed none"
    assert set(trace["numeric"]["environment"]) == set(NUMERIC_ENVIRONMENT), (
        f"expected every variable, observed {trace['numeric']}"
    )


def _left(trace: dict[str, Any], name: str) -> list[dict[str, Any]]:
    (found,) = (step["candidates"] for step in trace["filters"] if step["name"] == name)
    return list(found)


@then("the candidates after calibration are those on the film with their scores put through the curves")
def _before_and_after(recorded: Recorded, trace: dict[str, Any]) -> None:
    before, after = _left(trace, "on the film"), _left(trace, "calibration")
    curves = json.loads((recorded.bundle / "calibration.json").read_text(encoding="utf-8"))["curves"]
    assert len(_left(trace, "network")) >= len(before) > 0, f"expected candidates of the network, observed {len(before)}"

    def through(row: dict[str, Any]) -> float:
        odds = (row["score"] / (1.0 - row["score"])) ** curves[row["finding"]]["slope"]
        return float(odds / (odds + 2.718281828459045 ** -curves[row["finding"]]["offset"]))

    expected = sorted((row["finding"], row["box"], through(row)) for row in before)
    observed = sorted((row["finding"], row["box"], row["score"]) for row in after)
    assert [row[:2] for row in observed] == [row[:2] for row in expected], "expected the same boxes, observed others"
    assert [row[2] for row in observed] == pytest.approx([row[2] for row in expected], rel=1e-9)


@then("the candidates after the operating points are the detections of the result")
def _last(recorded: Recorded, trace: dict[str, Any]) -> None:
    marked = [row for finding in recorded.value["findings"] for row in finding["detections"]]
    expected = sorted((row["finding"], row["box"], row["score"]) for row in marked)
    observed = sorted((row["finding"], row["box"], row["score"]) for row in _left(trace, "operating points"))
    assert expected, "expected detections, observed none"
    assert observed == expected, f"expected the detections, observed {observed}"


@then("the exit code is 0 and result, overlay and DICOM objects are the same bytes")
def _same(recorded: Recorded, verdict: Verdict) -> None:
    stem = recorded.path.stem
    expected = {
        f"results/{stem}.json",
        f"overlays/{stem}.png",
        f"pages/{stem}.html",
        f"dicom/{stem}/sr.dcm",
        f"dicom/{stem}/gsps.dcm",
    }
    assert verdict.exit_code == 0, f"expected 0, observed {verdict}"
    assert expected <= set(verdict.facts["same"]), f"expected {sorted(expected)}, observed {verdict.facts}"
    assert verdict.facts["absent"] == [], f"expected no file absent, observed {verdict.facts['absent']}"


@then("the exit code is 0 and the refusal is the same bytes")
def _same_refusal(recorded: Recorded, verdict: Verdict) -> None:
    assert verdict.exit_code == 0, f"expected 0, observed {verdict}"
    assert f"refusals/{recorded.path.name}" in verdict.facts["same"], f"expected the refusal, observed {verdict.facts}"


@then(parsers.parse("the exit code is {exit_code:d} and REP-DIFFERENCE names {place}"))
def _named(verdict: Verdict, exit_code: int, place: str) -> None:
    observed = (verdict.exit_code, verdict.facts["code"])
    assert observed == (exit_code, "REP-DIFFERENCE"), f"expected exit code {exit_code} and REP-DIFFERENCE, observed {verdict}"
    where = verdict.error.partition(": found")[0]
    assert place in where, f"expected {place}, observed {where}"


@then(parsers.parse("the exit code is {exit_code:d} and the code is {code}"))
def _refused(verdict: Verdict, exit_code: int, code: str) -> None:
    assert (verdict.exit_code, verdict.facts["code"]) == (exit_code, code), f"expected {exit_code} and {code}, observed {verdict}"
