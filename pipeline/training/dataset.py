"""The prepared films of one split: arrays at network size with their boxes, read once and shared by every worker."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(frozen=True)
class PreparedFilm:
    """One film at network size: boxes (n, 4) float32 in network pixels, labels (n,) int64 from 1 in class order."""

    film_id: str
    boxes: NDArray[np.float32]
    labels: NDArray[np.int64]


@dataclass(frozen=True)
class PreparedSplit:
    """Films of one split; ``pixels`` is (films, size, size) uint16, 65535 being white."""

    pixels: NDArray[np.uint16]
    films: tuple[PreparedFilm, ...]

    def image(self, index: int) -> NDArray[np.float32]:
        """Return film ``index`` as (size, size) float32 in [0, 1]."""
        return self.pixels[index].astype(np.float32) / np.float32(65535.0)


def quantise(pixels: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Return [0, 1] as 16-bit integers, rounded to nearest.

    >>> quantise(np.array([0.0, 0.5, 1.0], np.float32)).tolist()
    [0, 32768, 65535]
    """
    return np.rint(pixels.astype(np.float64) * 65535.0).astype(np.uint16)


def write_split(folder: Path, split: str, pixels: NDArray[np.uint16], films: list[dict[str, Any]]) -> None:
    """Write ``<split>.npy`` and ``<split>.json``."""
    np.save(folder / f"{split}.npy", pixels)
    (folder / f"{split}.json").write_text(json.dumps({"films": films}, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def read_split(folder: Path, split: str) -> PreparedSplit:
    """Read what :func:`write_split` wrote; pixels stay on disk and are mapped into memory."""
    films = json.loads((folder / f"{split}.json").read_text(encoding="utf-8"))["films"]
    pixels = np.load(folder / f"{split}.npy", mmap_mode="r")
    return PreparedSplit(pixels, tuple(_film(row) for row in films))


def _film(row: dict[str, Any]) -> PreparedFilm:
    boxes = np.asarray(row["boxes"], dtype=np.float32).reshape(-1, 4)
    return PreparedFilm(row["film_id"], boxes, np.asarray(row["labels"], dtype=np.int64))
