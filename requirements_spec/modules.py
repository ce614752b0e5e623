"""Compares the architecture with the source tree: each module of the device in exactly one software item, and no item with a module that is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from requirements_spec.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from requirements_spec.model import SoftwareItem, Specification

PACKAGE = "device_sw"


def source_modules(root: Path) -> tuple[str, ...]:
    """Return the dotted names of all modules of the device; package files are left out, since they hold no code by the rule of the house."""
    files = sorted(file for file in (root / PACKAGE).rglob("*.py") if file.name != "__init__.py")
    return tuple(".".join(file.relative_to(root).with_suffix("").parts) for file in files)


def module_problems(specification: Specification, modules: Iterable[str]) -> tuple[Problem, ...]:
    """Return the modules without an item and the claims without a module, sorted by place."""
    present = tuple(modules)
    return tuple(sorted([*_unassigned(specification.items, present), *_absent(specification.items, present)]))


def owner(items: Iterable[SoftwareItem], module: str) -> SoftwareItem | None:
    """Return the software item that a module belongs to, or None."""
    return next((item for item in items if any(_covers(claim, module) for claim in item.modules)), None)


def _covers(claim: str, module: str) -> bool:
    """Say whether a claim covers a module: itself or anything below it.

    >>> _covers("device_sw.dicom", "device_sw.dicom.reader"), _covers("device_sw.dicom", "device_sw.dicomweb")
    (True, False)
    """
    return module == claim or module.startswith(f"{claim}.")


def _unassigned(items: tuple[SoftwareItem, ...], present: tuple[str, ...]) -> Iterator[Problem]:
    for module in present:
        if owner(items, module) is None:
            yield Problem(
                where=f"{module.replace('.', '/')}.py:1",
                code="SPC-MODULE-UNASSIGNED",
                item=module,
                found="a module of the device that no software item claims",
                expected="each module in exactly one software item",
                repair="add the module to an item in requirements_spec/data/architecture.toml",
                clause="IEC 62304 5.3.1",
            )


def _absent(items: tuple[SoftwareItem, ...], present: tuple[str, ...]) -> Iterator[Problem]:
    for item in items:
        for claim in item.modules:
            if not any(_covers(claim, module) for module in present):
                yield Problem(
                    where=item.where,
                    code="SPC-MODULE-ABSENT",
                    item=item.id,
                    found=f"the module {claim}, which does not exist",
                    expected="modules that exist",
                    repair="correct the name or remove the claim",
                    clause="IEC 62304 5.3.1",
                )
