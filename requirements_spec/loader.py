"""Loads the specification from its data files: every problem of every file at once, and the items that are sound.

I/O happens here; what a file may hold is in `schema`, what must hold between items is in `links`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from requirements_spec.datafile import RULE, Document, Row, duplicate_ids, read
from requirements_spec.links import link_problems
from requirements_spec.lock import LOCK, locked_versions
from requirements_spec.model import (
    ControlId,
    Interface,
    ItemId,
    Method,
    NeedId,
    Requirement,
    RequirementId,
    RequirementType,
    SoftwareItem,
    SoftwareSystem,
    Soup,
    SoupId,
    Specification,
    UserNeed,
)
from requirements_spec.problem import Problem
from requirements_spec.remembered import remembered
from requirements_spec.schema import ARCHITECTURE, SOFTWARE_REQUIREMENTS, SOUP, USER_NEEDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from requirements_spec.reading_cache import ReadingCache

DATA = "requirements_spec/data"

_Built = TypeVar("_Built")


def load(root: Path, cache: ReadingCache | None = None) -> tuple[Specification, tuple[Problem, ...]]:
    """Load the specification of the project at ``root`` (the repository's root), with all problems sorted by place.

    An item with a problem of its own is left out of the specification; links to it are not reported a second time as dangling.
    """
    needs = read(root, f"{DATA}/user_needs.toml", USER_NEEDS, cache)
    requirements = _requirement_documents(root, cache)
    architecture = read(root, f"{DATA}/architecture.toml", ARCHITECTURE, cache)
    soup = read(root, f"{DATA}/soup.toml", SOUP, cache)
    documents = (needs, *requirements, architecture, soup)
    versions, lock_problems = _versions(root)
    specification = Specification(
        needs=_needs(needs),
        requirements=tuple(sorted((each for document in requirements for each in _requirements(document)), key=lambda r: r.id)),
        system=_system(architecture),
        items=_items(architecture),
        interfaces=_interfaces(architecture),
        soup=_build(soup, "soup", lambda document, row: _soup(document, row, versions)),
    )
    rows = [row for document in documents for row in _identified(document)]
    problems = [problem for document in documents for problem in document.problems]
    problems += [*duplicate_ids(rows), *lock_problems, *link_problems(specification, frozenset(row.id for row in rows))]
    return specification, tuple(sorted(problems))


def _requirement_documents(root: Path, cache: ReadingCache | None) -> tuple[Document, ...]:
    """Read each file of the folder, in the order of their names; an empty folder shows as items without requirements."""
    names = sorted(path.name for path in (root / DATA / "software_requirements").glob("*.toml"))
    return tuple(read(root, f"{DATA}/software_requirements/{name}", SOFTWARE_REQUIREMENTS, cache) for name in names)


def _build(document: Document, key: str, build: Callable[[Document, Row], _Built]) -> tuple[_Built, ...]:
    return tuple(build(document, row) for row in document.rows(key) if row.sound)


@remembered
def _identified(document: Document) -> tuple[Row, ...]:
    """Return every row of a document that has an id, sound or not."""
    return tuple(row for key in ("need", "requirement", "item", "soup") for row in document.rows(key))


@remembered
def _needs(document: Document) -> tuple[UserNeed, ...]:
    return _build(document, "need", _need)


@remembered
def _requirements(document: Document) -> tuple[Requirement, ...]:
    return _build(document, "requirement", _requirement)


@remembered
def _items(document: Document) -> tuple[SoftwareItem, ...]:
    return _build(document, "item", _item)


@remembered
def _interfaces(document: Document) -> tuple[Interface, ...]:
    return _build(document, "interface", _interface)


def _texts(values: Iterable[Any]) -> tuple[str, ...]:
    return tuple(str(value) for value in values)


def _head(document: Document) -> dict[str, str]:
    return {"author": document.data["author"], "status": document.data["status"]}


def _need(document: Document, row: Row) -> UserNeed:
    data = row.data
    return UserNeed(
        id=NeedId(row.id),
        title=data["title"],
        role=data["role"],
        text=data["text"],
        rationale=data["rationale"],
        sections=_texts(data["sections"]),
        where=row.where,
        **_head(document),
    )


def _requirement(document: Document, row: Row) -> Requirement:
    data = row.data
    return Requirement(
        id=RequirementId(row.id),
        title=data["title"],
        text=data["text"],
        rationale=data["rationale"],
        type=RequirementType(data["type"]),
        needs=tuple(NeedId(need) for need in data["needs"]),
        item=ItemId(document.data["item"]),
        safety=data["safety"],
        controls=tuple(ControlId(control) for control in data.get("controls", [])),
        not_risk_related=data.get("not_risk_related"),
        sections=_texts(data["sections"]),
        verification=Method(data["verification"]),
        acceptance=data["acceptance"],
        where=row.where,
        **_head(document),
    )


@remembered
def _system(document: Document) -> SoftwareSystem | None:
    if "system" not in document.data or not document.sound("$.system"):
        return None
    data = document.data["system"]
    return SoftwareSystem(
        id=data["id"],
        title=data["title"],
        safety_class=data["safety_class"],
        class_rationale=data["class_rationale"],
        documentation_level=data["documentation_level"],
        external_interfaces=_texts(data["external_interfaces"]),
        where=document.where("$.system"),
    )


def _item(document: Document, row: Row) -> SoftwareItem:
    data = row.data
    return SoftwareItem(
        id=ItemId(row.id),
        title=data["title"],
        purpose=data["purpose"],
        modules=_texts(data["modules"]),
        where=row.where,
        **_head(document),
    )


def _interface(_document: Document, row: Row) -> Interface:
    data = row.data
    return Interface(source=ItemId(data["from"]), target=ItemId(data["to"]), passes=data["passes"], where=row.where)


def _soup(document: Document, row: Row, versions: dict[str, str]) -> Soup:
    data = row.data
    return Soup(
        id=SoupId(row.id),
        title=data["title"],
        distribution=data["distribution"],
        manufacturer=data["manufacturer"],
        purpose=data["purpose"],
        used_by=tuple(ItemId(item) for item in data["used_by"]),
        requirements=_texts(data["requirements"]),
        needs=data["needs"],
        anomalies=data["anomalies"],
        licence=data["licence"],
        safety=data["safety"],
        version=versions.get(data["distribution"]),
        where=row.where,
        **_head(document),
    )


def _versions(root: Path) -> tuple[dict[str, str], tuple[Problem, ...]]:
    """Return the locked versions, or a problem where the lock cannot be read."""
    try:
        return locked_versions(root), ()
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        problem = Problem(
            where=LOCK,
            code="SPC-FILE",
            item=LOCK,
            found=type(error).__name__,
            expected="a readable lock and pyproject.toml, from which the SOUP versions are taken",
            repair="restore the files from version control",
            clause=RULE,
        )
        return {}, (problem,)
