"""The film's local contrast is computed from roots that every processor gives alike."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from device_sw.detector.families.local_contrast import exact_root, local_contrast


@given(arrays(np.float32, st.integers(1, 64), elements=st.floats(0, 2.0**60, width=32)))
def test_a_root_is_the_correctly_rounded_one(numbers):
    assert exact_root(torch.from_numpy(numbers)).numpy().tobytes() == np.sqrt(numbers).tobytes()


def test_of_many_roots_none_is_off_by_a_last_digit():
    """numpy takes the root from the processor's own instruction, which IEEE 754 rounds correctly; PyTorch's float32 root is off for about a fifth."""
    numbers = np.random.Generator(np.random.Philox(3)).random(100_000, dtype=np.float32)
    assert (exact_root(torch.from_numpy(numbers)).numpy() == np.sqrt(numbers)).all()


def test_local_contrast_is_that_of_its_formula_in_double_precision():
    film = torch.from_numpy(np.random.Generator(np.random.Philox(4)).random((1, 1, 64, 64), dtype=np.float32))
    cells = film.double().reshape(1, 1, 4, 16, 4, 16)
    mean, spread = cells.mean((3, 5)), cells.std((3, 5), unbiased=False)
    around, scale = (
        torch.nn.functional.interpolate(each, size=(64, 64), mode="bilinear", align_corners=False) for each in (mean, spread)
    )
    assert torch.allclose(local_contrast(film).double(), (film.double() - around) / (scale + 0.1), atol=1e-5)
