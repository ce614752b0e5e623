"""Turns the network's scores into calibrated ones, finding by finding, by the curves of the bundle.

A network's score orders its boxes and says little else. After calibration it says how many boxes of that finding and score lay right among the films of
the fit: of a hundred boxes that score 0.3, thirty overlap a true box by half or more. That holds for films like those of the fit only (the shipped bundle:
phantom films), and it is a statement on boxes, not a probability of disease. A curve rises, so within a finding no order changes, and no average
precision with it.

Source: Küppers et al., "Multivariate Confidence Calibration for Object Detection", CVPR-W 2020 (arXiv:2004.13546).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from device_sw.settings import DeviceSettings
    from device_sw.types import Detection


def calibrated(found: Iterable[Detection], settings: DeviceSettings) -> tuple[Detection, ...]:
    """Return the candidates with calibrated scores, best first; equal scores keep finding order, then box order."""
    order = {name: index for index, name in enumerate(settings.findings)}
    scored = (replace(d, score=settings.calibration[d.finding].calibrated(d.score)) for d in found)
    return tuple(sorted(scored, key=lambda d: (-d.score, order[d.finding], d.box.as_tuple())))
