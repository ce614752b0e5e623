"""The Basic Application Level Confidentiality Profile as a table: what becomes of each attribute when the patient's identity is removed.

`basic_profile.csv` holds one row for each attribute of Table E.1-1 with its action code. Attributes that the table does not name are kept, with four exceptions
that are stricter than the standard asks: person names, dates, UIDs that no dictionary knows, and attributes
of VR UR but those of codes are treated as if the table named them.

Source: DICOM PS3.15 2026c, Annex E, Table E.1-1 (Basic Profile column) and E.3.
"""

from __future__ import annotations

import csv
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

EDITION = "PS3.15 2026c"
"""The edition that the table is taken from; printed into every de-identified object."""


class Action(StrEnum):
    """What is done with an attribute."""

    REMOVE = "X"
    EMPTY = "Z"
    DUMMY = "D"
    REPLACE_UID = "U"
    KEEP = "K"


MEANING: Mapping[str, Action] = {
    "X": Action.REMOVE,
    "Z": Action.EMPTY,
    "D": Action.DUMMY,
    "U": Action.REPLACE_UID,
    "X/Z": Action.EMPTY,
    "X/D": Action.REMOVE,
    "Z/D": Action.EMPTY,
    "X/Z/D": Action.EMPTY,
    "X/Z/U*": Action.REPLACE_UID,
}
"""The one action chosen for each code of the table. Where the code leaves a choice, the object stays conformant and says least: of CR and DX images none of these
attributes is of type 1, and an empty value serves type 2 and type 3 alike."""

_OVERLAYS = range(0x6000, 0x6020, 2)
_CURVES = range(0x5000, 0x5020, 2)


@lru_cache(maxsize=1)
def table() -> Mapping[int, str]:
    """Return the action code of each attribute of the table by tag; repeating groups and private attributes are rules of `action_of`.

    >>> table()[0x00100010], table()[0x00100020], table()[0x0020000D]
    ('Z', 'Z/D', 'U')
    """
    text = files("device_sw.deidentification").joinpath("basic_profile.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return {int(row["tag"], 16): row["action"] for row in rows if "x" not in row["tag"]}


def action_of(tag: int) -> Action:
    """Return what the profile does with an attribute, whatever its value.

    Private attributes and curves are removed, and of overlays the data and comments, whichever of the repeating groups they stand in.

    >>> action_of(0x00090010), action_of(0x60023000), action_of(0x00280010)
    (<Action.REMOVE: 'X'>, <Action.REMOVE: 'X'>, <Action.KEEP: 'K'>)
    """
    group, element = tag >> 16, tag & 0xFFFF
    if group % 2 or group in _CURVES or (group in _OVERLAYS and element in {0x3000, 0x4000}):
        return Action.REMOVE
    return MEANING[table()[tag]] if tag in table() else Action.KEEP
