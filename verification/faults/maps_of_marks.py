"""Defects of the maps of marks: a map of another mark, a map that ignores the weights, a map of what the network does not mark, words left out."""

from __future__ import annotations

from dataclasses import replace as changed
from typing import TYPE_CHECKING, Any

import torch

from verification.faults.alteration import replace, wrap

if TYPE_CHECKING:
    from types import ModuleType


def first_marks_map_for_all(module: ModuleType) -> None:
    """Every mark gets the map of the first one (device_sw.explanation.lesion_maps)."""

    def grids(original: Any, *arguments: Any) -> Any:
        made = original(*arguments)
        return [made[0] for _ in made]

    wrap(module, "_grids", grids)


def weights_ignored(module: ModuleType) -> None:
    """The map is a spot in the middle of what the network looked at, whatever its weights are (device_sw.explanation.lesion_maps)."""

    def grids(original: Any, *arguments: Any) -> Any:
        return [(_spot(grid), place) for grid, place in original(*arguments)]

    wrap(module, "_grids", grids)


def _spot(grid: torch.Tensor) -> torch.Tensor:
    down, across = (torch.linspace(-1.0, 1.0, side) for side in grid.shape)
    return torch.exp(-2.0 * (down[:, None] ** 2 + across[None, :] ** 2))


def nearest_mark_explained(module: ModuleType) -> None:
    """A mark that the network does not make is explained by the nearest one that it makes (device_sw.detector.activations)."""

    def found(answers: Any, sought: Any, _extent: Any, _tolerance: Any) -> int:
        boxes = answers.boxes[:, sought.label]
        return int((boxes - torch.tensor(sought.box)).abs().amax(dim=1).argmin())

    replace(module, "_found", found)


def reason_left_out(module: ModuleType) -> None:
    """The result counts a missing map as there (device_sw.report.json_report)."""

    def row(original: Any, lesion_map: Any) -> Any:
        return {**original(lesion_map), "available": True, "reason": None}

    wrap(module, "_lesion_map", row)


def label_left_out_of_the_result(module: ModuleType) -> None:
    """The result does not say what a map of a mark is not (device_sw.report.json_report)."""
    wrap(module, "_lesion_map", lambda original, lesion_map: original(changed(lesion_map, label="")))


def label_left_out_of_the_figure(module: ModuleType) -> None:
    """The figure does not say what a map of a mark is not (device_sw.report.map_figure)."""
    wrap(module, "_words", lambda original, result, width: original(changed(result, lesion_maps=()), width))
