"""Runs the verified network on one film at a time, and proves on golden inputs that this machine computes what was released.

One film at a time, because the result of a film must not depend on its neighbours in a batch. No randomness, no gradients, no training library: the
network is computed by the engine of `device_sw.detector.engine`, boxes by `device_sw.detector.regions`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from device_sw.detector import engine
from device_sw.detector.architecture import FasterRCNNSmall
from device_sw.detector.parity import PARITY_BOX_PX, PARITY_SCORE, detections_to_json, difference
from device_sw.detector.postprocess import candidates, named
from device_sw.detector.regions import DETECTIONS
from device_sw.detector.small_network import SmallNetwork
from device_sw.errors import BundleError, InferenceFailed
from device_sw.types import Detection, EngineIdentity, ModelInput, NetworkBox

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from device_sw.detector.bundle import Bundle
    from device_sw.detector.small_network import FilmAnswer
    from device_sw.settings import ReleasedEngine

__all__ = ["Detector", "DetectorOutput", "SelfTest", "detections_to_json", "difference"]


@dataclass(frozen=True)
class DetectorOutput:
    """What the network says of one film.

    ``candidates`` are in film coordinates, best first, everything above the score floor. ``features`` is (C, h, w) float32, the pyramid level the
    explanation uses, and None where it was not asked for. ``boxes`` is what the network gave, before boxes beside the film were dropped.
    """

    candidates: tuple[Detection, ...]
    features: NDArray[np.float32] | None
    boxes: tuple[NetworkBox, ...] = ()


@dataclass(frozen=True)
class SelfTest:
    """The comparison with the golden outputs: largest differences over all golden films, and the verdict."""

    films: int
    max_box_px: float
    max_score: float
    passed: bool


class Detector:
    """A network with the weights of one verified bundle, on the engine the bundle was released with."""

    def __init__(self, bundle: Bundle) -> None:
        """Compile the network for this processor.

        Raises:
            BundleError: BND-ENGINE, the bundle was released with another engine; BND-PRECISION, or with another precision than float32;
                BND-WEIGHTS, the weights do not fit the architecture.
        """
        _require_engine(bundle.settings.engine)
        self._bundle = bundle
        self._network = _network(bundle)

    def detect(self, model_input: ModelInput) -> DetectorOutput:
        """Return candidates and features of one film.

        Raises:
            InferenceFailed: INF-SHAPE, the input is not of the network's size; INF-NONFINITE, the network gave a number that is not finite.
        """
        _require_size(model_input.pixels, self._bundle.architecture.input_size)
        answer = self._network.answer(model_input.pixels)
        found = answer.boxes
        boxes, labels, scores = found.boxes.tolist(), found.labels.tolist(), found.scores.tolist()
        findings = self._bundle.settings.findings
        return DetectorOutput(
            candidates(boxes, labels, scores, findings, model_input.letterbox),
            answer.features,
            named(boxes, labels, scores, findings),
        )

    def candidates(self, model_input: ModelInput) -> tuple[Detection, ...]:
        """Return the candidates of one film, as `detect` does."""
        return self.detect(model_input).candidates

    @property
    def identity(self) -> EngineIdentity:
        """What computes here, and what the network drops boxes by inside itself."""
        filters = {**self._bundle.architecture.filters(), "boxes": DETECTIONS}
        return EngineIdentity(engine.NAME, engine.VERSION, engine.PRECISION, engine.instruction_set(), filters)

    def self_test(self) -> SelfTest:
        """Run the golden inputs and compare with the golden outputs (tolerance 0.5 px and 1e-4)."""
        films = sorted(self._bundle.golden_outputs)
        if not films or set(films) != set(self._bundle.golden_inputs):
            return SelfTest(films=0, max_box_px=float("inf"), max_score=float("inf"), passed=False)
        differences = [self._golden_difference(name) for name in films]
        box, score = (max(values) for values in zip(*differences, strict=True))
        return SelfTest(len(films), box, score, passed=box <= PARITY_BOX_PX and score <= PARITY_SCORE)

    def _golden_difference(self, name: str) -> tuple[float, float]:
        golden = self._bundle.golden_outputs[name]
        found = self.detect(ModelInput(self._bundle.golden_inputs[name], golden.letterbox)).candidates
        return difference(detections_to_json(found), golden.candidates, self._bundle.settings.score_floor)


class _Network(Protocol):
    """A network of any family, ready to answer."""

    def answer(self, pixels: NDArray[np.float32]) -> FilmAnswer:
        """Return what the network says of (side, side) pixels in [0, 1]."""


def _network(bundle: Bundle) -> _Network:
    if isinstance(bundle.architecture, FasterRCNNSmall):
        return SmallNetwork(bundle.architecture, bundle.weights)
    from device_sw.detector.translated_network import TranslatedNetwork  # noqa: PLC0415 - the canonical family does without PyTorch

    return TranslatedNetwork(bundle)


def _require_engine(released: ReleasedEngine) -> None:
    """Refuse a bundle that was released with another engine, version or precision than this device has: its numbers were never compared here."""
    if released.precision != engine.PRECISION:
        raise BundleError(
            "BND-PRECISION",
            where="model.json engine",
            found=f"precision {released.precision!r}",
            expected=repr(engine.PRECISION),
            repair="use a bundle made for this device version",
        )
    if (released.name, released.version) != (engine.NAME, engine.VERSION):
        raise BundleError(
            "BND-ENGINE",
            where="model.json engine",
            found=f"{released.name} {released.version}",
            expected=f"{engine.NAME} {engine.VERSION}",
            repair="install the device with its locked libraries, or use a bundle made for this device version",
        )


def _require_size(pixels: NDArray[np.float32], size: int) -> None:
    if pixels.shape != (size, size):
        raise InferenceFailed(
            "INF-SHAPE",
            where="network input",
            found=f"an array of shape {pixels.shape}",
            expected=f"({size}, {size})",
            repair="prepare the film with the bundle's input size",
        )
