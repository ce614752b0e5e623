"""Patients are divided by shares, each finding spread over the splits, and nothing but seed and patient decides."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.adapters.splitting import divided

SPLITS = ("train", "val", "test")


@given(
    st.dictionaries(st.text(min_size=1, max_size=4), st.sets(st.sampled_from("abcdefg"), max_size=3), min_size=3, max_size=60),
    st.integers(0, 99),
)
def test_each_patient_has_one_split_and_none_is_empty(labels, seed):
    placed = divided(labels, seed)
    assert set(placed) == set(labels)
    assert set(placed.values()) == set(SPLITS)
    assert placed == divided(dict(reversed(labels.items())), seed)


@pytest.mark.parametrize("seed", range(5))
def test_a_rare_finding_is_in_every_split(seed):
    labels = {f"rare{n}": {"rare"} for n in range(10)} | {f"common{n}": {"common"} for n in range(90)}
    placed = divided(labels, seed)
    assert Counter(split for patient, split in placed.items() if patient.startswith("rare")) == {"train": 7, "val": 1, "test": 2}
    assert Counter(placed.values()) == {"train": 70, "val": 10, "test": 20}


def test_another_seed_divides_otherwise():
    labels = {str(n): set() for n in range(50)}
    assert divided(labels, 1) != divided(labels, 2)
