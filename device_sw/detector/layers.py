"""The layers that a network on the engine is made of, each with the weights that training gave it; a weight that is missing, left over or not finite is refused.

OpenVINO is imported here, and the maker's usage statistics are barred before it is.

Source: He et al. 2016 (arXiv:1512.03385); Wu and He 2018, Group Normalization (arXiv:1803.08494).
"""

from __future__ import annotations

import sys
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from device_sw.errors import BundleError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

sys.modules.setdefault("openvino.tools", None)  # type: ignore[arg-type]  # bars model conversion, and with it openvino_telemetry
import openvino as ov  # noqa: E402  after the bar
from openvino import opset13 as ops  # noqa: E402

_GROUPS = 8
_CELL = 16
_EPSILON = 1e-5

__all__ = ["Layers", "group_mean", "linear", "misfit", "ops", "ov", "require_finite_weights", "residual", "with_contrast"]


def misfit(found: str, where: str = "weights.safetensors") -> BundleError:
    """Return the error that weights do not fit the network that was described."""
    return BundleError(
        "BND-WEIGHTS",
        where=where,
        found=found,
        expected="exactly the tensors of the architecture in model.json, float32",
        repair="restore the bundle from its release",
    )


class Layers:
    """Layers made of named weights, and which weights were used; ``variances`` collects those of every normalised group."""

    def __init__(self, weights: Mapping[str, NDArray[np.float32]], where: str = "weights.safetensors") -> None:
        """Keep the weights and the name of their file."""
        self._weights = weights
        self._where = where
        self._used: set[str] = set()
        self.variances: list[Any] = []

    def tensor(self, name: str, *shape: int) -> NDArray[np.float32]:
        """Return one tensor, of exactly this shape."""
        if name not in self._weights:
            raise misfit(f"no tensor {name}", self._where)
        tensor = self._weights[name]
        if tensor.shape != shape or tensor.dtype != np.float32:
            raise misfit(f"{name} of shape {tensor.shape} and type {tensor.dtype}, where {shape} belongs", self._where)
        require_finite_weights({name: tensor}, self._where)
        self._used.add(name)
        return tensor

    def require_all_used(self) -> None:
        """Refuse weights that belong to no layer."""
        surplus = sorted(set(self._weights) - self._used)
        if surplus:
            raise misfit(f"tensor {surplus[0]}, which belongs to no layer", self._where)

    def convolution(self, x: Any, name: str, inputs: int, outputs: int, side: int = 3, *, stride: int = 1, bias: bool) -> Any:  # noqa: PLR0913 - the parts of a convolution
        """Convolve with zero padding that keeps the size at stride 1."""
        pad = [side // 2, side // 2]
        y = ops.convolution(x, self.tensor(f"{name}.weight", outputs, inputs, side, side), [stride, stride], pad, pad, [1, 1])
        return ops.add(y, self.tensor(f"{name}.bias", outputs).reshape(1, outputs, 1, 1)) if bias else y

    def group_norm(self, x: Any, name: str, channels: int) -> Any:
        """Normalise each of 8 groups of channels over its pixels.

        Written out, since the engine's own operation costs two changes of memory layout around it.
        """
        scale, shift = (self.tensor(f"{name}.{part}", channels).reshape(1, channels, 1, 1) for part in ("weight", "bias"))
        centred = ops.subtract(x, group_mean(x, channels))
        variance = group_mean(ops.multiply(centred, centred), channels)
        self.variances.append(variance)
        factor = ops.divide(scale, ops.sqrt(ops.add(variance, np.float32(_EPSILON))))
        return ops.add(ops.multiply(centred, factor), shift)

    def rows(self, name: str, outputs: int, *inputs: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return weights (outputs, inputs...) and bias (outputs,) of a linear layer."""
        weights = self.tensor(f"{name}.weight", outputs, prod(inputs)).reshape(outputs, *inputs)
        return weights, self.tensor(f"{name}.bias", outputs)


def group_mean(x: Any, channels: int, groups: int = _GROUPS) -> Any:
    """Return for each channel the mean over its group: (1, channels, 1, 1)."""
    apart = np.array([groups, channels // groups])
    each = ops.reshape(ops.reduce_mean(x, np.array([2, 3]), keep_dims=True), apart, special_zero=False)
    mean = ops.broadcast(ops.reduce_mean(each, np.array([1]), keep_dims=True), apart)
    return ops.reshape(mean, np.array([1, channels, 1, 1]), special_zero=False)


def require_finite_weights(weights: Mapping[str, NDArray[np.float32]], where: str = "weights.safetensors") -> None:
    """Refuse weights with a number that is not finite.

    Raises:
        BundleError: BND-WEIGHTS.
    """
    for name, tensor in weights.items():
        if not np.isfinite(tensor).all():
            raise misfit(f"{name} with a number that is not finite", where)


def with_contrast(film: Any, side: int) -> Any:
    """Centre the film and put its local contrast beside it: (1, 2, side, side)."""
    x = ops.divide(ops.subtract(film, np.float32(0.5)), np.float32(0.25))
    mean = _cell_mean(x)
    variance = ops.subtract(_cell_mean(ops.multiply(x, x)), ops.multiply(mean, mean))
    spread = ops.sqrt(ops.maximum(variance, np.float32(0.0)))
    around, scale = (
        ops.interpolate(y, np.array([side, side]), "linear_onnx", "sizes", axes=np.array([2, 3])) for y in (mean, spread)
    )
    contrast = ops.divide(ops.subtract(x, around), ops.add(scale, np.float32(0.1)))
    return ops.concat([x, contrast], 1)


def _cell_mean(x: Any) -> Any:
    return ops.avg_pool(x, [_CELL, _CELL], [0, 0], [0, 0], [_CELL, _CELL], exclude_pad=False)


def residual(layers: Layers, x: Any, name: str, channels: tuple[int, int], stride: int) -> Any:
    """Return a residual block: two 3x3 convolutions with group normalisation, and a shortcut that is a 1x1 convolution where the shape changes."""
    inputs, outputs = channels
    y = layers.convolution(x, f"{name}.conv1", inputs, outputs, stride=stride, bias=False)
    y = ops.relu(layers.group_norm(y, f"{name}.norm1", outputs))
    y = layers.convolution(y, f"{name}.conv2", outputs, outputs, bias=False)
    y = layers.group_norm(y, f"{name}.norm2", outputs)
    changes = stride != 1 or inputs != outputs
    shortcut = layers.convolution(x, f"{name}.shortcut", inputs, outputs, 1, stride=stride, bias=False) if changes else x
    return ops.relu(ops.add(y, shortcut))


def linear(x: Any, weights: NDArray[np.float32], bias: NDArray[np.float32]) -> Any:
    """Multiply (n, inputs) with (outputs, inputs) and add (outputs,).

    Written as a 1x1 convolution over a picture that is n pixels high: for a product of matrices the engine takes a library that chooses its instructions by the
    processor and knows no limit, so that the last digits would depend on the machine (docs/adr/0043-one-instruction-set.md).
    """
    outputs, inputs = weights.shape
    column = ops.transpose(ops.reshape(x, np.array([1, -1, 1, inputs]), special_zero=False), np.array([0, 3, 1, 2]))
    y = ops.convolution(column, np.ascontiguousarray(weights)[:, :, None, None], [1, 1], [0, 0], [0, 0], [1, 1])
    y = ops.add(y, bias.reshape(1, outputs, 1, 1))
    return ops.reshape(ops.transpose(y, np.array([0, 2, 3, 1])), np.array([-1, outputs]), special_zero=False)
