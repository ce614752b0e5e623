"""Judges every mutant in copies of the project, two at a time, and says of each whether the gate named it.

What was judged is kept line by line, so that a campaign that was interrupted goes on where it stopped; a change of any file of the project or of the gate
starts it anew. On a sample, drawn by a seed, the verdict is compared with that of reading everything.
"""

from __future__ import annotations

import gc
import hashlib
import multiprocessing
import random
import shutil
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from verification.trace.mutants.bench import Bench
from verification.trace.mutants.catalogue import OPERATORS, OUTSTANDING
from verification.trace.mutants.copying import copy_project, workplace
from verification.trace.mutants.kept import Kept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from verification.trace.mutants.mutant import Mutant

KEPT = "artifacts/trace/mutation.part.jsonl"
"""Judgements of an unfinished campaign, one a line, below a first line that says which campaign they belong to."""

WORKERS = 2
CHUNK = 20
"""Mutants handed to a worker at a time."""

SHOWN_INSTEAD = 6
"""How many of the messages that came instead are kept for a survivor."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of one mutant.

    Attributes:
        operator: name of the operator.
        place: where it was applied.
        caught: whether every expected message came, and was not there before.
        codes: the codes that were expected.
        missing: the expected messages that did not come.
        instead: of a survivor, what the gate said instead.
        compared: whether the verdict was also made by reading everything.
        equal: whether both verdicts were the same, message by message; true where they were not compared.
    """

    operator: str
    place: str
    caught: bool
    codes: tuple[str, ...]
    missing: tuple[str, ...] = ()
    instead: tuple[str, ...] = ()
    compared: bool = False
    equal: bool = True


@dataclass(frozen=True)
class Campaign:
    """What a campaign found.

    Attributes:
        judgements: one for each mutant, in the order of the operators.
        project: SHA-256 over the project and the gate that were put together.
        stand_in: whether a clean run had to be put in the place of evidence that does not belong to what lies here.
        owed_beyond: obligations in which the shipped baseline lags behind; the copies had a baseline of the day.
        seconds: wall time, of all sessions together.
        processor_seconds: processor time of the judging, which a busy machine stretches less.
        outstanding: cross rules that no mutant tests yet.
    """

    judgements: tuple[Judgement, ...]
    project: str
    stand_in: bool
    owed_beyond: int
    seconds: float = field(compare=False)
    processor_seconds: float = field(default=0.0, compare=False)
    outstanding: tuple[str, ...] = OUTSTANDING

    @property
    def survivors(self) -> tuple[Judgement, ...]:
        """The mutants that the gate did not name."""
        return tuple(each for each in self.judgements if not each.caught)

    @property
    def unequal(self) -> tuple[Judgement, ...]:
        """The mutants on which the short way and the whole gate disagree."""
        return tuple(each for each in self.judgements if not each.equal)

    def __bool__(self) -> bool:
        """Say whether every mutant was caught, of at least one, and the short way was the gate."""
        return bool(self.judgements) and not self.survivors and not self.unequal

    def to_json(self) -> dict[str, Any]:
        """Return the campaign as sorted plain data, without times."""
        return {
            "schema": "thoratrace/mutation/1",
            "project": self.project,
            "stand_in_run": self.stand_in,
            "owed_beyond_baseline": self.owed_beyond,
            "mutants": len(self.judgements),
            "caught": sum(each.caught for each in self.judgements),
            "compared_with_whole_gate": sum(each.compared for each in self.judgements),
            "unequal": [asdict(each) for each in self.unequal],
            "operators": self.by_operator(),
            "survivors": [asdict(each) for each in self.survivors],
            "outstanding": list(self.outstanding),
        }

    def by_operator(self) -> dict[str, Any]:
        """Return for each operator its part, its rule, how many mutants it made, how many were caught, and by which codes."""
        table: dict[str, Any] = {}
        for name in dict.fromkeys(each.operator for each in self.judgements):
            mine = [each for each in self.judgements if each.operator == name]
            codes = Counter(code for each in mine if each.caught for code in each.codes)
            table[name] = {
                "part": str(OPERATORS[name].part),
                "rule": OPERATORS[name].rule,
                "mutants": len(mine),
                "caught": sum(each.caught for each in mine),
                "codes": dict(sorted(codes.items())),
            }
        return table


@dataclass(frozen=True)
class Order:
    """Which mutants to judge.

    Attributes:
        operators: names, in their order.
        sample: how many of each operator; None for all.
        seed: of the sample, and of the choice of those that are judged both ways.
        compared: how many mutants are judged by reading everything as well.
    """

    operators: tuple[str, ...] = tuple(OPERATORS)
    sample: int | None = None
    seed: int = 0
    compared: int = 100


class Workbench:
    """One bench in one process, with the mutants of an order in their fixed order."""

    def __init__(self, root: Path, order: Order) -> None:
        """Copy the project into memory and list the mutants."""
        self.folder = workplace()
        copy_project(root, self.folder / "project")
        self.bench = Bench(self.folder / "project")
        self.mutants = drawn(self.bench, order)
        _spare_the_collector()
        self.twice = frozenset(random.Random(order.seed).sample(range(len(self.mutants)), min(order.compared, len(self.mutants))))  # noqa: S311  a draw, no secret

    def close(self) -> None:
        """Remove the copy."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def judge(self, number: int) -> Judgement:
        """Make one mutant, ask the gate, and say whether each expected message is new."""
        mutant = self.mutants[number]
        try:
            change = mutant.make(self.bench.project)
        except (StopIteration, LookupError, ValueError, OSError) as err:
            return Judgement(
                mutant.operator, mutant.place, caught=False, codes=(), missing=(f"cannot be made: {type(err).__name__}: {err}",)
            )
        if not self.bench.is_a_change(change):
            return Judgement(mutant.operator, mutant.place, caught=False, codes=(), missing=("cannot be made: changes nothing",))
        problems = self.bench.judge(change)
        new = [each for each in problems if each not in self.bench.before(change.level)]
        missing = tuple(f"{sign.code} {sign.where} {sign.item}" for sign in change.signs if not sign.is_in(new))
        caught = bool(change.signs) and not missing
        compared = number in self.twice
        return Judgement(
            operator=mutant.operator,
            place=mutant.place,
            caught=caught,
            codes=tuple(sorted({sign.code for sign in change.signs})),
            missing=missing,
            instead=() if caught else tuple(f"{each.code} {each.where} {each.item}" for each in new[:SHOWN_INSTEAD]),
            compared=compared,
            equal=not compared or self.bench.judge_fully(change) == problems,
        )


def _spare_the_collector() -> None:
    """Let the garbage collector leave alone what lives as long as the process, and come less often: mutants leave nothing in circles."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)


def drawn(bench: Bench, order: Order) -> tuple[Mutant, ...]:
    """Return the mutants of an order: all of each operator, or a sample of each by the seed."""
    found: list[Mutant] = []
    for name in order.operators:
        every = list(OPERATORS[name].places(bench.project))
        if order.sample is not None and len(every) > order.sample:
            every = random.Random(f"{order.seed} {name}").sample(every, order.sample)  # noqa: S311  a draw, no secret
        found += every
    return tuple(found)


_WORKBENCH: list[Workbench] = []
"""The bench of a worker process; made once, because it takes seconds."""


def _open_workbench(root: Path, order: Order) -> None:
    _WORKBENCH.append(Workbench(root, order))
    multiprocessing.util.Finalize(None, _WORKBENCH[0].close, exitpriority=10)


def _judge_numbers(numbers: Sequence[int]) -> list[tuple[int, Judgement, float]]:
    return [_timed(_WORKBENCH[0], number) for number in numbers]


def _timed(bench: Workbench, number: int) -> tuple[int, Judgement, float]:
    """Return number, judgement and the processor time it took, in seconds."""
    begun = time.process_time()
    return number, bench.judge(number), time.process_time() - begun


def fingerprint(root: Path) -> str:
    """Return the SHA-256 over every file that a mutant is made from or judged by: the copy's content is that of this state."""
    digest = hashlib.sha256()
    for path in sorted(path for path in root.rglob("*") if path.is_file() and ".git" not in path.relative_to(root).parts):
        digest.update(f"{path.relative_to(root).as_posix()} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def run(root: Path, order: Order, report: Callable[[int, int, str], None], *, workers: int = WORKERS) -> Campaign:
    """Judge the mutants of an order on the project at ``root``; goes on where an interrupted campaign of the same state and order stopped.

    Raises:
        BenchError: the project has no evidence, and none can be put in its place.
    """
    started = time.monotonic()
    first = Workbench(root, order)
    try:
        state = fingerprint(first.bench.root)
        total = len(first.mutants)
        kept = KeptJudgements(root / KEPT, {"state": state, "order": asdict(order)})
        open_numbers = [number for number in range(total) if number not in kept.judgements]
        report(total - len(open_numbers), total, "")
        for number, judgement, spent in _judged(first.bench.root, order, open_numbers, first if workers < 2 else None, workers):
            kept.add(number, judgement, spent)
            report(len(kept.judgements), total, "" if judgement.caught else f"survived: {judgement.operator} {judgement.place}")
        seconds = kept.seconds + time.monotonic() - started
        judgements = tuple(kept.judgements[number] for number in range(total))
        campaign = Campaign(judgements, state, first.bench.stand_in, first.bench.owed_beyond, seconds, kept.processor_seconds)
        kept.finish()
        return campaign
    finally:
        first.close()


def _judged(
    prepared: Path, order: Order, numbers: list[int], here: Workbench | None, workers: int
) -> Iterator[tuple[int, Judgement, float]]:
    """Yield judgements as they come: from this process, or from workers with a copy each."""
    if here is not None:
        yield from (_timed(here, number) for number in numbers)
        return
    chunks = [numbers[start : start + CHUNK] for start in range(0, len(numbers), CHUNK)]
    with ProcessPoolExecutor(
        workers, multiprocessing.get_context("spawn"), initializer=_open_workbench, initargs=(prepared, order)
    ) as pool:
        for found in pool.map(_judge_numbers, chunks):
            yield from found


class KeptJudgements:
    """The judgements of a campaign on disk, with the time they took, so that an interrupted one goes on."""

    def __init__(self, file: Path, campaign: Mapping[str, Any]) -> None:
        """Take up what lies there, if it belongs to this campaign; else start a new file."""
        self._kept = Kept(file, campaign)
        self.judgements = {int(number): _recalled(entry["judgement"]) for number, entry in self._kept.results.items()}
        last = next(reversed(self._kept.results.values()), {"seconds": 0.0, "processor": 0.0})
        self.seconds, self.processor_seconds = float(last["seconds"]), float(last["processor"])
        self._begun = time.monotonic()

    def add(self, number: int, judgement: Judgement, spent: float = 0.0) -> None:
        """Keep one more, with the processor time it took."""
        self.processor_seconds += spent
        self.judgements[number] = judgement
        seconds = self.seconds + time.monotonic() - self._begun
        entry = {"judgement": asdict(judgement), "seconds": seconds, "processor": self.processor_seconds}
        self._kept.add(str(number), entry)

    def pause(self) -> None:
        """Close the file and leave it for the next time."""
        self._kept.pause()

    def finish(self) -> None:
        """Remove the file: the campaign is done."""
        self._kept.finish()


def _recalled(entry: Mapping[str, Any]) -> Judgement:
    """Return a judgement as it was kept."""
    return Judgement(
        operator=str(entry["operator"]),
        place=str(entry["place"]),
        caught=bool(entry["caught"]),
        codes=tuple(map(str, entry["codes"])),
        missing=tuple(map(str, entry["missing"])),
        instead=tuple(map(str, entry["instead"])),
        compared=bool(entry["compared"]),
        equal=bool(entry["equal"]),
    )
