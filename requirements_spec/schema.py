"""Describes each file under requirements_spec/data: the keys it may hold and the form of their values."""

from __future__ import annotations

from requirements_spec.datafile import Flag, Kind, Table, Tables, Text, Texts
from requirements_spec.model import SECTIONS, Method, RequirementType

NEED_ID = r"UN-\d{3,}"
REQUIREMENT_ID = r"SRS-\d{3,}"
CONTROL_ID = r"RC-\d{3,}"
ITEM_ID = r"SWI-[A-Z]+"
SOUP_ID = r"SOUP-[A-Z0-9]+(-[A-Z0-9]+)*"
AUTHOR = r"[A-Za-z0-9][A-Za-z0-9 .-]*"

STATUS = Text(choices=frozenset({"draft", "reviewed", "approved"}))
SECTION_LIST = Texts(Text(choices=frozenset(SECTIONS)))


def head(schema: str) -> dict[str, Kind]:
    """Return the keys at the head of every data file: its schema, its author (a role or demonstration identity) and its status."""
    return {"schema": Text(choices=frozenset({schema})), "author": Text(pattern=AUTHOR), "status": STATUS}


USER_NEEDS = Table(
    {
        **head("thoratrace/user-needs/1"),
        "need": Tables(
            Table(
                {
                    "id": Text(pattern=NEED_ID),
                    "title": Text(),
                    "role": Text(),
                    "text": Text(),
                    "rationale": Text(),
                    "sections": SECTION_LIST,
                }
            )
        ),
    }
)

SOFTWARE_REQUIREMENTS = Table(
    {
        **head("thoratrace/software-requirements/1"),
        "item": Text(pattern=ITEM_ID),
        "requirement": Tables(
            Table(
                {
                    "id": Text(pattern=REQUIREMENT_ID),
                    "title": Text(),
                    "text": Text(pattern=r".*\bshall\b.*"),
                    "rationale": Text(),
                    "type": Text(choices=frozenset(RequirementType)),
                    "needs": Texts(Text(pattern=NEED_ID)),
                    "safety": Flag(),
                    "controls": Texts(Text(pattern=CONTROL_ID), required=False),
                    "not_risk_related": Text(required=False),
                    "sections": SECTION_LIST,
                    "verification": Text(choices=frozenset(Method)),
                    "acceptance": Text(),
                }
            )
        ),
    }
)

ARCHITECTURE = Table(
    {
        **head("thoratrace/architecture/1"),
        "system": Table(
            {
                "id": Text(pattern=r"SWS-[A-Z]+"),
                "title": Text(),
                "safety_class": Text(choices=frozenset({"A", "B", "C"})),
                "class_rationale": Text(),
                "documentation_level": Text(choices=frozenset({"Basic", "Enhanced"})),
                "external_interfaces": Texts(),
            }
        ),
        "item": Tables(
            Table(
                {
                    "id": Text(pattern=ITEM_ID),
                    "title": Text(),
                    "purpose": Text(),
                    "modules": Texts(Text(pattern=r"device_sw(\.[a-z_0-9]+)+")),
                }
            )
        ),
        "interface": Tables(Table({"from": Text(pattern=ITEM_ID), "to": Text(pattern=ITEM_ID), "passes": Text()})),
    }
)

SOUP = Table(
    {
        **head("thoratrace/soup/1"),
        "soup": Tables(
            Table(
                {
                    "id": Text(pattern=SOUP_ID),
                    "title": Text(),
                    "distribution": Text(pattern=r"[a-z0-9]+(-[a-z0-9]+)*"),
                    "manufacturer": Text(),
                    "purpose": Text(),
                    "used_by": Texts(Text(pattern=ITEM_ID)),
                    "requirements": Texts(),
                    "needs": Text(),
                    "anomalies": Text(),
                    "licence": Text(),
                    "safety": Text(),
                }
            )
        ),
    }
)
