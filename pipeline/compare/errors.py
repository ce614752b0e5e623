"""What a comparison cannot do, said in five parts."""

from __future__ import annotations

from device_sw.errors import CodedError


class ComparisonError(CodedError):
    """A comparison that cannot be made. Codes: CMP-FAMILY, CMP-DATA, CMP-TRIAL."""
