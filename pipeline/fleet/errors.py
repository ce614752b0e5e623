"""What stops the work on a large archive. Codes: FLT-LIST, FLT-SHARDS, FLT-PLAN, FLT-SHARD, FLT-RESULT, FLT-DEVICE, FLT-INCOMPLETE, FLT-TWICE, FLT-MIXED."""

from __future__ import annotations

from device_sw.errors import CodedError


class FleetError(CodedError):
    """A list, a plan, a shard or a merge that is not what it has to be. Study UIDs and paths stand in no message, only line numbers and counts."""
