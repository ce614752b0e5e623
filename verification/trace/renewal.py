"""Renews the obligation baseline: what grew becomes owed, what became smaller has to be answered for first.

Before the first release an entry with author and reason is enough, and the renewal writes one for each reduction that has none. From the first release on
every reduction has to be entered and signed by two roles before the baseline can be renewed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from verification.trace import gate
from verification.trace.baseline import (
    BASELINE,
    LEDGER,
    Entry,
    Renewal,
    append,
    baseline_of,
    ledger_problems,
    unentered,
    write_baseline,
)
from verification.trace.checks.duties import owed
from verification.trace.obligations import Obligation, Reduction, grown, reductions

if TYPE_CHECKING:
    from pathlib import Path

    from requirements_spec.problem import Problem
    from verification.trace.baseline import Baseline, Ledger

RELEASES = "releases"


@dataclass(frozen=True)
class Comparison:
    """What lies here against the baseline.

    Attributes:
        current: every obligation now.
        smaller: what became smaller, entered or not.
        open: what became smaller and nobody entered.
        larger: what is owed now beyond the baseline.
        problems: of baseline, ledger and data; a renewal needs them to be none but ``open``.
    """

    current: tuple[Obligation, ...]
    smaller: tuple[Reduction, ...]
    open: tuple[Reduction, ...]
    larger: tuple[Obligation, ...]
    problems: tuple[Problem, ...]
    baseline: Baseline | None
    ledger: Ledger


class RenewalRefused(Exception):
    """The baseline is not renewed; the message says why."""


def compare(root: Path) -> Comparison:
    """Hold what lies here against the baseline."""
    inputs = gate.read(root)
    shares = owed(inputs, gate.judge(inputs, gate.Level.DEVELOPMENT).graph)
    current = tuple(each for share in shares for each in share.obligations)
    baseline, ledger = inputs.baseline, inputs.obligations
    loading = tuple(
        each for each in inputs.problems if each.code.startswith(("SPC-", "RSK-", "OBL-")) or each.where.startswith(LEDGER)
    )
    if baseline is None:
        return Comparison(current, (), (), (), loading, None, ledger)
    smaller = reductions(baseline.obligations, current)
    missing = unentered(smaller, ledger, baseline)
    entered = tuple(each for each in smaller if each not in missing)
    unsound = tuple(ledger_problems(entered, ledger, baseline))
    return Comparison(current, smaller, missing, grown(baseline.obligations, current), (*loading, *unsound), baseline, ledger)


def is_released(root: Path) -> bool:
    """Say whether a release lies here, from which on no reduction is taken over without signatures."""
    return any((root / RELEASES).glob("*/"))


def renew(root: Path, author: str, reason: str, unsigned: tuple[str, ...] = ()) -> Comparison:
    """Write entries for what became smaller, then the baseline and its renewal; returns what was found before.

    Args:
        root: the repository.
        author: who answers for it.
        reason: why; also of each entry that is written here.
        unsigned: ids of entries without the signatures of two roles; they stand in the way from the first release on.

    Raises:
        RenewalRefused: data, ledger or baseline have problems, or after a release a reduction is not entered and signed.
    """
    found = compare(root)
    first = found.baseline is None and not (root / BASELINE).exists() and not (root / LEDGER).exists()
    if not first and (found.baseline is None or found.problems):
        raise RenewalRefused("\n".join(map(str, found.problems)) or f"{BASELINE} is not readable")
    if is_released(root) and (found.open or unsigned or first):
        waiting = [*(each.what for each in found.open), *unsigned]
        raise RenewalRefused(
            f"after a release each reduction is entered and signed by two roles first: {'; '.join(waiting) or 'no baseline'}"
        )
    new = baseline_of(found.current)
    old = found.baseline.sha256 if found.baseline else ""
    if new.sha256 == old:
        return found
    write_baseline(root, new)
    append(root, entries(found, author, reason), [Renewal(old, new.sha256, len(new.obligations), author, reason)])
    return found


def entries(found: Comparison, author: str, reason: str) -> tuple[Entry, ...]:
    """Return an entry for each reduction that has none, with the next free ids."""
    if found.baseline is None:
        return ()
    last = max((int(each.id.removeprefix("OBR-")) for each in found.ledger.entries), default=0)
    return tuple(
        Entry(f"OBR-{number:03d}", found.baseline.sha256, each.what, each.before, each.after, author, reason)
        for number, each in enumerate(found.open, start=last + 1)
    )
