"""Criteria before evaluation, without a clock: each hazard and control is entered in the ledger with the fingerprint of the policy it was judged by.

Who writes a fingerprint down has what it names, so an estimate under a policy is later than that policy. When the policy changes, every estimate made under
the old one is suspect until the item changes, or until somebody who looked at it again enters it by name:
``python -m risk.criteria --author ROLE --reason TEXT HAZ-001 RC-004 ...``. There is no word for "all": what is not named was not looked at.

Source: ISO 14971:2019 4.2, 4.4 d; the order that FDA's software guidance VI.C asks for (criteria fixed before the first evaluation).
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from requirements_spec.changes import SHORTEST_REASON, Change, append, check, read_ledger
from requirements_spec.problem import Problem
from requirements_spec.schema import AUTHOR
from risk.changes import RISK_BOOK

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from requirements_spec.changes import Content

COMMAND = "risk.criteria"


def criteria_problems(content: Content, entries: Sequence[Change]) -> Iterator[Problem]:
    """Yield items that were not judged by the policy as it is now, and items entered before the policy that they name.

    An item whose content is not the recorded one is left to the ledger's own check: its next entry names the policy.
    """
    policy = content.fingerprints.get(content.criteria, "")
    latest = {entry.item: (place, entry) for place, entry in enumerate(entries)}
    since = {entry.new: place for place, entry in reversed(list(enumerate(entries))) if entry.item == content.criteria}
    for item, print_now in content.fingerprints.items():
        place, entry = latest.get(item, (0, None))
        if not policy or item == content.criteria or entry is None or entry.new != print_now:
            continue
        if entry.under != policy:
            found = f"judged by {f'the policy {entry.under[:12]}' if entry.under else 'no policy on record'}, which is now {policy[:12]}"
            yield _suspect(content.places[item], item, found, "an estimate made by the policy as it is now")
        elif since.get(policy, place) >= place:
            found = f"an entry by the policy {policy[:12]} that stands before the policy's own"
            yield _suspect(entry.where, item, found, "the policy's entry first")


def _suspect(where: str, item: str, found: str, expected: str) -> Problem:
    repair = f'look at the estimates again, then: python -m {COMMAND} --author ROLE --reason "WHAT WAS LOOKED AT" {item}'
    return Problem(where, "RSK-CRITERIA", item, found, expected, repair, "ISO 14971 4.2, 4.4 d")


def evaluate_again(
    root: Path, items: Sequence[str], author: str, reason: str
) -> tuple[tuple[Change, ...], tuple[Problem | str, ...]]:
    """Enter that these items were judged again by the policy as it is now; returns the entries, or why nothing was written."""
    content, problems = RISK_BOOK.load(root)
    entries, _ = read_ledger(root, RISK_BOOK.ledger)
    suspect = {problem.item for problem in criteria_problems(content, entries)}
    surplus = tuple(
        f"{item} is not suspect: unknown, changed, or judged by this policy already" for item in items if item not in suspect
    )
    stops: tuple[Problem | str, ...] = (*problems, *check(root, RISK_BOOK), *surplus)
    if stops:
        return (), stops
    latest = {entry.item: entry.new for entry in entries}
    again = tuple(
        Change(item, latest[item], latest[item], author, reason, under=content.under(item)) for item in dict.fromkeys(items)
    )
    append(root / RISK_BOOK.ledger, again)
    return again, ()


def main(arguments: Sequence[str] | None = None) -> int:
    """Enter items as judged again; 0 good, 1 the data, the ledger or an item does not hold, 2 usage."""
    parser = argparse.ArgumentParser(
        prog=f"python -m {COMMAND}", description="Enters estimates that were judged again by the policy."
    )
    parser.add_argument("--root", type=Path, default=Path(), help="repository root (default: the current folder)")
    parser.add_argument("--author", required=True, help="role or demonstration identity, for example DEMO-author")
    parser.add_argument("--reason", required=True, help="what was looked at, and with what result")
    parser.add_argument("items", nargs="+", metavar="ID", help="hazards and controls that were looked at, each by its id")
    options = parser.parse_args(arguments)
    if len(options.reason.strip()) < SHORTEST_REASON or not options.reason.isprintable():
        parser.error(f"--reason needs at least {SHORTEST_REASON} printable characters")
    if not re.fullmatch(AUTHOR, options.author):
        parser.error("--author must be letters, digits, dots, hyphens and spaces")
    added, stops = evaluate_again(options.root, options.items, options.author, options.reason)
    for stop in stops:
        print(stop, file=sys.stderr)  # noqa: T201 - a command's diagnosis
    if not stops:
        print(f"{len(added)} entries added to {RISK_BOOK.ledger}")  # noqa: T201 - a command's result
    return 1 if stops else 0


if __name__ == "__main__":
    sys.exit(main())
