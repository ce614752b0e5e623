"""Completes a foreign radiograph to a conformant DX Image For Presentation: pixel data untouched, description rebuilt, identity replaced.

Public sets strip headers until an object is no DX any more, or never wrote one. What describes the pixels is taken over as it is; what names a patient, a place or
a time is not. Nothing is laundered: an object that says it is something else (a secondary capture, a lateral view, another body part, data for processing,
a mirrored picture) is refused, and so is one whose values a DX object may not hold (a modality transformation, signed values).

Source: DICOM PS3.3 C.8.11.3 (DX Image module: unsigned, rescale 1 and 0, Presentation LUT Shape by photometric interpretation).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydicom.sequence import Sequence
from pydicom.uid import UID

from device_sw.dicom.reader import decode, open_file
from device_sw.errors import InputRefused
from pipeline.adapters.dx import FilmRecord, dx_object, written

if TYPE_CHECKING:
    from pathlib import Path

    from pydicom.dataset import Dataset

    from device_sw.dicom.radiograph import FilmAttributes

_IMAGE = (
    *("SamplesPerPixel", "PhotometricInterpretation", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit"),
    *("PixelRepresentation", "PixelPaddingValue", "PixelPaddingRangeLimit", "WindowCenter", "WindowWidth", "VOILUTFunction"),
    *("LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod", "Manufacturer"),
)
_CLASSES = {"", "1.2.840.10008.5.1.4.1.1.1", "1.2.840.10008.5.1.4.1.1.1.1"}
_SHAPES = {"MONOCHROME1": ("INVERSE", 1), "MONOCHROME2": ("IDENTITY", -1)}
_FULL_RANGE = "Window added: the full range of the film, as the source has none"


class NotCompleted(Exception):
    """An object that cannot become a DX film; the text says why, without patient data."""


@dataclass(frozen=True, slots=True, eq=False)
class ForeignFilm:
    """A radiograph of somebody else, with what it says that a cohort needs; the pixel data stay in the file.

    ``attributes`` are as the device reads them. ``picture`` is the SHA-256 of size and pixel data: equal for the same picture under two names.
    """

    path: Path
    attributes: FilmAttributes
    view: str
    sex: str
    age: int | None
    vendor: str
    modality: str
    spacing: tuple[float, float] | None
    picture: str


def open_foreign(path: Path, *, view: str = "unknown") -> ForeignFilm:
    """Return a radiograph that can be completed.

    Args:
        path: the DICOM file.
        view: what the publisher of the set states for all films that do not say it themselves.

    Raises:
        NotCompleted: the device's reader refuses the file, or the object cannot be a DX film.
    """
    try:
        opened = open_file(path)
    except InputRefused as refusal:
        raise NotCompleted(f"{refusal.code}: {refusal.found}") from refusal
    reason = _obstacle(opened.dataset, opened.attributes)
    if reason:
        raise NotCompleted(reason)
    dataset, attributes = opened.dataset, opened.attributes
    years, sex = attributes.age.years, str(dataset.get("PatientSex", "") or "").upper()
    return ForeignFilm(
        path=path,
        attributes=attributes,
        view=attributes.view_position or view,
        sex=sex if sex in {"M", "F", "O"} else "",
        age=None if years is None or years > 120 else int(years),
        vendor=str(dataset.get("Manufacturer", "") or "unknown"),
        modality=attributes.modality or "unknown",
        spacing=_spacing(dataset),
        picture=hashlib.sha256(f"{attributes.rows}x{attributes.columns}/".encode() + bytes(dataset.PixelData)).hexdigest(),
    )


def _obstacle(dataset: Dataset, attributes: FilmAttributes) -> str | None:
    """Return why the object cannot become a DX film, by attribute; values are not repeated where they could be anything."""
    orientation = tuple(part for part in attributes.patient_orientation if part)
    checks = (
        (attributes.sop_class_uid in _CLASSES, "SOP Class is neither CR nor DX For Presentation"),
        (attributes.modality in {"", "CR", "DX"}, "Modality is neither CR nor DX"),
        (attributes.intent != "FOR PROCESSING", "Presentation Intent Type is FOR PROCESSING"),
        (attributes.image_type[:2] != ("DERIVED", "SECONDARY"), "Image Type is DERIVED\\SECONDARY"),
        (attributes.body_part.upper() in {"", "CHEST", "THORAX"}, "Body Part Examined is not the chest"),
        (attributes.view_position in {"", "PA", "AP"}, "View Position is not frontal"),
        (orientation in {(), ("L", "F")}, "Patient Orientation is not L\\F"),
        (attributes.burned_in.upper() != "YES", "Burned In Annotation is YES"),
        (attributes.photometric in _SHAPES, "Photometric Interpretation is not greyscale"),
        (attributes.frames == 1, "more than one frame"),
        (not attributes.signed, "Pixel Representation is signed"),
        (attributes.modality_lut is None, "a Modality LUT"),
        (attributes.rescale_slope in {None, 1.0} and not attributes.rescale_intercept, "a rescale other than 1 and 0"),
        ("PixelData" in dataset, "no pixel data"),
    )
    return next((reason for good, reason in checks if not good), None)


def _spacing(dataset: Dataset) -> tuple[float, float] | None:
    """Return Imager Pixel Spacing, else an uncalibrated Pixel Spacing, which is the same by definition (PS3.3 10.7.1.1)."""
    value = dataset.get("ImagerPixelSpacing") or (
        None if dataset.get("PixelSpacingCalibrationType") else dataset.get("PixelSpacing")
    )
    distances = [float(distance) for distance in value] if value is not None and len(value) == 2 else []
    return (distances[0], distances[1]) if len(distances) == 2 and min(distances) > 0 else None


def record_of(foreign: ForeignFilm, film_id: str, patient_id: str, origin: str) -> FilmRecord:
    """Return the cohort's record of a foreign film."""
    return FilmRecord(
        film_id=film_id,
        patient_id=patient_id,
        view=foreign.view,
        sex=foreign.sex,
        age=foreign.age,
        rows=foreign.attributes.rows,
        columns=foreign.attributes.columns,
        origin=origin,
        spacing=foreign.spacing,
        stated_orientation=any(foreign.attributes.patient_orientation),
    )


def completed(foreign: ForeignFilm, film: FilmRecord, seed: int) -> bytes:
    """Return the bytes of the DX file; the same input gives the same bytes.

    Raises:
        NotCompleted: the device's reader cannot decode the pixel data.
    """
    try:
        opened = open_file(foreign.path)
        radiograph = decode(opened)
    except InputRefused as refusal:
        raise NotCompleted(f"{refusal.code}: {refusal.found}") from refusal
    source, attributes = opened.dataset, foreign.attributes
    dataset = dx_object(film, seed)
    for keyword in _IMAGE:
        if source.get(keyword) not in (None, ""):
            setattr(dataset, keyword, source.get(keyword))
    dataset.LossyImageCompression = "01" if attributes.lossy else dataset.get("LossyImageCompression", "00")
    _present(dataset, source, attributes)
    if not attributes.windows and not attributes.voi_luts:
        low, high = int(radiograph.stored.min()), int(radiograph.stored.max())
        dataset.WindowCenter, dataset.WindowWidth = f"{(low + high + 1) / 2:g}", f"{high - low + 1:g}"
        dataset.ImageComments = "; ".join(filter(None, [dataset.get("ImageComments"), _FULL_RANGE]))
    dataset.PixelData = source.PixelData
    dataset["PixelData"].VR = source["PixelData"].VR
    return written(dataset, UID(attributes.transfer_syntax))


def _present(dataset: Dataset, source: Dataset, attributes: FilmAttributes) -> None:
    """State polarity and relation once, as the DX Image module wants them; the source's relation stands where it states one."""
    shape, sign = _SHAPES[attributes.photometric]
    relation: dict[str, Any] = {
        "PixelIntensityRelationship": attributes.pixel_relationship or "LOG",
        "PixelIntensityRelationshipSign": source.get("PixelIntensityRelationshipSign") or sign,
        "RescaleIntercept": "0",
        "RescaleSlope": "1",
        "RescaleType": "US",
        "PresentationLUTShape": shape,
    }
    for keyword, value in relation.items():
        setattr(dataset, keyword, value)
    if attributes.voi_luts:
        dataset.VOILUTSequence = Sequence(source.VOILUTSequence)
    if attributes.image_type[:1] == ("ORIGINAL",):
        dataset.ImageType = ["ORIGINAL", "PRIMARY", ""]
