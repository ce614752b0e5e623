"""The input contract as one table of files: what is sent, and what must come of it under either policy (../shared/reference, section 4.3, item by item).

``R("ADM-...")`` is refused with that code under both policies, ``R("ADM-...", research="ADM-...")`` is a caution under research, and ``R(code, research=None)``
passes there. A valid variant is admitted under both; ``cautions`` names what has to be told. ``python -m tests.benchmarks.admission`` tries every row and
writes the figures; ``test_admission_cases.py`` holds every row in the suite.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom.config
from PIL import Image
from pydicom.uid import (
    JPEG2000,
    DeflatedExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from device_sw.dicom.orientation import orientation
from tests.device_sw.dicom import bombs
from verification.steps import films
from verification.steps.encodings import RAMP, around, compressed, syntax, table, without_slope
from verification.steps.jpeg_lossless import encoded

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pydicom.dataset import FileDataset

SAME = "the same"


@dataclass(frozen=True)
class Case:
    """One file and what must come of it.

    Attributes:
        name: what is sent, in words.
        item: the item of the contract that it belongs to.
        make: returns the file's bytes.
        intended_use: code of the refusal; None for admitted.
        research: likewise; a code of a rule that is a caution there is given in ``cautions``.
        cautions: codes that must be told with an admitted film, under the policies where it is admitted.
    """

    name: str
    item: str
    make: Callable[[], bytes]
    intended_use: str | None
    research: str | None
    cautions: tuple[str, ...] = ()


def written(dataset: FileDataset) -> bytes:
    """Return the file of a dataset, faults included."""
    before = pydicom.config.settings.writing_validation_mode
    pydicom.config.settings.writing_validation_mode = pydicom.config.IGNORE
    try:
        buffer = BytesIO()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset.save_as(buffer, enforce_file_format=True)
    finally:
        pydicom.config.settings.writing_validation_mode = before
    return buffer.getvalue()


def film(change: Callable[[FileDataset], Any] | None = None, /, **attributes: Any) -> Callable[[], bytes]:
    """Return the maker of a good film with attributes set (None deletes one, ``""`` empties it) and then changed."""

    def make() -> bytes:
        dataset = films.film()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for keyword, value in attributes.items():
                if value is None:
                    del dataset[keyword]
                else:
                    setattr(dataset, keyword, value)
            if change is not None:
                dataset = change(dataset) or dataset
        dataset.file_meta.MediaStorageSOPClassUID = dataset.get("SOPClassUID", "1.2.840.10008.5.1.4.1.1.1.1")
        return written(dataset)

    return make


def values(transform: Callable[[np.ndarray], np.ndarray]) -> Callable[[FileDataset], None]:
    """Return a change of the stored values."""
    return lambda dataset: films.show(dataset, transform(films.stored_values(dataset)).astype(np.uint16))


def sideless(grey: np.ndarray) -> np.ndarray:
    """Return a film whose halves are alike but for a spot, on the side that makes it look mirrored by a hair."""
    half = grey[:, : grey.shape[1] // 2]
    alike = np.concatenate([half, half[:, ::-1]], axis=1)
    alike[300:310, 100:130] += 205
    return alike if orientation(alike / np.float32(4095)).mirrored > 0 else alike[:, ::-1]


def sized(rows: int, columns: int) -> Callable[[FileDataset], None]:
    """Return a change to a film of that size."""
    return lambda dataset: films.show(dataset, films.picture(rows, columns))


def bits(count: int, *, signed: bool = False) -> Callable[[FileDataset], None]:
    """Return a change to so many bits, the window with them."""

    def change(dataset: FileDataset) -> None:
        grey = films.stored_values(dataset).astype(np.int64) * ((1 << count) - 1) // 4095 - (1 << (count - 1)) * signed
        width = 1 if count <= 8 else 2
        dataset.PixelData = grey.astype(f"<{'i' if signed else 'u'}{width}").tobytes()
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8 * width, count, count - 1
        dataset.PixelRepresentation = int(signed)
        dataset.WindowCenter, dataset.WindowWidth = str((1 << (count - 1)) * (1 - signed)), str(1 << count)

    return change


def damaged(damage: Callable[[bytes], bytes], dataset: Callable[[], bytes] | None = None) -> Callable[[], bytes]:
    """Return the maker of a good film whose bytes are then damaged."""
    return lambda: damage((dataset or film())())


def coloured(photometric: str) -> Callable[[FileDataset], None]:
    """Return a change to three samples a pixel."""

    def change(dataset: FileDataset) -> None:
        grey = (films.stored_values(dataset) >> 4).astype(np.uint8)
        dataset.PhotometricInterpretation, dataset.SamplesPerPixel, dataset.PlanarConfiguration = photometric, 3, 0
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
        dataset.PixelData = np.repeat(grey[..., None], 3, axis=2).tobytes()

    return change


def two_frames(dataset: FileDataset) -> None:
    """Write the film twice into one object."""
    dataset.NumberOfFrames, dataset.PixelData = 2, dataset.PixelData * 2


def baseline(dataset: FileDataset) -> FileDataset:
    """Compress with loss, 8 bits."""
    buffer = BytesIO()
    Image.fromarray((films.stored_values(dataset) >> 4).astype(np.uint8)).save(buffer, "JPEG", quality=95)
    bits(8)(dataset)
    return around(buffer.getvalue(), JPEGBaseline8Bit, dataset)


def lossless_jpeg(uid: str) -> Callable[[FileDataset], FileDataset]:
    """Compress by JPEG Lossless."""
    return lambda dataset: around(encoded(films.stored_values(dataset), 12), uid, dataset)


def cut_and_closed(dataset: FileDataset) -> FileDataset:
    """Keep half of a JPEG stream, and give it an end marker."""
    stream = bombs.films_frame(baseline(dataset))
    return around(stream[: len(stream) // 2] + b"\xff\xd9", JPEGBaseline8Bit, dataset)


def inverted_header(dataset: FileDataset) -> None:
    """Declare the other polarity, in both statements."""
    dataset.PhotometricInterpretation, dataset.PresentationLUTShape = "MONOCHROME1", "INVERSE"


def another_instance(content: bytes) -> bytes:
    """Let the file meta information name another instance."""
    stated = str(films.film().SOPInstanceUID).encode()
    return content.replace(stated, stated[:-1] + (b"1" if stated[-1:] != b"1" else b"2"), 1)


def without_prefix(content: bytes) -> bytes:
    """Leave preamble and prefix out."""
    return content[132:]


def padded(dataset: FileDataset, low: int = 0, high: int | None = None) -> None:
    """Give the film a border of padding."""
    grey = films.stored_values(dataset).clip(60, 4000)
    grey[:20] = grey[-20:] = grey[:, :20] = grey[:, -20:] = low
    films.show(dataset, grey)
    dataset.PixelPaddingValue = low
    if high is not None:
        dataset.PixelPaddingRangeLimit = high


def overlaid(dataset: FileDataset) -> None:
    """Add an overlay plane."""
    for tag, vr, value in ((0x60000010, "US", 512), (0x60000011, "US", 512), (0x60000040, "CS", "G"), (0x60000050, "SS", [1, 1]), (0x60000100, "US", 1),
                           (0x60000102, "US", 0), (0x60003000, "OW", b"\xff" * (512 * 64))):  # fmt: skip
        dataset.add_new(tag, vr, value)


def short_table(dataset: FileDataset) -> None:
    """Give the film a VOI look-up table with fewer entries than its descriptor states."""
    sequence = table(RAMP, 0, 10)
    sequence[0].LUTData = sequence[0].LUTData[:200]
    dataset.VOILUTSequence = sequence


def R(  # the letter keeps a row on one line
    item: str, name: str, code: str, make: Callable[[], bytes], *, research: str | None = SAME, cautions: tuple[str, ...] = ()
) -> Case:
    """Return a row that is refused under the intended-use policy."""
    return Case(name, item, make, code, code if research == SAME else research, cautions)


def V(item: str, name: str, make: Callable[[], bytes], *cautions: str) -> Case:
    """Return a valid variant."""
    return Case(name, item, make, None, None, cautions)


CT, MR, MG, INTRAORAL, US, RF, PROCESSING, CAPTURE = (
    f"1.2.840.10008.5.1.4.1.1.{part}" for part in ("2", "4", "1.2", "1.3", "6.1", "12.2", "1.1.1", "7")
)
M1 = {"PhotometricInterpretation": "MONOCHROME1", "PresentationLUTShape": "INVERSE"}

REFUSALS: tuple[Case, ...] = (
    R("not DICOM", "a text file", "IN-NOT-DICOM", lambda: b"This is a letter, not a film.\n" * 40),
    R("not DICOM", "a PNG picture", "IN-NOT-DICOM", lambda: b"\x89PNG\r\n\x1a\n" + bytes(400)),
    R("not DICOM", "an empty file", "IN-EMPTY", lambda: b""),
    R("not DICOM", "a prefix and nothing behind", "IN-PARSE", lambda: bytes(128) + b"DICM"),
    R("not DICOM", "3,000 nested sequences", "IN-PARSE", lambda: films.nested(3000)),
    R("truncated", "a file cut within its pixels", "IN-PIXELS-SHORT", damaged(lambda content: content[: len(content) // 2])),
    R("truncated", "a file cut within its header", "IN-TRUNCATED", damaged(lambda content: content[: content.index(b"PLANTEDHOSPITAL") + 5])),
    R("truncated", "half a JPEG stream with an end marker", "IN-TRUNCATED", film(cut_and_closed)),
    R("truncated", "a deflated file cut short", "IN-TRUNCATED", damaged(lambda content: content[: len(content) * 3 // 4], film(lambda d: syntax(d, DeflatedExplicitVRLittleEndian)))),
    R("trailing bytes", "surplus pixel data", "IN-PIXELS-SURPLUS", film(lambda d: setattr(d, "PixelData", d.PixelData + bytes(1000)))),
    R("trailing bytes", "bytes behind the dataset", "IN-TRUNCATED", damaged(lambda content: content + b"\x09\x00\x01\x10OB\0\0\xff\xff\xff\x7f" + bytes(50))),
    R("other SOP class", "CT", "ADM-SOP-CLASS", film(SOPClassUID=CT, Modality="CT")),
    R("other SOP class", "MR", "ADM-SOP-CLASS", film(SOPClassUID=MR, Modality="MR")),
    R("other SOP class", "mammography", "ADM-SOP-CLASS", film(SOPClassUID=MG, Modality="MG")),
    R("other SOP class", "ultrasound", "ADM-SOP-CLASS", film(SOPClassUID=US, Modality="US")),
    R("other SOP class", "intra-oral", "ADM-SOP-CLASS", film(SOPClassUID=INTRAORAL, Modality="IO")),
    R("other SOP class", "fluoroscopy", "ADM-SOP-CLASS", film(SOPClassUID=RF, Modality="RF")),
    R("other SOP class", "CT class with modality DX", "ADM-SOP-CLASS", film(SOPClassUID=CT)),
    R("other SOP class", "no SOP class", "ADM-SOP-CLASS", film(SOPClassUID=None)),
    R("other SOP class", "DX class with modality CT", "ADM-MODALITY", film(Modality="CT")),
    R("other SOP class", "DX class with modality PX", "ADM-MODALITY", film(Modality="PX")),
    R("other SOP class", "no modality", "ADM-MODALITY", film(Modality="")),
    R("DX for processing", "the class for processing", "ADM-SOP-CLASS", film(SOPClassUID=PROCESSING)),
    R("DX for processing", "the class for presentation with the intent for processing", "ADM-INTENT", film(PresentationIntentType="FOR PROCESSING")),
    R("screenshots", "Secondary Capture", "ADM-SECONDARY", film(SOPClassUID=CAPTURE), research=None, cautions=("ADM-SECONDARY",)),
    R("screenshots", "DERIVED\\SECONDARY", "ADM-SECONDARY", film(ImageType=["DERIVED", "SECONDARY"]), research=None, cautions=("ADM-SECONDARY",)),
    R("colour", "RGB", "ADM-COLOUR", film(coloured("RGB"))),
    R("colour", "YBR_FULL", "ADM-COLOUR", film(coloured("YBR_FULL"))),
    R("colour", "YBR_FULL_422", "ADM-COLOUR", film(coloured("YBR_FULL_422"))),
    R("colour", "PALETTE COLOR", "ADM-COLOUR", film(PhotometricInterpretation="PALETTE COLOR")),
    R("colour", "MONOCHROME3", "ADM-PHOTOMETRIC", film(PhotometricInterpretation="MONOCHROME3")),
    R("colour", "no photometric interpretation", "ADM-PHOTOMETRIC", film(PhotometricInterpretation=None)),
    R("multi-frame", "two frames", "ADM-FRAMES", film(two_frames)),
    R("multi-frame", "2,147,483,647 frames announced", "ADM-FRAMES", film(NumberOfFrames="2147483647")),
    R("body part", "KNEE", "ADM-BODY-PART", film(BodyPartExamined="KNEE")),
    R("body part", "ABDOMEN", "ADM-BODY-PART", film(BodyPartExamined="ABDOMEN")),
    R("body part", "a word that is no defined term", "ADM-BODY-PART", film(BodyPartExamined="MILLER")),
    R("body part", "empty", "ADM-BODY-PART-MISSING", film(BodyPartExamined=""), research=None, cautions=("ADM-BODY-PART-MISSING",)),
    R("view", "LL", "ADM-VIEW", film(ViewPosition="LL")),
    R("view", "RL", "ADM-VIEW", film(ViewPosition="RL")),
    R("view", "left lateral decubitus", "ADM-VIEW", film(ViewPosition="LLD")),
    R("view", "right lateral decubitus", "ADM-VIEW", film(ViewPosition="RLD")),
    R("view", "oblique", "ADM-VIEW", film(ViewPosition="LAO")),
    R("view", "not stated", "ADM-VIEW-MISSING", film(ViewPosition=""), research=None, cautions=("ADM-VIEW-MISSING",)),
    R("age", "17 years", "ADM-CHILD", film(PatientAge="017Y", PatientBirthDate="")),
    R("age", "11 months", "ADM-CHILD", film(PatientAge="011M", PatientBirthDate="")),
    R("age", "30 weeks", "ADM-CHILD", film(PatientAge="030W", PatientBirthDate="")),
    R("age", "one day short of 18 by dates", "ADM-CHILD", film(PatientAge="", PatientBirthDate="20060602", StudyDate="20240601")),
    R("age", "an adult's age with a child's birth date", "ADM-CHILD", film(PatientAge="040Y", PatientBirthDate="20150101")),
    R("age", "12 without unit", "ADM-CHILD", film(PatientAge="012", PatientBirthDate="")),
    R("age", "not stated", "ADM-AGE-MISSING", film(PatientAge="", PatientBirthDate=""), research=None, cautions=("ADM-AGE-MISSING",)),
    R("age", "62 without unit", "ADM-AGE-MISSING", film(PatientAge="062", PatientBirthDate=""), research=None, cautions=("ADM-AGE-MISSING",)),
    R("age", "999 years", "ADM-AGE-RANGE", film(PatientAge="999Y", PatientBirthDate="")),
    R("size", "511 rows", "ADM-SIZE", film(sized(511, 512)), research=None, cautions=("ADM-SMALL",)),
    R("size", "400 x 400", "ADM-SIZE", film(sized(400, 400)), research=None, cautions=("ADM-SMALL",)),
    R("size", "399 columns", "ADM-SIZE", film(sized(512, 399))),
    R("size", "16 x 16", "ADM-SIZE", film(sized(16, 16))),
    R("size", "a strip of 512 x 1,025", "ADM-ASPECT", film(sized(512, 1025))),
    R("size", "0 rows", "ADM-SIZE", film(Rows=0)),
    R("no usable pixels", "no pixel data", "IN-PIXELS-MISSING", film(PixelData=None)),
    R("no usable pixels", "empty pixel data", "IN-PIXELS-MISSING", film(lambda d: setattr(d, "PixelData", b""))),
    R("no usable pixels", "constant", "ADM-GREY-LEVELS", film(values(lambda grey: np.full_like(grey, 1234)))),
    R("no usable pixels", "63 grey levels", "ADM-GREY-LEVELS", film(values(lambda grey: grey * np.uint16(1) // 66 * 66))),
    R("no usable pixels", "nothing but padding", "IN-VALUES", film(PixelPaddingValue=0, PixelPaddingRangeLimit=4095)),
    R("values beyond Bits Stored", "one value of 5,000 in 12 bits", "IN-BITS", film(lambda d: setattr(d, "PixelData", b"\x88\x13" + d.PixelData[2:]))),
    R("values beyond Bits Stored", "17 bits in 16", "IN-HEADER", film(BitsStored=17)),
    R("values beyond Bits Stored", "high bit 15 of 12 bits", "IN-HEADER", film(HighBit=15)),
    R("values beyond Bits Stored", "signs not stated", "IN-HEADER", film(PixelRepresentation=None)),
    R("values beyond Bits Stored", "32 bits allocated", "IN-HEADER", film(BitsAllocated=32)),
    R("window", "width 0", "ADM-WINDOW-WIDTH", film(WindowWidth="0")),
    R("window", "width -50", "ADM-WINDOW-WIDTH", film(WindowWidth="-50")),
    R("window", "LINEAR with width 0.5", "ADM-WINDOW-WIDTH", film(WindowWidth="0.5")),
    R("window", "an unknown VOI function", "ADM-VOI-FUNCTION", film(VOILUTFunction="GAMMA")),
    R("window", "a width that is no number", "IN-ATTRIBUTE", damaged(lambda content: content.replace(b"\x28\x00\x51\x10DS\x04\x004096", b"\x28\x00\x51\x10DS\x04\x00wide", 1))),
    R("window", "missing, LOG data", "ADM-WINDOW-MISSING", film(WindowCenter=None, WindowWidth=None), research=None, cautions=("ADM-WINDOW-MISSING",)),
    R("window", "missing, LIN data", "ADM-WINDOW-MISSING", film(WindowCenter=None, WindowWidth=None, PixelIntensityRelationship="LIN"), research=None, cautions=("ADM-WINDOW-MISSING",)),
    R("look-up tables", "slope 0", "ADM-SLOPE", film(RescaleSlope="0")),
    R("look-up tables", "infinite slope", "IN-ATTRIBUTE", film(RescaleSlope="inf")),
    R("look-up tables", "infinity after the modality transformation", "IN-VALUES", film(RescaleSlope="1e308", RescaleIntercept="1e308")),
    R("look-up tables", "a VOI table shorter than it says", "IN-LUT", film(short_table)),
    R("polarity", "a negative by its header", "ADM-POLARITY", film(inverted_header)),
    R("polarity", "two statements that contradict each other", "ADM-POLARITY-TAGS", film(PresentationLUTShape="INVERSE")),
    R("polarity", "noise", "ADM-PICTURE", film(values(lambda grey: np.random.default_rng(1).integers(0, 4096, grey.shape))), research=None, cautions=("ADM-PICTURE",)),
    R("orientation", "turned by 90 degrees", "ADM-ROTATED", film(values(np.rot90))),
    R("orientation", "turned by 180 degrees", "ADM-ROTATED", film(values(lambda grey: grey[::-1, ::-1]))),
    R("orientation", "mirrored", "ADM-MIRRORED", film(values(lambda grey: grey[:, ::-1])), research=None, cautions=("ADM-MIRRORED",)),
    R("orientation", "declared mirrored", "ADM-ORIENTATION", film(PatientOrientation=["R", "F"])),
    R("orientation", "declared upside down", "ADM-ORIENTATION", film(PatientOrientation=["L", "H"])),
    R("orientation", "declared turned", "ADM-ORIENTATION", film(PatientOrientation=["F", "L"])),
    R("orientation", "lateral by orientation", "ADM-ORIENTATION", film(PatientOrientation=["A", "F"])),
    R("spacing", "0 mm", "ADM-SPACING", film(PixelSpacing=["0", "0"])),
    R("spacing", "-0.2 mm at the detector", "ADM-SPACING", film(ImagerPixelSpacing=["0.2", "-0.2"])),
    R("burned-in text", "declared", "ADM-BURNED-IN", film(BurnedInAnnotation="YES")),
    R("identity", "file meta information of another instance", "ADM-IDENTITY", damaged(another_instance)),
    R("identity", "no SOP instance UID", "ADM-INSTANCE", film(SOPInstanceUID=None), research=None, cautions=("ADM-INSTANCE",)),
    R("identity", "a UID of letters", "ADM-TEXT", film(StudyInstanceUID="1.2.abc.4")),
    R("identity", "a path in a UID", "ADM-TEXT", film(SeriesInstanceUID="../../etc/passwd")),
    R("identity", "a script in a name", "ADM-TEXT", film(PatientName="<script>x</script>")),
    R("identity", "empty patient id", "ADM-PATIENT", film(PatientID=""), research=None, cautions=("ADM-PATIENT",)),
    R("size limits", "60,000 x 60,000 announced", "IN-TOO-LARGE", film(Rows=60000, Columns=60000)),
    R("size limits", "6,001 x 6,000 announced", "IN-TOO-LARGE", film(Rows=6001, Columns=6000)),
    R("bombs", "deflate, 1 MB to 1 GB", "IN-TOO-LARGE", bombs.BOMBS["deflate, 1 MB to 1 GB"]),
    R("bombs", "deflate, syntax behind other meta information", "IN-TOO-LARGE", bombs.late_syntax),
    R("bombs", "JPEG of 65,500 x 65,500 in a film of 512", "IN-CODESTREAM", lambda: bombs.jpeg(65500, 65500, stated=(512, 512))),
    R("bombs", "100,000 empty elements", "IN-TOO-LARGE", lambda: bombs.HEAD + bombs.elements(1)[:800_000]),
    R("transfer syntax", "JPEG labelled JPEG 2000", "IN-CODESTREAM", film(lambda d: around(bombs.films_frame(baseline(d)), JPEG2000Lossless, d))),
    R("transfer syntax", "big endian, retired, over little endian data", "IN-TRUNCATED", damaged(lambda content: content.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.2\0", 1))),
    R("transfer syntax", "unknown", "IN-SYNTAX", damaged(lambda content: content.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.9\0", 1))),
    R("transfer syntax", "MPEG", "IN-SYNTAX", film(lambda d: around(b"\0\0\1\xba" * 50, "1.2.840.10008.1.2.4.102", d))),
    R("collimation", "a field of a fifth of the film", "ADM-COLLIMATED", film(values(lambda grey: films.shrunk(grey, 0.45))), research=None, cautions=("ADM-COLLIMATED",)),
)  # fmt: skip
"""What is not analysed under the intended-use policy."""

VARIANTS: tuple[Case, ...] = (
    V("base", "a conformant DX film", film()),
    V("orientation", "two halves alike but for a spot", film(values(sideless)), "ADM-SIDE-UNCLEAR"),
    V("SOP class", "Computed Radiography", film(SOPClassUID="1.2.840.10008.5.1.4.1.1.1", Modality="CR")),
    V("SOP class", "DX class with modality CR", film(Modality="CR")),
    V("SOP class", "no presentation intent (CR has none)", film(SOPClassUID="1.2.840.10008.5.1.4.1.1.1", Modality="CR", PresentationIntentType=None)),
    V("image type", "DERIVED\\PRIMARY", film(ImageType=["DERIVED", "PRIMARY"])),
    V("image type", "not stated", film(ImageType=None)),
    V("view", "AP", film(ViewPosition="AP")),
    V("body part", "THORAX", film(BodyPartExamined="THORAX")),
    V("body part", "chest in small letters", film(BodyPartExamined="chest")),
    V("age", "18 years", film(PatientAge="018Y", PatientBirthDate="")),
    V("age", "99 years", film(PatientAge="099Y", PatientBirthDate="")),
    V("age", "120 years", film(PatientAge="120Y", PatientBirthDate="")),
    V("age", "18th birthday on the study day", film(PatientAge="", PatientBirthDate="20060601", StudyDate="20240601")),
    V("age", "216 months", film(PatientAge="216M", PatientBirthDate="")),
    V("patient", "no sex", film(PatientSex="")),
    V("patient", "no name", film(PatientName="")),
    V("patient", "a Chinese name", film(SpecificCharacterSet="ISO_IR 192", PatientName="Wang^XiaoDong=王^小東")),
    V("patient", "a name in two repertoires", film(SpecificCharacterSet=["", "ISO 2022 IR 87"], PatientName="Yamada^Tarou=山田^太郎")),
    V("equipment", "no manufacturer", film(Manufacturer=None)),
    V("orientation", "not stated", film(PatientOrientation=None), "ADM-ORIENTATION-MISSING"),
    V("burned-in text", "not stated", film(BurnedInAnnotation=None)),
    V("size", "512 x 1,024", film(sized(512, 1024))),
    V("size", "1,024 x 768", film(sized(1024, 768))),
    V("size", "601 x 513", film(sized(601, 513))),
    V("bits", "8 in 8", film(bits(8))),
    V("bits", "10 in 16", film(bits(10))),
    V("bits", "15 in 16", film(bits(15))),
    V("bits", "16 in 16", film(bits(16))),
    V("bits", "signed 12 in 16", film(bits(12, signed=True))),
    V("bits", "signed 16 in 16", film(bits(16, signed=True))),
    V("polarity", "MONOCHROME1 with INVERSE", film(films.complement)),
    V("polarity", "MONOCHROME1 without shape", film(lambda d: (films.complement(d), delattr(d, "PresentationLUTShape"))[0])),
    V("polarity", "MONOCHROME2 without shape", film(PresentationLUTShape=None)),
    V("polarity", "LIN data", film(PixelIntensityRelationship="LIN")),
    V("polarity", "DISP data", film(PixelIntensityRelationship="DISP")),
    V("window", "LINEAR_EXACT", film(VOILUTFunction="LINEAR_EXACT")),
    V("window", "SIGMOID", film(VOILUTFunction="SIGMOID", WindowWidth="2500")),
    V("window", "several windows", film(WindowCenter=["2048", "1500"], WindowWidth=["4096", "500"])),
    V("window", "fractions", film(WindowCenter="2000.5", WindowWidth="3999.25")),
    V("window", "VOI table", film(VOILUTSequence=table(RAMP, 0, 10), WindowCenter=None, WindowWidth=None)),
    V("window", "VOI table of 8-bit entries beside a window", film(VOILUTSequence=table(RAMP // 4, 0, 8, packed=True))),
    V("look-up tables", "no slope", film(without_slope)),
    V("look-up tables", "negative slope undone by the header", film(RescaleSlope="-1", RescaleIntercept="4095", **M1)),
    V("look-up tables", "modality table", film(without_slope, ModalityLUTSequence=table(RAMP, 0, 10), WindowCenter="512", WindowWidth="1024")),
    V("padding", "a value", film(padded)),
    V("padding", "a range", film(lambda d: padded(d, 0, 50))),
    V("spacing", "not stated", film(PixelSpacing=None, ImagerPixelSpacing=None)),
    V("overlay", "an overlay plane", film(overlaid)),
    V("private", "private elements", film(lambda d: d.private_block(0x0029, "MAKER", create=True).add_new(1, "OB", bytes(5000)))),
    V("collimation", "a field of two thirds of the film", film(values(lambda grey: films.shrunk(grey, 0.82)))),
    V("transfer syntax", "Implicit VR Little Endian", film(lambda d: syntax(d, ImplicitVRLittleEndian))),
    V("transfer syntax", "Deflated", film(lambda d: syntax(d, DeflatedExplicitVRLittleEndian))),
    V("transfer syntax", "RLE Lossless", film(lambda d: compressed(d, RLELossless))),
    V("transfer syntax", "JPEG Lossless", film(lossless_jpeg(JPEGLossless))),
    V("transfer syntax", "JPEG Lossless SV1", film(lossless_jpeg(JPEGLosslessSV1))),
    V("transfer syntax", "JPEG-LS Lossless", film(lambda d: compressed(d, JPEGLSLossless))),
    V("transfer syntax", "JPEG 2000 Lossless", film(lambda d: compressed(d, JPEG2000Lossless))),
    V("transfer syntax", "JPEG baseline, lossy", film(baseline), "ADM-LOSSY"),
    V("transfer syntax", "JPEG-LS near-lossless", film(lambda d: compressed(d, JPEGLSNearLossless, jls_error=3)), "ADM-LOSSY"),
    V("transfer syntax", "JPEG 2000, lossy", film(lambda d: compressed(d, JPEG2000, j2k_cr=[8])), "ADM-LOSSY"),
    V("transfer syntax", "lossy before, lossless now", film(LossyImageCompression="01"), "ADM-LOSSY"),
    V("file", "no preamble", damaged(without_prefix)),
)  # fmt: skip
"""What is analysed under both policies. Every encoding of verification/steps/encodings.py is one more, where the size limit is lifted."""

CASES = REFUSALS + VARIANTS


def file_of(case: Case, folder: Path) -> Path:
    """Write the case's file."""
    path = folder / "film.dcm"
    path.write_bytes(case.make())
    return path
