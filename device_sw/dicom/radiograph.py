"""The values that leave the DICOM reader: what the file says about the film, and the film's stored values.

Nothing here identifies a patient. Name, id, dates and free text stay in the reader; what admission must know about them arrives as an age
in years, as "an id is stated", or as the keyword of an element whose text is not what the standard allows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class LookUpTable:
    """A modality or VOI look-up table (PS3.3 C.11.1.1.1, C.11.2.1.1).

    Attributes:
        entries: output values, (n,) int64, each in [0, 2**bits - 1].
        first_mapped: input value that the first entry stands for; lower input takes the first entry, higher input the last.
        bits: bits of an output value.
    """

    entries: NDArray[np.int64]
    first_mapped: int
    bits: int


@dataclass(frozen=True, slots=True)
class Window:
    """One VOI window, in units of the modality LUT's output. The width may be what the file says, even where that is not valid."""

    center: float
    width: float


@dataclass(frozen=True, slots=True)
class Age:
    """What the file says about the patient's age.

    Attributes:
        years: the lowest age that the file's statements allow, None where it states none that can be read.
        source: ``age`` (0010,1010 as the standard writes it), ``dates`` (birth and study date), ``bare-number`` (digits without a unit,
            read as years) or ``none``.
    """

    years: float | None
    source: str


@dataclass(frozen=True, slots=True, eq=False)
class FilmAttributes:
    """The technical attributes of an image object, as stated; an absent text is ``""``, an absent number 0 or None, an absent list empty.

    ``text_faults`` names the elements whose text breaks its value representation (PS3.5 6.2); their values are never kept.
    ``identity_faults`` names the elements that contradict the file meta information. The SOP Instance UID is a pseudonym that only the archive can resolve.
    ``intent`` is the Presentation Intent Type. ``cautions`` says what the reader had to assume. ``padding`` is the closed interval of stored values that are not picture.
    """

    sop_class_uid: str
    sop_instance_uid: str
    modality: str
    image_type: tuple[str, ...]
    body_part: str
    view_position: str
    patient_orientation: tuple[str, ...]
    age: Age
    patient_id_stated: bool
    burned_in: str
    photometric: str
    presentation_shape: str
    pixel_relationship: str
    samples: int
    frames: int
    rows: int
    columns: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool
    padding: tuple[int, int] | None
    spacing: tuple[float, ...]
    rescale_slope: float | None
    rescale_intercept: float | None
    modality_lut: LookUpTable | None
    windows: tuple[Window, ...]
    voi_function: str
    voi_luts: tuple[LookUpTable, ...]
    transfer_syntax: str
    lossy: bool
    text_faults: tuple[str, ...]
    identity_faults: tuple[str, ...]
    cautions: tuple[str, ...]
    intent: str = ""

    @property
    def inverts(self) -> bool:
        """Whether low stored values are shown bright, so that polarity has to be turned once.

        MONOCHROME1 alone decides. Presentation LUT Shape INVERSE says the same thing a second time (a DX object must carry INVERSE with
        MONOCHROME1 and IDENTITY with MONOCHROME2), so it never inverts again; a pair that disagrees is refused at admission.

        Source: PS3.3 C.7.6.3.1.2 and C.8.11.3.1.2.
        """
        return self.photometric == "MONOCHROME1"


@dataclass(frozen=True, slots=True, eq=False)
class Radiograph:
    """One film as stored: (rows, columns) int32, sign extended, read-only, with its attributes and the SHA-256 of the whole file."""

    stored: NDArray[np.int32]
    attributes: FilmAttributes
    content_sha256: str


def distinct_values(stored: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return the different stored values in ascending order, without sorting the pixels.

    >>> distinct_values(np.array([[5, -2], [5, 0]], dtype=np.int32)).tolist()
    [-2, 0, 5]
    """
    lowest = int(stored.min())
    present = np.zeros(int(stored.max()) - lowest + 1, dtype=bool)
    for row in stored:
        present[row - lowest] = True
    return np.flatnonzero(present) + lowest
