"""Tiling of large films: the network looks at overlapping parts of a film as well as at the whole, and what it says of the parts is put together again.

A film whose longer side exceeds the tile's is covered by tiles of that side, evenly spaced, neighbours sharing at least the overlap. A finding no larger than the overlap
lies whole in some tile. A larger one is cut: its box ends at an edge of the tile that is no edge of the film. Such parts are joined where two tiles say the same of the strip that
both see; the joined box reaches over both. A part that a whole box covers adds nothing, and one that nobody else saw stays a candidate.

Source: for slicing with overlap Akyon, Altinuc and Temizel, "Slicing aided hyper inference", ICIP 2022 (arXiv:2202.06934); the rule for cut boxes is ours.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

from device_sw.detector.overlap import iou, share_of_smaller
from device_sw.types import Box, Detection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from device_sw.types import FindingId

SAME_IN_STRIP = 0.5
"""Parts in two tiles are one thing when, within the strip that both tiles see, they overlap by this IoU or more."""

COVERED = 0.5
"""A part is a part of a whole box when this share of it, or more, lies within."""


@dataclass(frozen=True, slots=True)
class Tiling:
    """How large films are tiled: side of a tile and least overlap of neighbours, film pixels."""

    side: int
    overlap: int

    def __post_init__(self) -> None:
        """Refuse tiles that would not advance."""
        if not 0 < self.overlap * 2 <= self.side:
            raise ValueError(f"tiles need an overlap above 0 and of at most half their side, got {self.side} and {self.overlap}")

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Tile:
    """A part of a film: x0, y0, x1, y1 in whole film pixels."""

    x0: int
    y0: int
    x1: int
    y1: int

    def as_tuple(self) -> tuple[int, int, int, int]:
        """Return (x0, y0, x1, y1)."""
        return (self.x0, self.y0, self.x1, self.y1)


@dataclass(frozen=True, slots=True)
class Part:
    """What was found in a tile, in film coordinates, and whether the tile cuts it."""

    detection: Detection
    tile: Tile
    cut: bool


def tiles(rows: int, columns: int, tiling: Tiling) -> tuple[Tile, ...]:
    """Return the tiles of a film, row by row; none where the film is no larger than a tile.

    >>> [tile.as_tuple() for tile in tiles(100, 180, Tiling(side=100, overlap=20))]
    [(0, 0, 100, 100), (80, 0, 180, 100)]
    >>> tiles(100, 100, Tiling(side=100, overlap=20))
    ()
    """
    if max(rows, columns) <= tiling.side:
        return ()
    return tuple(Tile(x0, y0, x1, y1) for y0, y1 in _spans(rows, tiling) for x0, x1 in _spans(columns, tiling))


def _spans(length: int, tiling: Tiling) -> list[tuple[int, int]]:
    """Cover a length by spans of the tile's side, the first at 0 and the last at the end."""
    if length <= tiling.side:
        return [(0, length)]
    count = ceil((length - tiling.overlap) / (tiling.side - tiling.overlap))
    starts = [index * (length - tiling.side) // (count - 1) for index in range(count)]
    return [(start, start + tiling.side) for start in starts]


def part(found: Detection, tile: Tile, film: tuple[int, int], margin: float) -> Part:
    """Return a detection of a tile in film coordinates, and whether it ends at an edge of the tile that is no edge of the film.

    Args:
        found: in coordinates of the tile.
        tile: where it was found.
        film: (rows, columns).
        margin: so near to the tile's edge a box counts as ending there, film pixels.

    >>> from device_sw.types import FindingId
    >>> found = Detection(FindingId("scoliosis"), Box(0, 0, 10, 10), 0.5)
    >>> part(found, Tile(0, 0, 50, 50), (50, 80), 1.0).cut, part(found, Tile(30, 0, 80, 50), (50, 80), 1.0).cut
    (False, True)
    """
    box = Box(found.box.x0 + tile.x0, found.box.y0 + tile.y0, found.box.x1 + tile.x0, found.box.y1 + tile.y0)
    rows, columns = film
    ends = (
        (box.x0 - tile.x0, tile.x0 == 0),
        (box.y0 - tile.y0, tile.y0 == 0),
        (tile.x1 - box.x1, tile.x1 == columns),
        (tile.y1 - box.y1, tile.y1 == rows),
    )
    return Part(Detection(found.finding, box, found.score), tile, any(gap <= margin and not outer for gap, outer in ends))


def merged(
    whole: Sequence[Detection], parts: Sequence[Part], nms_iou: float, findings: Sequence[FindingId]
) -> tuple[Detection, ...]:
    """Return what whole film and tiles say together, best score first; equal scores keep finding order, then box order.

    Args:
        whole: candidates of the whole film.
        parts: candidates of the tiles.
        nms_iou: of two whole boxes of a finding that overlap more, the better one stays.
        findings: in class order.
    """
    order = {name: index for index, name in enumerate(findings)}
    found = (row for name in findings for row in _of_finding(name, whole, parts, nms_iou))
    return tuple(sorted(found, key=lambda d: (-d.score, order[d.finding], d.box.as_tuple())))


def _of_finding(name: FindingId, whole: Sequence[Detection], parts: Sequence[Part], nms_iou: float) -> list[Detection]:
    own = [one for one in parts if one.detection.finding == name]
    uncut = [one.detection for one in own if not one.cut]
    kept = _best([*(one for one in whole if one.finding == name), *uncut], nms_iou)
    joined = _best(_joined([one for one in own if one.cut]), nms_iou)
    return kept + [one for one in joined if not any(_covers(other.box, one.box, nms_iou) for other in kept)]


def _covers(whole: Box, cut: Box, nms_iou: float) -> bool:
    return iou(whole, cut) > nms_iou or (cut.area <= whole.area and share_of_smaller(whole, cut) >= COVERED)


def _best(found: Sequence[Detection], nms_iou: float) -> list[Detection]:
    """Keep the best of those that overlap by more than the limit."""
    kept: list[Detection] = []
    for one in sorted(found, key=lambda d: (-d.score, d.box.as_tuple())):
        if all(iou(one.box, other.box) <= nms_iou for other in kept):
            kept.append(one)
    return kept


def _joined(cut: Sequence[Part]) -> list[Detection]:
    """Join parts of one thing, over as many tiles as it reaches: the box around all of them, with the score of the best."""
    groups: list[list[Part]] = []
    for one in cut:
        touching = [group for group in groups if any(_same(one, other) for other in group)]
        groups = [group for group in groups if group not in touching]
        groups.append([one, *(member for group in touching for member in group)])
    return [_around(group) for group in groups]


def _same(one: Part, other: Part) -> bool:
    """Whether two parts agree on the strip that their tiles share; parts of one tile are two things."""
    strip = _shared(one.tile, other.tile)
    if one.tile == other.tile or strip is None:
        return False
    seen, also = _within(one.detection.box, strip), _within(other.detection.box, strip)
    return seen is not None and also is not None and iou(seen, also) >= SAME_IN_STRIP


def _shared(one: Tile, other: Tile) -> Box | None:
    return _box(max(one.x0, other.x0), max(one.y0, other.y0), min(one.x1, other.x1), min(one.y1, other.y1))


def _within(box: Box, strip: Box) -> Box | None:
    return _box(max(box.x0, strip.x0), max(box.y0, strip.y0), min(box.x1, strip.x1), min(box.y1, strip.y1))


def _box(x0: float, y0: float, x1: float, y1: float) -> Box | None:
    return Box(x0, y0, x1, y1) if x1 > x0 and y1 > y0 else None


def _around(group: Sequence[Part]) -> Detection:
    boxes = [member.detection.box.as_tuple() for member in group]
    x0, y0 = (min(box[edge] for box in boxes) for edge in (0, 1))
    x1, y1 = (max(box[edge] for box in boxes) for edge in (2, 3))
    best = max(member.detection.score for member in group)
    return Detection(group[0].detection.finding, Box(x0, y0, x1, y1), best)
