"""The pictures of a comparison, each from the record alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from validation.metrics.froc import CPM_RATES
from validation.plots.canvas import colours, figure, label

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    Record = Mapping[str, Any]

HEADLINES = {"ap50": "AP at IoU 0.5", "ap30": "AP at IoU 0.3", "ar100": "AR100", "cpm": "CPM", "d_ece": "D-ECE"}
"""Figures shown with their intervals, in the order of the page."""


def headline(record: Record) -> Figure:
    """Return the macro figures of each family with their intervals, one panel a figure."""
    made = figure("Macro figures of each family", record["films_are"], (12.0, 1.4 + 0.32 * len(record["families"])))
    panels = made.subplots(1, len(HEADLINES), sharey=True)
    for axes, (name, text) in zip(panels, HEADLINES.items(), strict=True):
        rows = {family: found["figures"][name]["macro"] for family, found in record["families"].items()}
        _dots(axes, rows, colours(list(rows)))
        axes.set_title(text, fontsize=9)
        axes.set_xlim(0, None)
    return made


def differences(record: Record) -> Figure:
    """Return the paired differences of each family from the present one."""
    made = figure(
        f"Difference from {record['present']}, paired by patient, {record['analysis']['level']:.0%} intervals",
        record["films_are"],
        (12.0, 1.4 + 0.32 * len(record["families"])),
    )
    panels = made.subplots(1, len(HEADLINES), sharey=True)
    for axes, (name, text) in zip(panels, HEADLINES.items(), strict=True):
        rows = {family: found[name]["macro"] for family, found in record["differences"].items()}
        palette = colours(list(record["families"]))
        _dots(axes, rows, palette)
        axes.axvline(0, color="black", linewidth=0.8)
        axes.set_title(f"{text}{' (less is better)' if name == 'd_ece' else ''}", fontsize=9)
    return made


def _dots(axes: Axes, rows: Mapping[str, Mapping[str, Any]], palette: Mapping[str, Any]) -> None:
    for place, (family, metric) in enumerate(rows.items()):
        if metric["value"] is None:
            axes.text(0.02, place, "undefined", transform=axes.get_yaxis_transform(), va="center", fontsize=7)
            continue
        axes.plot(metric["value"], place, "o", color=palette[family], markersize=5)
        if interval := metric.get("interval"):
            axes.plot([interval["low"], interval["high"]], [place, place], color=palette[family], linewidth=1.6)
    axes.set_yticks(range(len(rows)), list(rows), fontsize=8)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.tick_params(axis="x", labelsize=7)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.grid(alpha=0.3, axis="x")


def froc(record: Record) -> Figure:
    """Return the mean sensitivity over the findings at the seven rates of CPM."""
    made = figure(f"FROC, mean over the findings, IoU {record['iou']:g}", record["films_are"], (8.0, 5.5))
    axes = made.add_subplot()
    palette = colours(list(record["families"]))
    for family, found in record["families"].items():
        curves = [values for values in found["froc"].values() if values is not None]
        if len(curves) == len(found["froc"]):
            axes.plot(CPM_RATES, np.mean(curves, axis=0), "o-", markersize=4, color=palette[family], label=family)
        else:
            axes.plot([], [], color=palette[family], label=f"{family}: undefined, a finding has no truth box")
    axes.set_xscale("log", base=2)
    axes.set_xticks(CPM_RATES, [f"{rate:g}" for rate in CPM_RATES])
    axes.set(xlabel="false positives per film, each finding", ylabel="sensitivity", ylim=(0, 1.02))
    _finish(axes)
    return made


def cost(record: Record) -> Figure:
    """Return AP50 against latency, the area of a mark as the bundle's size."""
    made = figure("AP50 against latency; the area of a mark is the size of the bundle", record["films_are"], (8.0, 5.0))
    axes = made.add_subplot()
    palette = colours(list(record["families"]))
    for family, found in record["families"].items():
        value, seconds = found["figures"]["ap50"]["macro"]["value"], found["latency"]["p95_s"]
        if value is not None and seconds is not None:
            megabytes = found["size"]["bundle_bytes"] / 1e6
            axes.scatter(
                seconds, value, s=20 + 6 * megabytes, color=palette[family], alpha=0.6, label=f"{family}, {megabytes:.1f} MB"
            )
    axes.margins(x=0.2)
    axes.set(xlabel="seconds a film, 95th percentile, whole device", ylabel="AP50, macro", ylim=(0, 1.02), xlim=(0, None))
    _finish(axes, markerscale=0.5)
    return made


def _finish(axes: Axes, **legend: Any) -> None:
    axes.grid(alpha=0.3)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=8, **legend)
    else:
        axes.text(0.5, 0.5, "undefined: a finding has no truth box", transform=axes.transAxes, ha="center")


def per_finding(record: Record) -> Figure:
    """Return AP50 of each family and finding as a table in colours."""
    families, findings = list(record["families"]), record["findings"]
    made = figure("AP50 by finding", record["films_are"], (11.0, 2.6 + 0.4 * len(families)))
    axes = made.add_subplot()
    values = [[record["families"][family]["figures"]["ap50"][name]["value"] for name in findings] for family in families]
    shown = np.array([[np.nan if value is None else value for value in row] for row in values])
    axes.imshow(shown, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (row, column), value in np.ndenumerate(shown):
        text = "undefined" if np.isnan(value) else f"{value:.2f}"
        axes.text(column, row, text, ha="center", va="center", fontsize=8, color="white" if value > 0.55 else "black")
    axes.set_xticks(range(len(findings)), [label(name) for name in findings], rotation=25, ha="right", fontsize=8)
    axes.set_yticks(range(len(families)), families, fontsize=8)
    return made


def learning(record: Record) -> Figure:
    """Return the validation AP50 by epoch: a curve that still rises at its end belongs to a network that the budget was too short for."""
    made = figure("Validation AP50 by epoch", record["films_are"], (8.0, 4.5))
    axes = made.add_subplot()
    palette = colours(list(record["families"]))
    for family, found in record["families"].items():
        values = [np.nan if value is None else value for value in found["validation_ap50"]]
        axes.plot(range(1, len(values) + 1), values, "o-", markersize=3, color=palette[family], label=family)
    axes.set(xlabel="epoch", ylabel="AP50, macro, validation films", ylim=(0, 1.02))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    _finish(axes)
    return made


PLOTS: dict[str, tuple[str, Callable[[Record], Figure]]] = {
    "headline": ("Figures with their intervals", headline),
    "differences": ("Paired differences", differences),
    "froc": ("FROC", froc),
    "per_finding": ("AP50 by finding", per_finding),
    "cost": ("What accuracy costs", cost),
    "learning": ("Was the budget long enough?", learning),
}
"""File stem -> title and picture, in the order of the page."""
