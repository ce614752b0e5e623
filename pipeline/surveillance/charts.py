"""The control charts, each from the record alone: value, interval and limits over the windows, one panel a series."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

from matplotlib.ticker import MaxNLocator

from pipeline.surveillance.series import State
from validation.plots.canvas import figure, label

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 2
LOOKS = {
    State.INSIDE: {"marker": "o", "color": "#1f5fa8", "markerfacecolor": "#1f5fa8"},
    State.OUTSIDE: {"marker": "D", "color": "#b3261e", "markerfacecolor": "#b3261e"},
    State.NOT_EVALUATED: {"marker": "o", "color": "#6b7280", "markerfacecolor": "white"},
}
"""State -> how its points look; shape and filling differ too, for print and for readers who do not see the colours."""


def chart(indicator: Mapping[str, Any], films_are: str) -> Figure:
    """Return the control chart of an indicator that has series."""
    series = indicator["series"]
    columns = min(COLUMNS, len(series))
    rows = ceil(len(series) / columns)
    made = figure(f"{indicator['id']} {indicator['title']}", films_are, (11.0, 1.2 + 2.3 * rows))
    panels = made.subplots(rows, columns, squeeze=False).flatten()
    for axes, one in zip(panels, series, strict=False):
        _panel(axes, one)
    for axes in panels[len(series) :]:
        axes.set_axis_off()
    handles = [panels[0].plot([], [], linestyle="none", label=str(state), **look)[0] for state, look in LOOKS.items()]
    made.legend(handles=handles, loc="outside lower center", ncols=len(handles), fontsize=8, frameon=False)
    return made


def _panel(axes: Axes, series: Mapping[str, Any]) -> None:
    axes.set_title(label(series["name"]).replace("\n", " "), fontsize=9)
    axes.set_ylabel(series["unit"], fontsize=7)
    axes.tick_params(labelsize=7)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid(alpha=0.3)
    points = series["points"]
    axes.set_xlim(0.5, max(len(points), 1) + 0.5)
    if series["centre"] is not None:
        axes.axhline(series["centre"], color="black", linewidth=0.8)
    for point in points:
        _point(axes, point)
    if all(point["value"] is None for point in points):
        axes.text(0.5, 0.5, "no value in any window", transform=axes.transAxes, ha="center", fontsize=8)
    if "median" not in series["unit"]:
        axes.set_ylim(0.0, 1.12 * max(0.05, *_heights(series)))


def _heights(series: Mapping[str, Any]) -> Iterator[float]:
    """Yield everything that a share or a count has to show above 0."""
    for point in series["points"]:
        yield from (
            float(each) for each in (point["value"], *(point["limits"] or ()), *(point["interval"] or ())) if each is not None
        )


def _point(axes: Axes, point: Mapping[str, Any]) -> None:
    window = point["window"]
    for limit in point["limits"] or ():
        axes.plot([window - 0.5, window + 0.5], [limit, limit], color="#b3261e", linewidth=0.9, linestyle="dashed")
    if point["interval"]:
        axes.plot([window, window], point["interval"], color="#9aa3ad", linewidth=1.2)
    if point["value"] is not None:
        axes.plot([window], [point["value"]], linestyle="none", markersize=5, **LOOKS[State(point["state"])])
