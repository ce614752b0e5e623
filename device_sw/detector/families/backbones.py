"""Backbones by name, each giving features at the strides asked for, and the feature pyramid on top of any of them.

Batch normalisation is replaced: by group normalisation, or by the frozen statistics of the training that the weights come from. Every backbone sees the film
and its local contrast; `body` keeps torchvision's names, so that published weights find their places.

Source: Lin et al. 2017 (arXiv:1612.03144); Wu and He 2018 (arXiv:1803.08494).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, cast

from torch import Tensor, nn
from torchvision.models import mobilenet_v3_large, resnet50
from torchvision.models._utils import IntermediateLayerGetter
from torchvision.ops import FeaturePyramidNetwork
from torchvision.ops.misc import FrozenBatchNorm2d

from device_sw.detector.families.backbone_sizes import MobileNetSizes, ResidualSizes
from device_sw.detector.families.local_contrast import CHANNELS, with_local_contrast
from device_sw.detector.families.residual import ResidualBody

if TYPE_CHECKING:
    from collections import OrderedDict
    from collections.abc import Callable, Sequence

    from device_sw.detector.families.backbone_sizes import BackboneSizes

GROUPS = 8
"""Groups of a group normalisation; every width of these networks is a multiple."""

_RESNET_LAYERS = {4: ("layer1", 256), 8: ("layer2", 512), 16: ("layer3", 1024), 32: ("layer4", 2048)}
_MOBILENET_LAYERS = {4: ("3", 24), 8: ("6", 40), 16: ("12", 112), 32: ("16", 960)}
"""Stride -> the last block there and its channels."""

group_norm = partial(nn.GroupNorm, GROUPS)
"""A group normalisation of so many channels."""


def norm_named(name: str) -> Callable[[int], nn.Module]:
    """Return what makes a normalisation of so many channels: ``group`` or ``frozen``."""
    made: dict[str, Callable[[int], nn.Module]] = {"group": group_norm, "frozen": FrozenBatchNorm2d}
    return made[name]


class PublishedBody(IntermediateLayerGetter):  # type: ignore[misc]  # torchvision ships no type stubs
    """A backbone of torchvision with two input channels, cut off after the last level; maps (N, 2, H, W) to the levels, finest first."""

    def __init__(self, layers: nn.Module, taken: dict[str, tuple[str, int]]) -> None:
        """Take the layers named: level -> (layer, channels)."""
        super().__init__(layers, {layer: level for level, (layer, _) in taken.items()})
        self.out_channels: list[int] = [channels for _, channels in taken.values()]


def body(sizes: BackboneSizes, strides: Sequence[int]) -> ResidualBody | PublishedBody:
    """Return a backbone that gives features at these strides, finest first; `out_channels` lists their channels."""
    if isinstance(sizes, ResidualSizes):
        return ResidualBody(sizes.widths, sizes.blocks, strides)
    return mobilenet(sizes.norm, strides) if isinstance(sizes, MobileNetSizes) else _resnet(sizes.norm, strides)


def mobilenet(norm: str, strides: Sequence[int]) -> PublishedBody:
    """Return MobileNetV3-Large with features at these strides."""
    layers: Any = mobilenet_v3_large(norm_layer=norm_named(norm)).features
    layers[0][0] = nn.Conv2d(CHANNELS, 16, 3, 2, 1, bias=False)
    return PublishedBody(layers, {f"s{stride}": _MOBILENET_LAYERS[stride] for stride in strides})


def _resnet(norm: str, strides: Sequence[int]) -> PublishedBody:
    network: Any = resnet50(norm_layer=norm_named(norm))
    network.conv1 = nn.Conv2d(CHANNELS, 64, 7, 2, 3, bias=False)
    return PublishedBody(network, {f"s{stride}": _RESNET_LAYERS[stride] for stride in strides})


class PyramidOn(nn.Module):
    """A feature pyramid on a backbone; what torchvision's detectors ask of one."""

    def __init__(self, sizes: BackboneSizes, strides: Sequence[int], channels: int) -> None:
        """Build the backbone with levels at these strides, and bring them to one width."""
        super().__init__()
        self.body = body(sizes, strides)
        self.fpn = FeaturePyramidNetwork(self.body.out_channels, channels)
        self.out_channels = channels

    def forward(self, x: Tensor) -> OrderedDict[str, Tensor]:
        """Map (N, 1, H, W) to the pyramid's levels, finest first."""
        return cast("OrderedDict[str, Tensor]", self.fpn(self.body(with_local_contrast(x))))
