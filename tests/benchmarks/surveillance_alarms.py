"""How often surveillance calls an undrifted site outside, by indicator and rule, and how soon it notices drifts of known size.

    python -m tests.benchmarks.surveillance_alarms --bundle releases/0.1.0/bundle --cohort COHORT --work FOLDER --sites 200 --out evidence/surveillance

The device answers the test films of a phantom cohort once. Sites are then drawn: each input independently and with replacement from these answers, refused with
a fixed chance; a baseline and windows as the plan says. Nothing drifts in the first study, so every window outside is a false alarm. In the others a drift of known
size begins after `BEFORE` windows, and the windows until its indicator is outside are counted. Phantom films and independent draws: at a site, patients come
again and weeks differ, so false alarms are more frequent there. The answers are kept in FOLDER; a second run goes on from them.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import numpy as np
from matplotlib.figure import Figure

from device_sw.device import Device
from device_sw.types import Policy
from pipeline.findings_table import finding_rows
from pipeline.progress import bar
from pipeline.run import REPOSITORY, file_sha256, read_json, write_json
from pipeline.surveillance.baseline import Baseline, Head
from pipeline.surveillance.indicators import judge
from pipeline.surveillance.installed import INTENDED_USE, Released
from pipeline.surveillance.plan import load_plan
from pipeline.surveillance.series import State
from pipeline.surveillance.subject import Subject
from pipeline.surveillance.tally import tally, windows
from pipeline.surveillance.trail import ANALYSED, REFUSED, Answer, Entry, Installation
from requirements_spec.loader import load as load_specification
from risk.loader import load as load_risk
from validation.studies.wilson import share

SEED, WINDOWS, BEFORE = 20261122, 20, 4
REFUSAL = 0.02
"""Chance of a refusal at an undrifted site."""

CODE = "ADM-VIEW"
RULES = {
    "windows together": "seven windows together",
    "beyond three": "three standard deviations",
    "twice": "twice the baseline",
    "quartiles": "median outside quartiles",
    "Kolmogorov-Smirnov": "Kolmogorov-Smirnov",
    "none in the baseline": "none in the baseline",
}
"""Words of a reason, and the rule they come from."""


def answers(options):
    """Return what the device says of each admitted test film: distance, state, and scores of its marks by finding."""
    kept = options.work / "answers.json"
    bundle = file_sha256(options.bundle / "manifest.json")
    if kept.is_file() and (known := read_json(kept))["bundle_sha256"] == bundle:
        return known["answers"]
    device, found = Device(options.bundle, Policy.INTENDED_USE), []
    films = [
        film for film in read_json(options.cohort / "cohort.json")["films"] if film["split"] == "test" and not film["exclusion"]
    ]
    with bar("device on phantom test films") as report:
        for number, film in enumerate(films):
            report(number, len(films), "")
            result = device.analyse(options.cohort / film["path"], explain=False)
            scores = {}
            for mark in result.detections:
                scores.setdefault(mark.finding, []).append(mark.score)
            placed = result.placement
            found.append({"distance": max(placed.picture, placed.network), "outside": placed.outside, "scores": scores})
    write_json(kept, {"bundle_sha256": bundle, "answers": found})
    return found


class Site:
    """A site whose inputs are drawn from known answers; each drift changes what is drawn from some window on."""

    def __init__(self, known, plan, findings, seed):
        self.known, self.plan, self.findings, self.random = known, plan, findings, np.random.default_rng(seed)
        self.made_by = Installation("0.1.0", "0.1.0", "b" * 64, INTENDED_USE)
        self.time = datetime(2030, 1, 1, tzinfo=UTC)

    def judged(self, drift, count=WINDOWS):
        """Return the judged indicators of a baseline and so many windows; ``drift`` is a name of `DRIFTS`."""
        size, before = self.plan.window.films, self.plan.window.baseline_films
        calm = before + (BEFORE if drift else count) * size
        entries = [*self._drawn(calm, None, 1), *self._drawn(before + count * size - calm, DRIFTS.get(drift), calm + 1)]
        first = tuple(entries[:before])
        base = Baseline(self.plan.sha256, "DEMO reader, as a study, on no day", (Head(before, "0" * 64),), tally(first))
        released = frozenset({Released("0.1.0", "0.1.0", "b" * 64)})
        return judge(Subject(self.plan, base, windows(entries[before:], size), first, released, self.findings))

    def _drawn(self, count, drift, line):
        drawn = self.random.integers(len(self.known), size=count)
        refused = self.random.random(count) < (drift.refusal if drift else REFUSAL)
        touched = self.random.random(count) < (drift.films if drift else 0.0)
        for number in range(count):
            if refused[number]:
                yield self._entry(line + number, REFUSED, CODE, None)
                continue
            answer = self.known[drawn[number]]
            yield self._entry(line + number, ANALYSED, None, drift.change(answer, self.findings) if touched[number] else answer)

    def _entry(self, line, status, code, answer):
        marks = {name: len(found) for name, found in answer.scores.items()} if answer else {}
        return Entry(1, line, self.time, status, code, False, marks, self.made_by, answer)


class Drift:
    """What happens to a share of the films, and how many inputs are refused, once it has begun; ``indicator`` is the one that is about it."""

    def __init__(self, words, indicator, films=0.0, change=None, refusal=REFUSAL):
        self.words, self.indicator, self.films, self.change, self.refusal = words, indicator, films, change, refusal


def marked(answer, findings):
    """Give a film a mark of the first finding with the score that half of such marks exceed."""
    return replace(answer, scores={**answer.scores, findings[0]: answer.scores.get(findings[0], (0.7,))})


def farther(answer, _findings):
    """Move a film a tenth farther from the reference films."""
    return replace(answer, distance=answer.distance * 1.1)


def fainter(answer, _findings):
    """Take a tenth from every score."""
    return replace(answer, scores={name: tuple(score * 0.9 for score in found) for name, found in answer.scores.items()})


DRIFTS = {
    "refusals 1.5 times": Drift("2 % of inputs refused become 3 %", "PMI-01", refusal=0.03),
    "refusals doubled": Drift("2 % of inputs refused become 4 %", "PMI-01", refusal=0.04),
    "marks on 5 % more films": Drift("5 % of films get a mark of the first finding", "PMI-03", 0.05, marked),
    "marks on 10 % more films": Drift("10 % of films get a mark of the first finding", "PMI-03", 0.10, marked),
    "all films a tenth farther": Drift("every film lies a tenth farther from the reference films", "PMI-04", 1.0, farther),
    "a third of films a tenth farther": Drift(
        "a third of films lie a tenth farther, as from one new detector", "PMI-04", 1 / 3, farther
    ),
    "all scores a tenth lower": Drift("every score is a tenth lower", "PMI-05", 1.0, fainter),
}


def alarms(judged):
    """Yield indicator, window and rules of each point outside, and how many points could be judged."""
    for each in judged:
        for series in each.series:
            for point in series.points:
                if point.state is State.OUTSIDE:
                    yield each.indicator.id, point.window, tuple(rule for words, rule in RULES.items() if words in point.reason)


def points(judged):
    """Return how many values of each indicator could be judged."""
    return Counter(
        each.indicator.id
        for each in judged
        for series in each.series
        for point in series.points
        if point.state is not State.NOT_EVALUATED
    )


def rate(count, of):
    """Return a share with its 95 % interval."""
    found = share(count, of, nothing="nothing was judged")
    between = found.interval
    interval = [round(between.low, 4), round(between.high, 4)] if between else None
    return {"count": count, "of": of, "share": None if found.value is None else round(found.value, 4), "interval_95": interval}


def undrifted(made, sites):
    """Return the false alarms of undrifted sites: by value, by window, by site, and which rule gave them."""
    values, judged_values, by_rule, by_window = Counter(), Counter(), Counter(), Counter()
    alarmed = 0
    with bar("undrifted sites") as report:
        for number in range(sites):
            report(number, sites, "")
            judged = made(number).judged("")
            found = list(alarms(judged))
            judged_values += points(judged)
            values += Counter(indicator for indicator, _, _ in found)
            by_rule += Counter((indicator, rule) for indicator, _, rules in found for rule in rules)
            by_window += Counter(indicator for indicator, _ in {(indicator, window) for indicator, window, _ in found})
            by_window["any"] += len({window for _, window, _ in found})
            alarmed += bool(found)
    return {
        "values_outside": {name: rate(values[name], of) for name, of in sorted(judged_values.items())},
        "windows_outside": {name: rate(by_window[name], sites * WINDOWS) for name in sorted({*judged_values, "any"})},
        "sites_with_a_window_outside": rate(alarmed, sites),
        "by_rule": {f"{indicator}, {rule}": count for (indicator, rule), count in sorted(by_rule.items())},
    }


def drifted(made, sites, name):
    """Return how many windows pass after a drift has begun until its indicator is outside."""
    waits = []
    with bar(name) as report:
        for number in range(sites):
            report(number, sites, "")
            at = [window for indicator, window, _ in alarms(made(number).judged(name)) if indicator == DRIFTS[name].indicator]
            waits.append(min((window - BEFORE for window in at if window > BEFORE), default=None))
    seen = [wait for wait in waits if wait is not None]
    return {
        "drift": DRIFTS[name].words,
        "indicator": DRIFTS[name].indicator,
        "noticed": rate(len(seen), sites),
        "in_the_first_window": rate(sum(wait == 1 for wait in seen), sites),
        "median_windows_until": median(seen) if len(seen) * 2 > sites else None,
        "longest_watched": WINDOWS - BEFORE,
        "waits": sorted(seen),
    }


def draw(record):
    """Return a figure: false alarms of windows by indicator, and the share of drifts noticed after so many windows."""
    figure = Figure(figsize=(11, 4.4), layout="constrained")
    figure.suptitle(f"Drawn sites: {record['films_are']}", fontsize=9)
    left, right = figure.subplots(1, 2)
    rates = record["undrifted"]["windows_outside"]
    for place, each in enumerate(rates.values()):
        low, high = (100 * end for end in each["interval_95"])
        left.plot([low, high], [place, place], color="#0b4a63", linewidth=2)
        left.plot(100 * each["share"], place, "o", color="#0b4a63")
    left.set_yticks(range(len(rates)), rates)
    left.invert_yaxis()
    left.set_xlabel("windows outside although nothing drifts, %, with 95 % interval")
    left.set_xlim(left=0)
    styles = [(colour, line) for line in ("-", "--") for colour in ("#0b4a63", "#b3541e", "#2a7f3e", "#6b3fa0")]
    for (name, each), (colour, line) in zip(record["drifted"].items(), styles, strict=False):
        after = range(1, each["longest_watched"] + 1)
        shares = [100 * sum(wait <= windows for wait in each["waits"]) / each["noticed"]["of"] for windows in after]
        right.step(after, shares, where="post", color=colour, linestyle=line, label=f"{name} ({each['indicator']})")
    right.set_xlabel("full windows since the drift began")
    right.set_ylabel("sites at which its indicator was outside, %")
    right.set_ylim(0, 103)
    right.legend(fontsize=8, loc="lower right")
    return figure


def main():
    """Study what is asked for, write record and figure, and print the sums."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--cohort", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--sites", type=int, default=200)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    specification, _ = load_specification(REPOSITORY)
    plan = load_plan(REPOSITORY, {each.id for each in load_risk(REPOSITORY, specification)[0].situations})
    findings = tuple(row["id"] for row in finding_rows(REPOSITORY))
    known = [
        Answer(
            "outside" if each["outside"] else "within",
            each["distance"],
            {name: tuple(found) for name, found in each["scores"].items()},
        )
        for each in answers(options)
    ]
    record = {
        "schema": "thoratrace/surveillance-alarms/1",
        "date": datetime.now(UTC).date().isoformat(),
        "films_are": "answers of the device to phantom test films, drawn independently with replacement; no site, no patients",
        "bundle_sha256": file_sha256(options.bundle / "manifest.json"),
        "plan_sha256": plan.sha256,
        "films": len(known),
        "windows": WINDOWS,
        "undrifted": undrifted(lambda number: Site(known, plan, findings, (SEED, number)), options.sites),
        "drifted": {
            name: drifted(lambda number, place=place: Site(known, plan, findings, (SEED, place, number)), options.sites, name)
            for place, name in enumerate(DRIFTS, start=1)
        },
    }
    write_json(options.out / "alarms.json", record)
    draw(record).savefig(options.out / "alarms.png", dpi=120)
    sys.stdout.write(
        json.dumps(
            {
                "undrifted": record["undrifted"],
                **{n: {k: v for k, v in e.items() if k != "waits"} for n, e in record["drifted"].items()},
            },
            indent=1,
        )
        + "\n"
    )


if __name__ == "__main__":
    main()
