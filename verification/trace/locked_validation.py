"""The result on the locked cohort as it lies under evidence/, beside what the audit log says of it: read with suspicion, judged elsewhere."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from verification.trace import strict_json
from verification.trace.audit_log import Event
from verification.trace.executed_protocol import PROTOCOL
from verification.trace.validated_build import MANIFEST, owed_endpoints, stated_protocol

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
        bundle: SHA-256 of the manifest of the bundle that was judged, as its opening states it; "" where no opening is of the weights that were judged.
        endpoints: as the result judged them, by id.
        here: SHA-256 of the manifest of the bundle that lies here, where it is of the locked cohort's profile and budget; "" otherwise. A bundle is judged whole:
            the same weights with other cut-offs, another calibration or another engine are another model.
        owed: endpoints that the protocol sets for the locked cohort, by id.
    """

    where: str = ""
    logged: str = ""
    sha256: str = ""
    protocol: str = ""
    bundle: str = ""
    here: str = ""
    endpoints: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    owed: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def read_locked_validation(root: Path, trail: AuditTrail, protocol_sha256: str) -> LockedValidation:
    """Return the result that the log names for a protocol; never raises, and what cannot be read states nothing."""
    nothing = LockedValidation(here=_bundle(root), owed=owed_endpoints(root))
    judged = trail.of(Event.JUDGED, protocol_sha256)
    if not judged:
        return nothing
    where, logged, weights = (judged[-1].fact(name) for name in ("evidence", "evidence_sha256", "weights_sha256"))
    opened = [each for each in trail.of(Event.OPENED, protocol_sha256) if each.fact("weights_sha256") == weights]
    named = replace(nothing, where=where, logged=logged, bundle=opened[-1].fact("bundle_sha256") if opened else "")
    if not PLACE.fullmatch(where):
        return named
    try:
        content = (root / where).read_bytes()
        protocol, endpoints = _judged(content)
    except (OSError, ValueError, KeyError, TypeError):
        return named
    return replace(named, sha256=hashlib.sha256(content).hexdigest(), protocol=protocol, endpoints=endpoints)


@lru_cache(maxsize=4)
def _judged(content: bytes) -> tuple[str, Mapping[str, Mapping[str, Any]]]:
    """Return the protocol that a result names and its endpoints; remembered by its bytes, because a campaign of mutants reads the same ones thousands of times."""
    record = strict_json.loads(content)
    endpoints = {str(each["id"]): MappingProxyType(dict(each)) for each in record["endpoints"]}
    return str(record["protocol"]["sha256"]), MappingProxyType(endpoints)


def _bundle(root: Path) -> str:
    """Return the hash of the manifest in artifacts/bundle, if the protocol's locked cohort is for such a model."""
    try:
        content = (root / MANIFEST).read_bytes()
        manifest = strict_json.loads(content)
        plan = stated_protocol((root / PROTOCOL).read_text(encoding="utf-8"))["locked"]
        same = (manifest["profile"], manifest["budget"]) == (plan["profile"], plan["budget"])
        return hashlib.sha256(content).hexdigest() if same else ""
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ""
