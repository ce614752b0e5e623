"""The matching, AP and AR equal pycocotools on random finite cases, ties included; `tests.benchmarks.metrics_agreement` does the same on 1,000 cases."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.validation.metrics import coco_reference, small_cases
from validation.metrics.matching import ALL_IOUS, match
from validation.stages.figures import FIGURES

FINDINGS = ("one", "two")


def ours(matches):
    once = np.ones((1, len(matches.films)), dtype=np.int64)
    if matches.truth_count == 0:
        return dict.fromkeys(name for name in FIGURES if name.startswith("a"))
    return {name: figure(matches, once)[0] for name, figure in FIGURES.items() if name.startswith("a")}


def agree(truths, detections):
    """Compare every figure of every finding; return how many were defined."""
    precision, recall = coco_reference.arrays(truths, detections, FINDINGS, ALL_IOUS)
    matched, defined = match(truths, detections, FINDINGS), 0
    for column, name in enumerate(FINDINGS):
        expected, found = coco_reference.figures(precision, recall, column), ours(matched[name])
        assert found.keys() == expected.keys()
        for figure, value in expected.items():
            assert (found[figure] is None) == (value is None), figure
            if value is not None:
                assert found[figure] == pytest.approx(value, rel=0, abs=1e-12), figure
                defined += 1
    return defined


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("block", range(5))
def test_ap_and_ar_equal_pycocotools_within_1e_12(block, whole):
    assert sum(agree(*small_cases.case(seed, FINDINGS, whole=whole)) for seed in range(block * 20, block * 20 + 20)) > 200


edges = st.integers(0, 6)
boxes = st.builds(lambda x, y, w, h: (x, y, x + w + 1, y + h + 1), edges, edges, edges, edges)
truth = st.lists(boxes, max_size=4, unique=True)
rows = st.lists(st.tuples(boxes, st.sampled_from((0.0, 0.25, 0.5, 1.0))), max_size=8, unique_by=lambda row: row[0])
film = st.fixed_dictionaries({name: st.tuples(truth, rows) for name in FINDINGS})


@given(st.lists(film, min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_whatever_the_boxes_the_figures_equal_pycocotools(films):
    truths = {f"f{index}": {name: part[name][0] for name in FINDINGS} for index, part in enumerate(films)}
    detections = {
        f"f{index}": {name: [(*box, score) for box, score in part[name][1]] for name in FINDINGS}
        for index, part in enumerate(films)
    }
    agree(truths, detections)
