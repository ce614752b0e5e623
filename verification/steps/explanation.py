"""Steps on the maps of marks: whose they are, what they depend on, when there is none, and the words beside them."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from pytest_bdd import given, then, when
from scipy.stats import spearmanr

from device_sw.detector.activations import explainable, of_bundle
from device_sw.detector.bundle import load_bundle
from device_sw.device import Device, Engine, open_engine
from device_sw.explanation.lesion_maps import lesion_maps
from device_sw.preprocessing.geometry import laid_on_film, letterbox
from device_sw.report.json_report import json_report
from device_sw.report.map_figure import map_figure
from device_sw.types import LESION_METHODS, Box, Explain, NormalisedFilm
from verification.steps import bundles, films
from verification.steps.command import invoke
from verification.steps.outputs import drawn_words

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from numpy.typing import NDArray

    from device_sw.detector.inference import DetectorOutput
    from device_sw.report.content import AnalysisResult
    from device_sw.types import LesionMap, ModelInput

WORDS = "It says what the network used, not where disease is."
LIMIT = 0.5


def _film(folder: Path) -> Path:
    return films.write(films.film(), folder / "film.dcm")


def _drawn(lesion_map: LesionMap, result: AnalysisResult) -> NDArray[np.float32] | None:
    if lesion_map.grid is None or lesion_map.place is None:
        return None
    return laid_on_film(lesion_map.grid, lesion_map.place, result.film.rows, result.film.columns)


@given("a chest film whose marks are explained by every method", target_fixture="explained")
def _explained(small_bundle: Path, tmp_path: Path) -> AnalysisResult:
    return Device(small_bundle, methods=LESION_METHODS).analyse(_film(tmp_path))


@then(
    "each mark has Grad-CAM, AblationCAM and saliency, each with the mark it explains, as a map on the film or the reason why there is none"
)
def _each(explained: AnalysisResult) -> None:
    assert len(explained.detections) > 1, f"expected several marks, observed {len(explained.detections)}"
    observed = [(m.detection, m.method.value) for m in explained.lesion_maps]
    expected = [(mark, method) for mark in explained.detections for method in ("grad-cam", "ablation-cam", "saliency")]
    assert observed == expected, f"expected a map for each mark and method, observed {len(observed)} of {len(expected)}"
    drawn = [(m, _drawn(m, explained)) for m in explained.lesion_maps]
    wrong = [m.method.value for m, values in drawn if (values is None) is not bool(m.reason)]
    assert not wrong, f"expected either a map or a reason, observed both or none by {wrong}"
    shown = [values for _, values in drawn if values is not None]
    assert len(shown) * 2 > len(drawn), f"expected a map for most marks, observed {len(shown)} of {len(drawn)}"
    film = (explained.film.rows, explained.film.columns)
    shapes = {(values.shape, bool(values.min() >= 0.0), bool(0.0 < values.max() <= 1.0)) for values in shown}
    assert shapes == {(film, True, True)}, f"expected maps of {film} in [0, 1], observed {shapes}"


@then("no two marks have the same map")
def _different(explained: AnalysisResult) -> None:
    for method in LESION_METHODS:
        drawn = [_drawn(m, explained) for m in explained.lesion_maps if m.method is method]
        shown = [values for values in drawn if values is not None]
        same = [n for n, a in enumerate(shown) for b in shown[n + 1 :] if np.array_equal(a, b)]
        assert not same, f"expected a map of its own for each mark by {method.value}, observed {len(same)} equal pairs"


@given("the marks of a chest film, and the same network with random weights", target_fixture="networks")
def _networks(small_bundle: Path) -> dict[str, Any]:
    detector = of_bundle(load_bundle(small_bundle))
    network = copy.deepcopy(detector.network)
    torch.manual_seed(11)
    for module in network.modules():
        if hasattr(module, "reset_parameters"):
            module.reset_parameters()
    return {"original": detector, "random": _FixedTargets(explainable(network), detector)}


class _FixedTargets:
    """The random network with the targets of the original one: it makes no mark of the original's, so it is told what to look at."""

    def __init__(self, detector: Any, original: Any) -> None:
        self._detector, self._original = detector, original

    def targets(self, reading: Any, *question: Any) -> Any:
        pixels = reading.images.tensors[0] * 0.25 + 0.5
        return self._original.targets(self._original.read(pixels), *question)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._detector, name)


@when("the maps of those marks are made with both", target_fixture="ranks")
def _ranks(networks: dict[str, Any], small_bundle: Path) -> dict[str, list[float]]:
    settings = load_bundle(small_bundle).settings
    picture = (films.picture() / 4095.0).astype(np.float32)
    model_input = letterbox(NormalisedFilm(picture, settings.preprocessing_id), settings.input_size)
    marks = open_engine(small_bundle).detector.detect(model_input).candidates[:8]
    maps = {
        name: lesion_maps(detector, model_input, marks, marks, settings.findings, LESION_METHODS)
        for name, detector in networks.items()
    }
    found: dict[str, list[float]] = {method.value: [] for method in LESION_METHODS}
    for one, other in zip(maps["original"], maps["random"], strict=True):
        if one.grid is not None and other.grid is not None and np.ptp(one.grid) > 0 and np.ptp(other.grid) > 0:
            found[one.method.value].append(float(spearmanr(one.grid.ravel(), other.grid.ravel())[0]))
    return found


@then("the median rank correlation between them is at most 0.5 by each method")
def _destroyed(ranks: dict[str, list[float]]) -> None:
    few = {method: len(values) for method, values in ranks.items() if len(values) < 4}
    assert not few, f"expected at least four marks to compare by each method, observed {few}"
    medians = {method: round(float(np.median(values)), 3) for method, values in ranks.items()}
    kept = {method: value for method, value in medians.items() if value > LIMIT}
    assert not kept, f"expected at most {LIMIT}, observed {kept}"


class _MarksElsewhere:
    """The real detector, whose best candidate is moved to where its network has none."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def detect(self, model_input: ModelInput) -> DetectorOutput:
        output = self.engine.detector.detect(model_input)
        moved = replace(output.candidates[0], box=Box(31.0, 47.0, 173.0, 211.0), score=0.875)
        return replace(output, candidates=(moved,))

    def self_test(self) -> Any:
        return self.engine.detector.self_test()


@given("a device whose engine marks a place that its network does not mark", target_fixture="peculiar")
def _elsewhere(small_bundle: Path) -> Device:
    engine = open_engine(small_bundle)
    points = dict.fromkeys(engine.settings.findings, max(engine.settings.lowest_score(f) for f in engine.settings.findings))
    other = replace(engine, detector=_MarksElsewhere(engine), settings=replace(engine.settings, thresholds=points))
    return Device(small_bundle, methods=LESION_METHODS, open_engine=lambda _: other)


@given("a device whose operating points no mark of the film reaches", target_fixture="peculiar")
def _unreached(small_bundle: Path, tmp_path: Path) -> Device:
    copied = bundles.copy(small_bundle, tmp_path / "unreached")
    return Device(bundles.with_operating_points(copied, dict.fromkeys(bundles.FINDINGS, 1.0)), methods=LESION_METHODS)


@when("that device analyses a chest film with maps of its marks", target_fixture="explained")
def _by_peculiar(peculiar: Device, tmp_path: Path) -> AnalysisResult:
    return peculiar.analyse(_film(tmp_path))


@then("no map of that mark exists, and the result says why")
def _no_map_of_it(explained: AnalysisResult) -> None:
    assert len(explained.detections) == 1, f"expected the moved mark alone, observed {len(explained.detections)}"
    rows = json_report(explained, 0)["explanation"]["lesion_maps"]
    assert len(rows) == 3, f"expected a row for each method, observed {len(rows)}"
    there = [row["method"] for row in rows if row["available"] or "does not make this mark" not in str(row["reason"])]
    assert not there, f"expected no map and the reason, observed otherwise by {there}"


@then("the result says that there is no mark to explain, and holds no map")
def _nothing_to_explain(explained: AnalysisResult) -> None:
    assert not explained.detections, f"expected no mark, observed {len(explained.detections)}"
    told = json_report(explained, 0)["explanation"]
    assert told["lesion_maps"] == [], f"expected no map, observed {len(told['lesion_maps'])}"
    assert "no mark to explain" in str(told["lesion_note"]), f"expected the note, observed {told['lesion_note']!r}"


@then("the result and the figure say of each method that it shows what the network used and not where disease is")
def _words(explained: AnalysisResult, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = json_report(explained, 0)["explanation"]["lesion_maps"]
    silent = [row["method"] for row in rows if WORDS not in row["label"] or "for this one mark" not in row["label"]]
    assert not silent, f"expected the words in the label, observed none by {silent}"
    figure = " ".join(drawn_words(explained, monkeypatch, map_figure))
    missing = [label for label in dict.fromkeys(row["label"] for row in rows) if label not in figure]
    assert not missing, f"expected every label on the figure, observed none of {missing}"
    assert "cannot be compared in strength" in figure, "expected the words on scale, observed none"


@when("a chest film is analysed with maps of its marks by none, by Grad-CAM and by all methods", target_fixture="three")
def _three(small_bundle: Path, tmp_path: Path) -> list[AnalysisResult]:
    path = _film(tmp_path)
    return [Device(small_bundle, methods=Explain(name).methods).analyse(path) for name in ("eigencam", "grad-cam", "all")]


@then("the detections are bit-identical in all three, and the methods named are those asked for")
def _unchanged(three: list[AnalysisResult]) -> None:
    assert three[0].detections, "expected detections, observed none"
    different = [number for number, result in enumerate(three) if result.detections != three[0].detections]
    assert not different, f"expected equal detections, observed others in {different}"
    named = [json_report(result, 0)["explanation"]["lesion_methods"] for result in three]
    expected = [[], ["grad-cam"], ["grad-cam", "ablation-cam", "saliency"]]
    assert named == expected, f"expected {expected}, observed {named}"
    made = [len(result.lesion_maps) for result in three]
    assert made == [len(three[0].detections) * len(row) for row in expected], f"expected maps as asked for, observed {made}"


@when("the command line analyses a chest film and is asked to explain by all methods", target_fixture="explained_out")
def _command(small_bundle: Path, tmp_path: Path) -> Path:
    out = tmp_path / "out"
    invoke("analyse", str(_film(tmp_path)), "-o", str(out), "--bundle", str(small_bundle), "--explain", "all")
    return out


@then("a figure lies beside the overlay, larger than the film on it, and the result names three methods")
def _figure(explained_out: Path) -> None:
    (figure,) = explained_out.glob("overlays/*-maps.png")
    (result,) = explained_out.glob("results/*.json")
    with Image.open(figure) as page:
        assert min(page.size) > 900, f"expected more than the film of 900 pixels, observed {page.size}"
    told = json.loads(result.read_text(encoding="utf-8"))["explanation"]
    assert told["lesion_methods"] == ["grad-cam", "ablation-cam", "saliency"], (
        f"expected three, observed {told['lesion_methods']}"
    )
