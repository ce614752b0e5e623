"""Chooses the films of a study that cannot afford all of them: always the same ones, and a larger sample holds every smaller one."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from validation.cohort import Film


def fixed_subsample(films: Sequence[Film], count: int | None) -> tuple[Film, ...]:
    """Return ``count`` films in the cohort's order, chosen by the SHA-256 of their patients' ids; all of them where ``count`` is None or not smaller.

    Nothing about a film but its patient decides, so nobody can choose the easy ones; all films of a patient come together as far as they fit.

    Raises:
        ValueError: a count below 1.
    """
    if count is None or count >= len(films):
        return tuple(films)
    if count < 1:
        raise ValueError(f"a sample holds at least 1 film, got {count}")
    ranked = sorted(films, key=lambda film: (hashlib.sha256(film.patient_id.encode()).hexdigest(), film.film_id))
    chosen = {film.film_id for film in ranked[:count]}
    return tuple(film for film in films if film.film_id in chosen)
