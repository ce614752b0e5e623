"""A film and its boxes turn together, and nothing is flipped."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.training.augmentation import Augmentation, augment, expose, rotate


def disc(x, y, radius, size=64):
    rows, columns = np.mgrid[:size, :size] + 0.5
    return (((columns - x) ** 2 + (rows - y) ** 2) <= radius**2).astype(np.float32)


@given(st.floats(-0.12, 0.12), st.floats(20, 44), st.floats(20, 44))
def test_a_disc_stays_in_its_turned_box(angle, x, y):
    radius = 8.0
    box = np.array([[x - radius, y - radius, x + radius, y + radius]], dtype=np.float32)
    turned, moved = rotate(disc(x, y, radius), box, angle)
    rows, columns = np.nonzero(turned > 0.5)
    found = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
    assert np.abs(found - moved[0]).max() <= 1.5


def test_a_full_turn_is_no_turn():
    image = disc(20, 40, 5)
    box = np.array([[15, 35, 25, 45]], dtype=np.float32)
    turned, moved = rotate(image, box, 2 * math.pi)
    assert np.allclose(turned, image, atol=1e-4)
    assert np.allclose(moved, box, atol=1e-3)


def test_left_stays_left():
    image = disc(10, 32, 4)
    for draw in range(20):
        turned, _ = augment(image, np.zeros((0, 4), np.float32), Augmentation(5.0, 0.0), np.random.default_rng(draw))
        assert turned[:, :32].sum() > 10 * turned[:, 32:].sum()


@given(st.floats(-0.1, 0.1), st.floats(-0.05, 0.05), st.floats(-0.1, 0.1))
def test_exposure_keeps_order_and_range(contrast, brightness, gamma):
    ramp = np.linspace(0, 1, 50, dtype=np.float32)
    changed = expose(ramp, contrast, brightness, gamma)
    assert changed.min() >= 0
    assert changed.max() <= 1
    assert np.all(np.diff(changed) >= 0)


def test_no_exposure_change_is_the_same_film():
    ramp = np.linspace(0, 1, 50, dtype=np.float32)
    assert np.allclose(expose(ramp, 0, 0, 0), ramp)
