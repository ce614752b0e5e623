"""What the device says of one film: the value that every form of report is made from, and the words that all of them share.

It holds no patient data but the source header, which only the writers of DICOM objects read. No output calls a film without marks anything but that: a film on which no finding was marked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from device_sw.findings import all_findings
from device_sw.types import Policy

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from device_sw.decision_trace import DecisionTrace
    from device_sw.detector.classifier import Opinion
    from device_sw.detector.distribution import Placement
    from device_sw.dicom.source import SourceHeader
    from device_sw.findings import Finding
    from device_sw.settings import DeviceSettings
    from device_sw.types import Detection, ExplanationMethod, LesionMap

STATEMENT = "Engineering baseline, not cleared, not for clinical use. A mark supports but never replaces reading the whole film; a place without a mark says nothing."
"""Printed with every result."""

OUT_OF_DISTRIBUTION = "OOD"
"""Begins the caution on a film that is unlike the films the model was trained on."""

WITHHELD = "WITHHELD"
"""Begins the caution on marks that the normal/abnormal classifier withholds."""

NO_MARKS = "No finding was marked at the operating points, so there is no mark to explain and no map of one."
"""Said instead of maps of a film without marks."""

RESEARCH = "RESEARCH"
"""The mark of everything that the research policy produces."""


@dataclass(frozen=True, slots=True)
class FilmDescription:
    """The technical description of the analysed film, as its results print it."""

    content_sha256: str
    sop_instance_uid: str
    rows: int
    columns: int
    modality: str
    view_position: str
    photometric: str
    transfer_syntax: str


@dataclass(frozen=True, slots=True, eq=False)
class AnalysisResult:
    """One analysed film.

    Attributes:
        film: its technical description.
        source: its identity in the archive, for the writers of DICOM objects only.
        policy: the admission policy it was admitted under.
        candidates: everything above the score floor, film coordinates, calibrated scores, best first.
        detections: the candidates that reach their finding's operating point and are shown.
        placement: how far the film lies from the films the model was trained on, None where nobody could tell.
        trace: everything the result follows from.
        cautions: what was assumed, and a warning where the film is unlike those, in words.
        settings: the model's settings.
        bundle_sha256: SHA-256 of the bundle's manifest.
        device_version: version of this software.
        picture: the film as displayed, (rows, columns) float32 in [0, 1].
        features: (C, h, w) float32 feature map, or None where the detector gave none.
        heat_map: (rows, columns) float32 in [0, 1], or None where there is none.
        heat_map_label: the words that go with a heat map.
        lesion_methods: the methods that were asked to explain each mark.
        lesion_maps: what they say, mark by mark in the order of detections, method by method; empty where nothing was asked or marked.
        opinion: what the normal/abnormal classifier says, with the marks that are not among the detections because of it; None where there is none.
    """

    film: FilmDescription
    source: SourceHeader
    policy: Policy
    candidates: tuple[Detection, ...]
    detections: tuple[Detection, ...]
    placement: Placement | None
    trace: DecisionTrace
    cautions: tuple[str, ...]
    settings: DeviceSettings
    bundle_sha256: str
    device_version: str
    picture: NDArray[np.float32]
    features: NDArray[np.float32] | None
    heat_map: NDArray[np.float32] | None
    heat_map_label: str
    lesion_methods: tuple[ExplanationMethod, ...] = ()
    lesion_maps: tuple[LesionMap, ...] = ()
    opinion: Opinion | None = None

    def of(self, finding: Finding) -> tuple[Detection, ...]:
        """Return the detections of one finding, best first."""
        return tuple(detection for detection in self.detections if detection.finding == finding.id)

    def looked_for(self, finding: Finding) -> bool:
        """Say whether the model was trained to mark this finding."""
        return finding.id in self.settings.findings


def mark(policy: Policy) -> str | None:
    """Return the mark that an output of this policy carries, or None.

    >>> mark(Policy.RESEARCH), mark(Policy.INTENDED_USE)
    ('RESEARCH', None)
    """
    return RESEARCH if policy is Policy.RESEARCH else None


def conclusion(result: AnalysisResult) -> str:
    """Return the result in one sentence, which names what was looked for where nothing was marked."""
    marked = [finding.name for finding in all_findings() if result.of(finding)]
    if marked:
        return f"Marked: {', '.join(marked)}."
    looked = [finding.name for finding in all_findings() if result.looked_for(finding)]
    withheld = 0 if result.opinion is None else len(result.opinion.withheld)
    left = f"No mark is shown; {withheld} withheld" if withheld else "No finding was marked at the operating points"
    return f"{left}. Looked for: {', '.join(looked)}."


def placement_cautions(placement: Placement | None) -> tuple[str, ...]:
    """Return the caution for a film beyond the limit of the reference films, or for one that could not be compared; none for a film within.

    >>> placement_cautions(None)
    ('OOD not judged: nobody compared this film with the films the model was trained on',)
    """
    if placement is None:
        return (f"{OUT_OF_DISTRIBUTION} not judged: nobody compared this film with the films the model was trained on",)
    if not placement.outside:
        return ()
    least = f"distance {placement.distance:.1f}, limit {placement.limit:.1f}"
    return (
        f"{OUT_OF_DISTRIBUTION}: this film is unlike the films the model was trained on ({least}); the model's figures do not hold for it",
    )


def withheld_cautions(opinion: Opinion | None) -> tuple[str, ...]:
    """Return the caution where the normal/abnormal classifier withholds marks: how many, of what, and by which score; none where it withholds none.

    >>> withheld_cautions(None)
    ()
    """
    if opinion is None or not opinion.withheld:
        return ()
    of = [finding.name for finding in all_findings() if any(mark.finding == finding.id for mark in opinion.withheld)]
    by = f"score {opinion.score:.2f}, cut-off {opinion.rule.cut_off:.2f}"
    marks = f"{len(opinion.withheld)} marks ({', '.join(of)})"
    why = f"the normal/abnormal classifier takes the film for one without findings ({by})"
    return (f"{WITHHELD}: {marks} are not shown because {why}; it can be wrong, and the film may not be normal",)


def score_note(settings: DeviceSettings) -> str:
    """Return what a score is, and what it is not."""
    data = "phantom films" if settings.profile == "phantom" else f"films of the profile {settings.profile}"
    return f"Scores are calibrated on {data}: of 100 boxes that score 0.30 there, about 30 lie right. They are no probability of disease."


def training_note(settings: DeviceSettings) -> str:
    """Return what the model was trained on, and what that means for its figures."""
    data = "phantom data" if settings.profile == "phantom" else f"data of the profile {settings.profile}"
    budget = "; a quick training without any performance claim" if settings.budget == "quick" else ""
    return f"Trained on {data}{budget}."
