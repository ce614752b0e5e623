"""Beer-Lambert, chords and projection on shapes whose answer is known."""

import numpy as np
import pytest

from phantom.attenuation import at_energy, tissues
from phantom.beam import Beam, Grid, place
from phantom.chord import Ellipsoid, Rays, ellipsoid_interval, length, obliquity, union_length
from phantom.deposit import Bone, Matter, deposit, even, gather, shell_tube, tube
from phantom.exposure import primary, scatter

NEARLY_PARALLEL = Beam(1e7, 1.0, 1e-7)


def rays(grid, beam=NEARLY_PARALLEL):
    return Rays(beam, *grid.coordinates())


@pytest.mark.parametrize("offset", [0.0, 10.0, 24.0, 29.9])
def test_chord_of_a_sphere_is_two_roots_of_r2_minus_d2(offset):
    grid = Grid(1, 1, 0.01, 0.5 - offset / 0.01, 0.5)
    chord = length(ellipsoid_interval(Ellipsoid((0.0, 0.0, 5.0), (30.0, 30.0, 30.0)), rays(grid)))
    assert float(chord[0, 0]) == pytest.approx(2 * np.sqrt(30.0**2 - offset**2), rel=2e-3)


def test_ray_beside_the_sphere_meets_nothing():
    grid = Grid(1, 1, 0.01, 0.5 - 31.0 / 0.01, 0.5)
    assert float(length(ellipsoid_interval(Ellipsoid((0.0, 0.0, 0.0), (30.0, 30.0, 30.0)), rays(grid)))[0, 0]) == 0.0


def test_oblique_ray_through_a_sphere_is_as_long_as_geometry_says():
    beam = place("PA", 100.0, 100.0)
    grid = Grid(64, 64, 6.0, 32, 32)
    bundle = rays(grid, beam)
    measured = length(ellipsoid_interval(Ellipsoid((40.0, -20.0, 10.0), (35.0, 35.0, 35.0)), bundle)) * obliquity(bundle)
    u, v = np.broadcast_arrays(bundle.u, bundle.v)
    origin = np.stack([u * beam.p, v * beam.p, np.zeros_like(u)], axis=-1) - np.array([40.0, -20.0, 10.0])
    direction = np.stack([u * beam.q, v * beam.q, np.ones_like(u)], axis=-1)
    direction = direction / np.linalg.norm(direction, axis=-1, keepdims=True)
    distance = np.linalg.norm(origin - (origin * direction).sum(-1, keepdims=True) * direction, axis=-1)
    assert np.allclose(measured, 2 * np.sqrt(np.maximum(35.0**2 - distance**2, 0)), atol=0.25)


def test_turning_an_ellipsoid_keeps_its_volume():
    grid = Grid(400, 400, 0.5, 200, 200)
    for turned in (Ellipsoid((0, 0, 0), (40, 20, 10)), Ellipsoid((0, 0, 0), (40, 20, 10), 0.7, -0.4)):
        volume = float(length(ellipsoid_interval(turned, rays(grid))).sum()) * 0.25
        assert volume == pytest.approx(4 / 3 * np.pi * 40 * 20 * 10, rel=5e-3)


def test_transmission_behind_a_sphere_follows_beer_and_lambert():
    soft = tissues("PA").soft
    grid = Grid(1, 1, 0.01, 0.5, 0.5)
    chord = length(ellipsoid_interval(Ellipsoid((0.0, 0.0, 0.0), (50.0, 50.0, 50.0)), rays(grid)))
    assert float(primary(soft * chord)[0, 0]) == pytest.approx(np.exp(-soft * 100.0), rel=1e-3)


def test_two_layers_multiply():
    one, other = np.full((1, 1), 0.7, np.float32), np.full((1, 1), 1.1, np.float32)
    assert float(primary(one + other)[0, 0]) == pytest.approx(float(primary(one)[0, 0] * primary(other)[0, 0]), rel=1e-6)


def test_union_counts_an_overlap_once():
    def one(a, b):
        return np.full((1, 1), a, np.float32), np.full((1, 1), b, np.float32)

    within = one(-100, 100)
    assert float(union_length([one(0, 10), one(5, 20), one(30, 31), one(2, 3)], within)[0, 0]) == pytest.approx(21.0)
    assert float(union_length([one(0, 10), one(5, 20)], one(8, 12))[0, 0]) == pytest.approx(4.0)


def test_attenuation_lies_between_the_tabulated_energies():
    assert at_energy("cortical", 60.0) > at_energy("cortical", 68.0) > at_energy("cortical", 80.0)
    assert tissues("PA").cortical > tissues("PA").soft > tissues("PA").fat > tissues("PA").lung
    assert tissues("AP").soft > tissues("PA").soft


def test_deposit_conserves_mass_under_magnification():
    beam = Beam(1000.0, 0.8, 0.0)
    grid = Grid(64, 64, 1.0, 32, 32)
    matter = Matter(np.zeros((1, 3), np.float32), np.array([5.0], np.float32))
    total = float(deposit(matter, beam, grid).sum()) * grid.pitch**2
    assert total == pytest.approx(5.0 / 0.8**2, rel=1e-5)


def test_tube_projects_to_its_diameter():
    grid = Grid(200, 200, 0.5, 100, 100)
    path = np.stack([np.linspace(-40, 40, 161), np.zeros(161), np.zeros(161)], axis=1)
    drawn = deposit(tube(path, np.full(161, 8.0), 0.02), NEARLY_PARALLEL, grid)
    assert float(drawn[96:104, 90:110].mean()) == pytest.approx(0.02 * 16.0, rel=0.06)


def test_shell_of_a_bone_is_denser_than_its_core():
    path = np.stack([np.linspace(-20, 20, 81), np.zeros(81), np.zeros(81)], axis=1)
    hollow = shell_tube(path, 6.0, 4.0, Bone(0.03, 0.0, 1.0))
    solid = shell_tube(path, 6.0, 4.0, Bone(0.03, 0.03, 1.0))
    assert float(solid.mass.sum()) == pytest.approx(np.pi * 6 * 4 * 40 * 0.03, rel=0.05)
    assert 0.3 < float(hollow.mass.sum()) / float(solid.mass.sum()) < 0.45


def test_nothing_gathered_is_nothing():
    assert gather(()).points.shape == (0, 3)


def test_even_points_fill_the_cube():
    points = even(4000, 3)
    assert np.allclose(points.mean(axis=0), 0.5, atol=0.01)
    assert np.allclose(points.var(axis=0), 1 / 12, atol=0.005)


def test_ap_magnifies_what_lies_in_front():
    front = 40.0
    pa, ap = place("PA", 100.0, 100.0), place("AP", 100.0, 100.0)
    assert ap.magnification(front) > 1.15
    assert 1.0 < pa.magnification(front) < 1.06


def test_unknown_view_is_refused():
    with pytest.raises(ValueError, match="view must be PA or AP, got 'LAT'"):
        place("LAT", 100.0, 100.0)


def test_scatter_ratio_grows_with_depth_of_tissue():
    thin, thick = (np.full((256, 256), np.exp(-depth), np.float32) for depth in (1.8, 4.2))
    assert float((scatter(thick, 1.6) / thick).mean()) > 2 * float((scatter(thin, 1.6) / thin).mean()) > 0
