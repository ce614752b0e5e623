"""The classifier says on the engine what it says in PyTorch, and its low score withholds a mark only where all conditions hold."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta

from device_sw.detector.classifier import SUPPRESSED_LIMIT, ClassifierShape, CutOffRecord, Suppression, opinion, require_record
from device_sw.detector.classifier_engine import CompiledClassifier
from device_sw.detector.classifier_network import ClassifierNetwork, EagerClassifier
from device_sw.detector.distribution import Placement
from device_sw.errors import BundleError, InferenceFailed
from device_sw.types import Box, Detection

SHAPE = ClassifierShape(64, (8, 16, 16), 2)


@pytest.fixture(scope="module")
def weights():
    torch.manual_seed(3)
    return {name: tensor.numpy() for name, tensor in ClassifierNetwork(SHAPE).state_dict().items()}


def films(count):
    return np.random.default_rng(5).random((count, 64, 64)).astype(np.float32)


def test_the_engine_says_what_the_trained_classifier_says(weights):
    compiled, eager = CompiledClassifier(SHAPE, weights), EagerClassifier(SHAPE, weights)
    for film in films(6):
        assert compiled.score(film) == pytest.approx(eager.score(film), abs=1e-6)


@pytest.mark.parametrize("change", [lambda w: w.pop("head.bias"), lambda w: w.update(more=np.zeros(1, np.float32))])
def test_weights_of_another_shape_are_refused(weights, change):
    changed = dict(weights)
    change(changed)
    with pytest.raises(BundleError, match=r"BND-WEIGHTS at classifier\.safetensors"):
        CompiledClassifier(SHAPE, changed)
    with pytest.raises(BundleError, match=r"BND-WEIGHTS at classifier\.safetensors"):
        EagerClassifier(SHAPE, changed)


def test_a_film_of_another_size_has_no_score(weights):
    with pytest.raises(InferenceFailed, match="INF-SHAPE at classifier input"):
        CompiledClassifier(SHAPE, weights).score(np.zeros((32, 32), np.float32))


def test_a_number_that_is_not_finite_is_no_score(weights):
    film = films(1)[0]
    film[3, 3] = np.nan
    with pytest.raises(InferenceFailed, match="INF-NONFINITE at classifier output"):
        CompiledClassifier(SHAPE, weights).score(film)


@pytest.mark.parametrize(
    "values",
    [
        {"input_size": 64, "widths": [8], "blocks": 1},
        {"input_size": 64, "widths": [8, 12], "blocks": 1},
        {"input_size": 72, "widths": [8, 16], "blocks": 1},
        {"input_size": 64, "widths": [8, 16], "blocks": 0},
    ],
)
def test_numbers_that_shape_no_classifier_are_refused(values):
    with pytest.raises(ValueError, match="a classifier"):
        ClassifierShape.from_json(values)


WITHIN, BEYOND = Placement(1.0, 1.5, 2.0), Placement(1.0, 2.5, 2.0)
RULE = Suppression(cut_off=0.3, kept_above=0.8)
MARKS = [Detection("scoliosis", Box(0, 0, 10, 10), score) for score in (0.95, 0.8, 0.79, 0.1)]


def test_a_film_that_passes_for_normal_keeps_only_what_the_detector_is_sure_of():
    said = opinion(0.29, RULE, WITHIN, MARKS)
    assert [mark.score for mark in said.withheld] == [0.79, 0.1]
    assert said.parameters() == {
        "score": 0.29,
        "cut_off": 0.3,
        "kept_above": 0.8,
        "class": "normal",
        "within_reference_films": True,
        "withheld": 2,
    }


@pytest.mark.parametrize(("score", "placement"), [(0.3, WITHIN), (0.9, WITHIN), (0.0, BEYOND), (0.0, None)])
def test_nothing_is_withheld_of_an_abnormal_film_or_of_one_unlike_the_training_films(score, placement):
    assert opinion(score, RULE, placement, MARKS).withheld == ()


@given(score=st.floats(0, 1), cut_off=st.floats(0, 1), kept=st.floats(0, 1), marks=st.lists(st.floats(0, 1), max_size=5))
def test_what_is_withheld_scores_below_both_limits(score, cut_off, kept, marks):
    found = [Detection("scoliosis", Box(0, 0, 1, 1), mark) for mark in marks]
    said = opinion(score, Suppression(cut_off, kept), WITHIN, found)
    assert all(score < cut_off and mark.score < kept for mark in said.withheld)


@pytest.mark.parametrize(("cut_off", "kept"), [(-0.1, 0.5), (0.1, 1.1), (float("nan"), 0.5)])
def test_a_rule_without_scores_is_refused(cut_off, kept):
    with pytest.raises(ValueError, match="cut-off and kept_above"):
        Suppression(cut_off, kept)


@settings(deadline=None)
@given(films=st.integers(1, 300), suppressed=st.integers(0, 20))
def test_the_record_holds_where_the_bound_of_clopper_and_pearson_does(films, suppressed):
    suppressed = min(suppressed, films)
    bound = 1.0 if suppressed == films else beta.ppf(0.95, suppressed + 1, films - suppressed)
    if abs(bound - SUPPRESSED_LIMIT) > 1e-9:
        assert CutOffRecord(films, suppressed, 5, 5).holds == (bound <= SUPPRESSED_LIMIT)


def test_a_cut_off_that_was_not_shown_to_spare_abnormal_films_is_refused():
    with pytest.raises(BundleError, match=r"BND-CUT-OFF at second_opinions.json classifier: found 1 of 38 films"):
        require_record(CutOffRecord(38, 1, 12, 8))
    require_record(CutOffRecord(38, 0, 12, 8))


@pytest.mark.parametrize("counts", [(5, 6, 1, 0), (5, -1, 1, 0), (5, 0, 1, 2), (5.0, 0, 1, 0)])
def test_counts_that_are_none_are_refused(counts):
    with pytest.raises(ValueError, match="whole counts of films"):
        CutOffRecord(*counts)
