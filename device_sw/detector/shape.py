"""The numbers of `model.json` that shape the network, without the library that trains it: what the engine and the region arithmetic read.

The fields are those of `device_sw.detector.architecture.Architecture`, which builds the same network in PyTorch; a test holds the two equal.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

PYRAMID_STRIDES = (4, 8, 16)
"""Network pixels per cell of each pyramid level, finest first."""

EXPLAINED_LEVEL = 1
"""The level whose features the class-agnostic explanation uses: stride 8."""


@dataclass(frozen=True, slots=True)
class NetworkShape:
    """Every number that shapes the network; see `device_sw.detector.architecture.Architecture` for each."""

    classes: int
    input_size: int
    widths: tuple[int, ...]
    blocks: int
    pyramid: int
    box_head: int
    proposals_train: int
    proposals_test: int
    anchors: tuple[tuple[tuple[float, float], ...], ...]
    score_floor: float
    nms_iou: float

    def __post_init__(self) -> None:
        """Refuse what is no such network: the levels' strides have to divide the input, and each level needs width and anchors."""
        levels = len(PYRAMID_STRIDES)
        if len(self.anchors) != levels or len(self.widths) != levels + 1:
            raise ValueError(f"a network of {levels} pyramid levels needs {levels} lists of anchors and {levels + 1} widths")
        if self.input_size <= 0 or self.input_size % 32:
            raise ValueError(f"the network input's side must be a multiple of 32, got {self.input_size}")

    @property
    def sides(self) -> tuple[int, ...]:
        """Side of each pyramid level in cells, finest first."""
        return tuple(self.input_size // stride for stride in PYRAMID_STRIDES)

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> NetworkShape:
        """Build from JSON values.

        Raises:
            TypeError: a field is missing or unknown.
            ValueError: the numbers are no such network's.

        >>> levels = [[[8.0, 8.0]], [[16.0, 16.0]], [[32.0, 32.0]]]
        >>> numbers = dict(classes=1, input_size=64, blocks=1, pyramid=8, box_head=16, proposals_train=10, proposals_test=5)
        >>> shape = NetworkShape.from_json({**numbers, "widths": [8, 8, 8, 8], "anchors": levels, "score_floor": 0.05, "nms_iou": 0.4})
        >>> shape.sides
        (16, 8, 4)
        """
        anchors = tuple(tuple((float(w), float(h)) for w, h in level) for level in values["anchors"])
        return cls(**{**values, "widths": tuple(values["widths"]), "anchors": anchors})
