"""Whom a study examines: one bundle in today's device, on the DICOM files of one cohort, and where its results are kept until it is finished."""

from __future__ import annotations

import ast
import hashlib
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from device_sw._version import __version__
from device_sw.detector.bundle import load_bundle
from device_sw.types import Policy
from validation import cohort as cohorts

if TYPE_CHECKING:
    from collections.abc import Callable

    from validation.cohort import Cohort, Film

    Report = Callable[[int, int, str], None]

FILMS_ARE = {
    "phantom": "phantom results: simulated radiographs with exact truth, no patients",
    "coco": "real films: public, retrospective, 8-bit, boxes of several teams that agree poorly",
}
"""What a study's films are, by the cohort's profile; another profile is named as it is."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The device, its films and the study's place of work.

    Attributes:
        cohort_folder: folder of cohort.json and its films.
        bundle: the bundle's folder.
        work: folder for what was already found (`validation.studies.ledger`).
        policy: admission policy of the device.
        workers: processes that ask the device; results do not depend on it.
    """

    cohort_folder: Path
    bundle: Path
    work: Path
    policy: Policy = Policy.INTENDED_USE
    workers: int = 1

    def cohort(self) -> Cohort:
        """Return the cohort.

        Raises:
            ValidationError: it cannot be judged (see `validation.cohort.load`).
        """
        return cohorts.load(self.cohort_folder / "cohort.json")

    def device(self) -> dict[str, str]:
        """Return who was examined: versions, hash of the bundle, policy, and the digest of the device's own source.

        Raises:
            BundleError: the bundle does not verify.
        """
        bundle = load_bundle(self.bundle)
        return {
            "device_version": __version__,
            "model_version": bundle.settings.model_version,
            "bundle_sha256": bundle.sha256,
            "policy": str(self.policy),
            "source_sha256": source_digest(),
        }


@cache
def source_digest() -> str:
    """Return the SHA-256 over names and contents of the device's source files: a device that was changed is another device."""
    root = Path(str(files("device_sw")))
    return digest_of(*(path for path in sorted(root.rglob("*")) if path.suffix in {".py", ".toml", ".npz", ".json"}))


def digest_of(*paths: Path) -> str:
    """Return the SHA-256 over files, of a module what it says and not how it is laid out: comments and line breaks change no result."""
    found = hashlib.sha256()
    for path in paths:
        content = path.read_bytes()
        found.update(f"{path.name}\n".encode())
        found.update(ast.dump(ast.parse(content)).encode() if path.suffix == ".py" else content)
    return found.hexdigest()


def only(cohort: Cohort, films: tuple[Film, ...]) -> Cohort:
    """Return the cohort with these films alone."""
    return replace(cohort, films=films)


def heading(subject: Subject, study: str, films: tuple[Film, ...], of: int, date: str) -> dict[str, Any]:
    """Return what every study's record begins with.

    Args:
        subject: who was examined.
        study: the study's name.
        films: the films it used.
        of: how many films there were to choose from.
        date: ISO date of the study.
    """
    profile = subject.cohort().profile
    return {
        "schema": "thoratrace/study/1",
        "study": study,
        "date": date,
        "device": subject.device(),
        "films_are": FILMS_ARE.get(profile, f"films of the profile {profile}"),
        "cohort_sha256": hashlib.sha256((subject.cohort_folder / "cohort.json").read_bytes()).hexdigest(),
        "films": len(films),
        "patients": len({film.patient_id for film in films}),
        "films_available": of,
    }
