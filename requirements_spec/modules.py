"""Compares the architecture with the source tree: each module of the device in exactly one software item, and no item with a module that is not there."""

from __future__ import annotations

from itertools import accumulate
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
    return tuple(".".join((*file.parts[len(root.parts) : -1], file.stem)) for file in files)


def module_problems(specification: Specification, modules: Iterable[str]) -> tuple[Problem, ...]:
    """Return the modules without an item and the claims without a module, sorted by place."""
    present = tuple(modules)
    return tuple(sorted([*_unassigned(specification.items, present), *_absent(specification.items, present)]))


def owner(items: Iterable[SoftwareItem], module: str) -> SoftwareItem | None:
    """Return the software item that a module belongs to, or None."""
    names = frozenset(_with_parents(module))
    return next((item for item in items if not names.isdisjoint(item.modules)), None)


def _with_parents(module: str) -> tuple[str, ...]:
    """Return a module's name and those of the packages around it: the claims that cover it.

    A claim covers the module of its name and everything below it, and nothing that merely begins alike.

    >>> _with_parents("device_sw.dicom.reader")
    ('device_sw', 'device_sw.dicom', 'device_sw.dicom.reader')
    """
    return tuple(accumulate(module.split("."), "{}.{}".format))


def _unassigned(items: tuple[SoftwareItem, ...], present: tuple[str, ...]) -> Iterator[Problem]:
    claims = {claim for item in items for claim in item.modules}
    for module in present:
        if claims.isdisjoint(_with_parents(module)):
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
    covered = {name for module in present for name in _with_parents(module)}
    for item in items:
        for claim in item.modules:
            if claim not in covered:
                yield Problem(
                    where=item.where,
                    code="SPC-MODULE-ABSENT",
                    item=item.id,
                    found=f"the module {claim}, which does not exist",
                    expected="modules that exist",
                    repair="correct the name or remove the claim",
                    clause="IEC 62304 5.3.1",
                )
