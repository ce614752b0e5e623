"""What a ray meets between the ribs: aerated lung, pleural caps and infiltrates, each in millimetres of depth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from phantom.chord import length, union_length
from phantom.random_streams import stream
from phantom.texture import fractal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from phantom.anatomy import Anatomy, Opacity
    from phantom.chord import Interval, Rays
    from phantom.lungs import Lung

    Map = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class LungFields:
    """Depth in mm per ray, right and left: ``air`` of aerated lung, ``caps`` of pleural thickening; ``opacities`` of each infiltrate."""

    air: tuple[Map, Map]
    caps: tuple[Map, Map]
    opacities: tuple[Map, ...]

    def filled(self) -> Map:
        """Return the soft-tissue equivalent of all infiltrates together, never more than nine tenths of the lung there is."""
        chord = self.air[0] + self.air[1]
        return np.minimum(sum(self.opacities, np.zeros_like(chord)), 0.9 * chord)


def opacity_depth(anatomy: Anatomy, blob: Opacity, rays: Rays, room: Map) -> Map:
    """Return the soft-tissue equivalent of one infiltrate, mm: a soft blob with a fractal edge, no thicker than the lung leaves ``room``.

    Formula: ``thickness * smoothstep((1 + 0.2 noise - r) / 0.75) * patchiness``, r the elliptical distance from its centre.
    """
    rng = stream(anatomy.spec.seed, anatomy.spec.index, blob.stream)
    w = np.float32(rays.beam.p)
    dx, dy = rays.u * w - np.float32(blob.x), rays.v * w - np.float32(blob.y)
    c, s = np.float32(np.cos(blob.angle)), np.float32(np.sin(blob.angle))
    distance = np.sqrt(
        ((c * dx + s * dy) / np.float32(blob.radius_x)) ** 2 + ((c * dy - s * dx) / np.float32(blob.radius_y)) ** 2
    )
    ragged = fractal(rng, *room.shape, 9, 5)
    patchy = 1.0 + 0.25 * fractal(rng, *room.shape, 18, 4)
    envelope = np.clip((1.0 + 0.20 * ragged - distance) / 0.75, 0.0, 1.0)
    envelope = envelope * envelope * (3.0 - 2.0 * envelope)
    return np.minimum(np.float32(blob.thickness) * envelope * np.clip(patchy, 0.2, 2.0), 0.8 * room).astype(np.float32)


def _apart(blob: Opacity, others: list[Opacity]) -> bool:
    """Say whether an infiltrate keeps clear of the others: their boxes must not become one."""
    reach = max(blob.radius_x, blob.radius_y)
    return all(np.hypot(blob.x - o.x, blob.y - o.y) > reach + max(o.radius_x, o.radius_y) for o in others)


def _opacities(anatomy: Anatomy, air: tuple[Map, Map], rays: Rays) -> tuple[Map, ...]:
    """Return the infiltrates that find room: of the candidates in their order, those apart from the others that fill a third of their area."""
    kept: list[Opacity] = []
    found: list[Map] = []
    cell = float(rays.u[0, 1] - rays.u[0, 0]) ** 2
    for blob in anatomy.opacities:
        if len(found) == anatomy.opacity_count:
            break
        if not _apart(blob, kept):
            continue
        depth = opacity_depth(anatomy, blob, rays, air[0 if blob.x < 0 else 1])
        if float((depth > 0.5 * blob.thickness).sum()) * cell > 0.3 * np.pi * blob.radius_x * blob.radius_y:
            kept.append(blob)
            found.append(depth)
    return tuple(found)


def _cap(anatomy: Anatomy, one: Lung, rays: Rays, envelope: Map) -> Map:
    """Return the depth of the pleural cap: lung between the apex and the apex lowered by the cap's irregular thickness."""
    thickness = anatomy.caps[0 if one.side < 0 else 1]
    if thickness <= 0:
        return np.zeros_like(envelope)
    rng = stream(anatomy.spec.seed, anatomy.spec.index, f"cap-edge{one.side}")
    phase = rng.uniform(0, 6.28, 4)
    x, y = rays.u * np.float32(rays.beam.p), rays.v * np.float32(rays.beam.p)
    ragged = 1.0 + sum(0.16 / k * np.sin(x * np.float32(0.11 * k) + np.float32(phase[k - 1])) for k in (1, 2, 3, 4))
    fade = np.clip((np.float32(anatomy.build.apex + 46.0) - y) / np.float32(26.0), 0.0, 1.0)
    return np.maximum(envelope - length(one.interval(rays, np.float32(thickness) * ragged * fade)), 0.0)


def lung_fields(anatomy: Anatomy, lungs: tuple[Lung, Lung], solids: Sequence[Interval], rays: Rays) -> LungFields:
    """Return the lung fields: the lungs' envelopes less what the ``solids`` (heart, vessels) and the diaphragm take."""
    air, caps = [], []
    for one in lungs:
        envelope = one.interval(rays)
        whole = length(envelope)
        free = np.maximum(whole - union_length([*solids, one.dome_interval(rays)], envelope), 0.0)
        cap = np.minimum(_cap(anatomy, one, rays, whole), free)
        air.append(free - cap)
        caps.append(cap)
    both = (air[0], air[1])
    return LungFields(both, (caps[0], caps[1]), _opacities(anatomy, both, rays))
