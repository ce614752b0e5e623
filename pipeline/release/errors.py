"""The errors of releases: one form, the code says which part refused."""

from __future__ import annotations

from device_sw.errors import CodedError


class ReleaseRefused(CodedError):
    """Something of a release that does not hold, so nothing is built from it.

    Codes by part: REL-CONTENT (a file tree), REL-DATA (data root), REL-LINEAGE, REL-STAGE (honest stages), REL-ENVIRONMENT, REL-WHEEL,
    REL-BILL (bills of materials), REL-REGISTRY; each with a second word that says what.
    """
