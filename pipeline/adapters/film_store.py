"""Where an adapter puts the DX files it writes, and the seed that their UIDs depend on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.adapters.dx import FilmRecord


@dataclass(frozen=True, slots=True)
class FilmStore:
    """The folder of a cohort's films and the cohort's seed."""

    folder: Path
    seed: int

    def put(self, film: FilmRecord, content: bytes) -> str:
        """Write a film's DICOM file and return its SHA-256, hexadecimal."""
        (self.folder / f"{film.film_id}.dcm").write_bytes(content)
        return hashlib.sha256(content).hexdigest()
