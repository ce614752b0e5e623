"""Writes a film as DICOM: Computed Radiography or Digital X-Ray Image For Presentation.

Source: DICOM PS3.3 A.2 (CR), A.26 (DX), C.8.11 (DX modules), C.11 (LUT modules); PS3.5 A.4 (encapsulated transfer syntaxes); UIDs under 2.25, PS3.5 B.2.
"""

from __future__ import annotations

import hashlib
from io import BytesIO
from typing import TYPE_CHECKING

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGLSLossless,
    RLELossless,
)

if TYPE_CHECKING:
    from phantom.patient import PatientSpec
    from phantom.vendors import Stored, Vendor

_SYNTAX = {"explicit": ExplicitVRLittleEndian, "implicit": ImplicitVRLittleEndian, "jpeg-ls": JPEGLSLossless, "rle": RLELossless}
_PLUGIN = {"jpeg-ls": "pyjpegls", "rle": "pylibjpeg"}


_VIEW_CODE = {"PA": ("272479007", "SCT", "postero-anterior"), "AP": ("399348003", "SCT", "antero-posterior")}
"""DICOM PS3.16 CID 4010, DX View."""


def unique_id(spec: PatientSpec, purpose: str) -> UID:
    """Return a UID that depends on the seed, the patient and the purpose only.

    Rule: ``2.25.`` and the first 128 bits of SHA-256 as a version-5-shaped UUID, in decimal.
    """
    digest = hashlib.sha256(f"thoratrace-phantom/{spec.seed}/{spec.index}/{spec.matrix}/{purpose}".encode()).digest()[:16]
    number = bytearray(digest)
    number[6] = (number[6] & 0x0F) | 0x50
    number[8] = (number[8] & 0x3F) | 0x80
    return UID(f"2.25.{int.from_bytes(number, 'big')}")


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def _identify(ds: Dataset, spec: PatientSpec, vendor: Vendor) -> None:
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.ImageType = ["ORIGINAL", "PRIMARY"]
    ds.SOPClassUID = ComputedRadiographyImageStorage if vendor.modality == "CR" else DigitalXRayImageStorageForPresentation
    ds.SOPInstanceUID = unique_id(spec, "instance")
    ds.StudyInstanceUID, ds.SeriesInstanceUID = unique_id(spec, "study"), unique_id(spec, "series")
    ds.StudyDate = ds.ContentDate = ds.AcquisitionDate = "20260115"
    ds.StudyTime = ds.ContentTime = ds.AcquisitionTime = f"{8 + spec.index % 10:02d}{spec.index % 60:02d}00"
    ds.AccessionNumber = f"A{spec.index:06d}"
    ds.Modality, ds.Manufacturer, ds.ManufacturerModelName = vendor.modality, vendor.name, vendor.model
    ds.ReferringPhysicianName = ""
    ds.StudyDescription = "Digital phantom of the chest"
    ds.PatientName, ds.PatientID = f"Phantom^{spec.patient_id}", spec.patient_id
    ds.PatientBirthDate, ds.PatientSex, ds.PatientAge = "", spec.sex, f"{spec.age:03d}Y"
    ds.StudyID, ds.SeriesNumber, ds.InstanceNumber = str(spec.index), "1", "1"


def _describe(ds: Dataset, spec: PatientSpec, vendor: Vendor, distance: float) -> None:
    ds.BodyPartExamined, ds.ViewPosition = "CHEST", spec.view
    ds.PatientOrientation = ["L", "F"]
    ds.KVP = "125" if spec.view == "PA" else "90"
    ds.DistanceSourceToDetector = str(round(distance))
    ds.BurnedInAnnotation, ds.LossyImageCompression = "NO", "00"
    ds.ImageLaterality = "U"
    ds.AnatomicRegionSequence = Sequence([_code("816094009", "SCT", "Chest")])
    if vendor.modality == "CR":
        ds.PlateType = "PHANTOM"
        return
    ds.PresentationIntentType = "FOR PRESENTATION"
    ds.DetectorType = "SCINTILLATOR"
    ds.AcquisitionContextSequence = Sequence([])
    ds.PositionerType = ""
    ds.ViewCodeSequence = Sequence([_code(*_VIEW_CODE[spec.view])])


def _picture(ds: Dataset, vendor: Vendor, stored: Stored, pitch: float) -> None:
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, vendor.photometric
    ds.Rows, ds.Columns = stored.pixels.shape
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.ImagerPixelSpacing = [f"{pitch:.6f}"] * 2
    ds.PixelIntensityRelationship, ds.PixelIntensityRelationshipSign = vendor.relationship, vendor.sign
    ds.RescaleSlope, ds.RescaleIntercept, ds.RescaleType = f"{vendor.slope:g}", f"{vendor.intercept:g}", "US"
    ds.PresentationLUTShape = "INVERSE" if vendor.photometric == "MONOCHROME1" else "IDENTITY"
    centres, widths, names = zip(*stored.windows, strict=True)
    single = len(centres) == 1
    ds.WindowCenter = f"{centres[0]:g}" if single else MultiValue(str, [f"{x:g}" for x in centres])
    ds.WindowWidth = f"{widths[0]:g}" if single else MultiValue(str, [f"{x:g}" for x in widths])
    ds.WindowCenterWidthExplanation = names[0] if single else list(names)


def dataset(spec: PatientSpec, vendor: Vendor, stored: Stored, pitch: float, distance: float) -> Dataset:
    """Return the film as a dataset with file meta information, pixel data encoded in the vendor's transfer syntax."""
    ds = Dataset()
    _identify(ds, spec, vendor)
    _describe(ds, spec, vendor, distance)
    _picture(ds, vendor, stored, pitch)
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = ds.SOPClassUID, ds.SOPInstanceUID
    meta.ImplementationClassUID = UID("2.25.274823914823471982374912873491283749")
    meta.ImplementationVersionName = "THORA_PHANTOM_1"
    syntax = _SYNTAX[vendor.syntax]
    meta.TransferSyntaxUID = syntax if not syntax.is_compressed else ExplicitVRLittleEndian
    ds.file_meta = meta
    ds.PixelData = stored.pixels.astype("<u2").tobytes()
    ds["PixelData"].VR = "OW"
    if syntax.is_compressed:
        ds.compress(syntax, encoding_plugin=_PLUGIN[vendor.syntax], generate_instance_uid=False)
    return ds


def encode(ds: Dataset) -> bytes:
    """Return the dataset as the bytes of a DICOM file."""
    buffer = BytesIO()
    ds.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()
