"""The soft organs as solids: heart, great vessels, trachea, stomach bubble, and the outside of the body."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from phantom.chord import Ellipsoid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from phantom.anatomy import Anatomy
    from phantom.chord import Interval, Rays

    Map = NDArray[np.float32]


BULGE_LENGTH = 48.0
"""Half-length in mm over which the descending aorta's bulge falls to 1/e."""


@dataclass(frozen=True, slots=True)
class Column:
    """A tube that runs down the body: centreline x, a and radius (mm) tabulated over y (mm), strictly increasing."""

    y: NDArray[np.float64]
    x: NDArray[np.float64]
    a: NDArray[np.float64]
    radius: NDArray[np.float64]

    def interval(self, rays: Rays) -> Interval:
        """Return the depths where rays enter and leave the tube, row by row at the depth of its centreline.

        Formula: half-chord ``sqrt(r'^2 - d^2)`` with the horizontal radius ``r' = r sqrt(1 + (dx/dy)^2)``, good for tubes within 30 degrees
        of the vertical; the upper end is rounded.
        """
        beam = rays.beam
        row_v = rays.v[:, :1].astype(np.float64)
        a = np.interp(row_v * beam.p, self.y, self.a)
        a = np.interp(row_v * (beam.p + beam.q * a), self.y, self.a)
        w = beam.p + beam.q * a
        y = row_v * w
        slope = np.interp(y, self.y, np.gradient(self.x, self.y))
        rounded = np.clip((y - self.y[0]) / (1.6 * self.radius[0]), 0.0, 1.0)
        radius = np.interp(y, self.y, self.radius, left=0.0, right=0.0) * np.sqrt(1.0 + slope**2)
        radius = radius * np.sqrt(1.0 - (1.0 - rounded) ** 2)
        x = np.interp(y, self.y, self.x)
        offset = rays.u * w.astype(np.float32) - x.astype(np.float32)
        half = np.sqrt(np.maximum((radius**2).astype(np.float32) - offset * offset, 0.0))
        centre = a.astype(np.float32)
        return centre - half, centre + half


def heart(anatomy: Anatomy, scale: float) -> tuple[Ellipsoid, ...]:
    """Return the heart's chambers as ellipsoids, scaled about the point where it rests on the diaphragm.

    ``scale`` 1 is a heart of about 125 mm transverse diameter. The left ventricle grows most, as in hypertension.
    """
    build = anatomy.build
    floor = min(build.dome_right, build.dome_left) + 10.0
    dx = anatomy.heart_shift[0] + 0.4 * float(anatomy.spine.lateral(30.0))
    front = 0.32 * build.half_depth
    axis = 0.62 + anatomy.heart_tilt
    parts = (
        Ellipsoid((26.0, -33.0, front - 4.0), (52.0, 37.0, 40.0), axis, -0.35),
        Ellipsoid((-14.0, -35.0, front), (30.0, 38.0, 32.0), 0.1, 0.0),
        Ellipsoid((8.0, -34.0, front + 10.0), (44.0, 34.0, 32.0), 0.25, 0.0),
        Ellipsoid((8.0, -60.0, front - 14.0), (34.0, 30.0, 30.0), 0.2, 0.0),
        Ellipsoid((22.0, -78.0, front + 2.0), (17.0, 26.0, 20.0), -0.15, 0.0),
    )
    moved = (part.moved(dx, floor, 0.0) for part in parts)
    return tuple(part.scaled(scale, (-12.0 + dx, floor - 6.0, front)) for part in moved)


def aortic_arch(anatomy: Anatomy) -> Ellipsoid:
    """Return the aortic arch as an ellipsoid that runs from front right to back left; its left end is the knob."""
    aorta = anatomy.aorta
    x = aorta.arch_x + 0.45 * float(anatomy.spine.lateral(aorta.arch_y)) + 0.55 * (aorta.knob - 13.0)
    return Ellipsoid((x - 4.0, aorta.arch_y, -8.0), (aorta.knob, aorta.knob * 1.22, 40.0 + aorta.knob), 0.0, -0.32)


def descending_aorta(anatomy: Anatomy) -> Column:
    """Return the descending aorta: left of the spine, with its bulge to the left."""
    aorta, build = anatomy.aorta, anatomy.build
    y = np.linspace(aorta.arch_y, build.dome_left + 80.0, 90)
    follow = 0.75 * anatomy.spine.lateral(y)
    t = (y - y[0]) / (y[-1] - y[0])
    base = 24.0 * (1 - t) + 7.0 * t + 0.5 * (aorta.knob - 13.0)
    x = follow + base + aorta.bulge * np.exp(-(((y - aorta.bulge_y) / BULGE_LENGTH) ** 2)) * np.clip(4.0 * t, 0, 1)
    a = anatomy.spine.depth(y) + 24.0 + 0.3 * aorta.knob
    return Column(y, x, a, np.linspace(0.84, 0.72, 90) * aorta.knob + 0.8)


def ascending_aorta(anatomy: Anatomy) -> Column:
    """Return the ascending aorta, further to the right when tortuous."""
    aorta = anatomy.aorta
    y = np.linspace(aorta.arch_y - 6.0, aorta.arch_y + 75.0, 40)
    t = np.linspace(0, 1, 40)
    x = -10.0 - (6.0 + 0.9 * (aorta.knob - 13.0)) * np.sin(np.pi * t) + 0.35 * anatomy.spine.lateral(y)
    return Column(y, x, np.full(40, 22.0), np.full(40, aorta.knob + 1.5))


def superior_vena_cava(anatomy: Anatomy) -> Column:
    """Return the superior vena cava and the right brachiocephalic vein above it."""
    build = anatomy.build
    y = np.linspace(build.apex + 14.0, build.dome_right - 55.0, 40)
    x = -np.interp(y, [y[0], -90.0, y[-1]], [15.0, 20.0, 25.0]) * build.scale + 0.35 * anatomy.spine.lateral(y)
    return Column(y, x, np.full(40, 12.0), np.linspace(8.0, 10.5, 40))


def left_subclavian(anatomy: Anatomy) -> Column:
    """Return the left subclavian border above the knob: the upper left edge of the mediastinum."""
    build = anatomy.build
    y = np.linspace(build.apex + 8.0, anatomy.aorta.arch_y + 4.0, 30)
    x = np.linspace(20.0, 17.0, 30) * build.scale + 0.45 * anatomy.spine.lateral(y)
    return Column(y, x, np.full(30, -14.0), np.linspace(6.0, 9.0, 30))


def trachea(anatomy: Anatomy) -> Column:
    """Return the tracheal air column, pushed a little to the right by the arch."""
    build = anatomy.build
    y = np.linspace(-235.0, anatomy.aorta.arch_y + 28.0, 60)
    bow = -5.0 * np.exp(-(((y - anatomy.aorta.arch_y) / 26.0) ** 2)) * (1.0 + 0.05 * (anatomy.aorta.knob - 13.0))
    x = bow + 0.4 * anatomy.spine.lateral(y) + 0.5 * build.rotation
    return Column(y, x, np.linspace(22.0, -6.0, 60), np.full(60, 8.2 * build.scale))


def stomach_bubble(anatomy: Anatomy, draw: NDArray[np.float64]) -> tuple[Ellipsoid, ...]:
    """Return the gas under the left dome as a few overlapping pockets; ``draw`` is fourteen uniform numbers."""
    build = anatomy.build
    if draw[4] < 0.25:
        return ()
    size = 0.45 + 0.6 * draw[0]
    x, y, a = 50.0 + 22.0 * draw[1], build.dome_left + 15.0 + 13.0 * size, 12.0 - 24.0 * draw[2]
    pockets = [Ellipsoid((x, y, a), (24.0 * size, 12.0 * size, 20.0 * size), 0.25 - 0.7 * draw[3])]
    for k in (5, 8, 11):
        p = draw[k : k + 3]
        reach = (0.35 + 0.5 * p[2]) * size
        pockets.append(
            Ellipsoid(
                (x + 34.0 * (p[0] - 0.4) * size, y + 13.0 * p[1] * size, a),
                (20.0 * reach, 13.0 * reach, 18.0 * reach),
                p[0] - 0.5,
            )
        )
    return tuple(pockets)


def breasts(anatomy: Anatomy) -> tuple[Ellipsoid, ...]:
    """Return the breasts, half of each lying before the chest wall."""
    build = anatomy.build
    if build.breast <= 0:
        return ()
    front = build.half_depth + 0.8 * build.wall
    radius = 52.0 + 0.7 * build.breast
    return tuple(
        Ellipsoid(
            (side * (76.0 + 0.35 * build.breast), 34.0 + 0.9 * build.breast, front - 6.0),
            (radius, radius * 0.95, 1.25 * build.breast),
            side * 0.25,
        )
        for side in (-1.0, 1.0)
    )
