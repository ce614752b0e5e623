"""What has to come before something else: the protocol before the figures it judges (criteria before estimates: `ledgers.criteria_come_first`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verification.trace.codes import problem
from verification.trace.executed_protocol import PROTOCOL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from requirements_spec.problem import Problem
    from verification.trace.case import Case


def protocol_comes_first(case: Case) -> Iterator[Problem]:
    """Yield a protocol that is not the one the figures were made by; without figures there is nothing to compare, which another check says."""
    protocol = case.inputs.protocol
    if case.inputs.endpoints is None or (protocol.here and protocol.here == protocol.recorded):
        return
    found = f"{protocol.here[:12] or 'no readable protocol'}, the figures were made by {protocol.recorded[:12] or 'a protocol that the record does not name'}"
    yield problem("TRC-PROTOCOL-ORDER", PROTOCOL, "protocol", found=found)
