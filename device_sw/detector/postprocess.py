"""From the network's boxes to detections in film coordinates, and from candidates to what is marked.

Nothing is dropped in silence: a box the network gives outside the film or without area is an inference error, not a box less.
"""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from device_sw.errors import InferenceFailed
from device_sw.preprocessing.geometry import to_film
from device_sw.types import Detection, NetworkBox

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from device_sw.types import FindingId, Letterbox


def candidates(
    boxes: Sequence[Sequence[float]],
    labels: Sequence[int],
    scores: Sequence[float],
    findings: Sequence[FindingId],
    letterbox: Letterbox,
) -> tuple[Detection, ...]:
    """Return every detection in film coordinates, best score first; equal scores keep finding order, then box order.

    Args:
        boxes: (x0, y0, x1, y1) in network pixels.
        labels: class index from 1; 0 is background and never comes out.
        scores: in [0, 1].
        findings: finding of class index 1, 2, ...
        letterbox: how the film lies in the network input.

    Raises:
        InferenceFailed: a number that is not finite (INF-NONFINITE).
    """
    rows = zip(boxes, labels, scores, strict=True)
    made = (_detection(box, findings[label - 1], score, letterbox) for box, label, score in rows)
    order = {name: index for index, name in enumerate(findings)}
    return tuple(sorted((d for d in made if d is not None), key=lambda d: (-d.score, order[d.finding], d.box.as_tuple())))


def named(
    boxes: Sequence[Sequence[float]], labels: Sequence[int], scores: Sequence[float], findings: Sequence[FindingId]
) -> tuple[NetworkBox, ...]:
    """Return the network's boxes as they are, in its own order, each with its finding."""
    rows = zip(boxes, labels, scores, strict=True)
    return tuple(NetworkBox(findings[label - 1], (box[0], box[1], box[2], box[3]), score) for box, label, score in rows)


def _detection(box: Sequence[float], finding: FindingId, score: float, letterbox: Letterbox) -> Detection | None:
    """Map one box to the film; None where it lies wholly in the padding, which is not part of the film."""
    if not all(isfinite(value) for value in (*box, score)):
        raise InferenceFailed(
            "INF-NONFINITE",
            where="network output",
            found="a box or score that is not finite",
            expected="finite numbers",
            repair="run `thoratrace self-test`; if it passes, report the input's content hash to the manufacturer",
        )
    film_box = to_film((box[0], box[1], box[2], box[3]), letterbox)
    return None if film_box is None else Detection(finding, film_box, score)


def marked(found: Iterable[Detection], thresholds: Mapping[FindingId, float]) -> tuple[Detection, ...]:
    """Return the candidates that reach their finding's operating point, in the order given.

    >>> from device_sw.types import Box, FindingId
    >>> d = Detection(FindingId("scoliosis"), Box(0, 0, 1, 1), 0.5)
    >>> marked([d], {FindingId("scoliosis"): 0.5}) == (d,), marked([d], {FindingId("scoliosis"): 0.6})
    (True, ())
    """
    return tuple(d for d in found if d.score >= thresholds[d.finding])
