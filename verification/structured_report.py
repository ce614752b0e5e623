"""Reads a structured report of the device with nothing of the device: checks it row by row against the templates, then says what it holds.

The rows are those of PS3.16 TID 1500 (Measurement Report), 1204 (language), 1001/1002/1004 (device observer), 1410 (planar region), 1419 (its number), 1501
(qualitative group) and 4019 (algorithm), as far as the device's profile uses them: a row that the templates offer and the profile does not use is a problem
here, and so is an item that no row fits. Concepts and value sets are written down a second time on purpose.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from math import isfinite
from typing import TYPE_CHECKING, Any

from pydicom.uid import UID

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pydicom.dataset import Dataset

Concept = tuple[str, str]
"""Code value and coding scheme designator."""

MANY = 10_000

ELEMENTS: dict[str, dict[str, str]] = {
    "CONTAINER": {"ContinuityOfContent": "CS"},
    "CODE": {"ConceptCodeSequence": "SQ"},
    "TEXT": {"TextValue": "UT"},
    "UIDREF": {"UID": "UI"},
    "NUM": {"MeasuredValueSequence": "SQ"},
    "IMAGE": {"ReferencedSOPSequence": "SQ"},
    "SCOORD": {"GraphicData": "FL", "GraphicType": "CS"},
}
"""What a content item of each value type must hold, with its value representation (PS3.3 C.17.3, C.18)."""

COMMON = {
    "RelationshipType": "CS",
    "ValueType": "CS",
    "ConceptNameCodeSequence": "SQ",
    "ContentSequence": "SQ",
    "ContentTemplateSequence": "SQ",
}
"""What any content item may hold besides."""


@dataclass(frozen=True)
class Row:
    """One row of a template.

    Attributes:
        name: template and row, for messages.
        relationship: to the parent.
        value_type: of the item.
        concept: its concept name; None where any will do.
        least: how often the row must be there.
        most: how often it may be there.
        values: codes that a CODE may have, or units that a NUM may have; None where any will do.
        template: that a CONTAINER names; empty where it names none.
        rows: of its children, in their order.
    """

    name: str
    relationship: str
    value_type: str
    concept: Concept | None
    least: int = 1
    most: int = 1
    values: frozenset[Concept] | None = None
    template: str = ""
    rows: tuple[Row, ...] = field(default=(), repr=False)

    def fits(self, item: Dataset) -> bool:
        """Say whether an item is one of this row."""
        return (
            str(item.get("RelationshipType", "")) == self.relationship
            and str(item.get("ValueType", "")) == self.value_type
            and (self.concept is None or concept_of(item) == self.concept)
            and (not self.template or template_of(item) in {"", self.template})
        )


def _dcm(value: str) -> Concept:
    return (value, "DCM")


def _sct(value: str) -> Concept:
    return (value, "SCT")


def _own(value: str) -> Concept:
    return (value, "99THORATRACE")


PRESENT, ABSENT = _sct("52101004"), _sct("272519000")
SUCCEEDED, FAILED, NOT_ATTEMPTED = _dcm("111222"), _dcm("111224"), _dcm("111225")
_NO_UNITS = frozenset({("1", "UCUM")})

_ALGORITHM = (
    Row("TID 4019 row 1", "HAS CONCEPT MOD", "TEXT", _dcm("111001")),
    Row("TID 4019 row 2", "HAS CONCEPT MOD", "TEXT", _dcm("111003")),
    Row("TID 4019 row 3", "HAS CONCEPT MOD", "TEXT", _dcm("111002"), 1, MANY),
)
_TRACKED = (
    Row("row 2", "HAS OBS CONTEXT", "TEXT", _dcm("112039")),
    Row("row 3", "HAS OBS CONTEXT", "UIDREF", _dcm("112040")),
    Row("row 3b", "CONTAINS", "CODE", _dcm("121071")),
)
_SITE = Row("finding site", "HAS CONCEPT MOD", "CODE", _sct("363698007"))

PLANAR = Row(
    "TID 1410",
    "CONTAINS",
    "CONTAINER",
    _dcm("125007"),
    0,
    MANY,
    template="1410",
    rows=(
        *_TRACKED,
        Row("TID 1410 row 3c", "CONTAINS", "CODE", _dcm("130400"), values=frozenset({_sct("75958009")})),
        Row(
            "TID 1410 row 5",
            "CONTAINS",
            "SCOORD",
            _dcm("111030"),
            rows=(Row("TID 1410 row 6", "SELECTED FROM", "IMAGE", None),),
        ),
        _SITE,
        Row("TID 1419 row 5", "CONTAINS", "NUM", _own("TT-SCORE"), values=_NO_UNITS, rows=_ALGORITHM),
    ),
)

QUALITATIVE = Row(
    "TID 1501",
    "CONTAINS",
    "CONTAINER",
    _dcm("125007"),
    1,
    MANY,
    template="1501",
    rows=(
        *_TRACKED,
        _SITE,
        *_ALGORITHM,
        Row("TID 1501 row 10", "CONTAINS", "NUM", _own("TT-OPPOINT"), 0, values=_NO_UNITS),
        Row("TID 1501 row 10", "CONTAINS", "NUM", _own("TT-HISCORE"), 0, values=_NO_UNITS),
        Row("TID 1501 row 10b", "CONTAINS", "IMAGE", _dcm("121112")),
        Row(
            "TID 1501 row 11",
            "CONTAINS",
            "CODE",
            _own("TT-MARK"),
            values=frozenset({PRESENT, ABSENT, FAILED, NOT_ATTEMPTED}),
        ),
        Row("TID 1501 row 12", "CONTAINS", "TEXT", _dcm("121106")),
    ),
)

ROOT = Row(
    "TID 1500",
    "",
    "CONTAINER",
    _dcm("126000"),
    template="1500",
    rows=(
        Row("TID 1204 row 1", "HAS CONCEPT MOD", "CODE", _dcm("121049"), values=frozenset({("en-US", "RFC5646")})),
        Row("TID 1002 row 1", "HAS OBS CONTEXT", "CODE", _dcm("121005"), values=frozenset({_dcm("121007")})),
        Row("TID 1004 row 1", "HAS OBS CONTEXT", "UIDREF", _dcm("121012")),
        Row("TID 1004 row 2", "HAS OBS CONTEXT", "TEXT", _dcm("121013")),
        Row("TID 1004 row 3", "HAS OBS CONTEXT", "TEXT", _dcm("121014")),
        Row("TID 1004 row 4", "HAS OBS CONTEXT", "TEXT", _dcm("121015")),
        Row("TID 1004 row 5", "HAS OBS CONTEXT", "TEXT", _dcm("121016")),
        Row("TID 1500 row 4", "HAS CONCEPT MOD", "CODE", _dcm("121058")),
        Row("TID 1500 row 6", "CONTAINS", "CONTAINER", _dcm("126010"), rows=(PLANAR, QUALITATIVE)),
        Row(
            "TID 1500 row 12",
            "CONTAINS",
            "CONTAINER",
            ("C0034375", "UMLS"),
            rows=(
                Row(
                    "TID 1500 row 13",
                    "CONTAINS",
                    "CODE",
                    _dcm("111064"),
                    values=frozenset({SUCCEEDED, FAILED, NOT_ATTEMPTED}),
                ),
                Row("TID 1500 row 14", "CONTAINS", "TEXT", _dcm("121077")),
                Row("TID 1500 row 14", "CONTAINS", "TEXT", _dcm("121106"), 1, MANY),
            ),
        ),
    ),
)
"""The device's profile of the Measurement Report."""

HEADER: dict[str, frozenset[str] | None] = {
    "SOPClassUID": frozenset({"1.2.840.10008.5.1.4.1.1.88.34"}),
    "Modality": frozenset({"SR"}),
    "SpecificCharacterSet": frozenset({"ISO_IR 192"}),
    "CompletionFlag": frozenset({"COMPLETE", "PARTIAL"}),
    "VerificationFlag": frozenset({"UNVERIFIED"}),
    "PreliminaryFlag": frozenset({"PRELIMINARY"}),
    "StudyInstanceUID": None,
    "SeriesInstanceUID": None,
    "SOPInstanceUID": None,
    "SeriesNumber": None,
    "InstanceNumber": None,
    "ContentDate": None,
    "ContentTime": None,
    "Manufacturer": None,
    "ManufacturerModelName": None,
    "DeviceSerialNumber": None,
    "SoftwareVersions": None,
    "ContributingEquipmentSequence": None,
    "CurrentRequestedProcedureEvidenceSequence": None,
    "CodingSchemeIdentificationSequence": None,
}
"""Attributes that must have a value, with the values that are allowed (PS3.3 A.35.13, C.17.1, C.17.2, C.7.5.2, C.12.1)."""


@dataclass(frozen=True)
class Region:
    """One planar region: finding code, site code, box (x0, y0, x1, y1), score, tracking UID, film."""

    finding: Concept
    site: Concept
    box: tuple[float, float, float, float]
    score: float
    tracking_uid: str
    film: str


@dataclass(frozen=True)
class Report:
    """What a report holds: regions in their order, state and highest score of each finding code, how the analysis ended, and its sentences."""

    regions: tuple[Region, ...]
    states: dict[Concept, Concept]
    highest: dict[Concept, float]
    status: Concept
    sentences: tuple[str, ...]


def problems(dataset: Dataset) -> tuple[str, ...]:
    """Return everything that is wrong with a report; nothing for a report that keeps to the profile."""
    found = [*_header_problems(dataset), *_item_problems(dataset, ROOT, "root")]
    found += _reference_problems(dataset)
    return tuple(found)


def read(dataset: Dataset) -> Report:
    """Return what a report without problems holds."""
    measured, evaluated = (item for item in dataset.ContentSequence if str(item.ValueType) == "CONTAINER")
    groups = list(measured.ContentSequence)
    planar = [group for group in groups if template_of(group) == "1410"]
    qualitative = [group for group in groups if template_of(group) == "1501"]
    states = {_code(_only(group, "121071")): _code(_only(group, "TT-MARK")) for group in qualitative}
    numbers = {_code(_only(group, "121071")): [_number(item) for item in _all(group, "TT-HISCORE")] for group in qualitative}
    return Report(
        regions=tuple(_region(group) for group in planar),
        states=states,
        highest={finding: values[0] for finding, values in numbers.items() if values},
        status=_code(_only(evaluated, "111064")),
        sentences=tuple(str(item.TextValue) for item in evaluated.ContentSequence if str(item.ValueType) == "TEXT"),
    )


def concept_of(item: Dataset) -> Concept | None:
    """Return an item's concept name, None where it has none."""
    sequence = item.get("ConceptNameCodeSequence")
    return _as_concept(sequence[0]) if sequence else None


def template_of(item: Dataset) -> str:
    """Return the template that a container names, or nothing."""
    sequence = item.get("ContentTemplateSequence")
    return str(sequence[0].get("TemplateIdentifier", "")) if sequence else ""


def _as_concept(code: Dataset) -> Concept:
    return (str(code.get("CodeValue", code.get("LongCodeValue", ""))), str(code.get("CodingSchemeDesignator", "")))


def _header_problems(dataset: Dataset) -> Iterator[str]:
    for keyword, allowed in HEADER.items():
        value = dataset.get(keyword)
        if value is None or value == "" or (keyword.endswith("Sequence") and not value):
            yield f"{keyword}: expected a value, found none"
        elif allowed is not None and str(value) not in allowed:
            yield f"{keyword}: expected {' or '.join(sorted(allowed))}, found another value"
        elif keyword.endswith("UID") and not UID(str(value)).is_valid:
            yield f"{keyword}: expected a UID"


def _item_problems(item: Dataset, row: Row, path: str) -> Iterator[str]:
    """Yield what is wrong with one item and all below it."""
    if not row.fits(item):
        yield f"{path}: expected {row.name}"
        return
    if row.template and template_of(item) != row.template:
        yield f"{path}: expected template {row.template}"
    yield from _shape_problems(item, row, path)
    yield from _value_problems(item, row, path)
    children = list(item.get("ContentSequence") or ())
    places = [_row_of(child, row.rows) for child in children]
    for number, (child, place) in enumerate(zip(children, places, strict=True), start=1):
        if place is None:
            yield f"{path}/{number}: no row of {row.name} fits"
        else:
            yield from _item_problems(child, row.rows[place], f"{path}/{number}")
    known = [place for place in places if place is not None]
    if any(before > after for before, after in pairwise(known)):
        yield f"{path}: the order of {row.name} is significant"
    for place, child_row in enumerate(row.rows):
        if not child_row.least <= known.count(place) <= child_row.most:
            yield f"{path}: expected {child_row.name} {child_row.least} to {child_row.most} times, found {known.count(place)}"


def _row_of(item: Dataset, rows: Sequence[Row]) -> int | None:
    return next((place for place, row in enumerate(rows) if row.fits(item)), None)


def _shape_problems(item: Dataset, row: Row, path: str) -> Iterator[str]:
    """Yield elements that are missing, of another value representation, or have no place in the item."""
    needed = ELEMENTS[row.value_type]
    for keyword, representation in needed.items():
        if keyword not in item or item[keyword].is_empty:
            yield f"{path}: {row.value_type} without {keyword}"
        elif representation != item[keyword].VR:
            yield f"{path}: {keyword} is not {representation}"
    if path != "root":
        for element in item:
            if element.keyword not in needed and element.keyword not in COMMON:
                yield f"{path}: {element.keyword or 'a private element'} has no place in {row.value_type}"
    for code in _codes(item):
        texts = (*_as_concept(code), str(code.get("CodeMeaning", "")))
        if not all(texts) or len(texts[1]) > 16 or len(texts[2]) > 64:
            yield f"{path}: a code without value, scheme or meaning"


def _codes(item: Dataset) -> Iterator[Dataset]:
    for keyword in ("ConceptNameCodeSequence", "ConceptCodeSequence"):
        sequence = item.get(keyword)
        if sequence is not None:
            yield from sequence


def _value_problems(item: Dataset, row: Row, path: str) -> Iterator[str]:
    check = {
        "CODE": _code_problems,
        "NUM": _num_problems,
        "UIDREF": _uid_problems,
        "SCOORD": _line_problems,
        "IMAGE": _image_problems,
    }
    if row.value_type in check and all(keyword in item and not item[keyword].is_empty for keyword in ELEMENTS[row.value_type]):
        yield from (f"{path}: {problem}" for problem in check[row.value_type](item, row))


def _code_problems(item: Dataset, row: Row) -> Iterator[str]:
    codes = list(item.ConceptCodeSequence)
    if len(codes) != 1:
        yield "expected one code"
    elif row.values is not None and _as_concept(codes[0]) not in row.values:
        yield f"a code outside the value set of {row.name}"


def _num_problems(item: Dataset, row: Row) -> Iterator[str]:
    if len(item.MeasuredValueSequence) != 1:
        yield "expected one measured value"
        return
    value = item.MeasuredValueSequence[0]
    number, units = value.get("NumericValue"), value.get("MeasurementUnitsCodeSequence")
    if number is None or not isfinite(float(number)) or not 0.0 <= float(number) <= 1.0:
        yield "expected a number from 0 to 1"
    if not units or (row.values is not None and _as_concept(units[0]) not in row.values):
        yield "expected no units"


def _uid_problems(item: Dataset, _row: Row) -> Iterator[str]:
    if not UID(str(item.UID)).is_valid:
        yield "expected a UID"


def _line_problems(item: Dataset, _row: Row) -> Iterator[str]:
    """A bounding box is a closed line of five points along the axes, with an area."""
    numbers = [float(value) for value in item.GraphicData]
    points = list(zip(numbers[::2], numbers[1::2], strict=False))
    if str(item.GraphicType) != "POLYLINE":
        yield "expected a POLYLINE"
    elif len(numbers) != 10 or points[0] != points[-1]:
        yield "expected a closed line of five points"
    elif any((a[0] != b[0]) == (a[1] != b[1]) for a, b in pairwise(points)):
        yield "expected edges along the axes"
    elif min(numbers) < 0 or not all(isfinite(number) for number in numbers):
        yield "expected points on the film"


def _image_problems(item: Dataset, _row: Row) -> Iterator[str]:
    references = item.ReferencedSOPSequence
    if len(references) != 1 or not all(references[0].get(name) for name in ("ReferencedSOPClassUID", "ReferencedSOPInstanceUID")):
        yield "expected one reference with class and instance"


def _reference_problems(dataset: Dataset) -> Iterator[str]:
    """Yield images that are not in the evidence, evidence of another study, and tracking UIDs that are used twice."""
    evidence, study = set(), str(dataset.get("StudyInstanceUID"))
    for item in dataset.get("CurrentRequestedProcedureEvidenceSequence") or ():
        if str(item.get("StudyInstanceUID")) != study:
            yield "evidence: another study"
        for series in item.get("ReferencedSeriesSequence") or ():
            if str(series.get("SeriesInstanceUID")) == str(dataset.get("SeriesInstanceUID")):
                yield "evidence: the report's own series"
            evidence |= {
                (str(image.get("ReferencedSOPClassUID")), str(image.get("ReferencedSOPInstanceUID")))
                for image in series.get("ReferencedSOPSequence") or ()
            }
    images = [image for item in _walk(dataset) for image in item.get("ReferencedSOPSequence") or ()]
    for image in images:
        if (str(image.get("ReferencedSOPClassUID")), str(image.get("ReferencedSOPInstanceUID"))) not in evidence:
            yield "an image that is not in the evidence"
    uids = [str(item.get("UID")) for item in _walk(dataset) if concept_of(item) == _dcm("112040")]
    if len(set(uids)) != len(uids):
        yield "a tracking UID used twice"


def _walk(item: Dataset) -> Iterator[Dataset]:
    for child in item.get("ContentSequence") or ():
        yield child
        yield from _walk(child)


def _all(item: Dataset, code: str) -> list[Dataset]:
    return [child for child in item.ContentSequence if (concept_of(child) or ("", ""))[0] == code]


def _only(item: Dataset, code: str) -> Dataset:
    (child,) = _all(item, code)
    return child


def _code(item: Dataset) -> Concept:
    return _as_concept(item.ConceptCodeSequence[0])


def _number(item: Dataset) -> float:
    return float(item.MeasuredValueSequence[0].NumericValue)


def _region(group: Dataset) -> Region:
    line = _only(group, "111030")
    numbers: list[Any] = [float(value) for value in line.GraphicData]
    columns, rows = numbers[::2], numbers[1::2]
    return Region(
        finding=_code(_only(group, "121071")),
        site=_code(_only(group, "363698007")),
        box=(min(columns), min(rows), max(columns), max(rows)),
        score=_number(_only(group, "TT-SCORE")),
        tracking_uid=str(_only(group, "112040").UID),
        film=str(line.ContentSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID),
    )
