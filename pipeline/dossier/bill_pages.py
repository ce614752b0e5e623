"""SOUP list, lock and bill of materials, held against each other: three lists of one thing, which must not differ.

    SOUP items in the wheel + libraries that come with them = pins of device.lock = components of the bill

A difference stops the build and names the library. Releases are held to it too: the bill that was sealed has to list the pins of the lock that was sealed.

Source: IEC 62304 5.3.3, 8.1.2; FDA cybersecurity guidance V.A.4 (b); FD&C Act 524B(b)(3).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pipeline.dossier.errors import FileError
from pipeline.dossier.tables import plain, table
from pipeline.release.components import USES, closure, components, pins
from pipeline.release.errors import ReleaseRefused
from requirements_spec.lock import INTERPRETER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from pipeline.release.components import Component

LOCK, BILL = "device.lock", "device.cdx.json"


def one_list(root: Path) -> tuple[Component, ...]:
    """Return the components of the bill, once SOUP list, lock and bill agree, here and in every sealed release.

    Raises:
        FileError: FILE-CONTENT, a library stands in one of the lists only, or in two versions.
    """
    try:
        found = components(root)
        listed = {(each.pin.name, each.pin.version) for each in closure(found)}
        _require_equal(LOCK, {(pin.name, pin.version) for pin in pins((root / LOCK).read_text(encoding="utf-8"))}, listed)
        for folder in sorted((root / "releases").glob(f"*/files/{BILL}")):
            _require_equal(folder.relative_to(root).as_posix(), *_sealed(folder))
    except ReleaseRefused as err:
        raise FileError("FILE-CONTENT", err.where, err.found, err.expected, err.repair) from err
    return found


def _sealed(bill: Path) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """Return the pins of a sealed lock, and what the bill beside it brings with the wheel."""
    locked = {(pin.name, pin.version) for pin in pins((bill.parent / LOCK).read_text(encoding="utf-8"))}
    listed = json.loads(bill.read_text(encoding="utf-8"))["components"]
    return locked, set(_brought(listed))


def _brought(listed: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for each in listed:
        if each["scope"] == "required" and each["name"] != INTERPRETER:
            yield each["name"], each["version"]


def _require_equal(where: str, locked: set[tuple[str, str]], listed: set[tuple[str, str]]) -> None:
    """Refuse the first library that only one of the two lists has.

    >>> _require_equal("device.lock", {("numpy", "2.4.0")}, {("numpy", "2.4.0")})
    """
    for name, version in sorted(locked ^ listed):
        place = "the lock alone" if (name, version) in locked else "the bill of materials alone"
        repair = "lock, SOUP list and bill belong to one state: make the lock again, then mend the SOUP list"
        raise FileError("FILE-CONTENT", where, f"{name} {version} in {place}", "one list of libraries", repair)


class BillPages:
    """What the page of SOUP says of the agreement."""

    def __init__(self, root: Path) -> None:
        """Hold the lists against each other.

        Raises:
            FileError: FILE-CONTENT, they differ.
        """
        self._found = one_list(root)

    def agreement(self) -> str:
        """Return how many components the bill has of each use, and how many of them are SOUP items."""
        brought = tuple(closure(self._found))
        rows = [
            [
                plain(words),
                str(sum(each.use == use for each in brought)),
                str(sum(each.use == use and bool(each.soup) for each in brought)),
            ]
            for use, words in USES.items()
        ]
        rows.append(["**all of the wheel's closure**", str(len(brought)), str(sum(bool(each.soup) for each in brought))])
        beyond = [each for each in self._found if each not in brought]
        rows.append(
            [
                "beyond the lock: interpreter, and what is installed on request",
                str(len(beyond)),
                str(sum(bool(each.soup) for each in beyond)),
            ]
        )
        return table(["Use", "Components of the bill", "SOUP items among them"], rows, widths=[56, 22, 22])
