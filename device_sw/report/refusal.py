"""The record of an input that was not analysed: why, what was expected, how to repair it. It has no list of detections, not even an empty one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from device_sw.errors import DeviceError, InputRefused
from device_sw.report.content import STATEMENT, mark

if TYPE_CHECKING:
    from device_sw.types import Policy

SCHEMA = "thoratrace/refusal/1"

NOT_ANALYSED = "Not analysed."
"""The conclusion about an input that was not analysed."""


def refusal_record(error: DeviceError, *, index: int, policy: Policy, device_version: str, bundle_sha256: str) -> dict[str, Any]:
    """Return the JSON value of a refusal (``refused``) or of an analysis that failed (``failed``); the first reason is the primary one."""
    words = mark(policy)
    refused = isinstance(error, InputRefused)
    return {
        "schema": SCHEMA,
        "status": "refused" if refused else "failed",
        **({} if words is None else {"mark": words}),
        "statement": STATEMENT,
        "conclusion": NOT_ANALYSED,
        "policy": policy.value,
        **_reason(error),
        "reasons": [_reason(reason) for reason in (error, *(error.also if isinstance(error, InputRefused) else ()))],
        "input": {"index": index, **_film(error)},
        "device": {"name": "ThoraTrace", "version": device_version},
        "model": {"bundle_sha256": bundle_sha256},
    }


def refusal_lines(error: DeviceError) -> tuple[str, ...]:
    """Return why an input was not analysed, for people: a sentence, then one line for each reason."""
    reasons = (error, *(error.also if isinstance(error, InputRefused) else ()))
    return (NOT_ANALYSED, *(f"Not analysed, because {reason}" for reason in reasons))


def _reason(error: DeviceError) -> dict[str, str]:
    return {"code": error.code, "where": error.where, "found": error.found, "expected": error.expected, "repair": error.repair}


def _film(error: DeviceError) -> dict[str, str | None]:
    """Return the film's identity as far as it could be read."""
    return {"content_sha256": error.content_sha256, "sop_instance_uid": error.sop_instance_uid}
