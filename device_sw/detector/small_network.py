"""Faster R-CNN small on the engine: film -> maps -> region proposals -> answers -> boxes, each step in float32, no training library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from device_sw.detector.engine import CompiledNetwork
from device_sw.detector.regions import Answered, anchor_boxes, answered, proposals, require_finite

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from device_sw.detector.architecture import FasterRCNNSmall


@dataclass(frozen=True, slots=True, eq=False)
class FilmAnswer:
    """What a network says of one film: its boxes, and the (C, h, w) float32 features of the level that the explanation uses."""

    boxes: Answered
    features: NDArray[np.float32]


class SmallNetwork:
    """The canonical network, compiled for this processor."""

    def __init__(self, architecture: FasterRCNNSmall, weights: Mapping[str, NDArray[np.float32]]) -> None:
        """Compile.

        Raises:
            BundleError: BND-WEIGHTS, the weights are not exactly those of the architecture; BND-PRECISION, the engine would not compute in float32.
        """
        self._architecture = architecture
        self._network = CompiledNetwork(architecture, weights)
        self._anchors = anchor_boxes(architecture)

    def answer(self, pixels: NDArray[np.float32]) -> FilmAnswer:
        """Return what the network says of (side, side) pixels in [0, 1].

        Raises:
            InferenceFailed: INF-NONFINITE, the network gave a number that is not finite.
        """
        maps = self._network.maps(np.ascontiguousarray(pixels, dtype=np.float32))
        require_finite(maps.variances, *maps.features, *maps.objectness, *maps.offsets)
        regions = proposals(maps, self._anchors, self._architecture)
        answers = self._network.answers(maps.features, regions.by_level)
        require_finite(answers.logits, answers.offsets, answers.hidden)
        found = answered(answers, regions.boxes, self._architecture)
        features = np.ascontiguousarray(maps.features[self._architecture.explained_level].transpose(2, 0, 1))
        return FilmAnswer(found, features)
