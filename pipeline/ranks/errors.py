"""What stops a training that is shared out over ranks. Codes: RNK-ENVIRONMENT, RNK-LAUNCH, RNK-INPUTS, RNK-NUMBERS, RNK-WEIGHTS."""

from __future__ import annotations

from device_sw.errors import CodedError


class RankError(CodedError):
    """The ranks of a training do not agree on what has to be one thing, or were not started as ranks; nothing is written."""
