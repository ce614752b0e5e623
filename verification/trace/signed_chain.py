"""A chain of signed lines in a file: each names the hash of the line before, and a head beside the file says how many there are and how the last one hashes.

What is deleted, moved, changed or put in breaks the chain at its place; what is cut off or put on at the end does not fit the head. Approvals and audit log
are such chains; what a line says, and who may sign it, is theirs. Whoever writes lines and head anew, with the keys, is met by the history of the repository
only.

Source: 21 CFR 11.10 e); ISO 13485 4.2.5.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from verification.trace import strict_json
from verification.trace.codes import problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from requirements_spec.problem import Problem

FIRST = "0" * 64
"""The hash that the first line names as the one before it."""


@dataclass(frozen=True, slots=True)
class Form:
    """Where the chain of one kind lies, and how it is spoken of.

    Attributes:
        file: path of the lines.
        head: path of the head.
        schema: of the head.
        counts: key of the head under which the number of lines stands.
        code: of every break.
        item: what the chain is called in messages.
    """

    file: str
    head: str
    schema: str
    counts: str
    code: str
    item: str

    def head_json(self, lines: tuple[str, ...]) -> dict[str, Any]:
        """Return what the head says of these lines."""
        return {"schema": self.schema, self.counts: len(lines), "sha256": last_hash(lines)}

    def broken(self, found: str) -> Problem:
        """Return a break of the chain as a whole."""
        return problem(self.code, self.file, self.item, found=found)


@dataclass(frozen=True)
class Chain:
    """The lines and what the head says about them, not yet believed; ``head`` is None where there is none."""

    lines: tuple[str, ...] = ()
    head: tuple[int, str] | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def last(self) -> str:
        """The hash that the next line has to name."""
        return last_hash(self.lines)


@dataclass(frozen=True, slots=True)
class Link:
    """What a line that could be read says of its place.

    Attributes:
        previous: the hash it names as that of the line before.
        item: what it is about.
    """

    previous: str
    item: str


def line_hash(line: str) -> str:
    """Return the hash by which the next line names this one."""
    return hashlib.sha256(line.encode()).hexdigest()


def last_hash(lines: tuple[str, ...]) -> str:
    """Return the hash that a line after these has to name.

    >>> last_hash(()) == FIRST, last_hash(("a", "b")) == line_hash("b")
    (True, True)
    """
    return line_hash(lines[-1]) if lines else FIRST


def read(root: Path, form: Form) -> Chain:
    """Return the lines and the head as they lie there; what cannot be read is a problem of the chain, and then it has no lines."""
    try:
        text = (root / form.file).read_bytes().decode("utf-8") if (root / form.file).exists() else ""
        head = _head(root / form.head, form)
    except (OSError, ValueError, KeyError, TypeError) as err:
        return Chain(problems=(form.broken(f"no readable chain ({type(err).__name__})"),))
    if text and not text.endswith("\n"):
        return Chain(problems=(form.broken("a last line that was cut off"),))
    return Chain(tuple(text.split("\n")[:-1]), head)


def _head(path: Path, form: Form) -> tuple[int, str] | None:
    if not path.exists():
        return None
    data = strict_json.loads(path.read_bytes())
    if data["schema"] != form.schema:
        raise ValueError("another schema")
    return int(data[form.counts]), str(data["sha256"])


def breaks(chain: Chain, form: Form, links: Iterable[Link | None]) -> Iterator[Problem]:
    """Yield the places at which a line was deleted, moved or put in, and whether the end is the one that was written.

    Args:
        chain: as read.
        form: whose chain it is.
        links: of each line in turn; None for one that could not be read, which is a problem of its own.
    """
    before = FIRST
    for number, (line, link) in enumerate(zip(chain.lines, links, strict=True), start=1):
        if link is not None and link.previous != before:
            found = (
                f"the hash {link.previous[:12]} of the line before, which has {before[:12]}: one was deleted, moved or changed"
            )
            yield problem(form.code, f"{form.file}:{number}", link.item, found=found)
        before = line_hash(line)
    count, last = chain.head or (0, FIRST)
    if (count, last) != (len(chain.lines), before):
        found = f"{len(chain.lines)} {form.counts} to {before[:12]}; the head says {count} to {last[:12]}: the end was cut off or put on"
        yield problem(form.code, form.head, form.item, found=found)
