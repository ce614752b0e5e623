"""Computes the operations that our numbers come from, on fixed inputs, and prints the SHA-256 of each result's bytes.

    python -m pipeline.release.provenance.numeric_probe

Inputs are made of whole numbers, so they are the same everywhere. What is computed: the elementary functions and sums of numpy and torch, convolutions, products,
norms and pooling with their gradients, one training step of a network of the canonical sizes, the same network in the device's engine, and the filters that
draw the phantom. The sizes stand here and change with nothing, so that classes of different releases can be compared.
Runs in a process of its own under the numeric environment, because libraries read it while they are imported.
"""

from __future__ import annotations

import hashlib
import json
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torchvision
from scipy import ndimage
from torch.nn import functional

from device_sw.detector.architecture import FasterRCNNSmall
from device_sw.detector.engine import CompiledNetwork
from device_sw.detector.families.registry import build, family_of
from pipeline.training.fixed_point import add_quantised
from pipeline.training.initialisation import initialise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

NETWORK = FasterRCNNSmall(
    classes=7,
    input_size=384,
    widths=(32, 64, 96, 128),
    blocks=1,
    pyramid=64,
    box_head=256,
    proposals_train=250,
    proposals_test=150,
    anchors=(((27.0, 21.4), (82.6, 48.0)), ((47.1, 101.9), (56.2, 137.7)), ((69.2, 141.5), (156.5, 151.7))),
    score_floor=0.02,
)
"""The network of the probe: the canonical sizes of today, with anchors of one training."""

BOXES = np.array([[40, 60, 150, 200], [120, 90, 330, 300], [10, 220, 90, 380]], dtype=np.float32)


def numbers(*shape: int, salt: int = 0) -> NDArray[np.float32]:
    """Return float32 numbers in [-1, 1) that are exact fractions of whole ones: nothing about them depends on a library.

    >>> numbers(3).tolist()
    [-1.0, 0.23606789112091064, -0.5278640985488892]
    """
    count = np.arange(int(np.prod(shape)), dtype=np.uint64) + np.uint64(salt)
    mixed = (count * np.uint64(2654435761)) % np.uint64(2**32)
    return ((mixed >> np.uint64(8)).astype(np.float64) / 2**23 - 1.0).astype(np.float32).reshape(shape)


def sha256(*results: Any) -> str:
    """Return the SHA-256 over type, shape and bytes of each result."""
    digest = hashlib.sha256()
    for result in results:
        array = np.ascontiguousarray(result.detach().numpy() if isinstance(result, torch.Tensor) else result)
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def probes() -> dict[str, str]:
    """Return the hash of every probe by its name."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(mode=True)
    return {name: sha256(*probe()) for name, probe in sorted(PROBES.items())}


def _numpy_functions() -> Iterator[Any]:
    for values in (numbers(4096), numbers(4096).astype(np.float64)):
        positive = np.abs(values) + values.dtype.type(0.01)
        yield from (np.exp(values), np.sin(values), np.cos(values), np.tanh(values), np.arctan(values))
        yield from (np.log(positive), np.sqrt(positive), np.power(positive, values.dtype.type(1.7)), np.hypot(values, positive))


def _numpy_sums() -> Iterator[Any]:
    for values in (numbers(257, 129), numbers(257, 129).astype(np.float64)):
        yield from (
            values.sum(),
            values.sum(axis=0),
            values.mean(axis=1),
            values.std(),
            np.cumsum(values),
            np.einsum("ij,ik->jk", values, values),
        )
        yield from (values @ values.T, np.linalg.norm(values, axis=1))
    square = numbers(64, 64).astype(np.float64) + np.eye(64) * 8
    yield from (np.linalg.solve(square, numbers(64).astype(np.float64)), np.abs(np.linalg.svd(square, compute_uv=False)))
    yield np.interp(numbers(999), np.linspace(-1, 1, 17), np.linspace(3, -2, 17) ** 3)


def _random_streams() -> Iterator[Any]:
    generator = np.random.Generator(np.random.Philox(key=7))
    yield from (
        generator.standard_normal(4096),
        generator.random(999),
        generator.integers(0, 10**9, 999),
        generator.permutation(999),
    )


def _filters() -> Iterator[Any]:
    picture = numbers(192, 160).astype(np.float64)
    turn = np.array([[0.9961946980917455, -0.08715574274765817], [0.08715574274765817, 0.9961946980917455]])
    yield from (
        ndimage.gaussian_filter(picture, 2.3),
        ndimage.affine_transform(picture, turn, order=1),
        ndimage.zoom(picture, 1.3, order=1),
    )
    yield from (ndimage.uniform_filter1d(picture, 7), ndimage.rotate(picture, 7.0, reshape=False, order=1))


def _torch_functions() -> Iterator[Any]:
    for values in (torch.from_numpy(numbers(4096)), torch.from_numpy(numbers(4096)).double()):
        positive = values.abs() + 0.01
        yield from (
            values.exp(),
            values.sigmoid(),
            values.tanh(),
            positive.log(),
            positive.rsqrt(),
            positive.pow(1.7),
            values.cos(),
        )
        yield from (values.sum(), values.mean(), values.softmax(0), values.logsumexp(0), values.cumsum(0), values.sort().values)


def _products() -> Iterator[Any]:
    left, right = (torch.from_numpy(numbers(*shape, salt=9)).requires_grad_() for shape in ((150, 3136), (256, 3136)))
    product = functional.linear(left, right)
    product.backward(torch.from_numpy(numbers(150, 256, salt=3)))
    yield from (product, left.grad, right.grad)


def _convolutions() -> Iterator[Any]:
    for channels, kernel, stride, side in ((1, 7, 2, 384), (32, 3, 1, 96), (64, 3, 2, 48), (128, 1, 1, 24)):
        film = torch.from_numpy(numbers(1, channels, side, side)).requires_grad_()
        weights = torch.from_numpy(numbers(64, channels, kernel, kernel, salt=5)).requires_grad_()
        scale = torch.ones(64, requires_grad=True)
        maps = functional.group_norm(functional.conv2d(film, weights, stride=stride, padding=kernel // 2), 8, scale)
        maps.backward(torch.from_numpy(numbers(*maps.shape, salt=1)))
        yield from (maps, film.grad, weights.grad, scale.grad)


def _regions() -> Iterator[Any]:
    features = torch.from_numpy(numbers(1, 64, 48, 48)).requires_grad_()
    boxes = torch.from_numpy(BOXES)
    pooled = torchvision.ops.roi_align(features, [boxes], 7, 1 / 8, 2)
    pooled.backward(torch.from_numpy(numbers(*pooled.shape, salt=2)))
    many = torch.from_numpy(np.abs(numbers(400, 4)) * 200)
    many[:, 2:] += many[:, :2]
    enlarged = functional.interpolate(features, size=(77, 91), mode="bilinear", align_corners=False)
    yield from (pooled, features.grad, torchvision.ops.nms(many, torch.from_numpy(numbers(400, salt=4)), 0.4), enlarged)


def _film() -> NDArray[np.float32]:
    return np.abs(numbers(NETWORK.input_size, NETWORK.input_size, salt=11))


def _training_step() -> Iterator[Any]:
    """One film forth and back through every layer, the gradient as training sums it, and what the network says before it."""
    network = build(NETWORK)
    initialise(network, family_of(NETWORK), 7)
    film = torch.from_numpy(_film())[None]
    network.eval()
    with torch.inference_mode():
        said = network([film])[0]
    network.train()
    torch.manual_seed(7)
    losses = network([film], [{"boxes": torch.from_numpy(BOXES), "labels": torch.tensor([1, 3, 7])}])
    torch.stack([losses[name] for name in family_of(NETWORK).losses]).sum().backward()
    gradient = torch.cat([p.grad.flatten() for p in network.parameters() if p.grad is not None])
    total = torch.zeros(gradient.numel(), dtype=torch.int64)
    add_quantised(total, gradient, shards=1)
    yield from (*(said[name] for name in ("boxes", "labels", "scores")), *losses.values(), total)


def _engine() -> Iterator[Any]:
    network = build(NETWORK)
    initialise(network, family_of(NETWORK), 7)
    compiled = CompiledNetwork(NETWORK, {name: tensor.numpy() for name, tensor in network.state_dict().items()})
    maps = compiled.maps(_film())
    regions = [np.repeat(BOXES, 17, axis=0)[:50] for _ in NETWORK.anchors]
    answers = compiled.answers(maps.features, regions)
    yield from (*maps.features, *maps.objectness, *maps.offsets, answers.logits, answers.offsets)


PROBES: dict[str, Callable[[], Iterator[Any]]] = {
    "engine of the device": _engine,
    "filters of the phantom": _filters,
    "numpy: functions": _numpy_functions,
    "numpy: random streams": _random_streams,
    "numpy: sums and products": _numpy_sums,
    "torch: convolutions and norms, with gradients": _convolutions,
    "torch: functions and sums": _torch_functions,
    "torch: products, with gradients": _products,
    "torch: regions": _regions,
    "training step": _training_step,
}
"""Every probe by what it computes."""


def facts() -> dict[str, str]:
    """Return what the libraries say of themselves and of this processor; it explains a class and does not define it."""
    return {
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "numpy": np.__version__,
        "torch": torch.__version__,
        "torch_config_sha256": hashlib.sha256(torch.__config__.show().encode()).hexdigest(),
    }


if __name__ == "__main__":
    json.dump({"probes": probes(), "facts": facts()}, sys.stdout, indent=1, sort_keys=True)
