"""What was done by the audit log, and the locked validation that a release rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verification.trace.audit_log import AUDIT
from verification.trace.checks.figures import COPIED, holds
from verification.trace.codes import problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from requirements_spec.problem import Problem
    from verification.trace.case import Case


def the_log_holds(case: Case) -> Iterator[Problem]:
    """Yield every entry that is refused, every break of the chain, every second opening; asked at every level, because none of it is work in progress."""
    yield from case.inputs.audit.problems


def the_locked_validation_is_by_this_protocol(case: Case) -> Iterator[Problem]:
    """Yield a release without a locked validation by exactly the protocol that lies here, or whose result was changed since or is of another bundle."""
    locked, here = case.inputs.locked, case.inputs.protocol.here
    if not locked.where:
        found = f"no locked validation by the protocol {here[:12] or 'that cannot be read'}"
        yield problem("AUD-LOCKED", AUDIT, "locked cohort", found=found)
    elif locked.sha256 != locked.logged:
        found = f"{locked.sha256[:12] or 'no readable result'}, the log names {locked.logged[:12]}"
        yield problem("AUD-LOCKED", locked.where, "locked cohort", found=found)
    elif locked.protocol != here:
        found = f"judged by the protocol {locked.protocol[:12]}, frozen and here is {here[:12]}"
        yield problem("AUD-LOCKED", locked.where, "locked cohort", found=found)
    elif locked.here not in {"", locked.bundle}:
        found = f"judged with the bundle {locked.bundle[:12] or 'of no opening'}, here lies {locked.here[:12]}"
        yield problem("AUD-LOCKED", locked.where, "locked cohort", found=found)


def the_locked_endpoints_are_met(case: Case) -> Iterator[Problem]:
    """Yield endpoints of the locked validation that are not those of the protocol, and primary ones that are not met, counted again."""
    locked = case.inputs.locked
    if not locked.sha256:
        return
    for name, owed in locked.owed.items():
        recorded = locked.endpoints.get(name, {})
        if any(recorded.get(key) != owed.get(key) for key in COPIED):
            found = "left out or changed against the protocol"
            yield problem("TRC-ENDPOINT-PROTOCOL", locked.where, f"locked VE:{name}", found=found)
        elif owed.get("primary") and not (recorded.get("passed") is True and holds(recorded)):
            found = (
                f"{recorded.get('value', 'undefined')}, {owed.get('bound')} end {owed.get('direction')} {owed.get('threshold')}"
            )
            yield problem("TRC-ENDPOINT-FAILED", locked.where, f"locked VE:{name}", found=found)
