"""Everything that is tried against a release: the attacks, the flips, the clean verifications; resumable, and kept as one result.

    attacks: each on a copy of its own -> flips: kind by kind in one copy -> clean verifications of an unharmed copy -> attack.json and a page

What was done is kept in parts below artifacts, so that a campaign that was interrupted goes on; another record, another verifier, other attacks or another
order start anew. The result holds no time and no name of a machine.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.release.attacks import flips
from pipeline.release.attacks.attack import Trial
from pipeline.release.attacks.bench import RECORD, lay_out
from pipeline.release.attacks.catalogue import ATTACKS, OUTSTANDING
from pipeline.release.attacks.checks import VERIFIER, checks, in_its_own_process, in_this_process, verify
from pipeline.release.attacks.clean import CleanCount, try_clean
from pipeline.release.attacks.forgery import envelope_of, payload_of, seal, statement_of
from pipeline.release.attacks.judging import judge
from verification.trace.mutants.copying import workplace
from verification.trace.mutants.kept import Kept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline.progress import Report
    from pipeline.release.attacks.attack import Outcome
    from pipeline.release.attacks.bench import Bench, Original

SCHEMA = "thoratrace/attack/1"
FLIPS_A_PART = 25
CLEAN_A_PART = 25
FEWEST_ATTACKS = 25
FEWEST_KINDS = 12


@dataclass(frozen=True)
class Plan:
    """How much is tried: flips of each kind of artefact, clean verifications, and which attacks."""

    flips: int = 100
    clean: int = 1000
    attacks: tuple[str, ...] = tuple(each.id for each in ATTACKS)


@dataclass(frozen=True)
class Subject:
    """What was attacked: version, kind, hash of the record, and how many signatures it had."""

    version: str
    kind: str
    record_sha256: str
    signatures: int


@dataclass(frozen=True)
class Campaign:
    """What came of it.

    Attributes:
        subject: what was attacked.
        trials: one for each attack.
        flips: one count for each kind of artefact.
        clean: the verifications of the unharmed copy.
    """

    subject: Subject
    trials: tuple[Trial, ...]
    flips: tuple[flips.FlipCount, ...]
    clean: CleanCount

    def __bool__(self) -> bool:
        """Say whether everything that was tried was caught, nothing clean was refused, and anything was tried at all."""
        tried = bool(self.trials or self.flips or self.clean.verified)
        caught = all(each.caught for each in self.trials) and not any(each.missed for each in self.flips)
        return tried and caught and not self.clean.alarms

    @property
    def is_whole(self) -> bool:
        """Whether at least so much was tried as a release owes: 25 attacks, 100 flips of each of 12 kinds, 1,000 clean verifications."""
        flipped = len([each for each in self.flips if each.tried >= 100])
        return len(self.trials) >= FEWEST_ATTACKS and flipped >= FEWEST_KINDS and self.clean.verified >= 1000

    def to_json(self) -> dict[str, Any]:
        """Return the campaign as plain data."""
        table = {each.id: each for each in ATTACKS}
        return {
            "schema": SCHEMA,
            "version": self.subject.version,
            "kind": self.subject.kind,
            "record_sha256": self.subject.record_sha256,
            "signatures": self.subject.signatures,
            "everything_caught": bool(self),
            "whole": self.is_whole,
            "attacks": [
                {
                    "aim": str(table[each.attack].aim),
                    "holds": str(table[each.attack].holds),
                    "deed": table[each.attack].deed,
                    "check": str(table[each.attack].check),
                    **each.to_json(),
                }
                for each in self.trials
            ],
            "flips": [each.to_json() for each in self.flips],
            "clean": self.clean.to_json(),
            "outstanding": list(OUTSTANDING),
        }


def run(original: Original, plan: Plan, parts: Path, report: Report) -> Campaign:
    """Try a plan on copies of a release.

    Args:
        original: the release; it is only read.
        plan: how much.
        parts: file in which what was done is kept until the campaign is finished.
        report: called with done, total and a text.
    """
    place = workplace()
    try:
        bench = lay_out(original, place / "unharmed")
        kinds = flips.names_by_kind(bench) if plan.flips else {}
        kept = Kept(parts, {"state": fingerprint(original), "flips": plan.flips, "clean": plan.clean})
        steps = dict(_steps(original, place, plan, tuple(kinds)))
        report(0, len(steps), "")
        for number, (name, step) in enumerate(steps.items(), start=1):
            if name not in kept.results:
                kept.add(name, step())
            report(number, len(steps), name)
        campaign = Campaign(
            subject=_subject(original, place),
            trials=tuple(Trial.from_json(kept.results[f"attack {name}"]) for name in plan.attacks),
            flips=tuple(flips.together(_flip_parts(kept, kind)) for kind in kinds),
            clean=_all_clean(kept),
        )
        kept.finish()
        return campaign
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _steps(original: Original, place: Path, plan: Plan, kinds: tuple[str, ...]) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield each piece of the work by its name."""
    table, asked = {each.id: each for each in ATTACKS}, checks(in_its_own_process)
    bench = lay_out(original, place / "flipped") if kinds or plan.clean else None
    for name in plan.attacks:
        yield f"attack {name}", lambda name=name: judge(table[name], original, place, asked).to_json()
    if bench is None:
        return
    seal(bench)
    names = flips.names_by_kind(bench)
    for kind in kinds:
        for start in range(0, plan.flips, FLIPS_A_PART):
            part = range(start, min(start + FLIPS_A_PART, plan.flips))
            yield (
                f"flips {kind} {start}",
                lambda kind=kind, part=part: flips.try_kind(bench, kind, names[kind], part, _verify_here).to_json(),
            )
    for start in range(0, plan.clean, CLEAN_A_PART):
        numbers = range(start, min(start + CLEAN_A_PART, plan.clean))
        yield f"clean {start}", lambda numbers=numbers: try_clean(bench, numbers).to_json()


def _verify_here(bench: Bench) -> Outcome:
    return verify(bench, in_this_process)


def _flip_parts(kept: Kept, kind: str) -> list[flips.FlipCount]:
    prefix = f"flips {kind} "
    names = [name for name in kept.results if name.startswith(prefix) and name.removeprefix(prefix).isdecimal()]
    return [
        flips.FlipCount.from_json(kept.results[name]) for name in sorted(names, key=lambda name: int(name.removeprefix(prefix)))
    ]


def _all_clean(kept: Kept) -> CleanCount:
    counts = [CleanCount.from_json(result) for name, result in kept.results.items() if name.startswith("clean ")]
    return sum(counts, CleanCount(0, ()))


def _subject(original: Original, place: Path) -> Subject:
    bench = lay_out(original, place / "described")
    predicate = statement_of(bench)["predicate"]
    sha256 = hashlib.sha256(payload_of(bench)).hexdigest()
    return Subject(str(predicate["version"]), str(predicate["kind"]), sha256, len(envelope_of(bench)["signatures"]))


def fingerprint(original: Original) -> str:
    """Return the SHA-256 over the record, the verifier and the attacks: what was done under another one of these counts for nothing."""
    digest = hashlib.sha256()
    code = sorted(Path(__file__).parent.glob("*.py"))
    for path in (original.folder / RECORD, VERIFIER, *code):
        digest.update(f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()
