"""Keeps finished pieces of long work line by line, so that work that was interrupted goes on where it stopped."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Kept:
    """Results by name in a file below a first line that says which work they belong to; other work starts the file anew.

    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "work.part.jsonl"
    >>> first = Kept(file, {"of": "0.1.0"}); first.add("a", 1); first.pause()
    >>> Kept(file, {"of": "0.1.0"}).results, Kept(file, {"of": "0.2.0"}).results
    ({'a': 1}, {})
    """

    def __init__(self, file: Path, work: Mapping[str, Any]) -> None:
        """Take up what lies there, if it belongs to this work."""
        self.file = file
        self.results: dict[str, Any] = {}
        head = json.dumps(work, sort_keys=True)
        lines = file.read_text(encoding="utf-8").split("\n") if file.is_file() else []
        if lines and lines[0] == head:
            self._recall(lines[1:])
        file.parent.mkdir(parents=True, exist_ok=True)
        self._stream = file.open("w", encoding="utf-8")
        self._stream.write(f"{head}\n")
        for name, result in self.results.items():
            self._write(name, result)

    def _recall(self, lines: list[str]) -> None:
        """Take the whole lines; the last one may have been cut off."""
        for line in lines:
            try:
                name, result = json.loads(line)
            except (ValueError, TypeError):
                return
            self.results[str(name)] = result

    def add(self, name: str, result: Any) -> None:
        """Keep one more result."""
        self.results[name] = result
        self._write(name, result)

    def _write(self, name: str, result: Any) -> None:
        self._stream.write(f"{json.dumps([name, result], ensure_ascii=False)}\n")
        self._stream.flush()

    def pause(self) -> None:
        """Close the file and leave it for the next time."""
        self._stream.close()

    def finish(self) -> None:
        """Remove the file: the work is done."""
        self._stream.close()
        self.file.unlink(missing_ok=True)
