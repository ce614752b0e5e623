"""SOUP list, lock and bill of materials: three lists of one thing, which must not differ.

    SOUP items in the wheel + libraries that come with them = pins of device.lock = components of the bill

Here the bill is made from the pins of the lock, and a pin that neither the SOUP list nor the table of components knows stops the build. A sealed release holds
both as files, so there the bill is held against the lock beside it, and a difference names the library.

Source: IEC 62304 5.3.3, 8.1.2; FDA cybersecurity guidance V.A.4 (b); FD&C Act 524B(b)(3).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pipeline.dossier.component_pages import names
from pipeline.dossier.tables import plain, table
from pipeline.file_error import FileError
from pipeline.release.errors import ReleaseRefused
from pipeline.release.parts.components import USES, closure, components, pins
from requirements_spec.lock import INTERPRETER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from pipeline.release.parts.components import Component

LOCK, BILL = "device.lock", "device.cdx.json"


def read_components(root: Path) -> tuple[Component, ...]:
    """Return the components of the bill as the lock, the SOUP list and the table of components that lie here give them.

    Raises:
        FileError: FILE-CONTENT, a library stands in one of them only.
    """
    try:
        return components(root)
    except ReleaseRefused as err:
        raise FileError("FILE-CONTENT", err.where, err.found, err.expected, err.repair) from err


def require_sealed_lists(root: Path) -> None:
    """Hold the bill of every sealed release against the lock that was sealed with it.

    Raises:
        FileError: FILE-CONTENT, a library stands in one of them only, or in two versions.
    """
    for bill in sorted((root / "releases").glob(f"*/files/{BILL}")):
        _require_equal(bill.relative_to(root).as_posix(), *_sealed(bill))


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

    >>> _require_equal("releases/0.1.0/files/device.cdx.json", {("numpy", "2.4.0")}, {("numpy", "2.4.0")})
    """
    for name, version in sorted(locked ^ listed):
        place = "the lock alone" if (name, version) in locked else "the bill of materials alone"
        repair = "lock, SOUP list and bill belong to one state: make the lock again, then mend the SOUP list"
        raise FileError("FILE-CONTENT", where, f"{name} {version} in {place}", "one list of libraries", repair)


class BillPages:
    """What the page of SOUP says of the agreement."""

    def __init__(self, root: Path, found: tuple[Component, ...]) -> None:
        """Hold the sealed lists against each other, and keep the components that lie here.

        Raises:
            FileError: FILE-CONTENT, the lists of a release differ.
        """
        require_sealed_lists(root)
        self._found = found

    def agreement(self) -> str:
        """Return how many components the bill has of each use, and how many of them are SOUP items; two pinned versions of a library count once."""
        brought = tuple(closure(self._found))
        beyond = tuple(each for each in self._found if each not in brought)
        rows = [_counted(plain(words), [each for each in brought if each.use == use]) for use, words in USES.items()]
        rows.append(_counted("**all of the wheel's closure**", brought))
        rows.append(_counted("beyond the lock: interpreter, and what is installed on request", beyond))
        rows.append(_counted("**all components**", self._found))
        return table(["Use", "Components of the bill", "SOUP items among them"], rows, widths=[56, 22, 22])


def _counted(words: str, found: Sequence[Component]) -> list[str]:
    return [words, str(names(found)), str(names(each for each in found if each.soup))]
