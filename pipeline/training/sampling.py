"""Which films an epoch shows, and in which order: every film once, or every class equally often.

Both orders are keyed by (seed, epoch) and show as many films an epoch as there are, so the number of steps and the schedule are the same.

Source: Shen, Lin and Huang 2016, class-aware sampling (arXiv:1512.05830).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.training.dataset import PreparedFilm


class Sampling(StrEnum):
    """How an epoch chooses its films."""

    EVERY_FILM = "every-film"
    CLASS_BALANCED = "class-balanced"


@dataclass(frozen=True, slots=True)
class FilmOrder:
    """The films of every epoch.

    Attributes:
        films: how many there are.
        classes: for class-balanced sampling the films of each class that has any, films without a box being a class of their own; else empty.
        batch: films a step.
        seed: of every draw.
    """

    films: int
    classes: tuple[tuple[int, ...], ...]
    batch: int
    seed: int

    @classmethod
    def of(cls, films: Sequence[PreparedFilm], sampling: Sampling, batch: int, seed: int) -> FilmOrder:
        """Return the order of these films."""
        classes = films_by_class(films) if sampling is Sampling.CLASS_BALANCED else ()
        return cls(len(films), classes, batch, seed)

    def batches(self, epoch: int) -> list[list[int]]:
        """Return the films of each step of an epoch, from 0.

        >>> sorted(sum(FilmOrder(5, (), 2, 7).batches(0), []))
        [0, 1, 2, 3, 4]
        >>> shown = sum(FilmOrder(5, ((0, 1, 2, 3), (4,)), 2, 7).batches(0), [])
        >>> shown.count(4) in (2, 3)
        True
        """
        order = self._balanced(epoch) if self.classes else self._shuffled(epoch)
        return [order[start : start + self.batch] for start in range(0, len(order), self.batch)]

    def _shuffled(self, epoch: int) -> list[int]:
        generator = np.random.Generator(np.random.Philox(np.random.SeedSequence((self.seed, epoch, 1))))
        return [int(film) for film in generator.permutation(self.films)]

    def _balanced(self, epoch: int) -> list[int]:
        """Give each class its turn; within a class every film comes before one comes twice. Which classes get the odd showings is drawn, too."""
        generator = np.random.Generator(np.random.Philox(np.random.SeedSequence((self.seed, epoch, 2))))
        turns = generator.permutation(len(self.classes))
        shown: list[int] = []
        for place, index in enumerate(turns):
            count = len(range(place, self.films, len(self.classes)))
            shown.extend(_in_rounds(self.classes[index], count, generator))
        return [shown[i] for i in generator.permutation(len(shown))]


def films_by_class(films: Sequence[PreparedFilm]) -> tuple[tuple[int, ...], ...]:
    """Return the films of each class that has any, by label; a film with several findings belongs to each of them, one without to class 0."""
    labels = [set(film.labels.tolist()) or {0} for film in films]
    return tuple(tuple(i for i, found in enumerate(labels) if label in found) for label in sorted(set().union(*labels)))


def _in_rounds(films: Sequence[int], count: int, generator: np.random.Generator) -> list[int]:
    drawn: list[int] = []
    while len(drawn) < count:
        drawn.extend(films[i] for i in generator.permutation(len(films)))
    return drawn[:count]
