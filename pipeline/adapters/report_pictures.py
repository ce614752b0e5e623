"""Draws the pictures of a dataset report: sizes of boxes, and films with their boxes in three views, original, logarithm and normalised.

The films are read back by the device's own reader, so that the page shows what the device will see of the DX files just written. The logarithm is the E-Da
recipe's z = -ln((1 + x) / 2**BitsStored) where dense is stored low (MONOCHROME1), and ln(1 + x) where dense is stored high, so that bone is bright in both.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from device_sw.dicom.reader import read
from device_sw.errors import InputRefused
from device_sw.preprocessing.intensity import normalise
from pipeline.adapters.labels import findings

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from device_sw.dicom.radiograph import Radiograph

_COLOURS = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#d55e00", "#cc79a7", "#8fd14f")
_LONGEST = 420
"""Side of a shown film, in pixels: enough to see boxes, small enough for a page."""


def sizes_figure(entries: list[dict[str, Any]]) -> bytes | None:
    """Return a PNG of width against height of every box as shares of its film, by finding; None without boxes."""
    points: dict[str, list[tuple[float, float]]] = {}
    for film in entries:
        for box in film["boxes"]:
            x0, y0, x1, y1 = box["box"]
            points.setdefault(box["finding"], []).append(((x1 - x0) / film["columns"], (y1 - y0) / film["rows"]))
    if not points:
        return None
    figure = Figure(figsize=(9.4, 4.6))
    axes = figure.add_axes((0.07, 0.12, 0.48, 0.84))
    for finding, shares in sorted(points.items()):
        colour = _COLOURS[findings().index(finding)]
        widths, heights = zip(*shares, strict=True)
        axes.scatter(
            widths,
            heights,
            s=18,
            alpha=0.75,
            color=colour,
            edgecolor="#333333",
            linewidth=0.3,
            label=f"{_words(finding)} ({len(shares)})",
        )
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="box width / film width", ylabel="box height / film height")
    axes.grid(visible=True, color="#dddddd", linewidth=0.5)
    axes.legend(loc="upper left", bbox_to_anchor=(1.02, 1.0), fontsize=8, frameon=False)
    return _png(figure)


def gallery(folder: Path, entries: list[dict[str, Any]], preprocessing: str) -> list[tuple[str, bytes]]:
    """Return caption and PNG of one film for each finding that has a box, and of one film without any.

    Args:
        folder: the cohort folder.
        entries: its films.
        preprocessing: id of the recipe of the normalised view.
    """
    chosen: dict[str, dict[str, Any]] = {}
    for film in sorted(entries, key=lambda film: len({box["finding"] for box in film["boxes"]})):
        for finding in sorted({box["finding"] for box in film["boxes"]}) or ["no boxes"]:
            chosen.setdefault(finding, film)
    shown = {film["film_id"]: film for _, film in sorted(chosen.items())}
    return [(f"{_found(film)}: {name}", _film(folder, film, preprocessing)) for name, film in shown.items()]


def _found(film: dict[str, Any]) -> str:
    return ", ".join(_words(name) for name in sorted({box["finding"] for box in film["boxes"]})) or "no boxes"


def _film(folder: Path, film: dict[str, Any], preprocessing: str) -> bytes:
    radiograph = read(folder / film["path"])
    views = [
        ("original (as stored)", radiograph.stored.astype(np.float64)),
        ("logarithm", logarithm(radiograph)),
        _normalised(radiograph, preprocessing),
    ]
    figure = Figure(figsize=(12.4, 4.9))
    figure.subplots_adjust(left=0.01, right=0.99, top=0.86, bottom=0.01, wspace=0.03)
    figure.suptitle(f"{film['film_id']}: {_found(film)}", fontsize=10, x=0.01, y=0.98, ha="left")
    for axes, (title, picture) in zip(figure.subplots(1, 3), views, strict=True):
        _show(axes, title, picture, film)
    handles = [
        Patch(facecolor="none", edgecolor=_COLOURS[findings().index(name)], label=_words(name))
        for name in sorted({box["finding"] for box in film["boxes"]})
    ]
    if handles:
        figure.legend(handles=handles, loc="upper right", ncols=len(handles), fontsize=8, frameon=False)
    return _png(figure)


def _normalised(radiograph: Radiograph, preprocessing: str) -> tuple[str, NDArray[np.float64] | None]:
    try:
        return f"normalised ({preprocessing})", normalise(radiograph, preprocessing).pixels.astype(np.float64)
    except InputRefused as refusal:
        return f"normalised: refused ({refusal.code})", None


def logarithm(radiograph: Radiograph) -> NDArray[np.float64]:
    """Return the stored values' logarithm, (rows, columns), dense bright."""
    stored = 1.0 + np.maximum(radiograph.stored.astype(np.float64), 0.0)
    if radiograph.attributes.inverts:
        return np.asarray(-np.log(stored / 2.0**radiograph.attributes.bits_stored))
    return np.asarray(np.log(stored))


def _show(axes: Axes, title: str, picture: NDArray[np.float64] | None, film: dict[str, Any]) -> None:
    axes.set_title(title, fontsize=9)
    axes.set_axis_off()
    if picture is None:
        axes.text(0.5, 0.5, "no such view of this film", ha="center", va="center")
        return
    step = max(1, max(picture.shape) // _LONGEST)
    low, high = np.percentile(picture, (0.5, 99.5))
    axes.imshow(
        picture[::step, ::step], cmap="gray", vmin=low, vmax=max(high, low + 1e-6), extent=(0, film["columns"], film["rows"], 0)
    )
    for box in film["boxes"]:
        x0, y0, x1, y1 = box["box"]
        colour = _COLOURS[findings().index(box["finding"])]
        axes.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, edgecolor=colour, linewidth=1.6))


def _words(finding: str) -> str:
    return finding.replace("_", " ")


def _png(figure: Figure) -> bytes:
    FigureCanvasAgg(figure)
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=100, metadata={"Software": None})
    return buffer.getvalue()
