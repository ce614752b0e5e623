"""Grad-CAM, AblationCAM and saliency of one mark: the known answer of a linear head, one map a mark, no map where there is none, dependence on the weights."""

import copy
from collections import OrderedDict
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr
from torch.nn import functional

from device_sw.detector.activations import Reading, Target, explainable, of_bundle
from device_sw.detector.bundle import load_bundle
from device_sw.detector.inference import Detector
from device_sw.explanation import ablation_cam, grad_cam, lesion_maps, saliency
from device_sw.preprocessing.geometry import laid_on_film, letterbox
from device_sw.types import LESION_METHODS, Box, Explain, ExplanationMethod, LesionMap, NormalisedFilm
from verification.steps import bundles, films


@dataclass(frozen=True)
class Images:
    tensors: torch.Tensor
    image_sizes: list


class LinearHead:
    """Its features are the pixels and their negatives, its head is a weight for each place: every method has an answer that can be written down."""

    def __init__(self, weights, window):
        self.weights, self.window, self.network = weights, window, torch.nn.Identity()

    def read(self, pixels):
        return Reading(
            OrderedDict(only=torch.cat([pixels, -pixels])[None]),
            Images(pixels[None], [tuple(pixels.shape[-2:])]),
            tuple(pixels.shape[-2:]),
        )

    def targets(self, _reading, sought, _extent, _tolerance):
        return tuple(Target(0, one.label) for one in sought)

    def seen(self, reading, _target):
        top, left, bottom, right = self.window
        return reading.level(_target)[:, :, top:bottom, left:right]

    def place(self, _reading, _target):
        top, left, bottom, right = self.window
        return (float(left), float(top), float(right), float(bottom))

    def log_odds(self, seen, target):
        return (seen * self.weights).sum(dim=(1, 2, 3)) * (1.0 if target.label == 1 else -1.0)


@pytest.fixture
def linear():
    generator = torch.Generator().manual_seed(1)
    detector = LinearHead(torch.randn(1, 2, 5, 6, generator=generator), (8, 10, 13, 16))
    pixels = torch.rand(1, 32, 32, generator=generator)
    return detector, pixels, detector.read(pixels)


def expected_of(detector, reading, sign):
    features = reading.level(Target(0, 1))
    contribution = sign * detector.weights * (detector.seen(reading, Target(0, 1)) - features.mean(dim=(2, 3), keepdim=True))
    return contribution.sum(dim=1)[0].clamp_min(0.0)


@pytest.mark.parametrize(("label", "sign"), [(1, 1.0), (2, -1.0)])
def test_grad_cam_of_a_linear_head_is_the_contribution_of_each_place(linear, label, sign):
    detector, _, reading = linear
    assert torch.allclose(grad_cam.grad_cam(detector, reading, Target(0, label)), expected_of(detector, reading, sign), atol=1e-6)


@pytest.mark.parametrize(("label", "sign"), [(1, 1.0), (2, -1.0)])
def test_ablation_cam_of_a_linear_head_is_the_same_without_a_gradient(linear, label, sign):
    detector, _, reading = linear
    found = ablation_cam.ablation_cam(detector, reading, Target(0, label))
    assert torch.allclose(found, expected_of(detector, reading, sign), atol=1e-5)


def test_saliency_of_a_linear_head_is_the_contribution_of_each_pixels_detail(linear):
    detector, pixels, _ = linear
    gradient = torch.zeros(1, 32, 32)
    gradient[0, 8:13, 10:16] = (detector.weights[0, 0] - detector.weights[0, 1]) * 1.0
    around = functional.avg_pool2d(pixels, 33, stride=1, padding=16, count_include_pad=False)
    expected = functional.avg_pool2d((gradient * (pixels - around))[None], 8)[0, 0].clamp_min(0.0) * saliency.COPIES
    (found,) = saliency.saliency(detector, pixels, [Target(0, 1)])
    assert torch.allclose(found, expected, atol=1e-5)


def test_the_parts_that_are_ablated_cover_every_value_once():
    for channels, height, width in ((64, 7, 7), (256, 11, 11), (256, 64, 50), (3, 1, 1)):
        count = np.zeros((channels, height, width), int)
        parts = list(ablation_cam._parts(channels, height, width))
        for part in parts:
            count[part] += 1
        assert (count == 1).all()
        assert len(parts) <= ablation_cam.VARIANTS


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return load_bundle(bundles.untrained(tmp_path_factory.mktemp("explained") / "bundle"))


@pytest.fixture(scope="module")
def film():
    return letterbox(
        NormalisedFilm((films.picture(seed=3) / 4095.0).astype(np.float32), "tt-default-1"), bundles.ARCHITECTURE.input_size
    )


@pytest.fixture(scope="module")
def marks(bundle, film):
    return Detector(bundle).detect(film).candidates[:6]


def made(detector, film, marks, bundle, methods=LESION_METHODS):
    return lesion_maps.lesion_maps(detector, film, marks, marks, bundle.settings.findings, methods)


def test_each_mark_has_a_map_of_its_own_by_each_method(bundle, film, marks):
    maps = made(of_bundle(bundle), film, marks, bundle)
    assert [(m.detection, m.method) for m in maps] == [(mark, method) for mark in marks for method in LESION_METHODS]
    shown = [m for m in maps if m.grid is not None]
    assert len(shown) >= len(maps) - 4
    for lesion_map in shown:
        assert lesion_map.label == lesion_maps.LABELS[lesion_map.method]
        assert float(lesion_map.grid.max()) == 1.0
        assert float(lesion_map.grid.min()) >= 0.0
    for method in LESION_METHODS:
        drawn = [
            laid_on_film(m.grid, m.place, film.letterbox.rows, film.letterbox.columns, (64, 64))
            for m in shown
            if m.method is method
        ]
        assert all(not np.allclose(a, b) for number, a in enumerate(drawn) for b in drawn[number + 1 :])


def test_the_same_film_gives_the_same_maps(bundle, film, marks):
    one, two = (made(of_bundle(bundle), film, marks[:2], bundle) for _ in range(2))
    assert all(np.array_equal(a.grid, b.grid) for a, b in zip(one, two, strict=True))


def test_a_calibrated_score_is_explained_by_the_networks_own(bundle, film, marks):
    told = [replace(mark, score=mark.score * 0.9) for mark in marks[:2]]
    maps = lesion_maps.lesion_maps(of_bundle(bundle), film, told, marks, bundle.settings.findings, [ExplanationMethod.GRAD_CAM])
    assert [m.detection for m in maps] == told
    assert all(m.grid is not None for m in maps)


def test_a_mark_of_another_network_gets_no_map_but_the_reason(bundle, film, marks):
    elsewhere = replace(marks[0], box=Box(3.0, 5.0, 61.0, 77.0))
    maps = made(of_bundle(bundle), film, [elsewhere], bundle)
    assert [m.grid for m in maps] == [None] * 3
    assert {m.reason for m in maps} == {lesion_maps.NOT_FOUND}


def test_without_a_network_each_map_says_so(bundle, film, marks):
    maps = made(None, film, marks[:1], bundle)
    assert {m.reason for m in maps} == {lesion_maps.NO_NETWORK}


def test_no_mark_no_map(bundle, film):
    assert made(of_bundle(bundle), film, (), bundle) == ()


def test_no_method_no_map(bundle, film, marks):
    assert made(of_bundle(bundle), film, marks, bundle, ()) == ()


def test_what_raises_nothing_has_no_map_and_what_is_not_finite_has_none(film, marks):
    frame, place = film.letterbox, (0.0, 0.0, 8.0, 8.0)
    nothing = lesion_maps._lesion_map(ExplanationMethod.GRAD_CAM, marks[0], torch.zeros(3, 3), place, frame)
    broken = lesion_maps._lesion_map(ExplanationMethod.GRAD_CAM, marks[0], torch.full((3, 3), torch.nan), place, frame)
    assert (nothing.reason, broken.reason) == (lesion_maps.NOTHING, lesion_maps.NOT_FINITE)


def test_a_map_without_grid_and_reason_cannot_be_built(marks):
    with pytest.raises(ValueError, match="a grid with its place, or a reason"):
        LesionMap(ExplanationMethod.GRAD_CAM, marks[0], "label")


@pytest.mark.parametrize("method", LESION_METHODS)
def test_random_weights_destroy_the_map(bundle, film, marks, method):
    """Stated beforehand: the median rank correlation in the box with the map of the same target under other weights is at most 0.5."""
    detector = of_bundle(bundle)
    read = lesion_maps._read(detector, film)
    targets = lesion_maps._targets(detector, read, marks, bundle.settings.findings)
    ranks = []
    for seed in range(3):
        network = copy.deepcopy(detector.network)
        torch.manual_seed(seed)
        for module in network.modules():
            if hasattr(module, "reset_parameters"):
                module.reset_parameters()
        other = explainable(network)
        again = lesion_maps._read(other, film)
        for (a, _), (b, _) in zip(
            lesion_maps._grids(detector, read, method, targets), lesion_maps._grids(other, again, method, targets), strict=True
        ):
            one, two = a.numpy().ravel(), b.numpy().ravel()
            if np.ptp(one) > 0 and np.ptp(two) > 0:
                ranks.append(spearmanr(one, two)[0])
    assert len(ranks) >= 6
    assert np.median(ranks) <= 0.5


def test_what_a_run_is_asked_to_explain():
    assert Explain.EIGENCAM.methods == ()
    assert Explain.ALL.methods == LESION_METHODS
    assert [Explain(method.value).methods for method in LESION_METHODS] == [(method,) for method in LESION_METHODS]


@given(
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.tuples(st.integers(1, 5), st.integers(1, 5)),
    st.tuples(st.floats(-20, 30), st.floats(-20, 30)),
    st.tuples(st.floats(0.5, 40), st.floats(0.5, 40)),
)
def test_a_grid_of_one_value_is_that_value_inside_its_place_and_nothing_outside(film, grid, corner, size):
    (rows, columns), (high, wide), (x0, y0), (across, down) = film, grid, corner, size
    laid = laid_on_film(np.full((high, wide), 0.75, np.float32), (x0, y0, x0 + across, y0 + down), rows, columns)
    x, y = np.arange(columns) + 0.5, np.arange(rows) + 0.5
    inside = ((y >= y0) & (y < y0 + down))[:, None] & ((x >= x0) & (x < x0 + across))[None, :]
    assert laid.shape == (rows, columns)
    assert np.allclose(laid, np.where(inside, 0.75, 0.0), atol=1e-6)


def test_the_peak_of_a_grid_lies_at_the_film_position_of_its_cell():
    grid = np.zeros((7, 7), np.float32)
    grid[2, 5] = 1.0
    laid = laid_on_film(grid, (100.0, 40.0, 240.0, 110.0), 200, 300)
    assert np.unravel_index(int(laid.argmax()), laid.shape) in {(row, column) for row in (64, 65) for column in (209, 210)}
