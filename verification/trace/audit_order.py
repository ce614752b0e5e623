"""In which order things may have been done: frozen, then opened, then judged, each once, and with the seed that follows from protocol and weights.

A release is recorded once for each version, and approved after that, by its record. The seed is counted again here, without the code that made the films.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from verification.trace.codes import problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from requirements_spec.problem import Problem
    from verification.trace.audit_log import Entry


def order_problems(entries: Sequence[Entry], unsound: frozenset[str]) -> Iterator[Problem]:
    """Yield every entry that comes without what has to come before it, or a second time.

    Args:
        entries: all that could be read, in their order.
        unsound: places of those that nobody validly signed: they freeze and judge nothing, and still have opened what they opened.
    """
    for number, entry in enumerate(entries):
        before = entries[:number]
        if entry.event == "locked-cohort-opened":
            yield from _opened(entry, before, unsound)
        elif entry.event == "locked-cohort-judged":
            yield from _judged(entry, before)
        elif entry.event == "release-recorded":
            yield from _recorded(entry, before)
        elif entry.event == "release-approved":
            yield from _approved(entry, before, unsound)


def _opened(entry: Entry, before: Sequence[Entry], unsound: frozenset[str]) -> Iterator[Problem]:
    protocol, item = entry.fact("protocol_sha256"), str(entry.event)
    frozen = (each for each in before if each.event == "protocol-frozen" and each.where not in unsound)
    if not any(each.fact("protocol_sha256") == protocol for each in frozen):
        yield problem(
            "AUD-UNFROZEN", entry.where, item, found=f"opened by the protocol {protocol[:12]}, which no entry before it froze"
        )
    for earlier in _about(before, "locked-cohort-opened", protocol):
        found = f"the protocol {protocol[:12]} was opened at {earlier.where} already, with the weights {earlier.fact('weights_sha256')[:12]}"
        yield problem("AUD-OPENED-TWICE", entry.where, item, found=found)
    if entry.fact("seed") != (owed := seed_of(protocol, entry.fact("weights_sha256"))):
        found = f"the seed {entry.fact('seed')[:12]}, protocol and weights give {owed[:12]}"
        yield problem("AUD-ENTRY", entry.where, item, found=found)


def _judged(entry: Entry, before: Sequence[Entry]) -> Iterator[Problem]:
    protocol, weights, item = entry.fact("protocol_sha256"), entry.fact("weights_sha256"), str(entry.event)
    opened = (each.fact("weights_sha256") for each in _about(before, "locked-cohort-opened", protocol))
    if weights not in opened:
        found = f"judged by the protocol {protocol[:12]} with the weights {weights[:12]}, which no entry before it opened"
        yield problem("AUD-UNFROZEN", entry.where, item, found=found)
    for earlier in _about(before, "locked-cohort-judged", protocol):
        yield problem(
            "AUD-OPENED-TWICE", entry.where, item, found=f"the result of {protocol[:12]} stands at {earlier.where} already"
        )


def _recorded(entry: Entry, before: Sequence[Entry]) -> Iterator[Problem]:
    """Yield a version that was recorded before; whoever recorded it, there are two records that call themselves this release."""
    version = entry.fact("version")
    for earlier in before:
        if earlier.event == "release-recorded" and earlier.fact("version") == version:
            found = f"the release {version} was recorded at {earlier.where} already, as {earlier.fact('record_sha256')[:12]}"
            yield problem("AUD-RELEASED-TWICE", entry.where, str(entry.event), found=found)


def _approved(entry: Entry, before: Sequence[Entry], unsound: frozenset[str]) -> Iterator[Problem]:
    """Yield an approval of a record that no sound entry before it names for this version."""
    named = (entry.fact("version"), entry.fact("record_sha256"))
    recorded = (each for each in before if each.event == "release-recorded" and each.where not in unsound)
    if named not in ((each.fact("version"), each.fact("record_sha256")) for each in recorded):
        found = f"approved release {named[0]} by the record {named[1][:12]}, which no entry before it names"
        yield problem("AUD-UNRECORDED", entry.where, str(entry.event), found=found)


def _about(entries: Sequence[Entry], event: str, protocol: str) -> tuple[Entry, ...]:
    return tuple(each for each in entries if each.event == event and each.fact("protocol_sha256") == protocol)


def seed_of(protocol_sha256: str, weights_sha256: str) -> str:
    """Return the seed that a protocol and weights give the locked cohort, 64 hexadecimal digits.

    >>> seed_of("0" * 64, "1" * 64)[:16]
    '938d5bfec25e4b5c'
    """
    return hashlib.sha256(f"thoratrace/locked-cohort/1\n{protocol_sha256}\n{weights_sha256}\n".encode()).hexdigest()
