"""Refuses a folder of pages that is not complete in itself: every link and picture lies in the folder, and the place on the page exists.

What a reader follows out of the folder on purpose has an address with a scheme (https, mailto); what is embedded (data) leads nowhere.
"""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from pipeline.file_error import FileError

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMED = 5
"""Dead links that are named at most."""
_LINK = re.compile(r'<[a-zA-Z][^<>]*?\s(?:href|src)="([^"]*)"')
_ANCHOR = re.compile(r'\s(?:id|name)="([^"]*)"')
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def require_closed(folder: Path) -> None:
    """Follow every link of every page below a folder.

    Raises:
        FileError: FILE-LINK, links that leave the folder, or lead to no file or to no place on a page.
    """
    if dead := list(dead_links(folder)):
        listed = "; ".join(f"{page} leads to {link}" for page, link in dead[:NAMED])
        raise FileError(
            "FILE-LINK",
            dead[0][0],
            f"{len(dead)} links that lead nowhere in the folder: {listed}",
            "a folder that is complete in itself",
            "put what is named beside the pages, or write it without a link",
        )


def dead_links(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield page and link of every link that leaves the folder or leads nowhere, by page."""
    pages = {path: path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.html"))}
    anchors = {path: frozenset(map(html.unescape, _ANCHOR.findall(text))) for path, text in pages.items()}
    files = {path for path in folder.rglob("*") if path.is_file()}
    for page, text in pages.items():
        for link in sorted(set(map(html.unescape, _LINK.findall(text)))):
            if not _SCHEME.match(link) and not _leads(page, link, files, anchors):
                yield page.relative_to(folder).as_posix(), link


def _leads(page: Path, link: str, files: set[Path], anchors: dict[Path, frozenset[str]]) -> bool:
    """Say whether a link of a page leads to a file of the folder, and to a place that the page there has."""
    place, _, anchor = link.partition("#")
    end = _end(page, unquote(place.partition("?")[0]))
    if end not in files:
        return False
    return end not in anchors or anchor in {"", *anchors[end]} or anchor.startswith("?") or unquote(anchor) in anchors[end]


def _end(page: Path, place: str) -> Path:
    """Return the file that a place leads to from a page, without asking the file system.

    >>> _end(Path("/a/html/x.html"), "../pdf/y.pdf").as_posix(), _end(Path("/a/x.html"), "").as_posix()
    ('/a/pdf/y.pdf', '/a/x.html')
    """
    if not place:
        return page
    parts: list[str] = []
    for part in (*page.parent.parts, *Path(place).parts):
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    return Path(*parts)
