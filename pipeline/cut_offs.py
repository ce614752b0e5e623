"""Keeps a version from shipping on a cut-off that nobody checked for it; without the evidence it does not ship.

Two checks. A bundle's cut-offs name the weights and the calibration that they were chosen for; a bundle whose cut-offs were chosen for others is no candidate.
And a version takes the place of another (the alias `validated`) only with a comparison of exactly these two bundles: the old one at its cut-offs, the new one
at the old ones and at its own, on the same films by the same device (`validation.studies.cut_offs`). The first version of a budget has nobody to be compared with.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from device_sw.errors import BundleError, CodedError
from pipeline.operating_point import CHOSEN_FOR, deciding
from pipeline.run import Run, read_json, write_json
from validation import cohort, predictions, protocol
from validation.stages.standalone import rounded
from validation.studies.cut_offs import compare
from validation.studies.observation import observed
from validation.studies.subject import Subject

if TYPE_CHECKING:
    from pathlib import Path

    from device_sw.detector.bundle import Bundle
    from pipeline.progress import Report

RECORD = "cut_offs.json"


class CutOffsUnchecked(CodedError):
    """Cut-offs that were not chosen for the bundle they lie in, or not compared with those of the version in use. Code: REG-CUT-OFF."""


@dataclass(frozen=True, slots=True)
class Predecessor:
    """The version in use of the same budget: its number, the hash of its bundle and, where it is at hand, the bundle's folder."""

    version: str
    bundle_sha256: str
    bundle: Path | None = None


def require_own(bundle: Bundle) -> None:
    """Let a bundle pass whose cut-offs were chosen for its own weights and calibration.

    Raises:
        CutOffsUnchecked: they name none, or others.
    """
    stated = json.loads((bundle.path / "thresholds.json").read_text(encoding="utf-8")).get(CHOSEN_FOR, {})
    present = {name: bundle.manifest["files"][name]["sha256"] for name in deciding(bundle.manifest["files"])}
    other = sorted(name for name in {*present, *stated} if stated.get(name) != present.get(name))
    if other:
        raise CutOffsUnchecked(
            "REG-CUT-OFF",
            where="thresholds.json",
            found=f"cut-offs that were not chosen for this {' and '.join(other)}",
            expected="cut-offs chosen on the scores of this very model",
            repair="run the package stage, which chooses them; do not copy cut-offs from another bundle",
        )


def measure(run: Run, predecessor: Predecessor | None, report: Report) -> dict[str, Any]:
    """Compare the run's bundle with the version in use on the run's test films, keep the record under artifacts/cut_offs, and return it.

    Raises:
        CutOffsUnchecked: today's device cannot run the version in use.
        ValidationError: cohort or predictions cannot be judged.
    """
    found = predictions.load(run.artifact("predictions") / "predictions.json")
    record: dict[str, Any] = {
        "schema": "thoratrace/cut-offs/1",
        "bundle_sha256": found.identity["bundle_sha256"],
        "predecessor": predecessor.bundle_sha256 if predecessor else None,
        "passed": True,
    }
    if predecessor:
        record |= _compared(run, found, predecessor, report)
    write_json(run.artifact("cut_offs") / RECORD, rounded(record))
    return record


def _compared(run: Run, found: predictions.Predictions, predecessor: Predecessor, report: Report) -> dict[str, Any]:
    if predecessor.bundle is None:
        raise _cannot(predecessor, "its bundle is not in the registry")
    films = cohort.load(run.artifact("cohort") / "cohort.json").of_split("test")
    scored = [film for film in films if film.truth(found.findings)]
    subject = Subject(run.artifact("cohort"), predecessor.bundle, run.artifact("studies") / "work")
    try:
        old = observed(subject, scored, report)
    except BundleError as err:
        raise _cannot(predecessor, f"this device cannot run its bundle ({err.code})") from err
    return compare(scored, old, found, protocol.load())


def _cannot(predecessor: Predecessor, reason: str) -> CutOffsUnchecked:
    return CutOffsUnchecked(
        "REG-CUT-OFF",
        where=f"version {predecessor.version}",
        found=f"no comparison with the version in use: {reason}",
        expected="both versions on the same films by one device",
        repair="compare with a device version that runs both; a development registry can be begun anew by removing artifacts/mlflow",
    )


def summary(record: dict[str, Any]) -> str:
    """Return in one line how the sensitivity over all findings moved, at the old cut-offs and at those that ship."""
    row = record["rows"]["all_findings"]
    kept, shipped = (row[f"sensitivity_{which}_minus_old"]["value"] for which in ("kept", "shipped"))
    return "sensitivity undefined" if kept is None else f"sensitivity {kept:+.3f} at the old cut-offs, {shipped:+.3f} at its own"


def require_compared(run: Run, bundle_sha256: str, predecessor: Predecessor | None) -> dict[str, Any]:
    """Return the record that lets a bundle take the place of the version in use.

    Raises:
        CutOffsUnchecked: there is no record, it is of other bundles, or it does not hold.
    """
    place = run.artifact("cut_offs") / RECORD
    record = read_json(place) if place.is_file() else {}
    in_use = predecessor.bundle_sha256 if predecessor else None
    if record.get("bundle_sha256") != bundle_sha256 or record.get("predecessor", "") != in_use:
        raise _unchecked("no comparison of exactly this bundle with the version in use")
    if record.get("passed") is not True:
        reason = f"cut-offs carried over for {', '.join(record['unchecked'])}" if record.get("unchecked") else "less sensitive"
        raise _unchecked(f"a comparison that does not hold: {reason}")
    return dict(record)


def _unchecked(found: str) -> CutOffsUnchecked:
    return CutOffsUnchecked(
        "REG-CUT-OFF",
        where="artifacts/cut_offs/cut_offs.json",
        found=found,
        expected="a comparison on the same films that holds",
        repair="run ./qms demo, which compares; choose the cut-offs again where they were carried over",
    )
