"""Defects around the network: a self-test that cannot fail, numbers that are none, marks at another place, operating points of somebody else."""

from __future__ import annotations

from dataclasses import replace as changed
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from verification.faults.alteration import nothing, replace, wrap

if TYPE_CHECKING:
    from types import ModuleType


def self_test_always_passes(module: ModuleType) -> None:
    """The verdict of the comparison is always good."""
    wrap(module, "Detector.self_test", lambda original, self: changed(original(self), passed=True))


def scores_not_compared(module: ModuleType) -> None:
    """The self-test compares boxes only."""
    wrap(module, "difference", lambda original, *arguments: (original(*arguments)[0], 0.0))


def tolerance_ten_times(module: ModuleType) -> None:
    """A box may be off by five pixels."""
    replace(module, "PARITY_BOX_PX", 5.0)


def first_golden_film_only(module: ModuleType) -> None:
    """The self-test looks at the first golden film only."""

    def self_test(self: Any) -> Any:
        films = sorted(self._bundle.golden_outputs)
        if not films or set(films) != set(self._bundle.golden_inputs):
            return module.SelfTest(films=0, max_box_px=float("inf"), max_score=float("inf"), passed=False)
        box, score = self._golden_difference(films[0])
        passed = box <= module.PARITY_BOX_PX and score <= module.PARITY_SCORE
        return module.SelfTest(len(films), box, score, passed=passed)

    replace(module, "Detector.self_test", self_test)


def nothing_compared_is_good(module: ModuleType) -> None:
    """A bundle without golden films passes its self-test (device_sw.device)."""

    def passed(original: Any, self: Any) -> Any:
        outcome = self._engine.detector.self_test()
        return outcome if outcome.films == 0 else original(self)

    wrap(module, "Device._passed_self_test", passed)


def verdict_not_read(module: ModuleType) -> None:
    """The device runs its self-test and does not look at the verdict (device_sw.device)."""
    replace(module, "Device._passed_self_test", lambda self: self._engine.detector.self_test())


def film_before_shines_through(module: ModuleType) -> None:
    """A hundredth of the film before is left in the network's input (device_sw.device)."""
    before: list[Any] = []

    def detect(original: Any, self: Any) -> None:
        pixels = self._model_input.pixels
        if before:
            self._model_input = changed(self._model_input, pixels=(0.99 * pixels + 0.01 * before[-1]).astype(np.float32))
        before[:] = [pixels]
        original(self)

    wrap(module, "Analysis.detect", detect)


def failure_is_an_empty_film(module: ModuleType) -> None:
    """A network that fails gives an answer without candidates."""

    def detect(original: Any, self: Any, model_input: Any) -> Any:
        try:
            return original(self, model_input)
        except module.InferenceFailed:
            return module.DetectorOutput((), None)

    wrap(module, "Detector.detect", detect)


def numbers_not_looked_at(module: ModuleType) -> None:
    """Nobody asks whether the network's numbers are finite (device_sw.detector.small_network)."""
    replace(module, "require_finite", nothing)


def ordered_by_finding(module: ModuleType) -> None:
    """Candidates stand in the order of findings (device_sw.detector.calibration)."""

    def calibrated(original: Any, *arguments: Any) -> Any:
        return tuple(sorted(original(*arguments), key=lambda candidate: candidate.finding))

    wrap(module, "calibrated", calibrated)


def equal_score_not_counted(module: ModuleType) -> None:
    """A score has to exceed its operating point (device_sw.detector.postprocess)."""
    replace(module, "marked", lambda found, points: tuple(d for d in found if d.score > points[d.finding]))


def one_half_for_all(module: ModuleType) -> None:
    """Every finding has the operating point one half (device_sw.detector.postprocess)."""
    replace(module, "marked", lambda found, _points: tuple(d for d in found if d.score >= 0.5))


def shorter_side_scales_back(module: ModuleType) -> None:
    """Boxes come back by the scale of the shorter side (device_sw.detector.postprocess)."""

    def detection(original: Any, box: Any, finding: Any, score: float, letterbox: Any) -> Any:
        ratio = min(letterbox.rows, letterbox.columns) / max(letterbox.rows, letterbox.columns)
        return original([edge * ratio for edge in box], finding, score, letterbox)

    wrap(module, "_detection", detection)


def sides_swapped(module: ModuleType) -> None:
    """Boxes are clipped to a film whose rows and columns are exchanged (device_sw.detector.postprocess)."""

    def detection(original: Any, box: Any, finding: Any, score: float, letterbox: Any) -> Any:
        return original(box, finding, score, changed(letterbox, rows=letterbox.columns, columns=letterbox.rows))

    wrap(module, "_detection", detection)


def padding_shown_with_the_film(module: ModuleType) -> None:
    """The map of the whole network input is laid over the film (device_sw.explanation.eigencam)."""

    def to_film(_original: Any, grid: Any, _cells: Any, frame: Any) -> Any:
        resized = Image.fromarray(grid, mode="F").resize((frame.columns, frame.rows), Image.Resampling.BILINEAR)
        return np.clip(np.asarray(resized, dtype=np.float32), 0.0, 1.0)

    replace(module, "_on_film", lambda features, _frame: features)
    wrap(module, "_to_film", to_film)


def constant_map_drawn(module: ModuleType) -> None:
    """Constant features are drawn as a map (device_sw.explanation.eigencam)."""

    def first(original: Any, samples: Any) -> Any:
        found = original(samples)
        return np.full(samples.shape[0], 0.5) if found is None else found

    wrap(module, "_first_component", first)


def map_claims_evidence(module: ModuleType) -> None:
    """The label calls the map the place of the finding (device_sw.explanation.eigencam)."""
    wrap(
        module,
        "eigencam",
        lambda original, *arguments: changed(original(*arguments), label="EigenCAM: the evidence for the findings marked."),
    )


def any_engine_accepted(module: ModuleType) -> None:
    """Nobody asks which engine, version and precision the bundle was released with."""
    replace(module, "_require_engine", nothing)


def parity_not_required(module: ModuleType) -> None:
    """A bundle needs no passed parity check (device_sw.detector.parity)."""
    replace(module, "require_parity", nothing)


def parity_of_boxes_only(module: ModuleType) -> None:
    """The parity check does not look at scores (device_sw.detector.parity)."""
    wrap(module, "measure", lambda original, *arguments: changed(original(*arguments), max_score=0.0, max_box_px=0.0))


def self_test_on_the_trained_network(module: ModuleType) -> None:
    """The golden inputs run on the trained network and not on the engine."""

    def difference(self: Any, name: str) -> Any:
        from device_sw.detector.eager import EagerDetector  # noqa: PLC0415  after the numeric environment, as in the device

        golden = self._bundle.golden_outputs[name]
        film = module.ModelInput(self._bundle.golden_inputs[name], golden.letterbox)
        found = module.detections_to_json(EagerDetector(self._bundle).candidates(film))
        return module.difference(found, golden.candidates, self._bundle.settings.score_floor)

    replace(module, "Detector._golden_difference", difference)


def precision_left_to_the_engine(module: ModuleType) -> None:
    """Weights are kept and multiplied in half the bits (device_sw.detector.layers)."""
    wrap(
        module,
        "Layers.tensor",
        lambda original, *arguments: (original(*arguments).view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32),
    )


def numbers_follow_the_threads(module: ModuleType) -> None:
    """The sums depend on how many threads made them (device_sw.detector.engine)."""

    def build(original: Any, self: Any, shape: Any, weights: Any, threads: int = module.THREADS) -> None:
        original(self, shape, {name: value * np.float32(1 + 1e-7 * threads) for name, value in weights.items()}, threads)

    wrap(module, "CompiledNetwork.__init__", build)


def linear_layers_as_products(module: ModuleType) -> None:
    """Linear layers are products of matrices, for which the engine takes a library that knows no limit (device_sw.detector.engine)."""

    def product(x: Any, weights: Any, bias: Any) -> Any:
        return module.ops.add(module.ops.matmul(x, weights, transpose_a=False, transpose_b=True), bias[None])

    replace(module, "linear", product)


def usage_statistics_loaded(module: ModuleType) -> None:
    """The engine's usage statistics are loaded with it (device_sw.detector.engine)."""

    def build(original: Any, *arguments: Any, **options: Any) -> None:
        import_module("openvino_telemetry")
        original(*arguments, **options)

    wrap(module, "CompiledNetwork.__init__", build)
