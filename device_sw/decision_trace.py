"""Everything a result follows from: which film, which device, which numbers, each parameter used, and the candidates before and after each filter.

It is part of the JSON result (schema: `decision_trace.schema.json` beside this module). With the film's file and the bundle it is enough to build the result
again to the same bytes, which `device_sw.replay` does. It names the film by its content hash and holds no patient data.
"""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from device_sw.launcher import NUMERIC_ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from device_sw.detector.classifier import Opinion
    from device_sw.detector.distribution import ReferenceDistribution
    from device_sw.detector.second_readers import SecondReading
    from device_sw.preprocessing.greyscale_steps import GreyscaleSteps
    from device_sw.types import Detection, EngineIdentity, Letterbox, NetworkBox

SCHEMA = "thoratrace/decision-trace/1"

LIBRARIES = ("numpy", "openvino", "pillow", "pydicom", "safetensors", "torch", "torchvision")
"""Libraries whose version may decide a number, a pixel or a byte of a result."""


@dataclass(frozen=True, slots=True)
class NumericIdentity:
    """The numeric class of a run: results are compared byte by byte only where all of this is equal.

    Attributes:
        machine: processor architecture.
        python: version of the interpreter.
        libraries: name -> version.
        environment: variable -> value as found in the process, for every variable that decides numbers; empty where it is not set.
    """

    machine: str
    python: str
    libraries: Mapping[str, str]
    environment: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        """Return the identity as JSON values."""
        return {
            "machine": self.machine,
            "python": self.python,
            "libraries": dict(self.libraries),
            "environment": dict(self.environment),
        }


@cache
def numeric_identity() -> NumericIdentity:
    """Return the numeric identity of this process."""
    return NumericIdentity(
        machine=platform.machine(),
        python=platform.python_version(),
        libraries={name: version(name) for name in LIBRARIES},
        environment={name: os.environ.get(name, "") for name in sorted(NUMERIC_ENVIRONMENT)},
    )


@dataclass(frozen=True, slots=True)
class Filter:
    """One step between the network and the marks.

    Attributes:
        name: of the step.
        parameters: every value it used.
        candidates: what it left; what the step before left is what it was given.
    """

    name: str
    parameters: Mapping[str, Any]
    candidates: tuple[Detection | NetworkBox, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the step as JSON values."""
        rows = [{"finding": c.finding, "box": list(_edges(c)), "score": c.score} for c in self.candidates]
        return {"name": self.name, "parameters": dict(self.parameters), "candidates": rows}


def _edges(candidate: Detection | NetworkBox) -> tuple[float, float, float, float]:
    edges = getattr(candidate, "edges", None)
    return candidate.box.as_tuple() if edges is None else edges  # type: ignore[union-attr]


@dataclass(frozen=True, slots=True)
class DecisionTrace:
    """The way of one film from its file to its marks.

    Attributes:
        content_sha256: of the film's file.
        policy: the admission policy.
        device_version: of this software.
        bundle_sha256: of the bundle's manifest.
        engine: what computed the network's numbers.
        numeric: the numeric class of the run.
        preprocessing: the greyscale steps.
        letterbox: how the film lay in the network's input.
        distribution: what the film was held against, or None.
        filters: the steps between the network and the marks, in order.
    """

    content_sha256: str
    policy: str
    device_version: str
    bundle_sha256: str
    engine: EngineIdentity
    numeric: NumericIdentity
    preprocessing: GreyscaleSteps
    letterbox: Letterbox
    distribution: ReferenceDistribution | None
    filters: tuple[Filter, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the trace as JSON values, in a fixed order."""
        return {
            "schema": SCHEMA,
            "input": {"content_sha256": self.content_sha256},
            "policy": self.policy,
            "device": {"name": "ThoraTrace", "version": self.device_version},
            "bundle": {"sha256": self.bundle_sha256},
            "engine": self._engine(),
            "numeric": self.numeric.to_json(),
            "preprocessing": {**self.preprocessing.to_json(), "letterbox": self._letterbox()},
            "distribution": self._distribution(),
            "filters": [step.to_json() for step in self.filters],
        }

    def _engine(self) -> dict[str, Any]:
        engine = self.engine
        return {
            "name": engine.name,
            "version": engine.version,
            "precision": engine.precision,
            "instruction_set": engine.instruction_set,
        }

    def _letterbox(self) -> dict[str, Any]:
        frame = self.letterbox
        return {"rows": frame.rows, "columns": frame.columns, "size": frame.size, "scale": frame.scale}

    def _distribution(self) -> dict[str, Any] | None:
        known = self.distribution
        if known is None:
            return None
        return {"limit": known.limit, "reference_films": known.reference_films, "held_out_films": known.held_out_films}


def filters(
    network: Iterable[NetworkBox],
    engine: EngineIdentity,
    on_film: Iterable[Detection],
    judged: tuple[Iterable[Detection], Iterable[Detection]],
    parameters: tuple[Mapping[str, Any], Mapping[str, Any]],
) -> tuple[Filter, ...]:
    """Return the four steps of every analysis.

    Args:
        network: what the network gave.
        engine: what gave it, with what it dropped boxes by inside itself.
        on_film: what lies on the film, in film coordinates.
        judged: candidates with calibrated scores, and those that reach their operating point.
        parameters: the curves and the operating points.
    """
    return (
        Filter("network", engine.filters, tuple(network)),
        Filter("on the film", {}, tuple(on_film)),
        Filter("calibration", parameters[0], tuple(judged[0])),
        Filter("operating points", parameters[1], tuple(judged[1])),
    )


def with_second_opinions(
    steps: tuple[Filter, ...], reading: SecondReading | None, opinion: Opinion | None, shown: Iterable[Detection]
) -> tuple[Filter, ...]:
    """Return the steps of an analysis with what second opinions added: a step after the network's own, a step at the end, or none.

    Args:
        steps: the four steps of every analysis, of which the first two are the first network's.
        reading: what all looks say together; None where there was one look.
        opinion: what the classifier says; None where there is none.
        shown: the marks that it left.
    """
    looks = () if reading is None else (Filter("second looks", reading.parameters(), reading.candidates),)
    classified = () if opinion is None else (Filter("normal/abnormal classifier", opinion.parameters(), tuple(shown)),)
    return (*steps[:2], *looks, *steps[2:], *classified)
