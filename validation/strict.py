"""Reads generated JSON strictly: every problem at once, each with its path; unknown and missing keys are problems."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from validation.errors import ValidationError

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path


class Problems:
    """Collects what is wrong with one file, so that the reader learns all of it in one run."""

    def __init__(self, code: str, where: str) -> None:
        """Start without problems in the file ``where``."""
        self.code = code
        self.where = where
        self.found: list[str] = []

    def add(self, path: str, text: str) -> None:
        """Note one problem at a path such as ``$.films[3].split``."""
        self.found.append(f"{path} {text}")

    def check(self, good: object, path: str, text: str) -> None:
        """Note the problem unless ``good`` is true."""
        if not good:
            self.add(path, text)

    def keys(self, value: Any, path: str, required: Collection[str], optional: Collection[str] = ()) -> bool:
        """Say whether a value is a mapping with all required and no unknown keys, and note what is not."""
        if not isinstance(value, dict):
            self.add(path, "is not an object")
            return False
        missing, unknown = sorted(set(required) - set(value)), sorted(set(value) - set(required) - set(optional))
        self.check(not missing, path, f"lacks {', '.join(missing)}")
        self.check(not unknown, path, f"has unknown {', '.join(unknown)}")
        return not missing

    def raise_if_any(self, repair: str) -> None:
        """Raise with all problems, the first ten in words.

        Raises:
            ValidationError: there was a problem.
        """
        if self.found:
            rest = f" and {len(self.found) - 10} more" if len(self.found) > 10 else ""
            raise ValidationError(
                self.code,
                where=self.where,
                found="; ".join(self.found[:10]) + rest,
                expected="a file of its schema",
                repair=repair,
            )


def read_json(path: Path, code: str, repair: str) -> Any:
    """Return a parsed JSON file in which no object repeats a key.

    Raises:
        ValidationError: ``VAL-MISSING`` without the file, ``code`` where it is not JSON.
    """
    if not path.is_file():
        raise ValidationError(
            "VAL-MISSING", where=path.name, found="no file", expected=f"{path.parent.name}/{path.name}", repair=repair
        )
    try:
        return json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_unique)
    except ValueError as error:
        raise ValidationError(
            code, where=path.name, found=f"unreadable JSON ({error})", expected="JSON", repair=repair
        ) from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"repeated key {', '.join(twice)}")
    return dict(pairs)


def box_of(edges: Any) -> tuple[float, float, float, float]:
    """Return four checked numbers as a box."""
    x0, y0, x1, y1 = (float(edge) for edge in edges)
    return (x0, y0, x1, y1)


def is_number(value: Any) -> bool:
    """Say whether a JSON value is a finite number; True and False are none.

    >>> is_number(1.5), is_number(True), is_number(float("nan"))
    (True, False, False)
    """
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < float("inf")
