"""One map for each mark and each method, or the reason why there is none.

The marks are those of the released engine. The network that is looked into is built from the same bundle, and each mark is found again in it by its box and
its score within the parity tolerance; a mark that is not found there gets no map, because a map of another mark would pass for its own.

Source: Adebayo et al. 2018, Sanity checks for saliency maps (arXiv:1810.03292): a map that does not depend on the weights explains nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from device_sw.detector.activations import Sought, Tolerance
from device_sw.detector.parity import PARITY_BOX_PX, PARITY_SCORE
from device_sw.explanation import ablation_cam, grad_cam, saliency
from device_sw.preprocessing.geometry import to_network
from device_sw.types import ExplanationMethod, LesionMap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from device_sw.detector.activations import Explainable, Reading, Target
    from device_sw.types import Detection, FindingId, Letterbox, ModelInput

LABELS = {
    ExplanationMethod.GRAD_CAM: grad_cam.LABEL,
    ExplanationMethod.ABLATION_CAM: ablation_cam.LABEL,
    ExplanationMethod.SALIENCY: saliency.LABEL,
}
"""The words beside every map, by method."""

NO_NETWORK = "the engine offers no network to look into"
NOT_FOUND = (
    f"the network that is looked into does not make this mark within {PARITY_BOX_PX} film pixel and {PARITY_SCORE:g} in score"
)
NOTHING = "nothing raised the score of this mark"
NOT_FINITE = "a number that is not finite came out"
"""Why there is no map."""


@dataclass(frozen=True, slots=True, eq=False)
class _Film:
    """A film as a network read it, and how it lies in the network's input."""

    pixels: Tensor
    reading: Reading
    frame: Letterbox


def lesion_maps(  # noqa: PLR0913, PLR0917 - the film, what was answered, and what is asked
    detector: Explainable[Any] | None,
    model_input: ModelInput,
    detections: Sequence[Detection],
    candidates: Sequence[Detection],
    findings: Sequence[FindingId],
    methods: Sequence[ExplanationMethod],
) -> tuple[LesionMap, ...]:
    """Return the maps, mark by mark in the order given, and for each mark method by method.

    Args:
        detector: the network to look into; None where there is none.
        model_input: the film as it was analysed.
        detections: the marks, film coordinates.
        candidates: the engine's own answers, with the network's own scores; each mark is one of them by finding and box.
        findings: finding of class index 1, 2, ...
        methods: from `LESION_METHODS`.
    """
    if not detections or not methods:
        return ()
    if detector is None:
        return tuple(_none(method, detection, NO_NETWORK) for detection in detections for method in methods)
    film = _read(detector, model_input)
    targets = _targets(detector, film, _own_scores(detections, candidates), findings)
    made = {method: _of_method(detector, film, method, detections, targets) for method in methods}
    return tuple(made[method][number] for number in range(len(detections)) for method in methods)


def _none(method: ExplanationMethod, detection: Detection, reason: str) -> LesionMap:
    return LesionMap(method, detection, LABELS[method], reason=reason)


def _read(detector: Explainable[Any], model_input: ModelInput) -> _Film:
    pixels = torch.from_numpy(np.ascontiguousarray(model_input.pixels))[None]
    with torch.no_grad():
        return _Film(pixels, detector.read(pixels), model_input.letterbox)


def _own_scores(detections: Sequence[Detection], candidates: Sequence[Detection]) -> list[Detection]:
    """Return for each mark the engine's own answer, whose score is the network's and not a calibrated one; a mark without one stays as it is."""
    own = {(candidate.finding, candidate.box): candidate for candidate in reversed(candidates)}
    return [own.get((detection.finding, detection.box), detection) for detection in detections]


def _targets(
    detector: Explainable[Any], film: _Film, detections: Sequence[Detection], findings: Sequence[FindingId]
) -> tuple[Target | None, ...]:
    frame = film.frame
    sought = [Sought(findings.index(d.finding) + 1, to_network(d.box, frame).as_tuple(), d.score) for d in detections]
    extent = (frame.columns * frame.scale, frame.rows * frame.scale)
    return detector.targets(film.reading, sought, extent, Tolerance(PARITY_BOX_PX * frame.scale, PARITY_SCORE))


def _of_method(
    detector: Explainable[Any],
    film: _Film,
    method: ExplanationMethod,
    detections: Sequence[Detection],
    targets: Sequence[Target | None],
) -> list[LesionMap]:
    found = [target for target in targets if target is not None]
    grids = iter(_grids(detector, film, method, found))
    return [
        _none(method, detection, NOT_FOUND) if target is None else _lesion_map(method, detection, *next(grids), film.frame)
        for detection, target in zip(detections, targets, strict=True)
    ]


_Placed = tuple["Tensor", tuple[float, float, float, float]]
"""Values and the rectangle of the network input that they cover, network pixels."""


def _grids(detector: Explainable[Any], film: _Film, method: ExplanationMethod, targets: Sequence[Target]) -> list[_Placed]:
    if method is ExplanationMethod.SALIENCY:
        return [(grid, _covered(grid)) for grid in saliency.saliency(detector, film.pixels, targets)]
    make = {ExplanationMethod.GRAD_CAM: grad_cam.grad_cam, ExplanationMethod.ABLATION_CAM: ablation_cam.ablation_cam}[method]
    return [(make(detector, film.reading, target), detector.place(film.reading, target)) for target in targets]


def _covered(grid: Tensor) -> tuple[float, float, float, float]:
    return (0.0, 0.0, float(grid.shape[1] * saliency.CELL), float(grid.shape[0] * saliency.CELL))


def _lesion_map(
    method: ExplanationMethod, detection: Detection, grid: Tensor, place: tuple[float, float, float, float], frame: Letterbox
) -> LesionMap:
    """Scale the values so that the largest on the film is 1, and the place to film pixels."""
    values: NDArray[np.float32] = grid.numpy().astype(np.float32)
    if not np.all(np.isfinite(values)):
        return _none(method, detection, NOT_FINITE)
    x0, y0, x1, y1 = (edge / frame.scale for edge in place)
    values = values * _touches_film(values.shape, (x0, y0, x1, y1), frame)
    largest = float(values.max(initial=0.0))
    if largest <= 0.0:
        return _none(method, detection, NOTHING)
    return LesionMap(method, detection, LABELS[method], values / np.float32(largest), (x0, y0, x1, y1))


def _touches_film(shape: tuple[int, ...], place: tuple[float, float, float, float], frame: Letterbox) -> NDArray[np.bool_]:
    """Say which cells of a grid have a part on the film; what lies wholly in the padding is none of its business."""
    x0, y0, x1, y1 = place
    left = x0 + np.arange(shape[1]) * (x1 - x0) / shape[1]
    top = y0 + np.arange(shape[0]) * (y1 - y0) / shape[0]
    return (top < frame.rows)[:, None] & (left < frame.columns)[None, :]
