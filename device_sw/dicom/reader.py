"""Reads one DICOM file into a Radiograph, or refuses it with a code; never half of it, never with a traceback.

Two steps, so that what a file says can be judged before its pixels are decoded: `open_file` parses, `decode` decodes; `read` does both.
It does not ask whether the film suits the intended use: that is `device_sw.dicom.admission`.

Source: DICOM PS3.10 (files), PS3.5 (encoding).
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass, replace
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pydicom
from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.filereader import _read_file_meta_info, read_preamble

from device_sw.dicom.attributes import film_attributes, place
from device_sw.dicom.boundary import refuse_on_failure, silence
from device_sw.dicom.pixels import stored_values
from device_sw.dicom.radiograph import Radiograph
from device_sw.dicom.source import source_header
from device_sw.errors import InputRefused

if TYPE_CHECKING:
    from pathlib import Path

    from pydicom.dataset import Dataset, FileDataset

    from device_sw.dicom.radiograph import FilmAttributes
    from device_sw.dicom.source import SourceHeader

MAX_FILE_BYTES = 100_000_000
"""Largest file that is opened."""

MAX_INFLATED_BYTES = 200_000_000
"""Largest dataset that a deflated file may unfold to."""

MAX_READS = 60_000
"""Most steps that parsing may take, two or three for an element: 100 MB of empty elements would unfold to gigabytes of objects."""

MAX_ELEMENT_BYTES = 4_000_000
"""Longest element of the groups that describe patient, study and picture; look-up tables of 65,536 entries fit many times over."""

_PREAMBLE = 128
_LAST_DESCRIBING_GROUP = 0x0028
_DEFLATED = "1.2.840.10008.1.2.1.99"
_BARE_EXPLICIT = bytes(_PREAMBLE) + b"DICM\x02\x00\x10\x00UI\x14\x001.2.840.10008.1.2.1\0"
_IMPLICIT, _EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
_UNDEFINED_LENGTH = 0xFFFFFFFF
_PIXEL_DATA = 0x7FE00010


@dataclass(frozen=True, slots=True, eq=False)
class OpenedFile:
    """A parsed file whose pixels are not decoded yet. The dataset holds patient data and must not leave the reader's package."""

    dataset: Dataset
    attributes: FilmAttributes
    source: SourceHeader
    content_sha256: str


def read(path: Path) -> Radiograph:
    """Return the film of a DICOM file.

    Raises:
        InputRefused: the file is not a readable single-frame greyscale DICOM image; the code (``IN-...``) says why.
    """
    return decode(open_file(path))


def open_file(path: Path) -> OpenedFile:
    """Parse a DICOM file and return what it says, without decoding its pixels.

    Raises:
        InputRefused: unreadable, too large, not DICOM, damaged, or with file meta information that contradicts the dataset.
    """
    data = file_bytes(path)
    digest = hashlib.sha256(data).hexdigest()
    try:
        dataset, attributes, source = _parsed(data)
    except InputRefused as refusal:
        refusal.content_sha256 = digest
        raise
    return OpenedFile(dataset=dataset, attributes=attributes, source=source, content_sha256=digest)


def _parsed(data: bytes) -> tuple[Dataset, FilmAttributes, SourceHeader]:
    with silence() as irregularities:
        dataset, cautions = _parse(data)
        _require_whole(dataset)
        faults = _identity_faults(dataset)
        source = source_header(dataset, faults)
        try:
            attributes = film_attributes(dataset, _transfer_syntax(dataset), faults, cautions)
        except InputRefused as refusal:
            refusal.source = source
            raise
    if sum(irregularities):
        attributes = replace(attributes, cautions=(*attributes.cautions, "the parser met irregular elements"))
    return dataset, attributes, replace(source, attributes=attributes)


def decode(opened: OpenedFile) -> Radiograph:
    """Decode the pixels of an opened file.

    Raises:
        InputRefused: the pixel data is missing, short, surplus, mislabelled, undecodable or beyond its declared bits.
    """
    with silence():
        stored = stored_values(opened.dataset, opened.attributes)
    return Radiograph(stored=stored, attributes=opened.attributes, content_sha256=opened.content_sha256)


def file_bytes(path: Path) -> bytes:
    """Return the file's content, which may be any file of at most 100 MB.

    Raises:
        InputRefused: no such file, a folder, unreadable (``IN-UNREADABLE``), empty (``IN-EMPTY``) or too large (``IN-TOO-LARGE``).
    """
    try:
        if not path.is_file():
            raise InputRefused(
                "IN-UNREADABLE", where="file", found="no regular file", expected="a readable file", repair="check the path"
            )
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise InputRefused(
                "IN-TOO-LARGE",
                where="file",
                found=f"{size} bytes",
                expected=f"at most {MAX_FILE_BYTES}",
                repair="send a single image",
            )
        data = path.read_bytes()
    except (OSError, ValueError) as err:
        found = f"a path that cannot be read ({type(err).__name__})"
        raise InputRefused(
            "IN-UNREADABLE", where="file", found=found, expected="a readable file", repair="check path and rights"
        ) from err
    if not data:
        raise InputRefused("IN-EMPTY", where="file", found="0 bytes", expected="a DICOM file", repair="send the file again")
    return data


def _parse(data: bytes) -> tuple[FileDataset, tuple[str, ...]]:
    """Return the dataset; a file without preamble is accepted where its first element is plausible, with a caution."""
    has_preamble = data[_PREAMBLE : _PREAMBLE + 4] == b"DICM"
    if not has_preamble and not _starts_like_dicom(data):
        raise InputRefused(
            "IN-NOT-DICOM", where="file", found="no DICM prefix", expected="a DICOM file (PS3.10)", repair="send a DICOM file"
        )
    with refuse_on_failure("IN-PARSE", where="file", expected="a well-formed dataset", repair="send the file again"):
        dataset = _dataset(data, has_preamble=has_preamble)
    if not len(dataset):
        raise InputRefused(
            "IN-PARSE", where="file", found="no dataset", expected="a well-formed dataset", repair="send the file again"
        )
    return dataset, () if has_preamble else ("no preamble: the file is read as a bare dataset",)


class _Metered(BytesIO):
    """A file in memory that ends the parsing after so many steps."""

    _steps = 0

    def read(self, size: int | None = -1, /) -> bytes:
        """Return up to ``size`` bytes, and count the step.

        Raises:
            InputRefused: more steps than a film's header takes (``IN-TOO-LARGE``).
        """
        self._steps += 1
        if self._steps > MAX_READS:
            raise _too_large("more elements than an image header has", f"at most {MAX_READS} steps of parsing")
        return super().read(size)


def _too_large(found: str, expected: str, where: str = "file") -> InputRefused:
    return InputRefused("IN-TOO-LARGE", where=where, found=found, expected=expected, repair="send a single image")


def _dataset(data: bytes, *, has_preamble: bool) -> FileDataset:
    """Parse; a deflated dataset is unfolded here, within its limit, and parsed as the Explicit VR dataset that it is (PS3.5 A.5)."""
    if _DEFLATED.encode() not in data:
        return pydicom.dcmread(_Metered(data), force=not has_preamble)
    stream = _Metered(data)
    read_preamble(stream, force=not has_preamble)
    meta = _read_file_meta_info(stream)
    if meta.get("TransferSyntaxUID") != _DEFLATED:
        return pydicom.dcmread(_Metered(data), force=not has_preamble)
    dataset = pydicom.dcmread(_Metered(_BARE_EXPLICIT + _inflated(data[stream.tell() :])))
    dataset.file_meta = meta
    return dataset


def _inflated(rest: bytes) -> bytes:
    """Unfold a deflated dataset piece by piece, and refuse a decompression bomb before it is whole."""
    unfolder, pieces, total = zlib.decompressobj(-zlib.MAX_WBITS), [], 0
    while rest and not unfolder.eof and total <= MAX_INFLATED_BYTES:
        pieces.append(unfolder.decompress(rest, 1 << 24))
        total += len(pieces[-1])
        rest = unfolder.unconsumed_tail
    if total > MAX_INFLATED_BYTES:
        raise _too_large("a deflated dataset that unfolds without end", f"at most {MAX_INFLATED_BYTES} bytes")
    if not unfolder.eof:
        found, expected = "a deflated dataset without its end", "a whole deflated dataset"
        raise InputRefused("IN-TRUNCATED", where="file", found=found, expected=expected, repair="send the file again")
    return b"".join(pieces)


def _starts_like_dicom(data: bytes) -> bool:
    """A bare dataset begins with an element of group 0002 or 0008 (little endian), whose length fits the file."""
    group, element = int.from_bytes(data[0:2], "little"), int.from_bytes(data[2:4], "little")
    return len(data) > 8 and group in {0x0002, 0x0008} and element < 0x2000


def _require_whole(dataset: FileDataset) -> None:
    """The parser accepts a last element that is shorter than it says; the device does not. Pixel data is measured when it is decoded.

    Nor may a sequence stand where the dictionary has a value: read as text, one that is nested a few hundred times takes the parser minutes to print.
    """
    with refuse_on_failure("IN-PARSE", where="file", expected="a well-formed dataset", repair="send the file again"):
        items: list[Any] = [dataset.get_item(tag) for tag in dataset.keys()]  # noqa: SIM118
        meta: list[Any] = [dataset.file_meta.get_item(tag) for tag in dataset.file_meta.keys()]  # noqa: SIM118
    for item in (*items, *meta):
        if item.VR == "SQ" and dictionary_has_tag(item.tag) and dictionary_VR(item.tag) != "SQ":
            found, expected = "a sequence", "a value of the element's value representation"
            raise InputRefused(
                "IN-ATTRIBUTE", where=_place(item), found=found, expected=expected, repair="have the sending system correct it"
            )
    for item in items:
        if not isinstance(item, RawDataElement) or item.value is None or item.tag == _PIXEL_DATA:
            continue
        if item.tag.group <= _LAST_DESCRIBING_GROUP and len(item.value) > MAX_ELEMENT_BYTES:
            raise _too_large(f"{len(item.value)} bytes", f"at most {MAX_ELEMENT_BYTES}", _place(item))
        if item.length != _UNDEFINED_LENGTH and len(item.value) < item.length:
            raise InputRefused(
                "IN-TRUNCATED",
                where=_place(item),
                found="a value that ends early",
                expected=f"{item.length} bytes",
                repair="send the file again",
            )


def _place(item: Any) -> str:
    return f"({item.tag.group:04X},{item.tag.element:04X})"


def _identity_faults(dataset: FileDataset) -> tuple[str, ...]:
    """Name the elements that say another object than the file meta information (PS3.10 7.1)."""
    pairs = (("MediaStorageSOPClassUID", "SOPClassUID"), ("MediaStorageSOPInstanceUID", "SOPInstanceUID"))
    faults = []
    for stated, actual in pairs:
        with refuse_on_failure(
            "IN-ATTRIBUTE", where=place(actual), expected="a UID", repair="have the sending system correct it"
        ):
            outer, inner = dataset.file_meta.get(stated), dataset.get(actual)
        if outer and inner and str(outer) != str(inner):
            faults.append(place(actual))
    return tuple(faults)


def _transfer_syntax(dataset: FileDataset) -> str:
    """Return the transfer syntax; a bare dataset has the one that the parser recognised, and cannot be compressed."""
    with refuse_on_failure(
        "IN-ATTRIBUTE", where="(0002,0010) TransferSyntaxUID", expected="a UID", repair="export the image again"
    ):
        stated = dataset.file_meta.get("TransferSyntaxUID")
    if stated:
        return str(stated)
    if dataset.preamble is not None:
        where, expected = "(0002,0010) TransferSyntaxUID", "a transfer syntax in the file meta information"
        raise InputRefused("IN-SYNTAX", where=where, found="none", expected=expected, repair="export the image again")
    implicit, little = dataset.original_encoding
    return "" if not little else _IMPLICIT if implicit else _EXPLICIT
