"""What a bundle may hold besides its one network: further networks, further views, tiles, and a normal/abnormal classifier. All of it is optional.

The file `second_opinions.json` says which. A bundle without it has none of them, and the device then does exactly what it does without this module. Each network has its own
weights, golden outputs and parity record, so that each is proven as the first one is.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from safetensors.numpy import load as load_safetensors

from device_sw.detector.architecture import architecture_from_json
from device_sw.detector.classifier import CLASSIFIER_WEIGHTS, ClassifierShape, CutOffRecord, Suppression
from device_sw.detector.parity import PARITY_SCORE, Parity
from device_sw.detector.tiling import Tiling
from device_sw.detector.views import View

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from device_sw.detector.architecture import Architecture


FILE = "second_opinions.json"
SCHEMA = "thoratrace/second-opinions/1"

FIRST = "network"
"""The name of the bundle's own network among those that are fused."""


@dataclass(frozen=True)
class Member:
    """A further network, trained for the same findings and input.

    Attributes:
        name: of its files in the bundle.
        architecture: what shapes it.
        weights: by the names that training gave them.
        golden_outputs: what it says of the bundle's golden films, as JSON values.
        parity: the engine held against the trained network.
    """

    name: str
    architecture: Architecture
    weights: dict[str, NDArray[np.float32]]
    golden_outputs: dict[str, Any]
    parity: Parity


@dataclass(frozen=True)
class Classifier:
    """The normal/abnormal classifier.

    Attributes:
        shape: of its network.
        weights: by the names that training gave them.
        rule: when it withholds marks.
        record: what its cut-off did on the films it was chosen on.
        parity_films: films over which the engine was held against the trained classifier.
        parity_score: the largest difference of a score there.
    """

    shape: ClassifierShape
    weights: dict[str, NDArray[np.float32]]
    rule: Suppression
    record: CutOffRecord
    parity_films: int
    parity_score: float

    @property
    def parity_holds(self) -> bool:
        """Whether there were films, and the difference lies within the tolerance."""
        return self.parity_films > 0 and 0.0 <= self.parity_score <= PARITY_SCORE


@dataclass(frozen=True)
class GoldenOpinion:
    """What the second opinions say of one golden film: fused candidates as JSON values, and the classifier's score; None where there is no such opinion."""

    candidates: tuple[dict[str, Any], ...] | None
    abnormal: float | None


@dataclass(frozen=True)
class SecondOpinions:
    """The second opinions of a bundle.

    Attributes:
        weights: of the first network and of each member in the fusion, above 0.
        limit: boxes that overlap by more than this IoU are fused; in [0, 1).
        members: further networks.
        views: further looks of every network at the film.
        tiling: how large films are tiled; None where they are not.
        classifier: the normal/abnormal classifier; None where there is none.
        golden: what comes out for each golden film.
    """

    weights: tuple[float, ...]
    limit: float
    members: tuple[Member, ...]
    views: tuple[View, ...]
    tiling: Tiling | None
    classifier: Classifier | None
    golden: Mapping[str, GoldenOpinion]

    def __post_init__(self) -> None:
        """Refuse weights that are not one for each network."""
        if len(self.weights) != 1 + len(self.members):
            raise ValueError(f"{1 + len(self.members)} networks need as many weights, got {len(self.weights)}")
        if not all(weight > 0.0 for weight in self.weights) or not 0.0 <= self.limit < 1.0:
            raise ValueError(f"weights must lie above 0 and the limit in [0, 1), got {self.weights} and {self.limit}")

    @property
    def looks_again(self) -> bool:
        """Whether anything but the first network's look at the whole film makes candidates."""
        return bool(self.members or self.views or self.tiling)


def second_opinions(contents: Mapping[str, bytes]) -> SecondOpinions | None:
    """Return the second opinions of a bundle whose files were verified; None where it has none.

    Raises:
        ValueError: a value is none of its kind, or a field is unknown.
        KeyError: a field or a file is missing.
        TypeError: a field is of another type, unknown or missing.
    """
    if FILE not in contents:
        return None
    values = json.loads(contents[FILE])
    _require_fields(values)
    tiling, classifier = values["tiling"], values["classifier"]
    return SecondOpinions(
        weights=tuple(float(weight) for weight in values["fusion"]["weights"]),
        limit=float(values["fusion"]["limit"]),
        members=tuple(_member(str(name), contents) for name in values["members"]),
        views=tuple(View(**view) for view in values["views"]),
        tiling=None if tiling is None else Tiling(**tiling),
        classifier=None if classifier is None else _classifier(classifier, contents),
        golden={str(name): _golden(golden) for name, golden in values["golden"].items()},
    )


def _require_fields(values: dict[str, Any]) -> None:
    wanted = {"schema", "fusion", "members", "views", "tiling", "classifier", "golden"}
    if set(values) != wanted or values["schema"] != SCHEMA or set(values["fusion"]) != {"limit", "weights"}:
        raise ValueError(f"{FILE} of schema {values.get('schema')!r} with fields {', '.join(sorted(values))}")


def _member(name: str, contents: Mapping[str, bytes]) -> Member:
    values = json.loads(contents[f"{name}.json"])
    return Member(
        name=name,
        architecture=architecture_from_json(values["architecture"]),
        weights=load_safetensors(contents[f"{name}.safetensors"]),
        golden_outputs=values["golden_outputs"],
        parity=Parity.from_json(values["parity"]),
    )


def _classifier(values: dict[str, Any], contents: Mapping[str, bytes]) -> Classifier:
    return Classifier(
        shape=ClassifierShape.from_json(values["shape"]),
        weights=load_safetensors(contents[CLASSIFIER_WEIGHTS]),
        rule=Suppression(float(values["cut_off"]), float(values["kept_above"])),
        record=CutOffRecord(**values["record"]),
        parity_films=int(values["parity"]["films"]),
        parity_score=float(values["parity"]["max_score"]),
    )


def _golden(values: dict[str, Any]) -> GoldenOpinion:
    candidates, abnormal = values["candidates"], values["abnormal"]
    return GoldenOpinion(None if candidates is None else tuple(candidates), None if abnormal is None else float(abnormal))
