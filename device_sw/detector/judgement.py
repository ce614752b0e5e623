"""What the device makes of the network's answer: calibrated scores, the marks among them, and how far the film lies from the reference films.

The network's own numbers are proven on golden films by the detector's self-test. What follows from them is proven here: from the released candidates of
the golden films the calibration must give the released scores, and from the golden films themselves the released distances must come out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from device_sw.detector.calibration import calibrated
from device_sw.detector.inference import detections_to_json, difference
from device_sw.detector.postprocess import marked
from device_sw.types import Box, Detection, FindingId, Letterbox, ModelInput

if TYPE_CHECKING:
    from collections.abc import Mapping

    from device_sw.detector.bundle import Bundle
    from device_sw.detector.distribution import Placement, ReferenceDistribution
    from device_sw.detector.inference import DetectorOutput
    from device_sw.settings import DeviceSettings

CALIBRATED_SCORE = 1e-9
"""Largest difference of a calibrated score on golden candidates: both start from the same numbers."""

DISTANCE = 0.01
"""Largest difference of a golden film's distances, in median distances of held-out films."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the device says of a film, in film coordinates.

    Attributes:
        candidates: with calibrated scores, best first.
        detections: those that reach their finding's operating point.
        placement: how far the film lies from the reference films; None where the detector gave no features to tell it by.
    """

    candidates: tuple[Detection, ...]
    detections: tuple[Detection, ...]
    placement: Placement | None


class Detects(Protocol):
    """A detector, as the golden films need it."""

    def detect(self, model_input: ModelInput) -> DetectorOutput:
        """Return candidates and features of one film."""


def judge(
    output: DetectorOutput, model_input: ModelInput, settings: DeviceSettings, distribution: ReferenceDistribution | None
) -> Judgement:
    """Return what follows from the network's answer.

    Raises:
        InferenceFailed: the features hold a number that is not finite (``INF-NONFINITE``).
    """
    found = calibrated(output.candidates, settings)
    known = distribution is not None and output.features is not None
    placement = distribution.place(model_input, output.features) if known else None  # type: ignore[union-attr, arg-type]
    return Judgement(found, marked(found, settings.thresholds), placement)


def golden_faults(bundle: Bundle, detector: Detects) -> list[str]:
    """Name the golden films whose judgement is not the released one, and what differs; an empty list is good.

    A bundle without golden films, or whose golden judgements are not those of its golden films, has the fault "golden films".
    """
    if not bundle.golden_outputs or set(bundle.golden_judgements) != set(bundle.golden_outputs):
        return ["golden films"]
    return [
        f"{name}: {fault}"
        for name in sorted(bundle.golden_judgements)
        for fault in (*_calibration_fault(bundle, name), *_distance_fault(bundle, name, detector))
    ]


def golden_judgement(bundle: Bundle, detector: Detects, name: str, frame: Mapping[str, int]) -> dict[str, Any]:
    """Return one golden film's judgement as JSON values, as a bundle keeps it."""
    placement = _placement(bundle, detector, name, frame)
    return {
        "frame": dict(frame),
        "calibrated": detections_to_json(golden_calibrated(bundle, name)),
        "picture": placement.picture,
        "network": placement.network,
    }


def golden_calibrated(bundle: Bundle, name: str) -> tuple[Detection, ...]:
    """Return the candidates of a golden film with their scores put through the bundle's curves."""
    rows = bundle.golden_outputs[name].candidates
    return calibrated((Detection(FindingId(row["finding"]), Box(*row["box"]), row["score"]) for row in rows), bundle.settings)


def _calibration_fault(bundle: Bundle, name: str) -> list[str]:
    found, released = detections_to_json(golden_calibrated(bundle, name)), bundle.golden_judgements[name]["calibrated"]
    if len(found) != len(released):
        return [f"{len(found)} calibrated candidates for {len(released)}"]
    largest = max((difference([one], [other], 0.0)[1] for one, other in zip(found, released, strict=True)), default=0.0)
    return [] if largest <= CALIBRATED_SCORE else [f"calibrated scores off by {largest:g}"]


def _placement(bundle: Bundle, detector: Detects, name: str, frame: Mapping[str, int]) -> Placement:
    film = ModelInput(bundle.golden_inputs[name], Letterbox(**frame))
    placement = judge(detector.detect(film), film, bundle.settings, bundle.distribution).placement
    if placement is None:
        raise ValueError("the detector gave no features")
    return placement


def _distance_fault(bundle: Bundle, name: str, detector: Detects) -> list[str]:
    released = bundle.golden_judgements[name]
    found = _placement(bundle, detector, name, released["frame"])
    pairs = ((found.picture, released["picture"]), (found.network, released["network"]))
    largest = max(abs(one - other) for one, other in pairs)
    return [] if largest <= DISTANCE else [f"distance off by {largest:g}"]
