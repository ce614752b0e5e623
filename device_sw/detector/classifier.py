"""The normal/abnormal classifier, an optional first stage: one score that a film shows any of the findings, and what a low score does to marks.

A film that scores below the cut-off passes for normal, and its marks are withheld, since on films without findings every mark is false. The danger is a film with
findings that passes for normal. So marks are withheld only where all of this holds, and each result says so:

* the score lies below the cut-off that the bundle was released with;
* the film lies within the limit of the films that the model was trained on: of others the classifier knows nothing;
* the mark's own calibrated score lies below ``kept_above``: what the detector is that sure of stays, whatever the classifier says.

And no bundle is used whose record does not show, with 95 % confidence, that at most `SUPPRESSED_LIMIT` of films with findings lie below the cut-off.

Source: the gate of VinDr-CXR (Nguyen et al. 2022, arXiv:2012.15029); the bound: Clopper and Pearson, Biometrika 26, 1934.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import comb, isfinite
from typing import TYPE_CHECKING, Any

from device_sw.errors import BundleError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from device_sw.detector.distribution import Placement
    from device_sw.types import Detection

CLASSIFIER_WEIGHTS = "classifier.safetensors"
"""The file of its weights in a bundle."""

SUPPRESSED_LIMIT = 0.10
"""Largest share of films with findings that may lie below the cut-off, at the upper bound of 95 % confidence."""

_ERROR = 0.05


GRID = 4
"""Cells a side of the grid in which the last stage is averaged: findings have their places, and a mean over the whole film forgets them."""


@dataclass(frozen=True, slots=True)
class ClassifierShape:
    """The numbers that shape the classifier: a residual network with group normalisation, means over a grid of 4 x 4 cells, and one linear layer.

    Attributes:
        input_size: side of the square input, pixels; the grid divides the last stage's side.
        widths: channels of the stem (stride 2) and of each stage, each of which halves the side; multiples of 8.
        blocks: residual blocks a stage.
    """

    input_size: int
    widths: tuple[int, ...]
    blocks: int

    def __post_init__(self) -> None:
        """Refuse what is no such network."""
        stride = 2 ** len(self.widths)
        if len(self.widths) < 2 or any(width <= 0 or width % 8 for width in self.widths) or self.blocks < 1:
            raise ValueError(f"a classifier needs two or more widths, multiples of 8, and a block a stage, got {self}")
        if self.input_size <= 0 or self.input_size % (stride * GRID):
            raise ValueError(
                f"a classifier of {len(self.widths)} widths needs an input side that {stride * GRID} divides, got {self}"
            )

    @property
    def features(self) -> int:
        """Values that the linear layer reads: channels of the last stage in each cell of the grid."""
        return self.widths[-1] * GRID * GRID

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> ClassifierShape:
        """Build from JSON values.

        Raises:
            TypeError: a field is missing or unknown.
            ValueError: the numbers are no such network's.

        >>> ClassifierShape.from_json({"input_size": 64, "widths": [8, 16], "blocks": 1})
        ClassifierShape(input_size=64, widths=(8, 16), blocks=1)
        """
        return cls(**{**values, "widths": tuple(values["widths"])})


@dataclass(frozen=True, slots=True)
class CutOffRecord:
    """What the cut-off did on the films it was chosen on, none of which the classifier was fitted to.

    Attributes:
        abnormal_films: films with a finding.
        suppressed_abnormal: those of them that lie below the cut-off: wrongly suppressed.
        normal_films: films without a finding.
        suppressed_normal: those of them that lie below the cut-off: what the classifier is there for.
    """

    abnormal_films: int
    suppressed_abnormal: int
    normal_films: int
    suppressed_normal: int

    def __post_init__(self) -> None:
        """Refuse counts that are none."""
        pairs = ((self.suppressed_abnormal, self.abnormal_films), (self.suppressed_normal, self.normal_films))
        if any(type(count) is not int or type(films) is not int or not 0 <= count <= films for count, films in pairs):
            raise ValueError(f"a cut-off's record needs whole counts of films, got {self}")

    @property
    def holds(self) -> bool:
        """Whether the films show that at most `SUPPRESSED_LIMIT` of films with findings are suppressed: ``P(X <= k | n, limit) <= 0.05``.

        >>> CutOffRecord(29, 0, 10, 5).holds, CutOffRecord(28, 0, 10, 5).holds, CutOffRecord(46, 1, 10, 5).holds, CutOffRecord(45, 1, 10, 5).holds
        (True, False, True, False)
        """
        n, k, p = self.abnormal_films, self.suppressed_abnormal, SUPPRESSED_LIMIT
        return sum(comb(n, i) * p**i * (1.0 - p) ** (n - i) for i in range(k + 1)) <= _ERROR


@dataclass(frozen=True, slots=True)
class Suppression:
    """When marks are withheld: below this score of the film, and below this calibrated score of the mark."""

    cut_off: float
    kept_above: float

    def __post_init__(self) -> None:
        """Refuse what is no score."""
        if not all(isfinite(value) and 0.0 <= value <= 1.0 for value in (self.cut_off, self.kept_above)):
            raise ValueError(f"cut-off and kept_above must lie in [0, 1], got {self.cut_off} and {self.kept_above}")


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the classifier says of one film, and what followed from it.

    Attributes:
        score: that the film shows a finding, in [0, 1].
        rule: the cut-off and the score above which a mark stays.
        comparable: whether the film lies within the limit of the films that the model was trained on.
        withheld: the marks that are not shown because of it.
    """

    score: float
    rule: Suppression
    comparable: bool
    withheld: tuple[Detection, ...] = ()

    @property
    def normal(self) -> bool:
        """Whether the film passes for normal."""
        return self.score < self.rule.cut_off

    def parameters(self) -> dict[str, Any]:
        """Return what the decision trace says of this step, as JSON values."""
        return {
            "score": self.score,
            "cut_off": self.rule.cut_off,
            "kept_above": self.rule.kept_above,
            "class": "normal" if self.normal else "abnormal",
            "within_reference_films": self.comparable,
            "withheld": len(self.withheld),
        }


def opinion(score: float, rule: Suppression, placement: Placement | None, marks: Sequence[Detection]) -> Opinion:
    """Return the opinion on a film and the marks that are withheld by it.

    Args:
        score: of the film, in [0, 1].
        rule: of the bundle.
        placement: how far the film lies from the films that the model was trained on; None where nobody could tell, and then nothing is withheld.
        marks: that reach their operating points.

    >>> from device_sw.detector.distribution import Placement
    >>> from device_sw.types import Box, Detection, FindingId
    >>> mark, sure = (Detection(FindingId("scoliosis"), Box(0, 0, 1, 1), score) for score in (0.5, 0.95))
    >>> rule, within, beyond = Suppression(0.2, 0.9), Placement(1.0, 1.0, 2.0), Placement(1.0, 3.0, 2.0)
    >>> [len(opinion(*case, [mark, sure]).withheld) for case in ((0.1, rule, within), (0.2, rule, within), (0.1, rule, beyond), (0.1, rule, None))]
    [1, 0, 0, 0]
    """
    comparable = placement is not None and not placement.outside
    suppresses = comparable and score < rule.cut_off
    withheld = tuple(mark for mark in marks if mark.score < rule.kept_above) if suppresses else ()
    return Opinion(score, rule, comparable, withheld)


def require_record(record: CutOffRecord) -> None:
    """Refuse a bundle whose cut-off was not shown to spare films with findings.

    Raises:
        BundleError: BND-CUT-OFF.
    """
    if not record.holds:
        raise BundleError(
            "BND-CUT-OFF",
            where="second_opinions.json classifier",
            found=f"{record.suppressed_abnormal} of {record.abnormal_films} films with findings below the cut-off",
            expected=f"a share shown to be at most {SUPPRESSED_LIMIT:g} with 95 % confidence",
            repair="use a bundle whose cut-off was chosen on enough films, or one without the classifier",
        )
