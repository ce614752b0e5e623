"""The software bill of materials of the device, CycloneDX JSON: what the wheel brings with it, from which files, how it is used and what depends on what.

    components = pins of device.lock + interpreter + what is installed on request

An edge is a requirement that a library states in its metadata, where it holds on any system the lock knows. A component that nothing needs, and a
library that nothing lists, stop the release.
Source: FDA cybersecurity guidance V.A.4 (b) and section 524B(b)(3) FD&C Act (SBOM); NTIA, The Minimum Elements for an SBOM; IEC 62304 8.1.2.
"""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageNotFoundError, requires
from typing import TYPE_CHECKING, Any

from cyclonedx.spdx import is_expression, is_supported_id
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from device_sw._version import __version__
from pipeline.release.parts.bill import SUPPLIER, document, properties
from pipeline.release.parts.components import USES, Component, closure, components, refused
from requirements_spec.lock import INTERPRETER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from pipeline.release.parts.wheel import Wheel

SYSTEMS: tuple[dict[str, str], ...] = (
    {},
    {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt"},
    {"python_version": "3.12", "python_full_version": "3.12.0"},
)
"""What is asked beside this system: the other conditions under which device.lock pins something."""

NATIVE = "libraries compiled into a wheel (OpenSSL in cryptography, OpenBLAS in numpy, libjpeg-turbo in pillow) are not listed one by one"


def software_bill(root: Path, wheel: Wheel, timestamp: str) -> bytes:
    """Return the bill of the device.

    Args:
        root: checkout with locks, SOUP list and pyproject.toml.
        wheel: the device itself.
        timestamp: of the source commit.

    Raises:
        ReleaseRefused: ``REL-BILL-UNREACHED``, nothing needs a component; ``REL-BILL-METADATA``, a library of the lock is not installed, so that what it needs is not
            known; what `components` and `document` raise.
    """
    found = components(root)
    edges = depends_on(found, declared(root), stated)
    listed = [_component(each) for each in found]
    about = f"pkg:pypi/thoratrace@{__version__}"
    parts = {
        "components": listed,
        "dependencies": [{"ref": ref, "dependsOn": sorted(edges[ref or about])} for ref in sorted(each.purl for each in found)]
        + [{"ref": about, "dependsOn": sorted(edges[""])}],
        "compositions": [{"aggregate": "incomplete", "assemblies": [about]}],
        "properties": properties(incomplete=NATIVE, vulnerabilities="not evaluated entry by entry: GAP-016"),
    }
    subject = {
        "type": "application",
        "bom-ref": about,
        "name": "thoratrace",
        "version": __version__,
        "purl": about,
        "supplier": SUPPLIER,
        "description": "Chest-radiograph finding detector: an engineering baseline, not cleared, not for clinical use",
        "licenses": [{"license": {"id": "Apache-2.0"}}],
        "hashes": [{"alg": "SHA-256", "content": wheel.sha256}],
    }
    return document(subject, parts, timestamp)


def declared(root: Path) -> tuple[str, ...]:
    """Return what the wheel itself requires, with what it takes on request."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    on_request = [each for rows in project.get("optional-dependencies", {}).values() for each in rows]
    return (INTERPRETER, *project["dependencies"], *on_request)


def stated(name: str) -> tuple[str, ...] | None:
    """Return what an installed library states that it needs; None where it is not installed."""
    try:
        return tuple(requires(name) or ())
    except PackageNotFoundError:
        return None


def depends_on(
    found: tuple[Component, ...], first: Iterable[str], needs: Callable[[str], Iterable[str] | None]
) -> dict[str, set[str]]:
    """Return package URL -> those of the components it needs; the key "" is the device.

    Args:
        found: all components.
        first: what the device requires.
        needs: name -> requirements that its metadata states, None where it is not installed.

    Raises:
        ReleaseRefused: ``REL-BILL-UNREACHED``, ``REL-BILL-METADATA``.
    """
    by_name: dict[str, list[Component]] = {}
    for each in found:
        by_name.setdefault(each.pin.name, []).append(each)
    edges: dict[str, set[str]] = {"": set(), **{each.purl: set() for each in found}}
    seen: set[tuple[str, str]] = set()
    waiting = list(_needed(first, frozenset({""}), by_name, edges, [""]))
    while waiting:
        name, extras = waiting.pop()
        for extra in sorted({"", *extras}):
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            sources = [each.purl for each in by_name[name]]
            waiting += _needed(_stated(name, by_name, needs), frozenset({extra}), by_name, edges, sources)
    reached = set().union(*edges.values())
    for each in closure(found):
        if each.purl not in reached:
            raise refused("UNREACHED", each.purl, "nothing that needs it", "a library that the device needs, directly or not")
    return edges


def _stated(name: str, by_name: Mapping[str, list[Component]], needs: Callable[[str], Iterable[str] | None]) -> Iterable[str]:
    required = needs(name)
    elsewhere = all(each.pin.marker or each.pin.name == INTERPRETER or each.optional for each in by_name[name])
    if required is None and not elsewhere:
        raise refused("METADATA", name, "not installed", "every library of device.lock that belongs on this system")
    return required or ()


def _needed(
    requirements: Iterable[str],
    extras: frozenset[str],
    by_name: Mapping[str, list[Component]],
    edges: dict[str, set[str]],
    sources: list[str],
) -> Iterator[tuple[str, frozenset[str]]]:
    """Add an edge for each requirement that holds somewhere, and yield what it leads to."""
    for text in requirements:
        requirement = Requirement(text)
        name = canonicalize_name(requirement.name)
        holds = requirement.marker is None or any(
            requirement.marker.evaluate({**system, "extra": extra}) for system in SYSTEMS for extra in extras
        )
        if name in by_name and holds:
            for source in sources:
                edges[source] |= {each.purl for each in by_name[name]}
            yield name, frozenset(requirement.extras)


def _component(each: Component) -> dict[str, Any]:
    listed: dict[str, Any] = {
        "type": "platform" if each.pin.name == INTERPRETER else "library",
        "bom-ref": each.purl,
        "name": each.pin.name,
        "version": each.pin.version,
        "purl": each.purl,
        "supplier": {"name": each.supplier},
        "licenses": [_licence(each.licence)],
        "scope": "optional" if each.optional else "required",
        "properties": properties(
            use=USES[each.use],
            soup=each.soup,
            anomalies=each.anomalies,
            condition=each.pin.marker,
            support=each.support["level"],
            end_of_support=each.support["end"],
            support_source=each.support["source"],
        ),
    }
    if each.pin.hashes:
        accepted = [{"alg": "SHA-256", "content": value} for value in sorted(each.pin.hashes)]
        comment = "every file that the lock accepts: one for each system"
        listed["externalReferences"] = [{"type": "distribution", "url": each.purl, "comment": comment, "hashes": accepted}]
    return listed


def _licence(text: str) -> dict[str, Any]:
    """Return a licence as CycloneDX writes it: an id, an expression, or words.

    >>> _licence("MIT"), _licence("to be cleared")
    ({'license': {'id': 'MIT'}}, {'license': {'name': 'to be cleared'}})
    """
    if is_supported_id(text):
        return {"license": {"id": text}}
    if re.search(r" (OR|AND|WITH) ", text) and is_expression(text):
        return {"expression": text}
    return {"license": {"name": text}}
