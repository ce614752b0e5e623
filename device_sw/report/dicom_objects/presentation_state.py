"""What a reader sees over the film in any archive's viewer: a Grayscale Softcopy Presentation State with the boxes and a line about this device.

There is one for every film that can be displayed, also for one without marks and for one that was not analysed; silence would look like either.
A presentation state replaces how the film itself says it is shown (PS3.4 N.2), so the film's modality LUT, VOI and polarity are repeated.

Source: DICOM PS3.3 A.33.1, C.11.1, C.11.2, C.11.6, C.11.9 to C.11.11, C.10.4, C.10.5, C.10.7; PS3.4 annex N.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom.dataset import Dataset

from device_sw.findings import all_findings
from device_sw.report.content import conclusion, mark
from device_sw.report.dicom_objects.content_tree import decimal
from device_sw.report.dicom_objects.header import (
    DicomFile,
    Kind,
    day_and_time,
    encoded,
    image_reference,
    new_object,
    series_reference,
)
from device_sw.report.dicom_objects.identity import MODEL_NAME
from device_sw.report.dicom_objects.structured_report import outline
from device_sw.report.refusal import refusal_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from device_sw.dicom.radiograph import FilmAttributes, LookUpTable
    from device_sw.errors import DeviceError
    from device_sw.findings import Finding
    from device_sw.report.content import AnalysisResult
    from device_sw.report.dicom_objects.identity import Origin
    from device_sw.types import Detection

KIND = Kind("presentation-state", "1.2.840.10008.5.1.4.1.1.11.1", "PR", 9102, "ThoraTrace marks")
KIND_NOT_ANALYSED = Kind("presentation-state", KIND.sop_class_uid, "PR", 9102, "ThoraTrace NOT ANALYSED")

MARKS, WORDS = "TT_MARKS", "TT_WORDS"
"""The graphic layers."""

_LINE_CHARACTERS = 72
_LINE_HEIGHT = 0.022
_TEXT_LIMIT = 1024
_GREYSCALE = ("MONOCHROME1", "MONOCHROME2")
_FUNCTIONS = ("LINEAR", "LINEAR_EXACT", "SIGMOID")


def result_state(origin: Origin, result: AnalysisResult) -> DicomFile:
    """Return the presentation state of an analysed film as a DICOM file."""
    numbered = [(row, detection) for row in all_findings() for detection in result.of(row)]
    size = (result.film.columns, result.film.rows)
    marks = [_mark(origin, number, row, detection, size) for number, (row, detection) in enumerate(numbered, start=1)]
    return _state(origin, KIND, _attributes(origin), marks, (conclusion(result), *_cautions(result)))


def refusal_state(origin: Origin, error: DeviceError) -> DicomFile | None:
    """Return the presentation state of a film that was not analysed as a DICOM file; None for colour, and where the film does not say how large it is."""
    attributes = origin.source.attributes
    if attributes is None or min(attributes.rows, attributes.columns) < 1:
        return None
    if attributes.samples != 1 or attributes.photometric not in _GREYSCALE:
        return None
    return _state(origin, KIND_NOT_ANALYSED, attributes, [], refusal_lines(error)[1:])


def _attributes(origin: Origin) -> FilmAttributes:
    attributes = origin.source.attributes
    if attributes is None:
        raise RuntimeError("an analysed film has attributes")
    return attributes


def _cautions(result: AnalysisResult) -> tuple[str, ...]:
    return tuple(f"Caution: {caution}." for caution in result.cautions)


def _state(origin: Origin, kind: Kind, attributes: FilmAttributes, marks: list[Dataset], said: Sequence[str]) -> DicomFile:
    dataset = new_object(origin, kind)
    dataset.PresentationCreationDate, dataset.PresentationCreationTime = day_and_time(origin)
    dataset.ContentLabel = "THORATRACE"
    dataset.ContentDescription = kind.title
    dataset.ContentCreatorName = None
    series = series_reference(origin)
    series.ReferencedImageSequence = [image_reference(origin)]
    dataset.ReferencedSeriesSequence = [series]
    _displayed_area(dataset, origin, attributes)
    _greyscale(dataset, attributes)
    dataset.GraphicLayerSequence = [_layer(MARKS, 1), _layer(WORDS, 2)]
    dataset.GraphicAnnotationSequence = [*marks, _words(origin, said)]
    return encoded(dataset, origin)


def _displayed_area(dataset: Dataset, origin: Origin, attributes: FilmAttributes) -> None:
    area = Dataset()
    area.ReferencedImageSequence = [image_reference(origin)]
    area.DisplayedAreaTopLeftHandCorner = [1, 1]
    area.DisplayedAreaBottomRightHandCorner = [attributes.columns, attributes.rows]
    area.PresentationSizeMode = "SCALE TO FIT"
    spacing = attributes.spacing[:2]
    if len(spacing) == 2 and min(spacing) > 0:
        area.PresentationPixelSpacing = [decimal(value) for value in spacing]
    else:
        area.PresentationPixelAspectRatio = [1, 1]
    dataset.DisplayedAreaSelectionSequence = [area]


def _greyscale(dataset: Dataset, attributes: FilmAttributes) -> None:
    """Repeat how the film is shown; polarity follows the photometric interpretation alone, which a presentation state hides from the viewer."""
    if attributes.modality_lut is not None:
        table = _table(attributes.modality_lut)
        table.ModalityLUTType = "US"
        dataset.ModalityLUTSequence = [table]
    elif attributes.rescale_slope:
        dataset.RescaleIntercept = decimal(attributes.rescale_intercept or 0.0)
        dataset.RescaleSlope = decimal(attributes.rescale_slope)
        dataset.RescaleType = "US"
    voi = _voi(attributes)
    if voi is not None:
        dataset.SoftcopyVOILUTSequence = [voi]
    dataset.PresentationLUTShape = "INVERSE" if attributes.inverts else "IDENTITY"


def _voi(attributes: FilmAttributes) -> Dataset | None:
    """Return the VOI that the device used: the first table, else the first window; None where the film has none that is valid."""
    item = Dataset()
    if attributes.voi_luts:
        item.VOILUTSequence = [_table(attributes.voi_luts[0])]
        return item
    if not attributes.windows or attributes.voi_function not in _FUNCTIONS:
        return None
    window = attributes.windows[0]
    if window.width <= 0 or (attributes.voi_function == "LINEAR" and window.width < 1):
        return None
    item.WindowCenter, item.WindowWidth = decimal(window.center), decimal(window.width)
    item.VOILUTFunction = attributes.voi_function
    return item


def _table(lut: LookUpTable) -> Dataset:
    table = Dataset()
    entries = len(lut.entries) % 65536
    table.add_new(
        "LUTDescriptor",
        "SS" if lut.first_mapped < 0 else "US",
        [_as_signed(entries) if lut.first_mapped < 0 else entries, lut.first_mapped, lut.bits],
    )
    table.add_new("LUTData", "OW", lut.entries.astype("<u2").tobytes())
    return table


def _as_signed(number: int) -> int:
    return int(np.uint16(number).astype(np.int16))


def _layer(name: str, order: int) -> Dataset:
    layer = Dataset()
    layer.GraphicLayer, layer.GraphicLayerOrder = name, order
    return layer


def _mark(origin: Origin, number: int, row: Finding, detection: Detection, size: tuple[int, int]) -> Dataset:
    """Return one box, with its number, name and score beside its upper edge."""
    points = outline(detection.box, *size)
    line = Dataset()
    line.GraphicAnnotationUnits = "PIXEL"
    line.GraphicDimensions = 2
    line.NumberOfGraphicPoints = len(points)
    line.GraphicData = [edge for point in points for edge in point]
    line.GraphicType = "POLYLINE"
    line.GraphicFilled = "N"
    label = Dataset()
    label.AnchorPointAnnotationUnits = "PIXEL"
    label.AnchorPoint = list(points[0])
    label.AnchorPointVisibility = "N"
    label.UnformattedTextValue = f"{number} {row.name} {detection.score:.2f}"
    return _annotation(origin, MARKS, GraphicObjectSequence=[line], TextObjectSequence=[label])


def _words(origin: Origin, said: Sequence[str]) -> Dataset:
    """Return the lines about the whole film, in its upper left corner, in parts of the display; never beyond its lower edge."""
    words = mark(origin.policy)
    head = f"{MODEL_NAME} {origin.device_version} - NOT CLEARED - NOT FOR CLINICAL USE"
    lines = [head if words is None else f"{words} - {head}"]
    lines += [line for text in said for line in textwrap.wrap(text, _LINE_CHARACTERS)]
    text, count = _fitting(lines)
    box = Dataset()
    box.BoundingBoxAnnotationUnits = "DISPLAY"
    box.BoundingBoxTopLeftHandCorner = [0.01, 0.01]
    box.BoundingBoxBottomRightHandCorner = [0.75, min(0.01 + _LINE_HEIGHT * count, 0.99)]
    box.BoundingBoxTextHorizontalJustification = "LEFT"
    box.UnformattedTextValue = text
    return _annotation(origin, WORDS, TextObjectSequence=[box])


def _fitting(lines: Sequence[str]) -> tuple[str, int]:
    r"""Return as many lines as a short text may hold (1024 characters, PS3.5 6.2), and say where lines are missing.

    >>> _fitting(["a", "b"])
    ('a\r\nb', 2)
    """
    if len("\r\n".join(lines)) <= _TEXT_LIMIT:
        return "\r\n".join(lines), len(lines)
    more = "... continued in the structured report"
    kept = list(lines)
    while len("\r\n".join((*kept, more))) > _TEXT_LIMIT:
        kept.pop()
    return "\r\n".join((*kept, more)), len(kept) + 1


def _annotation(origin: Origin, layer: str, **objects: Any) -> Dataset:
    item = Dataset()
    item.ReferencedImageSequence = [image_reference(origin)]
    item.GraphicLayer = layer
    for keyword, value in objects.items():
        setattr(item, keyword, value)
    return item
