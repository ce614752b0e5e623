"""Takes from a parsed dataset what the device needs to know about the film, and leaves the patient behind.

Every read of an element goes through one function, so that an element whose value cannot be converted ends in a refusal that names the element.
"""

from __future__ import annotations

import re
from datetime import date
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom.datadict import tag_for_keyword
from pydicom.tag import Tag
from pydicom.uid import UID
from pydicom.valuerep import PersonName

from device_sw.dicom.boundary import refuse_on_failure
from device_sw.dicom.radiograph import Age, FilmAttributes, LookUpTable, Window
from device_sw.errors import InputRefused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydicom.dataset import Dataset

LOSSY_SYNTAXES = frozenset(
    {
        "1.2.840.10008.1.2.4.50",
        "1.2.840.10008.1.2.4.51",
        "1.2.840.10008.1.2.4.81",
        "1.2.840.10008.1.2.4.91",
        "1.2.840.10008.1.2.4.203",
    }
)
"""Transfer syntaxes that may lose information (PS3.5 A.4)."""

_TEXT_LIMITS = {
    "PatientName": 324,
    "PatientID": 64,
    "StudyDescription": 64,
    "SeriesDescription": 64,
    "AccessionNumber": 16,
    "Manufacturer": 64,
}
"""Longest text of elements that a worklist or a viewer shows (PS3.5 table 6.2-1); a person name has five parts of 64 characters and joints."""

_UIDS = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
_HOSTILE = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]|<\s*/?\s*(script|iframe|img|svg)|\.\./|\.\.\\|;\s*--", re.IGNORECASE
)
_AGE = re.compile(r"^(\d{3})([DWMY])$")
_PER_YEAR = {"D": 365.25, "W": 365.25 / 7, "M": 12.0, "Y": 1.0}


def place(keyword: str) -> str:
    """Return tag and keyword as a message writes them.

    >>> place("Modality")
    '(0008,0060) Modality'
    """
    tag = Tag(tag_for_keyword(keyword) or 0)
    return f"({tag.group:04X},{tag.element:04X}) {keyword}"


def film_attributes(
    dataset: Dataset, transfer_syntax: str, identity_faults: tuple[str, ...], cautions: Sequence[str]
) -> FilmAttributes:
    """Return the technical attributes of an image dataset.

    Raises:
        InputRefused: an element's value cannot be read as its value representation (``IN-ATTRIBUTE``) or a look-up table lies (``IN-LUT``).
    """
    signed = _integer(dataset, "PixelRepresentation") == 1
    return FilmAttributes(
        sop_class_uid=_text(dataset, "SOPClassUID"),
        sop_instance_uid=_uid(dataset, "SOPInstanceUID"),
        modality=_text(dataset, "Modality"),
        image_type=_texts(dataset, "ImageType"),
        body_part=_text(dataset, "BodyPartExamined"),
        view_position=_text(dataset, "ViewPosition"),
        patient_orientation=_texts(dataset, "PatientOrientation"),
        age=_age(dataset),
        patient_id_stated=bool(_text(dataset, "PatientID")),
        burned_in=_text(dataset, "BurnedInAnnotation"),
        photometric=_text(dataset, "PhotometricInterpretation"),
        presentation_shape=_text(dataset, "PresentationLUTShape"),
        pixel_relationship=_text(dataset, "PixelIntensityRelationship"),
        samples=_integer(dataset, "SamplesPerPixel", absent=1),
        frames=_integer(dataset, "NumberOfFrames", absent=1),
        rows=_integer(dataset, "Rows"),
        columns=_integer(dataset, "Columns"),
        bits_allocated=_integer(dataset, "BitsAllocated"),
        bits_stored=_integer(dataset, "BitsStored"),
        high_bit=_integer(dataset, "HighBit", absent=_integer(dataset, "BitsStored") - 1),
        signed=signed,
        padding=_padding(dataset),
        spacing=_numbers(dataset, "PixelSpacing") + _numbers(dataset, "ImagerPixelSpacing"),
        rescale_slope=_number(dataset, "RescaleSlope"),
        rescale_intercept=_number(dataset, "RescaleIntercept"),
        modality_lut=next(iter(_tables(dataset, "ModalityLUTSequence", signed=signed)), None),
        windows=_windows(dataset),
        voi_function=_text(dataset, "VOILUTFunction") or "LINEAR",
        voi_luts=_tables(dataset, "VOILUTSequence", signed=signed),
        transfer_syntax=transfer_syntax,
        lossy=transfer_syntax in LOSSY_SYNTAXES or _text(dataset, "LossyImageCompression") == "01",
        text_faults=_text_faults(dataset),
        identity_faults=identity_faults,
        cautions=tuple(cautions),
        intent=_text(dataset, "PresentationIntentType"),
    )


def _value(dataset: Dataset, keyword: str) -> Any:
    expected = "a value of the element's value representation"
    with refuse_on_failure(
        "IN-ATTRIBUTE", where=place(keyword), expected=expected, repair="have the sending system correct the element"
    ):
        return dataset.get(keyword)


def _many(dataset: Dataset, keyword: str) -> tuple[Any, ...]:
    value = _value(dataset, keyword)
    if value is None or isinstance(value, str | bytes | PersonName):
        return (str(value) if isinstance(value, PersonName) else value,) if value else ()
    try:
        return tuple(value)
    except TypeError:
        return (value,)


def _text(dataset: Dataset, keyword: str) -> str:
    return next(iter(_texts(dataset, keyword)), "")


def _texts(dataset: Dataset, keyword: str) -> tuple[str, ...]:
    return tuple(str(part).strip(" \x00") for part in _many(dataset, keyword))


def _malformed(keyword: str, expected: str) -> InputRefused:
    repair = "have the sending system correct the element"
    return InputRefused("IN-ATTRIBUTE", where=place(keyword), found="a value that is none", expected=expected, repair=repair)


def _numbers(dataset: Dataset, keyword: str) -> tuple[float, ...]:
    try:
        numbers = tuple(float(part) for part in _many(dataset, keyword))
    except (TypeError, ValueError) as err:
        raise _malformed(keyword, "numbers") from err
    if not all(isfinite(number) for number in numbers):
        raise _malformed(keyword, "finite numbers")
    return numbers


def _number(dataset: Dataset, keyword: str) -> float | None:
    return next(iter(_numbers(dataset, keyword)), None)


def _integer(dataset: Dataset, keyword: str, *, absent: int = 0) -> int:
    number = _number(dataset, keyword)
    if number is None:
        return absent
    if number != int(number):
        raise _malformed(keyword, "a whole number")
    return int(number)


def _padding(dataset: Dataset) -> tuple[int, int] | None:
    """Return the closed interval of padding values (PS3.3 C.7.5.1.1.2)."""
    if not _many(dataset, "PixelPaddingValue"):
        return None
    value = _integer(dataset, "PixelPaddingValue")
    limit = _integer(dataset, "PixelPaddingRangeLimit", absent=value)
    return (min(value, limit), max(value, limit))


def _windows(dataset: Dataset) -> tuple[Window, ...]:
    centers, widths = _numbers(dataset, "WindowCenter"), _numbers(dataset, "WindowWidth")
    if len(centers) != len(widths):
        raise _malformed("WindowWidth", "as many widths as centers")
    return tuple(Window(center, width) for center, width in zip(centers, widths, strict=True))


def _tables(dataset: Dataset, keyword: str, *, signed: bool) -> tuple[LookUpTable, ...]:
    return tuple(_table(item, keyword, signed=signed) for item in _many(dataset, keyword))


def _table(item: Dataset, keyword: str, *, signed: bool) -> LookUpTable:
    """Return one look-up table whose length, bits and values agree with its descriptor (PS3.3 C.11.1.1.1).

    The descriptor's first value 0 means 65,536 entries; its second is signed where the stored values are.
    """
    descriptor = tuple(int(number) for number in _numbers(item, "LUTDescriptor"))
    if len(descriptor) != 3:
        raise _bad_table(keyword, "a descriptor that has not three values")
    count, first, bits = descriptor[0] % 65536 or 65536, descriptor[1], descriptor[2]
    entries = _entries(item, count, bits)
    if len(entries) != count or not 1 <= bits <= 16 or (count and int(entries.max(initial=0)) >= 2**bits):
        raise _bad_table(keyword, f"{len(entries)} entries for a descriptor of {count} entries of {bits} bits")
    return LookUpTable(entries=entries, first_mapped=first - 65536 if signed and first > 32767 else first, bits=bits)


def _entries(item: Dataset, count: int, bits: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    data = _value(item, "LUTData")
    if not isinstance(data, bytes):
        return np.asarray([int(number) for number in _numbers(item, "LUTData")], dtype=np.int64)
    packed = bits <= 8 and len(data) in (count, count + count % 2)
    return np.frombuffer(data[: len(data) // 2 * 2] if not packed else data[:count], dtype="u1" if packed else "<u2").astype(
        np.int64
    )


def _bad_table(keyword: str, found: str) -> InputRefused:
    expected = "a look-up table as long as its descriptor says, with values of that many bits"
    return InputRefused(
        "IN-LUT", where=place(keyword), found=found, expected=expected, repair="have the sending system correct the table"
    )


def _age(dataset: Dataset) -> Age:
    """Return the lowest age the file allows, so that a child stated in one place is a child."""
    text = _text(dataset, "PatientAge")
    stated = _AGE.match(text)
    known = [(float(stated[1]) / _PER_YEAR[stated[2]], "age")] if stated else []
    if text.isdecimal() and len(text) <= 3:
        known.append((float(text), "bare-number"))
    between = _years_between(_day(dataset, "PatientBirthDate"), _study_day(dataset))
    if between is not None:
        known.append((between, "dates"))
    return Age(*min(known)) if known else Age(None, "none")


def _study_day(dataset: Dataset) -> date | None:
    days = (_day(dataset, keyword) for keyword in ("StudyDate", "AcquisitionDate", "ContentDate"))
    return next((day for day in days if day is not None), None)


def _day(dataset: Dataset, keyword: str) -> date | None:
    text = _text(dataset, keyword).replace(".", "").replace("-", "")
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:8])) if len(text) == 8 else None
    except ValueError:
        return None


def _years_between(birth: date | None, study: date | None) -> float | None:
    """Return completed years between two days; None where one is unknown or the study is older than the patient."""
    if birth is None or study is None or study < birth:
        return None
    return float(study.year - birth.year - ((study.month, study.day) < (birth.month, birth.day)))


def _text_faults(dataset: Dataset) -> tuple[str, ...]:
    uids = [keyword for keyword in _UIDS if _text(dataset, keyword) and not _valid_uid(_text(dataset, keyword))]
    texts = [keyword for keyword, limit in _TEXT_LIMITS.items() if hostile(_text(dataset, keyword), limit)]
    return tuple(place(keyword) for keyword in (*uids, *texts))


def _uid(dataset: Dataset, keyword: str) -> str:
    """Return a UID that is one; anything else stays in the reader as a text fault."""
    text = _text(dataset, keyword)
    return text if _valid_uid(text) else ""


def _valid_uid(text: str) -> bool:
    return len(text) <= 64 and UID(text, validation_mode=0).is_valid


def hostile(text: str, limit: int) -> bool:
    """Say whether a text is longer than its limit or holds what a viewer could take for a control, a script or a path.

    >>> hostile("DOE^JANE", 64), hostile("<script>", 64), hostile("x" * 65, 64)
    (False, True, True)
    """
    return len(text) > limit or _HOSTILE.search(text) is not None
