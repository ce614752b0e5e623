"""Opens a DICOM radiograph as a picture in display units, and writes a changed picture back as a file that differs in its pixels and nothing else.

The stored values are put on the scale of the film's first window (0 dark end, 1 bright end, bone bright), so that a change means the same for every vendor;
values outside the window stay outside it. Going back rounds to whole stored values and cuts at the bits that the file declares. An unchanged picture gives the
unchanged values; a test and the first column of every robustness study show that.

Source: DICOM PS3.3 C.7.6.3 and C.11.2 (windows), PS3.5 (encoding).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pydicom
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from device_sw.dicom.reader import read
from validation.errors import ValidationError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class FilmFile:
    """A film opened for changing.

    Attributes:
        path: its DICOM file.
        picture: (rows, columns) float64 in display units.
        dark: stored value of display unit 0.
        bright: stored value of display unit 1; below ``dark`` where low values are shown bright.
        bits: bits stored; values lie in [0, 2**bits - 1].
    """

    path: Path
    picture: NDArray[np.float64]
    dark: float
    bright: float
    bits: int

    def stored(self, picture: NDArray[np.float64]) -> NDArray[np.uint16]:
        """Return the stored values of a picture in display units."""
        values = np.round(self.dark + picture * (self.bright - self.dark))
        return np.clip(values, 0, 2**self.bits - 1).astype(np.uint16)


def open_film(path: Path) -> FilmFile:
    """Open a film for changing.

    Raises:
        InputRefused: the file cannot be read.
        ValidationError: ``VAL-FILM``, the film has signed values, more than 16 bits, a look-up table or no window; such films are not part of the study.
    """
    film = read(path)
    about = film.attributes
    plain = about.modality_lut is None and bool(about.windows) and not about.voi_luts
    if about.signed or about.bits_stored > 16 or not plain or about.windows[0].width <= 1:
        raise ValidationError(
            "VAL-FILM",
            where="film",
            found="signed values, a look-up table or no window",
            expected="unsigned values of at most 16 bits with slope, intercept and window",
            repair="leave the film out of the study",
        )
    slope, intercept = about.rescale_slope or 1.0, about.rescale_intercept or 0.0
    middle, half = about.windows[0].center, about.windows[0].width / 2.0
    low, high = ((middle - half) - intercept) / slope, ((middle + half) - intercept) / slope
    dark, bright = (high, low) if about.inverts else (low, high)
    return FilmFile(path, (film.stored - dark) / (bright - dark), dark, bright, about.bits_stored)


def write_changed(film: FilmFile, picture: NDArray[np.float64], target: Path, *, lossy: bool = False) -> None:
    """Write the film's file with another picture, uncompressed.

    Args:
        film: the film.
        picture: of the film's shape, display units.
        target: where the file goes.
        lossy: whether the file says that its pixels were once compressed with loss (0028,2110).
    """
    dataset = pydicom.dcmread(film.path)
    values = film.stored(picture)
    dataset.PixelData = values.astype("<u2").tobytes() if dataset.BitsAllocated == 16 else values.astype(np.uint8).tobytes()
    dataset["PixelData"].VR = "OW"
    dataset["PixelData"].is_undefined_length = False
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPInstanceUID = generate_uid(entropy_srcs=[str(dataset.SOPInstanceUID), target.name])
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    if lossy:
        dataset.LossyImageCompression = "01"
    dataset.save_as(target, little_endian=True, implicit_vr=False, enforce_file_format=True)
