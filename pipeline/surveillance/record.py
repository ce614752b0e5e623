"""The record of a surveillance: everything that its page shows, as plain values without time, place, or anything that names a film or a patient."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from device_sw._version import __version__
from pipeline.findings_table import finding_rows
from pipeline.surveillance.baseline import Baseline, Head, after, covered
from pipeline.surveillance.errors import SurveillanceRefused
from pipeline.surveillance.indicators import judge
from pipeline.surveillance.series import Judged, State
from pipeline.surveillance.subject import Subject
from pipeline.surveillance.tally import windows
from pipeline.surveillance.trail import in_order, require_distinct
from validation.stages.standalone import rounded

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from pipeline.surveillance.installed import Released
    from pipeline.surveillance.plan import Plan
    from pipeline.surveillance.tally import Window
    from pipeline.surveillance.trail import Trail

SCHEMA = "thoratrace/surveillance-record/1"
STATEMENT = "Engineering baseline, not cleared, not for clinical use. Inside the limits means that nothing was seen to change; it does not mean that marks are right."


@dataclass(frozen=True, slots=True)
class Order:
    """What a record is made of.

    Attributes:
        plan: the plan.
        trails: as read and verified, in the order of the command.
        baseline: of the site, or None.
        earlier: the record of an earlier time, or None: what it saw has to be there still.
        releases: what was released.
        findings: ids of the findings that the device looks for.
        films_are: what kind of films these are, in words.
    """

    plan: Plan
    trails: tuple[Trail, ...]
    baseline: Baseline | None
    earlier: object
    releases: Collection[Released]
    findings: tuple[str, ...]
    films_are: str


def findings_of(root: Path) -> tuple[str, ...]:
    """Return the ids of the table of findings."""
    return tuple(row["id"] for row in finding_rows(root))


def record_of(order: Order) -> dict[str, Any]:
    """Return the record, floats rounded to ten digits.

    Raises:
        SurveillanceRefused: PMS-TWICE, PMS-LOST, PMS-BASELINE.
    """
    require_distinct(order.trails)
    if order.earlier is not None:
        covered(_heads(order.earlier), order.trails, "PMS-LOST")
    entries = in_order(order.trails)
    rest = after(order.baseline, entries, order.trails, order.releases) if order.baseline else entries
    formed = windows(rest, order.plan.window.films)
    before = entries[: len(entries) - len(rest)]
    return dict(rounded(_record(order, Subject(order.plan, order.baseline, formed, before, order.releases, order.findings))))


def _heads(earlier: object) -> tuple[Head, ...]:
    try:
        rows = earlier["trails"] if isinstance(earlier, dict) and earlier["schema"] == SCHEMA else None
        heads = () if rows is None else tuple(Head(int(row["lines"]), str(row["head"])) for row in rows)
    except (KeyError, TypeError, ValueError):
        heads = ()
    if not heads:
        expected = "surveillance.json of an earlier time"
        raise SurveillanceRefused("PMS-LOST", "earlier record", "no record of a surveillance", expected, "give that file")
    return heads


def _record(order: Order, subject: Subject) -> dict[str, Any]:
    window, judged = order.plan.window, judge(subject)
    names = ("films", "baseline_films", "least_films", "least_scores")
    return {
        "schema": SCHEMA,
        "statement": STATEMENT,
        "films_are": order.films_are,
        "summed_by_version": __version__,
        "plan": {"sha256": order.plan.sha256, **{name: getattr(window, name) for name in names}},
        "trails": [_trail(each) for each in sorted(order.trails, key=lambda each: each.hashes[0])],
        "repeats": sum(entry.repeat for each in order.trails for entry in each.entries),
        "baseline": _baseline(order.baseline, subject) if order.baseline else None,
        "windows": [_window(each) for each in subject.windows],
        "indicators": [each.to_json() for each in judged],
        "verdict": str(verdict(judged)),
    }


def verdict(judged: Sequence[Judged]) -> State:
    """Return the whole: outside where anything is; inside only where every indicator that is summed up was evaluated in every full window."""
    states = {each.state for each in judged if each.indicator.summed_by}
    if State.OUTSIDE in states:
        return State.OUTSIDE
    return State.INSIDE if states == {State.INSIDE} else State.NOT_EVALUATED


def _trail(each: Trail) -> dict[str, Any]:
    return {
        "lines": len(each.hashes),
        "inputs": len(each.entries),
        "recovered": each.recovered,
        "head": each.hashes[-1],
        "results": each.with_results,
    }


def _baseline(each: Baseline, subject: Subject) -> dict[str, Any]:
    counted = each.tally
    return {
        "sha256": each.sha256,
        "plan_sha256": each.plan_sha256,
        "looked_through": each.looked_through or None,
        "results_counted_again": subject.counted_again,
        "inputs": counted.inputs,
        "analysed": counted.analysed,
        "refused": counted.refused,
        "failed": counted.failed,
        "installation": asdict(counted.installations[0]),
    }


def _window(each: Window) -> dict[str, Any]:
    days = [entry.time.date().isoformat() for entry in each.entries]
    return {
        "number": each.number,
        "full": each.full,
        "first_day": min(days),
        "last_day": max(days),
        "inputs": each.tally.inputs,
        "analysed": each.tally.analysed,
        "refused": each.tally.refused,
        "failed": each.tally.failed,
        "with_result": each.tally.answered,
        "installations": [asdict(one) for one in each.tally.installations],
    }
