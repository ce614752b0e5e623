"""The errors of releases: one form, the code says which part refused."""

from __future__ import annotations

from device_sw.errors import CodedError


class ReleaseRefused(CodedError):
    """Something of a release that does not hold, so nothing is built from it.

    Codes by part: REL-CONTENT (a file tree), REL-DATA (data root), REL-LINEAGE, REL-STAGE (honest stages), REL-ENVIRONMENT, REL-WHEEL,
    REL-BILL (bills of materials), REL-REGISTRY; each with a second word that says what.

    Of the build: REL-VERSION, not three numbers; REL-SOURCE, no commit that could be the source; REL-DIRTY, the tree is not that commit; REL-RUN, no run to
    be released; REL-MOVED, something changed while the build ran; REL-VERIFICATION, scenarios did not pass; REL-GATE, the trace gate is not open; REL-FILE, the technical file cannot be built; REL-MISSING, a part is not there; REL-SIZE, the
    bundle is too large to be committed; REL-EXISTS, the version is released; REL-RECORD, a record cannot be read; REL-ALTERED, a part is not the recorded one; REL-PREDECESSOR, the last release has another bundle than its record names;
    REL-SIGNER, somebody cannot sign; REL-ROTATION, a key cannot give way; REL-WORKSPACE, the workspace cannot be made.
    """
