"""How the picture says that it is shown: the same sixteen ways whatever was done to the film, blind to window and size, silent without structure."""

import json
from importlib.resources import files

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_sw.dicom.orientation import (
    GRID,
    INVERTED,
    LIKENESS,
    MIRRORED,
    NOTHING_SEEN,
    SMALLEST,
    TURNED,
    WAYS,
    laid,
    orientation,
    ranked,
)
from verification.steps.films import picture

CHEST = (picture() / 4095).astype(np.float32)
NOISE = np.random.default_rng(1).random((512, 512)).astype(np.float32)
UNDONE = (0, 1, 2, 3, 4, 6, 5, 7)
"""Which way lays a film back that was laid the n-th way: each is its own opposite but for the quarter turns."""


def test_a_chest_looks_upright_positive_and_not_mirrored():
    seen = orientation(CHEST)
    assert seen.likeness > 0.5
    assert seen.way == "upright"
    assert (seen.inverted <= INVERTED, seen.turned <= TURNED, seen.mirrored <= MIRRORED) == (True, True, True)


@pytest.mark.parametrize(
    ("alter", "way"),
    [
        (lambda film: film[:, ::-1], "mirrored"),
        (lambda film: film[::-1], "upside down, as a reflection"),
        (lambda film: film[::-1, ::-1], "turned by 180 degrees"),
        (np.rot90, "turned by 90 degrees anticlockwise"),
        (lambda film: np.rot90(film, -1), "turned by 90 degrees clockwise"),
        (lambda film: film.T, "turned by 90 degrees and mirrored"),
        (lambda film: film[::-1, ::-1].T, "turned by 90 degrees and mirrored"),
    ],
)
@pytest.mark.parametrize("negative", [False, True])
def test_what_was_done_to_the_film_is_named(alter, way, negative):
    film = alter(CHEST)
    seen = orientation(1 - film if negative else film)
    assert seen.way == way
    assert (seen.inverted > INVERTED) == negative
    assert (seen.turned > TURNED) == ("turned" in way or "upside" in way)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 7), st.booleans(), st.integers(0, 99), st.sampled_from([64, 128, 512]))
def test_the_same_numbers_come_out_in_another_order(way, negative, seed, side):
    """Altering a film exchanges the ways; how likely it is to be altered in one of them does not depend on how it lay before."""
    film = np.random.default_rng(seed).random((side, side)).astype(np.float32)
    before, after = orientation(film), orientation(laid(film, way) if not negative else 1 - laid(film, way))
    assert after.likeness == pytest.approx(before.likeness, abs=1e-5)
    assert after.inverted == pytest.approx(-before.inverted if negative else before.inverted, abs=1e-3)
    if negative and abs(before.inverted) <= INVERTED:
        return  # undecided: both count as positive, and are asked for their position as such
    if way == 1:
        assert after.mirrored == pytest.approx(-before.mirrored, abs=1e-3)
    if way < 2:
        assert after.turned == pytest.approx(before.turned, abs=1e-3)


@pytest.mark.parametrize("way", range(8))
def test_laying_a_film_back_gives_the_film(way):
    film = np.arange(12).reshape(3, 4)
    assert np.array_equal(laid(laid(film, way), UNDONE[way]), film)


def test_the_ways_are_all_different():
    film = np.arange(16).reshape(4, 4)
    assert len({laid(film, way).tobytes() for way in range(8)}) == len(WAYS) == 8


@settings(max_examples=20, deadline=None)
@given(st.floats(0.4, 2.5))
def test_exposure_does_not_change_what_is_seen(gamma):
    seen, plain = orientation(CHEST**gamma), orientation(CHEST)
    assert (seen.way, seen.inverted <= INVERTED) == ("upright", True)
    assert seen.mirrored == pytest.approx(plain.mirrored, abs=1.0)


@pytest.mark.parametrize("times", [2, 5])
def test_resolution_does_not_change_what_is_seen(times):
    enlarged = np.repeat(np.repeat(CHEST, times, axis=0), times, axis=1)
    assert orientation(enlarged).turned == pytest.approx(orientation(CHEST).turned, abs=1e-2)


def test_the_longer_side_does_not_decide():
    assert orientation(np.repeat(CHEST, 2, axis=0)).way == "upright"
    assert orientation(np.repeat(CHEST, 2, axis=1)).way == "upright"


@pytest.mark.parametrize(
    "pixels", [np.zeros((512, 512)), np.ones((512, 700)), np.random.default_rng(0).random((SMALLEST - 1, 200))]
)
def test_a_picture_without_structure_says_nothing(pixels):
    assert orientation(pixels.astype(np.float32)) == NOTHING_SEEN


@pytest.mark.parametrize("seed", range(20))
def test_noise_is_unlike_a_chest(seed):
    noise = np.random.default_rng(seed).random((300, 400)).astype(np.float32)
    assert orientation(noise).likeness < LIKENESS


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=4, max_size=64))
def test_ranks_are_symmetrical_and_equal_blocks_share_theirs(values):
    means = np.array([values], dtype=np.float64)
    ranks = ranked(means)
    assert np.allclose(ranks, -ranked(-means))
    assert float(ranks.sum()) == pytest.approx(0.0, abs=1e-4)
    assert len(np.unique(ranks)) == len(set(values))


def test_ranks_are_places_among_the_blocks():
    """A block above a of n blocks, with b like it, itself included, has the rank (2a + b) / n - 1."""
    means = np.array([[3.0, 1.0, 1.0, 2.0, 9.0]])
    assert ranked(means)[0].tolist() == pytest.approx([7 / 5 - 1, 2 / 5 - 1, 2 / 5 - 1, 5 / 5 - 1, 9 / 5 - 1])


def test_the_numbers_carry_their_origin_and_nothing_but_their_shape():
    stored = json.loads(files("device_sw.dicom").joinpath("orientation.json").read_text(encoding="utf-8"))
    assert set(stored) == {"schema", "provenance", "date", "layers", "weights"}
    assert "NIH Clinical Center" in stored["provenance"]
    shapes = [np.asarray(layer["weights"]).shape for layer in stored["layers"]]
    assert [shape[1] for shape in shapes] == [1, *(shape[0] for shape in shapes[:-1])]
    assert np.asarray(stored["weights"]).shape == (shapes[-1][0], 8, 8)


def test_the_numbers_are_used_as_the_library_that_fitted_them_uses_them():
    """The same network, built of the library's own layers, ranks a film's ways alike."""
    torch = pytest.importorskip("torch")
    from device_sw.dicom import orientation as module

    stored = json.loads(files("device_sw.dicom").joinpath("orientation.json").read_text(encoding="utf-8"))
    pictures = np.random.default_rng(3).uniform(-1, 1, (5, GRID, GRID)).astype(np.float32)
    maps = torch.from_numpy(pictures)[:, None]
    for layer in stored["layers"]:
        weights = torch.tensor(layer["weights"])
        maps = torch.relu(
            torch.nn.functional.conv2d(maps, weights, torch.tensor(layer["bias"]), stride=2, padding=weights.shape[-1] // 2)
        )
    expected = (maps * torch.tensor(stored["weights"])).sum((1, 2, 3)).numpy()
    assert module._scores(pictures) == pytest.approx(expected, abs=1e-4)
