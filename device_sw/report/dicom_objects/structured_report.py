"""The result as a Comprehensive 3D SR: template TID 1500 with a planar region (TID 1410) for each mark and a qualitative group (TID 1501) for each finding.

A film without marks has the qualitative groups alone, and so has an input that was not analysed; there the groups say "Not Attempted" or "Failed".
Nowhere does a finding that was not marked count as excluded: what is absent is the mark.

Source: DICOM PS3.3 A.35.13 and C.17; PS3.16 TID 1500, 1204, 1001, 1002, 1004, 1410, 1501, 4019; CID 219, 240, 6042; IHE AI Results.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydicom.dataset import Dataset

from device_sw.errors import InputRefused
from device_sw.findings import Code, all_findings
from device_sw.report.content import STATEMENT, conclusion, mark, training_note
from device_sw.report.dicom_objects.content_tree import Container, Image, Item, Number, Polyline, Text, Uid, content_sequence
from device_sw.report.dicom_objects.header import (
    DicomFile,
    Kind,
    code_item,
    day_and_time,
    encoded,
    image_reference,
    new_object,
    series_reference,
)
from device_sw.report.dicom_objects.identity import MANUFACTURER, MODEL_NAME, PRIVATE_SCHEME
from device_sw.report.refusal import refusal_lines

if TYPE_CHECKING:
    from device_sw.errors import DeviceError
    from device_sw.findings import Finding
    from device_sw.report.content import AnalysisResult
    from device_sw.report.dicom_objects.identity import Origin
    from device_sw.types import Box, Detection

KIND = Kind("structured-report", "1.2.840.10008.5.1.4.1.1.88.34", "SR", 9101, "ThoraTrace result")
KIND_NOT_ANALYSED = Kind("structured-report", KIND.sop_class_uid, "SR", 9101, "ThoraTrace NOT ANALYSED")

TITLE = Code("126000", "DCM", "Imaging Measurement Report")
LANGUAGE = Code("121049", "DCM", "Language of Content Item and Descendants")
ENGLISH = Code("en-US", "RFC5646", "English (United States)")
OBSERVER_TYPE = Code("121005", "DCM", "Observer Type")
DEVICE = Code("121007", "DCM", "Device")
OBSERVER_UID = Code("121012", "DCM", "Device Observer UID")
OBSERVER_NAME = Code("121013", "DCM", "Device Observer Name")
OBSERVER_MANUFACTURER = Code("121014", "DCM", "Device Observer Manufacturer")
OBSERVER_MODEL = Code("121015", "DCM", "Device Observer Model Name")
OBSERVER_SERIAL = Code("121016", "DCM", "Device Observer Serial Number")
PROCEDURE_REPORTED = Code("121058", "DCM", "Procedure reported")
RADIOGRAPHY = Code("43468-8", "LN", "XR unspecified body region")
MEASUREMENTS = Code("126010", "DCM", "Imaging Measurements")
GROUP = Code("125007", "DCM", "Measurement Group")
TRACKING_IDENTIFIER = Code("112039", "DCM", "Tracking Identifier")
TRACKING_UID = Code("112040", "DCM", "Tracking Unique Identifier")
FINDING = Code("121071", "DCM", "Finding")
FINDING_SITE = Code("363698007", "SCT", "Finding Site")
ALGORITHM_NAME = Code("111001", "DCM", "Algorithm Name")
ALGORITHM_VERSION = Code("111003", "DCM", "Algorithm Version")
ALGORITHM_PARAMETERS = Code("111002", "DCM", "Algorithm Parameters")
IMAGE_REGION = Code("111030", "DCM", "Image Region")
SOURCE = Code("260753009", "SCT", "Source")
SOURCE_OF_MEASUREMENT = Code("121112", "DCM", "Source of Measurement")
GEOMETRIC_PURPOSE = Code("130400", "DCM", "Geometric purpose of region")
BOUNDED_BY = Code("75958009", "SCT", "Bounded by")
EVALUATIONS = Code("C0034375", "UMLS", "Qualitative Evaluations")
STATUS = Code("111064", "DCM", "Summary of Detections")
SUCCEEDED = Code("111222", "DCM", "Succeeded")
FAILED = Code("111224", "DCM", "Failed")
NOT_ATTEMPTED = Code("111225", "DCM", "Not Attempted")
CONCLUSION = Code("121077", "DCM", "Conclusion")
COMMENT = Code("121106", "DCM", "Comment")
PRESENT = Code("52101004", "SCT", "Present")
ABSENT = Code("272519000", "SCT", "Absent")
NO_UNITS = Code("1", "UCUM", "no units")
MARK = Code("TT-MARK", PRIVATE_SCHEME, "Mark by the algorithm")
SCORE = Code("TT-SCORE", PRIVATE_SCHEME, "Detection score")
HIGHEST_SCORE = Code("TT-HISCORE", PRIVATE_SCHEME, "Highest detection score")
OPERATING_POINT = Code("TT-OPPOINT", PRIVATE_SCHEME, "Operating point of the detection score")

SHORTEST_SIDE = 0.0625
"""Pixels; coordinates are written in single precision, in which a thinner box would become a line."""


def result_report(origin: Origin, result: AnalysisResult) -> DicomFile:
    """Return the report of an analysed film as a DICOM file."""
    regions = [
        _region(origin, result, row, number, detection)
        for row in all_findings()
        for number, detection in enumerate(result.of(row), start=1)
    ]
    groups = [_qualitative(origin, row, _parameters(result, row), _state(result, row)) for row in all_findings()]
    said = (
        conclusion(result),
        STATEMENT,
        training_note(result.settings),
        *(f"Caution: {caution}" for caution in result.cautions),
    )
    return _document(origin, KIND, (*regions, *groups), _evaluations(origin, SUCCEEDED, said))


def refusal_report(origin: Origin, error: DeviceError) -> DicomFile:
    """Return the report of an input that was not analysed, with its reasons, as a DICOM file."""
    status = NOT_ATTEMPTED if isinstance(error, InputRefused) else FAILED
    parameters = (f"bundle SHA-256 {origin.bundle_sha256}",)
    groups = [_qualitative(origin, row, parameters, (_evaluation(MARK, status),)) for row in all_findings()]
    return _document(origin, KIND_NOT_ANALYSED, tuple(groups), _evaluations(origin, status, (*refusal_lines(error), STATEMENT)))


def outline(box: Box, columns: int, rows: int) -> tuple[tuple[float, float], ...]:
    """Return a box as a closed line of five (column, row) points, held within the film, no side shorter than `SHORTEST_SIDE`.

    >>> from device_sw.types import Box
    >>> outline(Box(1.0, 2.0, 3.0, 9.0), 4, 8)
    ((1.0, 2.0), (3.0, 2.0), (3.0, 8.0), (1.0, 8.0), (1.0, 2.0))
    """
    x0, y0, x1, y1 = box.as_tuple()
    x0, x1 = _held(x0, x1, columns)
    y0, y1 = _held(y0, y1, rows)
    return ((x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0))


def _held(low: float, high: float, limit: int) -> tuple[float, float]:
    """Return an interval within [0, limit] that single precision does not close."""
    low = min(max(low, 0.0), limit - SHORTEST_SIDE)
    return low, min(max(high, low + SHORTEST_SIDE), float(limit))


def _document(origin: Origin, kind: Kind, groups: tuple[Item, ...], evaluations: Item) -> DicomFile:
    dataset = new_object(origin, kind)
    dataset.ReferencedPerformedProcedureStepSequence = []
    dataset.PerformedProcedureCodeSequence = []
    dataset.ContentDate, dataset.ContentTime = day_and_time(origin)
    dataset.CompletionFlag = "COMPLETE" if kind is KIND else "PARTIAL"
    if kind is not KIND:
        dataset.CompletionFlagDescription = "Not analysed"
    dataset.VerificationFlag = "UNVERIFIED"
    dataset.PreliminaryFlag = "PRELIMINARY"
    dataset.CurrentRequestedProcedureEvidenceSequence = [_evidence(origin)]
    dataset.ValueType = "CONTAINER"
    dataset.ContinuityOfContent = "SEPARATE"
    dataset.ConceptNameCodeSequence = [code_item(TITLE)]
    template = Dataset()
    template.MappingResource, template.TemplateIdentifier = "DCMR", "1500"
    dataset.ContentTemplateSequence = [template]
    items = (*_context(origin), Item("CONTAINS", MEASUREMENTS, Container(), groups), evaluations)
    return encoded(dataset, origin, last_element=content_sequence(items))


def _evidence(origin: Origin) -> Dataset:
    item, series = Dataset(), series_reference(origin)
    series.ReferencedSOPSequence = [image_reference(origin)]
    item.StudyInstanceUID = origin.source.study_instance_uid
    item.ReferencedSeriesSequence = [series]
    return item


def _context(origin: Origin) -> tuple[Item, ...]:
    """Return language (TID 1204), the device as observer (TID 1001 > 1002 > 1004) and the procedure."""
    observer = (
        (OBSERVER_TYPE, DEVICE),
        (OBSERVER_UID, Uid(origin.device_uid)),
        (OBSERVER_NAME, Text(f"ThoraTrace {origin.device_version}")),
        (OBSERVER_MANUFACTURER, Text(MANUFACTURER)),
        (OBSERVER_MODEL, Text(MODEL_NAME)),
        (OBSERVER_SERIAL, Text(origin.bundle_sha256)),
    )
    return (
        Item("HAS CONCEPT MOD", LANGUAGE, ENGLISH),
        *(Item("HAS OBS CONTEXT", concept, value) for concept, value in observer),
        Item("HAS CONCEPT MOD", PROCEDURE_REPORTED, RADIOGRAPHY),
    )


def _region(origin: Origin, result: AnalysisResult, row: Finding, number: int, detection: Detection) -> Item:
    """Return one mark as a planar region (TID 1410), its number (TID 1419) with the algorithm that made it (TID 4019)."""
    selected = Item("SELECTED FROM", SOURCE, _film(origin))
    points = outline(detection.box, result.film.columns, result.film.rows)
    return Item(
        "CONTAINS",
        GROUP,
        Container("1410"),
        (
            *_tracking(origin, f"{row.id} {number}", f"mark/{row.id}/{number}"),
            Item("CONTAINS", FINDING, row.type),
            Item("CONTAINS", GEOMETRIC_PURPOSE, BOUNDED_BY),
            Item("CONTAINS", IMAGE_REGION, Polyline(points), (selected,)),
            Item("HAS CONCEPT MOD", FINDING_SITE, row.site),
            Item("CONTAINS", SCORE, Number(detection.score, NO_UNITS), _algorithm(origin, _parameters(result, row))),
        ),
    )


def _qualitative(origin: Origin, row: Finding, parameters: tuple[str, ...], state: tuple[Item, ...]) -> Item:
    """Return what the algorithm says of one finding on this film (TID 1501); numbers come before the image, evaluations after it."""
    numbers = tuple(item for item in state if isinstance(item.value, Number))
    evaluations = tuple(item for item in state if not isinstance(item.value, Number))
    names = "/".join((row.name, *row.chinese))
    return Item(
        "CONTAINS",
        GROUP,
        Container("1501"),
        (
            *_tracking(origin, row.id, f"finding/{row.id}"),
            Item("CONTAINS", FINDING, row.type),
            Item("HAS CONCEPT MOD", FINDING_SITE, row.site),
            *_algorithm(origin, parameters),
            *numbers,
            Item("CONTAINS", SOURCE_OF_MEASUREMENT, _film(origin)),
            *evaluations,
            Item("CONTAINS", COMMENT, Text(names)),
        ),
    )


def _state(result: AnalysisResult, row: Finding) -> tuple[Item, ...]:
    """Return whether the finding was marked, its operating point and the highest score of any candidate, where there is one."""
    if not result.looked_for(row):
        return (_evaluation(MARK, NOT_ATTEMPTED),)
    scores = [candidate.score for candidate in result.candidates if candidate.finding == row.id]
    numbers = [(OPERATING_POINT, result.settings.thresholds[row.id]), *((HIGHEST_SCORE, max(scores)) for _ in scores[:1])]
    measured = tuple(Item("CONTAINS", concept, Number(value, NO_UNITS)) for concept, value in numbers)
    return (*measured, _evaluation(MARK, PRESENT if result.of(row) else ABSENT))


def _evaluation(concept: Code, value: Code) -> Item:
    return Item("CONTAINS", concept, value)


def _tracking(origin: Origin, identifier: str, role: str) -> tuple[Item, ...]:
    """Return the tracking identifier and its UID; a viewer that takes an identifier for the name of a drawing tool finds none in ours."""
    return (
        Item("HAS OBS CONTEXT", TRACKING_IDENTIFIER, Text(f"{MODEL_NAME} {identifier}")),
        Item("HAS OBS CONTEXT", TRACKING_UID, Uid(origin.uid(f"structured-report/{role}"))),
    )


def _algorithm(origin: Origin, parameters: tuple[str, ...]) -> tuple[Item, ...]:
    told = (
        (ALGORITHM_NAME, MODEL_NAME),
        (ALGORITHM_VERSION, origin.device_version),
        *((ALGORITHM_PARAMETERS, text) for text in parameters),
    )
    return tuple(Item("HAS CONCEPT MOD", concept, Text(text)) for concept, text in told)


def _parameters(result: AnalysisResult, row: Finding) -> tuple[str, ...]:
    settings = result.settings
    point = (f"operating point {settings.thresholds[row.id]:g}",) if result.looked_for(row) else ()
    return (
        f"model {settings.model_version}",
        f"bundle SHA-256 {result.bundle_sha256}",
        f"preprocessing {settings.preprocessing_id}",
        f"policy {result.policy.value}",
        *point,
    )


def _evaluations(origin: Origin, status: Code, said: tuple[str, ...]) -> Item:
    """Return what holds for the whole film (TID 1500 rows 12 to 14): how the analysis ended, the conclusion, and what goes with it."""
    words = mark(origin.policy)
    first, *more = said if words is None else (said[0], words, *said[1:])
    texts = (Item("CONTAINS", CONCLUSION, Text(first)), *(Item("CONTAINS", COMMENT, Text(text)) for text in more))
    return Item("CONTAINS", EVALUATIONS, Container(), (_evaluation(STATUS, status), *texts))


def _film(origin: Origin) -> Image:
    return Image(origin.source.sop_class_uid, origin.source.sop_instance_uid)
