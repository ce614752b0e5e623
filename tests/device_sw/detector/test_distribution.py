import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_sw.detector.distribution import Placement, ReferenceDistribution, ReferenceFilms, network_values, picture_values
from device_sw.errors import InferenceFailed
from device_sw.types import Letterbox, ModelInput


def films(n, unit=1.0):
    return ReferenceFilms(np.zeros(n), np.ones(n), np.eye(n), unit=unit)


def distribution(limit=1.0):
    return ReferenceDistribution(
        {"picture": films(92, 50.0), "network": films(4, 5.0)}, limit, reference_films=3, held_out_films=3
    )


def model_input(rows=64, columns=64, size=64, seed=0):
    pixels = np.zeros((size, size), np.float32)
    frame = Letterbox(rows, columns, size)
    down, across = max(1, int(rows * frame.scale)), max(1, int(columns * frame.scale))
    pixels[:down, :across] = np.random.default_rng(seed).random((down, across), dtype=np.float32)
    return ModelInput(pixels, frame)


@given(rows=st.integers(1, 200), columns=st.integers(1, 200), size=st.sampled_from([16, 64, 96]))
def test_every_shape_of_film_has_the_same_number_of_finite_values(rows, columns, size):
    values = picture_values(model_input(rows, columns, size))
    assert values.shape == (92,)
    assert np.isfinite(values).all()


def test_the_padding_tells_nothing_about_the_film():
    features = np.random.default_rng(1).random((2, 8, 8)).astype(np.float32)
    spoilt = features.copy()
    spoilt[:, :, 4:] = 99.0
    frame = Letterbox(rows=100, columns=50, size=64)
    assert np.array_equal(network_values(features, frame), network_values(spoilt, frame))
    assert not np.array_equal(network_values(features, Letterbox(100, 100, 64)), network_values(spoilt, Letterbox(100, 100, 64)))
    film = model_input(rows=100, columns=50)
    other = film.pixels.copy()
    other[:, 32:] = 1.0
    assert np.array_equal(picture_values(film), picture_values(ModelInput(other, film.letterbox)))


def test_the_values_are_what_they_are_called():
    pixels = np.full((64, 64), 0.25, np.float32)
    pixels[:, 32:] = 0.75
    values = picture_values(ModelInput(pixels, Letterbox(64, 64, 64)))
    assert values[:7].tolist() == [0.25, 0.25, 0.25, 0.5, 0.75, 0.75, 0.75]
    assert values[27] == 1.0
    assert values[28:36].tolist() == [0.25] * 4 + [0.75] * 4
    assert np.exp(values[7:11]) - 1e-4 == pytest.approx([2 * 0.5 / 64, 0.0, 0.0, 0.5 / 64])
    features = np.stack([np.zeros((4, 4)), np.arange(16).reshape(4, 4)]).astype(np.float32)
    told = network_values(features, Letterbox(9, 9, 64))
    assert told == pytest.approx([0.0, 7.5, np.log(1e-3), np.log(np.arange(16).std() + 1e-3)])


def test_noise_shows_in_the_first_octave_and_a_ramp_does_not():
    ramp = np.tile(np.linspace(0, 1, 64, dtype=np.float32), (64, 1))
    noisy = np.clip(ramp + np.random.default_rng(0).normal(0, 0.1, (64, 64)), 0, 1).astype(np.float32)
    frame = Letterbox(64, 64, 64)
    assert picture_values(ModelInput(noisy, frame))[7] > picture_values(ModelInput(ramp, frame))[7] + 3


def test_distance_is_mahalanobis_in_units():
    precision = np.array([[2.0, 0.5], [0.5, 1.0]])
    reference = ReferenceFilms(np.array([1.0, 2.0]), np.array([2.0, 4.0]), precision, unit=3.0)
    z = np.array([(5.0 - 1.0) / 2.0, (10.0 - 2.0) / 4.0])
    assert reference.distance(np.array([5.0, 10.0])) == pytest.approx(np.sqrt(z @ precision @ z) / 3.0)
    with pytest.raises(ValueError, match="expected 2 values, got"):
        reference.distance(np.zeros(3))


@pytest.mark.parametrize("picture", [0.5, 1.0, 1.5])
@pytest.mark.parametrize("network", [0.5, 1.0, 1.5])
def test_either_distance_can_put_a_film_outside(picture, network):
    placement = Placement(picture, network, limit=1.0)
    assert placement.outside == (picture > 1.0 or network > 1.0)
    assert placement.distance == max(picture, network)


def test_a_film_is_placed_by_both_descriptions():
    film, features = model_input(), np.full((2, 4, 4), 3.0, np.float32)
    placement = distribution().place(film, features)
    assert placement.picture == pytest.approx(np.linalg.norm(picture_values(film)) / 50.0)
    assert placement.network == pytest.approx(np.linalg.norm([3.0, 3.0, np.log(1e-3), np.log(1e-3)]) / 5.0)
    assert placement.limit == 1.0


def test_features_that_are_no_numbers_give_no_result():
    with pytest.raises(InferenceFailed, match="INF-NONFINITE at network features"):
        distribution().place(model_input(), np.full((2, 4, 4), np.nan, np.float32))


@pytest.mark.parametrize(
    ("mean", "scale", "precision", "unit"),
    [
        (np.zeros(2), np.ones(3), np.eye(2), 1.0),
        (np.zeros(2), np.ones(2), np.eye(3), 1.0),
        (np.zeros(2), np.zeros(2), np.eye(2), 1.0),
        (np.full(2, np.nan), np.ones(2), np.eye(2), 1.0),
        (np.zeros(2), np.ones(2), np.eye(2), 0.0),
        (np.zeros(2), np.ones(2), np.full((2, 2), np.inf), 1.0),
    ],
)
def test_statistics_without_a_distance_are_refused(mean, scale, precision, unit):
    with pytest.raises(ValueError, match="reference films need"):
        ReferenceFilms(mean, scale, precision, unit)


@pytest.mark.parametrize(
    ("parts", "limit"), [(("picture",), 1.0), (("picture", "network"), 0.0), (("picture", "network"), np.inf)]
)
def test_a_distribution_needs_both_descriptions_and_a_limit(parts, limit):
    with pytest.raises(ValueError, match="needs picture and network and a finite limit"):
        ReferenceDistribution({name: films(2) for name in parts}, limit, 1, 1)
