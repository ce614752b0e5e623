"""The network as an OpenVINO model, built at start-up from the verified weights: no file of its own, no code from the bundle, float32 throughout.

What is pinned, and what for:

* precision: `INFERENCE_PRECISION_HINT` f32. Left alone, OpenVINO computes in bfloat16 on processors that have it, so that one release would give other
  results on another processor. The compiled model is asked what it took, and anything but f32 stops the device.
* instruction set: `LIMITS` of the numeric environment (`device_sw.launcher`). OpenVINO chooses kernels in two places, each with a variable of its own; a third, its
  library for products of matrices, has none, so linear layers are written as convolutions. `kernels` says what was chosen. ONNX Runtime has no such setting.
* threads: `THREADS`, one stream, no pinning to cores. Threads share work by output pixels and never split a sum, so results do not depend on their number.
* one film at a time: the model's first dimension is 1, so a film has no neighbours.

The maker's usage statistics are never loaded: the package that would send them is barred before OpenVINO is imported (`device_sw.detector.layers`).

Source: Ren et al. 2015 (arXiv:1506.01497), Lin et al. 2017 (arXiv:1612.03144), Wu and He 2018 (arXiv:1803.08494); layer by layer what
`device_sw.detector.families.faster_rcnn_small` builds. Why this engine: docs/adr/0024-inference-engine.md.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from device_sw.detector.layers import Layers, linear, misfit, ops, ov, residual, with_contrast
from device_sw.errors import BundleError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from device_sw.detector.architecture import FasterRCNNSmall

NAME = "openvino"
"""The engine of this device version."""

VERSION = version("openvino")
"""Its version, as installed from the lock."""

PRECISION = "f32"
"""The one precision this device version computes in."""

LIMITS = ("ONEDNN_MAX_CPU_ISA", "OV_CPU_MAX_ISA")
"""Variables that limit the vector instructions: of the library that convolves, and of the engine's own kernels."""

THREADS = 2
"""Threads of one inference; fewer where the machine has fewer cores."""

_POOLED = 7
_SAMPLING = 2

_PROPERTIES: dict[str, Any] = {
    "INFERENCE_PRECISION_HINT": PRECISION,
    "EXECUTION_MODE_HINT": "ACCURACY",
    "NUM_STREAMS": 1,
    "ENABLE_CPU_PINNING": False,
}


def instruction_set() -> str:
    """Return the vector instructions that kernels may use at most: what all limits of the numeric environment say, else whatever the processor has."""
    said = {os.environ.get(name) or "not limited" for name in LIMITS}
    return said.pop() if len(said) == 1 else "not limited"


@dataclass(frozen=True, slots=True, eq=False)
class PyramidMaps:
    """What the first part of the network says of a film, level by level, finest first; float32.

    Attributes:
        features: (h, w, pyramid) each.
        objectness: (anchors, h, w) each, logits.
        offsets: (4 * anchors, h, w) each, offsets of anchor boxes.
        variances: of every normalised group of channels, all layers in a row; a number that is not finite shows here, even where a later layer hides it.
    """

    features: tuple[NDArray[np.float32], ...]
    objectness: tuple[NDArray[np.float32], ...]
    offsets: tuple[NDArray[np.float32], ...]
    variances: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class RegionAnswers:
    """What the second part says of n regions: (n, classes + 1) logits, background first, and (n, 4 * (classes + 1)) offsets; float32.

    ``hidden`` is (n, 2), the sum of what enters each layer's rectifier: a number that is not finite shows here, even where the rectifier hides it.
    """

    logits: NDArray[np.float32]
    offsets: NDArray[np.float32]
    hidden: NDArray[np.float32]


class CompiledNetwork:
    """Both parts of the network, compiled for this processor."""

    def __init__(self, shape: FasterRCNNSmall, weights: Mapping[str, NDArray[np.float32]], threads: int = THREADS) -> None:
        """Build and compile.

        Args:
            shape: the sizes of the layers.
            weights: by the names that training gave them.
            threads: of one inference; it changes the time and no number.

        Raises:
            BundleError: BND-WEIGHTS, the weights are not exactly those of the shape; BND-PRECISION, the engine would not compute in float32.
        """
        layers = Layers(weights)
        try:
            parts = (_pyramid_model(shape, layers), _region_model(shape, layers))
        except RuntimeError as err:
            raise misfit(f"{type(err).__name__} while the network was built") from err
        layers.require_all_used()
        core = ov.Core()
        self._levels, self._classes = len(shape.anchors), shape.classes + 1
        self._pyramid, self._regions = (request(core, part, threads) for part in parts)

    def precisions(self) -> frozenset[str]:
        """Return the precision of every step of the compiled network, as the engine names them; steps on indices have integer ones."""
        return self._told("runtimePrecision")

    def kernels(self) -> frozenset[str]:
        """Return the kernel of every step of the compiled network, as the engine names them; a name ends in instruction set and precision where it has one."""
        return self._told("primitiveType")

    def _told(self, what: str) -> frozenset[str]:
        models = (part.get_compiled_model().get_runtime_model() for part in (self._pyramid, self._regions))
        return frozenset(step.get_rt_info()[what].astype(str) for model in models for step in model.get_ops())

    def maps(self, pixels: NDArray[np.float32]) -> PyramidMaps:
        """Return features, objectness and offsets of one film, (side, side) float32 in [0, 1]."""
        outputs = run(self._pyramid, [pixels[None, None]])
        kept = [output[0] for output in outputs]
        n = self._levels
        return PyramidMaps(tuple(kept[:n]), tuple(kept[n : 2 * n]), tuple(kept[2 * n : 3 * n]), kept[-1].ravel())

    def answers(self, features: Sequence[NDArray[np.float32]], regions: Sequence[NDArray[np.float32]]) -> RegionAnswers:
        """Return the answers for the regions of each level, (n, 4) boxes in network pixels; levels one after the other, finest first."""
        both, hidden = run(self._regions, [*(level[None] for level in features), *regions])
        return RegionAnswers(both[:, : self._classes], both[:, self._classes :], hidden)


def request(core: ov.Core, model: ov.Model, threads: int = THREADS) -> ov.InferRequest:
    """Compile a model for this processor and return a request of it, once it says that it computes in float32.

    Raises:
        BundleError: BND-PRECISION, it would compute in another precision.
    """
    compiled = core.compile_model(model, "CPU", {**_PROPERTIES, "INFERENCE_NUM_THREADS": threads})
    taken = compiled.get_property("INFERENCE_PRECISION_HINT").to_string()
    if taken != PRECISION:
        raise BundleError(
            "BND-PRECISION",
            where="inference engine",
            found=f"precision {taken}",
            expected=PRECISION,
            repair="use a machine of the released numeric class",
        )
    return compiled.create_infer_request()


def run(compiled: ov.InferRequest, inputs: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
    """Infer once; the outputs are copies, since the engine reuses its own memory for the next film."""
    outputs = compiled.infer({index: np.ascontiguousarray(value) for index, value in enumerate(inputs)})
    return [np.array(output, dtype=np.float32) for output in outputs.values()]


def _pyramid_model(shape: FasterRCNNSmall, layers: Layers) -> ov.Model:
    """Film -> features, objectness and offsets of every level."""
    film = ops.parameter([1, 1, shape.input_size, shape.input_size], np.float32, name="film")
    pyramid = _pyramid(layers, shape, _stages(layers, shape, with_contrast(film, shape.input_size)))
    heads = [_proposal_head(layers, shape, level, len(anchors)) for level, anchors in zip(pyramid, shape.anchors, strict=True)]
    cells_first = [ops.transpose(level, np.array([0, 2, 3, 1])) for level in pyramid]
    outputs = [
        *cells_first,
        *(logits for logits, _ in heads),
        *(offsets for _, offsets in heads),
        ops.concat(layers.variances, 1),
    ]
    return ov.Model(outputs, [film], "pyramid")


def _stages(layers: Layers, shape: FasterRCNNSmall, x: Any) -> list[Any]:
    """Return the stages' outputs at strides 4, 8 and 16."""
    y = layers.convolution(x, "backbone.stem.conv", 2, shape.widths[0], stride=2, bias=False)
    y = ops.relu(layers.group_norm(y, "backbone.stem.norm", shape.widths[0]))
    stages = []
    for stage, outputs in enumerate(shape.widths[1:]):
        for block in range(shape.blocks):
            inputs, stride = (shape.widths[stage], 2) if block == 0 else (outputs, 1)
            y = residual(layers, y, f"backbone.stages.{stage}.{block}", (inputs, outputs), stride)
        stages.append(y)
    return stages


def _pyramid(layers: Layers, shape: FasterRCNNSmall, stages: Sequence[Any]) -> list[Any]:
    """Return the pyramid's levels, finest first: lateral 1x1, nearest upsampling added, then 3x3."""
    above, levels = None, []
    for index in reversed(range(len(stages))):
        name = f"backbone.pyramid.inner_blocks.{index}.0"
        inner = layers.convolution(stages[index], name, shape.widths[index + 1], shape.pyramid, 1, bias=True)
        if above is not None:
            size = np.array(list(inner.get_output_shape(0))[2:])
            inner = ops.add(inner, nearest(above, size))
        above = inner
        levels.append(
            layers.convolution(inner, f"backbone.pyramid.layer_blocks.{index}.0", shape.pyramid, shape.pyramid, bias=True)
        )
    return levels[::-1]


def nearest(x: Any, size: NDArray[np.int64]) -> Any:
    """Return (1, C, h, w) at another size, each cell that of the nearest one before it."""
    return ops.interpolate(
        x,
        size,
        "nearest",
        "sizes",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
        axes=np.array([2, 3]),
    )


def _proposal_head(layers: Layers, shape: FasterRCNNSmall, level: Any, anchors: int) -> tuple[Any, Any]:
    y = ops.relu(layers.convolution(level, "rpn.head.conv.0.0", shape.pyramid, shape.pyramid, bias=True))
    logits = layers.convolution(y, "rpn.head.cls_logits", shape.pyramid, anchors, 1, bias=True)
    return logits, layers.convolution(y, "rpn.head.bbox_pred", shape.pyramid, 4 * anchors, 1, bias=True)


def _region_model(shape: FasterRCNNSmall, layers: Layers) -> ov.Model:
    """Features of every level and regions on them -> class logits and box offsets."""
    features = [ops.parameter([1, side, side, shape.pyramid], np.float32) for side in shape.sides]
    regions = [ops.parameter([-1, 4], np.float32) for _ in features]
    pooled = [
        _pooled(ops.transpose(level, np.array([0, 3, 1, 2])), boxes, side / shape.input_size)
        for level, boxes, side in zip(features, regions, shape.sides, strict=True)
    ]
    y = ops.transpose(ops.concat(pooled, 0), np.array([0, 2, 3, 1]))
    y = ops.reshape(y, np.array([shape.proposals_test, _POOLED * _POOLED * shape.pyramid]), special_zero=False)
    weights, bias = layers.rows("roi_heads.box_head.fc6", shape.box_head, shape.pyramid, _POOLED, _POOLED)
    first = linear(y, weights.transpose(0, 2, 3, 1).reshape(shape.box_head, -1), bias)
    second = linear(ops.relu(first), *layers.rows("roi_heads.box_head.fc7", shape.box_head, shape.box_head))
    outputs = shape.classes + 1
    scores = layers.rows("roi_heads.box_predictor.cls_score", outputs, shape.box_head)
    moves = layers.rows("roi_heads.box_predictor.bbox_pred", 4 * outputs, shape.box_head)
    both = linear(ops.relu(second), *(np.concatenate(parts) for parts in zip(scores, moves, strict=True)))
    hidden = ops.concat([ops.reduce_sum(layer, np.array([1]), keep_dims=True) for layer in (first, second)], 1)
    return ov.Model([both, hidden], [*features, *regions], "regions")


def _pooled(level: Any, boxes: Any, scale: float) -> Any:
    """Average four samples in each of 7 x 7 cells of every box (He et al. 2017, RoIAlign, arXiv:1703.06870)."""
    count = ops.gather(ops.shape_of(boxes, "i64"), np.array([0]), np.int64(0))
    film = ops.broadcast(np.int64(0), count)
    return ops.roi_align(level, boxes, film, _POOLED, _POOLED, _SAMPLING, scale, "avg", "asymmetric")
