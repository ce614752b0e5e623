"""The plots of the studies, each drawn from the study's record alone: heat map of corruptions, reliability, promises, subgroup forest, deletion and insertion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from validation.plots.canvas import figure, label

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    Record = Mapping[str, Any]


def _under(record: Record) -> str:
    """Return the line below a title: what the films are, how many, which model."""
    device = record["device"]
    return (
        f"{record['films_are']}\n{record['films']} films, model {device['model_version']}, bundle {device['bundle_sha256'][:12]}"
    )


def corruption_heat_map(record: Record) -> Figure:
    """Return AP50 relative to the films as they are, corruptions down, grades across; refusals are counted in the cells."""
    names, grades = record["corruptions"], record["grades"]
    cells = {(cell["corruption"], cell["grade"]): cell for cell in record["cells"]}
    values = np.array([[_value(cells[name, grade]["relative_ap50"]) for grade in grades] for name in names])
    goal = record["goals"][0]
    mean = "undefined" if goal["value"] is None else f"{goal['value']:.3f}"
    made = figure(
        f"AP50 of spoilt films over AP50 of the films as they are (mean {mean}, goal {goal['threshold']:g})",
        _under(record),
        (9, 7.5),
    )
    axes = made.add_subplot()
    shown = axes.imshow(values, cmap="RdYlGn", vmin=0.0, vmax=1.1, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        refused = sum(cells[names[row], grades[column]]["refused"].values())
        text = "undefined" if np.isnan(value) else f"{value:.2f}"
        axes.text(column, row, text + (f"\n{refused} refused" if refused else ""), ha="center", va="center", fontsize=8)
    axes.set_xticks(range(len(grades)), [f"grade {grade}" for grade in grades])
    axes.set_yticks(range(len(names)), names)
    made.colorbar(shown, ax=axes, label="relative AP50")
    return made


def _value(metric: Mapping[str, Any]) -> float:
    return float("nan") if metric["value"] is None else float(metric["value"])


def reliability_diagram(record: Record) -> Figure:
    """Return share of right boxes against mean score in ten bins, before and after calibration, with the number of boxes below."""
    goal = record["goals"][0]
    made = figure(f"Reliability of the scores, boxes right at IoU {record['iou']:g}", _under(record), (8, 7.5))
    above, below = made.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    above.plot([0, 1], [0, 1], color="black", linewidth=0.8, linestyle="--", label="as scored, so right")
    for name, colour, text in (("before", "tab:gray", "network's own scores"), ("after", "tab:blue", "scores of the device")):
        rows = [row for row in record["reliability"][name] if row["candidates"]]
        error = record[name]["all"]
        above.plot(
            [row["mean_score"] for row in rows],
            [row["right"] / row["candidates"] for row in rows],
            marker="o",
            color=colour,
            label=f"{text}: D-ECE {_text(error)}",
        )
        places = [(row["low"] + row["high"]) / 2 + (0.018 if name == "after" else -0.018) for row in record["reliability"][name]]
        below.bar(places, [row["candidates"] for row in record["reliability"][name]], width=0.034, color=colour)
    above.set(ylabel="share of boxes that are right", xlim=(0, 1), ylim=(0, 1.02))
    above.set_title(f"goal: at most {goal['threshold']:g}, {'met' if goal['passed'] else 'not met'}", fontsize=9)
    above.legend(fontsize=8)
    above.grid(alpha=0.3)
    below.set(xlabel="score", ylabel="boxes", yscale="log")
    below.grid(alpha=0.3)
    return made


def _text(metric: Mapping[str, Any], digits: int = 3) -> str:
    if metric["value"] is None:
        return f"undefined ({metric['reason']})"
    interval = metric.get("interval")
    between = f" [{interval['low']:.{digits}f}, {interval['high']:.{digits}f}]" if interval else ""
    return f"{metric['value']:.{digits}f}{between}"


def promises(record: Record) -> Figure:
    """Return the realised miss rate beside the promised one, per finding and alpha, with the middle 95 % of the splits."""
    made = figure(
        f"Conformal miss rate over {record['splits']} random halves; lines: promised, marks: realised", _under(record), (10, 6.5)
    )
    names = list(record["promises"])
    panels = made.subplots(1, len(record["alphas"]), sharey=True)
    for axes, number in zip(np.atleast_1d(panels), range(len(record["alphas"])), strict=True):
        _promise(axes, [(name, record["promises"][name][number]) for name in names], record["alphas"][number])
    return made


def _promise(axes: Axes, rows: Sequence[tuple[str, Mapping[str, Any]]], alpha: float) -> None:
    axes.axvline(alpha, color="black", linewidth=1)
    axes.axvline(alpha + 0.02, color="black", linewidth=1, linestyle=":")
    for place, (_, row) in enumerate(rows):
        metric = row["realised"]
        if metric["value"] is None:
            axes.text(0.98, place, "too few patients", fontsize=7, ha="right", transform=axes.get_yaxis_transform())
            continue
        kept = row["promise_impossible"] == 0
        axes.plot(
            [metric["interval"]["low"], metric["interval"]["high"]], [place, place], color="tab:blue" if kept else "tab:red"
        )
        axes.plot(metric["value"], place, marker="o", color="tab:blue" if kept else "tab:red")
        text = (
            f"{row['false_marks_per_film']:.2f} false marks"
            if kept
            else f"impossible in {row['promise_impossible']} of {row['splits']}"
        )
        axes.text(0.98, place - 0.16, text, fontsize=7, ha="right", transform=axes.get_yaxis_transform())
    axes.set_yticks(range(len(rows)), [label(name) for name, _ in rows], fontsize=8)
    axes.set_ylim(len(rows) - 0.5, -0.7)
    axes.set_title(f"alpha {alpha:g}", fontsize=9)
    axes.set(xlabel="share of true boxes missed", xlim=(0, max(0.4, 2.5 * alpha)))
    axes.grid(alpha=0.3, axis="x")


def subgroup_forest(record: Record) -> Figure:
    """Return sensitivity and AP50 (macro) of every part of every stratum with intervals; parts that are too small are named as such.

    The record is a validation record or that of the study of subgroups: both hold ``subgroups``.
    """
    rows = [(stratum, name, part) for stratum, parts in record["subgroups"]["strata"].items() for name, part in parts.items()]
    made = figure("Subgroups with intervals at the bundle's operating points", _caption(record), (11, 1.6 + 0.32 * len(rows)))
    left, right = made.subplots(1, 2, sharey=True)
    for axes, text, of in (
        (left, "sensitivity", lambda part: part.get("sensitivity")),
        (right, "AP50, macro mean", lambda part: part.get("figures", {}).get("ap50.macro")),
    ):
        for place, (_, _, part) in enumerate(rows):
            _forest_row(axes, place, part, of(part))
        axes.set(xlabel=text, xlim=(0, 1.02))
        axes.grid(alpha=0.3, axis="x")
    words = [f"{stratum.replace('_', ' ')}: {name} (n={part['patients']})" for stratum, name, part in rows]
    left.set_title("red: differs from the rest of its stratum by more than the gap, significantly", fontsize=8, color="tab:red")
    left.set_yticks(range(len(rows)), words, fontsize=8)
    left.set_ylim(len(rows) - 0.5, -0.5)
    for place in (n for n in range(1, len(rows)) if rows[n][0] != rows[n - 1][0]):
        for axes in (left, right):
            axes.axhline(place - 0.5, color="black", linewidth=0.4, alpha=0.4)
    return made


def _caption(record: Record) -> str:
    return _under(record) if isinstance(record["films"], int) else str(record["films_are"])


def _forest_row(axes: Axes, place: int, part: Mapping[str, Any], metric: Mapping[str, Any] | None) -> None:
    if metric is None or metric["value"] is None:
        reason = part.get("not_evaluated") or (metric or {}).get("reason", "")
        axes.text(0.02, place, f"not evaluated: {reason}"[:60], va="center", fontsize=7, color="tab:gray")
        return
    colour = "tab:red" if part.get("difference", {}).get("limitation") else "tab:blue"
    if interval := metric.get("interval"):
        axes.plot([interval["low"], interval["high"]], [place, place], color=colour, linewidth=1.4)
    axes.plot(metric["value"], place, marker="s", color=colour, markersize=5)


def explanation_curves(record: Record) -> Figure:
    """Return what is left of a mark's score as cells are blurred in the order of its map, and what is there as only they stay sharp."""
    made = figure(
        f"Deletion and insertion of {record['marks']} marks, beside a drawn order of the same cells", _under(record), (11, 5.5)
    )
    top = max((value for curves in record["curves"].values() for kind in curves for value in curves[kind]), default=1.0)
    for axes, kind, text in zip(
        made.subplots(1, 2, sharey=True),
        ("deletion", "insertion"),
        ("deletion: blurred first to last (lower is better)", "insertion: sharp first to last (higher is better)"),
        strict=True,
    ):
        for name, curves in record["curves"].items():
            if curves:
                axes.plot(
                    record["shares"], curves[kind], marker="o", label=name, linestyle="--" if name == "drawn order" else "-"
                )
        axes.set(
            xlabel="share of the cells under the map", ylabel="share of the mark's score", xlim=(0, 0.9), ylim=(0, 1.05 * top)
        )
        axes.set_title(text, fontsize=9)
        axes.grid(alpha=0.3)
    handles, labels = axes.get_legend_handles_labels()
    made.legend(handles, labels, loc="outside lower center", ncols=4, fontsize=8)
    return made


def cut_offs(record: Record) -> Figure:
    """Return the sensitivity per finding of the version before, of this one at the old cut-offs, and at its own."""
    rows = record["own"]["rows"]
    made = figure("Sensitivity at the cut-offs of the version before calibration and at its own", _under(record), (10, 6.5))
    axes = made.add_subplot()
    places = np.arange(len(rows))
    devices = list(next(iter(rows.values()))["sensitivity"])
    for number, (name, colour) in enumerate(zip(devices, ("tab:gray", "tab:red", "tab:blue"), strict=True)):
        values = [_value(row["sensitivity"][name]) for row in rows.values()]
        bars = axes.barh(places + 0.27 * (number - 1), np.nan_to_num(values), height=0.25, color=colour, label=name)
        axes.bar_label(bars, [f"{value:.2f}" for value in values], fontsize=7, padding=2)
    axes.set_yticks(places, [label(name) for name in rows], fontsize=8)
    axes.invert_yaxis()
    axes.set(xlabel="sensitivity", xlim=(0, 1.1))
    axes.grid(alpha=0.3, axis="x")
    made.legend(loc="outside lower center", ncols=3, fontsize=8)
    return made
