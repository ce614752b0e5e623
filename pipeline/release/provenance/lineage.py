"""The lineage of a release: for each stage its command, parameters, inputs and outputs by SHA-256, each of them checked against dvc.lock byte by byte.

dvc.lock names content by MD5, for which two contents of one hash can be made, and DVC looks again only at files whose date changed. So every file is read
here, whatever its size, both hashes come from that reading, and a lock that says something else is refused.
Source: IEC 62304 8.1.2, 9.5 (what a configuration was made of).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.release.errors import ReleaseRefused
from pipeline.release.provenance.content import ABSENT, content_sha256
from pipeline.run import file_sha256
from verification.trace.lineage import LineageError, md5_of, read_lineage, read_lock, stale_stages

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SCHEMA = "thoratrace/release-lineage/1"


def lineage(root: Path) -> dict[str, Any]:
    """Return the lineage of all stages of a run, as plain sorted data.

    Keys: ``dvc_lock_sha256``, ``model`` (version, weights_sha256, bundle_sha256) and ``stages`` (name to cmd, params, deps and outs; the latter two path to
    ``sha256`` and DVC's ``md5``).

    Raises:
        ReleaseRefused: ``REL-LINEAGE-ABSENT``, no readable dvc.lock or no model; ``REL-LINEAGE-STALE``, the tree, params.yaml, dvc.yaml or an output is not what
            dvc.lock says.
    """
    try:
        names = tuple(sorted(read_lock(root)))
        known = read_lineage(root, names)
        md5 = _remembered(md5_of)
        stale = stale_stages(root, names, md5)
    except LineageError as err:
        raise _refused("ABSENT", "dvc.lock", str(err), "a finished run") from err
    if stale:
        first = stale[0]
        raise _refused("STALE", f"stage {first.stage}, {first.what}", first.found, first.locked)
    sha256 = _remembered(content_sha256)
    stages = {
        name: {
            "cmd": entry["cmd"],
            "params": entry["params"],
            **{
                side: {path: _hashes(root, name, path, locked, sha256, md5) for path, locked in entry[side].items()}
                for side in ("deps", "outs")
            },
        }
        for name, entry in known["stages"].items()
    }
    return {"schema": SCHEMA, "dvc_lock_sha256": file_sha256(root / "dvc.lock"), "model": known["model"], "stages": stages}


def _hashes(  # noqa: PLR0913, PLR0917  one claim of the lock, and the two hashes of what lies there
    root: Path, stage: str, path: str, locked: str, sha256: Callable[[Path], str], md5: Callable[[Path], str]
) -> dict[str, str]:
    found = {"sha256": sha256(root / path), "md5": md5(root / path)}
    if found["md5"] != locked or found["sha256"] == ABSENT:
        raise _refused("STALE", f"stage {stage}, {path}", found["md5"], locked)
    return found


def _remembered(compute: Callable[[Path], str]) -> Callable[[Path], str]:
    """Return a function that reads each path once: a cohort is the input of four stages."""
    values: dict[Path, str] = {}

    def remembered(path: Path) -> str:
        if path not in values:
            values[path] = compute(path)
        return values[path]

    return remembered


def _refused(what: str, where: str, found: str, expected: str) -> ReleaseRefused:
    return ReleaseRefused(
        f"REL-LINEAGE-{what}",
        where=where,
        found=found,
        expected=expected,
        repair="run the pipeline again, or restore what was changed",
    )
