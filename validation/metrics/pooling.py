"""The matchings of several findings as one list of marks, for figures over all findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from validation.metrics.matching import FindingMatches

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


def pool(matches: Mapping[str, FindingMatches], name: str = "all findings") -> FindingMatches:
    """Return the matchings of several findings as one, as a reader meets them: marks of all findings in one list by falling score.

    A mark still hits only a truth box of its own finding. The films are those in which at least one finding was looked for, so false positives are
    counted per film and not per film and finding. Equal scores keep the order of the films, then that of the findings. The rank is the place among all marks of the film.

    Raises:
        ValueError: no matching, or matchings made at different thresholds.

    >>> from validation.metrics.matching import match
    >>> truth = {"a": {"scoliosis": [(0, 0, 4, 4)], "aortic_curvature": []}}
    >>> marks = {"a": {"scoliosis": [(0, 0, 4, 4, 0.5)], "aortic_curvature": [(0, 0, 4, 4, 0.9)]}}
    >>> both = pool(match(truth, marks, ["scoliosis", "aortic_curvature"], ious=(0.5,)))
    >>> both.scores.tolist(), both.hits.tolist(), both.rank.tolist()
    ([0.9, 0.5], [[False, True]], [0, 1])
    """
    parts = list(matches.values())
    if not parts or any(part.ious != parts[0].ious for part in parts):
        raise ValueError("pooling needs matchings made at the same thresholds")
    films = tuple(dict.fromkeys(film for part in parts for film in part.films))
    place = {film: index for index, film in enumerate(films)}
    columns = [np.array([place[film] for film in part.films], dtype=np.int64) for part in parts]
    truths = np.zeros(len(films), dtype=np.int64)
    for part, column in zip(parts, columns, strict=True):
        truths[column] += part.truths
    film = np.concatenate([column[part.film] for part, column in zip(parts, columns, strict=True)])
    scores = np.concatenate([part.scores for part in parts])
    order = np.lexsort((film, -scores))
    film, scores = film[order], scores[order]
    hits = np.concatenate([part.hits for part in parts], axis=1)[:, order]
    return FindingMatches(name, films, truths, film, _places(film), scores, hits, parts[0].ious)


def _places(film: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many earlier entries have the same film.

    >>> _places(np.array([3, 1, 3, 3, 1])).tolist()
    [0, 0, 1, 2, 1]
    """
    order = np.argsort(film, kind="stable")
    place = np.empty(len(film), dtype=np.int64)
    place[order] = np.arange(len(film)) - np.searchsorted(film[order], film[order], side="left")
    return place
