"""Finds what the project cites of standards, laws and guidance, and holds it against the register: everything is entered, and nothing that has ended is cited.

Looked at are the pages and data of docs, the messages and codes of the gate, the data of specification and risk file, feature files, and in Python the
``Source:`` part of docstrings, where a rule names its origin. A citation is recognised by its form; names without a number are recognised from a short list.

Source: traceability reference 8 (G9).
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.dossier.standards import ENDED, REGISTER
from pipeline.file_error import refuse
from requirements_spec.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from pipeline.dossier.standards import Register, Standard

CITING = (
    "docs",
    "verification",
    "risk",
    "requirements_spec",
    "device_sw",
    "phantom",
    "pipeline/dossier",
    "pipeline/training",
    "validation/protocol.toml",
)
"""What the file is built from and cites; the tests look at the whole tree."""

WHOLE = frozenset({".md", ".toml", ".feature"})
"""Files whose every line counts; of JSON only the table of messages does, of Python the sources of docstrings."""

MESSAGES = "messages.json"
_IGNORED = frozenset({"__pycache__", "_build", "node_modules", ".venv", "fonts"})
_BODIES = r"(?:ISO/IEC|IEC/TR|IEC/TS|IEC/ISO|ISO/TR|ISO/TS|ISO|IEC|AAMI|ANSI|IEEE|NIST|EN|MDCG|IMDRF|NEMA|RFC)"
_CITATION = re.compile(
    rf"""
    \b{_BODIES}[ ](?:TR[ ]|TS[ ]|TIR|CR|SP[ ]|N(?=[0-9]))?[0-9][0-9.-]*[0-9A-Z]*(?:/[A-Z][0-9]*)?(?:/Ed\.[0-9])?(?::[0-9]{{4}})?(?:\+A[0-9]:[0-9]{{4}})?
  | \b(?:TR|TIR|CR)[ ]?[0-9]{{4,5}}(?::[0-9]{{4}})?
  | \b[0-9]{{2}}[ ]CFR(?:[ ](?:Part|Parts))?[ ][0-9]+(?:\.[0-9]+)?
  | \b(?:Regulation|Directive)[ ]\((?:EU|EC)\)[ ][0-9]{{4}}/[0-9]+
  | \bReg\.[ ]\(EU\)[ ][0-9]{{4}}/[0-9]+
  | \bFD&C(?:[ ]Act)?[ ](?:section[ ])?[0-9]{{3}}[A-Z]?
  | \bsection[ ]524B\b
  | \bCOM\([0-9]{{4}}\)[ ]?[0-9]+
  | \bPS3\.[0-9]+
  | \bFDA[ ](?:[A-Za-z-]+[ ]){{1,6}}?(?:guidance|draft)(?:[ ](?:[0-9]{{4}}(?:-[0-9]{{2}}-[0-9]{{2}})?))?
  | \b(?:MDR|MDD|IVDR|AI[ ]Act|GDPR|HIPAA|QMSR|GMLP|CISA[ ][A-Za-z ]{{0,20}}Elements|eSTAR)\b
    """,
    re.VERBOSE,
)
_END = re.compile(r"[.-]+$")
_BREAK = re.compile(r"\n[ \t#]*")
_SOURCE = re.compile(r"Sources?:")


@dataclass(frozen=True, slots=True, order=True)
class Citation:
    """What is cited, and where."""

    file: str
    line: int
    text: str


def citations(root: Path, folders: Iterable[str] = CITING) -> Iterator[Citation]:
    """Yield every citation below some folders, by file and line; the register itself cites nothing."""
    for path in sorted(set(_files(root, folders))):
        name = path.relative_to(root).as_posix()
        if name != REGISTER:
            text = path.read_text(encoding="utf-8")
            yield from _python(name, text) if path.suffix == ".py" else _cited(name, 1, text)


def _files(root: Path, folders: Iterable[str]) -> Iterator[Path]:
    for folder in folders:
        place = root / folder
        for path in [place] if place.is_file() else place.rglob("*"):
            wanted = path.suffix in WHOLE or path.suffix == ".py" or path.name == MESSAGES
            if wanted and path.is_file() and not _IGNORED.intersection(path.parts):
                yield path


def _python(name: str, text: str) -> Iterator[Citation]:
    """Yield what the sources of docstrings cite."""
    for node in ast.walk(ast.parse(text)):
        held = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body and node.body[0]
        if isinstance(held, ast.Expr) and isinstance(held.value, ast.Constant) and isinstance(held.value.value, str):
            yield from _sources(name, held.lineno, held.value.value)


def _sources(name: str, first: int, docstring: str) -> Iterator[Citation]:
    for found in _SOURCE.finditer(docstring):
        part = docstring[found.start() :].split("\n\n", 1)[0]
        yield from _cited(name, first + docstring.count("\n", 0, found.start()), part)


def _cited(name: str, first: int, text: str) -> Iterator[Citation]:
    r"""Yield the citations of a text; one that a line break divides is found, too.

    >>> [(each.line, each.text) for each in _cited("a.md", 1, "By IEC\n62304 5.1, and 21 CFR 11.10.")]
    [(1, 'IEC 62304'), (2, '21 CFR 11.10')]
    """
    joined, breaks = _joined(text)
    for found in _CITATION.finditer(joined):
        line = first + sum(1 for place in breaks if place < found.start())
        yield Citation(name, line, _END.sub("", found[0]))


def _joined(text: str) -> tuple[str, list[int]]:
    """Return a text on one line, and where its line breaks were."""
    parts, breaks, length = _BREAK.split(text), [], 0
    for part in parts[:-1]:
        length += len(part) + 1
        breaks.append(length - 1)
    return " ".join(parts), breaks


def require_current(root: Path, register: Register, folders: Iterable[str] = CITING) -> None:
    """Hold every citation against the register.

    Raises:
        FileError: FILE-CONTENT, something cited is not entered or has ended, or an exception is not needed any more; with file and line.
    """
    refuse(problems(register, citations(root, folders)))


def problems(register: Register, cited: Iterable[Citation]) -> Iterator[Problem]:
    """Yield what is wrong with citations; one problem for each text of a file."""
    allowed = {(each.file, each.standard) for each in register.kept}
    known: dict[str, Standard | None] = {}
    for citation in cited:
        if citation.text not in known:
            known[citation.text] = register.entry(citation.text)
        entry = known[citation.text]
        where = f"{citation.file}:{citation.line}"
        if entry is None:
            yield _content(
                where,
                citation.text,
                "a citation that the register does not have",
                f"each cited text in {REGISTER}",
                "enter it with edition, status, date and source, or correct the citation",
            )
        elif entry.status in ENDED and (citation.file, entry.id) not in allowed:
            yield _content(
                where,
                citation.text,
                f"a citation of what is {entry.status}: {entry.short}, {entry.edition}",
                f"a citation of {entry.superseded_by}",
                f"cite {entry.superseded_by}, or enter the file under `kept` in {REGISTER} with the reason why the old text is meant",
            )


def unneeded(register: Register, cited: Iterable[Citation]) -> Iterator[Problem]:
    """Yield the exceptions that nothing needs any more; asked with the citations of the whole tree."""
    found = tuple(cited)
    entries = {text: register.entry(text) for text in {citation.text for citation in found}}
    used = {(citation.file, entry.id) for citation in found if (entry := entries[citation.text])}
    for each in register.kept:
        if (each.file, each.standard) not in used:
            yield _content(
                each.where,
                each.file,
                f"an exception for {each.standard}, which it does not cite",
                "exceptions that are needed",
                "remove the entry",
            )


def _content(where: str, item: str, found: str, expected: str, repair: str) -> Problem:
    return Problem(
        where=where, code="FILE-CONTENT", item=item, found=found, expected=expected, repair=repair, clause="ISO 13485 4.2.4"
    )
