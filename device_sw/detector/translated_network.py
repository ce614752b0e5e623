"""Every other family on the engine: its convolutions compiled from the PyTorch network, its boxes by torchvision's own steps.

Backbone and one-stage head are traced and translated operation by operation (`device_sw.detector.graph`), and compiled with the same pinned properties as the
canonical network: float32, accuracy mode, one film at a time. They take the places of the network's own modules; what remains in
PyTorch (anchors, region proposals, pooling, box head, suppression of overlaps) is small. The parity check holds the whole against the network as it was trained.

The canonical family does without this module, and so without loading PyTorch.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from device_sw.detector.eager import eager_network
from device_sw.detector.engine import THREADS, request, run
from device_sw.detector.graph import translated
from device_sw.detector.layers import ov, require_finite_weights
from device_sw.detector.regions import Answered, require_finite
from device_sw.detector.small_network import FilmAnswer
from device_sw.errors import InferenceFailed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from device_sw.detector.bundle import Bundle


class _Convolutions(nn.Module):
    """Backbone, and the head where there is one for whole levels: normalised film -> levels, then the head's answers."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.backbone: Any = network.backbone
        self.head: Any = getattr(network, "head", None)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        levels: OrderedDict[str, Tensor] = self.backbone(x)
        answers: dict[str, Tensor] = {} if self.head is None else self.head(list(levels.values()))
        return (*levels.values(), *answers.values())


class _Computed(nn.Module):
    """Stands in the backbone's place: computes everything at once, gives the levels, and keeps the head's answers."""

    def __init__(self, compiled: ov.InferRequest, levels: list[str], answers: list[str]) -> None:
        super().__init__()
        self._compiled, self._levels, self._answers = compiled, levels, answers
        self.features: list[NDArray[np.float32]] = []
        self.answers: dict[str, Tensor] = {}

    def forward(self, x: Tensor) -> OrderedDict[str, Tensor]:
        outputs = run(self._compiled, [x.numpy()])
        require_finite(*outputs)
        count = len(self._levels)
        self.features = outputs[:count]
        self.answers = dict(zip(self._answers, map(torch.from_numpy, outputs[count:-1]), strict=True))
        return OrderedDict(zip(self._levels, map(torch.from_numpy, self.features), strict=True))


class _Kept(nn.Module):
    """Stands in the head's place: gives what was computed with the backbone."""

    def __init__(self, computed: _Computed) -> None:
        super().__init__()
        self._computed = (computed,)

    def forward(self, _levels: list[Tensor]) -> dict[str, Tensor]:
        return self._computed[0].answers


class TranslatedNetwork:
    """A network of any family, compiled for this processor."""

    def __init__(self, bundle: Bundle) -> None:
        """Build, load the weights, translate and compile.

        Raises:
            BundleError: BND-WEIGHTS, the weights are not exactly those of the architecture; BND-PRECISION, the engine would not compute in float32.
        """
        require_finite_weights(bundle.weights)
        network: Any = eager_network(bundle).requires_grad_(requires_grad=False)
        side = bundle.architecture.input_size
        self._architecture = bundle.architecture
        film = torch.zeros(1, 1, side, side)
        with torch.no_grad():
            levels = list(network.backbone(film))
            head = getattr(network, "head", None)
            answers = [] if head is None else list(head(list(network.backbone(film).values())))
        self._compiled = request(ov.Core(), translated(_Convolutions(network), film), THREADS)
        self._computed = _Computed(self._compiled, levels, answers)
        network.backbone = self._computed
        if head is not None:
            network.head = _Kept(self._computed)
        for module in _kept_in_torch(network):
            module.register_forward_hook(_finite_outputs)
        self._network = network

    def precisions(self) -> frozenset[str]:
        """Return the precision of every compiled step, as the engine names them; steps on indices have integer ones."""
        steps = self._compiled.get_compiled_model().get_runtime_model().get_ops()
        return frozenset(step.get_rt_info()["runtimePrecision"].astype(str) for step in steps)

    def answer(self, pixels: NDArray[np.float32]) -> FilmAnswer:
        """Return what the network says of (side, side) pixels in [0, 1].

        Raises:
            InferenceFailed: INF-NONFINITE, the network gave a number that is not finite; INF-LABEL, it marked a finding that there is none of.
        """
        with torch.inference_mode():
            output = self._network([torch.from_numpy(np.array(pixels, dtype=np.float32))[None]])[0]
        found = Answered(output["boxes"].numpy(), output["labels"].numpy(), output["scores"].numpy())
        require_finite(found.boxes, found.scores)
        _require_findings(found.labels, self._architecture.classes)
        return FilmAnswer(found, np.ascontiguousarray(self._computed.features[self._architecture.explained_level][0]))


def _kept_in_torch(network: Any) -> list[nn.Module]:
    """Return the modules with weights that are not compiled: those of a two-stage network behind its backbone."""
    return [network.rpn.head, network.roi_heads.box_predictor] if hasattr(network, "roi_heads") else []


def _finite_outputs(_module: nn.Module, _inputs: Any, outputs: Any) -> None:
    parts = [part for output in outputs for part in (output if isinstance(output, list) else [output])]
    require_finite(*(part.numpy() for part in parts))


def _require_findings(labels: NDArray[np.int64], classes: int) -> None:
    if len(labels) and not (labels.min() >= 1 and labels.max() <= classes):
        raise InferenceFailed(
            "INF-LABEL",
            where="network output",
            found=f"a finding numbered {int(labels.min())} to {int(labels.max())}",
            expected=f"1 to {classes}",
            repair="run `thoratrace self-test`; if it passes, report the input's content hash to the manufacturer",
        )
