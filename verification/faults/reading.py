"""Defects of the reader: half a film taken for a whole one, limits that come too late, an identity that belongs to something else."""

from __future__ import annotations

import hashlib
from dataclasses import replace as changed
from typing import TYPE_CHECKING, Any

from verification.faults.alteration import nothing, replace, wrap

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType


def _announced(attributes: Any) -> int:
    return int(attributes.rows * attributes.columns * attributes.bits_allocated // 8)


def short_pixels_filled(module: ModuleType) -> None:
    """Missing pixels are filled with zeros."""
    wrap(module, "_native", lambda original, data, attributes: original(data.ljust(_announced(attributes), b"\0"), attributes))


def surplus_pixels_cut(module: ModuleType) -> None:
    """Surplus pixels are cut off."""
    wrap(module, "_native", lambda original, data, attributes: original(data[: _announced(attributes)], attributes))


def end_of_stream_not_asked(module: ModuleType) -> None:
    """Nobody asks for the end of a compressed stream (device_sw.dicom.codestream)."""
    replace(module, "_require_end", nothing)


def missing_pixels_filled_by_the_decoder(module: ModuleType) -> None:
    """What a JPEG decoder fills up is taken for picture (device_sw.dicom.pixels)."""
    replace(module, "_require_all_read", nothing)


def steps_not_counted(module: ModuleType) -> None:
    """Parsing may take any number of steps (device_sw.dicom.reader)."""
    replace(module, "MAX_READS", 10**12)


def surplus_bits_masked(module: ModuleType) -> None:
    """Bits above Bits Stored are masked."""

    def within(original: Any, raw: Any, attributes: Any) -> Any:
        return original(raw & ((1 << attributes.bits_stored) - 1), attributes)

    wrap(module, "_within_bits", within)


def sides_not_limited(module: ModuleType) -> None:
    """The number of rows and columns has no limit of its own."""
    replace(module, "MAX_SIDE", 1_000_000)


def pixels_not_counted(module: ModuleType) -> None:
    """The number of pixels has no limit, only the sides have."""
    replace(module, "MAX_PIXELS", 10**12)


def short_elements_taken(module: ModuleType) -> None:
    """An element that ends before its length is taken as it is (device_sw.dicom.reader)."""
    replace(module, "_require_whole", nothing)


def file_size_not_limited(module: ModuleType) -> None:
    """A file of any size is read (device_sw.dicom.reader)."""
    replace(module, "MAX_FILE_BYTES", 10**12)


def unfolding_not_limited(module: ModuleType) -> None:
    """A deflated dataset may unfold to any size (device_sw.dicom.reader)."""
    replace(module, "MAX_INFLATED_BYTES", 10**12)


def hash_of_the_name(module: ModuleType) -> None:
    """The content hash is that of the file's name (device_sw.dicom.reader)."""

    def open_file(original: Any, path: Path) -> Any:
        return changed(original(path), content_sha256=hashlib.sha256(path.name.encode()).hexdigest())

    wrap(module, "open_file", open_file)


def refused_without_hash(module: ModuleType) -> None:
    """A file that cannot be read as a film leaves no hash (device_sw.batch.examination)."""

    def not_analysed(original: Any, made_by: Any, error: Any, job: Any, wanted: Any) -> Any:
        error.content_sha256 = None
        return original(made_by, error, changed(job, content_sha256=None), wanted)

    wrap(module, "not_analysed", not_analysed)


def uid_of_the_first_film_kept(module: ModuleType) -> None:
    """The UID is read from the first film and kept (device_sw.device)."""
    kept: list[str] = []

    def description(original: Any, opened: Any) -> Any:
        found = original(opened)
        kept.append(found.sop_instance_uid)
        return changed(found, sop_instance_uid=kept[0])

    wrap(module, "_description", description)


def source_marked_as_seen(module: ModuleType) -> None:
    """A file that was read gets a byte more, as a mark (device_sw.dicom.reader)."""

    def file_bytes(original: Any, path: Path) -> bytes:
        data = bytes(original(path))
        path.write_bytes(data + b"\0")
        return data

    wrap(module, "file_bytes", file_bytes)


def name_in_the_description(module: ModuleType) -> None:
    """The description of the film holds the patient's name, as a viewer's would (device_sw.device)."""

    def description(original: Any, opened: Any) -> Any:
        found = original(opened)
        return changed(found, modality=f"{found.modality} {opened.dataset.get('PatientName', '')}".strip())

    wrap(module, "_description", description)
