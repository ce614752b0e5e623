"""The numbers of `model.json` that shape a network, one frozen value a detector family, without the library that trains it.

A family is chosen by its name: `train.network.family` of params.yaml when it is trained, `architecture.family` of `model.json` when it is run. What a
family needs besides what every detector has are the fields of its class; nothing is optional, and a field that a family does not know is an error.
`device_sw.detector.families.registry` builds the network of each in PyTorch.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar

PYRAMID_STRIDES = (4, 8, 16)
"""Network pixels per cell of each level of the small backbone's pyramid, finest first."""

AnchorSizes = tuple[tuple[tuple[float, float], ...], ...]
"""For each pyramid level, finest first, the (width, height) of its anchors in network pixels."""

FROM_DATA = ("classes", "input_size", "score_floor", "nms_iou", "anchors")
"""The fields that params.yaml does not give among the sizes of a network: the data or other parameters decide them."""

NMS_IOU = 0.4
"""Two boxes of one finding that overlap more are one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """What every detector has.

    Attributes:
        classes: number of findings, background not counted.
        input_size: side of the square input, pixels.
        score_floor: boxes that score lower are dropped inside the network.
        nms_iou: two boxes of one finding that overlap more are one.
    """

    family: ClassVar[str]
    """The name by which the family is chosen."""

    strides: ClassVar[tuple[int, ...]]
    """Network pixels per cell of each level whose features are detected on, finest first."""

    explained_level: ClassVar[int]
    """The level whose features the class-agnostic explanation and the comparison with the training films use: stride 8."""

    classes: int
    input_size: int
    score_floor: float
    nms_iou: float = NMS_IOU

    def __post_init__(self) -> None:
        """Refuse what is no such network: the strides have to divide the input."""
        if self.input_size <= 0 or self.input_size % 32:
            raise ValueError(f"the network input's side must be a multiple of 32, got {self.input_size}")

    @property
    def sides(self) -> tuple[int, ...]:
        """Side of each level in cells, finest first."""
        return tuple(-(-self.input_size // stride) for stride in self.strides)

    def filters(self) -> dict[str, float]:
        """Return what the network drops boxes by inside itself: name -> value."""
        return {"score_floor": self.score_floor, "nms_iou": self.nms_iou}

    @classmethod
    def sizes(cls) -> frozenset[str]:
        """Return the fields that params.yaml gives; `anchors_per_level` stands for the anchors, which are fitted to the training boxes.

        >>> sorted(FasterRCNNSmall.sizes())
        ['anchors_per_level', 'blocks', 'box_head', 'proposals_test', 'proposals_train', 'pyramid', 'widths']
        """
        names = {field.name for field in fields(cls)}
        fitted = {"anchors_per_level"} if "anchors" in names else set()
        return frozenset(names - set(FROM_DATA) | fitted)

    def to_json(self) -> dict[str, Any]:
        """Return the family and the fields as JSON values."""
        return {"family": self.family, **asdict(self)}


@dataclass(frozen=True, slots=True, kw_only=True)
class FasterRCNNSmall(Architecture):
    """The Faster R-CNN of the canonical run: small residual backbone, feature pyramid at strides 4, 8 and 16, region proposals, box head.

    Attributes:
        widths: channels of the stem and of the stages at strides 4, 8 and 16.
        blocks: residual blocks a stage.
        pyramid: channels of the feature pyramid.
        box_head: units of each of the two layers of the box head.
        proposals_train: region proposals kept for training, a film.
        proposals_test: region proposals kept for inference, a film.
        anchors: for each pyramid level the (width, height) of its anchors, network pixels.
    """

    family: ClassVar[str] = "faster_rcnn_small"
    strides: ClassVar[tuple[int, ...]] = PYRAMID_STRIDES
    explained_level: ClassVar[int] = 1

    widths: tuple[int, ...]
    blocks: int
    pyramid: int
    box_head: int
    proposals_train: int
    proposals_test: int
    anchors: AnchorSizes

    def __post_init__(self) -> None:
        """Refuse what is no such network: each level needs width and anchors."""
        Architecture.__post_init__(self)
        levels = len(self.strides)
        if len(self.anchors) != levels or len(self.widths) != levels + 1:
            raise ValueError(f"a network of {levels} pyramid levels needs {levels} lists of anchors and {levels + 1} widths")

    def filters(self) -> dict[str, float]:
        """Return what the network drops boxes by inside itself: name -> value."""
        return {**Architecture.filters(self), "proposals": self.proposals_test}


ARCHITECTURES: dict[str, type[Architecture]] = {kind.family: kind for kind in (FasterRCNNSmall,)}
"""Every family by its name."""


def family_named(name: str) -> type[Architecture]:
    """Return the architecture of a family.

    Raises:
        ValueError: there is no such family.
    """
    if name not in ARCHITECTURES:
        raise ValueError(f"no detector family {name!r}; known are {', '.join(ARCHITECTURES)}")
    return ARCHITECTURES[name]


def architecture_from_json(values: dict[str, Any]) -> Architecture:
    """Build the architecture of any family from JSON values; one without a family is of `faster_rcnn_small`, as bundles were before there were others.

    Raises:
        TypeError: a field is missing or unknown.
        ValueError: there is no such family, or the numbers are no such network's.

    >>> levels = [[[8.0, 8.0]], [[16.0, 16.0]], [[32.0, 32.0]]]
    >>> numbers = dict(classes=1, input_size=64, blocks=1, pyramid=8, box_head=16, proposals_train=10, proposals_test=5)
    >>> made = architecture_from_json({**numbers, "widths": [8, 8, 8, 8], "anchors": levels, "score_floor": 0.05, "nms_iou": 0.4})
    >>> made.sides, architecture_from_json(made.to_json()) == made
    ((16, 8, 4), True)
    """
    kind = family_named(values.get("family", FasterRCNNSmall.family))
    given = {name: _frozen(value) for name, value in values.items() if name != "family"}
    missing = {field.name for field in fields(kind)} - set(given)
    if missing:
        raise TypeError(f"{kind.family} without {', '.join(sorted(missing))}")
    return kind(**given)


def _frozen(value: Any) -> Any:
    """Return JSON lists as tuples, and the numbers of nested ones (sizes of anchors) as floats."""
    if not isinstance(value, (list, tuple)):
        return value
    return tuple(tuple((float(w), float(h)) for w, h in level) if isinstance(level, (list, tuple)) else level for level in value)
