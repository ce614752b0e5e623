"""A chain as plain data and as text for a terminal: a tree that wraps at the width given; decides nothing."""

from __future__ import annotations

import textwrap
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from verification.trace.verdict_text import problem_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from verification.trace.show import Branch, Chain

SCHEMA = "thoratrace/chain/1"
NARROWEST = 40
"""Columns below which text is no longer wrapped further."""

CROWD = 80
"""Branches from which on a tree shows only its first ``CROWD_DEPTH`` levels, and counts the rest; the data form has all."""

CROWD_DEPTH = 2


def to_json(chain: Chain) -> dict[str, Any]:
    """Return the chain as plain data."""
    change = chain.change
    return {
        "schema": SCHEMA,
        "id": chain.id,
        "kind": chain.kind,
        "title": chain.title,
        "where": chain.where,
        "says": dict(chain.says),
        "fingerprint": chain.fingerprint,
        "last_change": None
        if change is None
        else {name: getattr(change, name) for name in ("old", "new", "author", "reason", "where")},
        "status": chain.status,
        "notes": list(chain.notes),
        "evidence_accepted": chain.accepted,
        "up": [asdict(branch) for branch in chain.up],
        "down": [asdict(branch) for branch in chain.down],
        "problems": [problem_json(problem) for problem in chain.problems],
    }


def to_text(chain: Chain, width: int) -> str:
    """Return the chain for people, no line longer than ``width`` columns where words allow it."""
    width = max(width, NARROWEST)
    blocks = [
        _wrapped(f"{chain.id}  {chain.title}", "", "    ", width),
        f"{chain.kind}, {chain.where}",
        *_table(tuple(_facts(chain)), width),
        *([f"  fingerprint  {chain.fingerprint}"] if chain.fingerprint else []),
        *_tree("up: what it rests on", chain.up, width),
        *_tree("down: what rests on it", chain.down, width),
        *_problems(chain, width),
    ]
    return "\n".join(blocks)


def _facts(chain: Chain) -> Iterator[tuple[str, str]]:
    yield from chain.says
    yield from (("record", note) for note in chain.notes)
    if chain.status:
        yield "status", chain.status if chain.accepted else f"{chain.status} (the last run is no evidence for what lies here)"
    if chain.change:
        step = f"{chain.change.old[:12] or 'new'} -> {chain.change.new[:12] or 'removed'}"
        yield "last change", f"{chain.change.author}: {chain.change.reason} ({step}, {chain.change.where})"


def _table(facts: tuple[tuple[str, str], ...], width: int) -> Iterator[str]:
    """Yield names and texts in two columns."""
    column = max(len(name) for name, _ in facts) + 4 if facts else 0
    for name, text in facts:
        yield _wrapped(text, f"  {name:<{column - 2}}", " " * column, width)


def _wrapped(text: str, first: str, rest: str, width: int) -> str:
    return "\n".join(
        textwrap.wrap(text, width, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False)
        or [first.rstrip()]
    )


def _tree(title: str, branches: tuple[Branch, ...], width: int) -> Iterator[str]:
    count = _count(branches)
    yield f"\n{title}" if branches else f"\n{title}: nothing"
    yield from _lines(branches, "  ", width, depth=CROWD_DEPTH if count > CROWD else count)


def _count(branches: tuple[Branch, ...]) -> int:
    return sum(1 + _count(branch.branches) for branch in branches)


def _lines(branches: tuple[Branch, ...], indent: str, width: int, depth: int) -> Iterator[str]:
    for number, branch in enumerate(branches, start=1):
        last = number == len(branches)
        here, below = (f"{indent}└─ ", f"{indent}   ") if last else (f"{indent}├─ ", f"{indent}│  ")
        yield _wrapped(_headline(branch), here, f"{below}   ", width)
        if not branch.repeated:
            if branch.where:
                yield f"{below}   {branch.where}"
            yield from (_wrapped(note, f"{below}   · ", f"{below}     ", width) for note in branch.notes)
            if depth > 1:
                yield from _lines(branch.branches, below, width, depth - 1)
            elif branch.branches:
                yield f"{below}   and {_count(branch.branches)} more: ./qms show {branch.id}"


def _headline(branch: Branch) -> str:
    """Return one line on an item: id, title where it says more than the id, link, status."""
    title = "" if branch.title in branch.id else f" {branch.title}"
    status = f" [{branch.status}]" if branch.status else ""
    return f"{branch.id}{title} ({', '.join(branch.links)}){'  above' if branch.repeated else status}"


def _problems(chain: Chain, width: int) -> Iterable[str]:
    yield "\nproblems of the gate: " + (str(len(chain.problems)) if chain.problems else "none that names it")
    for problem in chain.problems:
        yield _wrapped(f"{problem.code}  {problem.where}: {problem.found}", "  ", "      ", width)
        yield _wrapped(f"repair: {problem.repair}", "      ", "      ", width)
