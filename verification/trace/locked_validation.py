"""The result on the locked cohort as it lies under evidence/, beside what the audit log says of it: read with suspicion, judged elsewhere."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from verification.trace import strict_json
from verification.trace.audit_log import Event
from verification.trace.validated_build import owed_endpoints

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from verification.trace.audit_log import AuditTrail

PLACE = re.compile(r"evidence/locked_validation/[0-9a-f]{16}/validation\.json")
"""Where such a result lies; nothing else is read, whatever an entry names."""


@dataclass(frozen=True)
class LockedValidation:
    """What is known of the locked validation by the protocol that lies here.

    Attributes:
        where: the file that the last entry names; "" where there is no entry.
        logged: SHA-256 of the file as the entry states it.
        sha256: of the file as it lies here; "" where it cannot be read.
        protocol: SHA-256 of the protocol that the result names.
        weights: of the opening, as the entry states them.
        endpoints: as the result judged them, by id.
        owed: endpoints that the protocol sets for the locked cohort, by id.
    """

    where: str = ""
    logged: str = ""
    sha256: str = ""
    protocol: str = ""
    weights: str = ""
    endpoints: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    owed: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def read_locked_validation(root: Path, trail: AuditTrail, protocol_sha256: str) -> LockedValidation:
    """Return the result that the log names for a protocol; never raises, and what cannot be read states nothing."""
    owed = owed_endpoints(root)
    judged = trail.of(Event.JUDGED, protocol_sha256)
    if not judged:
        return LockedValidation(owed=owed)
    where, logged, weights = (judged[-1].fact(name) for name in ("evidence", "evidence_sha256", "weights_sha256"))
    if not PLACE.fullmatch(where):
        return LockedValidation(where=where, logged=logged, weights=weights, owed=owed)
    try:
        content = (root / where).read_bytes()
        record = strict_json.loads(content)
        endpoints = {str(each["id"]): dict(each) for each in record["endpoints"]}
        named = str(record["protocol"]["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        return LockedValidation(where=where, logged=logged, weights=weights, owed=owed)
    return LockedValidation(where, logged, hashlib.sha256(content).hexdigest(), named, weights, endpoints, owed)
