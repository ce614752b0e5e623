"""The parity check: the engine gives what the trained network gives, film by film, within half a pixel and one ten-thousandth of a score.

When a bundle is made, the engine's candidates of the frozen films (every validation film, the golden ones among them) are held against those of the
network as it was trained; the largest differences go into the bundle, and no bundle is made beyond the tolerance. A device starts with no bundle
without such a record. On every machine the golden self-test then repeats the comparison on the golden films, whose outputs are the trained network's.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import ceil, isfinite
from typing import TYPE_CHECKING, Any, Protocol

from device_sw.errors import BundleError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from device_sw.types import Detection, ModelInput

PARITY_BOX_PX = 0.5
"""Largest difference of a box edge, film pixels."""

PARITY_SCORE = 1e-4
"""Largest difference of a score."""

_NEAR_PX = 4 * PARITY_BOX_PX
"""Boxes farther apart than this are not the same candidate."""


@dataclass(frozen=True, slots=True)
class Parity:
    """The largest differences between engine and trained network over the frozen films.

    >>> Parity(50, 0.001, 0.00001).holds, Parity(50, 0.6, 0.0).holds, Parity(0, 0.0, 0.0).holds
    (True, False, False)
    """

    films: int
    max_box_px: float
    max_score: float

    @property
    def holds(self) -> bool:
        """Whether there were films, and both differences lie within the tolerance."""
        return self.films > 0 and 0.0 <= self.max_box_px <= PARITY_BOX_PX and 0.0 <= self.max_score <= PARITY_SCORE

    def to_json(self) -> dict[str, Any]:
        """Return JSON values, differences rounded up to 1e-3 pixel and 1e-6, so that the last bits of a processor do not make another bundle.

        >>> Parity(2, 0.00024, 2.8e-06).to_json()
        {'films': 2, 'max_box_px': 0.001, 'max_score': 3e-06}
        """
        return {**asdict(self), "max_box_px": _raised(self.max_box_px, 3), "max_score": _raised(self.max_score, 6)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Parity:
        """Build from JSON values.

        Raises:
            TypeError: a field is missing or unknown, or no number.
        """
        record = cls(**values)
        if type(record.films) is not int or any(
            type(value) not in (int, float) for value in (record.max_box_px, record.max_score)
        ):
            raise TypeError("the parity record holds something that is no number")
        return record


def _raised(value: float, digits: int) -> float:
    return round(ceil(value * 10**digits) / 10**digits, digits) if isfinite(value) else value


class Detects(Protocol):
    """What is compared: anything that gives candidates of a film."""

    def candidates(self, model_input: ModelInput) -> tuple[Detection, ...]:
        """Return the candidates of one film, best first."""


def measure(engine: Detects, trained: Detects, films: Iterable[ModelInput], floor: float) -> Parity:
    """Return the largest differences between two detectors over films; a candidate without counterpart counts as infinite."""
    found = [
        difference(detections_to_json(engine.candidates(film)), detections_to_json(trained.candidates(film)), floor)
        for film in films
    ]
    return Parity(len(found), max((box for box, _ in found), default=0.0), max((score for _, score in found), default=0.0))


def require_parity(record: Parity, where: str = "parity.json") -> None:
    """Refuse a bundle whose engine was not shown to give what the trained network gives.

    Args:
        record: of one network.
        where: the file that holds it.

    Raises:
        BundleError: BND-PARITY.
    """
    if not record.holds:
        raise BundleError(
            "BND-PARITY",
            where=where,
            found=f"differences of {record.max_box_px:g} px and {record.max_score:g} in score over {record.films} films",
            expected=f"at least one film, at most {PARITY_BOX_PX:g} px and {PARITY_SCORE:g}",
            repair="use a bundle whose parity check passed",
        )


def detections_to_json(found: Sequence[Detection]) -> list[dict[str, Any]]:
    """Return detections as JSON values, in the order given."""
    return [{"finding": d.finding, "box": list(d.box.as_tuple()), "score": d.score} for d in found]


def difference(found: Sequence[dict[str, Any]], golden: Sequence[dict[str, Any]], floor: float) -> tuple[float, float]:
    """Return the largest box and score difference between two lists of candidates.

    Each golden candidate is compared with the nearest one of the same finding that is left. One that has no counterpart makes both differences
    infinite, unless its score lies within the score tolerance of the floor, where a rounding may drop it.

    >>> a = [{"finding": "scoliosis", "box": [0.0, 0.0, 2.0, 2.0], "score": 0.5}]
    >>> difference(a, a, 0.1), difference(a, [], 0.1), difference([], a, 0.49995)
    ((0.0, 0.0), (inf, inf), (0.0, 0.0))
    """
    left, unmatched, pairs = list(found), [], []
    for expected in golden:
        same = [candidate for candidate in left if candidate["finding"] == expected["finding"]]
        nearest = min(same, key=lambda candidate: _edge_difference(candidate, expected), default=None)
        if nearest is not None and _edge_difference(nearest, expected) <= _NEAR_PX:
            left.remove(nearest)
            pairs.append((nearest, expected))
        else:
            unmatched.append(expected)
    if any(single["score"] > floor + PARITY_SCORE for single in (*left, *unmatched)):
        return (float("inf"), float("inf"))
    boxes = [_edge_difference(a, b) for a, b in pairs]
    return (max(boxes, default=0.0), max((abs(a["score"] - b["score"]) for a, b in pairs), default=0.0))


def _edge_difference(one: dict[str, Any], other: dict[str, Any]) -> float:
    return max(float(abs(a - b)) for a, b in zip(one["box"], other["box"], strict=True))
