"""Chest-like pictures drawn from arithmetic, and marks on them: no picture of a person is in any fixture."""

from io import BytesIO

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

CR_STORAGE = "1.2.840.10008.5.1.4.1.1.1"
ROWS, COLUMNS = 420, 400
NOT_A_FILM = CTImageStorage


def thorax(seed, rows=ROWS, columns=COLUMNS):
    """Return (rows, columns) in [0, 1], dense bright: two dark ovals beside a bright band."""
    y, x = np.mgrid[0:rows, 0:columns] / rows
    lungs = sum(np.exp(-(((x - cx) / 0.13) ** 2 + ((y - 0.45) / 0.28) ** 2)) for cx in (0.28, 0.72))
    noise = np.random.default_rng(seed).normal(0, 0.015, size=(rows, columns))
    return np.clip(0.8 - 0.6 * lungs + 0.08 * y + noise, 0, 1)


def radiograph(seed, **changes):
    """Return the bytes of a CR object as E-Da's are said to be: MONOCHROME1, LOG, 12 bits, with a window and with a patient in it."""
    dataset = Dataset()
    picture = thorax(seed)
    values = {
        "SpecificCharacterSet": "ISO_IR 192",
        "SOPClassUID": CR_STORAGE,
        "SOPInstanceUID": generate_uid(entropy_srcs=[str(seed)]),
        "StudyInstanceUID": generate_uid(entropy_srcs=[f"study{seed}"]),
        "SeriesInstanceUID": generate_uid(entropy_srcs=[f"series{seed}"]),
        "Modality": "CR",
        "ImageType": ["ORIGINAL", "PRIMARY"],
        "PatientName": "Wang^Secret",
        "PatientID": "H123456789",
        "PatientBirthDate": "19500101",
        "StudyDate": "20180102",
        "PatientSex": "F",
        "PatientAge": "067Y",
        "InstitutionName": "Secret Hospital",
        "Manufacturer": "FICTIVE",
        "BodyPartExamined": "CHEST",
        "ViewPosition": "PA",
        "ImagerPixelSpacing": ["0.2", "0.2"],
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME1",
        "PixelIntensityRelationship": "LOG",
        "Rows": ROWS,
        "Columns": COLUMNS,
        "BitsAllocated": 16,
        "BitsStored": 12,
        "HighBit": 11,
        "PixelRepresentation": 0,
        "WindowCenter": "2048",
        "WindowWidth": "4000",
        "PixelData": (4095 - picture * 3900).astype(np.uint16).tobytes(),
    }
    for keyword, value in (values | changes).items():
        if value is not None:
            setattr(dataset, keyword, value)
    dataset["PixelData"].VR = "OW"
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.get("SOPClassUID", CR_STORAGE)
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.get("SOPInstanceUID", generate_uid(entropy_srcs=["none"]))
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def mark(*boxes, rows=ROWS, columns=COLUMNS, quality=60):
    """Return a JPEG of white ellipses on black, one in each box x0, y0, x1, y1; low quality, so that it rings."""
    y, x = np.mgrid[0:rows, 0:columns]
    white = np.zeros((rows, columns), dtype=bool)
    for x0, y0, x1, y1 in boxes:
        white |= ((x + 0.5 - (x0 + x1) / 2) / ((x1 - x0) / 2)) ** 2 + ((y + 0.5 - (y0 + y1) / 2) / ((y1 - y0) / 2)) ** 2 <= 1
    return jpeg(white.astype(np.uint8) * 255, quality)


def jpeg(values, quality=90):
    buffer = BytesIO()
    Image.fromarray(values).save(buffer, "jpeg", quality=quality)
    return buffer.getvalue()


def png(values):
    buffer = BytesIO()
    Image.fromarray(values).save(buffer, "png")
    return buffer.getvalue()
