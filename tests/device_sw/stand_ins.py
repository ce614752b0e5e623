"""A detector without a network for tests of the device around it, and results made with it."""

from pathlib import Path

import numpy as np

from device_sw.detector.distribution import ReferenceDistribution, ReferenceFilms
from device_sw.detector.inference import DetectorOutput, SelfTest
from device_sw.device import Device, Engine
from device_sw.findings import all_findings
from device_sw.settings import DeviceSettings, ReleasedEngine
from device_sw.types import Box, Detection, Policy, ScoreCurve

ENGINE = ReleasedEngine("fixed", "1.0.0", "f32")
IDS = tuple(row.id for row in all_findings())


class FixedDetector:
    """Gives the same candidates for every film: three above 0.5, one below; features with a blob."""

    def __init__(self, *, found=IDS, passes=True, features=True):
        self.found, self.passes, self.features = found, passes, features
        self.films = 0

    def detect(self, model_input):
        self.films += 1
        rows, columns = model_input.letterbox.rows, model_input.letterbox.columns
        places = [
            (0, (0.3, 0.5, 0.75, 0.8), 0.9),
            (6, (0.42, 0.1, 0.58, 0.9), 0.6),
            (2, (0.5, 0.25, 0.66, 0.5), 0.5),
            (4, (0.1, 0.1, 0.3, 0.3), 0.49),
        ]
        boxes = [
            (IDS[n], Box(b[0] * columns, b[1] * rows, b[2] * columns, b[3] * rows), score)
            for n, b, score in places
            if IDS[n] in self.found
        ]
        return DetectorOutput(tuple(Detection(*box) for box in boxes), self._features())

    def _features(self):
        values = np.zeros((4, 16, 16), np.float32)
        values[:, 4:9, 6:11] = 1.0
        return values if self.features else None

    def self_test(self):
        return SelfTest(films=1, max_box_px=0.1 if self.passes else 3.0, max_score=0.0, passed=self.passes)


def unchanged(findings):
    """A calibration that leaves every score as it is."""
    return dict.fromkeys(findings, ScoreCurve(slope=1.0, offset=0.0))


def all_alike():
    """Reference films that no film is unlike: one unit is a million."""
    films = {name: ReferenceFilms(np.zeros(n), np.ones(n), np.eye(n), unit=1e6) for name, n in (("picture", 92), ("network", 8))}
    return ReferenceDistribution(films, limit=1.0, reference_films=9, held_out_films=3)


def settings(*, findings=IDS, preprocessing="tt-default-1", profile="phantom"):
    return DeviceSettings(
        "1.2.3", preprocessing, 128, findings, dict.fromkeys(findings, 0.5), 0.02, profile, "quick", unchanged(findings), ENGINE
    )


def device(detector=None, policy=Policy.INTENDED_USE, **options):
    engine = Engine(detector or FixedDetector(), settings(**options), "b" * 64, all_alike())
    return Device(Path("bundle"), policy, open_engine=lambda _: engine)
