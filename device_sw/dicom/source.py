"""What the DICOM results of a film repeat of its own header, so that an archive files them under the same patient and study.

This is the one value of the device that holds patient data. Only the writers of DICOM objects read it: its representation shows no value, and reports,
records, messages and the audit trail never see it. Text is held as Unicode, whatever character sets the film used. What a result could not be bound by
(a UID that is none, a name whose characters cannot be read) is named in ``faults``, and then no object is written. Private elements are never taken.

Source: DICOM PS3.3 C.7.1.1 (Patient), C.7.2.1 (General Study), C.7.2.2 (Patient Study), C.12.1 (SOP Common); PS3.5 6.1 (character repertoires).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pydicom.charset import convert_encodings, decode_bytes, default_encoding, python_encoding
from pydicom.config import RAISE
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.uid import UID
from pydicom.valuerep import PN_DELIMS, TEXT_VR_DELIMS, validate_value

from device_sw.dicom.attributes import hostile, place
from device_sw.dicom.boundary import refuse_on_failure
from device_sw.errors import InputRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydicom.dataset import Dataset

    from device_sw.dicom.radiograph import FilmAttributes

BINDING = ("PatientName", "PatientID", "IssuerOfPatientID", "AccessionNumber")
"""What binds a result to its patient and its order: copied exactly, or no object is written."""

CARRIED = (
    *BINDING,
    "PatientBirthDate",
    "PatientSex",
    "PatientAge",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "StudyDescription",
    "ReferringPhysicianName",
    "TimezoneOffsetFromUTC",
)
"""What is copied besides the UIDs; a value that its value representation does not allow is left out where it binds nothing."""

_REFERENCES = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
_UNREADABLE = re.compile(r"[\x00-\x1f\x7f\ufffd\\]")
_LONGEST = 324
_GB2312 = "\x1b$)A"
"""Announces GB 2312 (ISO 2022 IR 58, PS3.3 table C.12-4); pydicom 3.0.2 decodes what follows and leaves the announcement in the text."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SourceHeader:
    """The identity of a film in its archive.

    Attributes:
        sop_class_uid: of the film.
        sop_instance_uid: of the film.
        study_instance_uid: the study that results are filed in.
        series_instance_uid: the film's own series, which results refer to and are never added to.
        attributes: the film's technical attributes, which decide how it is shown; None where they could not be read.
        carried: keyword -> text, for each attribute of `CARRIED` that is present, not empty and valid.
        faults: places of what a result could not be bound by; empty for a film that objects can be written for.
    """

    sop_class_uid: str
    sop_instance_uid: str
    study_instance_uid: str
    series_instance_uid: str
    attributes: FilmAttributes | None
    carried: Mapping[str, str]
    faults: tuple[str, ...]

    def __repr__(self) -> str:
        """Show no value."""
        return f"SourceHeader(bindable={self.bindable})"

    @property
    def bindable(self) -> bool:
        """Whether a result can be filed under this film's patient and study."""
        return not self.faults


def source_header(dataset: Dataset, identity_faults: tuple[str, ...] = ()) -> SourceHeader:
    """Return a parsed film's identity; what cannot be read becomes a fault, never an exception.

    Args:
        dataset: of the film.
        identity_faults: places at which the dataset contradicts its file meta information.
    """
    uids = {keyword: _uid(dataset, keyword) for keyword in _REFERENCES}
    texts = {keyword: _text(dataset, keyword) for keyword in CARRIED}
    broken = [keyword for keyword, uid in uids.items() if not uid]
    broken += [keyword for keyword in BINDING if texts[keyword] is None]
    if not _repertoire_known(dataset):
        broken.append("SpecificCharacterSet")
    return SourceHeader(
        sop_class_uid=uids["SOPClassUID"],
        sop_instance_uid=uids["SOPInstanceUID"],
        study_instance_uid=uids["StudyInstanceUID"],
        series_instance_uid=uids["SeriesInstanceUID"],
        attributes=None,
        carried=MappingProxyType({keyword: text for keyword, text in texts.items() if text}),
        faults=tuple(dict.fromkeys((*map(place, broken), *identity_faults))),
    )


def _uid(dataset: Dataset, keyword: str) -> str:
    text = _text(dataset, keyword) or ""
    return text if len(text) <= 64 and UID(text, validation_mode=0).is_valid else ""


def _text(dataset: Dataset, keyword: str) -> str | None:
    """Return an attribute's text, ``""`` where it is absent or empty, and None where it cannot be read or may not stand in its value representation."""
    vr = dictionary_VR(keyword)
    try:
        text = _decoded(dataset, keyword, vr)
        if text:
            validate_value(vr, text, RAISE)
    except (InputRefused, ValueError):
        return None
    return None if _UNREADABLE.search(text) or hostile(text, _LONGEST) else text


def _decoded(dataset: Dataset, keyword: str, vr: str) -> str:
    """Decode the element's bytes as one value: a character of two bytes may hold the byte of a backslash, which separates nothing then (PS3.5 6.1.2.3).

    The default repertoire is ASCII; the parser would read other bytes as Latin-1, which shows a name that is undeclared Chinese as something else.
    """
    with refuse_on_failure("IN-ATTRIBUTE", where=place(keyword), expected="text", repair="have the sending system correct it"):
        element: Any = dataset.get_item(tag_for_keyword(keyword) or 0)
        if element is None or element.value is None:
            return ""
        if not isinstance(element, RawDataElement):
            return str(element.value).strip(" \0")
        stated = convert_encodings(dataset.get("SpecificCharacterSet") or "")
        encodings = ["ascii" if encoding == default_encoding else encoding for encoding in stated]
        delimiters = PN_DELIMS if vr == "PN" else TEXT_VR_DELIMS
        return decode_bytes(element.value, encodings, delimiters).replace(_GB2312, "").strip(" \0")


def _repertoire_known(dataset: Dataset) -> bool:
    """Say whether every character set that the film names is one of the standard's, as an unknown one would be read by guesswork."""
    stated = _value(dataset, "SpecificCharacterSet") or ""
    names = [stated] if isinstance(stated, str) else list(stated)
    return all(str(name) in python_encoding for name in names)


def _value(dataset: Dataset, keyword: str) -> Any:
    try:
        with refuse_on_failure(
            "IN-ATTRIBUTE", where=place(keyword), expected="a value", repair="have the sending system correct it"
        ):
            return dataset.get(keyword)
    except InputRefused:
        return None
