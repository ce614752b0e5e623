"""Transfer: weights that another training learned, taken over before this one starts; some of them frozen, the rest moved at a lower rate.

The source is a file (safetensors of ours, or a state dictionary that PyTorch wrote, read without running code) or weights that torchvision publishes.
Every tensor of the network under the names to take must be found with its shape, or there is no training: half a backbone is no transfer. Published weights for
three colours serve a network with other input channels by ``sum over colours / channels``, which answers to a grey film as the original does.

Source: Yosinski et al. 2014, How transferable are features (arXiv:1411.1792); Raghu et al. 2019, Transfusion (arXiv:1902.07208), for what to expect of it on films.
"""

from __future__ import annotations

import hashlib
import pickle
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import URLError

import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torchvision.models import get_weight

from device_sw.errors import CodedError

if TYPE_CHECKING:
    from torch import Tensor, nn

    from pipeline.training.configuration import TransferConfiguration

TORCHVISION = "torchvision:"
"""A source that starts so names weights that torchvision publishes: ``torchvision:ResNet50_Weights.IMAGENET1K_V2``."""

_WRAPPINGS = (("", ""), ("backbone.", ""), ("backbone.body.", ""), ("backbone.body.", "features."))
"""How the names inside a detector begin, and how those of a backbone that was published alone begin instead."""

_COLOURS = 3


class TransferError(CodedError):
    """Weights that cannot be taken over. Codes: TRN-SOURCE, TRN-TENSOR, TRN-FROZEN."""


@dataclass(frozen=True)
class Transferred:
    """What was taken over.

    Attributes:
        source: name of the file or of the published weights, without any folder.
        sha256: of the file; of names and bytes of all tensors for published weights.
        tensors: names of the tensors taken over, parameters and buffers.
        frozen: names of the parameters that do not move.
        rates: (n,) float64, what the learning rate of each weight is multiplied by, in parameter order.
    """

    source: str
    sha256: str
    tensors: tuple[str, ...]
    frozen: tuple[str, ...]
    rates: Tensor

    def to_json(self) -> dict[str, Any]:
        """Return what a record of the training keeps."""
        return {"source": self.source, "sha256": self.sha256, "tensors": len(self.tensors), "frozen": list(self.frozen)}


def take_over(network: nn.Module, wanted: TransferConfiguration) -> Transferred:
    """Write the source's tensors into the network in place, and return what was taken and how each weight may move.

    Raises:
        TransferError: TRN-SOURCE, the source cannot be read; TRN-TENSOR, a tensor to take is missing or has another shape; TRN-FROZEN, a name to
            freeze fits no parameter that was taken over.
    """
    name, sha256, tensors = read_source(str(wanted.source))
    taken = _copied(network, tensors, wanted.take, name)
    frozen = _frozen(network, wanted.frozen, taken)
    parts = [
        torch.full((p.numel(),), _rate(key, frozen, taken, wanted.rate), dtype=torch.float64)
        for key, p in network.named_parameters()
    ]
    return Transferred(name, sha256, taken, frozen, torch.cat(parts))


def read_source(source: str) -> tuple[str, str, dict[str, Tensor]]:
    """Return the name of a source, its SHA-256 and its tensors.

    Raises:
        TransferError: TRN-SOURCE.
    """
    return _published(source.removeprefix(TORCHVISION)) if source.startswith(TORCHVISION) else _from_file(Path(source))


def _from_file(path: Path) -> tuple[str, str, dict[str, Tensor]]:
    try:
        content = path.read_bytes()
        is_ours = path.suffix == ".safetensors"
        tensors = load(content) if is_ours else torch.load(BytesIO(content), map_location="cpu", weights_only=True)
        found = {str(name): tensor for name, tensor in tensors.items() if isinstance(tensor, torch.Tensor)}
    except (OSError, SafetensorError, RuntimeError, pickle.UnpicklingError, AttributeError, EOFError) as err:
        raise _unreadable(path.name, f"no readable weights ({type(err).__name__})") from err
    if not found:
        raise _unreadable(path.name, "a file without tensors")
    return path.name, hashlib.sha256(content).hexdigest(), found


def _published(name: str) -> tuple[str, str, dict[str, Tensor]]:
    try:
        tensors = get_weight(name).get_state_dict(progress=False, check_hash=True)
    except (ValueError, URLError, OSError, RuntimeError) as err:
        raise _unreadable(name, f"weights that torchvision does not give ({type(err).__name__})") from err
    digest = hashlib.sha256()
    for key in sorted(tensors):
        digest.update(key.encode() + tensors[key].contiguous().numpy().tobytes())
    return name, digest.hexdigest(), tensors


def _unreadable(where: str, found: str) -> TransferError:
    return TransferError(
        "TRN-SOURCE",
        where=where,
        found=found,
        expected="a .safetensors file, a PyTorch state dictionary, or torchvision:NAME with its file at hand or the network reachable",
        repair="give a local file in train.transfer.source; weights of a phantom run lie in artifacts/training/weights.safetensors",
    )


def _copied(network: nn.Module, tensors: dict[str, Tensor], take: tuple[str, ...], source: str) -> tuple[str, ...]:
    own = {name: tensor for name, tensor in network.state_dict().items() if _under(name, take)}
    if not own:
        raise _misfit("TRN-TENSOR", source, f"a network without any tensor under {', '.join(take)}", "names of the network")
    for name, tensor in own.items():
        given = next((tensors[key] for key in _names(name) if key in tensors), None)
        fitted = None if given is None else _fitted(given, tensor)
        if fitted is None:
            found = "nothing of that name" if given is None else f"shape {tuple(given.shape)}"
            raise _misfit("TRN-TENSOR", f"{source}, {name}", found, f"shape {tuple(tensor.shape)}")
        tensor.copy_(fitted)
    return tuple(own)


def _names(name: str) -> list[str]:
    """Return the names a source may have for a tensor of ours.

    >>> _names("backbone.body.conv1.weight")
    ['backbone.body.conv1.weight', 'body.conv1.weight', 'conv1.weight', 'features.conv1.weight']
    """
    return [given + name.removeprefix(ours) for ours, given in _WRAPPINGS if name.startswith(ours)]


def _fitted(given: Tensor, wanted: Tensor) -> Tensor | None:
    """Return the tensor with the shape wanted, colours merged where that is the difference; None where it does not fit."""
    if given.shape == wanted.shape:
        return given
    kernel = 4
    is_first = given.dim() == wanted.dim() == kernel and given.shape[1] == _COLOURS
    if is_first and (given.shape[0], *given.shape[2:]) == (wanted.shape[0], *wanted.shape[2:]):
        return (given.sum(dim=1, keepdim=True) / wanted.shape[1]).expand_as(wanted)
    return None


def _frozen(network: nn.Module, frozen: tuple[str, ...], taken: tuple[str, ...]) -> tuple[str, ...]:
    """Return the parameters to freeze; only what was taken over, because frozen random weights are a mistake."""
    parameters = [name for name, _ in network.named_parameters()]
    for prefix in frozen:
        fitting = [name for name in parameters if _under(name, (prefix,))]
        if not fitting or not set(fitting) <= set(taken):
            found = "no parameter of that name" if not fitting else "parameters that were not taken over"
            raise _misfit("TRN-FROZEN", f"train.transfer.frozen, {prefix}", found, "parameters under train.transfer.take")
    return tuple(name for name in parameters if _under(name, frozen))


def _under(name: str, prefixes: tuple[str, ...]) -> bool:
    return any(name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes)


def _rate(name: str, frozen: tuple[str, ...], taken: tuple[str, ...], rate: float) -> float:
    if name in frozen:
        return 0.0
    return rate if name in taken else 1.0


def _misfit(code: str, where: str, found: str, expected: str) -> TransferError:
    return TransferError(
        code,
        where=where,
        found=found,
        expected=expected,
        repair="use weights of the same architecture, or take and freeze other parts",
    )
