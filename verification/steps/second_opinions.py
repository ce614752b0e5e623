"""Steps on second opinions: what a classifier withholds, what further networks, views and tiles add, and what is told of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from itertools import pairwise
from math import exp
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pytest_bdd import given, parsers, then, when
from scipy.ndimage import find_objects, label

from device_sw.detector.bundle import load_bundle
from device_sw.detector.inference import Detector, DetectorOutput
from device_sw.detector.second_opinions import FIRST, SecondOpinions
from device_sw.detector.second_readers import SecondReaders, member_bundles
from device_sw.detector.tiling import Tiling
from device_sw.detector.views import View
from device_sw.device import Device
from device_sw.dicom.reader import read
from device_sw.preprocessing.geometry import letterbox, to_film
from device_sw.preprocessing.intensity import normalise
from device_sw.replay_command import replayed
from device_sw.report.json_report import json_report
from device_sw.types import Box, Detection, FindingId, NetworkBox, NormalisedFilm
from verification.steps import bundles, films
from verification.steps.admission import Ending, analysed
from verification.steps.opinion_bundles import VIEWS, Opinions, spoil, with_opinions
from verification.steps.outputs import drawn_words
from verification.steps.replay import record

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from device_sw.types import ModelInput

EVERY = Opinions(members=1, views=VIEWS, tiling={"side": 300, "overlap": 100}, abnormal=0.9)


@dataclass
class Opened:
    """A bundle of second opinions, and the film that its device analysed."""

    bundle: Path
    film: Path | None = None


@pytest.fixture(scope="session")
def opinion_bundle(small_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with second opinions of every kind; scenarios that spoil it take a copy."""
    return with_opinions(bundles.copy(small_bundle, tmp_path_factory.mktemp("opinions") / "bundle"), EVERY)


@given(parsers.parse("a bundle of second opinions with {fault}, sealed again"), target_fixture="bundle")
def _faulty(opinion_bundle: Path, tmp_path: Path, fault: str) -> Path:
    return spoil(bundles.copy(opinion_bundle, tmp_path / "bundle"), fault)


def _made(small_bundle: Path, tmp_path: Path, opinions: Opinions) -> Opened:
    return Opened(with_opinions(bundles.copy(small_bundle, tmp_path / "bundle"), opinions))


@given(
    parsers.parse(
        "a bundle whose classifier scores every film {score:g}, with the cut-off {cut_off:g}, and keeps marks from {kept}"
    ),
    target_fixture="opened",
)
def _classified(small_bundle: Path, tmp_path: Path, score: float, cut_off: float, kept: str) -> Opened:
    above = _middle(small_bundle, tmp_path) if kept == "middle" else float(kept)
    return _made(small_bundle, tmp_path, Opinions(abnormal=score, cut_off=cut_off, kept_above=above))


@given("a bundle with two networks", target_fixture="opened")
def _two(small_bundle: Path, tmp_path: Path) -> Opened:
    return _made(small_bundle, tmp_path, Opinions(members=1))


@given(parsers.parse("a bundle with tiles of {side:d} pixels that overlap by {overlap:d}"), target_fixture="opened")
def _tiled(small_bundle: Path, tmp_path: Path, side: int, overlap: int) -> Opened:
    return _made(small_bundle, tmp_path, Opinions(tiling={"side": side, "overlap": overlap}))


@given("a bundle without second opinions", target_fixture="opened")
def _without(small_bundle: Path) -> Opened:
    return Opened(small_bundle)


@given("a bundle with second opinions of every kind", target_fixture="opened")
def _with_all(opinion_bundle: Path) -> Opened:
    return Opened(opinion_bundle)


def _stored(like: str = "like the reference films", rows: int = 512, columns: int = 512) -> Any:
    values = films.picture(rows, columns, seed=2).astype(np.float64)
    if like == "covered with noise":
        values = np.clip(values + np.random.default_rng(1).normal(0, 700, values.shape), 0, 4095)
    return values.astype(np.uint16)


def _marks_of_one_network(small_bundle: Path, tmp_path: Path) -> tuple[Detection, ...]:
    path = films.write(films.film(_stored()), tmp_path / "plain.dcm")
    return Device(small_bundle).analyse(path).detections


def _middle(small_bundle: Path, tmp_path: Path) -> float:
    """Return a score between the marks of the film, so that half of them lie above."""
    scores = sorted(mark.score for mark in _marks_of_one_network(small_bundle, tmp_path))
    half = len(scores) // 2
    return (scores[half - 1] + scores[half]) / 2


@when(
    parsers.re(r"the film of second opinions is (?P<like>like the reference films|covered with noise)"), target_fixture="ending"
)
def _analysed(opened: Opened, tmp_path: Path, like: str) -> Ending:
    opened.film = films.write(films.film(_stored(like)), tmp_path / "film.dcm")
    return analysed(Device(opened.bundle), opened.film)


@when(parsers.parse("the film of second opinions has {rows:d} rows and {columns:d} columns"), target_fixture="ending")
def _analysed_size(opened: Opened, tmp_path: Path, rows: int, columns: int) -> Ending:
    opened.film = films.write(films.film(_stored(rows=rows, columns=columns)), tmp_path / "film.dcm")
    return analysed(Device(opened.bundle), opened.film)


def _steps(ending: Ending) -> dict[str, Any]:
    return {step["name"]: step for step in ending.analysis.trace.to_json()["filters"]}


@then(parsers.re(r"(?P<what>none|all|the upper half) of its marks are shown"))
def _shown(ending: Ending, what: str) -> None:
    before = _steps(ending)["operating points"]["candidates"]
    assert len(before) >= 4, f"expected marks to withhold, observed {len(before)}"
    expected = {"none": [], "all": before, "the upper half": before[: (len(before) + 1) // 2]}[what]
    observed = [{"finding": d.finding, "box": list(d.box.as_tuple()), "score": d.score} for d in ending.analysis.detections]
    assert observed == expected, f"expected {what} of {len(before)} marks, observed {len(observed)}"


@then("result and overlay carry a caution that begins with WITHHELD and names number, findings, score and cut-off")
def _told(ending: Ending, monkeypatch: pytest.MonkeyPatch) -> None:
    result = ending.analysis
    told = [text for text in json_report(result, 1)["cautions"] if text.startswith("WITHHELD")]
    assert len(told) == 1, f"expected one such caution, observed {told}"
    before = _steps(ending)["operating points"]["candidates"]
    names = {row["id"]: row["name"] for row in json_report(result, 1)["findings"]}
    wanted = [f"{len(before)} marks", *sorted({names[mark["finding"]] for mark in before}), "score 0.10", "cut-off 0.30"]
    missing = [words for words in wanted if words not in told[0]]
    assert not missing, f"expected {missing} in the caution, observed {told[0]!r}"
    drawn = " ".join(drawn_words(result, monkeypatch))
    assert "WITHHELD" in drawn, f"expected the caution on the overlay, observed {drawn!r}"


@then("its conclusion does not say that nothing was marked")
def _conclusion(ending: Ending) -> None:
    said = json_report(ending.analysis, 1)["conclusion"]
    assert "withheld" in said, f"expected a word on withheld marks, observed {said!r}"
    assert "No finding was marked" not in said, f"expected no such sentence, observed {said!r}"


@then("the trace holds score, rule and the marks before and after the classifier")
def _traced(ending: Ending) -> None:
    steps = _steps(ending)
    assert list(steps)[-1] == "normal/abnormal classifier", f"expected the classifier last, observed {list(steps)}"
    last, count = steps["normal/abnormal classifier"], len(steps["operating points"]["candidates"])
    expected = {"cut_off": 0.3, "kept_above": 1.0, "class": "normal", "within_reference_films": True, "withheld": count}
    observed = {name: last["parameters"][name] for name in expected}
    assert observed == expected, f"expected {expected}, observed {observed}"
    assert last["parameters"]["score"] == pytest.approx(0.1, abs=1e-6), f"expected 0.1, observed {last['parameters']['score']}"
    assert last["candidates"] == [], f"expected no mark after it, observed {last['candidates']}"


@then("no caution of it begins with WITHHELD")
def _untold(ending: Ending) -> None:
    found = [text for text in ending.analysis.cautions if text.startswith("WITHHELD")]
    assert not found, f"expected none, observed {found}"


def _reference_fusion(looks: Sequence[Sequence[Detection]], limit: float) -> list[tuple[str, tuple[float, ...], float]]:
    """Fuse by the words of the method, written apart from the device: arrays of one finding, clusters as lists of row numbers."""
    rows = [(d.finding, np.array(d.box.as_tuple()), d.score) for look in looks for d in look]
    made = []
    for finding in {row[0] for row in rows}:
        own = sorted((row for row in rows if row[0] == finding), key=lambda row: -row[2])
        clusters: list[list[int]] = []
        for number, (_, box, _) in enumerate(own):
            overlaps = [_iou(_mean(own, cluster), box) for cluster in clusters]
            if overlaps and max(overlaps) > limit:
                clusters[int(np.argmax(overlaps))].append(number)
            else:
                clusters.append([number])
        for cluster in clusters:
            score = np.mean([own[n][2] for n in cluster]) * min(len(cluster), len(looks)) / len(looks)
            made.append((finding, tuple(_mean(own, cluster)), float(score)))
    return made


def _mean(rows: Sequence[Any], cluster: Sequence[int]) -> Any:
    return np.average([rows[n][1] for n in cluster], axis=0, weights=[rows[n][2] for n in cluster])


def _iou(one: Any, other: Any) -> float:
    sides = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    shared = float(np.prod(np.clip(sides, 0, None)))
    return shared / (float(np.prod(one[2:] - one[:2])) + float(np.prod(other[2:] - other[:2])) - shared)


def _calibrated(score: float, curve: dict[str, float]) -> float:
    odds = (score / (1.0 - score)) ** curve["slope"] * exp(curve["offset"])
    return float(odds / (1.0 + odds))


@then("its candidates are those of a reference fusion of what each network says by itself, calibrated by the bundle's curves")
def _fused(ending: Ending, opened: Opened) -> None:
    loaded = load_bundle(opened.bundle)
    assert loaded.second_opinions is not None, "expected second opinions, observed none"
    assert opened.film is not None, "expected a film, observed none"
    model_input = letterbox(normalise(read(opened.film)), loaded.settings.input_size)
    networks = [loaded, *(member for _, member in member_bundles(loaded, loaded.second_opinions))]
    alone = [Detector(network).detect(model_input).candidates for network in networks]
    curves = json.loads((opened.bundle / "calibration.json").read_text(encoding="utf-8"))["curves"]

    expected = sorted(
        (finding, box, _calibrated(score, curves[finding]))
        for finding, box, score in _reference_fusion(alone, loaded.second_opinions.limit)
        if score >= loaded.settings.score_floor
    )
    observed = sorted((d.finding, d.box.as_tuple(), d.score) for d in ending.analysis.candidates)
    assert [row[0] for row in observed] == [row[0] for row in expected], f"expected {len(expected)}, observed {len(observed)}"
    for one, other in zip(observed, expected, strict=True):
        assert one[1] == pytest.approx(other[1], abs=1e-6), f"expected the box {other}, observed {one}"
        assert one[2] == pytest.approx(other[2], abs=1e-9), f"expected the score {other}, observed {one}"
    assert {d.finding for d in alone[0]} & {d.finding for d in alone[1]}, "expected networks that share a finding, observed none"


@then(parsers.parse("the trace names {count:d} tiles, which cover the film, and neighbours share at least {overlap:d} pixels"))
def _tiles(ending: Ending, count: int, overlap: int) -> None:
    tiles = _steps(ending)["second looks"]["parameters"]["tiles"]
    assert len(tiles) == count, f"expected {count} tiles, observed {tiles}"
    film = ending.analysis.film
    for first, length in ((0, film.columns), (1, film.rows)):
        spans = sorted({(tile[first], tile[first + 2]) for tile in tiles})
        gaps = [one[1] - other[0] for one, other in pairwise(spans)]
        assert (spans[0][0], spans[-1][1]) == (0, length), f"expected spans over {length}, observed {spans}"
        assert all(gap >= overlap for gap in gaps), f"expected overlaps of {overlap}, observed {spans}"


@dataclass(frozen=True)
class _Plain:
    """What `SecondReaders` reads of a bundle; no network of it runs."""

    settings: Any
    architecture: Any
    golden_inputs: Any


class _Bright:
    """Finds every bright region, where it lies."""

    def detect(self, model_input: ModelInput) -> DetectorOutput:
        """Return the box around each connected region above 0.5."""
        regions, _ = label(model_input.pixels > 0.5)
        edges = [(float(x.start), float(y.start), float(x.stop), float(y.stop)) for y, x in find_objects(regions)]
        name = FindingId("scoliosis")
        on_film = [to_film(box, model_input.letterbox) for box in edges]
        found = tuple(Detection(name, box, 0.5) for box in on_film if box is not None)
        return DetectorOutput(found, None, tuple(NetworkBox(name, box, 0.5) for box in edges))


@dataclass(frozen=True)
class Readers:
    """Second readers over a detector that finds bright regions."""

    readers: SecondReaders
    size: int

    def read(self, pixels: Any) -> Any:
        """Return the second reading of a film."""
        film = NormalisedFilm(pixels, "tt-default-1")
        model_input = letterbox(film, self.size)
        return self.readers.read(_Bright().detect(model_input), model_input, film)


def _readers(small_bundle: Path, *, views: tuple[View, ...] = (), tiling: Tiling | None = None) -> Readers:
    loaded = load_bundle(small_bundle)
    size = 896
    settings = replace(loaded.settings, input_size=size)
    plan = SecondOpinions((1.0,), 0.55, (), views, tiling, None, {})
    bundle: Any = _Plain(settings, loaded.architecture, loaded.golden_inputs)
    first: Any = _Bright()
    return Readers(SecondReaders(bundle, plan, first), size)


@given(
    parsers.parse(
        "a device that finds a bright rectangle wherever it looks, with tiles of {side:d} pixels that overlap by {overlap:d}"
    ),
    target_fixture="bright",
)
def _bright_tiles(small_bundle: Path, side: int, overlap: int) -> Readers:
    return _readers(small_bundle, tiling=Tiling(side, overlap))


@given(
    parsers.parse(
        "a device that finds a bright rectangle wherever it looks, turned by {degrees:g} degrees and shrunk to {scale:g}"
    ),
    target_fixture="bright",
)
def _bright_view(small_bundle: Path, degrees: float, scale: float) -> Readers:
    return _readers(small_bundle, views=(View(degrees, scale),))


LARGE, SMALL = Box(80.0, 120.0, 620.0, 560.0), Box(700.0, 640.0, 760.0, 700.0)


@when(
    "it looks at a film of 900 pixels with a rectangle that is larger than a tile, and one that is smaller",
    target_fixture="reading",
)
def _rectangles(bright: Readers) -> Any:
    """Only tiles show anything: what the whole film would add is left out, so that the joining is what is seen."""
    film = np.zeros((900, 900), np.float32)
    for box in (LARGE, SMALL):
        film[int(box.y0) : int(box.y1), int(box.x0) : int(box.x1)] = 1.0
    nothing = DetectorOutput((), None, ())
    whole = NormalisedFilm(film, "tt-default-1")
    return bright.readers.read(nothing, letterbox(whole, bright.size), whole)


@then("it gives two candidates, each the box of its rectangle")
def _once(reading: Any) -> None:
    found = sorted((d.box for d in reading.candidates), key=lambda box: -box.area)
    assert len(found) == 2, f"expected two candidates, observed {found}"
    for box, expected in zip(found, (LARGE, SMALL), strict=True):
        assert box.as_tuple() == pytest.approx(expected.as_tuple(), abs=1.5), f"expected {expected}, observed {box}"


ELLIPSE = Box(200.0, 300.0, 500.0, 420.0)


@when("it looks at a film of 900 pixels with a bright ellipse", target_fixture="reading")
def _ellipse(bright: Readers) -> Any:
    y, x = np.mgrid[:900, :900] + 0.5
    across, down = (ELLIPSE.x1 - ELLIPSE.x0) / 2, (ELLIPSE.y1 - ELLIPSE.y0) / 2
    inside = ((x - ELLIPSE.x0 - across) / across) ** 2 + ((y - ELLIPSE.y0 - down) / down) ** 2 <= 1
    return bright.read(inside.astype(np.float32))


@then("the view's candidate is the ellipse's box within two network pixels")
def _back(reading: Any) -> None:
    _, seen = reading.looks
    assert len(seen.candidates) == 1, f"expected one candidate, observed {seen.candidates}"
    observed = seen.candidates[0].box.as_tuple()
    assert observed == pytest.approx(ELLIPSE.as_tuple(), abs=2.0 * 900 / 896), f"expected {ELLIPSE}, observed {observed}"


@then("its trace has the steps network, on the film, calibration, operating points")
def _plain_steps(ending: Ending) -> None:
    steps = [step.name for step in ending.analysis.trace.filters]
    assert steps == ["network", "on the film", "calibration", "operating points"], f"expected four steps, observed {steps}"


@when("the command line analyses a film with it and replays the result", target_fixture="replay")
def _replayed(opened: Opened, tmp_path: Path) -> tuple[dict[str, Any], Any]:
    film = films.write(films.film(), tmp_path / "film.dcm")
    record(opened.bundle, film, tmp_path / "out")
    (path,) = (tmp_path / "out" / "results").iterdir()
    return json.loads(path.read_text(encoding="utf-8")), replayed(path, film, opened.bundle)


@then("the trace lists each network with the plain look and each view, and replay finds the same bytes")
def _every_look(replay: tuple[dict[str, Any], Any]) -> None:
    value, outcome = replay
    steps = {step["name"]: step for step in value["trace"]["filters"]}
    looks = steps["second looks"]["parameters"]["looks"]
    expected = [(name, view) for name in (FIRST, "member_1") for view in ({}, *VIEWS)]
    observed = [(look["network"], look["view"]) for look in looks]
    assert observed == [(name, View(**view).to_json()) for name, view in expected], f"expected {expected}, observed {observed}"
    assert all(look["candidates"] for look in looks), "expected candidates of each look, observed a look without"
    assert outcome.exit_code == 0, f"expected the same bytes, observed {outcome}"
