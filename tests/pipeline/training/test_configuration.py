"""The train section of params.yaml: what stands there is what trains, and a value that means nothing is refused."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import yaml

from pipeline.training.configuration import TrainingConfiguration
from pipeline.training.sampling import Sampling

PARAMS = Path(__file__).resolve().parents[3] / "params.yaml"


@pytest.fixture
def section():
    return copy.deepcopy(yaml.safe_load(PARAMS.read_text(encoding="utf-8"))["train"])


def test_the_canonical_run_uses_none_of_the_options(section):
    read = TrainingConfiguration.from_params(section)
    assert read.sampling is Sampling.EVERY_FILM
    assert read.scales == (1.0,)
    assert read.focal_gamma == 0.0
    assert read.transfer.source is None


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("sampling", "random", "'random' is not a valid Sampling"),
        ("scales", [], "train.scales"),
        ("scales", [0.1], "train.scales"),
        ("focal_gamma", 0.5, "train.focal_gamma"),
        ("focal_gamma", -1.0, "train.focal_gamma"),
        ("patience", 0, "train.patience"),
        ("transfer", {"source": None, "take": ["backbone"], "frozen": ["backbone"], "rate": 1.0}, "need a source"),
        ("transfer", {"source": None, "take": ["backbone"], "frozen": [], "rate": 0.1}, "need a source"),
        ("transfer", {"source": "a", "take": [], "frozen": [], "rate": 1.0}, "take must name parts"),
        ("transfer", {"source": "a", "take": ["backbone"], "frozen": [], "rate": 0.0}, r"rate lie in \(0, 1\]"),
        ("transfer", {}, r"missing \['frozen', 'rate', 'source', 'take'\]"),
        ("epoch", 3, r"unknown \['epoch'\]"),
    ],
)
def test_a_value_that_means_nothing_is_refused(section, key, value, said):
    with pytest.raises(ValueError, match=said):
        TrainingConfiguration.from_params({**section, key: value})


def test_the_canonical_parameters_name_their_family(section):
    assert TrainingConfiguration.from_params(section).network.family == "faster_rcnn_small"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"depth": 50}, r"train\.network section: missing \[\], unknown \['depth'\]"),
        ({"family": "yolov9"}, "no detector family 'yolov9'"),
    ],
)
def test_sizes_that_are_not_the_familys_are_refused(section, changes, said):
    section["network"].update(changes)
    with pytest.raises(ValueError, match=said):
        TrainingConfiguration.from_params(section)


def test_a_missing_size_is_refused(section):
    del section["network"]["blocks"]
    with pytest.raises(ValueError, match=r"missing \['blocks'\]"):
        TrainingConfiguration.from_params(section)
