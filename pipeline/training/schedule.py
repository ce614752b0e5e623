"""The learning rate of each step: linear warm-up, then half a cosine down to a hundredth.

Source: Loshchilov and Hutter 2017, SGDR (arXiv:1608.03983), without restarts; Goyal et al. 2017 (arXiv:1706.02677) for the warm-up.
"""

from __future__ import annotations

import math


def learning_rate(step: int, *, steps: int, warmup: int, peak: float) -> float:
    """Return the rate of ``step`` (from 0) out of ``steps``.

    >>> [round(learning_rate(s, steps=110, warmup=10, peak=1.0), 3) for s in (0, 9, 10, 60, 109)]
    [0.1, 1.0, 1.0, 0.505, 0.01]
    """
    if step < warmup:
        return peak * (step + 1) / warmup
    progress = (step - warmup) / max(steps - warmup, 1)
    return peak * (0.01 + 0.99 * (1 + math.cos(math.pi * progress)) / 2)
