"""Wraps an 8-bit grey JPEG of a chest film as a DX Image For Presentation, without touching a pixel, and says so in the object.

The JPEG stream becomes the pixel data byte for byte (transfer syntax JPEG Baseline). What the picture has lost before it came here is stated where DICOM has a
place for it: Image Type DERIVED, PRIMARY, Lossy Image Compression 01, a derivation description. Nothing is invented: Imager Pixel Spacing, which a DX
object should have, is unknown for such a picture and left out; so are dates, device and exposure.

Source: DICOM PS3.3 A.26 (DX), C.7.6.1 (General Image), C.8.11 (DX modules), C.11 (LUT modules); PS3.5 A.4 (encapsulated pixel data), B.2 (UIDs under 2.25).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import UID, DigitalXRayImageStorageForPresentation, JPEGBaseline8Bit

from pipeline.adapters.errors import DataError

_IMPLEMENTATION = UID("2.25.103512846907162947300462911385067315849")
_VIEWS = {"PA": ("272479007", "postero-anterior"), "AP": ("399348003", "antero-posterior")}
_STANDALONE = frozenset({0x01, 0xD8, *range(0xD0, 0xD8)})
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


@dataclass(frozen=True, slots=True)
class Picture:
    """A JPEG and what its source says about it.

    Attributes:
        film_id: name of the picture in its source, without patient data.
        patient_id: pseudonymous id, as the source publishes it.
        view: PA or AP.
        sex: M, F or O.
        age: years, None where unknown.
        rows: height in pixels.
        columns: width in pixels.
        origin: where the picture comes from and what was done to it before, for the derivation description.
    """

    film_id: str
    patient_id: str
    view: str
    sex: str
    age: int | None
    rows: int
    columns: int
    origin: str


def wrapped(jpeg: bytes, picture: Picture, seed: int) -> bytes:
    """Return the bytes of a DICOM file around a JPEG; the same input gives the same bytes.

    Raises:
        DataError: ``DATA-IMAGE``, the stream is no complete 8-bit one-component baseline JPEG of that size; ``DATA-FORMAT``, the view is not frontal.
    """
    _require_baseline(jpeg, picture)
    dataset = Dataset()
    _identify(dataset, picture, seed)
    _describe(dataset, picture, len(jpeg))
    _render(dataset, picture)
    dataset.PixelData = encapsulate([jpeg])
    dataset["PixelData"].VR = "OB"
    dataset.file_meta = _meta(dataset)
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def _require_baseline(jpeg: bytes, picture: Picture) -> None:
    header = _frame_header(jpeg)
    expected = (0xC0, 8, picture.rows, picture.columns, 1)
    if header != expected or not jpeg.endswith(b"\xff\xd9"):
        found = "no JPEG frame" if header is None else "frame FF{:02X}, {} bits, {} x {}, {} components".format(*header)
        ending = "" if jpeg.endswith(b"\xff\xd9") else ", no end of image"
        raise DataError(
            "DATA-IMAGE",
            where=picture.film_id,
            found=found + ending,
            expected=f"a complete 8-bit baseline JPEG, {picture.rows} x {picture.columns}, 1 component",
            repair="convert the picture to 8-bit grey baseline JPEG and check its size in the annotations",
        )


def _frame_header(jpeg: bytes) -> tuple[int, int, int, int, int] | None:
    """Return (marker, precision, rows, columns, components) of the first JPEG frame, None where there is none (ITU-T T.81 B.2.2)."""
    position = 2
    while jpeg[:2] == b"\xff\xd8" and position + 10 <= len(jpeg) and jpeg[position] == 0xFF:
        marker = jpeg[position + 1]
        if marker in _FRAMES:
            body = jpeg[position + 4 : position + 10]
            return marker, body[0], int.from_bytes(body[1:3]), int.from_bytes(body[3:5]), body[5]
        position += 2 if marker in _STANDALONE else 2 + int.from_bytes(jpeg[position + 2 : position + 4])
    return None


def unique_id(film_id: str, purpose: str, seed: int) -> UID:
    """Return a UID that depends on its arguments only: 2.25 and 128 bits of SHA-256, shaped as a version 5 UUID.

    >>> unique_id("a", "study", 1) == unique_id("a", "study", 1) != unique_id("a", "series", 1)
    True
    """
    number = bytearray(hashlib.sha256(f"thoratrace-wrapped/{seed}/{film_id}/{purpose}".encode()).digest()[:16])
    number[6], number[8] = number[6] & 0x0F | 0x50, number[8] & 0x3F | 0x80
    return UID(f"2.25.{int.from_bytes(number)}")


def _identify(dataset: Dataset, picture: Picture, seed: int) -> None:
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID = DigitalXRayImageStorageForPresentation
    dataset.SOPInstanceUID = unique_id(picture.film_id, "instance", seed)
    dataset.StudyInstanceUID = unique_id(picture.film_id, "study", seed)
    dataset.SeriesInstanceUID = unique_id(picture.film_id, "series", seed)
    dataset.Modality = "DX"
    dataset.PatientID, dataset.PatientName = picture.patient_id, ""
    dataset.PatientSex, dataset.PatientBirthDate = picture.sex, ""
    if picture.age is not None:
        dataset.PatientAge = f"{picture.age:03d}Y"
    for keyword in (
        "StudyDate",
        "StudyTime",
        "AccessionNumber",
        "ReferringPhysicianName",
        "Manufacturer",
        "ContentDate",
        "ContentTime",
    ):
        setattr(dataset, keyword, "")
    dataset.StudyID, dataset.SeriesNumber, dataset.InstanceNumber = "1", "1", "1"


def _describe(dataset: Dataset, picture: Picture, size: int) -> None:
    dataset.ImageType = ["DERIVED", "PRIMARY", ""]
    dataset.DerivationDescription = picture.origin
    dataset.ImageComments = "Wrapped: an 8-bit picture in a DX object, not an original acquisition"
    dataset.DerivationCodeSequence = Sequence([_code("113040", "DCM", "Lossy Compression")])
    dataset.LossyImageCompression, dataset.LossyImageCompressionMethod = "01", "ISO_10918_1"
    dataset.LossyImageCompressionRatio = f"{picture.rows * picture.columns / size:.2f}"
    dataset.PresentationIntentType, dataset.BurnedInAnnotation = "FOR PRESENTATION", "NO"
    dataset.BodyPartExamined, dataset.ViewPosition, dataset.ImageLaterality = "CHEST", picture.view, "U"
    dataset.PatientOrientation = ["L", "F"]
    dataset.AnatomicRegionSequence = Sequence([_code("51185008", "SCT", "Chest")])
    dataset.ViewCodeSequence = Sequence([_view(picture)])
    dataset.DetectorType = ""
    dataset.AcquisitionContextSequence = Sequence([])


def _view(picture: Picture) -> Dataset:
    if picture.view not in _VIEWS:
        raise DataError(
            "DATA-FORMAT", where=picture.film_id, found=f"view {picture.view!r}", expected="PA or AP", repair="correct the view"
        )
    value, meaning = _VIEWS[picture.view]
    item = _code(value, "SCT", meaning)
    item.ViewModifierCodeSequence = Sequence([])
    return item


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def _render(dataset: Dataset, picture: Picture) -> None:
    """State how the values are shown: bright is dense, over the full range; the relation to intensity is not linear, more it does not say."""
    shown: dict[str, Any] = {
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": picture.rows,
        "Columns": picture.columns,
        "BitsAllocated": 8,
        "BitsStored": 8,
        "HighBit": 7,
        "PixelRepresentation": 0,
        "PixelIntensityRelationship": "LOG",
        "PixelIntensityRelationshipSign": -1,
        "RescaleIntercept": "0",
        "RescaleSlope": "1",
        "RescaleType": "US",
        "PresentationLUTShape": "IDENTITY",
        "WindowCenter": "128",
        "WindowWidth": "256",
        "WindowCenterWidthExplanation": "full range",
    }
    for keyword, value in shown.items():
        setattr(dataset, keyword, value)


def _meta(dataset: Dataset) -> FileMetaDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = dataset.SOPClassUID, dataset.SOPInstanceUID
    meta.TransferSyntaxUID = JPEGBaseline8Bit
    meta.ImplementationClassUID, meta.ImplementationVersionName = _IMPLEMENTATION, "THORATRACE_WRAP1"
    return meta
