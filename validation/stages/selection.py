"""Sorts the test films once: which are scored, which the device analysed, which it refused, and what that makes of truths and detections."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from validation.errors import ValidationError
from validation.metrics import trivial as trivial_detector
from validation.metrics.matching import ALL_IOUS, FindingMatches, match

if TYPE_CHECKING:
    from collections.abc import Sequence

    from validation.cohort import Cohort, Film
    from validation.metrics.trivial import MeanBox
    from validation.predictions import Predictions


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """The test films of an evaluation.

    Attributes:
        findings: what the device marks, in its class order.
        test: all test films.
        scored: test films scored for at least one finding.
        analysed: scored test films that the device analysed.
        refused: scored test films that the device refused, with the codes.
        matches: finding -> matching over the analysed films.
        matches_with_refusals: the same with the refused films as films without any detection.
        trivial: finding -> matching of the trivial detector over the analysed films.
        model: what the trivial detector learned from the training films.
    """

    findings: tuple[str, ...]
    test: tuple[Film, ...]
    scored: tuple[Film, ...]
    analysed: tuple[Film, ...]
    refused: tuple[tuple[Film, str], ...]
    matches: dict[str, FindingMatches]
    matches_with_refusals: dict[str, FindingMatches]
    trivial: dict[str, FindingMatches]
    model: dict[str, MeanBox]


def select(cohort: Cohort, predictions: Predictions) -> Selection:
    """Match the device's and the trivial detector's boxes on the scored test films.

    Raises:
        ValidationError: ``VAL-PREDICTIONS``, the predictions are not of this cohort's test films.
    """
    test = cohort.of_split("test")
    _require_all(test, predictions)
    findings = predictions.findings
    scored = tuple(film for film in test if film.truth(findings))
    analysed = tuple(film for film in scored if predictions.films[film.film_id].refusal is None)
    refused = tuple((film, code) for film in scored if (code := predictions.films[film.film_id].refusal) is not None)
    model = trivial_detector.fit(_training(cohort.of_split("train"), findings), findings)
    return Selection(
        findings=findings,
        test=test,
        scored=scored,
        analysed=analysed,
        refused=refused,
        matches=_match(analysed, predictions, findings),
        matches_with_refusals=_match(scored, predictions, findings),
        trivial=_match_trivial(analysed, model, findings),
        model=model,
    )


def _require_all(test: Sequence[Film], predictions: Predictions) -> None:
    known = {film.film_id for film in test}
    missing, unknown = known - set(predictions.films), set(predictions.films) - known
    if missing or unknown or not test:
        raise ValidationError(
            "VAL-PREDICTIONS",
            where="predictions.json",
            found=f"{len(missing)} test films without outcome, {len(unknown)} outcomes without test film, {len(test)} test films",
            expected="one outcome for every test film of the cohort",
            repair="run the predict stage again on this cohort",
        )


def _match(films: Sequence[Film], predictions: Predictions, findings: Sequence[str]) -> dict[str, FindingMatches]:
    truths = {film.film_id: film.truth(findings) for film in films}
    return match(truths, {film.film_id: predictions.films[film.film_id].rows() for film in films}, findings, ALL_IOUS)


def _match_trivial(films: Sequence[Film], model: dict[str, MeanBox], findings: Sequence[str]) -> dict[str, FindingMatches]:
    truths = {film.film_id: film.truth(findings) for film in films}
    return match(
        truths, {film.film_id: trivial_detector.detect(model, film.rows, film.columns) for film in films}, findings, ALL_IOUS
    )


def _training(films: Sequence[Film], findings: Sequence[str]) -> list[trivial_detector.TrainingFilm]:
    return [trivial_detector.TrainingFilm(film.rows, film.columns, film.truth(findings)) for film in films]


def refusal_counts(selection: Selection) -> dict[str, Any]:
    """Return how many scored test films were refused, by code."""
    codes = Counter(code for _, code in selection.refused)
    return {"films": len(selection.refused), "codes": dict(sorted(codes.items()))}


def normal_films(selection: Selection) -> frozenset[str]:
    """Return the analysed films in which every finding the device marks was looked for and absent."""
    return frozenset(
        film.film_id for film in selection.analysed if all(film.status.get(name) == 0 for name in selection.findings)
    )
