"""Class-balanced sampling shows every finding equally often; without it every film comes once an epoch."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.training.dataset import PreparedFilm
from pipeline.training.sampling import FilmOrder, Sampling, films_by_class

label_sets = st.lists(st.sets(st.integers(1, 4)), min_size=1, max_size=30)


def films_of(labels):
    return [
        PreparedFilm(str(i), np.zeros((len(found), 4), np.float32), np.array(sorted(found), np.int64))
        for i, found in enumerate(labels)
    ]


def shown(order, epoch=0):
    return [film for batch in order.batches(epoch) for film in batch]


@given(label_sets, st.integers(1, 8), st.integers(0, 5))
def test_without_balance_every_film_comes_once_an_epoch(labels, batch, epoch):
    order = FilmOrder.of(films_of(labels), Sampling.EVERY_FILM, batch, seed=7)
    assert sorted(shown(order, epoch)) == list(range(len(labels)))


@given(label_sets, st.integers(0, 5))
def test_every_class_gets_its_share_of_the_showings(labels, epoch):
    films = films_of(labels)
    order = FilmOrder.of(films, Sampling.CLASS_BALANCED, 4, seed=7)
    classes = films_by_class(films)
    drawn = Counter(shown(order, epoch))
    for members in classes:
        assert sum(drawn[film] for film in members) >= len(films) // len(classes)


@given(label_sets, st.integers(1, 8))
def test_balance_changes_neither_the_number_of_showings_nor_of_steps(labels, batch):
    films = films_of(labels)
    plain, balanced = (FilmOrder.of(films, sampling, batch, seed=7) for sampling in Sampling)
    assert len(shown(plain)) == len(shown(balanced)) == len(labels)
    assert len(plain.batches(0)) == len(balanced.batches(0))


def test_a_rare_finding_is_shown_as_often_as_a_common_one():
    films = films_of([{1}] * 90 + [{2}] * 10)
    order = FilmOrder.of(films, Sampling.CLASS_BALANCED, 4, seed=7)
    counts = Counter(films[film].labels[0] for film in shown(order))
    assert counts == {1: 50, 2: 50}
    repeats = Counter(film for film in shown(order) if film >= 90)
    assert set(repeats.values()) == {5}


def test_films_without_a_finding_are_a_class_of_their_own():
    assert films_by_class(films_of([set(), {2}, {1, 2}])) == ((0,), (2,), (1, 2))


def test_another_epoch_and_another_seed_give_another_order():
    films = films_of([{1}, {2}, {1}, {2}, {1}, {2}, {1}, {2}])
    for sampling in Sampling:
        first = FilmOrder.of(films, sampling, 2, seed=7)
        assert first.batches(0) == FilmOrder.of(films, sampling, 2, seed=7).batches(0)
        assert first.batches(0) != first.batches(1)
        assert first.batches(0) != FilmOrder.of(films, sampling, 2, seed=8).batches(0)
