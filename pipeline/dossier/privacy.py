"""The maker's part of a privacy impact assessment as values: outputs, provisions with what device and site do, and the identifiers of HIPAA's second way.

Source: Regulation (EU) 2016/679 Articles 5, 9, 25, 30, 32 to 36, 89; 45 CFR Part 164 Subparts C, D and E.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydicom.datadict import keyword_dict

from pipeline.file_error import FileError
from pipeline.handwritten import GAP, HS, RC, SRS, require_known, sound, value_of
from requirements_spec.datafile import Table, Tables, Text, Texts

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from requirements_spec.model import Specification
    from risk.model import RiskFile

PRIVACY = "docs/privacy.toml"
LETTERS = "ABCDEFGHIJKLMNOPQR"
"""The eighteen kinds of identifiers, (A) to (R)."""

_LAWS = ("GDPR", "HIPAA Privacy Rule", "HIPAA Security Rule", "HIPAA Breach Notification Rule")
_OUTPUT = {
    **{name: Text() for name in ("title", "place", "text")},
    "holds": Text(choices=frozenset({"none", "pseudonym", "patient data"})),
    "requirements": Texts(each=SRS),
}
_PROVISION = {
    "law": Text(choices=frozenset(_LAWS)),
    **{name: Text() for name in ("place", "asks", "device", "site")},
    "requirements": Texts(each=SRS, least=0),
    "controls": Texts(each=RC, least=0),
    "situations": Texts(each=HS, least=0),
    "gaps": Texts(each=GAP, least=0),
}
_TABLE = Table(
    {
        "schema": Text(choices=frozenset({"thoratrace/privacy/1"})),
        "output": Tables(Table(_OUTPUT)),
        "provision": Tables(Table(_PROVISION)),
        "identifier": Tables(
            Table(
                {
                    "letter": Text(choices=frozenset(LETTERS)),
                    "text": Text(),
                    "attributes": Texts(least=0),
                    "note": Text(blank=True),
                }
            )
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Output:
    """What the device writes, and whether it holds patient data, a pseudonym or neither."""

    title: str
    place: str
    holds: str
    text: str
    requirements: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Provision:
    """What a law asks, what the device does for it, and what remains with the site."""

    law: str
    place: str
    asks: str
    device: str
    site: str
    requirements: tuple[str, ...]
    controls: tuple[str, ...]
    situations: tuple[str, ...]
    gaps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Identifier:
    """One kind of identifier with the attributes of DICOM, by keyword, in which it stands."""

    letter: str
    text: str
    attributes: tuple[str, ...]
    note: str


@dataclass(frozen=True, slots=True)
class PrivacyAssessment:
    """All of it."""

    outputs: tuple[Output, ...]
    provisions: tuple[Provision, ...]
    identifiers: tuple[Identifier, ...]


def load_privacy(root: Path, specification: Specification, risk: RiskFile, gaps: Collection[str]) -> PrivacyAssessment:
    """Return the assessment.

    Raises:
        FileError: FILE-DATA, the table does not hold what it must; FILE-CONTENT, it names what does not exist, or leaves out a kind of identifier.
    """
    document = sound(root, PRIVACY, _TABLE, ())
    assessment = PrivacyAssessment(
        tuple(value_of(Output, row.data) for row in document.rows("output")),
        tuple(value_of(Provision, row.data) for row in document.rows("provision")),
        tuple(value_of(Identifier, row.data) for row in document.rows("identifier")),
    )
    known = {
        "requirements": ([row.id for row in specification.requirements], "requirement"),
        "controls": ([row.id for row in risk.controls], "control"),
        "situations": ([row.id for row in risk.situations], "hazardous situation"),
        "gaps": (gaps, "gap"),
    }
    for row in (*assessment.outputs, *assessment.provisions):
        for name, (ids, what) in known.items():
            require_known(f"{PRIVACY} {_title(row)}", getattr(row, name, ()), map(str, ids), what)
    _require_identifiers(assessment.identifiers)
    return assessment


def _title(row: Output | Provision) -> str:
    return row.title if isinstance(row, Output) else f"{row.law} {row.place}"


def _require_identifiers(identifiers: tuple[Identifier, ...]) -> None:
    found = "".join(each.letter for each in identifiers)
    if found != LETTERS:
        raise FileError(
            "FILE-CONTENT", f"{PRIVACY} identifier", found, LETTERS, "give each kind one row, in the order of the rule"
        )
    for each in identifiers:
        require_known(f"{PRIVACY} identifier {each.letter}", each.attributes, keyword_dict, "attribute of DICOM")
        if not each.attributes and not each.note:
            raise FileError(
                "FILE-CONTENT",
                f"{PRIVACY} identifier {each.letter}",
                "neither attribute nor note",
                "one of them",
                "say where it stands",
            )
