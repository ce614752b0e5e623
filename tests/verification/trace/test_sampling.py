"""An audit sample: deterministic, stratified, never more than there is, and it says how it was drawn."""

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verification.trace import gate, sampling

SIZES = st.fixed_dictionaries({stratum.name: st.integers(0, 40) for stratum in sampling.STRATA})


@given(sizes=SIZES, n=st.integers(1, 250))
def test_allocation_draws_what_was_asked_and_never_more_than_a_stratum_holds(sizes, n):
    counts = sampling.allocate(sizes, n)
    assert sum(counts.values()) == min(n, sum(sizes.values()))
    assert all(0 <= counts[name] <= sizes[name] for name in sizes)


@given(sizes=SIZES, n=st.integers(1, 250))
def test_safety_has_two_thirds_as_long_as_there_are_enough(sizes, n):
    counts = sampling.allocate(sizes, n)
    safety = [stratum.name for stratum in sampling.STRATA if stratum.safety]
    held = sum(sizes[name] for name in safety)
    assert sum(counts[name] for name in safety) >= min(held, -(-2 * n // 3))


@given(sizes=SIZES, n=st.integers(12, 250))
def test_no_stratum_is_left_out_of_a_sample_that_is_large_enough(sizes, n):
    counts = sampling.allocate(sizes, n)
    assert all(counts[name] for name in sizes if sizes[name])


@given(population=st.integers(0, 60), data=st.data())
def test_the_bound_is_the_last_number_of_faults_that_chance_overlooks_often_enough(population, data):
    sample = data.draw(st.integers(0, population))
    bound = sampling.faults_possible(population, sample)
    assert comb(population - bound, sample) >= 0.05 * comb(population, sample)
    if bound < population:
        assert comb(population - bound - 1, sample) < 0.05 * comb(population, sample)


def test_a_larger_sample_leaves_fewer_faults_possible():
    bounds = [sampling.faults_possible(32, drawn) for drawn in range(33)]
    assert bounds == sorted(bounds, reverse=True)
    assert (bounds[0], bounds[-1]) == (32, 0)


def test_the_same_seed_draws_the_same_and_another_seed_another(shipped_template):
    graph = gate.check(shipped_template.root, write=False).graph
    one, two, other = (sampling.draw(graph, 12, seed) for seed in ("2026", "2026", "2027"))
    assert one == two
    assert {each.id for each in one.drawn} != {each.id for each in other.drawn}


def test_an_added_item_moves_no_other_of_its_stratum(shipped_template):
    graph = gate.check(shipped_template.root, write=False).graph
    few, more = ({each.id for each in sampling.draw(graph, n, "1").drawn} for n in (9, 30))
    assert few < more


def test_each_chain_has_its_ticks_with_places_to_look(project):
    drawn = sampling.draw(project.check().graph, 99, "1").drawn
    by_id = {each.id: each for each in drawn}
    assert set(by_id) == {"UN-001", "SRS-001", "SRS-002", "SOUP-NUMPY", "RC-001", "HS-001"}
    assert by_id["RC-001"].stratum == "controls"
    assert any("verification/features/admission.feature:7" in tick for tick in by_id["RC-001"].ticks)
    assert any("not risk-related (It repeats what the film says.)" in tick for tick in by_id["SRS-002"].ticks)


def test_the_sample_says_how_it_was_drawn(project):
    result = project.check()
    sample = sampling.draw(result.graph, 3, "1")
    data = sampling.to_json(sample, result.identity.sha256)
    assert data["method"] == sampling.METHOD
    assert data["identity"] == result.identity.sha256
    assert data["population"]["controls"] == {"population": 1, "drawn": 1, "faults_possible": 0}
    text = sampling.to_text(sample, 80)
    assert "seed 1" in text
    assert "[ ]" in text
    assert max(map(len, text.split("\n"))) <= 80


@pytest.mark.parametrize("n", [0, -1])
def test_a_sample_of_nothing_is_refused(project, n):
    with pytest.raises(ValueError, match="expected at least 1"):
        sampling.draw(project.check().graph, n, "1")
