"""Judges what must hold between the items of a specification: links that lead somewhere, duties that are met, classes that fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from requirements_spec.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from requirements_spec.model import Requirement, Specification


def link_problems(specification: Specification, declared: frozenset[str]) -> Iterator[Problem]:
    """Yield every broken link and unmet duty; ``declared`` are all ids of the files, those of unsound rows included."""
    yield from _dangling(specification, declared)
    yield from _unserved(specification)
    yield from _dispositions(specification)
    yield from _architecture(specification)
    yield from _unlocked(specification)


def _dangling(specification: Specification, declared: frozenset[str]) -> Iterator[Problem]:
    """Yield links to ids that no file declares."""
    links: list[tuple[str, str, str]] = [
        (r.where, r.id, target) for r in specification.requirements for target in (*r.needs, r.item)
    ]
    links += [(s.where, s.id, target) for s in specification.soup for target in s.used_by]
    links += [(i.where, f"{i.source} -> {i.target}", target) for i in specification.interfaces for target in (i.source, i.target)]
    for where, item, target in links:
        if target not in declared:
            yield Problem(
                where=where,
                code="SPC-DANGLING",
                item=item,
                found=f"a link to {target}",
                expected="the id of an item that exists",
                repair="correct the id or add the item",
                clause="IEC 62304 5.1.1 c, 5.2.6 f",
            )


def _unserved(specification: Specification) -> Iterator[Problem]:
    """Yield needs that no requirement serves and software items without a requirement."""
    served = {need for requirement in specification.requirements for need in requirement.needs}
    for need in specification.needs:
        if need.id not in served:
            yield Problem(
                where=need.where,
                code="SPC-NEED-UNSERVED",
                item=need.id,
                found="no requirement that names this need",
                expected="at least one requirement with it in `needs`",
                repair="write the requirement, or withdraw the need with a reason",
                clause="ISO 13485 7.3.3; IEC 62304 5.2.1",
            )
    demanded = {requirement.item for requirement in specification.requirements}
    for item in specification.items:
        if item.id not in demanded:
            yield Problem(
                where=item.where,
                code="SPC-ITEM-IDLE",
                item=item.id,
                found="no requirement allocated to this software item",
                expected="at least one requirement",
                repair="add a file under software_requirements for the item, or remove the item",
                clause="IEC 62304 5.3.1",
            )


def _dispositions(specification: Specification) -> Iterator[Problem]:
    for requirement in specification.requirements:
        if fault := _disposition_fault(requirement):
            yield Problem(
                where=requirement.where,
                code="SPC-DISPOSITION",
                item=requirement.id,
                found=fault,
                expected="either controls with safety = true, or not_risk_related with a reason and safety = false",
                repair="name the risk controls that the requirement implements, or give the reason why there is none",
                clause="design 4, rule of the house; IEC 62304 5.2.3",
            )


def _disposition_fault(requirement: Requirement) -> str | None:
    """Return what is wrong with a requirement's risk disposition, or None."""
    if requirement.controls and requirement.not_risk_related is not None:
        return "both controls and not_risk_related"
    if not requirement.controls and requirement.not_risk_related is None:
        return "neither controls nor not_risk_related"
    if requirement.safety != bool(requirement.controls):
        return f"safety = {str(requirement.safety).lower()} with {len(requirement.controls)} controls"
    return None


def _architecture(specification: Specification) -> Iterator[Problem]:
    """Yield modules that two items claim; one inside the other counts as claimed twice."""
    claims = [(module, item) for item in specification.items for module in item.modules]
    for index, (module, item) in enumerate(claims):
        for other, owner in claims[:index]:
            if module == other or module.startswith(f"{other}.") or other.startswith(f"{module}."):
                yield Problem(
                    where=item.where,
                    code="SPC-MODULE-TWICE",
                    item=item.id,
                    found=f"the module {module}, which {owner.id} claims as {other}",
                    expected="each module in exactly one software item",
                    repair="remove one of the two claims",
                    clause="IEC 62304 5.3.1",
                )


def _unlocked(specification: Specification) -> Iterator[Problem]:
    for soup in specification.soup:
        if soup.version is None:
            yield Problem(
                where=soup.where,
                code="SPC-SOUP-UNLOCKED",
                item=soup.id,
                found=f"no pin of {soup.distribution} in the lock",
                expected="a SOUP item whose version the lock pins",
                repair="correct the distribution's name, or remove the item when the device no longer loads it",
                clause="IEC 62304 8.1.2",
            )
