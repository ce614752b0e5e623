"""Steps on the network's answer, its operating points and its heat map, with the untrained bundle and with the shipped one on phantom films."""

from __future__ import annotations

import json
import math
import tomllib
from dataclasses import replace
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pytest_bdd import given, parsers, then, when

from device_sw.detector.postprocess import candidates
from device_sw.device import Device, Engine, open_engine
from device_sw.explanation.eigencam import HeatMap, eigencam
from device_sw.findings import all_findings
from device_sw.report.json_report import json_report
from device_sw.types import Letterbox, Policy
from verification.steps import bundles, films
from verification.steps.admission import Ending, analysed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from device_sw.detector.inference import DetectorOutput
    from device_sw.device import AnalysisResult
    from device_sw.types import Box, Detection, ModelInput
    from verification.steps.material import Input

INTENDED_USE = {
    "cardiac_hypertrophy",
    "aortic_atherosclerosis_calcification",
    "aortic_curvature",
    "intercostal_pleural_thickening",
    "lung_field_infiltration",
    "degenerative_joint_disease_of_the_thoracic_spine",
    "scoliosis",
}
"""The seven findings, written down here a second time: the scenario compares the device's table with the intended use."""


def offences(result: AnalysisResult) -> list[str]:
    """Return what is wrong with the form of a result's candidates."""
    film = result.film
    wrong = []
    for candidate in result.candidates:
        x0, y0, x1, y1 = candidate.box.as_tuple()
        if candidate.finding not in INTENDED_USE:
            wrong.append(f"finding {candidate.finding}")
        if not 0.0 < result.settings.lowest_score(candidate.finding) <= candidate.score <= 1.0:
            wrong.append(f"score {candidate.score}")
        if not (0.0 <= x0 < x1 <= film.columns and 0.0 <= y0 < y1 <= film.rows):
            wrong.append(f"box {candidate.box}")
    return wrong


@then(
    "every candidate names one of the seven findings, scores from the score floor to 1 and has a box of positive area on the film"
)
def _form(ending: Ending) -> None:
    wrong = offences(ending.analysis)
    assert not wrong, f"expected the fixed form, observed {wrong}"


@then("the candidates stand in descending order of score")
def _order(ending: Ending) -> None:
    scores = [candidate.score for candidate in ending.analysis.candidates]
    assert scores == sorted(scores, reverse=True), f"expected descending scores, observed {scores}"


@then("its detections are the candidates filtered with the bundle's operating points")
def _filtered(ending: Ending, small_bundle: Path) -> None:
    points = json.loads((small_bundle / "thresholds.json").read_text(encoding="utf-8"))["thresholds"]
    expected = tuple(c for c in ending.analysis.candidates if not c.score < points[c.finding])
    assert ending.analysis.detections == expected, (
        f"expected {len(expected)} detections, observed {len(ending.analysis.detections)}"
    )


@then("some candidates reach their operating point and some do not")
def _some(ending: Ending) -> None:
    reached, all_of_them = len(ending.analysis.detections), len(ending.analysis.candidates)
    assert 0 < reached < all_of_them, f"expected some of {all_of_them} candidates, observed {reached}"


@when(parsers.parse("the network's answer marks scoliosis in its box {box}"), target_fixture="answered")
def _answered(frame: Letterbox, box: str) -> tuple[Detection, ...]:
    """The answer goes the device's own way, from class indices, scores and boxes in network pixels to candidates on the film."""
    edges = [float(edge) for edge in box.split(", ")]
    label = 1 + bundles.FINDINGS.index("scoliosis")
    return candidates([edges], [label], [0.75], bundles.FINDINGS, frame)


@then(parsers.parse("the candidate of that film has the box {place}"))
def _candidate_box(answered: tuple[Detection, ...], place: str) -> None:
    assert [(c.finding, c.score) for c in answered] == [("scoliosis", 0.75)], f"expected one scoliosis, observed {answered}"
    expected = [float(edge) for edge in place.split(", ")]
    observed = answered[0].box.as_tuple()
    assert np.allclose(observed, expected, atol=0.5), f"expected the box {expected} within 0.5 pixel, observed {observed}"


@given(parsers.parse("a bundle whose operating point of the best scoliosis candidate is {place}"), target_fixture="tuned")
def _tuned(
    sent: Input, devices: Callable[[str], Device], small_bundle: Path, tmp_path: Path, place: str
) -> tuple[Device, Detection]:
    found = analysed(devices("intended-use"), sent.file(tmp_path)).analysis.candidates
    best = next(c for c in found if c.finding == "scoliosis" and c.score < 1.0)
    point = {"exactly its score": best.score, "the next number above": math.nextafter(best.score, 1.0)}[place]
    copy = bundles.copy(small_bundle, tmp_path / "tuned")
    points = json.loads((copy / "thresholds.json").read_text(encoding="utf-8"))["thresholds"]
    return Device(bundles.with_operating_points(copy, {**points, "scoliosis": point})), best


@when("that bundle's device analyses the film", target_fixture="ending")
def _by_tuned(sent: Input, tuned: tuple[Device, Detection], tmp_path: Path) -> Ending:
    return analysed(tuned[0], sent.file(tmp_path))


@then(parsers.re(r"that candidate is (?P<state>a detection|not a detection)$"))
def _state(ending: Ending, tuned: tuple[Device, Detection], state: str) -> None:
    assert tuned[1] in ending.analysis.candidates, "expected the candidate again, observed none like it"
    observed = "a detection" if tuned[1] in ending.analysis.detections else "not a detection"
    assert observed == state, f"expected {state}, observed {observed} at score {tuned[1].score}"


def _films(folder: Path, count: int) -> list[Path]:
    return [films.write(films.film(films.picture(seed=seed), name=f"f{seed}"), folder / f"f{seed}.dcm") for seed in range(count)]


@when("one film is analysed first, between five others and last", target_fixture="answers")
def _three_times(devices: Callable[[str], Device], tmp_path: Path) -> list[Any]:
    one, *others = _films(tmp_path, 6)
    order = [one, *others[:3], one, *others[3:], one]
    endings = [analysed(devices("intended-use"), path) for path in order]
    assert endings[1].analysis.candidates != endings[0].analysis.candidates, (
        "expected another answer for another film, observed the same"
    )
    return [ending.analysis.candidates for ending, path in zip(endings, order, strict=True) if path == one]


@when("one film is analysed by two devices made from the same bundle", target_fixture="answers")
def _two_devices(small_bundle: Path, tmp_path: Path) -> list[Any]:
    (film,) = _films(tmp_path, 1)
    return [analysed(Device(small_bundle), film).analysis.candidates for _ in range(2)]


@then(parsers.re(r"the (two|three) answers are bit-identical"))
def _identical(answers: list[Any]) -> None:
    assert answers[0], "expected candidates, observed none"
    different = [number for number, answer in enumerate(answers) if answer != answers[0]]
    assert not different, f"expected equal candidates without tolerance, observed differences in answers {different}"


@when("the table of findings is read", target_fixture="table")
def _table() -> list[dict[str, Any]]:
    return list(tomllib.loads(files("device_sw").joinpath("findings.toml").read_text(encoding="utf-8"))["finding"])


@then("it holds the seven ids of the intended use, each once, with name, Chinese label and codes")
def _seven(table: list[dict[str, Any]]) -> None:
    ids = [row["id"] for row in table]
    assert len(ids) == 7, f"expected seven rows, observed {len(ids)}"
    assert set(ids) == INTENDED_USE, f"expected the intended use, observed {sorted(set(ids) ^ INTENDED_USE)} besides"
    bare = [row["id"] for row in table if not (row["name"] and row["chinese"] and row["type"]["value"] and row["site"]["value"])]
    assert not bare, f"expected name, label and codes, observed {bare} without"


@then("the device's findings are exactly those of the table")
def _device_findings(table: list[dict[str, Any]]) -> None:
    observed = [(row.id, row.name) for row in all_findings()]
    assert observed == [(row["id"], row["name"]) for row in table], f"expected the table, observed {observed}"


@given(
    parsers.parse(
        "features of 32 x 32 cells over a film of {rows:d} x {columns:d} pixels, of which only cell row {i:d}, column {j:d} is active"
    ),
    target_fixture="features",
)
def _features(rows: int, columns: int, i: int, j: int) -> tuple[NDArray[np.float32], Letterbox]:
    features = np.zeros((6, 32, 32), dtype=np.float32)
    features[:, i, j] = np.arange(1.0, 7.0)
    return features, Letterbox(rows=rows, columns=columns, size=256)


@when("the heat map is computed", target_fixture="heat_map")
def _heat(features: tuple[NDArray[np.float32], Letterbox]) -> HeatMap:
    return eigencam(*features)


@then(parsers.parse("it has {rows:d} rows and {columns:d} columns and values in [0, 1]"))
def _shape(heat_map: HeatMap, rows: int, columns: int) -> None:
    assert heat_map.values is not None, "expected a heat map, observed none"
    _is_map(heat_map.values, (rows, columns))


def _is_map(values: NDArray[np.float32], shape: tuple[int, int]) -> None:
    assert values.shape == shape, f"expected {shape}, observed {values.shape}"
    assert float(values.min()) >= 0.0, f"expected at least 0, observed {values.min()}"
    assert 0.5 < float(values.max()) <= 1.0, f"expected a maximum up to 1, observed {values.max()}"


@then(parsers.parse("its maximum lies within half a cell of film row {y:f}, column {x:f}"))
def _maximum(heat_map: HeatMap, features: tuple[NDArray[np.float32], Letterbox], y: float, x: float) -> None:
    assert heat_map.values is not None, "expected a heat map, observed none"
    half = max(features[1].rows, features[1].columns) / 32 / 2
    row, column = np.unravel_index(int(heat_map.values.argmax()), heat_map.values.shape)
    assert abs(row + 0.5 - y) <= half, f"expected row {y} within {half}, observed {row}"
    assert abs(column + 0.5 - x) <= half, f"expected column {x} within {half}, observed {column}"


@then("its heat map has the film's rows and columns and values in [0, 1]")
def _own_map(ending: Ending) -> None:
    assert ending.analysis.heat_map is not None, "expected a heat map, observed none"
    _is_map(ending.analysis.heat_map, (1000, 600))


class _ConstantFeatures:
    """The real detector, with its features replaced by a constant."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def detect(self, model_input: ModelInput) -> DetectorOutput:
        output = self.engine.detector.detect(model_input)
        return replace(output, features=np.full_like(output.features, 0.7))

    def self_test(self) -> Any:
        return self.engine.detector.self_test()


@given("a device whose network gives constant features", target_fixture="constant_device")
def _constant_device(small_bundle: Path) -> Device:
    engine = open_engine(small_bundle)
    detector = _ConstantFeatures(engine)
    return Device(small_bundle, open_engine=lambda _: Engine(detector, engine.settings, engine.bundle_sha256))


@when("a chest film is analysed by it", target_fixture="ending")
def _by_constant(constant_device: Device, tmp_path: Path) -> Ending:
    return analysed(constant_device, films.write(films.film(), tmp_path / "film.dcm"))


@then("there is no heat map, and its report says that none is available")
def _no_map(ending: Ending) -> None:
    assert ending.analysis.heat_map is None, "expected no heat map, observed one"
    explanation = json_report(ending.analysis, 0)["explanation"]
    assert explanation["available"] is False, f"expected available = false, observed {explanation}"


@when("one film is analysed with and without a heat map", target_fixture="pair")
def _pair(devices: Callable[[str], Device], tmp_path: Path) -> tuple[AnalysisResult, AnalysisResult]:
    path = films.write(films.film(), tmp_path / "film.dcm")
    device = devices("intended-use")
    return device.analyse(path, explain=True), device.analyse(path, explain=False)


@then("the detections are bit-identical in both")
def _same_detections(pair: tuple[AnalysisResult, AnalysisResult]) -> None:
    assert pair[0].heat_map is not None, "expected a heat map where it was asked for, observed none"
    assert pair[1].heat_map is None, "expected no heat map where it was not asked for, observed one"
    assert pair[0].detections, "expected detections, observed none"
    assert pair[0].detections == pair[1].detections, "expected equal detections, observed others"


@then(
    "its heat map's label says that it shows where the network's features are strong, for all findings together, and is no evidence for any of them"
)
def _label(ending: Ending) -> None:
    assert ending.analysis.heat_map is not None, "expected a heat map, observed none"
    labels = (ending.analysis.heat_map_label, json_report(ending.analysis, 0)["explanation"]["label"])
    for label in labels:
        missing = [
            words
            for words in ("where the network's features are strong", "all findings together", "no evidence for any")
            if words not in label
        ]
        assert not missing, f"expected the words {missing}, observed {label!r}"


@pytest.fixture(scope="session")
def cohort(repository: Path) -> dict[str, Any]:
    """The phantom's cohort of the finished run."""
    path = repository / "artifacts" / "cohort" / "cohort.json"
    assert path.is_file(), "expected artifacts/cohort/cohort.json, observed none; run `./qms demo` first"
    return dict(json.loads(path.read_text(encoding="utf-8")))


@pytest.fixture(scope="session")
def shipped_results(shipped_bundle: Path, repository: Path) -> Callable[[dict[str, Any]], Ending]:
    """Analyse a film of the cohort with the shipped bundle, each film once a session."""
    device, known = Device(shipped_bundle, Policy.INTENDED_USE), {}

    def result(film: dict[str, Any]) -> Ending:
        if film["film_id"] not in known:
            known[film["film_id"]] = analysed(device, repository / "artifacts" / "cohort" / film["path"])
        return known[film["film_id"]]

    return result


def _test_films(cohort: dict[str, Any]) -> list[dict[str, Any]]:
    return [film for film in cohort["films"] if film["split"] == "test"]


@when(parsers.parse("the shipped device analyses {count:d} test films of the phantom"), target_fixture="endings")
def _shipped_films(cohort: dict[str, Any], shipped_results: Callable[[dict[str, Any]], Ending], count: int) -> list[Ending]:
    return [shipped_results(film) for film in _test_films(cohort)[:count]]


@then("every film is analysed and has candidates")
def _all_analysed(endings: list[Ending]) -> None:
    assert len(endings) == 10, f"expected 10 films, observed {len(endings)}"
    bare = [ending.code for ending in endings if ending.result is None or not ending.result.candidates]
    assert not bare, f"expected candidates on every film, observed {bare}"


@then("every candidate of every film has the fixed form")
def _all_form(endings: list[Ending]) -> None:
    wrong = [offence for ending in endings for offence in offences(ending.analysis)]
    assert not wrong, f"expected the fixed form, observed {wrong[:5]}"
    orders = [[c.score for c in ending.analysis.candidates] for ending in endings]
    unsorted = [number for number, scores in enumerate(orders) if scores != sorted(scores, reverse=True)]
    assert not unsorted, f"expected descending scores, observed other orders in films {unsorted}"


def _severity(film: dict[str, Any], finding: str) -> float:
    return max((box["severity"] or 0.0 for box in film["boxes"] if box["finding"] == finding), default=0.0)


@when(
    parsers.parse("the shipped device analyses the {count:d} test films with the most severe {finding}"), target_fixture="severe"
)
def _severe(
    cohort: dict[str, Any], shipped_results: Callable[[dict[str, Any]], Ending], count: int, finding: str
) -> list[tuple[dict[str, Any], Ending]]:
    ranked = sorted(_test_films(cohort), key=lambda film: (-_severity(film, finding), film["film_id"]))[:count]
    assert all(_severity(film, finding) > 0.0 for film in ranked), f"expected {count} test films with {finding}, observed fewer"
    return [(film, shipped_results(film)) for film in ranked]


@then(parsers.parse("at least {count:d} of them have a mark of {finding} that overlaps its truth by {overlap:f} or more"))
def _hit(severe: list[tuple[dict[str, Any], Ending]], count: int, finding: str, overlap: float) -> None:
    hits = [film["film_id"] for film, ending in severe if _best_overlap(film, ending, finding) >= overlap]
    assert len(hits) >= count, f"expected at least {count} of {len(severe)}, observed {len(hits)}: {hits}"


def _best_overlap(film: dict[str, Any], ending: Ending, finding: str) -> float:
    truth = [box["box"] for box in film["boxes"] if box["finding"] == finding]
    marks = [d.box for d in ending.analysis.detections if d.finding == finding]
    return max((_overlap(mark, box) for mark in marks for box in truth), default=0.0)


def _overlap(a: Box, b: list[float]) -> float:
    """Return intersection over union, computed here and not by the code under test."""
    wide = min(a.x1, b[2]) - max(a.x0, b[0])
    high = min(a.y1, b[3]) - max(a.y0, b[1])
    shared = max(wide, 0.0) * max(high, 0.0)
    return shared / (a.area + (b[2] - b[0]) * (b[3] - b[1]) - shared)
