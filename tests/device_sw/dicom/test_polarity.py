"""The polarity measure: exact opposite for an inverted film, blind to window and gamma."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_sw.dicom.polarity import AGREEMENT, agreement
from verification.steps.films import picture

CHEST = (picture() / 4095).astype(np.float32)


def test_a_chest_agrees_and_its_negative_contradicts():
    assert agreement(CHEST) > 0.5
    assert agreement(1 - CHEST) == pytest.approx(-agreement(CHEST), abs=0.02)


def test_a_chest_upside_down_does_not_agree():
    assert agreement(CHEST[::-1]) < agreement(CHEST) - 0.3


@settings(max_examples=20, deadline=None)
@given(st.floats(0.4, 2.5))
def test_exposure_does_not_change_the_verdict(gamma):
    assert agreement(CHEST**gamma) > AGREEMENT
    assert agreement(1 - CHEST**gamma) < -AGREEMENT


@pytest.mark.parametrize("pixels", [np.zeros((512, 512)), np.ones((512, 700)), np.random.default_rng(0).random((10, 10))])
def test_a_picture_without_structure_says_nothing(pixels):
    assert agreement(pixels.astype(np.float32)) == 0.0


@settings(max_examples=30, deadline=None)
@given(st.integers(16, 200), st.integers(16, 200), st.integers(0, 99))
def test_agreement_is_a_correlation(rows, columns, seed):
    noise = np.random.default_rng(seed).random((rows, columns)).astype(np.float32)
    assert -1.0 <= agreement(noise) <= 1.0
    assert agreement(noise) == pytest.approx(-agreement(1 - noise), abs=1e-6)
