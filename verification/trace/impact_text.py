"""The impact of a change as text: what changed, then everything suspect, grouped by the change it follows from and the path it is reached by."""

from __future__ import annotations

import textwrap
from collections import defaultdict
from typing import TYPE_CHECKING

from verification.trace.graph import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from verification.trace.impact import Impact, Suspect

GROUPS = (
    ("requirements", (str(Kind.REQUIREMENT),)),
    ("risks: controls and hazardous situations", (str(Kind.CONTROL), str(Kind.SITUATION), str(Kind.HAZARD))),
    ("scenarios to run again", (str(Kind.SCENARIO),)),
    ("sections of the technical file", (str(Kind.SECTION),)),
    ("seeded defects to try again", (str(Kind.FAULT),)),
    ("other items", (str(Kind.ITEM), str(Kind.ENDPOINT), str(Kind.NEED), str(Kind.SOUP), str(Kind.MODULE), str(Kind.ANOMALY))),
)
"""Headings and the kinds of suspects below each."""

STEP_CHANGED = "step changed"
NAMED_DEFINITIONS = 3
"""How many definitions a line names before it counts the rest."""


def to_text(result: Impact, before: str, after: str, width: int) -> str:
    """Return the answer for people, wrapped at ``width`` columns."""
    blocks = [
        f"impact of {before} .. {after}",
        *_unread(result, width),
        *_changed(result, width),
    ]
    for heading, kinds in GROUPS:
        blocks += _group(heading, result.of(*kinds), width)
    blocks += _files("changed files that belong to no item", result.loose, width)
    blocks += _files("changed files without a change of content (comments, layout, tools)", result.quiet, width)
    blocks.append(f"\n{_summary(result)}")
    return "\n".join(blocks)


def _unread(result: Impact, width: int) -> Iterator[str]:
    if result.unread:
        yield "\nINCOMPLETE: these could not be read, and what was not read is not compared"
        yield from (_wrapped(each, "  ", width) for each in result.unread)


def _changed(result: Impact, width: int) -> Iterator[str]:
    """Yield what changed itself, then the scenarios whose steps are defined otherwise, those with the same definitions together."""
    own = [each for each in result.changed if each.how != STEP_CHANGED]
    yield f"\nchanged: {len(own) or 'no item'}"
    yield from (_wrapped(f"{each.how:<8} {each.id}  {_title(each.id, each.title)}", "  ", width) for each in own)
    by_steps: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for each in result.changed:
        if each.how == STEP_CHANGED:
            by_steps[each.steps].append(each.id)
    if by_steps:
        yield f"\nscenarios whose steps are defined otherwise: {sum(map(len, by_steps.values()))}"
    for steps, names in sorted(by_steps.items()):
        shown = ", ".join(steps[:NAMED_DEFINITIONS]) + (
            f" and {len(steps) - NAMED_DEFINITIONS} more" if len(steps) > NAMED_DEFINITIONS else ""
        )
        yield _wrapped(f"because of {shown}", "  ", width)
        yield from (_wrapped(name, "    ", width) for name in names)


def _group(heading: str, suspects: tuple[Suspect, ...], width: int) -> Iterator[str]:
    """Yield the suspects of one heading, those reached in one way together."""
    if suspects:
        yield f"\n{heading}: {len(suspects)}"
    by_way: dict[str, list[Suspect]] = defaultdict(list)
    for suspect in suspects:
        by_way[_way(suspect)].append(suspect)
    for way, members in by_way.items():
        yield _wrapped(f"because {way}", "  ", width)
        yield from (_wrapped(f"{each.id}  {_title(each.id, each.title)}", "    ", width) for each in members)


def _way(suspect: Suspect) -> str:
    """Return the path that leads to an item, without the item: what changed and each link on the way."""
    return " ".join(f"{name} {words}" for name, words in suspect.path[:-1])


def _title(name: str, title: str) -> str:
    return "" if title in name else title


def _files(heading: str, paths: Iterable[str], width: int) -> Iterator[str]:
    paths = tuple(paths)
    if paths:
        yield f"\n{heading}: {len(paths)}"
        yield from (_wrapped(path, "  ", width) for path in paths)


def _summary(result: Impact) -> str:
    counts = [
        f"{len(result.of(*kinds))} {heading.split(':')[0]}" for heading, kinds in GROUPS if heading != "scenarios to run again"
    ]
    return f"{len(result.changed)} changed; suspect: {', '.join(counts)}; {len(result.rerun)} scenarios to run again (changed ones included)"


def _wrapped(text: str, indent: str, width: int) -> str:
    lines = textwrap.wrap(
        text.rstrip(),
        width,
        initial_indent=indent,
        subsequent_indent=f"{indent}      ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(lines)
