"""The second opinions of a bundle at work: they look at the film after the first network, and their candidates become one list.

Each network (the first and the members) looks at the whole film, at its tiles where the film is large, and at the film's views. Whole film and tiles of one network are one look,
merged by `device_sw.detector.tiling`; a view is a look of its own. All looks of all networks are fused by `device_sw.detector.fusion`. What scores below the floor after
that is no candidate.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from device_sw.detector.bundle import golden_outputs
from device_sw.detector.classifier import require_record
from device_sw.detector.classifier_engine import CompiledClassifier
from device_sw.detector.fusion import fused
from device_sw.detector.inference import Detector
from device_sw.detector.parity import (
    PARITY_BOX_PX,
    PARITY_SCORE,
    Parity,
    detections_to_json,
    difference,
    require_parity,
)
from device_sw.detector.second_opinions import FIRST, GoldenOpinion
from device_sw.detector.tiling import Tiling, merged, part, tiles
from device_sw.detector.views import View, brought_back, shown
from device_sw.preprocessing.geometry import letterbox, to_film
from device_sw.types import Detection, ModelInput, NormalisedFilm

if TYPE_CHECKING:
    from collections.abc import Iterator

    from device_sw.detector.bundle import Bundle
    from device_sw.detector.classifier import Suppression
    from device_sw.detector.inference import DetectorOutput, SelfTest
    from device_sw.detector.second_opinions import SecondOpinions
    from device_sw.detector.tiling import Part, Tile

_MARGIN = 2.0
"""So near to the edge of a tile a box counts as ending there, network pixels."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one network says of one view of the film, tiles included, in film coordinates."""

    network: str
    view: View
    weight: float
    candidates: tuple[Detection, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the look as JSON values."""
        rows = detections_to_json(self.candidates)
        return {"network": self.network, "view": self.view.to_json(), "weight": self.weight, "candidates": rows}


@dataclass(frozen=True, slots=True)
class SecondReading:
    """What was made of one film by all looks.

    Attributes:
        first: the first network's own candidates of the whole film.
        looks: every look, the first network's first.
        tiles: of the film; none where it is not large.
        limit: of the fusion.
        candidates: what all of them say together, best first.
    """

    first: tuple[Detection, ...]
    looks: tuple[Look, ...]
    tiles: tuple[Tile, ...]
    limit: float
    candidates: tuple[Detection, ...]

    def parameters(self) -> dict[str, Any]:
        """Return what the decision trace says of this step, as JSON values."""
        return {
            "limit": self.limit,
            "tiles": [list(tile.as_tuple()) for tile in self.tiles],
            "looks": [look.to_json() for look in self.looks],
        }


class SecondReaders:
    """Members, views, tiles and classifier of one verified bundle, ready to look at films."""

    def __init__(self, bundle: Bundle, plan: SecondOpinions, first: Detector) -> None:
        """Compile every further network.

        Args:
            bundle: the bundle.
            plan: its second opinions.
            first: its first network.

        Raises:
            BundleError: BND-PARITY or BND-CUT-OFF, a network or the cut-off was not shown to do what it should; BND-WEIGHTS, weights do not fit.
        """
        self._bundle, self._plan = bundle, plan
        self._readers = [(FIRST, first), *((name, Detector(member)) for name, member in member_bundles(bundle, plan))]
        self._classifier = None
        if plan.classifier is not None:
            require_record(plan.classifier.record)
            require_parity(
                Parity(plan.classifier.parity_films, 0.0, plan.classifier.parity_score), "second_opinions.json classifier"
            )
            self._classifier = CompiledClassifier(plan.classifier.shape, plan.classifier.weights)

    @property
    def rule(self) -> Suppression | None:
        """When the classifier withholds marks; None where there is none."""
        return None if self._plan.classifier is None else self._plan.classifier.rule

    def abnormal(self, model_input: ModelInput) -> float | None:
        """Return the classifier's score of one film, in [0, 1]; None where there is no classifier.

        Raises:
            InferenceFailed: INF-SHAPE or INF-NONFINITE.
        """
        return None if self._classifier is None else self._classifier.score(model_input.pixels)

    def read(self, first: DetectorOutput, model_input: ModelInput, film: NormalisedFilm) -> SecondReading | None:
        """Return what all looks say of a film; None where the first look is the only one.

        Args:
            first: what the first network says of the whole film.
            model_input: the film as it saw it.
            film: the film at its own size.
        """
        return self._read(first, model_input, film, self._plan.tiling) if self._plan.looks_again else None

    def _read(self, first: DetectorOutput, model_input: ModelInput, film: NormalisedFilm, tiling: Tiling | None) -> SecondReading:
        plan, settings = self._plan, self._bundle.settings
        parts = () if tiling is None else tiles(film.pixels.shape[0], film.pixels.shape[1], tiling)
        looks = tuple(
            look
            for (name, reader), weight in zip(self._readers, plan.weights, strict=True)
            for look in self._looks(
                name, reader, weight, first if name == FIRST else reader.detect(model_input), model_input, film, parts
            )
        )
        together = (
            looks[0].candidates
            if len(looks) == 1
            else fused([look.candidates for look in looks], [look.weight for look in looks], plan.limit, settings.findings)
        )
        kept = tuple(found for found in together if found.score >= settings.score_floor)
        return SecondReading(first.candidates, looks, parts, plan.limit, kept)

    def _looks(  # noqa: PLR0913, PLR0917 - one network, what it said first, and the film in its three forms
        self,
        name: str,
        reader: Detector,
        weight: float,
        plain: DetectorOutput,
        model_input: ModelInput,
        film: NormalisedFilm,
        parts: tuple[Tile, ...],
    ) -> Iterator[Look]:
        findings, nms_iou = self._bundle.settings.findings, self._bundle.architecture.nms_iou
        cut = [found for tile in parts for found in self._in_tile(reader, film, tile)]
        own = merged(plain.candidates, cut, nms_iou, findings) if parts else plain.candidates
        yield Look(name, View(), weight, own)
        for view in self._plan.views:
            yield Look(name, view, weight, _of_view(reader, model_input, view))

    def _in_tile(self, reader: Detector, film: NormalisedFilm, tile: Tile) -> Iterator[Part]:
        piece = NormalisedFilm(film.pixels[tile.y0 : tile.y1, tile.x0 : tile.x1], film.preprocessing_id)
        model_input = letterbox(piece, self._bundle.settings.input_size)
        rows, columns = film.pixels.shape
        margin = _MARGIN / model_input.letterbox.scale
        yield from (part(found, tile, (rows, columns), margin) for found in reader.detect(model_input).candidates)

    def self_tests(self) -> Iterator[tuple[str, SelfTest]]:
        """Yield each member's name and the comparison of its golden outputs."""
        yield from ((name, reader.self_test()) for name, reader in self._readers[1:])

    def faults(self) -> list[str]:
        """Name the golden films whose second opinions are not the released ones, and what differs; an empty list is good."""
        if set(self._plan.golden) != set(self._bundle.golden_inputs) or not self._plan.golden:
            return ["golden second opinions"]
        members = [
            f"{name}: off by {test.max_box_px:g} px and {test.max_score:g}" for name, test in self.self_tests() if not test.passed
        ]
        return [*members, *(f"{name}: {fault}" for name in sorted(self._plan.golden) for fault in self._golden_faults(name))]

    def golden(self, name: str) -> GoldenOpinion:
        """Return what comes out for one golden film: at its own size it is no large film, so it is tiled at two thirds of its side."""
        pixels = self._bundle.golden_inputs[name]
        film = NormalisedFilm(pixels, self._bundle.settings.preprocessing_id)
        model_input = letterbox(film, self._bundle.settings.input_size)
        candidates = None
        if self._plan.looks_again:
            size = pixels.shape[0]
            tiling = None if self._plan.tiling is None else Tiling(2 * size // 3, size // 6)
            reading = self._read(self._readers[0][1].detect(model_input), model_input, film, tiling)
            candidates = tuple(detections_to_json(reading.candidates))
        return GoldenOpinion(candidates, self.abnormal(model_input))

    def _golden_faults(self, name: str) -> Iterator[str]:
        found, released = self.golden(name), self._plan.golden[name]
        if (found.candidates is None, found.abnormal is None) != (released.candidates is None, released.abnormal is None):
            yield "other opinions than released"
            return
        box, score = difference(found.candidates or (), released.candidates or (), self._bundle.settings.score_floor)
        if box > PARITY_BOX_PX or score > PARITY_SCORE:
            yield f"fused candidates off by {box:g} px and {score:g}"
        apart = abs((found.abnormal or 0.0) - (released.abnormal or 0.0))
        if not apart <= PARITY_SCORE:
            yield f"abnormal score off by {apart:g}"


def member_bundles(bundle: Bundle, plan: SecondOpinions) -> Iterator[tuple[str, Bundle]]:
    """Yield each member as a bundle of its own: the same findings, input and golden films, another network.

    Raises:
        BundleError: BND-PARITY, a member was not shown to give on the engine what it gives as trained.
        ValueError: its classes or its input are not the first network's.
    """
    for member in plan.members:
        require_parity(member.parity, f"{member.name}.json")
        yield (
            member.name,
            replace(
                bundle,
                architecture=member.architecture,
                weights=member.weights,
                golden_outputs=golden_outputs(member.golden_outputs),
                parity=member.parity,
                second_opinions=None,
            ),
        )


def _of_view(reader: Detector, model_input: ModelInput, view: View) -> tuple[Detection, ...]:
    """Return what a network says of a view, in film coordinates; what lies beside the film is dropped."""
    frame = model_input.letterbox
    seen = reader.detect(ModelInput(shown(model_input.pixels, view), frame)).boxes
    placed = ((box, to_film(brought_back(box.edges, view, frame.size), frame)) for box in seen)
    return tuple(Detection(box.finding, on_film, box.score) for box, on_film in placed if on_film is not None)
