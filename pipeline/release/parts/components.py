"""The libraries of the device as its bill of materials lists them: every pin of device.lock, the interpreter and what is installed on request.

One row a pin. Versions, conditions and accepted files are those of the locks; supplier, licence and anomaly list of a SOUP item are those of the SOUP list; of
the other libraries, and for the support that suppliers state, `components.toml` says the rest. Nothing is taken from the machine.
Source: IEC 62304 5.3.3, 7.1.2, 7.1.3; FDA cybersecurity guidance V.A.4 (b); NTIA, The Minimum Elements for an SBOM.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pipeline.release.errors import ReleaseRefused
from requirements_spec.loader import load
from requirements_spec.lock import INTERPRETER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from requirements_spec.model import Soup

SCHEMA = "thoratrace/components/1"
TABLE = "pipeline/release/parts/components.toml"
LOCK = "device.lock"
NOT_ASSESSED = "not assessed"

USES: Mapping[str, str] = {
    "called": "called by the device: SOUP item",
    "loaded": "imported by another library; the device calls nothing of it",
    "mapped": "binaries mapped into the process when torch is imported; nothing of it is called on a processor",
    "unused": "installed with the wheel, neither imported nor mapped",
}

_PIN = re.compile(r"^(?P<name>[a-z0-9-]+)==(?P<version>[^\s;]+)(?: ; (?P<marker>.+?))? \\$")
_HASH = re.compile(r"^    --hash=sha256:(?P<hash>[0-9a-f]{64})(?: \\)?$")


@dataclass(frozen=True, slots=True)
class Pin:
    """One pin of a lock: name, version, the condition under which it is installed (empty: always), and the files that it accepts, by SHA-256."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Component:
    """One library as the bill lists it.

    Attributes:
        pin: what the lock says; of the interpreter, its required version and no file.
        supplier: who makes it.
        licence: SPDX expression, or words where none fits.
        use: key of ``USES``.
        soup: id in the SOUP list, empty for others.
        anomalies: where its anomaly list is published, empty for others.
        optional: installed on request only.
        support: level, end and source of the support its supplier states; ``not assessed`` where nobody looked.
        stated: development status in the metadata of this version, as its supplier wrote it; empty where it states none. It is no statement on support.
    """

    pin: Pin
    supplier: str
    licence: str
    use: str
    soup: str
    anomalies: str
    optional: bool
    support: Mapping[str, str]
    stated: str = ""

    @property
    def purl(self) -> str:
        """The package URL, which names the library without naming a place."""
        if self.pin.name == INTERPRETER:
            return f"pkg:generic/python@{quote(self.pin.version)}"
        return f"pkg:pypi/{self.pin.name}@{self.pin.version}"


def components(root: Path) -> tuple[Component, ...]:
    """Return every component, sorted by name and version.

    Raises:
        ReleaseRefused: ``REL-BILL-TABLE``, the table has a row too many, too few or none that can be read; ``REL-BILL-SOUP``, the SOUP list has problems;
            ``REL-BILL-LOCK``, a line of the lock is no pin.
    """
    specification, problems = load(root)
    if problems:
        raise refused("SOUP", problems[0].where, problems[0].found, problems[0].expected)
    soup = {each.distribution: each for each in specification.soup}
    locked = pins((root / LOCK).read_text(encoding="utf-8"))
    rows, support, stated = _table(root, {pin.name for pin in locked} - soup.keys(), soup.keys() | {pin.name for pin in locked})
    beyond = [_beyond_the_lock(root, soup[name]) for name in sorted(soup.keys() - {pin.name for pin in locked})]
    both = [(pin, False) for pin in locked] + [(pin, pin.name != INTERPRETER) for pin in beyond]
    found = (_component(pin, soup.get(pin.name), rows.get(pin.name), support, optional=optional) for pin, optional in both)
    told = (replace(each, stated=stated.get(f"{each.pin.name} {each.pin.version}", "")) for each in found)
    return tuple(sorted(told, key=lambda each: (each.pin.name, each.pin.version)))


def pins(lock: str) -> tuple[Pin, ...]:
    r"""Return the pins of a lock.

    Raises:
        ReleaseRefused: ``REL-BILL-LOCK``.

    >>> pins("a==1 ; os_name == 'nt' \\\n    --hash=sha256:" + "0" * 64 + "\n")[0].marker
    "os_name == 'nt'"
    """
    found: list[Pin] = []
    for line in lock.splitlines():
        if pin := _PIN.match(line):
            found.append(Pin(pin["name"], pin["version"], pin["marker"] or "", ()))
        elif (accepted := _HASH.match(line)) and found:
            last = found.pop()
            found.append(Pin(last.name, last.version, last.marker, (*last.hashes, accepted["hash"])))
        else:
            raise refused("LOCK", LOCK, line[:80], "a pin, or the SHA-256 of a file")
    return tuple(found)


def _beyond_the_lock(root: Path, item: Soup) -> Pin:
    """Return the pin of a SOUP item that the wheel does not bring: the interpreter, or what is installed on request."""
    if item.distribution == INTERPRETER:
        return Pin(INTERPRETER, str(item.version), "", ())
    whole = pins((root / "requirements.lock").read_text(encoding="utf-8"))
    return next(pin for pin in whole if pin.name == item.distribution)


def _table(
    root: Path, owed: set[str], known: set[str]
) -> tuple[dict[str, dict[str, str]], dict[str, dict[str, str]], dict[str, str]]:
    try:
        value = tomllib.loads((root / TABLE).read_text(encoding="utf-8"))
        rows, support, stated = value.pop("component"), value.pop("support"), value.pop("development_status")
        fields_right = all(set(row) == {"supplier", "licence", "use"} and row["use"] in USES for row in rows.values())
        fields_right &= all(set(row) == {"level", "end", "source"} for row in support.values())
        fields_right &= all(isinstance(status, str) for status in stated.values())
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as err:
        raise refused("TABLE", TABLE, f"{type(err).__name__} while reading it", "the table of components") from err
    if value != {"schema": SCHEMA} or not fields_right:
        raise refused(
            "TABLE", TABLE, "another form", f"schema {SCHEMA}, rows with supplier, licence and use, or level, end and source"
        )
    for name in sorted(rows.keys() ^ owed):
        found = "a row for no library of the lock beyond the SOUP list" if name in rows else "no row"
        raise refused("TABLE", f"{TABLE}, {name}", found, "one row for each pin of device.lock that is no SOUP item")
    for name in sorted(support.keys() - known):
        raise refused("TABLE", f"{TABLE}, support.{name}", "no such library", "a library of the device")
    return rows, support, stated


def _component(
    pin: Pin, item: Soup | None, row: Mapping[str, str] | None, support: Mapping[str, Any], *, optional: bool
) -> Component:
    stated = support.get(pin.name, {"level": NOT_ASSESSED, "end": NOT_ASSESSED, "source": "GAP-016"})
    if item is not None:
        return Component(pin, item.manufacturer, item.licence, "called", str(item.id), item.anomalies, optional, stated)
    known = row or {}
    return Component(pin, known["supplier"], known["licence"], known["use"], "", "", optional, stated)


def closure(found: tuple[Component, ...]) -> Iterator[Component]:
    """Yield the components that the wheel brings: all but the interpreter and what is installed on request."""
    return (each for each in found if not each.optional and each.pin.name != INTERPRETER)


def refused(what: str, where: str, found: str, expected: str) -> ReleaseRefused:
    """Return the refusal of a bill of materials."""
    repair = f"mend {TABLE}, the SOUP list or the lock"
    return ReleaseRefused(f"REL-BILL-{what}", where=where, found=found, expected=expected, repair=repair)
