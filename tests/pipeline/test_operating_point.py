"""The operating point is where F1 is largest."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.operating_point import UNREACHED, best_f1


def f1_at(threshold, scores, hits, truths):
    kept = [hit for score, hit in zip(scores, hits, strict=True) if score >= threshold]
    return 2 * sum(kept) / (len(kept) + truths)


@given(st.lists(st.tuples(st.sampled_from([0.1, 0.2, 0.5, 0.7, 0.9]), st.booleans()), max_size=12), st.integers(0, 5))
def test_no_other_threshold_is_better(pairs, spare):
    scores, hits = [p[0] for p in pairs], [p[1] for p in pairs]
    truths = sum(hits) + spare
    chosen = best_f1(scores, hits, truths)
    if not any(hits):
        assert chosen == UNREACHED
        return
    assert all(f1_at(chosen, scores, hits, truths) >= f1_at(other, scores, hits, truths) - 1e-12 for other in set(scores))


def test_a_finding_never_detected_is_never_marked():
    assert best_f1([], [], 3) == UNREACHED
