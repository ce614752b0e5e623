"""The normal/abnormal classifier as an OpenVINO model, built from the verified weights under the same pins as the detector (`device_sw.detector.engine`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from device_sw.detector.classifier import CLASSIFIER_WEIGHTS, GRID
from device_sw.detector.engine import request, run
from device_sw.detector.layers import Layers, linear, misfit, ops, ov, residual, with_contrast
from device_sw.errors import InferenceFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from device_sw.detector.classifier import ClassifierShape


class CompiledClassifier:
    """The classifier, compiled for this processor."""

    def __init__(self, shape: ClassifierShape, weights: Mapping[str, NDArray[np.float32]]) -> None:
        """Build and compile.

        Raises:
            BundleError: BND-WEIGHTS, the weights are not exactly those of the shape; BND-PRECISION, the engine would not compute in float32.
        """
        layers = Layers(weights, CLASSIFIER_WEIGHTS)
        try:
            model = _model(shape, layers)
        except RuntimeError as err:
            raise misfit(f"{type(err).__name__} while the network was built", CLASSIFIER_WEIGHTS) from err
        layers.require_all_used()
        self._size = shape.input_size
        self._request = request(ov.Core(), model)

    def score(self, pixels: NDArray[np.float32]) -> float:
        """Return the score of one film, in [0, 1], that it shows a finding.

        Args:
            pixels: (size, size) float32 in [0, 1].

        Raises:
            InferenceFailed: INF-SHAPE, the film is not of the classifier's size; INF-NONFINITE, a number that is not finite came out.
        """
        if pixels.shape != (self._size, self._size):
            raise InferenceFailed(
                "INF-SHAPE",
                where="classifier input",
                found=f"an array of shape {pixels.shape}",
                expected=f"({self._size}, {self._size})",
                repair="prepare the film with the bundle's input size",
            )
        logit, variances = run(self._request, [np.asarray(pixels, dtype=np.float32)[None, None]])
        if not (np.isfinite(logit).all() and np.isfinite(variances).all()):
            raise InferenceFailed(
                "INF-NONFINITE",
                where="classifier output",
                found="a number that is not finite",
                expected="finite numbers",
                repair="run `thoratrace self-test`; if it passes, report the input's content hash to the manufacturer",
            )
        return float(1.0 / (1.0 + np.exp(-np.float64(logit.ravel()[0]))))


def _model(shape: ClassifierShape, layers: Layers) -> ov.Model:
    """Film -> logit, and the variances of every normalised group, where a number that is not finite shows even if a later layer hides it."""
    film = ops.parameter([1, 1, shape.input_size, shape.input_size], np.float32, name="film")
    y = layers.convolution(with_contrast(film, shape.input_size), "stem.conv", 2, shape.widths[0], stride=2, bias=False)
    y = ops.relu(layers.group_norm(y, "stem.norm", shape.widths[0]))
    for stage, outputs in enumerate(shape.widths[1:]):
        for block in range(shape.blocks):
            inputs, stride = (shape.widths[stage], 2) if block == 0 else (outputs, 1)
            y = residual(layers, y, f"stages.{stage}.{block}", (inputs, outputs), stride)
    logit = linear(_pooled(y, shape), *layers.rows("head", 1, shape.features))
    return ov.Model([logit, ops.concat(layers.variances, 1)], [film], "classifier")


def _pooled(y: Any, shape: ClassifierShape) -> Any:
    """Return the mean of each channel in each cell of the grid: (1, features)."""
    side = shape.input_size // 2 ** len(shape.widths) // GRID
    means = ops.avg_pool(y, [side, side], [0, 0], [0, 0], [side, side], exclude_pad=False)
    return ops.reshape(means, np.array([1, shape.features]), special_zero=False)
