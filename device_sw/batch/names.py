"""The local index: which number belongs to which path. It stays at the site; nothing else names a path.

While a run lasts, each name goes to a journal beside the index as soon as its input is taken, so that a run that dies loses none; the journal's entries
become part of ``index.json`` at the end of the run, or of the next one. Entries of inputs that were never recorded are left out.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCHEMA = "thoratrace/index/1"


class LocalIndex:
    """The names of a folder's inputs by number."""

    def __init__(self, root: Path) -> None:
        """Read the index and the journal of a run that died; what cannot be read is left out, since both are for convenience only."""
        self._journal = root / ".index.jsonl"
        self._entries: dict[int, dict[str, Any]] = {}
        for entry in (*_index(root / "index.json"), *_journal(self._journal)):
            self._entries[entry["index"]] = entry

    def begun(self, index: int) -> dict[str, Any] | None:
        """Return what a run that died had taken under a number, or None."""
        return self._entries.get(index)

    def take(self, index: int, path: Path, content_sha256: str | None) -> None:
        """Write down that an input has been taken under this number.

        Raises:
            OSError: the journal cannot be written.
        """
        entry = {"index": index, "path": str(path), "content_sha256": content_sha256}
        self._entries[index] = entry
        with self._journal.open("a", encoding="utf-8", errors="surrogateescape") as stream:
            stream.write(f"\n{json.dumps(entry)}\n")  # the first line break ends a line that a crash cut

    def whole(self, recorded: int) -> dict[str, Any]:
        """Return the content of ``index.json`` after so many inputs were recorded."""
        return {"schema": SCHEMA, "inputs": [entry for index, entry in sorted(self._entries.items()) if index <= recorded]}

    def settle(self) -> None:
        """Remove the journal, once its entries stand in the index.

        Raises:
            OSError: it cannot be removed.
        """
        self._journal.unlink(missing_ok=True)


def _index(path: Path) -> list[dict[str, Any]]:
    try:
        return [entry for entry in json.loads(path.read_text(encoding="utf-8"))["inputs"] if isinstance(entry["index"], int)]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _journal(path: Path) -> Iterator[dict[str, Any]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and isinstance(entry.get("index"), int):
            yield entry
