"""The plan of second opinions, a TOML file behind a strict loader: which of them a bundle is given, and with which numbers."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from device_sw.detector.tiling import Tiling
from device_sw.detector.views import View
from pipeline.training.classifier import ClassifierConfiguration

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = "thoratrace/second-opinion-plan/1"


@dataclass(frozen=True)
class ClassifierPlan:
    """The normal/abnormal classifier.

    Attributes:
        kept_above: a mark of at least this calibrated score is never withheld.
        may_suppress: validation films with findings that may lie below the cut-off.
        training: how its network is trained.
    """

    kept_above: float
    may_suppress: int
    training: ClassifierConfiguration


@dataclass(frozen=True)
class Plan:
    """What is put beside a bundle's network; further networks are bundles of their own and named where the plan is carried out.

    Attributes:
        limit: of the fusion, IoU.
        views: further looks of each network.
        tiling: how large films are tiled.
        classifier: the normal/abnormal classifier.
    """

    limit: float
    views: tuple[View, ...]
    tiling: Tiling | None
    classifier: ClassifierPlan | None


def read_plan(path: Path) -> Plan:
    """Read a plan.

    Raises:
        ValueError: a table or key is missing or unknown, or a value is none of its kind.
    """
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    _require(table, "plan", {"schema", "fusion"}, {"views", "tiling", "classifier"})
    if table["schema"] != SCHEMA:
        raise ValueError(f"plan: schema {table['schema']!r}, expected {SCHEMA}")
    _require(table["fusion"], "fusion", {"limit"})
    tiling, classifier = table.get("tiling"), table.get("classifier")
    return Plan(
        limit=float(table["fusion"]["limit"]),
        views=tuple(_view(view) for view in table.get("views", [])),
        tiling=None if tiling is None else _tiling(tiling),
        classifier=None if classifier is None else _classifier(classifier),
    )


def _view(table: dict[str, Any]) -> View:
    _require(table, "views", set(), {"rotation_deg", "scale", "contrast", "brightness", "gamma"})
    return View(**{name: float(value) for name, value in table.items()})


def _tiling(table: dict[str, Any]) -> Tiling:
    _require(table, "tiling", {"side", "overlap"})
    return Tiling(**table)


def _classifier(table: dict[str, Any]) -> ClassifierPlan:
    _require(table, "classifier", {"kept_above", "may_suppress", "training"})
    training = ClassifierConfiguration.from_table(table["training"])
    return ClassifierPlan(float(table["kept_above"]), int(table["may_suppress"]), training)


def _require(table: dict[str, Any], name: str, needed: set[str], optional: set[str] = frozenset()) -> None:  # type: ignore[assignment]
    """Refuse a table that lacks a key or has one that nobody knows."""
    missing, unknown = sorted(needed - set(table)), sorted(set(table) - needed - optional)
    if missing or unknown:
        raise ValueError(f"{name}: missing {missing}, unknown {unknown}")
