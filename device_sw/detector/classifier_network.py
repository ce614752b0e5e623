"""The classifier in PyTorch, as it is trained: the reference of its parity check. Nothing here is imported while films are analysed.

The trunk is the detector's: film and local contrast, stem, stages of residual blocks with group normalisation. The means of each channel in a grid of cells go to one linear
layer, whose output is the logit that the film shows a finding. The grid, because means and maxima over the whole film told films with findings from others no better than chance.

Source: He et al. 2016 (arXiv:1512.03385); Wu and He 2018, Group Normalization (arXiv:1803.08494).
"""

from __future__ import annotations

from collections import OrderedDict
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from device_sw.detector.classifier import CLASSIFIER_WEIGHTS, GRID
from device_sw.detector.families.local_contrast import local_contrast
from device_sw.detector.families.residual import ResidualBlock
from device_sw.errors import BundleError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from device_sw.detector.classifier import ClassifierShape


class ClassifierNetwork(nn.Module):
    """Film -> logit that it shows a finding."""

    def __init__(self, shape: ClassifierShape) -> None:
        """Build the layers with weights undefined; the caller loads or initialises every one of them."""
        super().__init__()
        widths = shape.widths
        self.stem = nn.Sequential(
            OrderedDict(conv=nn.Conv2d(2, widths[0], 3, 2, 1, bias=False), norm=nn.GroupNorm(8, widths[0]), relu=nn.ReLU())
        )
        self.stages = nn.ModuleList(
            nn.Sequential(*(ResidualBlock(a if block == 0 else b, b, 2 if block == 0 else 1) for block in range(shape.blocks)))
            for a, b in pairwise(widths)
        )
        self.head = nn.Linear(shape.features, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, 1, S, S) in [0, 1] to (N,) logits."""
        logits: Tensor = self.head(self.features(x))[:, 0]
        return logits

    def features(self, x: Tensor) -> Tensor:
        """Map (N, 1, S, S) in [0, 1] to the (N, features) values that the linear layer reads: channel by channel, cell by cell, row by row."""
        centred = (x - 0.5) / 0.25
        y = self.stem(torch.cat([centred, local_contrast(centred)], dim=1))
        for stage in self.stages:
            y = stage(y)
        return functional.avg_pool2d(y, y.shape[-1] // GRID).flatten(1)


class EagerClassifier:
    """The trained classifier with given weights."""

    def __init__(self, shape: ClassifierShape, weights: Mapping[str, NDArray[np.float32]]) -> None:
        """Build the network and load the weights.

        Raises:
            BundleError: BND-WEIGHTS, the weights do not fit the shape.
        """
        self._network = ClassifierNetwork(shape).eval()
        try:
            self._network.load_state_dict(
                {name: torch.from_numpy(np.array(value)) for name, value in weights.items()}, strict=True
            )
        except RuntimeError as err:
            raise BundleError(
                "BND-WEIGHTS",
                where=CLASSIFIER_WEIGHTS,
                found="tensors that do not fit the shape of the classifier",
                expected="exactly the tensors of that shape",
                repair="restore the bundle from its release",
            ) from err

    def score(self, pixels: NDArray[np.float32]) -> float:
        """Return the score of one film, (S, S) float32 in [0, 1]."""
        with torch.inference_mode():
            logit = self._network(torch.from_numpy(np.array(pixels, dtype=np.float32))[None, None])
        return float(torch.sigmoid(logit)[0])
