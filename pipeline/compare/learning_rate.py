"""The learning rate of each family: the same short search for all, judged on the validation films.

A rate that suits one family may be useless for another, and a comparison at one rate would compare rates. So each family is trained for a few epochs at each rate
of one list; the rate with the highest validation AP50 of any epoch is used for its trial, the lower of two equal ones. The test films take no part.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pipeline.dvc_runs import merge
from pipeline.run import Run, read_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.compare.trial import Trial


@dataclass(frozen=True, slots=True)
class Search:
    """The rates to try, and for how many epochs each; without rates each family keeps the one it has."""

    rates: tuple[float, ...]
    epochs: int


def with_searched_rate(trial: Trial, search: Search, say: Callable[[str], None]) -> tuple[Trial, dict[str, float | None]]:
    """Return the trial at the rate that the search found, and rate -> validation AP50; the same trial and nothing where there is no search.

    Raises:
        ComparisonError: CMP-TRIAL, a training failed.
    """
    found: dict[str, float | None] = {}
    for rate in search.rates:
        say(f"{trial.family}: learning rate {rate:g}")
        probe = replace(
            trial,
            run=Run(trial.run.root / "rates" / f"{rate:g}"),
            params=merge(trial.params, {"train": {"learning_rate": rate, "epochs": search.epochs}}),
        )
        probe.execute(("train",))
        found[f"{rate:g}"] = best_ap50(probe)
    if not found:
        return trial, found
    return replace(trial, params=merge(trial.params, {"train": {"learning_rate": best_rate(found)}})), found


def best_ap50(trial: Trial) -> float | None:
    """Return the highest validation AP50 of any epoch, None where all are undefined."""
    history: dict[str, Any] = read_json(trial.run.artifact("training") / "history.json")
    values = [row["validation"]["ap50"] for row in history["epochs"] if row["validation"]["ap50"] is not None]
    return max(values, default=None)


def best_rate(found: dict[str, float | None]) -> float:
    """Return the rate with the highest figure, the lower of two equal ones; an undefined figure is below all others.

    >>> best_rate({"0.003": 0.2, "0.01": 0.4, "0.03": 0.4})
    0.01
    """
    return float(min(found, key=lambda rate: (-(found[rate] if found[rate] is not None else -1.0), float(rate))))  # type: ignore[operator]
