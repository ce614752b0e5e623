"""What the finished device said of each test film: candidates with scores, or the code of its refusal."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from validation.strict import Problems, box_of, is_number, read_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SCHEMA = "thoratrace/predictions/1"
REPAIR = "run the predict stage again"
_TOP = ("schema", "device_version", "model_version", "bundle_sha256", "thresholds", "films")


@dataclass(frozen=True, slots=True)
class Candidate:
    """One box above the score floor: x0, y0, x1, y1 in stored film pixels, score in [0, 1]."""

    finding: str
    box: tuple[float, float, float, float]
    score: float


@dataclass(frozen=True, slots=True)
class FilmPrediction:
    """The device's outcome on one film: candidates, or a refusal with its code."""

    film_id: str
    refusal: str | None
    candidates: tuple[Candidate, ...]

    def rows(self) -> dict[str, list[tuple[float, float, float, float, float]]]:
        """Return finding -> rows x0, y0, x1, y1, score, in the device's order."""
        found: dict[str, list[tuple[float, float, float, float, float]]] = {}
        for candidate in self.candidates:
            found.setdefault(candidate.finding, []).append((*candidate.box, candidate.score))
        return found


@dataclass(frozen=True, slots=True)
class Predictions:
    """One device with one bundle over one cohort's test films.

    Attributes:
        identity: device version, model version, bundle hash and admission policy, as recorded.
        thresholds: operating point per finding; its keys are the findings the bundle was trained to mark.
        films: film id -> outcome.
    """

    identity: Mapping[str, str]
    thresholds: Mapping[str, float]
    films: Mapping[str, FilmPrediction]

    @property
    def findings(self) -> tuple[str, ...]:
        """Findings the bundle marks."""
        return tuple(self.thresholds)


def load(path: Path) -> Predictions:
    """Read predictions.json.

    Raises:
        ValidationError: ``VAL-MISSING`` without the file, ``VAL-PREDICTIONS`` with every problem in it.
    """
    return parse(read_json(path, "VAL-PREDICTIONS", REPAIR), path.name)


def parse(value: Any, where: str) -> Predictions:
    """Return predictions given as plain values; ``where`` names them in errors.

    Raises:
        ValidationError: ``VAL-PREDICTIONS`` with every problem in them.
    """
    problems = Problems("VAL-PREDICTIONS", where)
    if problems.keys(value, "$", _TOP, optional=("policy", "findings")):
        _check(value, problems)
    problems.raise_if_any(REPAIR)
    order = value.get("findings") or sorted(value["thresholds"])
    return Predictions(
        identity=MappingProxyType(
            {name: value[name] for name in ("device_version", "model_version", "bundle_sha256", "policy") if name in value}
        ),
        thresholds=MappingProxyType({name: float(value["thresholds"][name]) for name in order}),
        films=MappingProxyType({film["film_id"]: _film(film) for film in value["films"]}),
    )


def _check(value: dict[str, Any], problems: Problems) -> None:
    problems.check(value["schema"] == SCHEMA, "$.schema", f"is {value['schema']!r}, not {SCHEMA!r}")
    problems.check(value["thresholds"], "$.thresholds", "is empty")
    problems.check(
        sorted(value.get("findings", value["thresholds"])) == sorted(value["thresholds"]),
        "$.findings",
        "differ from the thresholds' findings",
    )
    for finding, threshold in value["thresholds"].items():
        problems.check(is_number(threshold) and 0 <= threshold <= 1, f"$.thresholds.{finding}", "is not in [0, 1]")
    names = [film.get("film_id") for film in value["films"] if isinstance(film, dict)]
    problems.check(len(set(names)) == len(names), "$.films", "hold a film twice")
    for index, film in enumerate(value["films"]):
        if problems.keys(film, f"$.films[{index}]", ("film_id", "status", "code", "candidates")):
            _check_film(film, f"$.films[{index}]", set(value["thresholds"]), problems)


def _check_film(film: dict[str, Any], path: str, findings: set[str], problems: Problems) -> None:
    refused = film["status"] == "refused"
    problems.check(film["status"] in {"analysed", "refused"}, f"{path}.status", f"is {film['status']!r}, not analysed or refused")
    problems.check(bool(film["code"]) == refused, f"{path}.code", "must be given exactly for a refused film")
    problems.check(not (refused and film["candidates"]), f"{path}.candidates", "are given for a refused film")
    for index, row in enumerate(film["candidates"]):
        if problems.keys(row, f"{path}.candidates[{index}]", ("finding", "box", "score")):
            _check_candidate(row, f"{path}.candidates[{index}]", findings, problems)


def _check_candidate(row: dict[str, Any], path: str, findings: set[str], problems: Problems) -> None:
    problems.check(row["finding"] in findings, f"{path}.finding", f"{row['finding']!r} has no threshold")
    edges = row["box"]
    good = isinstance(edges, list) and len(edges) == 4 and all(is_number(edge) for edge in edges)
    problems.check(good and edges[0] < edges[2] and edges[1] < edges[3], f"{path}.box", f"{edges} is not a box")
    problems.check(is_number(row["score"]) and 0 <= row["score"] <= 1, f"{path}.score", f"{row['score']!r} is not in [0, 1]")


def _film(value: dict[str, Any]) -> FilmPrediction:
    candidates = tuple(Candidate(row["finding"], box_of(row["box"]), float(row["score"])) for row in value["candidates"])
    return FilmPrediction(value["film_id"], value["code"], candidates)
