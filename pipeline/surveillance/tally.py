"""Windows of inputs, and what is counted in a set of inputs: the counts that every indicator is formed from, for a window as for a baseline."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.surveillance.trail import ANALYSED, FAILED, REFUSED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pipeline.surveillance.trail import Entry, Installation


@dataclass(frozen=True, slots=True)
class Tally:
    """What is counted in a set of inputs.

    Attributes:
        inputs: how many.
        statuses: inputs by status.
        codes: refused inputs by code.
        failures: failed inputs by code.
        marked: analysed films with at least one mark, by finding.
        judged: analysed films whose result says how far they lie from the reference films.
        outside: those beyond the limit.
        distances: of the judged films, sorted.
        scores: of marks by finding, sorted.
        highest: the highest score of each film with a mark, by finding, sorted.
        answered: analysed films whose result was passed on.
        installations: what recorded the inputs.
    """

    inputs: int
    statuses: Mapping[str, int]
    codes: Mapping[str, int]
    failures: Mapping[str, int]
    marked: Mapping[str, int]
    judged: int
    outside: int
    distances: tuple[float, ...]
    scores: Mapping[str, tuple[float, ...]]
    highest: Mapping[str, tuple[float, ...]]
    answered: int
    installations: tuple[Installation, ...]

    @property
    def analysed(self) -> int:
        """Analysed films."""
        return self.statuses.get(ANALYSED, 0)

    @property
    def refused(self) -> int:
        """Refused inputs."""
        return self.statuses.get(REFUSED, 0)

    @property
    def failed(self) -> int:
        """Inputs on which the analysis failed."""
        return self.statuses.get(FAILED, 0)


def tally(entries: Sequence[Entry]) -> Tally:
    """Count a set of inputs."""
    answers = [entry.answer for entry in entries if entry.answer is not None]
    distances = [answer.distance for answer in answers if answer.state != "not judged" and answer.distance is not None]
    findings = sorted({finding for answer in answers for finding in answer.scores})
    scores = {finding: [answer.scores[finding] for answer in answers if finding in answer.scores] for finding in findings}
    return Tally(
        inputs=len(entries),
        statuses=_counted(entry.status for entry in entries),
        codes=_counted(entry.code for entry in entries if entry.status == REFUSED),
        failures=_counted(entry.code for entry in entries if entry.status == FAILED),
        marked=_counted(finding for entry in entries if entry.status == ANALYSED for finding in entry.marks),
        judged=len(distances),
        outside=sum(answer.state == "outside" for answer in answers),
        distances=tuple(sorted(distances)),
        scores={finding: tuple(sorted(score for film in films for score in film)) for finding, films in scores.items()},
        highest={finding: tuple(sorted(film[0] for film in films)) for finding, films in scores.items()},
        answered=len(answers),
        installations=tuple(sorted({entry.made_by for entry in entries})),
    )


def _counted(names: Iterable[str | None]) -> Mapping[str, int]:
    return dict(sorted(Counter(name for name in names if name is not None).items()))


@dataclass(frozen=True, slots=True)
class Window:
    """Inputs in a row.

    Attributes:
        number: from 1.
        entries: the inputs.
        full: whether it holds as many as the plan asks for; only the last one may not.
        tally: what is counted in it.
    """

    number: int
    entries: tuple[Entry, ...]
    full: bool
    tally: Tally


def windows(entries: Sequence[Entry], films: int) -> tuple[Window, ...]:
    """Return the inputs in windows of so many, in their order."""
    parts = (entries[start : start + films] for start in range(0, len(entries), films))
    return tuple(Window(number, tuple(part), len(part) == films, tally(part)) for number, part in enumerate(parts, start=1))
