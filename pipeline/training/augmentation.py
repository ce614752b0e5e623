"""What a technologist may do to a film without changing it: a small turn and another exposure. No flips: a mirrored chest is a hazard of ours.

Every draw comes from the generator handed in, which the loop keys by (seed, step, film): the result does not depend on who computes it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import affine_transform

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How far a film may be turned (degrees) and its exposure changed (relative contrast, absolute brightness, gamma)."""

    rotation_deg: float
    exposure: float


def augment(
    pixels: NDArray[np.float32], boxes: NDArray[np.float32], augmentation: Augmentation, generator: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the film re-exposed and, every second time, turned with its boxes: resampling blurs the finest calcium, so not every showing does it.

    Args:
        pixels: (size, size) float32 in [0, 1].
        boxes: (n, 4) x0, y0, x1, y1 in pixels.
        augmentation: the limits; angle uniform in +- rotation_deg, exposure uniform in +- exposure.
        generator: source of every draw.
    """
    angle, contrast, brightness, gamma = generator.uniform(-1.0, 1.0, size=4)
    is_turned = generator.random() < 0.5
    turned, moved = rotate(pixels, boxes, math.radians(angle * augmentation.rotation_deg)) if is_turned else (pixels, boxes)
    return expose(
        turned, contrast * augmentation.exposure, brightness * augmentation.exposure / 2, gamma * augmentation.exposure
    ), moved


def expose(pixels: NDArray[np.float32], contrast: float, brightness: float, gamma: float) -> NDArray[np.float32]:
    """Return ``clip(0.5 + (1 + contrast)(x ** (1 + gamma) - 0.5) + brightness)``; padding that was 0 stays dark."""
    changed = 0.5 + (1.0 + contrast) * (np.power(pixels, 1.0 + gamma) - 0.5) + brightness
    return np.clip(changed, 0.0, 1.0).astype(np.float32)


def rotate(
    pixels: NDArray[np.float32], boxes: NDArray[np.float32], angle: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the film and its boxes turned by ``angle`` (radians, counter-clockwise on the screen) about the centre.

    A box is turned as the ellipse inscribed in it, because anatomy fills its box like an ellipse, not like a rectangle: the turned half-widths are
    ``sqrt((a cos)^2 + (b sin)^2)`` and ``sqrt((a sin)^2 + (b cos)^2)``.
    """
    cosine, sine = math.cos(angle), math.sin(angle)
    matrix = np.array([[cosine, sine], [-sine, cosine]])  # output (row, column) -> input
    centre = (np.array(pixels.shape) - 1) / 2
    turned = affine_transform(pixels, matrix, centre - matrix @ centre, order=1, mode="constant", cval=0.0)
    return turned, _rotate_boxes(boxes, cosine, sine, np.array(pixels.shape[::-1]) / 2)


def _rotate_boxes(boxes: NDArray[np.float32], cosine: float, sine: float, centre: NDArray[np.float64]) -> NDArray[np.float32]:
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2 - centre
    half = (boxes[:, 2:] - boxes[:, :2]) / 2
    turned = (
        np.stack([cosine * middle[:, 0] + sine * middle[:, 1], -sine * middle[:, 0] + cosine * middle[:, 1]], axis=1) + centre
    )
    width = np.hypot(half[:, 0] * cosine, half[:, 1] * sine)
    height = np.hypot(half[:, 0] * sine, half[:, 1] * cosine)
    reach = np.stack([width, height], axis=1)
    limits = np.concatenate([centre, centre]) * 2
    return np.clip(np.concatenate([turned - reach, turned + reach], axis=1), 0, limits).astype(np.float32)
