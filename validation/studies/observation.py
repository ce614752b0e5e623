"""Asks the finished device about the films of a study, as they are or spoilt, and keeps each answer, so that a stopped study goes on where it was."""

from __future__ import annotations

import hashlib
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from device_sw.device import Device
from device_sw.types import Policy
from validation.outcomes import outcome_of, predictions_of
from validation.predictions import parse
from validation.studies import corruptions, film_file
from validation.studies.ledger import Ledger
from validation.studies.subject import digest_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from validation.cohort import Film
    from validation.predictions import Predictions
    from validation.studies.subject import Report, Subject

AS_IT_IS = "as it is"
REWRITTEN = "rewritten"
"""The film decoded and written again without any change: shows that writing changes nothing by itself."""

INVERTED = "inverted"
"""Every value turned about the middle of the window, while the file still says what it said: has to be refused."""


@dataclass(frozen=True, slots=True)
class Question:
    """One film as it is shown to the device: ``way`` is one of the constants above or the name of a corruption, with its grade."""

    film: Film
    way: str = AS_IT_IS
    grade: int = 0

    def key(self) -> str:
        """Return the name of the answer: the file's content and everything that is done to it."""
        number = corruptions.CORRUPTIONS[self.way].at(self.grade) if self.grade else 0
        return f"{self.film.sha256} {self.way} {self.grade} {number}"


def answers(subject: Subject, questions: Sequence[Question], report: Report) -> list[dict[str, Any]]:
    """Return the device's outcome for each question, in order; those that are known already are not asked again."""
    device = subject.device()
    ways = digest_of(*(Path(module.__file__) for module in (corruptions, film_file)))
    ledger = Ledger(subject.work / "outcomes", *device.values(), ways)
    missing = [question for question in questions if not ledger.held(question.key())]
    for count, (question, outcome) in enumerate(_asked(subject, missing), start=1):
        ledger.get(question.key(), lambda outcome=outcome: outcome)
        report(len(questions) - len(missing) + count, len(questions), question.way)
    return [ledger.get(question.key(), dict) for question in questions]


def observed(subject: Subject, films: Sequence[Film], report: Report) -> Predictions:
    """Return the device's predictions on these films as they are."""
    found = answers(subject, [Question(film) for film in films], report)
    return predictions(subject, films, found)


def predictions(subject: Subject, films: Sequence[Film], outcomes: Sequence[dict[str, Any]]) -> Predictions:
    """Return outcomes as predictions of the subject's device."""
    rows = [{"film_id": film.film_id, **outcome} for film, outcome in zip(films, outcomes, strict=True)]
    return parse(predictions_of(_device(str(subject.bundle), str(subject.policy)), rows), "study")


def _asked(subject: Subject, questions: Sequence[Question]) -> Iterator[tuple[Question, dict[str, Any]]]:
    tasks = [
        _Task(str(subject.bundle), str(subject.policy), str(subject.cohort_folder / q.film.path), q.way, q.grade, q.key())
        for q in questions
    ]
    if subject.workers == 1 or len(tasks) < 2:
        yield from zip(questions, map(_answer, tasks), strict=True)
        return
    with ProcessPoolExecutor(subject.workers, mp_context=get_context("spawn")) as pool:
        yield from zip(questions, pool.map(_answer, tasks, chunksize=4), strict=True)


@dataclass(frozen=True, slots=True)
class _Task:
    """A question as it travels to another process."""

    bundle: str
    policy: str
    path: str
    way: str
    grade: int
    key: str


@cache
def _device(bundle: str, policy: str) -> Device:
    """One device a process: its bundle is verified and self-tested once."""
    return Device(Path(bundle), Policy(policy))


def _answer(task: _Task) -> dict[str, Any]:
    device = _device(task.bundle, task.policy)
    if task.way == AS_IT_IS:
        return outcome_of(device, Path(task.path))
    with TemporaryDirectory() as scratch:
        shown = Path(scratch) / "film.dcm"
        _show(task, shown)
        return outcome_of(device, shown)


def _show(task: _Task, target: Path) -> None:
    film = film_file.open_film(Path(task.path))
    if task.grade:
        corruption = corruptions.CORRUPTIONS[task.way]
        seed = int(hashlib.sha256(task.key.encode()).hexdigest()[:16], 16)
        picture = corruptions.spoilt(film.picture, corruption, task.grade, seed)
        film_file.write_changed(film, picture, target, lossy=corruption.lossy)
    else:
        film_file.write_changed(film, 1.0 - film.picture if task.way == INVERTED else film.picture, target)
