"""The numbers of `model.json` that shape a network, one frozen value a detector family, without the library that trains it.

A family is chosen by its name: `train.network.family` of params.yaml when it is trained, `architecture.family` of `model.json` when it is run. What a
family needs besides what every detector has are the fields of its class; nothing is optional, and a field that a family does not know is an error.
`device_sw.detector.families.registry` builds the network of each in PyTorch.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, TypeVar

from device_sw.detector.families.backbone_sizes import (
    BACKBONES,
    BackboneSizes,
    MobileNetSizes,
    ResidualSizes,
    ResNetSizes,
    require_groups,
)

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
        """Refuse what is no such network: the strides have to divide the input, and a floor of 0 would answer everywhere."""
        if self.input_size <= 0 or self.input_size % 32:
            raise ValueError(f"the network input's side must be a multiple of 32, got {self.input_size}")
        if not (0.0 < self.score_floor < 1.0 and 0.0 < self.nms_iou < 1.0 and self.classes > 0):
            raise ValueError(
                "the score floor and the overlap of one finding's boxes must lie between 0 and 1, and there must be a finding"
            )

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
        return {"family": self.family, **{field.name: _to_json(getattr(self, field.name)) for field in fields(self)}}


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
        _require_anchors(self.anchors, self.strides)
        require_groups(self.widths)
        if len(self.widths) != len(self.strides) + 1:
            raise ValueError(f"a network of {len(self.strides)} levels needs {len(self.strides) + 1} widths, got {self.widths}")

    def filters(self) -> dict[str, float]:
        """Return what the network drops boxes by inside itself: name -> value."""
        return {**Architecture.filters(self), "proposals": self.proposals_test}


@dataclass(frozen=True, slots=True, kw_only=True)
class _FasterRCNNPyramid(Architecture):
    """Faster R-CNN with a feature pyramid on a published backbone.

    Attributes:
        norm: see `ResNetSizes`.
        pyramid, box_head, proposals_train, proposals_test, anchors: see `FasterRCNNSmall`.
    """

    norm: str
    pyramid: int
    box_head: int
    proposals_train: int
    proposals_test: int
    anchors: AnchorSizes

    def __post_init__(self) -> None:
        """Refuse what is no such network."""
        Architecture.__post_init__(self)
        _require_anchors(self.anchors, self.strides)
        ResNetSizes(norm=self.norm)

    def filters(self) -> dict[str, float]:
        """Return what the network drops boxes by inside itself: name -> value."""
        return {**Architecture.filters(self), "proposals": self.proposals_test}


@dataclass(frozen=True, slots=True, kw_only=True)
class FasterRCNNMobileNet(_FasterRCNNPyramid):
    """Faster R-CNN with a feature pyramid on MobileNetV3-Large."""

    family: ClassVar[str] = "faster_rcnn_mobilenet"
    strides: ClassVar[tuple[int, ...]] = (8, 16, 32)
    explained_level: ClassVar[int] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FasterRCNNResNet50(_FasterRCNNPyramid):
    """Faster R-CNN with a feature pyramid on ResNet-50."""

    family: ClassVar[str] = "faster_rcnn_resnet50"
    strides: ClassVar[tuple[int, ...]] = (4, 8, 16, 32)
    explained_level: ClassVar[int] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RetinaNet(Architecture):
    """RetinaNet: one head on a feature pyramid, focal loss (Lin et al. 2017, arXiv:1708.02002).

    Attributes:
        backbone: any of `BACKBONES`.
        pyramid: channels of the feature pyramid.
        anchors: for each pyramid level the (width, height) of its anchors, network pixels.
    """

    family: ClassVar[str] = "retinanet"
    strides: ClassVar[tuple[int, ...]] = (8, 16, 32)
    explained_level: ClassVar[int] = 0

    backbone: BackboneSizes
    pyramid: int
    anchors: AnchorSizes

    def __post_init__(self) -> None:
        """Refuse what is no such network."""
        Architecture.__post_init__(self)
        _require_anchors(self.anchors, self.strides)


@dataclass(frozen=True, slots=True, kw_only=True)
class FCOS(Architecture):
    """FCOS: no anchors, each cell says how far the edges of the box around it are (Tian et al. 2019, arXiv:1904.01355).

    Attributes:
        backbone: any of `BACKBONES`.
        pyramid: channels of the feature pyramid.
    """

    family: ClassVar[str] = "fcos"
    strides: ClassVar[tuple[int, ...]] = (8, 16, 32)
    explained_level: ClassVar[int] = 0

    backbone: BackboneSizes
    pyramid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SSD(Architecture):
    """SSD: a head of its own on each of four levels of plain convolutions (Liu et al. 2016, arXiv:1512.02325).

    Attributes:
        widths: channels of the stem and of the stages at strides 4, 8, 16, 32 and 64.
        convolutions: 3x3 convolutions a stage.
        anchors: for each level the (width, height) of its default boxes, network pixels.
    """

    family: ClassVar[str] = "ssd"
    strides: ClassVar[tuple[int, ...]] = (8, 16, 32, 64)
    explained_level: ClassVar[int] = 0

    widths: tuple[int, ...]
    convolutions: int
    anchors: AnchorSizes

    def __post_init__(self) -> None:
        """Refuse what is no such network."""
        Architecture.__post_init__(self)
        _require_anchors(self.anchors, self.strides)
        require_groups(self.widths)
        if len(self.widths) != 6 or self.convolutions < 1:
            raise ValueError(f"SSD needs 6 widths and a convolution a stage, got {self.widths} and {self.convolutions}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SSDLite(Architecture):
    """SSDlite: SSD with depthwise heads on MobileNetV3-Large (Sandler et al. 2018, arXiv:1801.04381).

    Attributes:
        norm: see `ResNetSizes`; of the backbone, the heads have group normalisation.
        anchors: for each level the (width, height) of its default boxes, network pixels.
    """

    family: ClassVar[str] = "ssdlite"
    strides: ClassVar[tuple[int, ...]] = (8, 16, 32, 64)
    explained_level: ClassVar[int] = 0

    norm: str
    anchors: AnchorSizes

    def __post_init__(self) -> None:
        """Refuse what is no such network."""
        Architecture.__post_init__(self)
        _require_anchors(self.anchors, self.strides)
        MobileNetSizes(norm=self.norm)


@dataclass(frozen=True, slots=True, kw_only=True)
class YOLO(Architecture):
    """A one-stage detector in the manner of YOLOv3, written here (Redmon and Farhadi 2018, arXiv:1804.02767).

    Attributes:
        widths: channels of the stem and of the stages at strides 4, 8, 16 and 32; those of the last three are halved twice in the pyramid.
        blocks: residual blocks a stage.
        anchors: for each level the (width, height) of its anchors, network pixels.
    """

    family: ClassVar[str] = "yolo"
    strides: ClassVar[tuple[int, ...]] = (8, 16, 32)
    explained_level: ClassVar[int] = 0

    widths: tuple[int, ...]
    blocks: int
    anchors: AnchorSizes

    def __post_init__(self) -> None:
        """Refuse what is no such network."""
        Architecture.__post_init__(self)
        _require_anchors(self.anchors, self.strides)
        ResidualSizes(widths=self.widths, blocks=self.blocks)
        require_groups(self.widths[-len(self.strides) :], 32)


def _require_anchors(anchors: AnchorSizes, strides: tuple[int, ...]) -> None:
    if len(anchors) != len(strides) or not all(anchors):
        raise ValueError(f"a network of {len(strides)} levels needs {len(strides)} lists of anchors, got {len(anchors)}")


ARCHITECTURES: dict[str, type[Architecture]] = {
    kind.family: kind for kind in (FasterRCNNSmall, FasterRCNNMobileNet, FasterRCNNResNet50, RetinaNet, FCOS, SSD, SSDLite, YOLO)
}
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
    return _strict(kind, kind.family, {name: value for name, value in values.items() if name != "family"})


_Numbers = TypeVar("_Numbers")


def _strict(kind: type[_Numbers], name: str, values: dict[str, Any]) -> _Numbers:
    missing = {field.name for field in fields(kind)} - set(values)  # type: ignore[arg-type]  # every kind is a dataclass
    if missing:
        raise TypeError(f"{name} without {', '.join(sorted(missing))}")
    return kind(**{key: _frozen(value) for key, value in values.items()})


def _backbone(values: dict[str, Any]) -> BackboneSizes:
    name = values.get("name")
    if name not in BACKBONES:
        raise ValueError(f"no backbone {name!r}; known are {', '.join(BACKBONES)}")
    return _strict(BACKBONES[name], name, {key: value for key, value in values.items() if key != "name"})


def _to_json(value: Any) -> Any:
    return {"name": value.name, **asdict(value)} if isinstance(value, BackboneSizes) else value


def _frozen(value: Any) -> Any:
    """Return JSON lists as tuples, the numbers of nested ones (sizes of anchors) as floats, and an object as the backbone that it names."""
    if isinstance(value, dict):
        return _backbone(value)
    if not isinstance(value, (list, tuple)):
        return value
    return tuple(tuple((float(w), float(h)) for w, h in level) if isinstance(level, (list, tuple)) else level for level in value)
