"""Which family the figures speak for, by a rule stated before any trial.

Admissible is a family whose bundle was made (parity with the trained network and self-test passed), is at most 20 MB, because it is committed with each
release, and answers in at most 1.5 s for 95 of 100 films. The family of the canonical run stays, unless an admissible one's AP50 (macro) is higher and the
interval of the paired difference, at the level 1 - 0.05 / comparisons (Bonferroni), lies above 0; of several such, the one with the highest AP50. Where the
present family itself is not admissible, the admissible one with the highest AP50 is chosen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LARGEST_BYTES = 20_000_000
SLOWEST_P95_S = 1.5
ERROR = 0.05


@dataclass(frozen=True, slots=True)
class Contender:
    """What the rule looks at.

    Attributes:
        ap50: macro AP50 on the test films, None where undefined.
        above: lower end of the adjusted interval of AP50 minus the present family's; None for the present one and where undefined.
        bundle_bytes: size of the bundle.
        p95_s: 95th percentile of the seconds a film, None where unknown.
    """

    ap50: float | None
    above: float | None
    bundle_bytes: int
    p95_s: float | None

    def objections(self) -> tuple[str, ...]:
        """Return why the family is not admissible; nothing where it is.

        >>> Contender(0.7, None, 30_000_000, 0.3).objections()
        ('its bundle has 30.0 MB, at most 20 allowed',)
        """
        said = []
        if self.ap50 is None:
            said.append("its AP50 is undefined")
        if self.bundle_bytes > LARGEST_BYTES:
            said.append(f"its bundle has {self.bundle_bytes / 1e6:.1f} MB, at most {LARGEST_BYTES // 1_000_000} allowed")
        if self.p95_s is None or self.p95_s > SLOWEST_P95_S:
            shown = "unknown" if self.p95_s is None else f"{self.p95_s:.2f} s"
            said.append(f"its 95th percentile of latency is {shown}, at most {SLOWEST_P95_S} s allowed")
        return tuple(said)


@dataclass(frozen=True, slots=True)
class Choice:
    """The family chosen, None where none is admissible, and the sentence that says why."""

    family: str | None
    reason: str


def adjusted_level(comparisons: int) -> float:
    """Return the level of each interval so that all of them together keep 95 %.

    >>> round(adjusted_level(7), 5)
    0.99286
    """
    return 1.0 - ERROR / max(comparisons, 1)


def choose(contenders: Mapping[str, Contender], failed: Sequence[str], present: str) -> Choice:
    """Apply the rule.

    >>> small, large = Contender(0.70, None, 5_000_000, 0.2), Contender(0.75, -0.01, 9_000_000, 0.9)
    >>> choose({"small": small, "large": large}, [], "small").family
    'small'
    >>> choose({"small": small, "large": Contender(0.75, 0.02, 9_000_000, 0.9)}, [], "small").family
    'large'
    """
    admissible = {name: found for name, found in contenders.items() if not found.objections()}
    if not admissible:
        return Choice(None, "no family is admissible")
    ranked = sorted(admissible, key=lambda name: (-(admissible[name].ap50 or 0.0), name))
    if present not in admissible:
        said = (
            "; ".join(contenders[present].objections())
            if present in contenders
            else "its trial failed"
            if present in failed
            else "it was not tried"
        )
        return Choice(
            ranked[0],
            f"{present}, the present family, is not admissible ({said}); {ranked[0]} has the highest AP50 of those that are",
        )
    better = [name for name in ranked if name != present and (admissible[name].above or 0.0) > 0.0]
    if better:
        return Choice(
            better[0], f"its AP50 is higher than that of {present}, and the adjusted interval of the difference lies above 0"
        )
    higher = [name for name in ranked if (admissible[name].ap50 or 0.0) > (admissible[present].ap50 or 0.0)]
    said = f"higher values ({', '.join(higher)}) may be chance" if higher else "no admissible family has a higher AP50"
    return Choice(present, f"it stays: {said}")
