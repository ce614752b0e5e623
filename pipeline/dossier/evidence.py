"""The evidence book: every figure of the technical file is read here, and leaves with the place it was read from.

A figure is never typed into a page. A page asks for (file, JSON pointer); the book gives the formatted value together with the file's SHA-256, and keeps
the list of what was cited for the page of sources. What is not there stops the build.

Source: JSON pointers as RFC 6901.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pipeline.file_error import FileError

if TYPE_CHECKING:
    from pathlib import Path

SOURCES = "sources"
"""The page of all files, and the folder of pages with the places of each."""

UNDEFINED = "undefined"
"""How a figure without a value is printed; its reason stands beside it in the evidence."""


@dataclass
class Source:
    """One file that figures were read from.

    Attributes:
        key: short name, the anchor on the page of sources.
        path: relative to the run's root, POSIX.
        sha256: of the file's bytes.
        document: its parsed content; None where only its hash is cited.
        pointers: JSON pointers cited so far.
        shown: what pages show for each JSON pointer below the whole file, as it was handed to them.
    """

    key: str
    path: str
    sha256: str
    document: Any = None
    pointers: set[str] = field(default_factory=set)
    shown: dict[str, set[str]] = field(default_factory=dict)


class EvidenceBook:
    """Reads evidence below one root and remembers what was cited."""

    def __init__(self, root: Path) -> None:
        """Start with no source read."""
        self._root = root
        self._sources: dict[str, Source] = {}

    def sources(self) -> list[Source]:
        """Return every source cited, by path."""
        return [self._sources[path] for path in sorted(self._sources)]

    def has(self, path: str) -> bool:
        """Say whether a file of evidence exists."""
        return (self._root / path).is_file()

    def source(self, path: str) -> Source:
        """Return a file's source record, reading it once.

        Raises:
            FileError: FILE-EVIDENCE, the file is missing or not what its name says.
        """
        if path not in self._sources:
            content = self._bytes(path)
            document = _parsed(path, content) if path.endswith(".json") else None
            self._sources[path] = Source(source_key(path), path, hashlib.sha256(content).hexdigest(), document)
        return self._sources[path]

    def _bytes(self, path: str) -> bytes:
        try:
            return (self._root / path).read_bytes()
        except OSError as err:
            raise FileError("FILE-EVIDENCE", path, "no such file", "evidence of the last run", "run ./qms demo") from err

    def value(self, path: str, pointer: str = "") -> Any:
        """Return the value at a JSON pointer.

        Raises:
            FileError: FILE-EVIDENCE, no such file or nothing at the pointer.
        """
        source = self.source(path)
        value = source.document
        for part in filter(None, pointer.split("/")):
            value = _step(value, part.replace("~1", "/").replace("~0", "~"), path, pointer)
        source.pointers.add(pointer)
        return value

    def figure(self, path: str, pointer: str, form: str = "") -> str:
        """Return a value as text that carries its source; ``form`` is a format specification such as ``.3f``."""
        value = self.value(path, pointer)
        return self.cited(_printed(value, form), path, pointer)

    def cited(self, text: str, path: str, pointer: str = "") -> str:
        """Return text as a role of the documents that names where it comes from."""
        source = self.source(path)
        source.pointers.add(pointer)
        if pointer:
            source.shown.setdefault(pointer, set()).add(text)
        return f"{{ev}}`{text} <{source.key}::{source.path}::{source.sha256[:12]}::{pointer}>`"


def place_of(key: str, pointer: str) -> str:
    """Return where a figure leads, seen from the root of the pages: its row on the page of its file, or the file's row among all of them.

    Source: RFC 6901, section 6 (a JSON pointer as the fragment of an address).

    >>> place_of("source-a", "/x y/0"), place_of("source-a", "")
    ('sources/source-a.html#/x%20y/0', 'sources.html#source-a')
    """
    return f"{SOURCES}/{key}.html#{fragment(pointer)}" if pointer else f"{SOURCES}.html#{key}"


def fragment(pointer: str) -> str:
    """Return a JSON pointer as the fragment of an address, which is also the anchor of its row.

    >>> fragment("/tags/a~1b (x)")
    '/tags/a~1b%20(x)'
    """
    return quote(pointer, safe="/~()")


def source_key(path: str) -> str:
    """Return the anchor of a source.

    >>> source_key("artifacts/validation/validation.json")
    'source-artifacts-validation-validation-json'
    """
    return "source-" + "".join(letter if letter.isalnum() else "-" for letter in path.lower())


def escaped(name: str) -> str:
    """Return a key as a part of a JSON pointer.

    >>> escaped("a/b")
    'a~1b'
    """
    return name.replace("~", "~0").replace("/", "~1")


def _parsed(path: str, content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError as err:
        raise FileError("FILE-EVIDENCE", path, "text that is no JSON", "a JSON document", "run ./qms demo") from err


def _step(value: Any, part: str, path: str, pointer: str) -> Any:
    try:
        return value[int(part)] if isinstance(value, list) else value[part]
    except (KeyError, IndexError, ValueError, TypeError) as err:
        raise FileError(
            "FILE-EVIDENCE",
            f"{path} {pointer}",
            f"nothing at {part!r}",
            "the figure a page shows",
            "run ./qms demo, or mend the page",
        ) from err


def _printed(value: Any, form: str) -> str:
    if value is None:
        return UNDEFINED
    return format(value, form) if form else str(value)
