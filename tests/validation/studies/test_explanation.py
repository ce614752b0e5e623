"""Maps of marks as a study asks them: ranking, blurring and scoring, each by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

from device_sw.types import Box
from validation.metrics.intervals import draw
from validation.studies.explanation import (
    DRAWN,
    _blurred_at,
    _cells,
    _figures,
    _ranked,
    _score,
    _where,
)

MARK = SimpleNamespace(finding="scoliosis", box=Box(100.0, 100.0, 200.0, 200.0), score=0.8)
FILM = SimpleNamespace(rows=640, columns=512)


def test_cells_are_ranked_by_the_map_and_only_those_under_one():
    values = np.array([[0.0, 0.2, 0.9], [0.5, 0.0, 0.1]], dtype=np.float32)
    under = np.array([[True, True, True], [True, False, False]])
    assert _ranked(values, under).tolist() == [2, 3, 1, 0]


def test_only_chosen_cells_are_blurred():
    picture, blurred = np.ones((640, 512)), np.zeros((640, 512))
    shown = _blurred_at(picture, blurred, np.array([0]), (64, 51))
    assert shown[2, 2] == pytest.approx(0.0, abs=0.05)
    assert (shown[30:, 30:] == 1.0).all()
    assert np.array_equal(_blurred_at(picture, blurred, np.array([], dtype=np.int64), (64, 51)), picture)


def test_the_score_is_that_of_the_same_finding_in_the_same_place():
    row = {"finding": "scoliosis", "box": [105.0, 100.0, 205.0, 200.0], "score": 0.6}
    away, other = row | {"box": [300.0, 300.0, 400.0, 400.0], "score": 0.9}, row | {"finding": "aortic_curvature", "score": 0.9}
    assert _score({"candidates": [away, other, row]}, MARK) == 0.6
    assert _score({"candidates": [away, other]}, MARK) == 0.0


def test_pointing_and_energy_by_hand():
    inside = _cells((0.0, 0.0, 256.0, 320.0), FILM, (4, 4))
    assert inside.sum() == 4
    values = np.zeros((4, 4), dtype=np.float32)
    values[0, 0], values[3, 3] = 1.0, 0.5
    assert _where(values, inside, None) == {"energy": pytest.approx((1 / 1.5) / 0.25), "pointing": True, "pointing_truth": None}


def test_a_ranking_is_judged_against_the_drawn_order():
    curves = {
        "grad-cam": {"deletion": [0.1, 0.1], "insertion": [0.9, 0.9]},
        DRAWN: {"deletion": [0.5, 0.3], "insertion": [0.4, 0.6]},
    }
    where = {"grad-cam": {"energy": 3.0, "pointing": True, "pointing_truth": None}}
    marks = [{"film": film, "true": False, "where": where, "curves": curves} for film in ("a", "b", "c")]
    found = _figures(marks, "grad-cam", draw({"a": "a", "b": "b", "c": "c"}, 50, 1), 0.95)
    assert found["deletion_gain"].value == pytest.approx(0.3)
    assert found["insertion_gain"].value == pytest.approx(0.4)
    assert found["deletion_gain"].interval.low == pytest.approx(0.3)
    assert found["pointing_truth"].reason == "no mark overlaps a true box"
