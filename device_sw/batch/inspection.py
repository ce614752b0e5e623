"""Compares an output folder with its audit trail: the chain, the files that each line names, and the Merkle root. Nothing is changed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from device_sw import merkle
from device_sw.audit import NAME, QUARANTINE, complete_lines, verify
from device_sw.errors import OutputFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Inspection:
    """What an inspection found.

    Attributes:
        lines: complete audit lines.
        inputs: inputs they record.
        files: files they name.
        merkle_root: of the leaves that they hold.
        difference: the first difference between trail and folder, or None.
    """

    lines: int
    inputs: int
    files: int
    merkle_root: str
    difference: str | None

    def facts(self) -> dict[str, Any]:
        """Return the fields by name."""
        return {"holds": self.difference is None, **asdict(self)}


def inspect(folder: Path) -> Inspection:
    """Compare an output folder with its audit trail, up to the first difference.

    Raises:
        OutputFailed: there is no audit file, or it cannot be read (``OUT-AUDIT``).
    """
    lines, cut = complete_lines(folder / NAME)
    try:
        verify(lines)
    except OutputFailed as error:
        return Inspection(len(lines), 0, 0, merkle.root([]), str(error))
    inputs = [entry for entry in map(json.loads, lines) if "event" not in entry]
    files = {name: digest for entry in inputs for name, digest in entry.get("files", {}).items()}
    root = merkle.root(entry["leaf"] for entry in inputs if "leaf" in entry)
    difference = (
        "a line that was cut at the end; the next run sets it aside" if cut else next(_differences(folder, inputs, files), None)
    )
    return Inspection(len(lines), len(inputs), len(files), root, difference)


def _differences(folder: Path, inputs: list[dict[str, Any]], files: Mapping[str, str]) -> Iterator[str]:
    for number, entry in enumerate(inputs, start=1):
        if entry["index"] != number:
            yield f"input {entry['index']} stands where input {number} was expected"
    for name, digest in files.items():
        if (found := _sha256(folder / name)) != digest:
            yield f"{name}: found {found}, expected {digest}"
    for entry in inputs:
        if "leaf" in entry and merkle.leaf(json.loads((folder / entry["record"]).read_bytes())) != entry["leaf"]:
            yield f"{entry['record']}: another leaf than its line says"
    for path in sorted(folder.glob("*/**/*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not name.startswith(f"{QUARANTINE}/") and name not in files:
            yield f"{name}: no line names it"


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as err:
        return type(err).__name__
