"""Divides patients into train, val and test where a source brings no division, so that every finding is spread as the shares say.

Iterative stratification: the finding with fewest unassigned patients goes first; each of its patients goes to the split that lacks that finding most, then the
one that lacks patients most. Order and ties come from a hash of seed and patient, so the division depends on nothing else.

Source: Sechidis, Tsoumakas, Vlahavas, On the stratification of multi-label data, ECML PKDD 2011.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

SHARES: dict[str, float] = {"train": 0.7, "val": 0.1, "test": 0.2}
"""Shares of patients where a profile says nothing else."""

_NOTHING = ""


def divided(labels: Mapping[str, AbstractSet[str]], seed: int, shares: Mapping[str, float] | None = None) -> dict[str, str]:
    """Return patient -> split.

    Args:
        labels: patient -> findings of any of the patient's films.
        seed: enters the order of patients.
        shares: split -> share of patients, positive.

    >>> sorted(Counter(divided({str(n): {"a"} for n in range(10)}, 1).values()).items())
    [('test', 2), ('train', 7), ('val', 1)]
    """
    chosen = shares or SHARES
    total = sum(chosen.values())
    remaining = {patient: labels[patient] or {_NOTHING} for patient in sorted(labels, key=lambda name: _order(name, seed))}
    counts = Counter(label for found in remaining.values() for label in found)
    lacking = {
        split: {label: count * share / total for label, count in counts.items()} | {None: len(labels) * share / total}
        for split, share in chosen.items()
    }
    placed: dict[str, str] = {}
    while remaining:
        open_counts = Counter(label for found in remaining.values() for label in found)
        rarest = min(open_counts, key=lambda label: (open_counts[label], label))
        for patient in [name for name, found in remaining.items() if rarest in found]:
            split = max(chosen, key=lambda name: (lacking[name][rarest], lacking[name][None], chosen[name]))
            placed[patient] = split
            for label in (*remaining.pop(patient), None):
                lacking[split][label] -= 1
    return _without_empty(placed, chosen)


def _without_empty(placed: dict[str, str], shares: Mapping[str, float]) -> dict[str, str]:
    """Give each split that got nobody the patient that the fullest split took last, where there are enough patients for all."""
    for split in shares:
        sizes = Counter(placed.values())
        fullest = max(shares, key=lambda name: sizes[name])
        if not sizes[split] and sizes[fullest] > 1:
            placed[[patient for patient, where in placed.items() if where == fullest][-1]] = split
    return placed


def _order(patient: str, seed: int) -> str:
    return hashlib.sha256(f"thoratrace-split/{seed}/{patient}".encode()).hexdigest()
