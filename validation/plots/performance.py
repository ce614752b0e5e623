"""The plots of the validation record: precision-recall, FROC, AP beside the trivial detector, AP against severity, and the confusion table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from validation.metrics.average_precision import precision_recall
from validation.metrics.froc import CPM_RATES, curve
from validation.plots.canvas import colours, figure, label

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from validation.stages.selection import Selection


def precision_recall_curves(selection: Selection, films_are: str, iou: float) -> Figure:
    """Return precision against recall per finding, without interpolation."""
    made = figure(f"Precision and recall per finding, IoU {iou:g}", films_are)
    axes = made.add_subplot()
    for name, colour in colours(selection.findings).items():
        matches = selection.matches[name]
        recall, precision = precision_recall(matches, iou)
        axes.plot(recall, precision, color=colour, label=f"{label(name)} (n={matches.truth_count})")
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1.01), ylim=(0, 1.02))
    _finish(axes)
    return made


def froc_curves(selection: Selection, films_are: str, iou: float) -> Figure:
    """Return sensitivity against false positives per film, per finding, on a logarithmic axis that holds the seven CPM rates."""
    made = figure(f"FROC per finding, IoU {iou:g}", films_are)
    axes = made.add_subplot()
    for name, colour in colours(selection.findings).items():
        found = curve(selection.matches[name], iou)
        if found is not None:
            rate = np.maximum(found.false_positives_per_film, CPM_RATES[0] / 2)
            axes.step(rate, found.sensitivity, where="post", color=colour, label=label(name))
    axes.set_xscale("log", base=2)
    axes.set_xticks(CPM_RATES, [f"{rate:g}" for rate in CPM_RATES])
    axes.set(
        xlabel="false positives per film", ylabel="sensitivity", xlim=(CPM_RATES[0] / 2, CPM_RATES[-1] * 1.1), ylim=(0, 1.02)
    )
    _finish(axes)
    return made


def _finish(axes: Axes) -> None:
    axes.grid(alpha=0.3)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=8)
    else:
        axes.text(0.5, 0.5, "undefined: no truth boxes", transform=axes.transAxes, ha="center")


def ap_bars(record: Mapping[str, Any], figure_name: str) -> Figure:
    """Return one figure of the record per finding with its interval, beside the trivial detector's."""
    made = figure(f"{figure_name.upper()} per finding with {record['analysis']['level']:.0%} intervals", record["films_are"])
    axes = made.add_subplot()
    names = [*record["findings"], "macro"]
    rows = np.arange(len(names))
    for key, offset, colour, text in (
        ("figures", -0.2, "tab:blue", "device"),
        ("figures_trivial", 0.2, "tab:gray", "trivial detector"),
    ):
        _bars(axes, [record[key][figure_name][name] for name in names], rows + offset, colour, text)
    axes.set_yticks(rows, [label(name) for name in names])
    axes.invert_yaxis()
    axes.set(xlabel=figure_name.upper(), xlim=(0, 1.05))
    axes.grid(alpha=0.3, axis="x")
    axes.legend(fontsize=8)
    return made


def _bars(axes: Axes, metrics: Sequence[Mapping[str, Any]], places: np.ndarray[Any, Any], colour: str, text: str) -> None:
    values = [metric["value"] or 0.0 for metric in metrics]
    axes.barh(places, values, height=0.38, color=colour, label=text)
    for place, metric in zip(places, metrics, strict=True):
        if metric["value"] is None:
            axes.text(0.01, place, f"undefined: {metric['reason']}"[:70], va="center", fontsize=7)
        elif metric.get("interval"):
            low, high = metric["interval"]["low"], metric["interval"]["high"]
            axes.plot([low, high], [place, place], color="black", linewidth=1.2, marker="|", markersize=6)


def ap_against_severity(record: Mapping[str, Any]) -> Figure:
    """Return AP50 per severity tercile and finding with intervals."""
    made = figure("AP50 against severity, terciles of the positive films", record["films_are"])
    axes = made.add_subplot()
    for index, (name, colour) in enumerate(colours(record["findings"]).items()):
        parts = [part for part in record["severity"][name].get("terciles", []) if part["ap50"]["value"] is not None]
        places = [part["tercile"] + (index - len(record["findings"]) / 2) * 0.03 for part in parts]
        axes.plot(
            places, [part["ap50"]["value"] for part in parts], color=colour, marker="o", label=label(name) if parts else None
        )
        for place, part in zip(places, parts, strict=True):
            interval = part["ap50"].get("interval")
            if interval:
                axes.plot([place, place], [interval["low"], interval["high"]], color=colour, linewidth=1)
    axes.set_xticks([1, 2, 3], ["mild", "middle", "severe"])
    axes.set(ylabel="AP50", xlim=(0.7, 3.3), ylim=(0, 1.02))
    axes.grid(alpha=0.3)
    if axes.get_legend_handles_labels()[0]:
        made.legend(loc="outside lower center", ncols=2, fontsize=8)
    else:
        axes.text(0.5, 0.5, "not evaluated: severity is unknown", transform=axes.transAxes, ha="center")
    return made


def confusion_table(record: Mapping[str, Any]) -> Figure:
    """Return the confusion table of boxes: rows what is there, columns what the device marked; the last row holds marks where nothing is."""
    findings = record["findings"]
    columns = [*findings, "missed"]
    counts = [[record["confusion"]["rows"][row][column] for column in columns] for row in findings]
    counts.append([record["confusion"]["nothing_there"][name] for name in findings] + [0])
    made = figure(
        f"What lies there (rows) and what was marked (columns), boxes at IoU {record['confusion']['iou']:g}",
        record["films_are"],
        (10, 7.5),
    )
    axes = made.add_subplot()
    shares = np.array(counts, dtype=np.float64) / np.maximum(np.sum(counts, axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), share in np.ndenumerate(shares):
        if not (row == len(findings) and column == len(findings)):
            axes.text(column, row, str(counts[row][column]), ha="center", va="center", color="white" if share > 0.5 else "black")
    axes.set_xticks(range(len(columns)), [label(name) for name in columns], rotation=35, ha="right", fontsize=8)
    axes.set_yticks(range(len(counts)), [*(label(name) for name in findings), "nothing there"], fontsize=8)
    return made
