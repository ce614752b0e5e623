"""Shows a film the way a presentation state of the device says, with nothing of the device: a viewer reduced to what can be compared.

A presentation state replaces the film's own modality LUT, VOI and photometric interpretation, so only its own attributes are read (PS3.4 N.2). Graphic
coordinates in pixels have (0, 0) at the outer corner of the first pixel (PS3.3 C.10.5.1.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pydicom.dataset import Dataset


@dataclass(frozen=True)
class Shown:
    """What a presentation state draws: boxes (x0, y0, x1, y1) with the label of each, and the text about the whole film."""

    boxes: tuple[tuple[float, float, float, float], ...]
    labels: tuple[str, ...]
    words: str


def picture(state: Dataset, stored: NDArray[Any]) -> NDArray[np.float64]:
    """Return stored values as shown, (rows, columns) in [0, 1] with 1 as white."""
    values = _modality(state, stored.astype(np.float64))
    shown = _voi(state, values)
    return 1.0 - shown if state.PresentationLUTShape == "INVERSE" else shown


def _modality(state: Dataset, values: NDArray[np.float64]) -> NDArray[np.float64]:
    if "ModalityLUTSequence" in state:
        return _looked_up(state.ModalityLUTSequence[0], values)
    if "RescaleSlope" in state:
        return values * float(state.RescaleSlope) + float(state.RescaleIntercept)
    return values


def _voi(state: Dataset, values: NDArray[np.float64]) -> NDArray[np.float64]:
    if "SoftcopyVOILUTSequence" not in state:
        return (values - values.min()) / (values.max() - values.min())
    item = state.SoftcopyVOILUTSequence[0]
    if "VOILUTSequence" in item:
        bits = int(item.VOILUTSequence[0].LUTDescriptor[2])
        return _looked_up(item.VOILUTSequence[0], values) / (2**bits - 1)
    center, width = float(item.WindowCenter), float(item.WindowWidth)
    if item.VOILUTFunction == "SIGMOID":
        return 1.0 / (1.0 + np.exp(-4.0 * (values - center) / width))
    if item.VOILUTFunction == "LINEAR":
        center, width = center - 0.5, width - 1.0
    return np.clip((values - center) / width + 0.5, 0.0, 1.0)


def _looked_up(table: Dataset, values: NDArray[np.float64]) -> NDArray[np.float64]:
    count, first, _ = (int(number) for number in table.LUTDescriptor)
    data = np.frombuffer(table.LUTData, "<u2").astype(np.float64)
    if data.size != count % 65536:
        raise ValueError(f"a table of {data.size} entries with a descriptor of {count}")
    return data[np.clip(np.floor(values) - first, 0, data.size - 1).astype(np.int64)]


def shown(state: Dataset) -> Shown:
    """Return what is drawn over the film."""
    marks = [item for item in state.GraphicAnnotationSequence if "GraphicObjectSequence" in item]
    words = [item for item in state.GraphicAnnotationSequence if "GraphicObjectSequence" not in item]
    return Shown(
        boxes=tuple(_box(item.GraphicObjectSequence[0]) for item in marks),
        labels=tuple(str(item.TextObjectSequence[0].UnformattedTextValue) for item in marks),
        words=" ".join(" ".join(str(item.TextObjectSequence[0].UnformattedTextValue).split()) for item in words),
    )


def _box(line: Dataset) -> tuple[float, float, float, float]:
    numbers = [float(number) for number in line.GraphicData]
    if len(numbers) != 2 * line.NumberOfGraphicPoints or line.GraphicAnnotationUnits != "PIXEL" or numbers[:2] != numbers[-2:]:
        raise ValueError("not a closed line in pixels")
    return min(numbers[::2]), min(numbers[1::2]), max(numbers[::2]), max(numbers[1::2])


def drawn(state: Dataset, stored: NDArray[Any]) -> Image.Image:
    """Return the film as a viewer would show it with this presentation state, RGB, one pixel for each pixel of the film."""
    page = Image.fromarray(np.round(picture(state, stored) * 255).astype(np.uint8)).convert("RGB")
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(max(page.width / 60, 10))
    for box, label in zip(shown(state).boxes, shown(state).labels, strict=True):
        draw.rectangle(box, outline="yellow", width=2)
        draw.text((box[0] + 3, box[1] + 2), label, fill="yellow", font=font, stroke_width=1, stroke_fill="black")
    for item in state.GraphicAnnotationSequence:
        if "GraphicObjectSequence" not in item:
            text = item.TextObjectSequence[0]
            left, top = (float(part) for part in text.BoundingBoxTopLeftHandCorner)
            draw.multiline_text(
                (left * page.width, top * page.height),
                str(text.UnformattedTextValue).replace("\r", ""),
                fill="cyan",
                font=font,
                stroke_width=1,
                stroke_fill="black",
            )
    return page
