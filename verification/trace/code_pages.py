"""The page of each code: what it means, who asks for it, the message as the gate prints it, how to repair it step by step, and what is related.

The words come from the table of codes and from `guidance.toml`; the messages from `messages.json`, which a test writes by breaking a small project
and asking the gate. Pages are made when the technical file is built and lie in no folder of the repository; `./qms show CODE` prints the same text.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from requirements_spec.problem import Problem
from verification.trace.codes import CODES, Code
from verification.trace.codes import page as overview
from verification.trace.verdict_text import paragraph

if TYPE_CHECKING:
    from collections.abc import Mapping

GUIDANCE = Path(__file__).with_name("guidance.toml")
MESSAGES = Path(__file__).with_name("messages.json")

_RECORD = 'Record the change: `.venv/bin/python -m {ledger} record --author ROLE --reason "WHY"`.'
_RERUN = "Run `./qms demo`; it repeats what is out of date and nothing else."
_LOOK = "Run `./qms check`. The code is gone when the gate no longer prints it."

ENDINGS: dict[str, tuple[str, ...]] = {
    "specification": (_RECORD.format(ledger="requirements_spec.changes"), _RERUN, _LOOK),
    "risk": (_RECORD.format(ledger="risk.changes"), _RERUN, _LOOK),
    "run": (_RERUN, _LOOK),
    "check": (_LOOK,),
}
"""The last steps of every repair, by what was edited: data with a ledger, anything else that evidence depends on, or nothing of that kind."""


@dataclass(frozen=True, slots=True)
class Guidance:
    """What a page says beyond the table.

    Attributes:
        meaning: why this is a problem, in a few sentences.
        steps: what to do first, in order; the steps that end every repair follow by ``ending``.
        ending: key of ``ENDINGS``.
        related: codes that come together with this one, or are easily taken for it.
    """

    meaning: str
    steps: tuple[str, ...]
    ending: str
    related: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """A problem as the gate found it in the small project of the tests, and what had been broken there."""

    broken: str
    problem: Problem


def read_guidance(text: str) -> dict[str, Guidance]:
    """Return the guidance by code.

    Raises:
        ValueError: a key is missing or unknown, an ending does not exist, or a related code is not in the table.
    """
    table: dict[str, Guidance] = {}
    for code, entry in tomllib.loads(text).items():
        parts: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}
        try:
            guidance = Guidance(**parts)
        except TypeError as err:
            raise ValueError(f"{code} has missing or unknown keys: {err}") from err
        if guidance.ending not in ENDINGS:
            raise ValueError(f"{code} ends with {guidance.ending!r}, expected one of {', '.join(ENDINGS)}")
        if unknown := [name for name in (code, *guidance.related) if name not in CODES]:
            raise ValueError(f"{code} names {', '.join(unknown)}, which the table of codes does not hold")
        table[code] = guidance
    return table


@cache
def guidance() -> Mapping[str, Guidance]:
    """Return the guidance of every code that has some."""
    return read_guidance(GUIDANCE.read_text(encoding="utf-8"))


@cache
def messages() -> Mapping[str, Message]:
    """Return the messages that the gate printed, by code."""
    found = json.loads(MESSAGES.read_text(encoding="utf-8"))
    return {code: Message(entry["broken"], Problem(**entry["problem"])) for code, entry in found.items()}


def steps(code: str) -> tuple[str, ...]:
    """Return the repair step by step; a code without guidance has the one step of the table."""
    known = guidance().get(code)
    if known is None:
        return (_sentence(CODES[code].repair), *ENDINGS["check"])
    return (*known.steps, *ENDINGS[known.ending])


def related(code: str) -> tuple[str, ...]:
    """Return the related codes, those that name this one included, sorted."""
    named = guidance()[code].related if code in guidance() else ()
    naming = (other for other, entry in guidance().items() if code in entry.related)
    return tuple(sorted({*named, *naming} - {code}))


def page(code: str) -> str:
    """Return the page of a code as MyST.

    Raises:
        KeyError: the table does not hold the code.
    """
    entry = CODES[code]
    listed = "\n".join(f"{number}. {step}" for number, step in enumerate(steps(code), start=1))
    parts = [
        f"# {code}: {entry.title}",
        _meaning(entry),
        f"*Asked for by:* {entry.clause}.",
        _example(entry),
        f"## How to repair it\n\n{listed}",
    ]
    if others := related(code):
        parts.append("## Related codes\n\n" + "\n".join(f"- [{other}]({other}.md): {CODES[other].title}" for other in others))
    return "\n\n".join(parts) + "\n"


def terminal_page(code: str) -> str:
    """Return the page as plain text for a terminal: the same words, links as names."""
    text = page(code)
    for other in related(code):
        text = text.replace(f"[{other}]({other}.md)", other)
    return (
        text.replace("```text\n", "")
        .replace("```\n", "")
        .removeprefix("# ")
        .replace("## ", "")
        .replace("*Asked for by:*", "Asked for by:")
    )


def pages() -> dict[str, str]:
    """Return every page by its path beside the pages of the technical file, the overview with links to the others included."""
    listed = "\n".join(f"- [{code}](codes/{code}.md): {entry.title}" for code, entry in CODES.items())
    toctree = "\n".join(f"codes/{code}" for code in CODES)
    head = overview().split("\n## ", 1)[0]
    linked = f"{head}\n{listed}\n\n```{{toctree}}\n:hidden:\n\n{toctree}\n```\n"
    return {"codes.md": linked, **{f"codes/{code}.md": page(code) for code in CODES}}


def _meaning(entry: Code) -> str:
    known = guidance().get(entry.code)
    expected = f"The gate expects {entry.expected}."
    return f"{known.meaning}\n\n{expected}" if known else expected


def _example(entry: Code) -> str:
    """Return the message of the gate; where none was produced, the table's example, and it says so."""
    if message := messages().get(entry.code):
        return f"## As the gate prints it\n\nIn a small project: {message.broken}.\n\n```text\n{paragraph(message.problem)}```"
    return f"## Example\n\n{_sentence(entry.example)} (From the table of codes; not printed by the gate for this page.)"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."
