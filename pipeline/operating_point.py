"""Chooses the operating point of each finding on the validation films.

The rule: the score at which F1 = 2TP / (2TP + FP + FN) is largest at IoU 0.5, the lower score where two are equal, and a score no detection reaches
where a finding has no true detection at all. It is a rule for a pipeline check; a clinical operating point would come from a clinical requirement.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.run import file_sha256

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

CHOSEN_FOR = "chosen_for"
"""Key of thresholds.json: file name -> SHA-256 of what the cut-offs were chosen for."""

_DECIDING = ("weights.safetensors", "calibration.json")
_MEMBER = "member_"

UNREACHED = 1.0
"""Threshold of a finding for which validation gives no true detection: nothing but a score of exactly 1 is marked."""


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


def best_f1(scores: Sequence[float], is_true: Sequence[bool], truths: int) -> float:
    """Return the threshold with the largest F1.

    Args:
        scores: of all detections of one finding.
        is_true: whether each matches a truth box not taken by a better one.
        truths: truth boxes in all.

    >>> best_f1([0.9, 0.8, 0.3], [True, True, False], truths=2)
    0.8
    >>> best_f1([0.9], [False], truths=2)
    1.0
    """
    ranked = sorted(zip(scores, is_true, strict=True), key=lambda pair: -pair[0])
    best, threshold, true = 0.0, UNREACHED, 0
    for count, (score, hit) in enumerate(ranked, start=1):
        true += hit
        last_of_score = count == len(ranked) or ranked[count][0] < score
        f1 = 2 * true / (count + truths) if count + truths else 0.0
        if last_of_score and true and f1 >= best:
            best, threshold = f1, score
    return threshold
