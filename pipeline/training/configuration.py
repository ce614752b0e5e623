"""The `train` section of params.yaml as a frozen value: an unknown or missing key is an error, never a default."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from device_sw.detector.architecture import family_named
from pipeline.training.sampling import Sampling

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet


@dataclass(frozen=True)
class NetworkSize:
    """The detector family and its sizes, as `sizes()` of its class in device_sw.detector.architecture names them.

    Raises:
        ValueError: there is no such family, or a size is missing or unknown.

    >>> NetworkSize.from_params({"family": "faster_rcnn_small", "blocks": 1})
    Traceback (most recent call last):
        ...
    ValueError: params.yaml train.network section: missing ['anchors_per_level', 'box_head', 'proposals_test', 'proposals_train', 'pyramid', 'widths'], unknown []
    """

    family: str
    values: dict[str, Any]

    def __post_init__(self) -> None:
        """Refuse sizes that are not exactly the family's."""
        _require_exactly("train.network", family_named(self.family).sizes(), self.values)

    @classmethod
    def from_params(cls, section: dict[str, Any]) -> NetworkSize:
        """Build from the parsed section; ``family`` names the family, everything else is a size."""
        return cls(str(section.get("family")), {name: value for name, value in section.items() if name != "family"})


@dataclass(frozen=True)
class TransferConfiguration:
    """What is taken over from another training; see pipeline.training.transfer.

    Attributes:
        source: a file, or ``torchvision:NAME``; None is a training from scratch.
        take: parts of the network that the source has to fill, by the beginning of their names.
        frozen: parts of these that do not move.
        rate: what the learning rate of the parts taken over is multiplied by.
    """

    source: str | None
    take: tuple[str, ...]
    frozen: tuple[str, ...]
    rate: float

    def __post_init__(self) -> None:
        """Refuse what only a source gives a meaning to, and rates that are none."""
        if self.source is None and (self.frozen or self.rate != 1.0):
            raise ValueError("params.yaml train.transfer: frozen parts and another rate need a source")
        if not (self.take and 0.0 < self.rate <= 1.0):
            raise ValueError(
                f"params.yaml train.transfer: take must name parts and rate lie in (0, 1], got {self.take} and {self.rate}"
            )


@dataclass(frozen=True)
class TrainingConfiguration:
    """Everything that decides the weights, besides data and code.

    Attributes:
        findings: what the network learns to mark, in class order.
        seed: of initialisation, order, augmentation and sampling.
        epochs: at most; ``patience`` epochs without a better validation AP50 end the training earlier.
        batch: films a step; each is its own shard of the gradient sum.
        learning_rate: peak of the schedule. The original work started at 0.005.
        sampling: every film once an epoch, or every class equally often.
        scales: sides of a showing relative to the network's own, one of them drawn a showing; (1.0,) is the network's own alone.
        focal_gamma: exponent of the box classifier's focal loss; 0 is cross entropy.
        transfer: what is taken over from another training.
    """

    findings: tuple[str, ...]
    seed: int
    epochs: int
    batch: int
    learning_rate: float
    momentum: float
    weight_decay: float
    warmup_steps: int
    clip_norm: float
    average_decay: float
    patience: int
    rotation_deg: float
    exposure: float
    sampling: Sampling
    scales: tuple[float, ...]
    focal_gamma: float
    transfer: TransferConfiguration
    network: NetworkSize

    def __post_init__(self) -> None:
        """Refuse scales that are none, an exponent whose gradient has no bound (0 < gamma < 1), and a patience that ends a training at once."""
        if not self.scales or not all(0.25 <= scale <= 2.0 for scale in self.scales):
            raise ValueError(f"params.yaml train.scales: at least one number in [0.25, 2], got {list(self.scales)}")
        if self.focal_gamma != 0.0 and not 1.0 <= self.focal_gamma <= 10.0:
            raise ValueError(
                f"params.yaml train.focal_gamma: 0 for cross entropy, or a number in [1, 10], got {self.focal_gamma}"
            )
        if self.patience < 1:
            raise ValueError(f"params.yaml train.patience: at least 1 epoch, got {self.patience}")

    @classmethod
    def from_params(cls, section: dict[str, Any]) -> TrainingConfiguration:
        """Build from the parsed section.

        Raises:
            ValueError: keys are missing or unknown, or a value is none of its kind.
        """
        _require_exactly("train", {field.name for field in fields(cls)}, section)
        transfer = section["transfer"]
        _require_exactly("train.transfer", {field.name for field in fields(TransferConfiguration)}, transfer)
        return cls(
            **{
                **section,
                "findings": tuple(section["findings"]),
                "sampling": Sampling(section["sampling"]),
                "scales": tuple(section["scales"]),
                "transfer": TransferConfiguration(
                    **{**transfer, "take": tuple(transfer["take"]), "frozen": tuple(transfer["frozen"])}
                ),
                "network": NetworkSize.from_params(section["network"]),
            }
        )


def _require_exactly(name: str, wanted: AbstractSet[str], section: dict[str, Any]) -> None:
    if set(section) != wanted:
        raise ValueError(
            f"params.yaml {name} section: missing {sorted(wanted - set(section))}, unknown {sorted(set(section) - wanted)}"
        )
