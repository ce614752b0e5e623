"""Reads a hand-written table of the file whole: problems of form stop the build at the first one, with the number of all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.dossier.errors import FileError
from requirements_spec.datafile import Document, Table, duplicate_ids, read

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path


def sound(root: Path, name: str, form: Table, keys: Sequence[str]) -> Document:
    """Return the file ``name``, whose arrays ``keys`` hold each id once.

    Raises:
        FileError: FILE-DATA, the file does not hold what it must.
    """
    document = read(root, name, form)
    problems = (*document.problems, *(problem for key in keys for problem in duplicate_ids(document.rows(key))))
    if problems:
        first = problems[0]
        found = f"{first.item}: {first.found} ({len(problems)} problems in all)"
        raise FileError("FILE-DATA", first.where, found, first.expected, first.repair)
    return document


def require_known(where: str, named: Iterable[str], known: Iterable[str], what: str) -> None:
    """Stop where a row names what does not exist.

    Raises:
        FileError: FILE-CONTENT, naming it.
    """
    if unknown := sorted(set(named) - set(known)):
        raise FileError(
            "FILE-CONTENT", where, f"no {what} {', '.join(unknown)}", f"a {what} that exists", "correct the name, or remove it"
        )
