"""Removes the identity from one film: header, pixels where text is drawn into them, file meta information; or refuses it.

    read and decode -> find text -> clean the header -> blank the text -> write a new file with new UIDs

A film that cannot be read and decoded whole is refused, because nobody could say what its pixels show. Where no text was found and no overlay was there, the pixel data
stays as it is, bit by bit and in its transfer syntax; else it is written uncompressed.

Source: DICOM PS3.15 E.1.1, E.3.1 (Clean Pixel Data Option); PS3.10 7.1.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from pydicom.dataset import FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import UID, ExplicitVRLittleEndian

from device_sw.deidentification.burned_in import Region, blank, text_regions
from device_sw.deidentification.dataset import deidentify, removal_for
from device_sw.dicom import reader
from device_sw.errors import DeidentificationError
from device_sw.report.dicom_objects.identity import derived_uid
from device_sw.types import BurnedIn

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray
    from pydicom.dataset import Dataset

    from device_sw.deidentification.pseudonyms import Pseudonyms
    from device_sw.dicom.radiograph import Radiograph


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person chose for a run.

    Attributes:
        burned_in: what becomes of text in the picture.
        keep_characteristics: whether sex, age, size and the like stay.
    """

    burned_in: BurnedIn = BurnedIn.BLANK
    keep_characteristics: bool = False


@dataclass(frozen=True, slots=True)
class CleanFilm:
    """A film without its patient's identity.

    Attributes:
        content: the new DICOM file.
        patient: the pseudonym.
        sop_instance_uid: the new one.
        actions: how many attributes each action of the profile met.
        regions: where text was found.
        entry: who is who, for the sealed table only: original values and what stands for them.
    """

    content: bytes
    patient: str
    sop_instance_uid: str
    actions: Mapping[str, int]
    regions: tuple[Region, ...]
    entry: Mapping[str, str]


def clean_film(path: Path, pseudonyms: Pseudonyms, choice: Choice) -> CleanFilm:
    """Return the film at ``path`` without its patient's identity.

    Raises:
        InputRefused: it cannot be read or decoded whole (``IN-...``).
        DeidentificationError: DEI-BURNED-IN, text was found and the run refuses such films.
    """
    opened = reader.open_file(path)
    film = reader.decode(opened)
    regions = () if choice.burned_in is BurnedIn.KEEP else text_regions(over_its_range(film.stored))
    if regions and choice.burned_in is BurnedIn.REFUSE:
        raise _burned_in(len(regions))
    dataset = opened.dataset
    removal = removal_for(dataset, pseudonyms, keep_characteristics=choice.keep_characteristics)
    before = {name: str(dataset.get(name, "") or "") for name in ("PatientID", "StudyInstanceUID", "SOPInstanceUID")}
    has_overlay = any(0x6000 <= tag.group <= 0x601E for tag in dataset.keys())  # noqa: SIM118 - a dataset iterates elements
    actions = deidentify(dataset, removal, pixels_cleaned=choice.burned_in is not BurnedIn.KEEP)
    if regions or has_overlay:
        _write_pixels(dataset, blank(film.stored, regions, _background(film)))
    _new_meta(dataset)
    entry = {
        "patient_id": before["PatientID"],
        "patient": removal.patient,
        "days_back": str(removal.days),
        "study": before["StudyInstanceUID"],
        "sop_instance": before["SOPInstanceUID"],
        "new_sop_instance": str(dataset.SOPInstanceUID),
        "path": str(path),
    }
    return CleanFilm(_encoded(dataset), removal.patient, str(dataset.SOPInstanceUID), dict(actions), regions, entry)


def over_its_range(stored: NDArray[np.int32]) -> NDArray[np.float32]:
    """Return stored values as shares of the range they use, (rows, columns) float32 in [0, 1]; zeros where all are equal."""
    low, high = int(stored.min()), int(stored.max())
    shares: NDArray[np.float32] = (stored - low).astype(np.float32) / np.float32(max(high - low, 1))
    return shares


def _background(film: Radiograph) -> int:
    """Return the stored value of the darkest pixel, as the film is displayed."""
    return int(film.stored.max() if film.attributes.inverts else film.stored.min())


def _write_pixels(dataset: Dataset, stored: NDArray[np.int32]) -> None:
    """Put values in the place of the pixel data: uncompressed, in the bits that the header declares, everything beyond them zero."""
    bits = int(dataset.BitsAllocated)
    values = stored.astype(np.int64) & ((1 << int(dataset.BitsStored)) - 1)
    content = values.astype("<u2" if bits > 8 else "u1").tobytes()
    dataset.HighBit = int(dataset.BitsStored) - 1
    dataset.PixelData = content + b"\0" * (len(content) % 2)
    dataset["PixelData"].VR = "OW" if bits > 8 else "OB"
    dataset["PixelData"].is_undefined_length = False
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian


def _new_meta(dataset: Dataset) -> None:
    """Write file meta information anew: the old one may name the sender."""
    syntax = dataset.file_meta.TransferSyntaxUID
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.ImplementationClassUID = UID(derived_uid("implementation"))
    dataset.preamble = b"\0" * 128


def _encoded(dataset: Dataset) -> bytes:
    stream = io.BytesIO()
    dcmwrite(stream, dataset, enforce_file_format=True)
    return stream.getvalue()


def _burned_in(count: int) -> DeidentificationError:
    return DeidentificationError(
        "DEI-BURNED-IN",
        where="(7FE0,0010) PixelData",
        found=f"text drawn into the picture in {count} places",
        expected="a picture without text",
        repair="look at the film, or let --burned-in blank cover the places",
    )
