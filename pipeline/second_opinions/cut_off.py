"""Chooses the classifier's cut-off on the validation films, which it was not fitted to.

The rule: as high as it can be while no more films with findings than may be suppressed lie below it. With k of n such films below a cut-off that is one of their own order statistics,
the share of further films of their kind that lies below has the upper bound of Clopper and Pearson for k of n, whatever the distribution of the scores (Wilks 1941). The epoch of
the training is chosen on the same films, so the bound is a little too good; the study measures the share on other films.
"""

from __future__ import annotations

from math import floor
from typing import TYPE_CHECKING

import numpy as np

from device_sw.detector.classifier import CutOffRecord

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DIGITS = 6


def cut_off(scores: NDArray[np.float64], is_abnormal: NDArray[np.bool_], may_suppress: int) -> tuple[float, CutOffRecord]:
    """Return the cut-off and what it does on these films.

    Args:
        scores: (n,) in [0, 1], high where the film shows a finding.
        is_abnormal: (n,).
        may_suppress: how many films with findings may lie below.

    Raises:
        ValueError: no more films with findings than may be suppressed.

    >>> cut_off(np.array([0.9, 0.4, 0.1, 0.2]), np.array([True, True, False, False]), 0)
    (0.4, CutOffRecord(abnormal_films=2, suppressed_abnormal=0, normal_films=2, suppressed_normal=2))
    """
    ranked = np.sort(scores[is_abnormal])
    if len(ranked) <= may_suppress:
        raise ValueError(f"{len(ranked)} films with findings give no cut-off below which {may_suppress} may lie")
    value = floor(float(ranked[may_suppress]) * 10**_DIGITS) / 10**_DIGITS
    below = scores < value
    record = CutOffRecord(
        abnormal_films=int(is_abnormal.sum()),
        suppressed_abnormal=int((below & is_abnormal).sum()),
        normal_films=int((~is_abnormal).sum()),
        suppressed_normal=int((below & ~is_abnormal).sum()),
    )
    return value, record
