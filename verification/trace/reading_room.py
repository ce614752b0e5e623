"""Looks one thing up for a reader: an item's chain from the gate's own reading, the page of a code, or a decision record."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from verification.trace import code_pages, gate, item_records, records, show
from verification.trace.case import Level
from verification.trace.codes import CODES

if TYPE_CHECKING:
    from pathlib import Path

DECISIONS = "docs/adr"


@dataclass(frozen=True, slots=True)
class Text:
    """A page for people: the page of a code, or a decision record."""

    id: str
    kind: str
    where: str
    text: str

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {"schema": "thoratrace/page/1", "id": self.id, "kind": self.kind, "where": self.where, "text": self.text}


def look_up(root: Path, name: str) -> show.Chain | Text:
    """Return what goes by a name: the chain of an item, the page of a code, or the text of a decision (``ADR-0009``).

    Raises:
        UnknownItemError: nothing, or several things, go by it.
    """
    code = name.strip().upper()
    if code in CODES:
        return Text(code, "code", "verification/trace/codes.toml", code_pages.terminal_page(code))
    if decision := re.fullmatch(r"ADR-?(\d{1,4})", code, re.ASCII):
        return _decision(root, int(decision[1]))
    inputs = gate.read(root)
    result = gate.judge(inputs, Level.DEVELOPMENT)
    node = show.find(result.graph, name)
    tests = _tests(root) if result.accepted else {}
    return show.chain(result.graph, node, item_records.records(inputs, tests), result.problems, accepted=result.accepted)


def _tests(root: Path) -> dict[str, tuple[str, ...]]:
    """Return one line on each row's test record (IEC 62304 5.7.5), by scenario id."""
    found: dict[str, tuple[str, ...]] = {}
    for case, record in records.records(root).items():
        scenario = case.split(" [", 1)[0]
        seen = f"{len(record.observed)} of {len(record.procedure)} steps seen, expected: {'; '.join(record.expected)}"
        found[scenario] = (*found.get(scenario, ()), f"test record of {case.removeprefix(scenario).strip() or 'it'}: {seen}")
    return found


def _decision(root: Path, number: int) -> Text:
    files = {path.name[:4]: path for path in sorted((root / DECISIONS).glob("[0-9]*.md"))}
    path = files.get(f"{number:04d}")
    if path is None:
        raise show.UnknownItemError(f"ADR-{number:04d}", tuple(f"ADR-{each}" for each in files), ambiguous=False)
    where = path.relative_to(root).as_posix()
    return Text(f"ADR-{number:04d}", "decision", f"{where}:1", path.read_text(encoding="utf-8").rstrip("\n"))
