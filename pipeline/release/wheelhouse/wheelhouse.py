"""The wheelhouse: a folder with one file for each pin of a lock, known by its hash and by nothing else.

A file belongs to a pin when its SHA-256 stands in the lock and its name says the same distribution and version. Everything else in the folder is foreign
and refused, because an installer that searches a folder takes what it finds there.

Source: PEP 427 and PEP 625 (names of wheels and source distributions); ADR 0002 (hashes decide, not the place).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.utils import InvalidSdistFilename, InvalidWheelFilename, parse_sdist_filename, parse_wheel_filename

from device_sw.errors import CodedError
from pipeline.run import file_sha256

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from pipeline.release.wheelhouse.pins import Pin

PARTIAL = ".incoming"
"""Folder inside the wheelhouse where a download lies until its hash is known."""


class WheelhouseUnfit(CodedError):
    """No environment can be made from this wheelhouse.

    Codes: WHL-FOREIGN, a file that no pin knows; WHL-MISSING, a pin without a file; WHL-DOWNLOAD, the installer could not fetch one; WHL-SETUP, the
    installer failed; ENV-ALTERED, an installed file is not that of its wheel; ENV-EXTRA, a file that belongs to no wheel; ENV-MISSING, one that is gone.
    """


@dataclass(frozen=True)
class Survey:
    """What lies in a wheelhouse.

    Attributes:
        files: the file of each pin that has one.
        missing: pins without a file, in the order of the lock.
        foreign: names of files that no pin knows, or of a pin but with another hash.
    """

    files: Mapping[Pin, Path]
    missing: tuple[Pin, ...]
    foreign: tuple[str, ...]

    def require_whole(self) -> Mapping[Pin, Path]:
        """Return the file of every pin.

        Raises:
            WheelhouseUnfit: WHL-FOREIGN or WHL-MISSING.
        """
        if self.foreign:
            found = f"{', '.join(self.foreign[:3])} ({len(self.foreign)} in all)"
            raise _unfit(
                "WHL-FOREIGN", found, "only files whose hashes the lock lists", "delete it, then ./qms release fetch VERSION"
            )
        if self.missing:
            first = self.missing[0]
            found = f"no file for {first.name} {first.version} ({len(self.missing)} missing in all)"
            raise _unfit("WHL-MISSING", found, "a file for every pin", "./qms release fetch VERSION, while online")
        return self.files


def survey(folder: Path, pins: Iterable[Pin]) -> Survey:
    """Hash every file of a wheelhouse and say which pin it is of; a folder that is not there is an empty one.

    A file of a pin that this machine does not install is foreign as well: the pins are those that are needed here.
    """
    wanted = tuple(pins)
    paths = sorted(each for each in folder.iterdir() if each.name != PARTIAL) if folder.is_dir() else []
    with ThreadPoolExecutor() as pool:
        owners = list(pool.map(lambda path: pin_of(path, wanted), paths))
    files = {pin: path for pin, path in zip(owners, paths, strict=True) if pin is not None}
    foreign = tuple(path.name for pin, path in zip(owners, paths, strict=True) if pin is None)
    return Survey(files, tuple(pin for pin in wanted if pin not in files), foreign)


def pin_of(path: Path, pins: Iterable[Pin]) -> Pin | None:
    """Return the pin a file belongs to by name, version and hash; None where there is none, or where it is a link or a folder."""
    if path.is_symlink() or not path.is_file():
        return None
    named = name_and_version(path.name)
    pin = next((each for each in pins if named is not None and each.is_of(*named)), None)
    return pin if pin is not None and file_sha256(path) in pin.sha256s else None


def name_and_version(filename: str) -> tuple[str, str] | None:
    """Return distribution and version that a file's name states, or None where it is neither wheel nor source distribution.

    >>> name_and_version("antlr4-python3-runtime-4.9.3.tar.gz")
    ('antlr4-python3-runtime', '4.9.3')
    >>> name_and_version("sitecustomize.py") is None
    True
    """
    try:
        name, version = parse_wheel_filename(filename)[:2] if filename.endswith(".whl") else parse_sdist_filename(filename)
    except (InvalidWheelFilename, InvalidSdistFilename):
        return None
    return str(name), str(version)


def _unfit(code: str, found: str, expected: str, repair: str) -> WheelhouseUnfit:
    return WheelhouseUnfit(code, where="wheelhouse", found=found, expected=expected, repair=repair)
