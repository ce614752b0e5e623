"""The `train` section of params.yaml as a frozen value: an unknown or missing key is an error, never a default."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True)
class NetworkSize:
    """Sizes of the network; see device_sw.detector.architecture.Architecture for their meaning."""

    widths: tuple[int, ...]
    blocks: int
    pyramid: int
    box_head: int
    proposals_train: int
    proposals_test: int
    anchors_per_level: int


@dataclass(frozen=True)
class TrainingConfiguration:
    """Everything that decides the weights, besides data and code.

    Attributes:
        findings: what the network learns to mark, in class order.
        seed: of initialisation, order, augmentation and sampling.
        epochs: at most; ``patience`` epochs without a better validation AP50 end the training earlier.
        batch: films a step; each is its own shard of the gradient sum.
        learning_rate: peak of the schedule. The original work started at 0.005.
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
    network: NetworkSize

    @classmethod
    def from_params(cls, section: dict[str, Any]) -> TrainingConfiguration:
        """Build from the parsed section.

        Raises:
            ValueError: keys are missing or unknown.
        """
        network = _exactly(NetworkSize, section.get("network", {}))
        values = _exactly(cls, section)
        return cls(
            **{
                **values,
                "findings": tuple(values["findings"]),
                "network": NetworkSize(**{**network, "widths": tuple(network["widths"])}),
            }
        )


def _exactly(kind: type, section: dict[str, Any]) -> dict[str, Any]:
    wanted = {field.name for field in fields(kind)}
    if set(section) != wanted:
        raise ValueError(
            f"params.yaml train section: missing {sorted(wanted - set(section))}, unknown {sorted(set(section) - wanted)}"
        )
    return section
