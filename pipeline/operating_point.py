"""Chooses the operating point of each finding on the validation films: as many true boxes as a stated number of false ones allows.

The rule: one cut-off on the calibrated score, common to all findings, is lowered as far as the false positives per film of all findings together stay
within a budget. Where scores are calibrated, a common cut-off finds the most true boxes for that many false ones: whichever finding it were lowered for
instead would pay with more false marks for each true one. A finding of which no true box lies above the cut-off is not marked at all.

It is a rule of engineering; a clinical operating point would come from a clinical requirement for each finding.

Source: Neyman and Pearson, Phil. Trans. R. Soc. A 231 (1933) 289: the most detections at a given false-alarm rate are had by one threshold on the likelihood ratio.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from pipeline.run import file_sha256

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from validation.metrics.matching import FindingMatches

CHOSEN_FOR = "chosen_for"
"""Key of thresholds.json: file name -> SHA-256 of what the cut-offs were chosen for."""

_DECIDING = ("weights.safetensors", "calibration.json")
_MEMBER = "member_"

IOU = 0.5
"""A mark is right where it takes a true box that it overlaps by this much."""

UNREACHED = 1.0
"""Threshold of a finding for which validation gives no true detection: nothing but a score of exactly 1 is marked."""


@dataclass(frozen=True)
class Chosen:
    """The operating points, and what they gave on the films that they were chosen on.

    Attributes:
        thresholds: calibrated score by finding.
        budget: false positives per film that were allowed.
        films: on which they were chosen.
        false_positives: marks that take no true box, all findings together.
        true_positives: marks that do.
        truths: true boxes in all.
    """

    thresholds: Mapping[str, float]
    budget: float
    films: int
    false_positives: int
    true_positives: int
    truths: int

    def to_json(self) -> dict[str, Any]:
        """Return the rule and what it gave as plain values, without the thresholds themselves."""
        return {
            "rule": f"most true boxes at IoU {IOU} for so many false ones a film on the validation films, by one cut-off on the calibrated scores",
            "false_positives_per_film": self.budget,
            "films": self.films,
            "false_positives": self.false_positives,
            "true_positives": self.true_positives,
            "truths": self.truths,
        }


def deciding(names: Iterable[str]) -> tuple[str, ...]:
    """Return which files of a bundle decide what a score means: the networks whose boxes are scored, and the calibration.

    Cut-offs chosen for others of them are cut-offs of another device.

    >>> deciding(["manifest.json", "weights.safetensors", "calibration.json", "member_1.safetensors", "golden_inputs.safetensors"])
    ('calibration.json', 'member_1.safetensors', 'weights.safetensors')
    """
    return tuple(
        sorted(name for name in names if name in _DECIDING or (name.startswith(_MEMBER) and name.endswith(".safetensors")))
    )


def chosen_for(bundle: Path) -> dict[str, str]:
    """Return the SHA-256 of each deciding file that lies in a bundle's folder now."""
    return {name: file_sha256(bundle / name) for name in deciding(path.name for path in bundle.iterdir())}


def common_cut_off(scored: Iterable[tuple[float, bool]], false_positives: float) -> float:
    """Return the lowest score at which no more false detections lie than a budget allows; one that nothing reaches where even the highest brings too many.

    Detections of one score are marked together or not at all.

    Args:
        scored: calibrated score of each detection, and whether it is right.
        false_positives: the budget, as a number of detections.

    >>> common_cut_off([(0.9, True), (0.8, False), (0.7, True), (0.6, False)], false_positives=1)
    0.7
    >>> common_cut_off([(0.9, False)], false_positives=0)
    1.0
    """
    cut_off, wrong = UNREACHED, 0
    for score, together in groupby(sorted(scored, reverse=True), key=lambda pair: pair[0]):
        wrong += sum(not right for _, right in together)
        if wrong > false_positives:
            break
        cut_off = score
    return cut_off


def choose(matched: Mapping[str, FindingMatches], budget: float) -> Chosen:
    """Return the operating point of each finding: the lowest score of its own at or above the common cut-off.

    Args:
        matched: detections of each finding with their calibrated scores, matched at `IOU`.
        budget: false positives per film, all findings together; a film counts as looked at where any finding was looked for in it.
    """
    films = len({film for each in matched.values() for film in each.films})
    scored = {name: list(zip(m.scores.tolist(), m.hits_at(IOU).tolist(), strict=True)) for name, m in matched.items()}
    cut_off = common_cut_off((pair for pairs in scored.values() for pair in pairs), budget * films)
    marked = {name: [pair for pair in pairs if pair[0] >= cut_off] for name, pairs in scored.items()}
    found = {name: pairs for name, pairs in marked.items() if any(right for _, right in pairs)}
    right = [hit for pairs in found.values() for _, hit in pairs]
    return Chosen(
        thresholds={name: min(score for score, _ in found[name]) if name in found else UNREACHED for name in matched},
        budget=budget,
        films=films,
        false_positives=right.count(False),
        true_positives=right.count(True),
        truths=sum(m.truth_count for m in matched.values()),
    )
