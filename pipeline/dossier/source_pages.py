"""The pages of sources: one that lists every file a figure was read from, and for each of those files a page with every place that a figure leads to.

A figure leads to its JSON pointer with the value that stands there; from there the copy of the file is one click away.
"""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING, Any

from pipeline.dossier.evidence import SOURCES
from pipeline.dossier.place_table import SEPARATOR
from pipeline.dossier.tables import table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from pipeline.dossier.evidence import Source

COPIED_UP_TO = 4_000_000
"""Bytes: evidence up to this size lies beside the pages, one click away; of a larger file the hash is given."""
EVIDENCE = "evidence"
LONGEST = 160
"""Letters of a value that are shown; the file has it whole."""
INTRODUCTION = (
    "Every figure of this file was read from one of these files of the run that it describes. A figure with a dotted line leads to its place: "
    "on the page of its file stands the JSON pointer with the value, beside the hash and a copy of the file. `technical_file.json` lists all places for programs."
)


def write_source_pages(root: Path, sources: Iterable[Source], folder: Path) -> None:
    """Write the list of files, the page of each, and copies of the files, below the folder of document sources."""
    copies = folder / "_extra" / EVIDENCE
    copies.mkdir()
    (folder / SOURCES).mkdir()
    rows = []
    for source in sources:
        name = _copied(root / source.path, source, copies)
        rows.append([f"({source.key})=\n{_file(source, name, '')}", f"`{source.sha256}`", _count(source)])
        if source.shown:
            (folder / SOURCES / f"{source.key}.md").write_text(_page(source, name), encoding="utf-8")
    listing = table(["File", "SHA-256", "Places that figures lead to"], rows, widths=[42, 44, 14])
    (folder / f"{SOURCES}.md").write_text(f"# Sources\n\n{INTRODUCTION}\n\n{listing}\n", encoding="utf-8")


def _copied(path: Path, source: Source, copies: Path) -> str:
    """Put a copy of a file beside the pages and return its name; empty where it is too large."""
    if path.stat().st_size > COPIED_UP_TO:
        return ""
    name = f"{source.key}{path.suffix}"
    shutil.copy(path, copies / name)
    return name


def _file(source: Source, name: str, up: str) -> str:
    return f'<a href="{up}{EVIDENCE}/{name}"><code>{source.path}</code></a>' if name else f"`{source.path}`"


def _count(source: Source) -> str:
    return f"[{len(source.shown)}]({SOURCES}/{source.key}.md)" if source.shown else "the whole file"


def _page(source: Source, name: str) -> str:
    """Return the page of one file; it hangs below no other page, so that the list of pages at the side stays short."""
    copy = _file(source, name, "../") + ("" if name else ", too large to lie here")
    said = f"Every place of {copy} that a figure leads to; SHA-256 `{source.sha256}`; all files: [sources](../{SOURCES}.md)."
    if any(not found for _, found, _ in places(source)):
        said += (
            " Where the file is no JSON, or a place names what was counted or gathered in it, there stands what the pages show."
        )
    rows = "\n".join(f"{pointer}{SEPARATOR}{value}" for pointer, _, value in places(source))
    return f"---\norphan: true\n---\n\n# Figures of {source.path}\n\n{said}\n\n```{{places}}\n{rows}\n```\n"


def places(source: Source) -> Iterator[tuple[str, bool, str]]:
    """Yield each place that figures lead to, whether the file has a value there, and that value or what pages show for the place.

    >>> from pipeline.dossier.evidence import Source
    >>> list(places(Source("k", "a.json", "00", {"n": [1.5]}, shown={"/n": {"1"}, "/n/0": {"1.50"}, "/n (tag a)": {"2"}})))
    [('/n', True, 'a list of 1'), ('/n (tag a)', False, '2'), ('/n/0', True, '1.5')]
    """
    for pointer in sorted(source.shown):
        found, value = _looked_up(source.document, pointer)
        yield pointer, found, _line(_told(value) if found else "; ".join(sorted(source.shown[pointer])))


def _looked_up(value: Any, pointer: str) -> tuple[bool, Any]:
    try:
        for part in pointer.split("/")[1:]:
            value = value[int(part)] if isinstance(value, list) else value[part.replace("~1", "/").replace("~0", "~")]
    except (KeyError, IndexError, ValueError, TypeError):
        return False, None
    return True, value


def _told(value: Any) -> str:
    match value:
        case str():
            return value or "an empty text"
        case list():
            return f"a list of {len(value)}"
        case dict():
            return f"a table of {len(value)}"
        case _:
            return json.dumps(value)


def _line(text: str) -> str:
    words = re.sub(r"\s+", " ", text).strip()
    return words if len(words) <= LONGEST else f"{words[: LONGEST - 1]}…"
