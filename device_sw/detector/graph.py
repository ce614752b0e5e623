"""A traced PyTorch network as an OpenVINO model, operation by operation: the table of operations that our detector families are made of.

A network is traced on one film of its fixed size into a graph of elementary operations (aten), each of which has one line here. An operation that is not in
the table stops the translation. The variance of every normalised group of channels becomes one more output, because a number that is not finite shows there
even where a later rectifier hides it.

Source: PyTorch 2.15, aten operations; OpenVINO 2026.4, operation set 13.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.fx.experimental.proxy_tensor import make_fx

from device_sw.detector.engine import nearest
from device_sw.detector.layers import group_mean, ops, ov

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch import Tensor, nn


def translated(network: nn.Module, film: Tensor) -> ov.Model:
    """Return a model that maps a film of this shape to the network's outputs, and to the variances of all normalised groups, last (without any, the means of the first output).

    Raises:
        TypeError: the network has an operation that is not in the table.
    """
    with torch.no_grad():
        traced = make_fx(network.eval())(film)
    values: dict[Any, Any] = {}
    entry = ops.parameter(list(film.shape), np.float32, name="film")
    variances: list[Any] = []
    outputs: Sequence[Any] = ()
    for node in traced.graph.nodes:
        if node.op == "placeholder":
            values[node] = entry
        elif node.op == "get_attr":
            values[node] = getattr(traced, node.target).detach().numpy()
        elif node.op == "output":
            outputs = _given(node.args[0], values)
        elif str(node.target) == "aten._to_copy.default":
            values[node] = _in_float32(node, values)
        else:
            values[node] = _step(str(node.target), _given(node.args, values), _given(node.kwargs, values), variances)
    watched = ops.concat(variances, 1) if variances else ops.reduce_mean(outputs[0], np.array([2, 3]), keep_dims=True)
    return ov.Model([*outputs, watched], [entry], "network")


def _in_float32(node: torch.fx.Node, values: Mapping[Any, Any]) -> Any:
    """Pass on what the network widens for an exact root and narrows after it: the engine's float32 root is the processor's instruction, which is exact.

    Raises:
        TypeError: anything else than a root would be computed in double precision, or the conversion is another one.
    """
    dtype, roots_only = node.kwargs.get("dtype"), all(str(user.target) == "aten.sqrt.default" for user in node.users)
    if set(node.kwargs) != {"dtype"} or not (dtype == torch.float32 or (dtype == torch.float64 and roots_only)):
        raise TypeError(f"no translation of a conversion with {dict(node.kwargs)} for other operations than a root")
    return values[node.args[0]]


def _given(arguments: Any, values: Mapping[Any, Any]) -> Any:
    """Put computed values in the place of the graph's nodes, in lists too."""
    if isinstance(arguments, (list, tuple)):
        return [_given(one, values) for one in arguments]
    if isinstance(arguments, dict):
        return {name: _given(one, values) for name, one in arguments.items()}
    return values[arguments] if isinstance(arguments, torch.fx.Node) else arguments


def _step(name: str, arguments: list[Any], options: dict[str, Any], variances: list[Any]) -> Any:
    if name == "<built-in function getitem>":
        return arguments[0][arguments[1]]
    if name == "aten.native_group_norm.default":
        y, variance = _group_norm(*arguments)
        variances.append(variance)
        return (y, None, None)
    if name not in _OPERATIONS or set(options) - {"memory_format"}:
        raise TypeError(f"no translation of {name} with {sorted(options)}")
    return _OPERATIONS[name](*arguments)


def _group_norm(x: Any, scale: Any, shift: Any, *rest: Any) -> tuple[Any, Any]:
    """Normalise groups of channels; the rest is films, channels, pixels, groups and epsilon."""
    _, channels, _, groups, epsilon = rest
    centred = ops.subtract(x, group_mean(x, channels, groups))
    variance = group_mean(ops.multiply(centred, centred), channels, groups)
    factor = ops.divide(scale.reshape(1, channels, 1, 1), ops.sqrt(ops.add(variance, np.float32(epsilon))))
    return ops.add(ops.multiply(centred, factor), shift.reshape(1, channels, 1, 1)), variance


def _number(value: Any) -> Any:
    """Return a Python number in the network's precision, and anything else as it is."""
    return np.float32(value) if isinstance(value, (int, float)) else value


def _of_two(operation: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda x, y: operation(_number(x), _number(y))


def _convolution(x: Any, kernel: Any, bias: Any, *rest: Any) -> Any:
    """Convolve; the rest is stride, padding, dilation, transposed, output padding and groups."""
    stride, padding, dilation, transposed, _, groups = rest
    if transposed:
        raise TypeError("no translation of a transposed convolution")
    if groups == 1:
        y = ops.convolution(x, kernel, stride, padding, padding, dilation)
    else:
        apart = kernel.reshape(groups, kernel.shape[0] // groups, *kernel.shape[1:])
        y = ops.group_convolution(x, apart, stride, padding, padding, dilation)
    return y if bias is None else ops.add(y, bias.reshape(1, -1, 1, 1))


def _average(x: Any, kernel: list[int]) -> Any:
    return ops.avg_pool(x, kernel, [0, 0], [0, 0], kernel, exclude_pad=False)


def _largest(x: Any, kernel: list[int], stride: list[int], *rest: Any) -> Any:
    """Pool; the rest, where given, is padding, dilation and whether the last window may reach over the edge."""
    padding, dilation, reaches_over = [*rest, [0, 0], [1, 1], False][: len(rest)] + [[0, 0], [1, 1], False][len(rest) :]
    rounding = "ceil" if reaches_over else "floor"
    return (ops.max_pool(x, stride, dilation, padding, padding, kernel, rounding).output(0), None)


def _bilinear(x: Any, size: list[int], aligned: bool) -> Any:  # noqa: FBT001 - the argument is aten's
    if aligned:
        raise TypeError("no translation of an interpolation with aligned corners")
    return ops.interpolate(x, np.array(size), "linear_onnx", "sizes", axes=np.array([2, 3]))


def _reshaped(x: Any, shape: list[int]) -> Any:
    return ops.reshape(x, np.array(shape), special_zero=False)


def _padded(x: Any, pads: list[int], value: float) -> Any:
    """Pad as aten says it: (before, after) of the last axis, then of the one before it ..."""
    axes = len(x.get_output_shape(0))
    ends = [[0] * axes, [0] * axes]
    for number, pad in enumerate(pads):
        ends[number % 2][axes - 1 - number // 2] = pad
    return ops.pad(x, np.array(ends[0]), np.array(ends[1]), "constant", np.float32(value))


def _leaky(x: Any, slope: float) -> Any:
    return ops.prelu(x, np.array([slope], dtype=np.float32))


_OPERATIONS: dict[str, Callable[..., Any]] = {
    "aten.add.Tensor": _of_two(ops.add),
    "aten.add_.Tensor": _of_two(ops.add),
    "aten.sub.Tensor": _of_two(ops.subtract),
    "aten.mul.Tensor": _of_two(ops.multiply),
    "aten.div.Tensor": _of_two(ops.divide),
    "aten.clamp_min.default": _of_two(ops.maximum),
    "aten.sqrt.default": ops.sqrt,
    "aten.rsqrt.default": lambda x: ops.divide(np.float32(1.0), ops.sqrt(x)),
    "aten.convolution.default": _convolution,
    "aten.avg_pool2d.default": _average,
    "aten.max_pool2d_with_indices.default": _largest,
    "aten.mean.dim": lambda x, axes, kept=False: ops.reduce_mean(x, np.array(axes), keep_dims=kept),
    "aten.upsample_bilinear2d.default": _bilinear,
    "aten.upsample_nearest2d.default": lambda x, size: nearest(x, np.array(size)),
    "aten.relu.default": ops.relu,
    "aten.relu_.default": ops.relu,
    "aten.leaky_relu.default": _leaky,
    "aten.hardswish_.default": ops.hswish,
    "aten.hardsigmoid.default": ops.hsigmoid,
    "aten.hardtanh_.default": ops.clamp,
    "aten.cat.default": ops.concat,
    "aten.view.default": _reshaped,
    "aten._unsafe_view.default": _reshaped,
    "aten.permute.default": lambda x, axes: ops.transpose(x, np.array(axes)),
    "aten.clone.default": lambda x: x,
    "aten.constant_pad_nd.default": _padded,
}
"""What each operation is on the engine."""
