"""Steps on what the device makes of the network's answer: calibrated scores, what is said of them, and films unlike the reference films."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pytest_bdd import given, parsers, then, when

from device_sw.device import Device, Engine, open_engine
from device_sw.dicom import reader
from device_sw.preprocessing.geometry import letterbox
from device_sw.preprocessing.intensity import normalise
from device_sw.report.json_report import json_report
from verification.steps import bundles, films
from verification.steps.admission import Ending, analysed
from verification.steps.detection import INTENDED_USE
from verification.steps.outputs import drawn_words

if TYPE_CHECKING:
    from pathlib import Path

    from device_sw.detector.inference import DetectorOutput, SelfTest
    from device_sw.report.content import AnalysisResult
    from device_sw.types import ModelInput
    from verification.steps.material import Input


def _result(ending: Ending) -> AnalysisResult:
    assert ending.result is not None, f"expected a result, observed {ending.error}"
    return ending.result


@then("each candidate's score is the network's own put through the bundle's curve of its finding")
def _calibrated(ending: Ending, sent: Input, small_bundle: Path) -> None:
    engine = open_engine(small_bundle)
    assert sent.written is not None, "expected a written film, observed none"
    size = engine.settings.input_size
    own = engine.detector.detect(letterbox(normalise(reader.read(sent.written)), size)).candidates
    curves = json.loads((small_bundle / "calibration.json").read_text(encoding="utf-8"))["curves"]

    def through(finding: str, score: float) -> float:
        odds = (score / (1.0 - score)) ** curves[finding]["slope"] * float(np.exp(curves[finding]["offset"]))
        return odds / (1.0 + odds)

    expected = sorted((d.finding, d.box.as_tuple(), through(d.finding, d.score)) for d in own)
    observed = sorted((d.finding, d.box.as_tuple(), d.score) for d in _result(ending).candidates)
    assert [row[:2] for row in observed] == [row[:2] for row in expected], "expected the network's own boxes, observed others"
    assert [row[2] for row in observed] == pytest.approx([row[2] for row in expected], rel=1e-9)


@then("no two findings share a curve")
def _own_curves(ending: Ending) -> None:
    calibration = _result(ending).settings.calibration
    assert len(set(calibration.values())) == len(calibration) == 7, (
        f"expected seven curves, observed {sorted(map(str, calibration.values()))}"
    )


@then("its result and its overlay say on which data scores are calibrated and that they are no probability of disease")
def _said(ending: Ending, monkeypatch: pytest.MonkeyPatch) -> None:
    result = _result(ending)
    for name, text in {"result": json_report(result, 1)["scores"], "overlay": " ".join(drawn_words(result, monkeypatch))}.items():
        missing = [words for words in ("calibrated on phantom films", "no probability of disease") if words not in text]
        assert not missing, f"expected {missing} in the {name}, observed {text!r}"


@when("the calibration of the shipped bundle is read", target_fixture="calibration")
def _shipped_calibration(shipped_bundle: Path) -> dict[str, Any]:
    return dict(json.loads((shipped_bundle / "calibration.json").read_text(encoding="utf-8")))


@then("it names its method, its films and how many candidates were right, for each of the seven findings")
def _origin(calibration: dict[str, Any]) -> None:
    assert calibration["method"], "expected a method, observed none"
    assert calibration["films"] > 0, f"expected films, observed {calibration['films']}"
    for name in ("curves", "candidates", "right_candidates"):
        assert set(calibration[name]) == INTENDED_USE, (
            f"expected the seven findings in {name}, observed {sorted(calibration[name])}"
        )
    wrong = [finding for finding in INTENDED_USE if calibration["right_candidates"][finding] > calibration["candidates"][finding]]
    assert not wrong, f"expected no more right candidates than candidates, observed otherwise for {wrong}"


UNITS = {"a thousandth": 0.001, "a thousandfold": 1000.0}


@given("a bundle whose reference films are chest films", target_fixture="alike")
def _alike(small_bundle: Path) -> Device:
    return Device(small_bundle)


@given(
    parsers.parse("a bundle whose reference films are chest films, with {unit} of the {description} distance"),
    target_fixture="alike",
)
def _other_unit(small_bundle: Path, tmp_path: Path, unit: str, description: str) -> Device:
    bundle = bundles.copy(small_bundle, tmp_path / "bundle")
    return Device(bundles.with_unit(bundle, description, UNITS[unit]))


LIKE = "a chest film like them"
UNLIKE = {
    "a chest film covered with noise": lambda values: np.clip(
        values + np.random.default_rng(1).normal(0, 700, values.shape), 0, 4095
    ),
    "a chest film of half the contrast": lambda values: 1024 + values / 2,
}


@when(
    parsers.re(r"that bundle's device analyses (?P<film>a chest film (like them|covered with noise|of half the contrast))"),
    target_fixture="ending",
)
def _placed(alike: Device, tmp_path: Path, film: str) -> Ending:
    values = films.picture(seed=2).astype(np.float64)
    stored = (values if film == LIKE else UNLIKE[film](values)).astype(np.uint16)
    return analysed(alike, films.write(films.film(stored), tmp_path / "placed.dcm"))


@then("it is within the limit by both descriptions")
def _within(ending: Ending) -> None:
    placement = _result(ending).placement
    assert placement is not None, "expected a comparison, observed none"
    assert placement.picture <= placement.limit >= placement.network, f"expected both within the limit, observed {placement}"


@then(parsers.re(r"it is (?P<place>outside|within) the limit$"))
def _place(ending: Ending, place: str) -> None:
    placement = _result(ending).placement
    assert placement is not None, "expected a comparison, observed none"
    observed = "outside" if placement.outside else "within"
    assert observed == place, f"expected {place}, observed {placement}"
    told = json_report(_result(ending), 1)["distribution"]["state"]
    assert told == place, f"expected {place} in the result, observed {told}"


def _ood(texts: list[str]) -> list[str]:
    return [text for text in texts if text.removeprefix("Caution: ").startswith("OOD")]


@then("no caution of its result or its overlay begins with OOD")
def _silent(ending: Ending, monkeypatch: pytest.MonkeyPatch) -> None:
    result = _result(ending)
    found = _ood([*json_report(result, 1)["cautions"], *drawn_words(result, monkeypatch)])
    assert not found, f"expected no such caution, observed {found}"


@then("its result and its overlay carry a caution that begins with OOD and names distance and limit")
def _warned(ending: Ending, monkeypatch: pytest.MonkeyPatch) -> None:
    result = _result(ending)
    told = _ood(json_report(result, 1)["cautions"])
    assert len(told) == 1, f"expected one such caution, observed {told}"
    placement = result.placement
    assert placement is not None, "expected a comparison, observed none"
    for number in (placement.distance, placement.limit):
        assert f"{number:.1f}" in told[0], f"expected {number:.1f} in the caution, observed {told[0]}"
    assert _ood(drawn_words(result, monkeypatch)), "expected the caution on the overlay, observed none"


class _Featureless:
    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def detect(self, model_input: ModelInput) -> DetectorOutput:
        return replace(self.engine.detector.detect(model_input), features=None)

    def self_test(self) -> SelfTest:
        return self.engine.detector.self_test()


@given("a device whose network gives no features", target_fixture="featureless")
def _no_features(small_bundle: Path) -> Device:
    engine = open_engine(small_bundle)
    made = replace(engine, detector=_Featureless(engine), judgement_faults=list)
    return Device(small_bundle, open_engine=lambda _: made)


@when("it analyses a chest film", target_fixture="ending")
def _analysed_without(featureless: Device, tmp_path: Path) -> Ending:
    return analysed(featureless, films.write(films.film(), tmp_path / "film.dcm"))


@then("its result carries a caution that it was not compared with the reference films")
def _not_compared(ending: Ending) -> None:
    found = _ood(list(_result(ending).cautions))
    assert len(found) == 1, f"expected one caution, observed {found}"
    assert "not judged" in found[0], f"expected that it was not judged, observed {found[0]}"


@then(parsers.parse("at most {count:d} of them carry a caution that begins with OOD"))
def _rarely(endings: list[Ending], count: int) -> None:
    flagged = [bool(_ood(list(_result(ending).cautions))) for ending in endings]
    assert len(flagged) == 10, f"expected 10 films, observed {len(flagged)}"
    assert sum(flagged) <= count, f"expected at most {count}, observed {sum(flagged)}"
