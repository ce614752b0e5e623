"""Removes a patient's identity from one dataset, attribute by attribute, in every nested sequence.

    profile action -> value; person names, dates and unknown UIDs beyond the table likewise; then the object says what was done to it

Dates move back by a whole number of days, the same for all dates of the patient, so that intervals stay (Retain Longitudinal Temporal Information With Modified Dates
Option); times of day stay. The dataset is changed in place; pixels are not looked at here.

Source: DICOM PS3.15 E.1.1, E.2, E.3.6, E.3.7; PS3.16 CID 7050.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import UID

from device_sw.deidentification.profile import EDITION, Action, action_of

if TYPE_CHECKING:
    from pydicom.dataelem import DataElement

    from device_sw.deidentification.pseudonyms import Pseudonyms

CHARACTERISTICS = frozenset({0x00100040, 0x00101010, 0x00101020, 0x00101030, 0x00102160, 0x001021A0, 0x001021C0})
"""Sex, age, size, weight, ethnic group, smoking, pregnancy: kept with the Retain Patient Characteristics Option (E.3.8)."""

OLDEST = 89
"""Years; a higher age is written as 090Y, since few people share it (45 CFR 164.514 (b)(2)(i)(C))."""

_AGE = 0x00101010
_PATIENT_GROUP = 0x0010
"""Dates of the patient (birth, last menstruation) follow the table: no interval needs them."""

_DATES, _TIMES = frozenset({"DA", "DT"}), frozenset({"TM"})
_OF_CODES = frozenset({0x0008010E, 0x00080120})
"""Web addresses that name a code, or where its scheme is published (Coding Scheme URL, URN Code Value), and nothing of a patient."""

_TEXT = frozenset({"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UT"})
_NUMBERS = frozenset({"DS", "FD", "FL", "IS", "SL", "SS", "SV", "UL", "US", "UV"})
_DUMMY = "REMOVED"


@dataclass(frozen=True)
class Removal:
    """Who the patient becomes, and what may stay.

    Attributes:
        pseudonyms: of the key in use.
        patient: the pseudonym that replaces name and id.
        days: by which dates move back.
        keep_characteristics: whether sex, age, size and the like stay.
    """

    pseudonyms: Pseudonyms = field(repr=False)
    patient: str
    days: int
    keep_characteristics: bool = False


def removal_for(dataset: Dataset, pseudonyms: Pseudonyms, *, keep_characteristics: bool = False) -> Removal:
    """Return how this patient's identity is removed; files of one patient id and issuer get the same."""
    patient_id, issuer = str(dataset.get("PatientID", "") or ""), str(dataset.get("IssuerOfPatientID", "") or "")
    known = patient_id or f"without id, study {dataset.get('StudyInstanceUID', '')}"
    return Removal(pseudonyms, pseudonyms.patient(known, issuer), pseudonyms.days(known, issuer), keep_characteristics)


def deidentify(dataset: Dataset, removal: Removal, *, pixels_cleaned: bool) -> Counter[str]:
    """Remove the identity from a dataset, and say in it what was done; returns how many attributes each action met.

    Args:
        dataset: changed in place, nested sequences included.
        removal: who the patient becomes.
        pixels_cleaned: whether burned-in text was looked for and blanked, which is then claimed.
    """
    counts: Counter[str] = Counter()
    _clean(dataset, removal, counts)
    dataset.PatientName = removal.patient
    dataset.PatientID = removal.patient
    _declare(dataset, removal, pixels_cleaned=pixels_cleaned)
    return counts


def _clean(dataset: Dataset, removal: Removal, counts: Counter[str]) -> None:
    for element in list(dataset):
        action = _action(element, removal)
        counts[action.value] += action is not Action.KEEP
        if element.VR == "SQ" and action in {Action.KEEP, Action.REPLACE_UID, Action.DUMMY}:
            for item in element.value or ():
                _clean(item, removal, counts)
        elif action is not Action.KEEP:
            _apply(dataset, element, action, removal)


def _action(element: DataElement, removal: Removal) -> Action:
    tag = int(element.tag)
    if removal.keep_characteristics and tag in CHARACTERISTICS:
        return Action.DUMMY if tag == _AGE else Action.KEEP
    action = action_of(tag)
    if action is not Action.KEEP and not element.tag.is_private and element.tag.group != _PATIENT_GROUP:
        return Action.DUMMY if element.VR in _DATES else Action.KEEP if element.VR in _TIMES else action
    if action is Action.KEEP:
        return _beyond_the_table(element)
    return action


def _beyond_the_table(element: DataElement) -> Action:
    """Return what becomes of an attribute that the table does not name."""
    if element.VR == "PN" or (element.VR == "UN" and not element.tag.is_private):
        return Action.EMPTY if element.VR == "PN" else Action.REMOVE
    if element.VR == "UR":
        return Action.KEEP if int(element.tag) in _OF_CODES else Action.REMOVE
    if element.VR in _DATES:
        return Action.DUMMY
    if element.VR == "UI" and any(UID(str(uid)).name == str(uid) for uid in _values(element.value) if str(uid)):
        return Action.REPLACE_UID
    return Action.KEEP


def _apply(dataset: Dataset, element: DataElement, action: Action, removal: Removal) -> None:
    if action is Action.REMOVE:
        del dataset[element.tag]
    elif action is Action.EMPTY:
        element.value = Sequence() if element.VR == "SQ" else None
    elif action is Action.REPLACE_UID or element.VR == "UI":
        element.value = _mapped(element.value, lambda uid: UID(removal.pseudonyms.uid(str(uid))))
    else:
        _make_dummy(dataset, element, removal)


def _make_dummy(dataset: Dataset, element: DataElement, removal: Removal) -> None:
    if element.VR in _DATES:
        moved = _mapped(element.value, lambda value: moved_back(str(value), removal.days))
        element.value = moved if all(_values(moved)) else None
    elif int(element.tag) == _AGE:
        element.value = capped_age(str(element.value or ""))
    elif element.VR in _TEXT:
        element.value = _DUMMY
    elif element.VR in _NUMBERS:
        element.value = 0
    else:
        del dataset[element.tag]


def moved_back(value: str, days: int) -> str:
    """Return a date (DA) or date and time (DT) moved back by whole days; the empty text where it is no full date.

    >>> moved_back("20260301", 1), moved_back("20240301103000.5+0800", 2), moved_back("2026", 1)
    ('20260228', '20240228103000.5+0800', '')
    """
    try:
        date = datetime.strptime(value[:8], "%Y%m%d") - timedelta(days=days)  # noqa: DTZ007 - a calendar date has no zone
    except (ValueError, OverflowError):
        return ""
    return f"{date.year:04d}{date.month:02d}{date.day:02d}{value[8:]}"


def capped_age(value: str) -> str | None:
    """Return an age string with years above 89 as 090Y; None where it is no age string.

    >>> capped_age("047Y"), capped_age("103Y"), capped_age("47")
    ('047Y', '090Y', None)
    """
    if len(value) != 4 or not value[:3].isdigit() or value[3] not in "DWMY":
        return None
    return "090Y" if value[3] == "Y" and int(value[:3]) > OLDEST else value


def _values(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) or type(value).__name__ == "MultiValue" else [value]


def _mapped(value: Any, change: Any) -> Any:
    changed = [change(each) for each in _values(value) if str(each)]
    return changed[0] if len(changed) == 1 else changed or None


def _declare(dataset: Dataset, removal: Removal, *, pixels_cleaned: bool) -> None:
    """Write what was done (PS3.15 E.1.1, items 6 and 7)."""
    codes = [
        ("113100", "Basic Application Confidentiality Profile"),
        ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
    ]
    codes += [("113101", "Clean Pixel Data Option")] if pixels_cleaned else []
    codes += [("113108", "Retain Patient Characteristics Option")] if removal.keep_characteristics else []
    dataset.PatientIdentityRemoved = "YES"
    dataset.LongitudinalTemporalInformationModified = "MODIFIED"
    dataset.DeidentificationMethod = f"ThoraTrace, {EDITION}"
    dataset.DeidentificationMethodCodeSequence = Sequence(map(_code, codes))
    if pixels_cleaned:
        dataset.BurnedInAnnotation = "NO"


def _code(row: tuple[str, str]) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = row[0], "DCM", row[1]
    return item
