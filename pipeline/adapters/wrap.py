"""Wraps an 8-bit grey JPEG or PNG of a chest film as a DX Image For Presentation, without changing a grey level, and says so in the object.

A JPEG stream becomes the pixel data byte for byte (transfer syntax JPEG Baseline); a PNG's values become native pixel data. What the picture has lost before
it came here is stated where DICOM has a place for it: Image Type DERIVED, PRIMARY, Lossy Image Compression, a derivation description.

Source: DICOM PS3.5 A.4 (encapsulated pixel data); ITU-T T.81 B.2.2 (JPEG frame header); W3C PNG 11.2.1 (IHDR).
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, UnidentifiedImageError
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, JPEGBaseline8Bit

from pipeline.adapters.dx import FilmRecord, code, dx_object, written
from pipeline.adapters.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pydicom.dataset import Dataset

_STANDALONE = frozenset({0x01, 0xD8, *range(0xD0, 0xD8)})
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_COMMENT = "Wrapped: an 8-bit picture in a DX object, not an original acquisition"


def wrapped(jpeg: bytes, film: FilmRecord, seed: int) -> bytes:
    """Return the bytes of a DICOM file around a JPEG; the same input gives the same bytes.

    Raises:
        DataError: ``DATA-IMAGE``, the stream is no complete 8-bit one-component baseline JPEG of that size; ``DATA-FORMAT``, the view is not frontal.
    """
    _require_baseline(jpeg, film)
    dataset = dx_object(film, seed)
    dataset.DerivationCodeSequence = Sequence([code("113040", "DCM", "Lossy Compression")])
    dataset.LossyImageCompression, dataset.LossyImageCompressionMethod = "01", "ISO_10918_1"
    dataset.LossyImageCompressionRatio = f"{film.rows * film.columns / len(jpeg):.2f}"
    _render(dataset, film)
    dataset.PixelData = encapsulate([jpeg])
    dataset["PixelData"].VR = "OB"
    return written(dataset, JPEGBaseline8Bit)


def wrapped_png(png: bytes, film: FilmRecord, seed: int) -> bytes:
    """Return the bytes of a DICOM file with the values of an 8-bit grey PNG; the same input gives the same bytes.

    A colour PNG whose channels are equal is grey and taken as such; transparency must be full opacity.

    Raises:
        DataError: ``DATA-IMAGE``, no 8-bit grey PNG of that size; ``DATA-FORMAT``, the view is not frontal.
    """
    pixels = _grey(png, film)
    dataset = dx_object(film, seed)
    dataset.LossyImageCompression = "00"
    _render(dataset, film)
    dataset.PixelData = pixels.tobytes() + b"\0" * (pixels.size % 2)
    dataset["PixelData"].VR = "OW"
    return written(dataset, ExplicitVRLittleEndian)


def _grey(png: bytes, film: FilmRecord) -> NDArray[np.uint8]:
    """Return (rows, columns) uint8."""
    try:
        with Image.open(BytesIO(png), formats=["PNG"]) as picture:
            values, mode = np.asarray(picture), picture.mode
    except (UnidentifiedImageError, OSError, ValueError) as error:
        raise _not_grey(film, f"no readable PNG ({type(error).__name__})") from error
    if mode in {"RGB", "RGBA", "LA"}:
        colours, opaque = (values, True) if mode == "RGB" else (values[..., :-1], bool((values[..., -1] == 255).all()))
        if not opaque or (colours != colours[..., :1]).any():
            raise _not_grey(film, f"mode {mode} with colours or transparency")
        values = colours[..., 0]
    elif mode != "L":
        raise _not_grey(film, f"mode {mode}")
    if values.shape != (film.rows, film.columns):
        raise _not_grey(film, f"{values.shape[0]} x {values.shape[1]}")
    return np.ascontiguousarray(values, dtype=np.uint8)


def _not_grey(film: FilmRecord, found: str) -> DataError:
    return DataError(
        "DATA-IMAGE",
        where=film.film_id,
        found=found,
        expected=f"an 8-bit grey PNG, {film.rows} x {film.columns}",
        repair="convert the picture to 8-bit grey PNG and check its size in the annotations",
    )


def _require_baseline(jpeg: bytes, film: FilmRecord) -> None:
    header = _frame_header(jpeg)
    expected = (0xC0, 8, film.rows, film.columns, 1)
    if header != expected or not jpeg.endswith(b"\xff\xd9"):
        found = "no JPEG frame" if header is None else "frame FF{:02X}, {} bits, {} x {}, {} components".format(*header)
        ending = "" if jpeg.endswith(b"\xff\xd9") else ", no end of image"
        raise DataError(
            "DATA-IMAGE",
            where=film.film_id,
            found=found + ending,
            expected=f"a complete 8-bit baseline JPEG, {film.rows} x {film.columns}, 1 component",
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


def _render(dataset: Dataset, film: FilmRecord) -> None:
    """State how the values are shown: bright is dense, over the full range; the relation to intensity is not linear, more it does not say."""
    dataset.ImageComments = "; ".join(filter(None, [_COMMENT, dataset.get("ImageComments")]))
    shown: dict[str, Any] = {
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": film.rows,
        "Columns": film.columns,
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
