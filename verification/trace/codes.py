"""The one table of the trace gate's codes, `codes.toml`: what each means, which clause asks for it, an example, and how to repair it.

`docs/codes.md` is generated from it (``python -m verification.trace.codes > docs/codes.md``), and a test compares the two.
"""

from __future__ import annotations

import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

from requirements_spec.datafile import cut
from requirements_spec.problem import Problem

SCHEMA = "thoratrace/codes/1"
LONGEST_ITEM, LONGEST_FINDING = 400, 2000
"""Characters of an item's name and of a finding; a name of a megabyte is no help to anybody."""


@dataclass(frozen=True, slots=True)
class Code:
    """One kind of problem.

    Attributes:
        code: stable name.
        title: what does not hold, in a few words.
        expected: what should be there.
        repair: what to do.
        clause: the standard's clause or the rule of the house that asks for it.
        example: what the gate finds in one case.
    """

    code: str
    title: str
    expected: str
    repair: str
    clause: str
    example: str


def read_table(text: str) -> dict[str, Code]:
    """Return the codes of a table by name, in its order.

    Raises:
        ValueError: another schema, a missing or unknown key, or a code twice.
    """
    content = tomllib.loads(text)
    if content.get("schema") != SCHEMA:
        raise ValueError(f"schema {content.get('schema')!r} instead of {SCHEMA!r}")
    try:
        entries = [Code(**entry) for entry in content["code"]]
    except TypeError as err:
        raise ValueError(f"an entry has missing or unknown keys: {err}") from err
    table = {entry.code: entry for entry in entries}
    if len(table) != len(entries):
        raise ValueError("a code stands there twice")
    return table


CODES: dict[str, Code] = read_table(Path(__file__).with_name("codes.toml").read_text(encoding="utf-8"))
"""Every code by its name."""


def problem(code: str, where: str, item: str, *, found: str, expected: str = "") -> Problem:
    """Return a problem of the table; ``expected`` replaces the table's words where a case can be put more exactly.

    >>> problem("TRC-OUTLINE-EMPTY", "a.feature:3", "TC:a", found="no row").clause
    'IEC 62304 5.7.1'
    """
    entry = CODES[code]
    return Problem(
        where=where,
        code=code,
        item=cut(item, LONGEST_ITEM),
        found=cut(found, LONGEST_FINDING),
        expected=expected or entry.expected,
        repair=entry.repair,
        clause=entry.clause,
    )


def address(code: str) -> str:
    """Return where a code's page lies in the built technical file.

    >>> address("TRC-REQ-SCENARIO")
    'codes/TRC-REQ-SCENARIO.html'
    """
    return f"codes/{code}.html"


def page() -> str:
    """Return docs/codes.md: a heading for each code, so that a message can link to it."""
    head = (
        "# Codes of the trace gate\n\n"
        "`./qms check` names every problem with one of these codes, with the place, what was found and what was expected: `TRC-` for what only the whole "
        "shows, `SPC-` for the specification, `RSK-` for the risk file, `CHG-` for the ledgers of changes. "
        "The prefixes `ANO-`, `OBL-`, `SIG-` and `AUD-` stand for anomalies, obligations, signatures and the audit log. "
        "`./qms show CODE` prints the page of a code, with a message as the gate prints it and the repair step by step; the built technical file has the same pages. "
        "This page is generated from the gate's own table, `verification/trace/codes.toml`.\n"
    )
    return head + "".join(f"\n{_entry(code)}" for code in CODES.values())


def _entry(code: Code) -> str:
    lines = (
        f"## {code.code}",
        "",
        f"{code.title}.",
        "",
        f"- **Expected:** {code.expected}.",
        f"- **Repair:** {code.repair}.",
        f"- **Clause:** {code.clause}.",
        f"- **Example:** {code.example}.",
        "",
    )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(page())
