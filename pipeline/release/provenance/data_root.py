"""The data root: one hash over every file of a cohort, and what it needs to be checked film by film.

A leaf is SHA-256(0x00 || path || 0x00 || SHA-256 of the file), the tree that of `device_sw.merkle`. So one film can be shown to belong to the cohort by a
path through the tree, without the others.
Source: RFC 6962, section 2.1, for the tree; MDR Annex IX 4.5 and AI Act Article 10 ask that data can be named.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from device_sw import merkle
from pipeline.release.errors import ReleaseRefused
from pipeline.release.provenance.content import files_sha256
from pipeline.run import read_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

INDEX = "cohort.json"
SCHEMA = "thoratrace/data-root/1"


@dataclass(frozen=True)
class DataRoot:
    """The files of a cohort and the root over them.

    Attributes:
        root: SHA-256 of the Merkle tree, in hex.
        files: path to SHA-256, relative to the cohort's folder.
        sizes: path to bytes.
        films: number of films that the index names.
    """

    root: str
    files: Mapping[str, str]
    sizes: Mapping[str, int]
    films: int

    def to_json(self) -> dict[str, Any]:
        """Return the summary that goes into a release: root, counts, bytes and the hash of the index."""
        return {
            "schema": SCHEMA,
            "root": self.root,
            "index_sha256": self.files[INDEX],
            "files": len(self.files),
            "bytes": sum(self.sizes.values()),
            "films": self.films,
        }

    def listing(self) -> str:
        """Return one line a file as `sha256sum` writes and checks it: what the root is the root of."""
        return "".join(f"{digest}  {name}\n" for name, digest in sorted(self.files.items()))


def data_root(cohort: Path) -> DataRoot:
    """Hash every file of a cohort and return its root.

    Raises:
        ReleaseRefused: ``REL-DATA-INDEX``, there is no readable index; ``REL-DATA-FILM``, a film is not the one that the index names, or a mask is missing.
    """
    try:
        films = read_json(cohort / INDEX)["films"]
        named = {str(film["path"]): str(film["sha256"]) for film in films}
        masks = sorted({str(film["mask"]) for film in films if film.get("mask")})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as err:
        raise _refused("INDEX", INDEX, f"{type(err).__name__} while reading it", "the index of the cohort") from err
    files = files_sha256(cohort)
    for path, digest in sorted(named.items()):
        if files.get(path) != digest:
            raise _refused("FILM", path, f"SHA-256 {files.get(path, 'of no file')[:16]}", f"{digest[:16]} as in {INDEX}")
    for path in masks:
        if path not in files:
            raise _refused("FILM", path, "no such file", f"the mask that {INDEX} names")
    sizes = {name: (cohort / name).stat().st_size for name in files}
    return DataRoot(merkle.root(leaf(name, digest) for name, digest in files.items()), files, sizes, len(films))


def leaf(path: str, sha256: str) -> str:
    """Return the leaf of one file, in hex.

    >>> leaf("a", "00") == leaf("b", "00")
    False
    """
    return hashlib.sha256(b"\x00" + path.encode() + b"\x00" + sha256.encode()).hexdigest()


def _refused(what: str, where: str, found: str, expected: str) -> ReleaseRefused:
    return ReleaseRefused(f"REL-DATA-{what}", where=where, found=found, expected=expected, repair="make the cohort again")
