"""How many marks the released, phantom-trained device sets on real films that a radiologist called normal.

    python -m tests.benchmarks.real_normals --bundle releases/0.2.0/bundle --out evidence/real_films/normals.json

The films are those of `../shared/data/cxr_boxes` whose status says normal: a reviewer looked and found nothing. The device never saw a real film in training,
so films of all three splits are asked, and none of them decides anything. Each film is wrapped as DX without changing a grey level and goes through the whole
device. A mark is a detection at or above the operating point of its finding; the reviewers did not look for every finding of the device, so marks of findings
whose absence somebody stated are counted apart. Rates are per analysed film, with 95 % patient-level intervals; refused films and cautions are counted.
"""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from device_sw.device import Device
from device_sw.errors import InputRefused
from device_sw.types import Policy
from pipeline.adapters.coco import map_truth, picture
from pipeline.adapters.coco_source import read_folder
from pipeline.adapters.wrap import wrapped
from pipeline.progress import bar
from pipeline.run import REPOSITORY, write_json
from validation import protocol
from validation.metrics.intervals import draw
from validation.metrics.rates import Rate
from validation.metrics.result import Metric

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.adapters.coco_source import SourceFilm

DATA = REPOSITORY.parent / "shared" / "data" / "cxr_boxes"
SEED, REPLICATES, LEVEL = 20261122, 2000, 0.95
NOTHING = "no film was analysed"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the device said of one film: the code of its refusal, or the findings it marked, one entry a mark, and where it places the film beside those it learned from."""

    film: SourceFilm
    refusal: str | None = None
    marks: tuple[str, ...] = ()
    placed: str = ""

    def stated_absent(self) -> tuple[str, ...]:
        """Return the marks of findings whose absence a reviewer stated."""
        status = map_truth(self.film).status
        return tuple(finding for finding in self.marks if status[finding] == 0)


def main() -> None:
    """Ask the device about every normal film and write the record."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--policy", choices=[str(each) for each in Policy], default=str(Policy.INTENDED_USE))
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    device = Device(arguments.bundle, Policy(arguments.policy))
    with bar("normal films") as report:
        answers = asked(device, normal_films(DATA), report)
    write_json(arguments.out, record(device, answers))


def normal_films(data: Path) -> tuple[SourceFilm, ...]:
    """Return the films that a reviewer called normal."""
    return tuple(film for film in read_folder(data) if film.status.get("normal") == 1)


def asked(device: Device, films: Sequence[SourceFilm], report: Callable[[int, int, str], None]) -> list[Answer]:
    """Return the device's answer for each film, in order."""
    answers: list[Answer] = []
    with TemporaryDirectory() as scratch:
        place = Path(scratch) / "film.dcm"
        for film in films:
            place.write_bytes(wrapped((DATA / film.file_name).read_bytes(), picture(film), SEED))
            answers.append(answer(device, film, place))
            report(len(answers), len(films), "")
    return answers


def answer(device: Device, film: SourceFilm, place: Path) -> Answer:
    """Ask the device about one film."""
    try:
        result = device.analyse(place, explain=False)
    except InputRefused as refusal:
        return Answer(film, refusal=refusal.code)
    placed = "not judged" if result.placement is None else "unlike" if result.placement.outside else "like"
    return Answer(film, marks=tuple(mark.finding for mark in result.detections), placed=placed)


def record(device: Device, answers: Sequence[Answer]) -> dict[str, Any]:
    """Return everything that was counted."""
    analysed = [each for each in answers if each.refusal is None]
    return {
        "schema": "thoratrace/real-normals/1",
        "date": datetime.now(UTC).date().isoformat(),
        "device_version": device.version,
        "model_version": device.settings.model_version,
        "bundle_sha256": device.bundle_sha256,
        "policy": str(device.policy),
        "films_are": "real films of NIH ChestX-ray14 that a reviewer of RSNA or ChestX-Det called normal; the model was trained on simulated films only",
        "statement": "false marks of a phantom-trained device on real films, no performance claim",
        "films": len(answers),
        "patients": len({each.film.patient for each in answers}),
        "refused": dict(sorted(Counter(each.refusal for each in answers if each.refusal).items())),
        "analysed": len(analysed),
        "goal_of_the_phantom": goal(),
        "films_cautioned_as_unlike": counted(analysed, lambda each: each.placed == "unlike"),
        "films_not_placed": counted(analysed, lambda each: each.placed == "not judged"),
        "films_without_a_mark": counted(analysed, lambda each: not each.marks),
        "marks_a_film": rate(analysed, lambda each: len(each.marks)),
        "marks_a_film_of_findings_stated_absent": rate(analysed, lambda each: len(each.stated_absent())),
        "marks_a_film_by_view": {
            view: rate([each for each in analysed if each.film.view == view], lambda each: len(each.marks))
            for view in ("AP", "PA")
        },
        "marks_a_film_by_finding": {
            finding: rate(analysed, lambda each, finding=finding: each.marks.count(finding))
            for finding in device.settings.findings
        },
        "films_by_number_of_marks": {
            str(number): films for number, films in sorted(Counter(len(each.marks) for each in analysed).items())
        },
    }


def goal() -> float:
    """Return the false positives a film that the protocol allows on the locked phantom films; shown beside the figure, decides nothing here."""
    (found,) = [each for each in protocol.load().set_for("phantom", "release").endpoints if each.id == "false-positives"]
    return found.threshold


def counted(analysed: Sequence[Answer], holds: Callable[[Answer], bool]) -> dict[str, Any]:
    """Return the share of films for which something holds."""
    return rate(analysed, lambda each: int(holds(each)), largest=1.0)


def rate(analysed: Sequence[Answer], of: Callable[[Answer], int], largest: float | None = None) -> dict[str, Any]:
    """Return a mean a film; undefined where no film was analysed."""
    if not analysed:
        return Metric.undefined(NOTHING, denominator=0).to_json()
    films = {each.film.film_id: each.film.patient for each in analysed}
    counts = np.array([of(each) for each in analysed], dtype=np.int64)
    found = Rate(tuple(films), counts, np.ones(len(films), dtype=np.int64), NOTHING, largest)
    return found.estimate(draw(films, REPLICATES, SEED), LEVEL).to_json()


if __name__ == "__main__":
    main()
