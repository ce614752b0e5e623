"""The operating points find as many true boxes as the allowed false ones permit, and never bring more false ones than that."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.operating_point import UNREACHED, choose, common_cut_off
from validation.metrics.matching import match

SCORES = st.sampled_from([0.1, 0.2, 0.5, 0.7, 0.9])
PAIRS = st.lists(st.tuples(SCORES, st.booleans()), max_size=12)


def false_at(cut_off, pairs):
    return sum(score >= cut_off and not right for score, right in pairs)


@given(PAIRS, st.integers(0, 12))
def test_the_budget_is_kept_and_no_lower_score_keeps_it(pairs, budget):
    cut_off = common_cut_off(pairs, budget)
    assert false_at(cut_off, pairs) <= budget
    assert all(false_at(score, pairs) > budget for score, _ in pairs if score < cut_off)


@given(PAIRS, st.integers(0, 12))
def test_a_larger_budget_never_raises_the_cut_off(pairs, budget):
    assert common_cut_off(pairs, budget + 1) <= common_cut_off(pairs, budget)


BOX = [0.0, 0.0, 10.0, 10.0]
AWAY = [50.0, 50.0, 60.0, 60.0]


def films_with(**found):
    """Return the matching of films in which each finding has one true box a film; ``found`` gives film by film the (score, right) of its detections."""
    films = [f"film-{n}" for n in range(max(len(rows) for rows in found.values()))]
    truths = {film: {name: np.array([BOX]) for name in found} for film in films}
    detections = {
        film: {name: [[*(BOX if right else AWAY), score] for score, right in rows[n]] for name, rows in found.items()}
        for n, film in enumerate(films)
    }
    return match(truths, detections, tuple(found), ious=(0.5,))


def test_one_cut_off_serves_all_findings_and_each_starts_at_a_score_of_its_own():
    matched = films_with(scoliosis=[[(0.9, True)], [(0.4, True)]], calcification=[[(0.8, True)], [(0.6, False)]])
    chosen = choose(matched, budget=0.5)
    assert chosen.thresholds == {"scoliosis": 0.4, "calcification": 0.6}
    assert (chosen.films, chosen.false_positives, chosen.true_positives, chosen.truths) == (2, 1, 3, 4)


def test_without_a_false_mark_to_spare_the_cut_off_stays_above_the_first():
    matched = films_with(scoliosis=[[(0.9, True)], [(0.4, True)]], calcification=[[(0.8, True)], [(0.6, False)]])
    assert choose(matched, budget=0.0).thresholds == {"scoliosis": 0.9, "calcification": 0.8}


@pytest.mark.parametrize("rows", [[[], []], [[(0.9, False)], [(0.8, False)]]])
def test_a_finding_without_a_true_detection_is_never_marked(rows):
    matched = films_with(scoliosis=[[(0.95, True)], []], calcification=rows)
    chosen = choose(matched, budget=5.0)
    assert chosen.thresholds == {"scoliosis": 0.95, "calcification": UNREACHED}
    assert chosen.false_positives == 0
