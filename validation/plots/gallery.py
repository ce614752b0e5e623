"""A sheet of the test films on which the device did worst, with truth and marks, so that a person can see what the figures are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.patches import Rectangle

from validation.metrics.froc import at_threshold
from validation.plots.canvas import colours, figure, label

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from validation.cohort import Film
    from validation.predictions import Predictions
    from validation.stages.selection import Selection

    PixelsOf = Callable[[Film], NDArray[np.float32]]

_SHOWN_SIDE = 512


def worst_films(selection: Selection, thresholds: Mapping[str, float], iou: float, count: int = 8) -> list[tuple[Film, int, int]]:
    """Return the analysed films with the most errors, most first, as (film, missed truth boxes, false positives); ties by film id."""
    missed, false = (
        dict.fromkeys((film.film_id for film in selection.analysed), 0),
        dict.fromkeys((film.film_id for film in selection.analysed), 0),
    )
    for name, matches in selection.matches.items():
        counts = at_threshold(matches, thresholds[name], iou)
        for film, truths, hits, extra in zip(counts.films, counts.truths, counts.hits, counts.false_positives, strict=True):
            missed[film] += int(truths - hits)
            false[film] += int(extra)
    assessed = [film for film in selection.analysed if film.truth(selection.findings)]
    ranked = sorted(assessed, key=lambda film: (-missed[film.film_id] - false[film.film_id], film.film_id))
    return [(film, missed[film.film_id], false[film.film_id]) for film in ranked[:count]]


def gallery(selection: Selection, predictions: Predictions, pixels_of: PixelsOf, films_are: str, iou: float) -> Figure:
    """Return the sheet.

    Args:
        selection: the films.
        predictions: the device's outcomes with its thresholds.
        pixels_of: gives a film's (rows, columns) normalised pixels in [0, 1].
        films_are: what kind of films these are.
        iou: overlap of a hit.
    """
    worst = worst_films(selection, predictions.thresholds, iou)
    made = figure("Worst cases first: truth solid, marks of the device dashed with score", films_are, (16, 9))
    palette = colours(selection.findings)
    for place, (film, missed, false) in enumerate(worst, start=1):
        axes = made.add_subplot(2, 4, place)
        _film(axes, film, pixels_of(film))
        _boxes(axes, film, predictions, palette)
        axes.set_title(f"{film.film_id}: {missed} missed, {false} false", fontsize=8)
    handles = [Rectangle((0, 0), 1, 1, fill=False, edgecolor=colour, label=label(name)) for name, colour in palette.items()]
    made.legend(handles=handles, loc="outside lower center", ncols=4, fontsize=8)
    return made


def _film(axes: Axes, film: Film, pixels: NDArray[np.float32]) -> None:
    """Draw the film, thinned to the size of the sheet, in film coordinates."""
    step = max(1, max(film.rows, film.columns) // _SHOWN_SIDE)
    axes.imshow(pixels[::step, ::step], cmap="gray", vmin=0, vmax=1, extent=(0, film.columns, film.rows, 0))
    axes.set_axis_off()


def _boxes(axes: Axes, film: Film, predictions: Predictions, palette: Mapping[str, Any]) -> None:
    for name, boxes in film.truth(palette).items():
        for box in boxes:
            _rectangle(axes, box, palette[name], "solid")
    for candidate in predictions.films[film.film_id].candidates:
        if candidate.finding in film.truth(palette) and candidate.score >= predictions.thresholds[candidate.finding]:
            _rectangle(axes, candidate.box, palette[candidate.finding], "dashed")
            axes.text(
                candidate.box[0],
                candidate.box[1],
                f"{candidate.score:.2f}",
                color=palette[candidate.finding],
                fontsize=6,
                va="bottom",
            )


def _rectangle(axes: Axes, box: Sequence[float], colour: Any, style: str) -> None:
    x0, y0, x1, y1 = box
    axes.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, edgecolor=colour, linewidth=1.3, linestyle=style))
