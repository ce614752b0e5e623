"""The truth of a film agrees with its masks, its anatomy and its severity."""

import numpy as np
import pytest

from phantom import anatomy as anatomies
from phantom.film import render, specified
from phantom.patient import FINDINGS
from phantom.spinal_column import FIRST_THORACIC, LAST_THORACIC
from phantom.truth import MASK_BITS, cardiothoracic_ratio, extent

MATRIX = 256
DJD = "degenerative_joint_disease_of_the_thoracic_spine"
CALCIUM = "aortic_atherosclerosis_calcification"
CAP = "intercostal_pleural_thickening"


def film(findings=None, seed=4, **choices):
    return render(specified(seed, findings, matrix=MATRIX, **choices))


def mask(rendered, name):
    return (rendered.truth.labels & MASK_BITS[name]) > 0


def boxes(rendered, finding):
    return [box.box for box in rendered.truth.boxes if box.finding == finding]


def test_heart_box_is_the_extent_of_the_heart_mask():
    rendered = film({"cardiac_hypertrophy": 0.5})
    assert boxes(rendered, "cardiac_hypertrophy") == [extent(mask(rendered, "heart"))]


@pytest.mark.parametrize("view", ["PA", "AP"])
def test_ratio_is_the_one_the_masks_show(view):
    rendered = film({"cardiac_hypertrophy": 0.4}, view=view)
    assert rendered.truth.cardiothoracic_ratio == pytest.approx(
        cardiothoracic_ratio(mask(rendered, "heart"), mask(rendered, "lungs")), abs=1e-4
    )


@pytest.mark.parametrize("severity", [0.05, 0.5, 1.0])
def test_enlarged_heart_exceeds_half_the_chest_on_a_pa_film(severity):
    goal = anatomies.grow(specified(4, {"cardiac_hypertrophy": severity})).ctr_goal
    measured = film({"cardiac_hypertrophy": severity}).truth.cardiothoracic_ratio
    assert goal > 0.5
    assert measured == pytest.approx(goal, abs=0.02)


def test_normal_hearts_stay_below_half_on_pa_films():
    ratios = [film(seed=seed).truth.cardiothoracic_ratio for seed in range(5)]
    assert max(ratios) <= 0.51
    assert np.std(ratios) > 0.01


def test_ap_film_magnifies_the_same_heart():
    assert film(view="AP").truth.cardiothoracic_ratio > film(view="PA").truth.cardiothoracic_ratio


def test_magnification_of_the_heart_is_the_published_one():
    """Chon et al., J Korean Med Sci 2011;26:1446: heart on PA over heart on AP = 0.00099 x AP distance in cm + 0.79."""
    widths = {}
    for view in ("PA", "AP"):
        rendered = render(specified(4, matrix=512, view=view))
        columns = np.flatnonzero(mask(rendered, "heart").any(axis=0))
        widths[view] = columns[-1] + 1 - columns[0]
    assert widths["PA"] / widths["AP"] == pytest.approx(0.00099 * 105.0 + 0.79, abs=0.02)


@pytest.mark.parametrize("severity", [0.1, 0.6, 1.0])
def test_cobb_angle_is_measured_on_the_centreline(severity):
    grown = anatomies.grow(specified(4, {"scoliosis": severity}))
    thoracic = grown.spine.centre[FIRST_THORACIC : LAST_THORACIC + 2]
    fine_y = np.linspace(thoracic[0, 1], thoracic[-1, 1], 400)
    curve = np.polynomial.Polynomial.fit(thoracic[:, 1], thoracic[:, 0], 9)
    tilt = np.degrees(np.arctan(curve.deriv()(fine_y[10:-10])))
    assert grown.spine.cobb == pytest.approx(tilt.max() - tilt.min(), abs=2.5 + 0.06 * grown.spine.cobb)
    assert grown.spine.cobb == pytest.approx(11.0 + 31.0 * severity, abs=0.5)


def test_scoliosis_is_measured_on_the_spine_mask():
    rendered = film({"scoliosis": 0.9})
    rows = np.flatnonzero(mask(rendered, "spine").any(axis=1))[4:-4]
    centre = np.array([np.flatnonzero(mask(rendered, "spine")[row]).mean() for row in rows])
    curve = np.polynomial.Polynomial.fit(rows, centre, 7)
    tilt = np.degrees(np.arctan(curve.deriv()(rows)))
    assert tilt.max() - tilt.min() == pytest.approx(rendered.truth.cobb_angle_deg, abs=6.0)


def test_normal_curves_stay_below_ten_degrees():
    angles = [anatomies.grow(specified(seed)).spine.cobb for seed in range(40)]
    assert 0.5 < max(angles) < 10.0


def test_severity_raises_the_heart_and_the_angle():
    hearts = [film({"cardiac_hypertrophy": s}).truth.cardiothoracic_ratio for s in (0.1, 0.5, 0.9)]
    angles = [film({"scoliosis": s}).truth.cobb_angle_deg for s in (0.1, 0.5, 0.9)]
    assert hearts == sorted(hearts)
    assert angles == sorted(angles)
    assert hearts[-1] - hearts[0] > 0.05
    assert angles[-1] - angles[0] > 20


@pytest.mark.parametrize("finding", [CALCIUM, "aortic_curvature", CAP, "lung_field_infiltration", DJD])
def test_severity_raises_what_the_finding_changes(finding):
    normal = film(age=70)
    effect = []
    for severity in (0.15, 0.55, 0.95):
        ill = film({finding: severity}, age=70)
        region = np.zeros((MATRIX, MATRIX), bool)
        for x0, y0, x1, y1 in boxes(ill, finding):
            region[int(y0) : int(y1) + 1, int(x0) : int(x1) + 1] = True
        effect.append(float(np.abs(ill.display - normal.display)[region].sum()))
    assert effect == sorted(effect)
    assert effect[-1] > 1.5 * effect[0] > 0


@pytest.mark.parametrize("finding", FINDINGS)
def test_finding_changes_the_film_inside_its_box_more_than_outside(finding):
    normal, ill = film(age=70), film({finding: 0.9}, age=70)
    difference = np.abs(ill.display - normal.display)
    region = np.zeros((MATRIX, MATRIX), bool)
    for x0, y0, x1, y1 in boxes(ill, finding):
        region[int(y0) : int(y1) + 1, int(x0) : int(x1) + 1] = True
    assert difference[region].mean() > 1.5 * difference[~region].mean()


def test_normal_film_has_no_box():
    assert film().truth.boxes == ()


def test_bilateral_caps_have_a_box_each():
    counts = {len(boxes(film({CAP: 0.8}, seed=seed), CAP)) for seed in range(5)}
    assert counts == {1, 2}


@pytest.mark.parametrize("finding", FINDINGS)
def test_boxes_lie_on_the_film(finding):
    for x0, y0, x1, y1 in boxes(film({finding: 0.6}, vendor="FICTIVE-B"), finding):
        assert 0 <= x0 < x1 <= round(MATRIX * 0.83 / 4) * 4
        assert 0 <= y0 < y1 <= MATRIX


def test_calcium_lies_on_the_arch():
    rendered = film({CALCIUM: 0.7})
    x0, y0, x1, y1 = boxes(rendered, CALCIUM)[0]
    assert mask(rendered, "aorta")[int(y0) : int(y1) + 1, int(x0) : int(x1) + 1].mean() > 0.4


def test_infiltrates_lie_in_the_lungs():
    rendered = film({"lung_field_infiltration": 0.5})
    for x0, y0, x1, y1 in boxes(rendered, "lung_field_infiltration"):
        assert mask(rendered, "lungs")[int(y0) : int(y1), int(x0) : int(x1)].mean() > 0.6


def test_heart_stands_between_the_lungs_and_mostly_left():
    rendered = film()
    columns = np.flatnonzero(mask(rendered, "heart").any(axis=0))
    spine = np.flatnonzero(mask(rendered, "spine").any(axis=0))
    middle = (spine[0] + spine[-1]) / 2
    assert columns[-1] - middle > 1.3 * (middle - columns[0])


def test_extent_of_nothing_is_none():
    assert extent(np.zeros((4, 4), bool)) is None
