"""Verifies the unharmed release again and again under the conditions that people meet; every complaint is a false alarm.

Each verification is a process of its own, as an auditor starts it. The conditions cycle, so that a thousand of them try every combination several times.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from pipeline.release.attacks.checks import VERIFIER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pipeline.release.attacks.bench import Bench

ZONES = ("UTC", "Asia/Taipei", "America/St_Johns")
LOCALES = ("C", "C.UTF-8", "tr_TR.UTF-8")
HASH_SEEDS = ("0", "random")
PLACES = ("plain", "with spaces \u5fc3", "through a link")
MODES = ("as copied", "read-only", "touched")
PINS = (True, False)


@dataclass(frozen=True)
class Condition:
    """What differs between verifications of the same bytes.

    Attributes:
        zone: time zone.
        locale: of the process.
        hash_seed: of Python.
        place: where the copy lies and how it is named on the command line.
        mode: of the files: as copied, without the right to write, or with a new modification time.
        pinned: whether the auditor has a pin.
    """

    zone: str
    locale: str
    hash_seed: str
    place: str
    mode: str
    pinned: bool


CONDITIONS = tuple(Condition(*each) for each in itertools.product(ZONES, LOCALES, HASH_SEEDS, PLACES, MODES, PINS))


@dataclass(frozen=True)
class CleanCount:
    """How many verifications of the unharmed release there were, and those that complained."""

    verified: int
    alarms: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the count as plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> CleanCount:
        """Return a count as it was kept; the inverse of `to_json`."""
        return cls(int(value["verified"]), tuple(map(str, value["alarms"])))

    def __add__(self, other: CleanCount) -> CleanCount:
        """Return both together.

        >>> CleanCount(2, ("a",)) + CleanCount(1, ())
        CleanCount(verified=3, alarms=('a',))
        """
        return CleanCount(self.verified + other.verified, self.alarms + other.alarms)


def try_clean(bench: Bench, numbers: Sequence[int]) -> CleanCount:
    """Verify the copy once for each number, under the condition of that number.

    Args:
        bench: an unharmed copy; it is moved about and comes back.
        numbers: which verifications.
    """
    alarms = []
    for number in numbers:
        condition = CONDITIONS[number % len(CONDITIONS)]
        complaint = _verify(bench, condition)
        if complaint:
            alarms.append(f"{number}, {condition}: {complaint}")
    return CleanCount(len(numbers), tuple(alarms))


def _verify(bench: Bench, condition: Condition) -> str:
    """Return what the verifier complained of, empty where it did not."""
    home = bench.folder / "releases"
    place = _moved(bench, condition.place)
    try:
        _set_mode(place, condition.mode)
        command = [sys.executable, "-I", str(VERIFIER), str(place / bench.original.version)]
        if bench.archive is not None:
            command += ["--archive", str(bench.archive)]
        if condition.pinned:
            command += ["--pin", str(bench.pin)]
        settings = {"TZ": condition.zone, "LC_ALL": condition.locale, "PYTHONHASHSEED": condition.hash_seed}
        environment = {"PATH": os.environ.get("PATH", ""), **settings}
        done = subprocess.run(command, cwd=bench.folder, env=environment, capture_output=True, text=True, check=False)
        _set_mode(place, "as copied")
        return "" if done.returncode == 0 else f"exit {done.returncode}: {(done.stderr or done.stdout)[-300:]}"
    finally:
        _moved_back(place, home)


def _moved(bench: Bench, place: str) -> Path:
    home = bench.folder / "releases"
    if place == "plain":
        return home
    other = bench.folder / place
    if place == "through a link":
        other.symlink_to(home, target_is_directory=True)
    else:
        shutil.move(home, other)
    return other


def _moved_back(place: Path, home: Path) -> None:
    if place.is_symlink():
        place.unlink()
    elif place != home:
        shutil.move(place, home)


def _set_mode(folder: Path, mode: str) -> None:
    """Give every file below a folder a mode: 0444 or 0644, and a time of today where it is to be touched."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            path.chmod(0o444 if mode == "read-only" else 0o644)
            if mode == "touched":
                os.utime(path)
