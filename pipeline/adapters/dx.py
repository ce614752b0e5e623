"""The DX Image For Presentation that every adapter writes: who is on the film, what is shown and how, said once, in the standard's words.

Nothing is invented. What the source does not tell is left out or empty, and where the standard insists on a value (a view, an orientation) the object says
that it was assumed. The one Type 1 element that nobody can assume is Imager Pixel Spacing; a film whose source does not know it lacks it, and the dataset
report counts such films.

Source: DICOM PS3.3 A.26 (DX), C.7.6.1 (General Image), C.8.11 (DX modules), C.11 (LUT modules); PS3.5 B.2 (UIDs under 2.25); PS3.10 7.1 (file meta).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from io import BytesIO

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, DigitalXRayImageStorageForPresentation

from pipeline.adapters.errors import DataError

_IMPLEMENTATION = UID("2.25.103512846907162947300462911385067315849")
_VIEWS = {
    "PA": ("272479007", "postero-anterior"),
    "AP": ("399348003", "antero-posterior"),
    "unknown": ("261665006", "Unknown"),
}
_ORIENTATION_ASSUMED = "Patient Orientation assumed to be L\\F: the source does not state it"


@dataclass(frozen=True, slots=True)
class FilmRecord:
    """What a source says about a film.

    Attributes:
        film_id: name of the film in the cohort, without patient data.
        patient_id: pseudonymous id.
        view: PA, AP or unknown.
        sex: M, F, O, or empty where unknown.
        age: years, None where unknown.
        rows: height in pixels.
        columns: width in pixels.
        origin: where the film comes from and what was done to it before, for the derivation description.
        spacing: distance of rows and of columns at the detector in mm, None where unknown.
        stated_orientation: whether the source says that the film is shown as usual (left of the patient on the right).
    """

    film_id: str
    patient_id: str
    view: str
    sex: str
    age: int | None
    rows: int
    columns: int
    origin: str
    spacing: tuple[float, float] | None = None
    stated_orientation: bool = False


def dx_object(film: FilmRecord, seed: int) -> Dataset:
    """Return a DX object without picture: identity, description, view and detector; the same input gives the same UIDs.

    Raises:
        DataError: ``DATA-FORMAT``, the view is neither frontal nor unknown.
    """
    dataset = Dataset()
    _identify(dataset, film, seed)
    _describe(dataset, film)
    return dataset


def written(dataset: Dataset, syntax: UID) -> bytes:
    """Return the bytes of the DICOM file around a finished object."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = dataset.SOPClassUID, dataset.SOPInstanceUID
    meta.TransferSyntaxUID = syntax
    meta.ImplementationClassUID, meta.ImplementationVersionName = _IMPLEMENTATION, "THORATRACE_WRAP1"
    dataset.file_meta = meta
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def unique_id(film_id: str, purpose: str, seed: int) -> UID:
    """Return a UID that depends on its arguments only: 2.25 and 128 bits of SHA-256, shaped as a version 5 UUID.

    >>> unique_id("a", "study", 1) == unique_id("a", "study", 1) != unique_id("a", "series", 1)
    True
    """
    number = bytearray(hashlib.sha256(f"thoratrace-wrapped/{seed}/{film_id}/{purpose}".encode()).digest()[:16])
    number[6], number[8] = number[6] & 0x0F | 0x50, number[8] & 0x3F | 0x80
    return UID(f"2.25.{int.from_bytes(number)}")


def _identify(dataset: Dataset, film: FilmRecord, seed: int) -> None:
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID = DigitalXRayImageStorageForPresentation
    dataset.SOPInstanceUID = unique_id(film.film_id, "instance", seed)
    dataset.StudyInstanceUID = unique_id(film.film_id, "study", seed)
    dataset.SeriesInstanceUID = unique_id(film.film_id, "series", seed)
    dataset.Modality = "DX"
    dataset.PatientID, dataset.PatientName = film.patient_id, ""
    dataset.PatientSex, dataset.PatientBirthDate = film.sex, ""
    if film.age is not None:
        dataset.PatientAge = f"{film.age:03d}Y"
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


def _describe(dataset: Dataset, film: FilmRecord) -> None:
    dataset.ImageType = ["DERIVED", "PRIMARY", ""]
    dataset.DerivationDescription = film.origin
    dataset.PresentationIntentType, dataset.BurnedInAnnotation = "FOR PRESENTATION", "NO"
    dataset.BodyPartExamined, dataset.ImageLaterality = "CHEST", "U"
    dataset.ViewPosition = "" if film.view == "unknown" else film.view
    dataset.PatientOrientation = ["L", "F"]
    if not film.stated_orientation:
        dataset.ImageComments = _ORIENTATION_ASSUMED
    dataset.AnatomicRegionSequence = Sequence([code("51185008", "SCT", "Chest")])
    dataset.ViewCodeSequence = Sequence([_view(film)])
    dataset.PositionerType = dataset.DetectorType = ""
    if film.spacing is not None:
        dataset.ImagerPixelSpacing = [f"{distance:.6g}" for distance in film.spacing]
    dataset.AcquisitionContextSequence = Sequence([])


def _view(film: FilmRecord) -> Dataset:
    if film.view not in _VIEWS:
        raise DataError(
            "DATA-FORMAT", where=film.film_id, found=f"view {film.view!r}", expected="PA or AP", repair="correct the view"
        )
    value, meaning = _VIEWS[film.view]
    item = code(value, "SCT", meaning)
    item.ViewModifierCodeSequence = Sequence([])
    return item


def code(value: str, scheme: str, meaning: str) -> Dataset:
    """Return an item of a code sequence (PS3.3 8.8)."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item
