"""The installed libraries, file by file: each is what its wheel brought, each distribution is the one the lock pins, and nothing else lies among them.

A lock decides what is installed, not what lies there later. What a wheel brought is in its RECORD with SHA-256 (PyPA, "Recording installed projects"), so an
altered file shows, and so does a file that no wheel brought: a `.pth` or `sitecustomize.py` runs at every start of the interpreter.
"""

from __future__ import annotations

import base64
import hashlib
import os
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import Distribution
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.markers import default_environment
from packaging.utils import canonicalize_name

from pipeline.release.errors import ReleaseRefused
from pipeline.release.wheelhouse.pins import needed, read_pins
from pipeline.release.wheelhouse.wheel_files import NOTES
from pipeline.run import file_sha256

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

OWN = NOTES | {"uv_build.json", "uv_cache.json"}
"""Files of a dist-info folder that the installer writes, not the wheel; uv notes what it built from source, pip does not, and the libraries are the same."""

INSTALLER = "pip"
"""The one distribution that may be there without being in the lock: every new environment has it."""


@dataclass(frozen=True, slots=True)
class Installed:
    """One distribution as it lies here.

    Attributes:
        version: of the distribution.
        sha256: over the lines ``sha256  path`` of the files of its wheel, sorted; scripts are left out, because they name the interpreter's place.
    """

    version: str
    sha256: str


def site_packages() -> Path:
    """Return the folder of the running interpreter's libraries."""
    return Path(sysconfig.get_path("purelib"))


def installed(lock: str, site: Path | None = None) -> dict[str, Installed]:
    """Read every installed file, and return the distributions by normalised name.

    Args:
        lock: text of requirements.lock.
        site: folder with the libraries, that of the running interpreter if none is given.

    Raises:
        ReleaseRefused: ``REL-ENVIRONMENT-LOCK``, another version, one too many or one missing; ``REL-ENVIRONMENT-FILE``, a file is missing or not what the wheel
            brought; ``REL-ENVIRONMENT-EXTRA``, a file that no wheel brought.
    """
    folder = site or site_packages()
    found = {canonicalize_name(each.name): each for each in _distributions(folder)}
    require_locked({name: each.version for name, each in found.items()}, lock)
    wheels = {name: dict(_recorded(each)) for name, each in sorted(found.items())}
    _require_files(folder, wheels)
    brought = {path for files in wheels.values() for path in files}
    for path in _lying(folder):
        if path not in brought:
            raise _refused("EXTRA", path, "a file that no wheel brought", "the files of the locked wheels and nothing else")
    return {name: Installed(found[name].version, digest_of(files)) for name, files in wheels.items() if name != INSTALLER}


def _distributions(folder: Path) -> Iterator[Distribution]:
    """Yield each distribution as its own folder states it.

    Not by ``importlib.metadata.distributions``: once any library has imported the backport ``importlib_metadata``, that answers with the backport's
    distributions, whose list of files leaves out those that are gone.
    """
    for path in sorted(folder.glob("*.dist-info")):
        yield Distribution.at(path)


def require_locked(versions: Mapping[str, str], lock: str) -> None:
    """Refuse distributions that are not exactly those which the lock pins for this interpreter and system.

    Raises:
        ReleaseRefused: ``REL-ENVIRONMENT-LOCK``.
        LockUnreadable: the lock cannot be read.
    """
    pinned = {pin.name: pin.version for pin in needed(read_pins(lock), default_environment())}
    for name in sorted(versions.keys() | pinned.keys()):
        here, there = versions.get(name), pinned.get(name)
        if here != there and not (name == INSTALLER and there is None):
            raise _refused("LOCK", name, here or "not installed", there or "not installed, since no lock names it")


def digest_of(files: Mapping[str, str]) -> str:
    """Return the SHA-256 over the lines ``sha256  path``, sorted by path."""
    lines = "".join(f"{digest}  {path}\n" for path, digest in sorted(files.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def _recorded(distribution: Distribution) -> Iterator[tuple[str, str]]:
    """Yield path and SHA-256 of each file that the wheel brought into the folder of the libraries."""
    for path in distribution.files or ():
        of_installer = path.parent.name.endswith(".dist-info") and path.name in OWN
        if path.hash is None or of_installer or ".." in path.parts or path.suffix == ".pyc":
            continue
        if path.hash.mode != "sha256":
            raise _refused("FILE", f"{distribution.name}: {path}", f"a hash by {path.hash.mode}", "one by SHA-256")
        yield path.as_posix(), base64.urlsafe_b64decode(path.hash.value + "==").hex()


def _require_files(folder: Path, wheels: Mapping[str, Mapping[str, str]]) -> None:
    """Hash what every wheel brought, several files at a time: they are 7 GB, and a file is read and hashed while others are."""
    owed = [(name, path, digest) for name, files in wheels.items() for path, digest in files.items()]
    with ThreadPoolExecutor() as pool:
        for (name, path, digest), actual in zip(owed, pool.map(lambda each: _sha256_of(folder / each[1]), owed), strict=True):
            if actual != digest:
                raise _refused("FILE", f"{name}: {path}", actual[:16], f"{digest[:16]} as its wheel brought it")


def _sha256_of(path: Path) -> str:
    return file_sha256(path) if path.is_file() and not path.is_symlink() else "no file"


def _lying(folder: Path) -> Iterator[str]:
    """Yield the files and links that lie in the folder, without caches of the interpreter and what installers write."""
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        here = Path(place).relative_to(folder)
        for name in sorted([*files, *(each for each in folders if Path(place, each).is_symlink())]):
            if not (here.name.endswith(".dist-info") and name in OWN):
                yield (here / name).as_posix()


def _refused(what: str, where: str, found: str, expected: str) -> ReleaseRefused:
    return ReleaseRefused(
        f"REL-ENVIRONMENT-{what}", where=where, found=found, expected=expected, repair="delete .venv and let ./qms make it again"
    )
