"""The cohort: films with their truth, typed and frozen, and what has to be left out of scoring, counted with its reason.

Status says who looked: 1 present, 0 looked for and absent, None nobody looked. A film is scored for a finding only where somebody looked; a finding that
is marked present without any box cannot be scored as boxes and is left out as well. The loader trusts nothing: a box with status 0, a box outside the film,
an unknown key or a patient in two splits is an error.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from validation.errors import ValidationError
from validation.strict import Problems, box_of, is_number, read_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

SCHEMA = "thoratrace/cohort/1"
SPLITS = ("train", "val", "test")
STRATA = ("sex", "age", "age_band", "body_size", "vendor", "view", "modality", "dose")
REPAIR = "make the cohort again with the cohort stage or its adapter"

NOT_LOOKED_FOR = "nobody looked for the finding"
PRESENT_WITHOUT_BOX = "marked present without a box"

_TOP = ("schema", "profile", "budget", "seed", "notes", "films")
_FILM = (
    *("film_id", "patient_id", "split", "path", "sha256", "rows", "columns", "boxes", "status"),
    *("measurements", "strata", "mask", "scored", "exclusion"),
)


@dataclass(frozen=True, slots=True)
class TruthBox:
    """One finding where it truly is: box x0, y0, x1, y1 in stored film pixels, severity in [0, 1] or None where unknown."""

    finding: str
    box: tuple[float, float, float, float]
    severity: float | None


@dataclass(frozen=True, slots=True)
class Film:
    """One film of the cohort; the attributes are those of cohort.json, frozen."""

    film_id: str
    patient_id: str
    split: str
    path: str
    sha256: str
    rows: int
    columns: int
    boxes: tuple[TruthBox, ...]
    status: Mapping[str, int | None]
    measurements: Mapping[str, float]
    strata: Mapping[str, str | int | None]
    mask: str | None
    scored: bool
    exclusion: str | None

    def boxes_of(self, finding: str) -> tuple[TruthBox, ...]:
        """Return the truth boxes of one finding."""
        return tuple(box for box in self.boxes if box.finding == finding)

    def left_out(self, finding: str) -> str | None:
        """Return why the film is not scored for a finding, or None where it is."""
        if not self.scored:
            return self.exclusion or "not scored"
        if self.status.get(finding) is None:
            return NOT_LOOKED_FOR
        if self.status[finding] == 1 and not self.boxes_of(finding):
            return PRESENT_WITHOUT_BOX
        return None

    def truth(self, findings: Iterable[str]) -> dict[str, list[tuple[float, float, float, float]]]:
        """Return finding -> boxes for the findings this film is scored for; an empty list is a finding that is absent."""
        return {name: [box.box for box in self.boxes_of(name)] for name in findings if self.left_out(name) is None}


@dataclass(frozen=True, slots=True)
class Cohort:
    """All films of a run, with the seed and the notes of whoever made them."""

    profile: str
    budget: str
    seed: int
    notes: tuple[str, ...]
    films: tuple[Film, ...]

    def of_split(self, split: str) -> tuple[Film, ...]:
        """Return the films of one split, in order."""
        return tuple(film for film in self.films if film.split == split)


def load(path: Path) -> Cohort:
    """Read cohort.json.

    Raises:
        ValidationError: ``VAL-MISSING`` without the file, ``VAL-COHORT`` with every problem in it, ``VAL-LEAKAGE`` where splits share a patient or a file.
    """
    value = read_json(path, "VAL-COHORT", REPAIR)
    problems = Problems("VAL-COHORT", path.name)
    if problems.keys(value, "$", _TOP):
        _check_top(value, problems)
    problems.raise_if_any(REPAIR)
    cohort = Cohort(
        profile=value["profile"],
        budget=value["budget"],
        seed=value["seed"],
        notes=tuple(value["notes"]),
        films=tuple(_film(film) for film in value["films"]),
    )
    _refuse_leakage(cohort, path.name)
    return cohort


def _check_top(value: dict[str, Any], problems: Problems) -> None:
    problems.check(value["schema"] == SCHEMA, "$.schema", f"is {value['schema']!r}, not {SCHEMA!r}")
    if not isinstance(value["films"], list) or not value["films"]:
        problems.add("$.films", "is not a list of films")
        return
    for index, film in enumerate(value["films"]):
        if problems.keys(film, f"$.films[{index}]", _FILM):
            _check_film(film, f"$.films[{index}]", problems)
    names = Counter(film.get("film_id") for film in value["films"] if isinstance(film, dict))
    for name, count in names.items():
        problems.check(count == 1, "$.films", f"holds film {name} {count} times")


def _check_film(film: dict[str, Any], path: str, problems: Problems) -> None:
    problems.check(film["split"] in SPLITS, f"{path}.split", f"is {film['split']!r}, not one of {', '.join(SPLITS)}")
    for name in ("rows", "columns"):
        problems.check(isinstance(film[name], int) and film[name] > 0, f"{path}.{name}", "is not a positive integer")
    problems.check(isinstance(film["scored"], bool), f"{path}.scored", "is not true or false")
    problems.check(film["scored"] or film["exclusion"], f"{path}.exclusion", "is missing although the film is not scored")
    missing = [name for name in STRATA if name not in film["strata"]]
    problems.check(not missing, f"{path}.strata", f"lacks {', '.join(missing)}")
    for finding, status in film["status"].items():
        problems.check(
            status in (0, 1, None) and not isinstance(status, bool),
            f"{path}.status.{finding}",
            f"is {status!r}, not 0, 1 or null",
        )
    for index, box in enumerate(film["boxes"]):
        if problems.keys(box, f"{path}.boxes[{index}]", ("finding", "box", "severity")):
            _check_box(film, box, f"{path}.boxes[{index}]", problems)


def _check_box(film: dict[str, Any], box: dict[str, Any], path: str, problems: Problems) -> None:
    edges = box["box"]
    if not (isinstance(edges, list) and len(edges) == 4 and all(is_number(edge) for edge in edges)):
        problems.add(f"{path}.box", "is not four finite numbers")
        return
    x0, y0, x1, y1 = edges
    problems.check(
        0 <= x0 < x1 <= film["columns"] and 0 <= y0 < y1 <= film["rows"], f"{path}.box", f"{edges} is empty or leaves the film"
    )
    problems.check(film["status"].get(box["finding"]) == 1, path, f"marks {box['finding']}, whose status is not 1")
    severity = box["severity"]
    problems.check(
        severity is None or (is_number(severity) and 0 <= severity <= 1),
        f"{path}.severity",
        f"is {severity!r}, not in [0, 1] or null",
    )


def _film(value: dict[str, Any]) -> Film:
    nested = {
        "boxes": tuple(TruthBox(box["finding"], box_of(box["box"]), box["severity"]) for box in value["boxes"]),
        "status": MappingProxyType(dict(value["status"])),
        "measurements": MappingProxyType(dict(value["measurements"])),
        "strata": MappingProxyType(dict(value["strata"])),
    }
    return Film(**{**value, **nested})


def leaks(cohort: Cohort) -> tuple[str, ...]:
    """Return what two splits share: each patient and each file content (SHA-256) that lies in more than one."""
    return (*_shared(cohort, "patient", lambda film: film.patient_id), *_shared(cohort, "file content", lambda film: film.sha256))


def _shared(cohort: Cohort, kind: str, key: Callable[[Film], str]) -> list[str]:
    splits: dict[str, set[str]] = {}
    for film in cohort.films:
        splits.setdefault(key(film), set()).add(film.split)
    return [f"{kind} {name[:16]} in {' and '.join(sorted(where))}" for name, where in sorted(splits.items()) if len(where) > 1]


def _refuse_leakage(cohort: Cohort, where: str) -> None:
    found = leaks(cohort)
    if found:
        raise ValidationError(
            "VAL-LEAKAGE",
            where=where,
            found=f"{len(found)} shared: {'; '.join(found[:5])}",
            expected="splits that share no patient and no file",
            repair="split by patient and make the cohort again",
        )


def exclusions(films: Sequence[Film], findings: Sequence[str]) -> list[dict[str, Any]]:
    """Return how many films are left out of each finding's scoring and why, sorted; nothing is left out in silence."""
    counted = Counter(chain.from_iterable(((name, film.left_out(name)) for film in films) for name in findings))
    return [
        {"finding": name, "reason": reason, "films": count}
        for (name, reason), count in sorted(counted.items(), key=lambda item: (item[0][0], item[0][1] or ""))
        if reason is not None
    ]
