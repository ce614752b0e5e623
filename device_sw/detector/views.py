"""Test-time augmentation: the network looks at the film again, a little turned, shrunk or re-exposed, and its boxes are brought back.

A view is what a technologist may do to a film without changing it. It holds an angle, a scale above 0 and an exposure, so no view mirrors a film: a mirrored chest
is a hazard of ours, not a view. Point p of the network input goes to ``q = c + s R (p - c)``, with the input's centre c and the scale s.

A box of a view is brought back by the exact inverse of the rule by which training turns boxes, which takes anatomy to fill its box like an ellipse. With half-widths a, b
of the upright box, those of the turned one are ``a'^2 = a^2 cos^2 + b^2 sin^2`` and ``b'^2 = a^2 sin^2 + b^2 cos^2``.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import cos, isfinite, radians, sin, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROTATION_LIMIT = 10.0
"""Largest angle of a view, degrees; training turns films by 5."""

SCALE_LIMITS = (0.8, 1.25)
"""Smallest and largest scale of a view."""

EXPOSURE_LIMIT = 0.3
"""Largest change of contrast, brightness and gamma."""

Edges = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class View:
    """One further look at a film.

    Attributes:
        rotation_deg: counter-clockwise on the screen.
        scale: of the anatomy, above 0; what the frame cuts off is not seen, and what it adds is dark.
        contrast: relative change, as in training.
        brightness: absolute change.
        gamma: change of the exponent.
    """

    rotation_deg: float = 0.0
    scale: float = 1.0
    contrast: float = 0.0
    brightness: float = 0.0
    gamma: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what is no small change of the same film, a mirrored one included."""
        if not all(isfinite(value) for value in asdict(self).values()):
            raise ValueError(f"a view needs finite numbers, got {self}")
        exposure = max(abs(self.contrast), abs(self.brightness), abs(self.gamma))
        low, high = SCALE_LIMITS
        if abs(self.rotation_deg) > ROTATION_LIMIT or not low <= self.scale <= high or exposure > EXPOSURE_LIMIT:
            raise ValueError(
                f"a view turns by at most {ROTATION_LIMIT:g} degrees, scales by {low:g} to {high:g} and changes exposure by at most {EXPOSURE_LIMIT:g}, got {self}"
            )

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return asdict(self)


def shown(pixels: NDArray[np.float32], view: View) -> NDArray[np.float32]:
    """Return the network input as the view shows it: (size, size) float32 in [0, 1].

    Exposure is ``0.5 + (1 + contrast)(x^(1 + gamma) - 0.5) + brightness``, cut to [0, 1]; resampling is bilinear.
    """
    size = pixels.shape[0]
    moved: NDArray[Any] = pixels
    if (view.rotation_deg, view.scale) != (0.0, 1.0):
        picture = Image.fromarray(np.ascontiguousarray(pixels, dtype=np.float32), mode="F")
        moved = np.asarray(
            picture.transform((size, size), Image.Transform.AFFINE, _inverse(view, size), Image.Resampling.BILINEAR)
        )
    if view.contrast or view.brightness or view.gamma:
        moved = 0.5 + (1.0 + view.contrast) * (np.power(np.clip(moved, 0.0, 1.0), 1.0 + view.gamma) - 0.5) + view.brightness
    cut: NDArray[np.float32] = np.clip(moved, 0.0, 1.0).astype(np.float32)
    return cut


def _inverse(view: View, size: int) -> tuple[float, ...]:
    """Return the six numbers that give, for a point of the view, the point of the input that it shows."""
    cosine, sine, centre = cos(radians(view.rotation_deg)), sin(radians(view.rotation_deg)), size / 2
    a, b = cosine / view.scale, -sine / view.scale
    return (a, b, centre - (a + b) * centre, -b, a, centre - (a - b) * centre)


def brought_back(edges: Edges, view: View, size: int) -> Edges:
    """Return a box of the view in the coordinates of the network input.

    Args:
        edges: x0, y0, x1, y1, pixels of the view.
        view: the view.
        size: side of the network input, pixels.

    >>> brought_back((40.0, 40.0, 60.0, 60.0), View(scale=0.8), 100)
    (37.5, 37.5, 62.5, 62.5)
    """
    a, b, c, d, e, f = _inverse(view, size)
    x, y = (edges[0] + edges[2]) / 2, (edges[1] + edges[3]) / 2
    across, down = _upright((edges[2] - edges[0]) / 2 / view.scale, (edges[3] - edges[1]) / 2 / view.scale, view.rotation_deg)
    middle = (a * x + b * y + c, d * x + e * y + f)
    return (middle[0] - across, middle[1] - down, middle[0] + across, middle[1] + down)


def _upright(across: float, down: float, degrees: float) -> tuple[float, float]:
    """Return the half-widths of the upright ellipse; where none has these turned ones, because the box is too thin, they stay as they are."""
    c2, s2 = cos(radians(degrees)) ** 2, sin(radians(degrees)) ** 2
    squares = ((across**2 * c2 - down**2 * s2) / (c2 - s2), (down**2 * c2 - across**2 * s2) / (c2 - s2))
    return (sqrt(squares[0]), sqrt(squares[1])) if min(squares) > 0.0 else (across, down)
