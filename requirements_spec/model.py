"""What the project demands of the device: needs, requirements, architecture and SOUP as frozen values.

A value holds what the data file says and where it says it (``where``, which is no content and never part of a fingerprint).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType

NeedId = NewType("NeedId", str)
RequirementId = NewType("RequirementId", str)
ControlId = NewType("ControlId", str)
ItemId = NewType("ItemId", str)
SoupId = NewType("SoupId", str)

SECTIONS = (
    "intended-use",
    "device-description",
    "user-needs",
    "software-requirements",
    "architecture",
    "soup",
    "risk-management",
    "verification",
    "validation",
    "model",
    "data",
    "labelling",
    "cybersecurity",
    "configuration",
    "traceability",
    "gaps",
)
"""The sections of the technical file, in its order; the only values that `sections` may hold."""


class RequirementType(StrEnum):
    """What a requirement is about (IEC 62304 5.2.2)."""

    FUNCTIONAL = "functional"
    PERFORMANCE = "performance"
    INTERFACE = "interface"
    SECURITY = "security"
    USABILITY = "usability"
    LABELLING = "labelling"
    DATA = "data"


class Method(StrEnum):
    """How a requirement is verified; inspection and analysis leave a record that a scenario checks."""

    TEST = "test"
    INSPECTION = "inspection"
    ANALYSIS = "analysis"


@dataclass(frozen=True, slots=True)
class UserNeed:
    """What one role needs from the device, and why."""

    id: NeedId
    title: str
    role: str
    text: str
    rationale: str
    sections: tuple[str, ...]
    author: str
    status: str
    where: str = field(compare=False)


@dataclass(frozen=True, slots=True)
class Requirement:
    """What the device shall do, checkable, with its need, its item and its risk disposition.

    Either ``controls`` names the risk controls it implements, or ``not_risk_related`` gives the reason why there is none; never both, never neither.
    """

    id: RequirementId
    title: str
    text: str
    rationale: str
    type: RequirementType
    needs: tuple[NeedId, ...]
    item: ItemId
    safety: bool
    controls: tuple[ControlId, ...]
    not_risk_related: str | None
    sections: tuple[str, ...]
    verification: Method
    acceptance: str
    author: str
    status: str
    where: str = field(compare=False)


@dataclass(frozen=True, slots=True)
class SoftwareSystem:
    """The whole, with its safety class and what crosses its border (IEC 62304 4.3, 5.3.2)."""

    id: str
    title: str
    safety_class: str
    class_rationale: str
    documentation_level: str
    external_interfaces: tuple[str, ...]
    where: str = field(compare=False)


@dataclass(frozen=True, slots=True)
class SoftwareItem:
    """A part of the system and the Python modules it consists of."""

    id: ItemId
    title: str
    purpose: str
    modules: tuple[str, ...]
    author: str
    status: str
    where: str = field(compare=False)


@dataclass(frozen=True, slots=True)
class Interface:
    """What one item asks of another."""

    source: ItemId
    target: ItemId
    passes: str
    where: str = field(compare=False)


@dataclass(frozen=True, slots=True)
class Soup:
    """Software of unknown provenance that the device loads (IEC 62304 5.3.3, 5.3.4, 7.1.3).

    ``version`` is read from the lock, with its environment marker where the lock has several; None only where a problem was reported.
    """

    id: SoupId
    title: str
    distribution: str
    manufacturer: str
    purpose: str
    used_by: tuple[ItemId, ...]
    requirements: tuple[str, ...]
    needs: str
    anomalies: str
    licence: str
    safety: str
    version: str | None
    author: str
    status: str
    where: str = field(compare=False)


@dataclass(frozen=True, slots=True)
class Specification:
    """Everything under requirements_spec/data, in the order of the files."""

    needs: tuple[UserNeed, ...]
    requirements: tuple[Requirement, ...]
    system: SoftwareSystem | None
    items: tuple[SoftwareItem, ...]
    interfaces: tuple[Interface, ...]
    soup: tuple[Soup, ...]

    def requirement(self, requirement_id: str) -> Requirement:
        """Return the requirement of that id.

        Raises:
            KeyError: no such requirement.
        """
        for requirement in self.requirements:
            if requirement.id == requirement_id:
                return requirement
        raise KeyError(f"no requirement {requirement_id!r}")
