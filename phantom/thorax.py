"""Composes one thorax into line integrals: what each pixel's ray met, tissue by tissue, and the shadows the truth is read from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter

from phantom import calcium, organs, skeleton, surface, vessels
from phantom.chord import ellipsoid_interval, obliquity, union_length
from phantom.deposit import deposit, gather
from phantom.furniture import leads
from phantom.lungs import lung
from phantom.random_streams import stream
from phantom.texture import enlarge, fractal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from phantom.anatomy import Anatomy, Opacity
    from phantom.attenuation import Tissues
    from phantom.beam import Beam, Grid
    from phantom.chord import Ellipsoid, Interval
    from phantom.lungs import Lung
    from phantom.patient import PatientSpec

    Map = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Shadows:
    """What the truth is read from, all on the soft grid: depth of lung, heart and aorta per ray (mm), caps and opacities (mm of tissue)."""

    lungs: tuple[Map, Map]
    heart: Map
    arch: Map
    descending: Map
    caps: tuple[Map, Map]
    opacities: tuple[Map, ...]
    calcium: Map


@dataclass(frozen=True, slots=True)
class Thorax:
    """The line integral of attenuation (rows, columns) float32, and its shadows."""

    integral: Map
    shadows: Shadows
    heart_scale: float


def _length(interval: Interval) -> Map:
    low, high = interval
    return np.maximum(high - low, 0.0)


def _all_rays(lungs: tuple[Lung, Lung]) -> Interval:
    del lungs
    return np.float32(-400.0), np.float32(400.0)


def heart_scale(anatomy: Anatomy, beam: Beam, grid: Grid, inner_width: float) -> float:
    """Return the scale at which the heart's projected width is the wanted share of the inner chest's width (bisection)."""
    u, _ = grid.coordinates()
    v = grid.coordinates()[1]
    low, high = 0.4, 2.4
    for _ in range(14):
        middle = (low + high) / 2
        wide = _shadow_width(organs.heart(anatomy, middle), beam, u, v) * grid.pitch
        low, high = (middle, high) if wide < anatomy.ctr_goal * inner_width else (low, middle)
    return (low + high) / 2


def _shadow_width(shapes: Sequence[Ellipsoid], beam: Beam, u: Map, v: Map) -> int:
    hit = np.zeros(u.shape[1], bool)
    for shape in shapes:
        hit |= (_length(ellipsoid_interval(shape, beam, u, v)) > 0).any(axis=0)
    columns = np.flatnonzero(hit)
    return int(columns[-1] - columns[0] + 1) if len(columns) else 0


def opacity_depth(spec: PatientSpec, blob: Opacity, beam: Beam, u: Map, v: Map, room: Map) -> Map:
    """Return the soft-tissue equivalent of one infiltrate, mm: a soft blob with a fractal edge, no thicker than the lung leaves ``room``."""
    rng = stream(spec.seed, spec.index, blob.stream)
    w = np.float32(beam.p)
    dx, dy = u * w - np.float32(blob.x), v * w - np.float32(blob.y)
    c, s = np.float32(np.cos(blob.angle)), np.float32(np.sin(blob.angle))
    distance = np.sqrt(((c * dx + s * dy) / np.float32(blob.radius_x)) ** 2 + ((c * dy - s * dx) / np.float32(blob.radius_y)) ** 2)
    ragged = fractal(rng, *room.shape, 9, 5)
    patchy = 1.0 + 0.25 * fractal(rng, *room.shape, 18, 4)
    envelope = np.clip((1.0 + 0.20 * ragged - distance) / 0.75, 0.0, 1.0)
    envelope = envelope * envelope * (3.0 - 2.0 * envelope)
    return np.minimum(np.float32(blob.thickness) * envelope * np.clip(patchy, 0.2, 2.0), 0.8 * room).astype(np.float32)


def _opacities(spec: PatientSpec, anatomy: Anatomy, chords: list[Map], beam: Beam, u: Map, v: Map) -> tuple[Map, ...]:
    """Return the infiltrates that find room: of the candidates in their order, those that reach at least half their wanted thickness."""
    found: list[Map] = []
    for blob in anatomy.opacities:
        if len(found) == anatomy.opacity_count:
            break
        depth = opacity_depth(spec, blob, beam, u, v, chords[0 if blob.x < 0 else 1])
        wanted = np.pi * blob.radius_x * blob.radius_y
        covered = float((depth > 0.5 * blob.thickness).sum()) * float(u[0, 1] - u[0, 0]) ** 2
        if covered > 0.3 * wanted:
            found.append(depth)
    return tuple(found)


def _cap(spec: PatientSpec, anatomy: Anatomy, one: Lung, beam: Beam, u: Map, v: Map, envelope: Map) -> Map:
    """Return the depth of the pleural cap: lung between the apex and the apex lowered by the cap's irregular thickness."""
    thickness = anatomy.caps[0 if one.side < 0 else 1]
    if thickness <= 0:
        return np.zeros_like(envelope)
    rng = stream(spec.seed, spec.index, f"cap-edge{one.side}")
    phase = rng.uniform(0, 6.28, 4)
    x = u * np.float32(beam.p)
    ragged = 1.0 + sum(0.16 / k * np.sin(x * np.float32(0.11 * k) + np.float32(phase[k - 1])) for k in (1, 2, 3, 4))
    y = v * np.float32(beam.p)
    fade = np.clip((np.float32(anatomy.build.apex + 46.0) - y) / np.float32(26.0), 0.0, 1.0)
    lowered = one.interval(beam, u, v, np.float32(thickness) * ragged * fade)
    return np.maximum(envelope - _length(lowered), 0.0)


def _lung_chords(spec: PatientSpec, anatomy: Anatomy, lungs: tuple[Lung, Lung], inner: list[Interval], beam: Beam, u: Map, v: Map) -> tuple[list[Map], list[Map]]:
    """Return depth of aerated lung and of pleural cap per side; heart, vessels and diaphragm displace lung."""
    chords, caps = [], []
    for one in lungs:
        envelope = one.interval(beam, u, v)
        taken = union_length([*inner, one.dome_interval(beam, u, v)], envelope)
        whole = _length(envelope)
        cap = _cap(spec, anatomy, one, beam, u, v, whole)
        free = np.maximum(whole - taken, 0.0)
        cap = np.minimum(cap, free)
        chords.append(free - cap)
        caps.append(cap)
    return chords, caps


def compose(spec: PatientSpec, anatomy: Anatomy, beam: Beam, grid: Grid, tissue: Tissues, soft_factor: int) -> Thorax:
    """Return the thorax's line integrals on ``grid``; soft organs are computed ``soft_factor`` times coarser and enlarged smoothly.

    Formula: integral = sum over tissues of (attenuation, mm^-1) x (length of ray in it, mm).
    """
    soft = grid.reduced(soft_factor)
    u, v = soft.coordinates()
    lungs = (lung(anatomy, -1), lung(anatomy, 1))
    scale = _reference_heart_scale(anatomy, lungs, soft)
    heart = [ellipsoid_interval(shape, beam, u, v) for shape in organs.heart(anatomy, scale)]
    arch = ellipsoid_interval(organs.aortic_arch(anatomy), beam, u, v)
    descending = organs.descending_aorta(anatomy).interval(beam, u, v)
    others = [column.interval(beam, u, v) for column in (organs.ascending_aorta(anatomy), organs.superior_vena_cava(anatomy), organs.left_subclavian(anatomy))]
    chords, caps = _lung_chords(spec, anatomy, lungs, [*heart, arch, descending, *others], beam, u, v)
    blobs = _opacities(spec, anatomy, chords, beam, u, v)
    opaque = np.minimum(sum(blobs, np.zeros_like(chords[0])), 0.9 * (chords[0] + chords[1]))
    soft_integral = _soft_integral(spec, anatomy, beam, u, v, tissue, chords[0] + chords[1], opaque)
    integral = enlarge(soft_integral, grid.rows, grid.columns)
    matter = gather([
        skeleton.spine(anatomy, tissue), skeleton.ribs(anatomy, lungs, tissue), skeleton.girdle(anatomy, spec.view, tissue),
        vessels.hilar_trunks(anatomy, tissue), vessels.bronchi(anatomy, tissue), vessels.pulmonary(spec, anatomy, lungs, tissue),
        leads(spec, anatomy, tissue),
    ])
    plaques = deposit(calcium.plaques(spec, anatomy, tissue), beam, grid)
    integral = integral + deposit(matter, beam, grid) + plaques
    everything = _all_rays(lungs)
    shadows = Shadows((chords[0], chords[1]), union_length(heart, everything), _length(arch), _length(descending), (caps[0], caps[1]), blobs, plaques)
    return Thorax(integral, shadows, scale)


def _reference_heart_scale(anatomy: Anatomy, lungs: tuple[Lung, Lung], soft: Grid) -> float:
    """Return the heart's scale for the wanted CTR on a standard PA film, whatever film is taken: enlargement is anatomy, not projection."""
    from phantom.beam import place  # noqa: PLC0415

    reach = surface.reach(anatomy)
    beam = place("PA", reach, reach)
    coarse = soft.reduced(1)
    return heart_scale(anatomy, beam, coarse, inner_width(anatomy, lungs, beam))


def inner_width(anatomy: Anatomy, lungs: tuple[Lung, Lung], beam: Beam) -> float:
    """Return the widest inner chest in the detector plane, mm, from the lungs' outer borders at mid-depth."""
    y = np.linspace(anatomy.build.apex, lungs[0].base - 2.0, 200).astype(np.float32)
    right, left = (one.centre[one._index(y)] + one.side * one.half_width[one._index(y)] for one in lungs)  # noqa: SLF001
    return float((left - right).max() * beam.magnification(0.0))


def _humeral_heads(anatomy: Anatomy, beam: Beam, u: Map, v: Map, tissue: Tissues) -> Map:
    """Return the line integral that the heads of both humeri add to soft tissue."""
    total = np.zeros((v.shape[0], u.shape[1]), np.float32)
    for side in (-1.0, 1.0):
        whole, core = (_length(ellipsoid_interval(shape, beam, u, v)) for shape in skeleton.humeral_head(anatomy, side))
        total += (tissue.cortical - tissue.soft) * (whole - core) + 0.6 * (tissue.cancellous - tissue.soft) * core
    return total


def _soft_integral(spec: PatientSpec, anatomy: Anatomy, beam: Beam, u: Map, v: Map, tissue: Tissues, chord: Map, opaque: Map) -> Map:
    """Return the line integral of skin, fat, muscle, organs, gas and lung on the soft grid."""
    outer = surface.body(anatomy, beam, u, v, 0.0)
    inner = surface.body(anatomy, beam, u, v, anatomy.build.fat)
    everything = (np.float32(-400.0), np.float32(400.0))
    draw = stream(spec.seed, spec.index, "stomach").random(14)
    gas = [organs.trachea(anatomy).interval(beam, u, v)]
    gas += [ellipsoid_interval(shape, beam, u, v) for shape in organs.stomach_bubble(anatomy, draw)]
    air = np.minimum(union_length(gas, everything), inner)
    aerated = np.minimum(chord, inner)
    breast = [ellipsoid_interval(shape, beam, u, v) for shape in organs.breasts(anatomy)]
    front = np.float32(surface.reach(anatomy))
    bust = union_length(breast, (front * np.float32(0.93), np.float32(500.0))) if breast else np.float32(0.0)
    muscle = np.maximum(inner - aerated - air, 0.0)
    rng = stream(spec.seed, spec.index, "texture")
    heads = _humeral_heads(anatomy, beam, u, v, tissue)
    grain = 1.0 + 0.035 * fractal(rng, *chord.shape, 40, 4) * (aerated > 0)
    depth = tissue.soft * (muscle + opaque) + tissue.fat * np.maximum(outer - inner, 0.0) + 0.5 * (tissue.soft + tissue.fat) * bust
    depth = depth + tissue.lung * np.maximum(aerated * grain - opaque, 0.0)
    depth = depth + heads
    return gaussian_filter((depth * obliquity(beam, u, v)).astype(np.float32), 0.6)
