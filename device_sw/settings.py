"""What a bundle tells the device to do: frozen values read once from the verified bundle; no environment, no globals."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from device_sw.types import FindingId, ScoreCurve


@dataclass(frozen=True, slots=True)
class ReleasedEngine:
    """What computes the network: library, its version, and the precision of its numbers.

    >>> str(ReleasedEngine("openvino", "2026.4.1", "f32"))
    'openvino 2026.4.1 f32'
    """

    name: str
    version: str
    precision: str

    def __str__(self) -> str:
        """Return the three parts in one line."""
        return f"{self.name} {self.version} {self.precision}"


@dataclass(frozen=True, slots=True)
class DeviceSettings:
    """The parameters of a released model that the device needs besides its weights.

    Attributes:
        model_version: semantic version of the model.
        preprocessing_id: the named preprocessing the network was trained with.
        input_size: side of the square network input, pixels.
        findings: what the network was trained to mark, in class order (class 0 is background).
        thresholds: operating point per finding, calibrated score in [0, 1].
        score_floor: boxes that the network itself scores lower are not even kept as candidates.
        profile: data the model was trained on (``phantom``, ``coco`` ...), printed with each result.
        budget: training budget (``quick`` makes no performance claim).
        calibration: what turns the network's score of a finding into the calibrated one.
        engine: the inference engine the model was released with.
    """

    model_version: str
    preprocessing_id: str
    input_size: int
    findings: tuple[FindingId, ...]
    thresholds: Mapping[FindingId, float]
    score_floor: float
    profile: str
    budget: str
    calibration: Mapping[FindingId, ScoreCurve]
    engine: ReleasedEngine

    def __post_init__(self) -> None:
        """Refuse settings in which a finding has no threshold or no calibration, or a threshold that no candidate could be held against."""
        for kind, values in (("threshold", self.thresholds), ("calibration", self.calibration)):
            missing = [name for name in self.findings if name not in values]
            if missing:
                raise ValueError(f"no {kind} for {', '.join(missing)}")
        known = [name for name in self.thresholds if name in self.calibration]
        wrong = [name for name in known if not self.lowest_score(name) <= self.thresholds[name] <= 1.0]
        if wrong:
            raise ValueError(f"thresholds must lie between the calibrated score floor and 1; not so for {', '.join(wrong)}")
        for name in ("thresholds", "calibration"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    def lowest_score(self, finding: FindingId) -> float:
        """Return the calibrated score of a box at the score floor; no candidate of the finding has a lower one."""
        return self.calibration[finding].calibrated(self.score_floor)
