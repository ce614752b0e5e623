"""The training's two pictures: the losses of the family and the validation AP and AR, by epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def draw(history: list[dict[str, Any]], best_epoch: int, losses: Mapping[str, str], folder: Path) -> None:
    """Write loss.png and ap.png without dates, so that equal histories give equal bytes.

    Args:
        history: a record an epoch.
        best_epoch: the epoch whose weights were kept, from 0.
        losses: name of each loss -> what it is, in words.
        folder: where the pictures go.
    """
    epochs = [row["epoch"] for row in history]
    _losses(epochs, history, losses, folder / "loss.png")
    _precision(epochs, history, best_epoch, folder / "ap.png")


def _losses(epochs: list[int], history: list[dict[str, Any]], losses: Mapping[str, str], path: Path) -> None:
    figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
    for name, words in losses.items():
        axes.plot(epochs, [row["losses"][name] for row in history], marker="o", markersize=3, label=words)
    axes.plot(epochs, [sum(row["losses"].values()) for row in history], color="black", linewidth=2, label="sum")
    axes.set(xlabel="epoch", ylabel="mean loss a film", title="Training losses", ylim=(0, None))
    _finish(figure, axes, path)


def _precision(epochs: list[int], history: list[dict[str, Any]], best_epoch: int, path: Path) -> None:
    figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
    for finding in history[0]["validation"]["ap50_by_finding"]:
        values = [_plotted(row["validation"]["ap50_by_finding"][finding]) for row in history]
        axes.plot(epochs, values, linewidth=1, alpha=0.7, label=finding.replace("_", " "))
    axes.plot(epochs, [_plotted(row["validation"]["ap50"]) for row in history], color="black", linewidth=2.5, label="AP50, macro")
    axes.plot(
        epochs, [_plotted(row["validation"]["ar100"]) for row in history], color="black", linestyle="--", label="AR100, macro"
    )
    axes.axvline(best_epoch + 1, color="grey", linestyle=":", label="kept")
    axes.set(xlabel="epoch", ylabel="on validation films", title="Validation AP and AR by epoch", ylim=(0, 1))
    _finish(figure, axes, path)


def _plotted(value: float | None) -> float:
    """An undefined figure leaves a gap in the line."""
    return float("nan") if value is None else value


def _finish(figure: Any, axes: Any, path: Path) -> None:
    axes.grid(alpha=0.25)
    figure.legend(loc="outside right upper", fontsize=7)
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)
