"""Small synthetic chest films with known content, and the ways in which a film can deviate from what the device admits.

The picture is a cartoon of a frontal chest (dark background and lungs, brighter body, heart and spine brightest, gas in the stomach), 12 bits in 16, of 512 pixels
unless said otherwise: enough for reading, admission and preprocessing, which is what its scenarios show. Detection quality is shown on
phantom films and never on these.
"""

from __future__ import annotations

import warnings
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.tag import Tag
from pydicom.uid import (
    UID,
    ComputedRadiographyImageStorage,
    CTImageStorage,
    DigitalMammographyXRayImageStorageForPresentation,
    DigitalXRayImageStorageForPresentation,
    DigitalXRayImageStorageForProcessing,
    ExplicitVRLittleEndian,
    MRImageStorage,
    SecondaryCaptureImageStorage,
    UltrasoundImageStorage,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

PLANTED: dict[str, str] = {
    "PatientName": "PLANTEDNAME^ZOE",
    "PatientID": "PLANTEDID-4711",
    "PatientBirthDate": "19571113",
    "AccessionNumber": "PLANTEDACC-88",
    "InstitutionName": "PLANTEDHOSPITAL",
    "ReferringPhysicianName": "PLANTEDDOCTOR^EVE",
}
"""Patient data that no output of the device may repeat."""

SOP_CLASSES: dict[str, UID] = {
    "Computed Radiography": ComputedRadiographyImageStorage,
    "Digital X-Ray for presentation": DigitalXRayImageStorageForPresentation,
    "Digital X-Ray for processing": DigitalXRayImageStorageForProcessing,
    "CT": CTImageStorage,
    "MR": MRImageStorage,
    "mammography": DigitalMammographyXRayImageStorageForPresentation,
    "ultrasound": UltrasoundImageStorage,
    "Secondary Capture": SecondaryCaptureImageStorage,
}
"""Storage classes by the names that scenarios use."""

_UID_ROOT = "1.2.826.0.1.3680043.10.1999"


@cache
def picture(rows: int = 512, columns: int = 512, seed: int = 0) -> NDArray[np.uint16]:
    """Return a chest cartoon, (rows, columns) uint16 in [0, 4095], air dark and bone bright; read-only.

    >>> int(picture(64, 64).min()) >= 0 and int(picture(64, 64).max()) <= 4095
    True
    """
    y, x = (axis.astype(np.float64) for axis in np.mgrid[0:rows, 0:columns])
    y, x = y / rows, x / columns
    grey = np.full((rows, columns), 0.04)
    body = (np.abs(x - 0.5) < 0.44) & (y > 0.04 + 0.5 * np.clip(np.abs(x - 0.5) - 0.10, 0.0, None))
    grey[body] = 0.62
    diaphragm = 0.76 + 0.9 * (np.abs(x - 0.5) - 0.19) ** 2 - 0.06 * (x < 0.5)
    grey[body & (y > diaphragm)] = 0.74
    for side in (-1.0, 1.0):
        lung = (x - (0.5 + side * (0.13 + 0.10 * y))) ** 2 < (0.13 * np.sqrt(np.clip(y - 0.12, 0.0, None))) ** 2
        grey[body & lung & (y < diaphragm)] = 0.22
    grey[body & (np.abs(x - 0.5) < 0.05)] = 0.80
    for across, down, wide, high in ((0.56, 0.62, 0.15, 0.14), (0.545, 0.32, 0.04, 0.05)):
        grey[((x - across) / wide) ** 2 + ((y - down) / high) ** 2 < 1.0] = 0.78
    grey[((x - 0.70) / 0.06) ** 2 + ((y - 0.84) / 0.04) ** 2 < 1.0] = 0.45
    grey += 0.03 * np.sin(y * 70.0) * body
    grey += np.random.default_rng(seed).normal(0.0, 0.015, (rows, columns))
    stored = np.clip(np.round(grey * 4095.0), 0, 4095).astype(np.uint16)
    stored.setflags(write=False)
    return stored


@cache
def oval_chest(rows: int = 512, columns: int = 512, seed: int = 0) -> NDArray[np.uint16]:
    """Return a plainer chest, whose lungs are ovals and which has no abdomen; committed streams and golden pictures were made of it.

    It does not tell head from feet. (rows, columns) uint16 in [0, 4095], air dark and bone bright; read-only.

    >>> int(oval_chest(64, 64).min()) >= 0 and int(oval_chest(64, 64).max()) <= 4095
    True
    """
    y, x = (axis.astype(np.float64) for axis in np.mgrid[0:rows, 0:columns])
    y, x = y / rows, x / columns
    grey = np.full((rows, columns), 0.04)
    grey[(np.abs(x - 0.5) < 0.44) & (y > 0.06)] = 0.62
    for centre in (0.30, 0.70):
        grey[((x - centre) / 0.155) ** 2 + ((y - 0.46) / 0.33) ** 2 < 1.0] = 0.22
    grey[np.abs(x - 0.5) < 0.06] = 0.80
    grey[((x - 0.56) / 0.15) ** 2 + ((y - 0.62) / 0.14) ** 2 < 1.0] = 0.78
    grey += 0.03 * np.sin(y * 70.0) * (np.abs(x - 0.5) < 0.44)
    grey += np.random.default_rng(seed).normal(0.0, 0.015, (rows, columns))
    stored = np.clip(np.round(grey * 4095.0), 0, 4095).astype(np.uint16)
    stored.setflags(write=False)
    return stored


def film(stored: NDArray[Any] | None = None, *, name: str = "film") -> FileDataset:
    """Return a conformant DX For Presentation film of an adult, frontal view, with planted patient data.

    Args:
        stored: values that become the pixel data; a chest of 512 x 512 pixels where absent.
        name: makes the UIDs; films of different names are different instances.
    """
    dataset = FileDataset("", {}, file_meta=FileMetaDataset(), preamble=b"\0" * 128)
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    _describe(dataset, name)
    show(dataset, picture() if stored is None else stored)
    return dataset


def _describe(dataset: Dataset, name: str) -> None:
    for keyword, value in {**PLANTED, **_technical(name)}.items():
        setattr(dataset, keyword, value)
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID


def _technical(name: str) -> dict[str, Any]:
    serial = int.from_bytes(name.encode()[:12], "big") or 1
    return {
        "SOPClassUID": DigitalXRayImageStorageForPresentation,
        "SOPInstanceUID": f"{_UID_ROOT}.3.{serial}",
        "StudyInstanceUID": f"{_UID_ROOT}.1.{serial}",
        "SeriesInstanceUID": f"{_UID_ROOT}.2.{serial}",
        "Modality": "DX",
        "PresentationIntentType": "FOR PRESENTATION",
        "ImageType": ["ORIGINAL", "PRIMARY"],
        "StudyDate": "20240601",
        "PatientAge": "066Y",
        "PatientSex": "F",
        "BodyPartExamined": "CHEST",
        "ViewPosition": "PA",
        "PatientOrientation": ["L", "F"],
        "BurnedInAnnotation": "NO",
        "LossyImageCompression": "00",
        "PhotometricInterpretation": "MONOCHROME2",
        "PresentationLUTShape": "IDENTITY",
        "PixelIntensityRelationship": "LOG",
        "PixelIntensityRelationshipSign": -1,
        "RescaleSlope": "1",
        "RescaleIntercept": "0",
        "RescaleType": "US",
        "WindowCenter": "2048",
        "WindowWidth": "4096",
        "ImagerPixelSpacing": ["0.4", "0.4"],
        "PixelSpacing": ["0.4", "0.4"],
        "Manufacturer": "Synthetic",
    }


def show(dataset: Dataset, stored: NDArray[Any]) -> None:
    """Put stored values into the dataset, 12 of 16 bits, and describe them."""
    dataset.Rows, dataset.Columns = stored.shape
    dataset.SamplesPerPixel = 1
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.PixelRepresentation = 1 if stored.dtype.kind == "i" else 0
    dataset.PixelData = np.ascontiguousarray(stored.astype("<i2" if stored.dtype.kind == "i" else "<u2")).tobytes()
    dataset["PixelData"].VR = "OW"


def stored_values(dataset: Dataset) -> NDArray[np.uint16]:
    """Return the unsigned 16-bit stored values of an uncompressed single frame."""
    return np.frombuffer(dataset.PixelData, dtype="<u2").reshape(dataset.Rows, dataset.Columns)


def shrunk(stored: NDArray[np.uint16], share: float) -> NDArray[np.uint16]:
    """Return the picture sampled down to that share of either side, in the middle of a film that is 0 elsewhere."""
    rows, columns = (round(length * share) for length in stored.shape)
    small = stored[np.ix_(np.arange(rows) * stored.shape[0] // rows, np.arange(columns) * stored.shape[1] // columns)]
    film = np.zeros_like(stored)
    top, left = (stored.shape[0] - rows) // 2, (stored.shape[1] - columns) // 2
    film[top : top + rows, left : left + columns] = small
    return film


def assign(dataset: Dataset, keyword: str, text: str) -> None:
    r"""Set an attribute from a scenario's text: ``absent`` deletes it, ``empty`` empties it, a backslash separates values.

    >>> d = Dataset(); assign(d, "ImageType", r"DERIVED\SECONDARY"); list(d.ImageType)
    ['DERIVED', 'SECONDARY']
    """
    if text == "absent":
        if keyword in dataset:
            del dataset[keyword]
        return
    value: Any = None if text == "empty" else text.split("\\") if "\\" in text else text
    if keyword == "SOPClassUID":
        value = SOP_CLASSES[text]
        dataset.file_meta.MediaStorageSOPClassUID = value
    if keyword in {"Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelPaddingValue", "PixelPaddingRangeLimit"}:
        value = int(text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        setattr(dataset, keyword, value)


def complement(dataset: Dataset) -> None:
    """Turn a MONOCHROME2 film into the same film written as MONOCHROME1: stored values and window are mirrored at full range."""
    show(dataset, (4095 - stored_values(dataset)).astype(np.uint16))
    dataset.PhotometricInterpretation = "MONOCHROME1"
    dataset.PresentationLUTShape = "INVERSE"
    dataset.WindowCenter = str(4096 - float(dataset.WindowCenter))


def write(dataset: Dataset, path: Path) -> Path:
    """Write the dataset in its transfer syntax as a DICOM file; deviations are written as they are."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        dataset.save_as(path, enforce_file_format=True)
    return path


def planted_bytes(path: Path) -> Mapping[str, bytes]:
    """Return what no output may hold: each planted value in the form in which it would leak, and the source's folder and name."""
    values = {keyword: value.split("^")[0].encode() for keyword, value in PLANTED.items()}
    return {**values, "source folder": str(path.parent).encode(), "source name": path.name.encode()}


def nested(depth: int) -> bytes:
    """Return a DICOM file in which sequences of undefined length are nested ``depth`` deep: a parser that recurses overflows."""
    sequence = Tag(0x0040, 0x0275)
    opening = sequence.group.to_bytes(2, "little") + sequence.element.to_bytes(2, "little") + b"SQ\0\0\xff\xff\xff\xff"
    item = b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    meta = b"\x02\x00\x10\x00UI\x14\x00" + b"1.2.840.10008.1.2.1\0"
    length = b"\x02\x00\x00\x00UL\x04\x00" + len(meta).to_bytes(4, "little")
    return b"\0" * 128 + b"DICM" + length + meta + (opening + item) * depth
