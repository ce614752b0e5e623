"""Protocol before execution, without a clock: the validation record holds the SHA-256 of the protocol it was made by, and that protocol must lie here.

A threshold that was moved after the figure was known changes the protocol's hash and not the record's. That the protocol was approved before is for
the signatures of a release; that nobody saw the films before is for the locked cohort, whose seed comes from the protocol.

Source: traceability reference 5.9 (protocol approved before execution); IEC 62304 5.7.1; ISO 14971 4.4.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from verification.trace.assembly import VALIDATION

if TYPE_CHECKING:
    from pathlib import Path

PROTOCOL = "validation/protocol.toml"


@dataclass(frozen=True, slots=True)
class ExecutedProtocol:
    """SHA-256 (hex) of the protocol that the validation record names, and of the one that lies here; "" where there is none to read."""

    recorded: str = ""
    here: str = ""


def read_executed_protocol(root: Path) -> ExecutedProtocol:
    """Return both hashes; reads the bytes as the validation stage does, as UTF-8 text."""
    try:
        here = hashlib.sha256((root / PROTOCOL).read_text(encoding="utf-8").encode()).hexdigest()
    except (OSError, UnicodeDecodeError):
        here = ""
    try:
        recorded = str(json.loads((root / VALIDATION).read_text(encoding="utf-8"))["protocol"]["sha256"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        recorded = ""
    return ExecutedProtocol(recorded, here)
