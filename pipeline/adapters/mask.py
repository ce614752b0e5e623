"""Turns a mask that somebody drew, saved as JPEG, into boxes, and keeps the books: every component with its size, kept or dropped, and why.

JPEG leaves ringing: pixels near an edge that are neither 0 nor 255. The threshold is the middle, 128, so ringing is neither finding nor hole. All components
count (8-connected); only specks are dropped, by a stated rule. A mask that is none (grey, coloured, full, of another size) becomes no box at all but a
reason; there is no box of zeros.

``edge_shift`` says how much the answer depends on the threshold: the largest move of any edge of the kept boxes between the thresholds 64 and 192, None where
the number of components differs.

Source: 8-connected component labelling, Rosenfeld and Pfaltz, J. ACM 13 (1966) 471; ITU-T T.81 A.3 (quantised DCT, the cause of ringing).
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, UnidentifiedImageError
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

THRESHOLD, LOW, HIGH = 128, 64, 192
"""Grey levels: foreground from THRESHOLD; between LOW and HIGH is what a mask of two values should hardly have."""

SPECK_SHARE = 2e-5
"""Components below this share of the film are specks (150 px of a film of 3000 x 2500), and so are those thinner than SPECK_SIDE."""

SPECK_SIDE = 4
"""Pixels."""

MOST_GREY = 0.3
"""Largest share of mid-grey pixels among all that are not dark, for a mask."""

MOST_COVERED = 0.6
"""Largest share of the film that marks cover; beyond, the mask is taken for inverted or empty of meaning."""

_CHANNEL_SPREAD, _COLOURED_SHARE = 48, 0.001
_EIGHT = np.ones((3, 3), dtype=bool)


class MaskRefused(Exception):
    """A picture that is no mask of the film; ``code`` is the remark's."""

    def __init__(self, code: str, found: str) -> None:
        """Keep the remark's code and what was found."""
        super().__init__(f"{code}: {found}")
        self.code, self.found = code, found


@dataclass(frozen=True, slots=True)
class Component:
    """One connected region: box x0, y0, x1, y1 (x1, y1 exclusive) and area in pixels; ``dropped`` is the reason, None where kept."""

    box: tuple[int, int, int, int]
    area: int
    dropped: str | None


@dataclass(frozen=True, slots=True)
class MaskAudit:
    """The books of one mask: pixels by grey level, components by threshold, and each component's fate."""

    foreground: int
    ringing: int
    above_zero: int
    components_above_zero: int
    edge_shift: int | None
    components: tuple[Component, ...]

    @property
    def boxes(self) -> list[tuple[int, int, int, int]]:
        """Boxes of the kept components, in reading order."""
        return [component.box for component in self.components if component.dropped is None]


def read_mask(content: bytes, rows: int, columns: int) -> NDArray[np.uint8]:
    """Return a mask picture as (rows, columns) uint8 grey levels.

    Raises:
        MaskRefused: MASK-UNREADABLE, MASK-SIZE or MASK-COLOUR.
    """
    try:
        with Image.open(BytesIO(content), formats=["JPEG", "PNG"]) as picture:
            values = np.asarray(picture.convert("RGB"))
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
        raise MaskRefused("MASK-UNREADABLE", f"no readable JPEG or PNG ({type(error).__name__})") from error
    if values.shape[:2] != (rows, columns):
        raise MaskRefused("MASK-SIZE", f"mask {values.shape[0]} x {values.shape[1]}, film {rows} x {columns}")
    coloured = np.ptp(values, axis=2) > _CHANNEL_SPREAD
    if coloured.mean() > _COLOURED_SHARE:
        raise MaskRefused("MASK-COLOUR", f"{coloured.mean():.1%} of the pixels are coloured")
    grey: NDArray[np.uint8] = np.asarray(Image.fromarray(values).convert("L"))
    return grey


def audit(grey: NDArray[np.uint8]) -> MaskAudit:
    """Return the books of a mask.

    Args:
        grey: (rows, columns) uint8; two masks of one finding are joined before by the larger value.

    Raises:
        MaskRefused: MASK-GREY, MASK-FULL, or MASK-EMPTY where no component is kept.
    """
    foreground = int((grey >= THRESHOLD).sum())
    middle, lit = int(((grey >= LOW) & (grey < HIGH)).sum()), int((grey >= LOW).sum())
    if lit and middle / lit > MOST_GREY:
        raise MaskRefused("MASK-GREY", f"{middle / lit:.0%} of the pixels that are not dark are mid-grey")
    if foreground > MOST_COVERED * grey.size:
        raise MaskRefused("MASK-FULL", f"{foreground / grey.size:.0%} of the film is covered")
    components = tuple(_components(grey, THRESHOLD))
    books = MaskAudit(
        foreground=foreground,
        ringing=int(((grey > 0) & (grey < THRESHOLD)).sum()),
        above_zero=int((grey > 0).sum()),
        components_above_zero=int(ndimage.label(grey > 0, _EIGHT)[1]),
        edge_shift=_edge_shift(grey),
        components=components,
    )
    if not books.boxes:
        raise MaskRefused("MASK-EMPTY", f"{len(components)} components, all specks" if components else "no component")
    return books


def _components(grey: NDArray[np.uint8], threshold: int) -> list[Component]:
    labelled, count = ndimage.label(grey >= threshold, _EIGHT)
    areas = np.bincount(labelled.ravel(), minlength=count + 1)[1:]
    smallest = SPECK_SHARE * grey.size
    found = []
    for area, (vertical, horizontal) in zip(areas.tolist(), ndimage.find_objects(labelled), strict=True):
        box = (horizontal.start, vertical.start, horizontal.stop, vertical.stop)
        side = min(box[2] - box[0], box[3] - box[1])
        speck = (
            f"speck: under {smallest:.0f} px" if area < smallest else "speck: thinner than 4 px" if side < SPECK_SIDE else None
        )
        found.append(Component(box, area, speck))
    return found


def _edge_shift(grey: NDArray[np.uint8]) -> int | None:
    low, high = ([part.box for part in _components(grey, level) if part.dropped is None] for level in (LOW, HIGH))
    if len(low) != len(high):
        return None
    moves = [abs(a - b) for one, other in zip(low, high, strict=True) for a, b in zip(one, other, strict=True)]
    return max(moves, default=0)
