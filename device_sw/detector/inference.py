"""Runs the verified network on one film at a time, and proves on golden inputs that this machine computes what was released.

One film at a time, because the result of a film must not depend on its neighbours in a batch. No randomness, no gradients.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from device_sw.detector.architecture import EXPLAINED_LEVEL, build
from device_sw.detector.postprocess import candidates, named
from device_sw.errors import BundleError, InferenceFailed
from device_sw.types import Detection, EngineIdentity, Letterbox, ModelInput, NetworkBox

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torchvision.models.detection import FasterRCNN

    from device_sw.detector.bundle import Bundle

PARITY_BOX_PX = 0.5
"""Largest difference of a box edge on golden inputs, film pixels."""

PARITY_SCORE = 1e-4
"""Largest difference of a score on golden inputs."""

_NEAR_PX = 4 * PARITY_BOX_PX
"""Boxes farther apart than this are not the same candidate."""


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
    """A network with the weights of one verified bundle."""

    def __init__(self, bundle: Bundle) -> None:
        """Build the network and load the weights.

        Raises:
            BundleError: BND-WEIGHTS, the weights do not fit the architecture.
        """
        self._bundle = bundle
        self._network = eager_network(bundle)
        self._features: dict[str, torch.Tensor] = {}
        self._network.backbone.register_forward_hook(self._keep_features)
        for head in (self._network.rpn.head, self._network.roi_heads.box_predictor):
            head.register_forward_hook(_require_finite)

    def _keep_features(self, _module: object, _inputs: object, output: dict[str, torch.Tensor]) -> None:
        self._features = output

    def detect(self, model_input: ModelInput) -> DetectorOutput:
        """Return candidates and features of one film.

        Raises:
            InferenceFailed: INF-SHAPE, the input is not of the network's size; INF-NONFINITE, the network gave a number that is not finite.
        """
        size = self._bundle.settings.input_size
        if model_input.pixels.shape != (size, size):
            raise InferenceFailed(
                "INF-SHAPE",
                where="network input",
                found=f"an array of shape {model_input.pixels.shape}",
                expected=f"({size}, {size})",
                repair="prepare the film with the bundle's input size",
            )
        with torch.inference_mode():
            output = self._network([torch.from_numpy(np.ascontiguousarray(model_input.pixels))[None]])[0]
        boxes, labels, scores = (output[name].tolist() for name in ("boxes", "labels", "scores"))
        findings = self._bundle.settings.findings
        return DetectorOutput(
            candidates(boxes, labels, scores, findings, model_input.letterbox),
            self._features[EXPLAINED_LEVEL][0].numpy().copy(),
            named(boxes, labels, scores, findings),
        )

    @property
    def identity(self) -> EngineIdentity:
        """What computes here, and what the network drops boxes by inside itself."""
        architecture = self._bundle.architecture
        filters = {
            "score_floor": architecture.score_floor,
            "nms_iou": architecture.nms_iou,
            "proposals": architecture.proposals_test,
            "boxes": self._network.roi_heads.detections_per_img,
        }
        return EngineIdentity("torch eager", str(torch.__version__), "float32", torch.backends.cpu.get_cpu_capability(), filters)

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
        found = self.detect(ModelInput(self._bundle.golden_inputs[name].numpy(), Letterbox(**golden["letterbox"]))).candidates
        return difference(detections_to_json(found), golden["candidates"], self._bundle.settings.score_floor)


def _require_finite(_module: object, _inputs: object, output: tuple[Any, ...]) -> None:
    """Stop at the first number that is not finite: torchvision would drop such boxes, and the film would come out as one without findings."""
    tensors = [tensor for part in output for tensor in (part if isinstance(part, list) else [part])]
    if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors):
        raise InferenceFailed(
            "INF-NONFINITE",
            where="network",
            found="a score or box offset that is not finite",
            expected="finite numbers",
            repair="run `thoratrace self-test`; if it passes, report the input's content hash to the manufacturer",
        )


def eager_network(bundle: Bundle) -> FasterRCNN:
    """Build the network with the weights of a verified bundle, in evaluation mode.

    Raises:
        BundleError: BND-WEIGHTS, the weights do not fit the architecture.
    """
    network = build(bundle.architecture)
    try:
        network.load_state_dict(bundle.weights, strict=True)
    except RuntimeError as err:
        raise BundleError(
            "BND-WEIGHTS",
            where="weights.safetensors",
            found="tensors that do not fit the architecture in model.json",
            expected="exactly the tensors of that architecture",
            repair="restore the bundle from its release",
        ) from err
    return network.eval()


def detections_to_json(found: Sequence[Detection]) -> list[dict[str, Any]]:
    """Return detections as JSON values, in the order given."""
    return [{"finding": d.finding, "box": list(d.box.as_tuple()), "score": d.score} for d in found]


def difference(found: Sequence[dict[str, Any]], golden: Sequence[dict[str, Any]], floor: float) -> tuple[float, float]:
    """Return the largest box and score difference between two lists of candidates.

    Each golden candidate is compared with the nearest one of the same finding that is left. One that has no counterpart makes both differences
    infinite, unless its score lies within the score tolerance of the floor, where a rounding may drop it.

    >>> a = [{"finding": "scoliosis", "box": [0.0, 0.0, 2.0, 2.0], "score": 0.5}]
    >>> difference(a, a, 0.1), difference(a, [], 0.1), difference([], a, 0.49995)
    ((0.0, 0.0), (inf, inf), (0.0, 0.0))
    """
    left, unmatched, pairs = list(found), [], []
    for expected in golden:
        same = [candidate for candidate in left if candidate["finding"] == expected["finding"]]
        nearest = min(same, key=lambda candidate: _edge_difference(candidate, expected), default=None)
        if nearest is not None and _edge_difference(nearest, expected) <= _NEAR_PX:
            left.remove(nearest)
            pairs.append((nearest, expected))
        else:
            unmatched.append(expected)
    if any(single["score"] > floor + PARITY_SCORE for single in (*left, *unmatched)):
        return (float("inf"), float("inf"))
    boxes = [_edge_difference(a, b) for a, b in pairs]
    return (max(boxes, default=0.0), max((abs(a["score"] - b["score"]) for a, b in pairs), default=0.0))


def _edge_difference(one: dict[str, Any], other: dict[str, Any]) -> float:
    return max(float(abs(a - b)) for a, b in zip(one["box"], other["box"], strict=True))
