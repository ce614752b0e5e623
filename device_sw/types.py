"""The values that cross module borders inside the device: frozen, with their invariants checked when they are built.

Pixel coordinates everywhere are continuous: (0, 0) is the outer corner of the top-left pixel, x grows to the right, y downwards,
a pixel is one unit wide, so a box around one pixel at column 3 is ``x0=3, x1=4`` (COCO's convention).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import exp, isfinite, log, log1p
from typing import TYPE_CHECKING, NewType

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

FindingId = NewType("FindingId", str)


class Policy(StrEnum):
    """The two admission policies: what the intended use covers, and what research may look at."""

    INTENDED_USE = "intended-use"
    RESEARCH = "research"


class BurnedIn(StrEnum):
    """What becomes of text that is drawn into the picture."""

    BLANK = "blank"
    REFUSE = "refuse"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Box:
    """An axis-aligned box in continuous pixel coordinates, never empty.

    >>> Box(0.0, 0.0, 4.0, 2.0).area
    8.0
    """

    x0: float
    y0: float
    x1: float
    y1: float

    def __post_init__(self) -> None:
        """Refuse what is not a box: a NaN, an infinity, an inverted or an empty one."""
        if not all(isfinite(edge) for edge in self.as_tuple()):
            raise ValueError(f"box edges must be finite, got {self.as_tuple()}")
        if self.x1 <= self.x0 or self.y1 <= self.y0:
            raise ValueError(f"box must have x1 > x0 and y1 > y0, got {self.as_tuple()}")

    def as_tuple(self) -> tuple[float, float, float, float]:
        """Return (x0, y0, x1, y1)."""
        return (self.x0, self.y0, self.x1, self.y1)

    @property
    def area(self) -> float:
        """Area in square pixels."""
        return (self.x1 - self.x0) * (self.y1 - self.y0)


@dataclass(frozen=True, slots=True)
class ScoreCurve:
    """The calibration of one finding's scores: ``logit(calibrated) = slope * logit(score) + offset``, rising, so that no order changes.

    Scores are cut to [1e-9, 1 - 1e-9] first, since the logit of 0 and 1 is infinite. Slope 1 and offset 0 leave a score exactly as it is.

    Source: Platt, "Probabilistic outputs for support vector machines", 1999, on the logit of the score; for detections Küppers et al., CVPR-W 2020
    (arXiv:2004.13546).

    >>> ScoreCurve(slope=1.0, offset=0.0).calibrated(0.25), round(ScoreCurve(slope=2.0, offset=0.0).calibrated(0.25), 9)
    (0.25, 0.1)
    """

    slope: float
    offset: float

    def __post_init__(self) -> None:
        """Refuse a curve that does not rise or is no curve."""
        if not (isfinite(self.slope) and isfinite(self.offset) and self.slope > 0.0):
            raise ValueError(f"a score curve needs a slope above 0 and a finite offset, got {self.slope} and {self.offset}")

    def calibrated(self, score: float) -> float:
        """Return the calibrated score, in [0, 1]."""
        if (self.slope, self.offset) == (1.0, 0.0):
            return score
        kept = min(max(score, 1e-9), 1.0 - 1e-9)
        logit = self.slope * (log(kept) - log1p(-kept)) + self.offset
        return 1.0 / (1.0 + exp(-logit)) if logit > -700.0 else 0.0


@dataclass(frozen=True, slots=True)
class Detection:
    """One finding, where it is, and the score for it (in [0, 1]; not a probability of disease), the network's own or the calibrated one."""

    finding: FindingId
    box: Box
    score: float

    def __post_init__(self) -> None:
        """Refuse a score outside [0, 1]."""
        if not 0.0 <= self.score <= 1.0:
            raise ValueError(f"score must lie in [0, 1], got {self.score}")


class ExplanationMethod(StrEnum):
    """How a picture of what the network looked at is made; all but the first explain one mark at a time."""

    EIGENCAM = "eigencam"
    GRAD_CAM = "grad-cam"
    ABLATION_CAM = "ablation-cam"
    SALIENCY = "saliency"


LESION_METHODS = (ExplanationMethod.GRAD_CAM, ExplanationMethod.ABLATION_CAM, ExplanationMethod.SALIENCY)
"""The methods that explain one mark at a time."""


class Explain(StrEnum):
    """What a run is asked to explain: EigenCAM of the film alone, which every run makes, or each mark by one method or by all of them as well."""

    EIGENCAM = "eigencam"
    GRAD_CAM = "grad-cam"
    ABLATION_CAM = "ablation-cam"
    SALIENCY = "saliency"
    ALL = "all"

    @property
    def methods(self) -> tuple[ExplanationMethod, ...]:
        """The methods that explain one mark at a time.

        >>> [len(Explain(name).methods) for name in ("eigencam", "grad-cam", "all")]
        [0, 1, 3]
        """
        return tuple(method for method in LESION_METHODS if self in {Explain.ALL, method.value})


@dataclass(frozen=True, slots=True, eq=False)
class LesionMap:
    """What one method says of one mark: a grid of values over a part of the film, or the reason why there is none.

    Attributes:
        method: how it was made.
        detection: the mark that is explained.
        label: the words that go with every map of this method.
        grid: (h, w) float32 in [0, 1], the largest value 1; None where there is no map.
        place: (x0, y0, x1, y1) in film pixels: the rectangle that the grid covers, which may reach beyond the film. Outside it the map is 0.
        reason: why there is no map; None where there is one.
    """

    method: ExplanationMethod
    detection: Detection
    label: str
    grid: NDArray[np.float32] | None = None
    place: tuple[float, float, float, float] | None = None
    reason: str | None = None

    def __post_init__(self) -> None:
        """Refuse a map without values and without a reason, or with both."""
        if (self.grid is None) is not (self.place is None) or (self.grid is None) is (self.reason is None):
            raise ValueError("a lesion map has a grid with its place, or a reason why there is none")


@dataclass(frozen=True, slots=True)
class NetworkBox:
    """One box as the network gave it: edges x0, y0, x1, y1 in network pixels, which may reach beyond the film, and the network's own score."""

    finding: FindingId
    edges: tuple[float, float, float, float]
    score: float


@dataclass(frozen=True, slots=True)
class EngineIdentity:
    """What computed the network's numbers.

    Attributes:
        name: of the engine.
        version: of the engine.
        precision: of its numbers, for example ``float32``.
        instruction_set: the vector instructions in use.
        filters: what the network drops boxes by inside itself, before it gives any: name -> value.
    """

    name: str
    version: str
    precision: str
    instruction_set: str
    filters: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Letterbox:
    """How a film of ``rows`` x ``columns`` lies in the square network input of ``size`` pixels: scaled by ``scale``, top-left aligned."""

    rows: int
    columns: int
    size: int

    @property
    def scale(self) -> float:
        """Network pixels per film pixel: ``size / max(rows, columns)``."""
        return self.size / max(self.rows, self.columns)


@dataclass(frozen=True, slots=True)
class NormalisedFilm:
    """A film after modality LUT, VOI and polarity: what a reader would see, as numbers.

    ``pixels`` is (rows, columns) float32 in [0, 1], bone bright and air dark. ``cautions`` names what was assumed (for example no window in the file).
    """

    pixels: NDArray[np.float32]
    preprocessing_id: str
    cautions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelInput:
    """A film resampled to the network's square input: (size, size) float32 in [0, 1], padding 0, with the way back to film coordinates."""

    pixels: NDArray[np.float32]
    letterbox: Letterbox
