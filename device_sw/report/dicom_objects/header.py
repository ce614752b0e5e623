"""The part that all our DICOM objects share: patient and study as the film has them, a series of our own, our equipment, SOP Common.

Source: DICOM PS3.3 C.7.1.1, C.7.2.1, C.7.2.2, C.7.3.1, C.7.5.1, C.7.5.2, C.12.1; PS3.10 7.1 (file meta information).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from io import BytesIO
from typing import Any

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from device_sw.findings import Code
from device_sw.report.content import RESEARCH, STATEMENT, mark
from device_sw.report.dicom_objects.identity import MANUFACTURER, MODEL_NAME, PRIVATE_SCHEME, Origin, derived_uid

_EMPTY_IF_ABSENT = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "AccessionNumber",
    "ReferringPhysicianName",
)
"""Type 2: present, and empty where the film has no value."""

PROCESSING_EQUIPMENT = Code("109102", "DCM", "Processing Equipment")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of object: its role in UIDs, SOP class, modality, and the number and title of its series."""

    role: str
    sop_class_uid: str
    modality: str
    series_number: int
    title: str


@dataclass(frozen=True, slots=True, repr=False)
class DicomFile:
    """A finished object: its identity and its bytes, which hold patient data and are therefore not shown."""

    sop_class_uid: str
    sop_instance_uid: str
    content: bytes

    def __repr__(self) -> str:
        """Show the identity only."""
        return f"DicomFile({self.sop_instance_uid})"


def new_object(origin: Origin, kind: Kind) -> Dataset:
    """Return an object with everything but its content.

    The only time in it is the run's. Text is written in Unicode UTF-8, whatever the film's character sets are.
    """
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    _patient_and_study(dataset, origin)
    _series(dataset, origin, kind)
    _equipment(dataset, origin)
    _common(dataset, origin, kind)
    return dataset


def _patient_and_study(dataset: Dataset, origin: Origin) -> None:
    for keyword in _EMPTY_IF_ABSENT:
        setattr(dataset, keyword, None)
    for keyword, text in origin.source.carried.items():
        setattr(dataset, keyword, text)
    dataset.StudyInstanceUID = origin.source.study_instance_uid


def _series(dataset: Dataset, origin: Origin, kind: Kind) -> None:
    words = mark(origin.policy)
    dataset.Modality = kind.modality
    dataset.SeriesInstanceUID = origin.uid(f"{kind.role}/series")
    dataset.SeriesNumber = kind.series_number
    dataset.SeriesDescription = kind.title if words is None else f"{words} {kind.title}"
    dataset.InstanceNumber = 1
    if kind.modality != "SR":
        dataset.Laterality = None


def _equipment(dataset: Dataset, origin: Origin) -> None:
    made_by: dict[str, Any] = {
        "Manufacturer": MANUFACTURER,
        "ManufacturerModelName": MODEL_NAME,
        "DeviceSerialNumber": origin.bundle_sha256,
        "SoftwareVersions": origin.device_version,
    }
    contributed = Dataset()
    for target in (dataset, contributed):
        for keyword, value in made_by.items():
            setattr(target, keyword, value)
    contributed.PurposeOfReferenceCodeSequence = [code_item(PROCESSING_EQUIPMENT)]
    contributed.ContributionDateTime = origin.run_time.astimezone(UTC).strftime("%Y%m%d%H%M%S+0000")
    contributed.ContributionDescription = STATEMENT
    dataset.ContributingEquipmentSequence = [contributed]


def _common(dataset: Dataset, origin: Origin, kind: Kind) -> None:
    dataset.SOPClassUID = kind.sop_class_uid
    dataset.SOPInstanceUID = origin.uid(f"{kind.role}/instance")
    dataset.InstanceCreationDate, dataset.InstanceCreationTime = day_and_time(origin)
    if mark(origin.policy) is not None:
        dataset.ContentQualification = RESEARCH
    scheme = Dataset()
    scheme.CodingSchemeDesignator = PRIVATE_SCHEME
    scheme.CodingSchemeName = "ThoraTrace findings"
    scheme.CodingSchemeResponsibleOrganization = MANUFACTURER
    dataset.CodingSchemeIdentificationSequence = [scheme]


def day_and_time(origin: Origin) -> tuple[str, str]:
    """Return the run's date and time as DA and TM."""
    return origin.local_time.strftime("%Y%m%d"), origin.local_time.strftime("%H%M%S")


def code_item(code: Code) -> Dataset:
    """Return a code as an item of a code sequence (PS3.3 8.8)."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code.value, code.scheme, code.meaning
    return item


def image_reference(origin: Origin) -> Dataset:
    """Return a reference to the film."""
    item = Dataset()
    item.ReferencedSOPClassUID = origin.source.sop_class_uid
    item.ReferencedSOPInstanceUID = origin.source.sop_instance_uid
    return item


def series_reference(origin: Origin) -> Dataset:
    """Return a reference to the film within its series."""
    item = Dataset()
    item.SeriesInstanceUID = origin.source.series_instance_uid
    return item


def encoded(dataset: Dataset, origin: Origin, *, last_element: bytes = b"") -> DicomFile:
    """Return the object as a DICOM file, explicit VR little endian.

    Args:
        dataset: the object.
        origin: what it was made from.
        last_element: an encoded element whose tag is higher than every tag of the dataset.
    """
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = UID(derived_uid("implementation"))
    meta.ImplementationVersionName = f"THORATRACE {origin.device_version}"[:16]
    dataset.file_meta = meta
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return DicomFile(str(dataset.SOPClassUID), str(dataset.SOPInstanceUID), buffer.getvalue() + last_element)
