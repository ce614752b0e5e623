"""What a bundle tells the device to do: frozen values read once from the verified bundle; no environment, no globals."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from device_sw.types import FindingId


@dataclass(frozen=True, slots=True)
class DeviceSettings:
    """The parameters of a released model that the device needs besides its weights.

    Attributes:
        model_version: semantic version of the model.
        preprocessing_id: the named preprocessing the network was trained with.
        input_size: side of the square network input, pixels.
        findings: what the network was trained to mark, in class order (class 0 is background).
        thresholds: operating point per finding, score in [0, 1].
        score_floor: detections below it are not even kept as candidates.
        profile: data the model was trained on (``phantom``, ``coco`` ...), printed with each result.
        budget: training budget (``quick`` makes no performance claim).
    """

    model_version: str
    preprocessing_id: str
    input_size: int
    findings: tuple[FindingId, ...]
    thresholds: Mapping[FindingId, float]
    score_floor: float
    profile: str
    budget: str

    def __post_init__(self) -> None:
        """Refuse settings in which a finding has no threshold, or one that no candidate could be held against, and freeze the mapping."""
        missing = [name for name in self.findings if name not in self.thresholds]
        if missing:
            raise ValueError(f"no threshold for {', '.join(missing)}")
        wrong = [name for name, value in self.thresholds.items() if not self.score_floor <= value <= 1.0]
        if wrong:
            raise ValueError(f"thresholds must lie in [{self.score_floor}, 1]; not so for {', '.join(wrong)}")
        object.__setattr__(self, "thresholds", MappingProxyType(dict(self.thresholds)))
