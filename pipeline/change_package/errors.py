"""The errors of change packages: one form, the code says what refused."""

from __future__ import annotations

from device_sw.errors import CodedError


class ChangePackageRefused(CodedError):
    """Something without which no change package is made.

    Codes: CPK-RANGE, not two ends of which the first is a release; CPK-RELEASE, a release that does not verify, or whose source was not checked; CPK-SOURCE,
    a file of an end's source cannot be read; CPK-PART, a sealed part is not the recorded one or not of its form; CPK-WORKSHEET, the questions of a worksheet
    do not hold; CPK-OUT, the place for the package is taken by something else.
    """
