"""Keeps what a long study has already found, item by item, so that a study that was stopped goes on where it was.

One JSON file an item, written whole or not at all. The folder carries the identity of what was studied (bundle and films); another bundle or another
set of films has another folder, so that results of two devices can never be mixed.
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Ledger:
    """Results of one study of one subject."""

    def __init__(self, folder: Path, *identity: str) -> None:
        """Open the ledger of a subject below ``folder``; the order of the names in ``identity`` counts."""
        digest = hashlib.sha256("\n".join(identity).encode()).hexdigest()
        self.folder = folder / digest[:16]
        self.folder.mkdir(parents=True, exist_ok=True)

    def held(self, key: str) -> bool:
        """Say whether an item is there already."""
        return self._place(key).is_file()

    def get(self, key: str, make: Callable[[], Any]) -> Any:
        """Return an item, made now if it is not there: plain JSON values, exactly as they come back from the file.

        Raises:
            ValueError: the value holds a number that is not finite.

        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     Ledger(Path(folder), "a").get("film 1", lambda: 1), Ledger(Path(folder), "a").get("film 1", lambda: 2)
        (1, 1)
        """
        place = self._place(key)
        if not place.is_file():
            text = json.dumps(make(), sort_keys=True, ensure_ascii=False, allow_nan=False)
            partial = place.with_suffix(f".{os.getpid()}.partial")
            partial.write_text(text, encoding="utf-8")
            partial.replace(place)
        return json.loads(place.read_text(encoding="utf-8"))

    def _place(self, key: str) -> Path:
        return self.folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"
