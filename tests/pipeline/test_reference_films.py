import numpy as np
import pytest

from pipeline.reference_films import DescribedFilms, fit


def drawn(n, seed):
    rng = np.random.default_rng(seed)
    mix = np.random.default_rng(9).normal(size=(6, 6))
    return DescribedFilms({"picture": rng.normal(size=(n, 6)) @ mix, "network": rng.normal(size=(n, 3))})


def distances(distribution, films):
    rows = zip(films.values["picture"], films.values["network"], strict=True)
    return [max(distribution.films["picture"].distance(p), distribution.films["network"].distance(n)) for p, n in rows]


def test_the_limit_is_the_largest_held_out_distance_and_the_unit_the_median():
    held_out = drawn(41, 1)
    found = fit(drawn(200, 0), held_out)
    assert max(distances(found, held_out)) == pytest.approx(found.limit)
    assert np.median([found.films["picture"].distance(v) for v in held_out.values["picture"]]) == pytest.approx(1.0)
    assert (found.reference_films, found.held_out_films) == (200, 41)


def test_films_of_the_same_kind_exceed_the_limit_as_rarely_as_it_says():
    rates = []
    for seed in range(30):
        found = fit(drawn(200, 3 * seed), drawn(49, 3 * seed + 1))
        rates += [d > found.limit for d in distances(found, drawn(40, 3 * seed + 2))]
    assert np.mean(rates) == pytest.approx(1 / 50, abs=0.015)


def test_films_of_another_kind_exceed_it():
    found = fit(drawn(200, 0), drawn(49, 1))
    other = DescribedFilms({"picture": drawn(40, 2).values["picture"], "network": drawn(40, 2).values["network"] + 6.0})
    assert np.mean([d > found.limit for d in distances(found, other)]) > 0.95


def test_values_that_never_change_do_not_stop_the_fit():
    constant = DescribedFilms({"picture": np.ones((5, 2)), "network": np.ones((5, 2))})
    assert fit(constant, constant).limit > 0


def test_too_few_films_are_refused():
    with pytest.raises(ValueError, match="needs two reference films and one held-out film, got 1 and 4"):
        fit(drawn(1, 0), drawn(4, 1))
