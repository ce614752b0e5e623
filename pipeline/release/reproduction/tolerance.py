"""How far two sets of predictions are apart, for a machine of another numeric class, where equal bytes cannot be asked.

    per film and finding: candidates in the order of their scores, matched one to one; |edge - edge| in pixels, |score - score|, sides of the operating point

A difference in number cannot be measured and is counted. The tolerances are those of the device's self-test (0.5 px, 1e-4); within or beyond them the
verdict stays INCONCLUSIVE: this says how far, not whether.

Source: design 7 (parity tolerance); ADR 0003 (numeric classes).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

BOX_PX = 0.5
SCORE = 1e-4


@dataclass(frozen=True)
class Apart:
    """How far two sets of predictions are apart.

    Attributes:
        films: compared.
        candidates: compared.
        unmatched: films whose outcome or number of candidates differs.
        box_px: largest difference of an edge, pixels; None where nothing was compared.
        score: largest difference of a score; None where nothing was compared.
        flips: candidates on the other side of their operating point.
    """

    films: int
    candidates: int
    unmatched: int
    box_px: float | None
    score: float | None
    flips: int

    @property
    def within(self) -> bool:
        """Say whether everything was compared and lies within the tolerances, no decision changed."""
        measured = self.box_px is not None and self.score is not None
        return measured and self.box_px <= BOX_PX and self.score <= SCORE and not (self.unmatched or self.flips)

    def to_json(self) -> dict[str, Any]:
        """Return figures, tolerances and whether they are kept."""
        return {**asdict(self), "tolerance_box_px": BOX_PX, "tolerance_score": SCORE, "within": self.within}


def apart(recorded: Mapping[str, Any], reproduced: Mapping[str, Any]) -> Apart:
    """Return how far two files of the predict stage are apart.

    >>> film = {"film_id": "a", "status": "analysed", "candidates": [{"finding": "f", "box": [0.0, 0.0, 2.0, 2.0], "score": 0.5}]}
    >>> moved = {"film_id": "a", "status": "analysed", "candidates": [{"finding": "f", "box": [0.0, 0.0, 2.0, 2.25], "score": 0.5}]}
    >>> found = apart({"films": [film], "thresholds": {"f": 0.4}}, {"films": [moved], "thresholds": {"f": 0.4}})
    >>> found.box_px, found.flips, found.within
    (0.25, 0, True)
    """
    ones, others = ({film["film_id"]: film for film in each["films"]} for each in (recorded, reproduced))
    shared = sorted(ones.keys() & others.keys())
    alike = [name for name in shared if _outline(ones[name]) == _outline(others[name])]
    pairs = [pair for name in alike for pair in _pairs(ones[name], others[name])]
    edges = [abs(a - b) for one, other in pairs for a, b in zip(one["box"], other["box"], strict=True)]
    scores = [abs(one["score"] - other["score"]) for one, other in pairs]
    return Apart(
        films=len(shared),
        candidates=len(pairs),
        unmatched=len(ones.keys() ^ others.keys()) + len(shared) - len(alike),
        box_px=max(edges, default=None),
        score=max(scores, default=None),
        flips=sum(_marks(one, recorded["thresholds"]) != _marks(other, reproduced["thresholds"]) for one, other in pairs),
    )


def _outline(film: Mapping[str, Any]) -> tuple[tuple[str, Any], list[str]]:
    return (film["status"], film.get("code")), sorted(each["finding"] for each in film.get("candidates", ()))


def _pairs(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Pair candidates of equal finding by the order of their scores."""
    yield from zip(
        *(sorted(film.get("candidates", ()), key=lambda c: (c["finding"], -c["score"])) for film in (one, other)), strict=True
    )


def _marks(candidate: Mapping[str, Any], thresholds: Mapping[str, float]) -> bool:
    return bool(candidate["score"] >= thresholds[candidate["finding"]])
