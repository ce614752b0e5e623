"""The technical file as JSON: each figure with where it was read, what is missing, what each clause comes to, and what each printed view holds.

Programs and the release read this instead of pages. It holds no time, no name of a machine and no path outside the project.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.file_error import FileError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from pipeline.dossier.evidence import Source
    from pipeline.dossier.gaps import Gap
    from pipeline.dossier.printing import Cover
    from pipeline.dossier.views import View

SCHEMA = "thoratrace/technical-file/2"
RECORD = "technical_file.json"
CHECKSUMS = "SHA256SUMS"


@dataclass(frozen=True)
class Completeness:
    """What is missing, and what each clause of each manifest comes to."""

    gaps: Sequence[Gap]
    clauses: Sequence[Mapping[str, Any]]


def record(
    cover: Cover,
    pages: Mapping[str, Any],
    views: Sequence[View],
    completeness: Completeness,
    sources: Sequence[Source],
) -> str:
    """Return the file as sorted JSON.

    Raises:
        FileError: FILE-CONTENT, a page shows a figure of a file that is no source.
    """
    hashes = {source.path: source.sha256 for source in sources}
    written = {
        "schema": SCHEMA,
        "title": cover.title,
        "status": cover.status,
        "conclusion": cover.line,
        "signatures": cover.signatures,
        "facts": dict(cover.facts),
        "pages": [_page(name, page, hashes) for name, page in sorted(pages.items())],
        "views": [_view(view) for view in views],
        "clauses": list(completeness.clauses),
        "gaps": [
            {
                "id": gap.id,
                "title": gap.title,
                "clauses": list(gap.clauses),
                "section": gap.section,
                "owner_role": gap.owner_role,
                "plan": gap.plan,
                "effect": gap.effect,
            }
            for gap in completeness.gaps
        ],
        "sources": [{"path": source.path, "sha256": source.sha256, "pointers": sorted(source.pointers)} for source in sources],
    }
    return json.dumps(written, sort_keys=True, ensure_ascii=False, indent=1) + "\n"


def _page(name: str, page: Mapping[str, Any], hashes: Mapping[str, str]) -> dict[str, Any]:
    figures = [{**figure, "sha256": _hash(name, figure["file"], hashes)} for figure in page["figures"]]
    return {"page": name, "title": page["title"], "figures": figures}


def _hash(page: str, path: str, hashes: Mapping[str, str]) -> str:
    if path not in hashes:
        raise FileError(
            "FILE-CONTENT", f"docs/{page}", f"a figure of {path}", "a file of the page of sources", "read it by the book"
        )
    return hashes[path]


def _view(view: View) -> dict[str, Any]:
    parts = [
        {
            "title": part.title,
            "clause": part.clause,
            "state": part.state,
            "pages": [*part.pages, *part.also],
            "gaps": list(part.gaps),
            "clauses": [each.clause.name for each in part.answers],
            "not_applicable": list(part.reasons),
        }
        for part in view.parts
    ]
    return {"id": view.id, "title": view.title, "order": view.order, "parts": parts}


def checksums(folder: Path, outputs: Iterable[Path]) -> str:
    """Return the SHA-256 of every built file as ``sha256sum -c`` reads it, sorted by path."""
    files = (path for place in outputs for path in ([place] if place.is_file() else place.rglob("*")) if path.is_file())
    lines = sorted((path.relative_to(folder).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest()) for path in files)
    return "".join(f"{digest}  {name}\n" for name, digest in lines)
