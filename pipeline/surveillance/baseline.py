"""The baseline of a site: what its first inputs counted, who looked through them, and the exact audit lines they are.

A baseline names the lines it covers by number and hash. Later windows are judged only where the same lines are given again: so no line of the baseline was lost or
changed, no earlier trail was left out, and no film counts in the baseline and in a window. The counts are formed again and compared;
what only results can tell, where all of them are given again. Where they are not, no limit rests on it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator

from pipeline.surveillance.errors import SurveillanceRefused
from pipeline.surveillance.installed import INTENDED_USE, foreign
from pipeline.surveillance.tally import Tally, tally
from pipeline.surveillance.trail import Installation
from validation.stages.standalone import rounded

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from pipeline.surveillance.installed import Released
    from pipeline.surveillance.plan import Plan
    from pipeline.surveillance.trail import Entry, Trail

SCHEMA = "thoratrace/surveillance-baseline/1"
_SHAPE = Draft202012Validator(json.loads((Path(__file__).parent / "baseline.schema.json").read_text(encoding="utf-8")))
_BY_RESULTS = ("judged", "outside", "distances", "scores", "highest", "answered")
"""What is counted from results, which a site need not pass on a second time."""

ANEW = "record into a new output folder, form the baseline from that folder alone; PMI-07 and --earlier then do not reach back"
"""How a site comes to a new baseline."""


@dataclass(frozen=True, slots=True)
class Head:
    """A place in a trail: so many lines, the last of which has this SHA-256."""

    lines: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the first inputs of a site counted.

    Attributes:
        plan_sha256: of the plan it was formed by.
        looked_through: by whom, as what, when; empty where nobody did.
        heads: for each trail, the last line that belongs to it.
        tally: what was counted.
    """

    plan_sha256: str
    looked_through: str
    heads: tuple[Head, ...]
    tally: Tally

    @property
    def bundle_sha256(self) -> str:
        """The one bundle that answered."""
        return self.tally.installations[0].bundle_sha256

    @property
    def content(self) -> bytes:
        """Its file."""
        return (json.dumps(self.to_json(), indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n").encode()

    @property
    def sha256(self) -> str:
        """Of its file."""
        return hashlib.sha256(self.content).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Return the content of its file; numbers rounded to ten digits, as they are judged."""
        return dict(
            rounded(
                {
                    "schema": SCHEMA,
                    "plan_sha256": self.plan_sha256,
                    "looked_through": self.looked_through or None,
                    "trails": [asdict(head) for head in self.heads],
                    "tally": asdict(self.tally),
                }
            )
        )


def form(
    entries: Sequence[Entry], trails: Sequence[Trail], plan: Plan, looked_through: str, released: Collection[Released]
) -> Baseline:
    """Return the baseline of the first inputs of a site.

    Args:
        entries: every input, in order.
        trails: where they stand.
        plan: says how many inputs.
        looked_through: by whom, as what, when.
        released: what was released.

    Raises:
        SurveillanceRefused: PMS-BASELINE, too few inputs, several installations, another policy, no release, failed inputs, or analysed films without
            results.
    """
    first = entries[: plan.window.baseline_films]
    counted = tally(first)
    if counted.inputs < plan.window.baseline_films:
        raise _refused(f"{counted.inputs} inputs", f"{plan.window.baseline_films}", "form it when the site has recorded them")
    _require_one_release(counted, released)
    if counted.answered != counted.analysed:
        found = f"results of {counted.answered} of {counted.analysed} analysed films"
        raise _refused(found, "the result of each", "give the folders with their results/")
    return Baseline(plan.sha256, looked_through, _heads(first, trails), counted)


def _require_one_release(counted: Tally, released: Collection[Released]) -> None:
    """Refuse a baseline by which nothing may be judged: its inputs stand in no window, so their failures and installations would be seen by nobody."""
    if len(counted.installations) != 1:
        found = f"{len(counted.installations)} installations of device, model, bundle and policy"
        raise _refused(found, "one, since limits of one do not hold for another", ANEW)
    if (policy := counted.installations[0].policy) != INTENDED_USE:
        raise _refused(f"policy {policy}", INTENDED_USE, ANEW)
    if words := "; ".join(foreign(counted.installations, released)):
        raise _refused(words, "a release", f"install a release, then {ANEW}")
    if counted.failed:
        codes = ", ".join(f"{code} {number}" for code, number in counted.failures.items())
        raise _refused(f"failed inputs ({codes})", "none", f"open each as an anomaly; once its cause is mended, {ANEW}")


def _heads(entries: Sequence[Entry], trails: Sequence[Trail]) -> tuple[Head, ...]:
    lines: dict[int, int] = {}
    for entry in entries:
        lines[entry.trail] = max(lines.get(entry.trail, 0), entry.line)
    return tuple(sorted((Head(line, trails[number - 1].hashes[line - 1]) for number, line in lines.items()), key=_order))


def _order(head: Head) -> tuple[str, int]:
    """Return what heads are sorted by, so that the order of folders in a command does not show."""
    return head.sha256, head.lines


def covered(heads: Sequence[Head], trails: Sequence[Trail], code: str) -> dict[int, int]:
    """Return for each trail how many of its lines were there before.

    Args:
        heads: places that were noted before.
        trails: those given now.
        code: of the refusal, PMS-BASELINE or PMS-LOST.

    Raises:
        SurveillanceRefused: a line that was noted is in no trail given now.
    """
    found: dict[int, int] = {}
    for head in heads:
        holding = [trail for trail in trails if len(trail.hashes) >= head.lines and trail.hashes[head.lines - 1] == head.sha256]
        if not holding:
            what = f"no trail whose line {head.lines} has SHA-256 {head.sha256[:12]}"
            repair = (
                "give every trail of the site; where none is left out, lines were lost or changed: leave the folders as they are"
            )
            raise SurveillanceRefused(code, "trails of the command", what, "every line that was noted before", repair)
        found[holding[0].number] = head.lines
    return found


def after(
    baseline: Baseline, entries: Sequence[Entry], trails: Sequence[Trail], released: Collection[Released]
) -> tuple[Entry, ...]:
    """Return the inputs that follow a baseline, once its own lines were found and counted again.

    Raises:
        SurveillanceRefused: PMS-BASELINE, its lines are not there, count otherwise, an input it does not know stands before its end, or it could not be
            formed from them.
    """
    lines = covered(baseline.heads, trails, "PMS-BASELINE")
    own = [entry for entry in entries if entry.line <= lines.get(entry.trail, 0)]
    if entries[: len(own)] != tuple(own):
        found = "inputs that were recorded before its end, and that it does not know"
        raise _refused(found, "every trail that the site had then", "form the baseline again from all trails")
    if not _same(baseline.tally, tally(own)):
        raise _refused("other counts than its lines give", "the counts of its lines", "form the baseline again")
    _require_one_release(baseline.tally, released)
    return tuple(entries[len(own) :])


def _same(stated: Tally, counted: Tally) -> bool:
    """Say whether the lines count what the baseline states; what only results can tell is compared where all of them are given."""
    if counted.answered != counted.analysed:
        counted = replace(counted, **{name: getattr(stated, name) for name in _BY_RESULTS})
    return bool(rounded(asdict(stated)) == rounded(asdict(counted)))


def load(path: Path) -> Baseline:
    """Return a baseline from its file.

    Raises:
        SurveillanceRefused: PMS-BASELINE, it cannot be read or is none.
    """
    expected, repair = "a file of `./qms surveil baseline`", "form it again"
    try:
        data = json.loads(path.read_bytes())
        sound = _SHAPE.is_valid(data) and said(data["looked_through"] or "nobody has")
        found = _read(data) if sound else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as err:
        raise _refused(f"a file that is no baseline ({type(err).__name__})", expected, repair) from err
    if found is None or found.to_json() != data:
        raise _refused("other content than a baseline has", expected, repair)
    return found


def said(words: str) -> bool:
    r"""Say whether words can tell who looked through a baseline, as what, when: 10 to 200 printable characters, without a space at their ends.

    >>> said("A. Reader, radiologist, 2030-01-01"), said("somebody"), said(" " * 20), said("a reader\nand more")
    (True, False, False, False)
    """
    return words.isprintable() and words == words.strip() and 10 <= len(words) <= 200


def _read(data: Mapping[str, Any]) -> Baseline:
    counted = dict(data["tally"])
    counted["installations"] = tuple(Installation(**each) for each in counted["installations"])
    counted["distances"] = tuple(counted["distances"])
    for name in ("scores", "highest"):
        counted[name] = {finding: tuple(values) for finding, values in counted[name].items()}
    heads = tuple(Head(**each) for each in data["trails"])
    return Baseline(data["plan_sha256"], data["looked_through"] or "", heads, Tally(**counted))


def _refused(found: str, expected: str, repair: str) -> SurveillanceRefused:
    return SurveillanceRefused("PMS-BASELINE", "baseline", found, expected, repair)
