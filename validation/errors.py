"""The one error of the validation package: an input it cannot judge."""

from __future__ import annotations

from device_sw.errors import CodedError


class ValidationError(CodedError):
    """A cohort, a set of predictions or a protocol that cannot be used. Codes start with ``VAL-``."""
