"""The numbers of each backbone by its name, without the library that trains it: the object under `architecture.backbone` of `model.json`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

NORMS = ("group", "frozen")
"""What may stand in the place of batch normalisation: nothing may look at a film's neighbours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidualSizes:
    """A residual backbone of our own: stem at stride 2, then stages at strides 4, 8, 16 and 32, group normalisation.

    Attributes:
        widths: channels of the stem and of the four stages.
        blocks: residual blocks a stage.
    """

    name: ClassVar[str] = "residual"

    widths: tuple[int, ...]
    blocks: int

    def __post_init__(self) -> None:
        """Refuse what is no such backbone."""
        require_groups(self.widths)
        if len(self.widths) != 5 or self.blocks < 1:
            raise ValueError(f"a residual backbone needs 5 widths and a block a stage, got {self.widths} and {self.blocks}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _NormalisedSizes:
    """A published backbone whose batch normalisation is replaced: by group normalisation, or by the published statistics, frozen.

    Attributes:
        norm: ``group``, or ``frozen`` where the weights are taken over from a training that had batch statistics.
    """

    name: ClassVar[str]

    norm: str

    def __post_init__(self) -> None:
        """Refuse a norm that looks at a batch, and any other."""
        if self.norm not in NORMS:
            raise ValueError(f"the norm of a backbone must be one of {', '.join(NORMS)}, got {self.norm!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class MobileNetSizes(_NormalisedSizes):
    """MobileNetV3-Large (Howard et al. 2019, arXiv:1905.02244)."""

    name: ClassVar[str] = "mobilenet_v3_large"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResNetSizes(_NormalisedSizes):
    """ResNet-50 (He et al. 2016, arXiv:1512.03385)."""

    name: ClassVar[str] = "resnet50"


BackboneSizes = ResidualSizes | MobileNetSizes | ResNetSizes
BACKBONES: dict[str, type[BackboneSizes]] = {kind.name: kind for kind in (ResidualSizes, MobileNetSizes, ResNetSizes)}
"""Every backbone by its name."""


def require_groups(widths: tuple[int, ...], groups: int = 8) -> None:
    """Refuse widths that a group normalisation cannot divide.

    Raises:
        ValueError: a width is no positive multiple.
    """
    if not all(width > 0 and width % groups == 0 for width in widths):
        raise ValueError(f"widths must be multiples of {groups}, got {widths}")
