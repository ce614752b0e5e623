"""Heads with a sigmoid for each finding, whose columns are nevertheless counted from 1 as everywhere else: column 0 stands for no finding and never answers.

torchvision's RetinaNet and FCOS take the label as column, so that with labels from 1 a column 0 would be learned and could mark a finding that does not exist.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn import functional
from torchvision.models.detection.fcos import FCOSClassificationHead
from torchvision.models.detection.retinanet import RetinaNetClassificationHead

if TYPE_CHECKING:
    from torch import Tensor

NEVER = -100.0
"""The logit of column 0: its score is 4e-44, its loss and its gradient are 0."""


def with_empty_column(logits: Tensor) -> Tensor:
    """Put column 0 before the findings: (N, n, K) -> (N, n, K + 1)."""
    return functional.pad(logits, (1, 0), value=NEVER)


class RetinaNetFindings(RetinaNetClassificationHead):  # type: ignore[misc]  # torchvision ships no type stubs
    """RetinaNet's head for findings counted from 1."""

    def forward(self, x: list[Tensor]) -> Tensor:
        """Return (N, anchors, K + 1) logits."""
        return with_empty_column(super().forward(x))


class FCOSFindings(FCOSClassificationHead):  # type: ignore[misc]  # torchvision ships no type stubs
    """FCOS's head for findings counted from 1."""

    def forward(self, x: list[Tensor]) -> Tensor:
        """Return (N, cells, K + 1) logits."""
        return with_empty_column(super().forward(x))
