"""Finds numbers that somebody typed where a measured one would have to be read from evidence, and holds them against the table of those that may stand.

A figure is read by ``figure(file, pointer)`` and leaves with its source; a number in the words of a page or of a table has none. Found are shares, counts of
some whole, counts of what this project counts, quantities with a unit, decimals below one, intervals and powers of ten. A number of another form, or one in
words, is not found. Not looked at are code and commands, and dated records (decisions, changelog, published figures with their source).

`docs/numbers.toml` names each number that may stand, by the words around it, and why: a limit, a definition, a plan, an example, a dated record, or a copy
of a figure, which is then compared with its evidence.

Source: ISO 13485 4.2.5 (records stay identifiable); design rule "no hand-typed number".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.dossier.tables import plain, table
from pipeline.file_error import FileError, refuse
from pipeline.handwritten import sound, value_of
from requirements_spec.datafile import Table, Tables, Text, Texts
from requirements_spec.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from pipeline.dossier.evidence import EvidenceBook

NUMBERS = "docs/numbers.toml"
GENERATED = frozenset({"docs/codes.md"})
"""Written by a program; its numbers are examples of messages."""

WATCHED = (
    "docs/*.md",
    "docs/testing/*.md",
    "docs/clauses/*.toml",
    "docs/gaps.toml",
    "docs/privacy.toml",
    "docs/threats.toml",
    "docs/tools.toml",
    "docs/usability.toml",
    "docs/views.toml",
    "risk/data/*.toml",
    "verification/anomalies.toml",
)
"""Where people write sentences that readers take for statements about this build."""

KINDS = frozenset({"limit", "definition", "plan", "example", "record", "figure"})
"""Why a number may stand: limit of a law, standard or requirement; definition or constant of the design; plan of what is to come; example that states no
result; record of a day, whose source the row names; figure with its evidence."""

_NUMBER = r"\d+(?:[.,]\d+)*"
_COUNTED = (
    "anomaly|anomalies|assertions?|boxes|cases|checks|clauses|components|controls|cohorts|decisions|defects|errors|events|figures|films|findings|gaps|hospitals|images"
    "|items|libraries|marks|mutants|packages|pages|patients|pictures|probes|radiologists|readers|releases|requirements|results|rows|runs|scenarios|sentences|sites"
    "|situations|studies|tests|threats|tools|users|vulnerabilities"
)
_UNITS = "s|ms|min|h|kB|MB|MiB|GB|GiB|px|mm|bits?|bytes|pixels?|seconds?|minutes?|hours?|days?|weeks?|months?|years?|times|cores|processes|workers|threads|percentage points"
_ADJECTIVES = r"(?:(?!(?:and|are|as|at|before|by|can|for|from|in|is|of|or|per|than|that|the|to|with)\b)[a-z][a-z-]*\s+){0,2}"
_TYPED = re.compile(
    rf"""(?<![\w.:/-])(?:
      {_NUMBER}\s*(?:%|per[ ]?cent\b)                                 # a share
    | {_NUMBER}\s+(?:out\s+)?of\s+(?:(?:the|all)\s+)?{_NUMBER}(?![\d-])  # so many of so many
    | {_NUMBER}\s+(?:{_UNITS})\b                                      # a quantity
    | {_NUMBER}\s+{_ADJECTIVES}(?:{_COUNTED})\b                       # a count
    | {_NUMBER}\s*[個張位件名例次秒天]                                   # a count or quantity in Chinese
    | {_NUMBER}e[+-]?\d+(?!\w|\.\d)                                    # a power of ten
    | 0\.\d+(?!\.?\d)                                                 # a decimal below one
    )
    | \[\s*-?{_NUMBER}\s*[,;]\s*-?{_NUMBER}\s*\]                      # an interval
    | ±\s*{_NUMBER}
    """,
    re.VERBOSE,
)
_MASKED = re.compile(
    r"""
      \{\{.*?\}\} | \{%.*?%\} | \{\#.*?\#\} | <!--.*?-->               # what the template fills in
    | ^```(?!\{).*?^```                                               # code
    | ^:[a-z-]+:[^\n]*$                                                # options of a directive
    | `[^`\n]*[A-Za-z_][^`\n]*`                                       # names and commands; a number alone is looked at
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
_TABLE = Table(
    {
        "schema": Text(choices=frozenset({"thoratrace/numbers/1"})),
        "number": Tables(
            Table(
                {
                    "text": Text(pattern=r"[\s\S]*\d[\s\S]*"),
                    "files": Texts(),
                    "kind": Text(choices=KINDS),
                    "reason": Text(),
                    "evidence": Text(required=False),
                    "pointer": Text(required=False),
                    "form": Text(required=False),
                }
            )
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Typed:
    """A number that was typed: file, line, its words, and where in the file it lies."""

    file: str
    line: int
    text: str
    span: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Allowed:
    """A number that may stand in the files named, within exactly these words.

    Attributes:
        text: the number with the words around it.
        files: where it may stand.
        kind: why, one of ``KINDS``.
        reason: the same in a sentence, with the place that fixes it.
        evidence: file that a figure is a copy from, with ``pointer`` and, where it is rounded, ``form``.
        pointer: JSON pointer in that file.
        form: format of the figure, such as ``.1%``.
    """

    text: str
    files: tuple[str, ...]
    kind: str
    reason: str
    evidence: str = ""
    pointer: str = ""
    form: str = ""

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        r"""Yield where these words stand in a text; one line break counts as one space.

        >>> list(Allowed("95 % interval", (), "limit", "").spans("a 95 %\ninterval"))
        [(2, 15)]
        """
        words = re.escape(" ".join(self.text.split())).replace(r"\ ", r"\s+")
        yield from (found.span() for found in re.finditer(words, text))


def require_sourced(root: Path, book: EvidenceBook) -> None:
    """Hold every typed number against the table, and the table against evidence and pages.

    Raises:
        FileError: FILE-CONTENT, a number stands without source, a copy differs from its evidence, or a row is not needed any more; FILE-DATA, the table
            does not hold what it must; FILE-EVIDENCE, what a row names is not there.
    """
    rows = load_allowed(root)
    for row in rows:
        _require_equal(row, book)
    refuse(problems(root, rows))


def numbers_table(rows: Sequence[Allowed], book: EvidenceBook) -> str:
    """Return the numbers that stand in words, where and why; a copy of a figure leads to its evidence."""
    shown = [[_shown(row, book), "\n\n".join(f"`{name}`" for name in row.files), row.kind, plain(row.reason)] for row in rows]
    return table(["In these words", "Where", "Kind", "Why"], shown, widths=[30, 26, 12, 32])


def _shown(row: Allowed, book: EvidenceBook) -> str:
    words = plain(row.text)
    if row.kind != "figure":
        return words
    value = format(book.value(row.evidence, row.pointer), row.form)
    return f"{words}\n\n*from* {book.cited(value, row.evidence, row.pointer)}"


def load_allowed(root: Path) -> tuple[Allowed, ...]:
    """Return the rows of the table.

    Raises:
        FileError: FILE-DATA, the table does not hold what it must; FILE-CONTENT, a figure names no evidence, or something else names some.
    """
    rows = tuple(value_of(Allowed, row.data) for row in sound(root, NUMBERS, _TABLE, ()).rows("number"))
    for row in rows:
        if (row.kind == "figure") != bool(row.evidence and row.pointer):
            found = f"kind {row.kind} with evidence {row.evidence or 'none'}"
            repair = "name file and pointer of a figure, or choose the kind that it is"
            raise FileError("FILE-CONTENT", f"{NUMBERS} {row.text!r}", found, "evidence and pointer for figures alone", repair)
    return rows


def typed_numbers(root: Path) -> Iterator[Typed]:
    """Yield every number that was typed into what is watched, by file and place."""
    for name in _files(root):
        yield from typed_in(name, (root / name).read_text(encoding="utf-8"))


def typed_in(name: str, text: str) -> Iterator[Typed]:
    r"""Yield the typed numbers of one text.

    >>> [(each.line, each.text) for each in typed_in("a.md", "On {{ figure('a', '/b') }} films,\n39 of 952 passed.")]
    [(2, '39 of 952')]
    """
    shown = masked(text)
    for found in _TYPED.finditer(shown):
        yield Typed(name, 1 + shown.count("\n", 0, found.start()), " ".join(found[0].split()), found.span())


def masked(text: str) -> str:
    r"""Return a text of equal length and lines in which templates, code and names are blank.

    >>> masked("`a 5 s` and {{ b }} 7")
    '        and         7'
    """
    return _MASKED.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)


def problems(root: Path, rows: Sequence[Allowed]) -> Iterator[Problem]:
    """Yield the typed numbers that no row covers, then the rows that cover none."""
    used: set[tuple[str, str]] = set()
    for name in _files(root):
        text = (root / name).read_text(encoding="utf-8")
        yield from _uncovered(name, text, [row for row in rows if name in row.files], used)
    yield from _unneeded(rows, used)


def _uncovered(name: str, text: str, rows: Iterable[Allowed], used: set[tuple[str, str]]) -> Iterator[Problem]:
    """Yield what no row of this file covers; a row that covers something is entered as used."""
    covers = [(row, span) for row in rows for span in row.spans(text)]
    for typed in typed_in(name, text):
        covering = [row for row, span in covers if span[0] <= typed.span[0] and typed.span[1] <= span[1]]
        used.update((row.text, name) for row in covering)
        if not covering:
            yield _problem(
                f"{name}:{typed.line}",
                f"{typed.text!r}, typed by hand",
                "a number that is read from evidence, or one whose reason is stated",
                f"write figure(file, pointer) in its place, or a sentence without it; a limit, plan or record is entered with its reason in {NUMBERS}",
            )


def _unneeded(rows: Iterable[Allowed], used: set[tuple[str, str]]) -> Iterator[Problem]:
    for row in rows:
        for name in row.files:
            if (row.text, name) not in used:
                yield _problem(
                    f"{NUMBERS} {row.text!r}",
                    f"no number in these words in {name}",
                    "rows that a sentence needs",
                    "remove the file from the row, or the row",
                )


def _require_equal(row: Allowed, book: EvidenceBook) -> None:
    """Compare a copied figure with its evidence as the row's form rounds it."""
    if row.kind != "figure":
        return
    value = book.value(row.evidence, row.pointer)
    expected = format(value, row.form)
    if _number(row.text) != _number(expected):
        raise FileError(
            "FILE-CONTENT",
            f"{NUMBERS} {row.text!r}",
            f"a number that is not that of {row.evidence} {row.pointer}",
            expected,
            "correct the sentence and the row by the evidence",
        )


def _number(text: str) -> float:
    """Return the first number of a text.

    >>> _number("at most 3e-5 pixel"), _number("3e-05"), _number("1,000 films")
    (3e-05, 3e-05, 1000.0)
    """
    found = re.search(r"\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?", text)
    return float(found[0].replace(",", "")) if found else float("nan")


def _files(root: Path) -> list[str]:
    return sorted({path.relative_to(root).as_posix() for pattern in WATCHED for path in root.glob(pattern)} - GENERATED)


def _problem(where: str, found: str, expected: str, repair: str) -> Problem:
    return Problem(
        where=where, code="FILE-CONTENT", item="", found=found, expected=expected, repair=repair, clause="ISO 13485 4.2.5"
    )
