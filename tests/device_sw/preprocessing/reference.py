"""The greyscale pipeline once more, one pixel at a time in plain Python, from the formulas of PS3.3 and from the DICOM elements themselves.

It shares no code with the device: it takes the stored values that were encoded, or unpacks them byte by byte, reads the elements of the dataset, and knows
neither the device's attributes nor its look-up by distinct value. ``python -m tests.device_sw.preprocessing.reference`` prints the golden table as this
reference computes it; a film compressed with loss has no stored values but its decoder's, so its line comes from the device's decoder.

Source: DICOM PS3.3 C.7.5.1.1.2 (padding), C.11.1 (modality), C.11.2.1.2 and C.11.2.1.3 (window), C.7.6.3.1.2 (photometric interpretation); PS3.4 N.2 (order).
"""

from __future__ import annotations

import hashlib
import math
import struct
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from device_sw.dicom.reader import read
from verification.steps.encodings import ENCODINGS, LOSSY, encoded_values, written

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

COMPRESSED = ("RLE", "JPEG", "HTJ2K")


def stored_values(name: str, dataset: Dataset) -> list[list[int]]:
    """Return the stored values of a film of the encodings' table as rows of whole numbers."""
    if name in LOSSY:
        with tempfile.TemporaryDirectory() as folder:
            return read(written(name, Path(folder) / "film.dcm")).stored.tolist()
    if name.startswith(COMPRESSED):
        return encoded_values(dataset).tolist()
    return unpacked(dataset)


def unpacked(dataset: Dataset) -> list[list[int]]:
    """Unpack little-endian words; a signed one is the lower Bits Stored in two's complement."""
    count, bits = dataset.Rows * dataset.Columns, dataset.BitsStored
    words = struct.unpack(
        f"<{count}{'B' if dataset.BitsAllocated == 8 else 'H'}", dataset.PixelData[: count * dataset.BitsAllocated // 8]
    )
    values = [word % 2**bits for word in words]
    if dataset.PixelRepresentation == 1:
        values = [value - 2**bits if value >= 2 ** (bits - 1) else value for value in values]
    return [values[start : start + dataset.Columns] for start in range(0, count, dataset.Columns)]


def table(item: Dataset) -> tuple[list[int], int, int]:
    """Return entries, first value mapped and bits of a look-up table."""
    count, first, bits = item.LUTDescriptor
    size = int(count) or 65536
    packed = len(item.LUTData) < 2 * size
    return (
        list(struct.unpack(f"<{size}{'B' if packed else 'H'}", item.LUTData[: size * (1 if packed else 2)])),
        int(first),
        int(bits),
    )


def by_table(x: float, entries: list[int], first: int) -> float:
    """Look a value up; below the table the first entry, above it the last."""
    return float(entries[min(max(math.floor(x) - first, 0), len(entries) - 1)])


def modality(x: int, dataset: Dataset) -> float:
    """C.11.1: the table if there is one, else slope and intercept."""
    if "ModalityLUTSequence" in dataset:
        entries, first, _ = table(dataset.ModalityLUTSequence[0])
        return by_table(x, entries, first)
    return x * float(dataset.get("RescaleSlope", 1)) + float(dataset.get("RescaleIntercept", 0))


def first_of(value: object) -> float:
    """Return the first of one or several numbers."""
    return float(value[0] if not isinstance(value, int | float | str) else value)


def windowed(x: float, center: float, width: float, function: str) -> float:
    """C.11.2.1.2.1 LINEAR, C.11.2.1.3.1 SIGMOID, C.11.2.1.3.2 LINEAR_EXACT, with ymin 0 and ymax 1, case by case as printed."""
    if function == "SIGMOID":
        return 1.0 / (1.0 + math.exp(-4.0 * (x - center) / width))
    if function == "LINEAR_EXACT":
        if x <= center - width / 2:
            return 0.0
        return 1.0 if x > center + width / 2 else (x - center) / width + 0.5
    if x <= center - 0.5 - (width - 1) / 2:
        return 0.0
    return 1.0 if x > center - 0.5 + (width - 1) / 2 else (x - (center - 0.5)) / (width - 1) + 0.5


def voi(x: float, dataset: Dataset, ends: tuple[float, float]) -> float:
    """C.11.2: the first table, else the first window, else the film's own range."""
    if "VOILUTSequence" in dataset:
        entries, first, bits = table(dataset.VOILUTSequence[0])
        return by_table(x, entries, first) / (2**bits - 1)
    if "WindowCenter" in dataset:
        function = str(dataset.get("VOILUTFunction", "LINEAR"))
        return windowed(x, first_of(dataset.WindowCenter), first_of(dataset.WindowWidth), function)
    return (x - ends[0]) / (ends[1] - ends[0])


def is_padding(x: int, dataset: Dataset) -> bool:
    """C.7.5.1.1.2: the value, or the closed range from the value to the limit, either way round."""
    if "PixelPaddingValue" not in dataset:
        return False
    ends = (dataset.PixelPaddingValue, dataset.get("PixelPaddingRangeLimit", dataset.PixelPaddingValue))
    return min(ends) <= x <= max(ends)


def presented(name: str, dataset: Dataset) -> list[list[float]]:
    """Return the film from 0 (air) to 1 (bone): padding is 0, then modality, VOI, and polarity last (C.7.6.3.1.2)."""
    rows = stored_values(name, dataset)
    shown = [modality(x, dataset) for row in rows for x in row if not is_padding(x, dataset)]
    ends = (min(shown), max(shown))

    def pixel(x: int) -> float:
        if is_padding(x, dataset):
            return 0.0
        grey = voi(modality(x, dataset), dataset, ends)
        return 1.0 - grey if dataset.PhotometricInterpretation == "MONOCHROME1" else grey

    known: dict[int, float] = {}
    return [[known[x] if x in known else known.setdefault(x, pixel(x)) for x in row] for row in rows]


def digest(rows: list[list[float]]) -> str:
    """Return the SHA-256 of the film as little-endian 32-bit floating point, row by row."""
    return hashlib.sha256(b"".join(struct.pack(f"<{len(row)}f", *row) for row in rows)).hexdigest()


def main() -> None:
    """Print the golden table."""
    for _name, _build in ENCODINGS.items():
        pass


if __name__ == "__main__":
    main()
