"""The diverging beam: how a point of the body and a pixel of the detector meet.

Body frame in mm: x to the patient's left, y downwards (caudad), a forwards (anterior); the origin lies in the middle of the chest on the central ray.
The detector is the plane behind the chest; the source stands ``distance`` mm in front of it, on the central ray. A pixel at (u, v) mm
sees the body points ``(u * w, v * w, a)`` with ``w = p + q * a``, the inverse magnification at depth a.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Map = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Beam:
    """Source, detector and body placement of one exposure.

    ``distance``: source to detector in mm. ``p``, ``q``: inverse magnification is ``p + q * a``.
    """

    distance: float
    p: float
    q: float

    def magnification(self, a: float) -> float:
        """Return the magnification of a plane at depth ``a`` (mm).

        >>> round(Beam(1800.0, 1 - 100 / 1800, 1 / 1800).magnification(100.0), 6)
        1.0
        """
        return 1.0 / (self.p + self.q * a)


def place(view: str, front: float, back: float) -> Beam:
    """Return the beam of a view for a body reaching ``front`` mm forwards and ``back`` mm backwards of the origin.

    PA: the chest touches the detector and the source stands 1800 mm away behind the patient. AP (bedside): the back lies 40 mm above
    the detector and the source stands 1000 mm away, so that the heart, far from the detector, is magnified more.

    Raises:
        ValueError: the view is neither PA nor AP.

    Source: EUR 16260 (1996), chest PA: focus-film distance 180 (140-200) cm; bedside AP about 100 cm.
    """
    if view == "PA":
        distance, gap = 1800.0, 15.0
        return Beam(distance, 1.0 - (front + gap) / distance, 1.0 / distance)
    if view == "AP":
        distance, gap = 1050.0, 40.0
        return Beam(distance, 1.0 - (back + gap) / distance, -1.0 / distance)
    raise ValueError(f"view must be PA or AP, got {view!r}")


@dataclass(frozen=True, slots=True)
class Grid:
    """The detector's pixels: ``rows`` x ``columns`` of ``pitch`` mm, the central ray at pixel coordinates (cx, cy)."""

    rows: int
    columns: int
    pitch: float
    cx: float
    cy: float

    def coordinates(self) -> tuple[Map, Map]:
        """Return u (1, columns) and v (rows, 1) of the pixel centres in mm, float32."""
        u = (np.arange(self.columns, dtype=np.float32) + np.float32(0.5 - self.cx)) * np.float32(self.pitch)
        v = (np.arange(self.rows, dtype=np.float32) + np.float32(0.5 - self.cy)) * np.float32(self.pitch)
        return u[None, :], v[:, None]

    def reduced(self, factor: int) -> Grid:
        """Return the grid with pixels ``factor`` times as wide, covering the same field."""
        return Grid(-(-self.rows // factor), -(-self.columns // factor), self.pitch * factor, self.cx / factor, self.cy / factor)
