import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_sw.detector.calibration import calibrated
from device_sw.settings import DeviceSettings, ReleasedEngine
from device_sw.types import Box, Detection, ScoreCurve

FINDINGS = ("cardiac_hypertrophy", "scoliosis")
ENGINE = ReleasedEngine("none", "none", "none")
BOX = Box(0, 0, 1, 1)
scores = st.floats(0.0, 1.0)
curves = st.builds(ScoreCurve, slope=st.floats(0.05, 20.0), offset=st.floats(-10.0, 10.0))


def settings(*pair, floor=0.02, point=0.9):
    return DeviceSettings(
        "1.0.0",
        "tt-default-1",
        64,
        FINDINGS,
        dict.fromkeys(FINDINGS, point),
        floor,
        "phantom",
        "quick",
        dict(zip(FINDINGS, pair, strict=True)),
        ENGINE,
    )


@given(curve=curves, one=scores, other=scores)
def test_a_curve_never_turns_an_order_round_and_stays_in_the_unit_interval(curve, one, other):
    low, high = sorted((one, other))
    assert 0.0 <= curve.calibrated(low) <= curve.calibrated(high) <= 1.0


@given(curve=curves, score=st.floats(0.001, 0.999))
def test_a_curve_is_the_logistic_one(curve, score):
    logit = curve.slope * math.log(score / (1 - score)) + curve.offset
    if -30 < logit < 30:
        assert curve.calibrated(score) == pytest.approx(1 / (1 + math.exp(-logit)), rel=1e-9)


@pytest.mark.parametrize(
    ("slope", "offset"), [(0.0, 0.0), (-1.0, 0.0), (math.nan, 0.0), (math.inf, 0.0), (1.0, math.nan), (1.0, math.inf)]
)
def test_what_does_not_rise_is_no_curve(slope, offset):
    with pytest.raises(ValueError, match="a score curve needs a slope above 0 and a finite offset"):
        ScoreCurve(slope, offset)


def test_each_finding_has_its_own_curve_and_the_best_comes_first():
    down, up = ScoreCurve(1.0, -3.0), ScoreCurve(1.0, 3.0)
    found = [Detection(FINDINGS[0], BOX, 0.8), Detection(FINDINGS[1], BOX, 0.3)]
    result = calibrated(found, settings(down, up, point=0.9))
    assert [d.finding for d in result] == [FINDINGS[1], FINDINGS[0]]
    assert [d.score for d in result] == [up.calibrated(0.3), down.calibrated(0.8)]


@given(found=st.lists(st.tuples(st.sampled_from(FINDINGS), scores), max_size=12), pair=st.tuples(curves, curves))
def test_within_a_finding_calibration_changes_no_rank(found, pair):
    given_order = sorted(
        (Detection(name, Box(0, 0, n + 1, 1), score) for n, (name, score) in enumerate(found)), key=lambda d: -d.score
    )
    result = calibrated(given_order, settings(*pair, point=1.0))
    assert len(result) == len(given_order)
    before = {d.box: d.score for d in given_order}
    for name in FINDINGS:
        told = [(d.score, before[d.box]) for d in result if d.finding == name]
        assert all(a[1] >= b[1] for a, b in pairwise(told) if a[0] > b[0])


def test_a_finding_without_calibration_is_refused():
    with pytest.raises(ValueError, match="no calibration for scoliosis"):
        DeviceSettings(
            "1",
            "tt-default-1",
            64,
            FINDINGS,
            dict.fromkeys(FINDINGS, 0.5),
            0.02,
            "p",
            "q",
            {FINDINGS[0]: ScoreCurve(1, 0)},
            ENGINE,
        )


def test_an_operating_point_below_the_calibrated_floor_is_refused():
    with pytest.raises(ValueError, match="between the calibrated score floor and 1; not so for scoliosis"):
        settings(ScoreCurve(1.0, 0.0), ScoreCurve(1.0, 5.0), point=0.5)
