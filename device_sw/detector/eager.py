"""The trained network in PyTorch, with the weights of a verified bundle: the reference of the parity check, and what explanations take gradients of.

Nothing here is imported while films are analysed without explanation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from device_sw.detector.families.registry import build
from device_sw.detector.postprocess import candidates
from device_sw.errors import BundleError

if TYPE_CHECKING:
    from torch import nn

    from device_sw.detector.bundle import Bundle
    from device_sw.types import Detection, ModelInput


def eager_network(bundle: Bundle) -> nn.Module:
    """Build the network, load the weights and put it into evaluation mode.

    Raises:
        BundleError: BND-WEIGHTS, the weights do not fit the architecture.
    """
    network = build(bundle.architecture)
    try:
        network.load_state_dict(
            {name: torch.from_numpy(np.array(tensor)) for name, tensor in bundle.weights.items()}, strict=True
        )
    except RuntimeError as err:
        raise BundleError(
            "BND-WEIGHTS",
            where="weights.safetensors",
            found="tensors that do not fit the architecture in model.json",
            expected="exactly the tensors of that architecture",
            repair="restore the bundle from its release",
        ) from err
    return network.eval()


class EagerDetector:
    """The trained network as a detector."""

    def __init__(self, bundle: Bundle) -> None:
        """Load the network."""
        self._network = eager_network(bundle)
        self._findings = bundle.settings.findings

    def candidates(self, model_input: ModelInput) -> tuple[Detection, ...]:
        """Return the candidates of one film, best first."""
        with torch.inference_mode():
            output = self._network([torch.from_numpy(np.array(model_input.pixels, dtype=np.float32))[None]])[0]
        boxes, labels, scores = (output[name].tolist() for name in ("boxes", "labels", "scores"))
        return candidates(boxes, labels, scores, self._findings, model_input.letterbox)
