"""A campaign for people: one line for each operator, then every survivor with what the gate said instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from verification.trace.mutants.campaign import Campaign, Judgement


def to_text(campaign: Campaign) -> str:
    """Return the table, the survivors, what is outstanding, and one line that says whether every mutant was caught."""
    return "\n".join((*_table(campaign), *_survivors(campaign), *_ground(campaign), *_outstanding(campaign), _verdict(campaign)))


def _table(campaign: Campaign) -> Iterator[str]:
    yield f"{'operator':32s} {'part':9s} {'mutants':>7s} {'caught':>7s}  codes"
    for name, row in campaign.by_operator().items():
        codes = ", ".join(f"{code} {count}" for code, count in row["codes"].items())
        yield f"{name:32s} {row['part']:9s} {row['mutants']:7d} {row['caught']:7d}  {codes}"
    parts = {row["part"] for row in campaign.by_operator().values()}
    for part in sorted(parts):
        rows = [row for row in campaign.by_operator().values() if row["part"] == part]
        total, caught = sum(row["mutants"] for row in rows), sum(row["caught"] for row in rows)
        yield f"{'all of ' + part:32s} {part:9s} {total:7d} {caught:7d}"


def _survivors(campaign: Campaign) -> Iterator[str]:
    for each in campaign.survivors:
        yield from _survivor(each)
    for each in campaign.unequal:
        yield f"NOT THE GATE'S VERDICT  {each.operator}  {each.place}: the short way and the whole gate disagree"


def _survivor(each: Judgement) -> Iterator[str]:
    yield f"SURVIVED  {each.operator}  {each.place}"
    yield from (f"    expected: {sign}" for sign in each.missing or ("a message",))
    yield from (f"    instead:  {sign}" for sign in each.instead or ("nothing new",))


def _ground(campaign: Campaign) -> Iterator[str]:
    compared = sum(each.compared for each in campaign.judgements)
    yield f"judged both ways: {compared}, of which equal {compared - len(campaign.unequal)}"
    if campaign.stand_in:
        yield "the run that lies here is no evidence for this state, so the copies had a clean stand-in; ./qms demo makes a real one"
    if campaign.owed_beyond:
        yield f"the baseline lags behind in {campaign.owed_beyond} obligations, so the copies had one of today; ./qms obligations renew"


def _outstanding(campaign: Campaign) -> Iterator[str]:
    yield from (f"outstanding: {rule}" for rule in campaign.outstanding)


def _verdict(campaign: Campaign) -> str:
    total, survived = len(campaign.judgements), len(campaign.survivors)
    share = 100 * (total - survived) / total if total else 0.0
    return f"{total - survived} of {total} mutants caught ({share:.2f} %) in {campaign.seconds:.0f} s ({campaign.processor_seconds:.0f} s of processor time)"
