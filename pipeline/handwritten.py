"""Reads a hand-written table of the file whole: problems of form stop the build at the first one, with the number of all."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from pipeline.file_error import FileError, require_sound
from requirements_spec.datafile import Document, Table, Text, duplicate_ids, read

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

SRS, RC, HS, GAP = (Text(pattern=rf"{name}-\d{{3}}") for name in ("SRS", "RC", "HS", "GAP"))
"""Ids of requirements, controls, hazardous situations and gaps, as a row may name them."""


def sound(root: Path, name: str, form: Table, keys: Sequence[str]) -> Document:
    """Return the file ``name``, whose arrays ``keys`` hold each id once.

    Raises:
        FileError: FILE-DATA, the file does not hold what it must.
    """
    document = read(root, name, form)
    require_sound((*document.problems, *(problem for key in keys for problem in duplicate_ids(document.rows(key)))))
    return document


def require_known(where: str, named: Iterable[str], known: Iterable[str], what: str) -> None:
    """Stop where a row names what does not exist.

    Raises:
        FileError: FILE-CONTENT, naming it.
    """
    if unknown := sorted(set(named) - set(known)):
        raise FileError(
            "FILE-CONTENT",
            where,
            f"no {what} {', '.join(unknown)}",
            "the name of one that exists",
            "correct the name, or remove it",
        )


def value_of(form: Any, data: Mapping[str, Any]) -> Any:
    """Return a row as a value of a dataclass whose fields are its keys; lists become tuples, and a key that is not given keeps its default."""
    given = {each.name: data[each.name] for each in fields(form) if each.name in data}
    return form(**{name: tuple(value) if isinstance(value, list) else value for name, value in given.items()})
