"""The formats of the exchange by their names, and the two things that are done with a file: export whole or not at all, import without trust."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from verification.trace.exchange import needs_json, reqif, xlsx
from verification.trace.exchange.errors import refusal
from verification.trace.exchange.kinds import kinds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from verification.trace.exchange.document import Document, ItemKind

LARGEST_FILE = 64 * 1024 * 1024
"""Bytes; a larger file is refused unread."""


@dataclass(frozen=True, slots=True)
class Format:
    """One format: from a document to the files it needs (suffix to content, "" is the file itself), and back."""

    export: Callable[[Document], Mapping[str, bytes]]
    load: Callable[[bytes, str, tuple[ItemKind, ...]], Document]


def _needs(document: Document) -> Mapping[str, bytes]:
    return {"": needs_json.export(document).encode(), ".toml": needs_json.configuration(document.kinds).encode()}


FORMATS: dict[str, Format] = {
    "needs": Format(_needs, needs_json.load),
    "reqif": Format(lambda document: {"": reqif.export(document)}, reqif.load),
    "xlsx": Format(lambda document: {"": xlsx.export(document)}, xlsx.load),
}
"""Every format by the name that the command takes."""


def write(document: Document, name: str, path: Path) -> tuple[Path, ...]:
    """Write a document in a format and return the files made; with needs.json comes the configuration it needs, beside it.

    Raises:
        ExchangeError: the document does not fit into the format, or the file cannot be written (EXC-FILE).
    """
    contents = FORMATS[name].export(document)
    targets = {path.with_suffix(suffix) if suffix else path: content for suffix, content in contents.items()}
    drafts = {target: target.with_name(f"{target.name}.part") for target in targets}
    try:
        for target, draft in drafts.items():
            draft.write_bytes(targets[target])
        for target, draft in drafts.items():
            draft.replace(target)
    except OSError as err:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)
        raise refusal("EXC-FILE", str(path), name, f"{type(err).__name__} while writing", "a folder that can be written") from err
    return tuple(targets)


def read(name: str, path: Path) -> Document:
    """Return the document that a file holds.

    Raises:
        ExchangeError: everything that keeps it from being one.
    """
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE:
            raise refusal("EXC-TOO-LONG", str(path), name, f"{size} bytes", f"at most {LARGEST_FILE}")
        content = path.read_bytes()
    except OSError as err:
        raise refusal("EXC-FILE", str(path), name, f"{type(err).__name__} while reading") from err
    return FORMATS[name].load(content, path.name, kinds())
