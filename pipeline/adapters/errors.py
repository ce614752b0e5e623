"""The one error of the adapters: data somebody brought that cannot become a cohort."""

from __future__ import annotations

from device_sw.errors import CodedError


class DataError(CodedError):
    """Foreign data that cannot be read or contradicts itself. Codes start with ``DATA-``; ``where`` is relative to the data folder."""
