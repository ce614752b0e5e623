"""Defects in what the device makes of the network's answer, and in the building again of a record."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from verification.faults.alteration import nothing, replace, wrap

if TYPE_CHECKING:
    from types import ModuleType


def scores_left_as_they_are(module: ModuleType) -> None:
    """Candidates keep the network's own scores."""
    replace(module, "calibrated", lambda found, _settings: tuple(found))


def one_curve_for_all(module: ModuleType) -> None:
    """Every finding has the curve of the first (device_sw.settings)."""

    def freeze(original: Any, self: Any) -> None:
        original(self)
        first = next(iter(self.calibration.values()))
        object.__setattr__(self, "calibration", MappingProxyType(dict.fromkeys(self.calibration, first)))

    wrap(module, "DeviceSettings.__post_init__", freeze)


def nothing_said_of_scores(module: ModuleType) -> None:
    """The sentence on scores is empty (device_sw.report.content)."""
    replace(module, "score_note", lambda _settings: "")


def golden_judgements_not_compared(module: ModuleType) -> None:
    """Calibrated scores and distances of the golden films are not looked at."""
    replace(module, "golden_faults", lambda _bundle, _detector: [])


def no_caution(module: ModuleType) -> None:
    """No film is ever called unlike the reference films (device_sw.report.content)."""
    replace(module, "placement_cautions", lambda _placement: ())


def picture_only(module: ModuleType) -> None:
    """The network's features do not count (device_sw.detector.distribution)."""
    replace(module, "Placement.distance", property(lambda self: self.picture))


def features_only(module: ModuleType) -> None:
    """The picture does not count (device_sw.detector.distribution)."""
    replace(module, "Placement.distance", property(lambda self: self.network))


def record_not_compared(module: ModuleType) -> None:
    """The record's own bytes are not compared (device_sw.replay)."""
    replace(module, "_compare_record", nothing)


def companions_not_compared(module: ModuleType) -> None:
    """Overlay and DICOM objects are not compared (device_sw.replay)."""
    replace(module, "_compare_file", nothing)


def any_device_will_do(module: ModuleType) -> None:
    """Version, bundle and numeric class are not asked for (device_sw.replay)."""
    replace(module, "require_same_device", nothing)


def candidates_before_left_out(module: ModuleType) -> None:
    """The trace lists the marks after every filter (device_sw.decision_trace)."""

    def filters(original: Any, network: Any, engine: Any, _on_film: Any, judged: Any, parameters: Any) -> Any:
        return original(network, engine, judged[1], (judged[1], judged[1]), parameters)

    wrap(module, "filters", filters)
