"""Puts each seeded defect into the running device and writes whether the scenarios of its control noticed it.

It runs after verification, which shows that the same scenarios pass without defects; here they have to fail. What was tried under one identity is kept,
defect by defect, so that a run that was interrupted goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from os import pathsep
from typing import TYPE_CHECKING, Any

from device_sw.launcher import numeric_environment
from pipeline.run import available_workers
from pipeline.verification_run import SILENCERS
from verification.faults.activation import TRACE_VARIABLE, VARIABLE
from verification.faults.execution import Order
from verification.trace.evidence import case_id, write_json
from verification.trace.features import load
from verification.trace.identity import Identity, difference, read_identity
from verification.trace.junit import read_junit
from verification.trace.outcomes import Outcome, RecordError, Result
from verification.trace.seeded import SHOWN, FaultRecord, Trial, read_faults

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

    from pipeline.progress import Report
    from verification.trace.features import Scenario
    from verification.trace.seeded import Fault

TRIALS = "artifacts/verification/faults"
"""One folder an identity: the raw record of each trial, and its verdict."""

SAMPLE = 2
"""How many other scenarios of the same features run under each defect, to show that what fails is what was meant."""

COSTLY = re.compile(r"\bbatch\b|\bruns?\b|process|launcher|phantom|handed over|\d{6} bytes|\d MB")
"""Steps that start processes or take seconds; a sample has none that the defect's own scenarios do not have already."""

_CONTINUED = ("And ", "But ", "* ")


class SeedingError(Exception):
    """The defects cannot be tried; the message says why."""


def run(root: Path, report: Report, *, only: Collection[str] | None = None) -> FaultRecord:
    """Try every declared defect, or only those named, and write faults.json with the verdict on each.

    The identity is read before and after; when it changed in between, the record belongs to neither state and says so. A run of some defects keeps
    the verdicts on the others that lie there for the same identity.

    Raises:
        SeedingError: the declaration does not hold, a defect that is named is not in it, or the trials ended without telling.
    """
    before = read_identity(root, "verification")
    faults = _chosen(root, only)
    folder = root / TRIALS / (before.sha256 or "without-identity")[:16]
    scenarios, _ = load(root)
    _forget_other_states(folder)
    orders = {fault.id: _order(fault, scenarios, folder) for fault in faults}
    kept = {} if before.sha256 is None else _kept(orders)
    report(len(kept), len(orders), "")
    waiting = [order for order in orders.values() if order.fault not in kept]
    by_id = {fault.id: fault for fault in faults}
    for done, fault_id in enumerate(_ended(root, waiting), start=len(kept) + 1):
        trial = judged(by_id[fault_id], orders[fault_id])
        write_json(orders[fault_id].folder / "trial.json", trial.to_json())
        report(done, len(orders), "" if trial.shown else f"{trial.fault} was not noticed")
    trials = _kept({fault.id: _order(fault, scenarios, folder) for fault in read_faults(root)[0]})
    record = FaultRecord(_unchanged(before, read_identity(root, "verification")), tuple(trials[name] for name in sorted(trials)))
    write_json(root / SHOWN, record.to_json())
    return record


def _forget_other_states(folder: Path) -> None:
    for other in folder.parent.glob("*"):
        if other != folder:
            shutil.rmtree(other, ignore_errors=True)


def _chosen(root: Path, only: Collection[str] | None) -> tuple[Fault, ...]:
    faults, problems = read_faults(root)
    if problems:
        raise SeedingError(str(problems[0]))
    unknown = sorted(set(only or ()) - {fault.id for fault in faults})
    if unknown:
        raise SeedingError(f"no seeded defect {', '.join(unknown)}; verification/faults/faults.toml has them all")
    return faults if only is None else tuple(fault for fault in faults if fault.id in only)


def _order(fault: Fault, scenarios: Iterable[Scenario], folder: Path) -> Order:
    """Return what is to be run: the fault's scenarios, and a sample of others from the same feature files."""
    wanted = tuple(_split(name) for name in fault.scenarios)
    features = {feature for feature, _ in wanted}
    taken = {step.text for s in scenarios if s.id in fault.scenarios for step in s.steps}
    others = [s for s in scenarios if s.feature in features and s.id not in fault.scenarios and _is_cheap(s, taken)]
    drawn = sorted(others, key=lambda s: hashlib.sha256(f"{fault.id} {s.id}".encode()).hexdigest())[:SAMPLE]
    return Order(fault.id, (*wanted, *((s.feature, s.name) for s in drawn)), folder / fault.id)


def _is_cheap(scenario: Scenario, taken: Collection[str]) -> bool:
    """Say whether a scenario can run beside others for little, given the steps that are taken anyway; rows are steps' words, too."""
    words = [step.text for step in scenario.steps if step.text not in taken] + [row.text for row in scenario.rows]
    return "needs_run" not in scenario.tags and not any(COSTLY.search(text) for text in words)


def _split(scenario_id: str) -> tuple[str, str]:
    """Return feature file and name.

    >>> _split("TC:polarity.feature::A film: swapped")
    ('polarity.feature', 'A film: swapped')
    """
    feature, _, name = scenario_id.removeprefix("TC:").partition("::")
    return feature, name


def _kept(orders: dict[str, Order]) -> dict[str, Trial]:
    """Return the verdicts that lie there already; one that cannot be read is made again."""
    found = {}
    for fault_id, order in orders.items():
        try:
            found[fault_id] = Trial.from_json(json.loads((order.folder / "trial.json").read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
    return found


def _unchanged(before: Identity, after: Identity) -> Identity:
    if before.sha256 == after.sha256:
        return after
    changed = "; ".join(difference(before, after)[:3])
    return Identity("verification", None, f"changed during the run: {changed}", after.files, after.lineage, after.commit)


def _ended(root: Path, orders: list[Order]) -> Iterator[str]:
    """Yield each defect when its trial has ended, in the order in which they end."""
    if not orders:
        return
    for order in orders:
        shutil.rmtree(order.folder, ignore_errors=True)
    asked = {"workers": min(2, available_workers()), "orders": [order.to_json() for order in orders]}
    by_id = {order.fault: order for order in orders}
    with subprocess.Popen(
        [sys.executable, "-m", "verification.faults.execution"],
        cwd=root,
        env=_environment(root),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        if process.stdin is None or process.stdout is None:
            raise SeedingError("no way to speak with the process of trials")
        with process.stdin as orders_in:
            json.dump(asked, orders_in)
        for line in process.stdout:
            ended = json.loads(line)
            shutil.rmtree(by_id[ended["fault"]].folder / "scratch", ignore_errors=True)
            yield str(ended["fault"])
    if process.returncode:
        raise SeedingError(f"the process of trials ended with {process.returncode}")


def _environment(root: Path) -> dict[str, str]:
    """Return the numeric environment of the verification run, with the start-up file of defects on the path and no defect named."""
    left_out = {*SILENCERS, VARIABLE, TRACE_VARIABLE}
    kept = {name: value for name, value in numeric_environment().items() if name not in left_out}
    path = pathsep.join((str(root / "verification" / "faults" / "startup"), str(root)))
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": path}


def judged(fault: Fault, order: Order) -> Trial:
    """Return what a trial showed: a defect counts as noticed only where an expectation of each of its scenarios failed while it was active."""
    try:
        results = read_junit(order.junit)
    except RecordError as err:
        return _nothing(fault, f"the trial left no record: {err}")
    own = [result for result in results if _scenario(result) in fault.scenarios]
    others = [result for result in results if result.key[0] and _scenario(result) not in fault.scenarios]
    killed = [result for result in own if failed_expectation(result)]
    silent = [name for name in fault.scenarios if name not in map(_scenario, killed)]
    reason = f"nothing failed in {'; '.join(silent)}" if silent else ""
    if not order.trace.is_file():
        reason = "the defect was never active: its module was not loaded, or the defect does not fit it any more"
    return Trial(
        fault=fault.id,
        control=fault.control,
        shown=not reason,
        reason=reason,
        killed_by=tuple(sorted(case_id(*result.key) for result in killed)),
        step=_failed_step(killed[0]) if killed else "",
        assertion=killed[0].reason if killed else "",
        outcomes=dict(sorted(Counter(str(result.outcome) for result in own).items())),
        sampled=tuple(sorted(set(map(_scenario, others)))),
        also_failed=tuple(sorted({_scenario(result) for result in others if result.outcome is not Outcome.PASSED})),
    )


def _nothing(fault: Fault, reason: str) -> Trial:
    empty: dict[str, Any] = {"killed_by": (), "step": "", "assertion": "", "outcomes": {}, "sampled": (), "also_failed": ()}
    return Trial(fault=fault.id, control=fault.control, shown=False, reason=reason, **empty)


def _scenario(result: Result) -> str:
    return case_id(result.key[0], result.key[1], "")


def failed_expectation(result: Result) -> bool:
    """Say whether a case failed by an expectation in a Then step: what it was given and what it did went well.

    >>> steps = ("passed: Given a film", "passed: Then it is refused", "failed: And the message is one line")
    >>> failed_expectation(Result(("a.feature", "b", ""), "n", (), Outcome.FAILED, "", steps))
    True
    """
    keywords = [step.partition(": ")[2] for step in result.steps]
    last = len(keywords) - 1
    while last > 0 and keywords[last].startswith(_CONTINUED):
        last -= 1
    fell = bool(result.steps) and result.steps[-1].startswith("failed: ")
    return result.outcome is Outcome.FAILED and fell and keywords[last].startswith("Then ")


def _failed_step(result: Result) -> str:
    return result.steps[-1].partition(": ")[2]
