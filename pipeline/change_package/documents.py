"""The documents that changed, as redlines: pages and data of the technical file as they are written, and the sealed pages of the file as they are read.

A page is compared as its text stands in the commit; a place that the build fills with a figure shows as the name of that figure, and the figures are compared by
themselves. Where both ends hold a sealed technical file, its pages are compared too, as the words that a reader sees. A sealed page that is not here is not compared.

Source: ISO 13485 4.2.4 (changes of documents are identified); traceability reference 7.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.change_package.made_parts import State
from pipeline.change_package.page_text import heading_of, words_of
from pipeline.change_package.redline import Mark, redline

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from pipeline.change_package.ends import End
    from pipeline.change_package.made_parts import PartChange
    from pipeline.change_package.redline import Piece

TEXTS = frozenset({".md", ".toml", ".csv", ".txt", ".json", ".css", ".py"})
FOLDERS = ("docs",)
FILES = ("CHANGELOG.md",)
INTENDED_USE = "docs/intended-use.md"
LABELS = ("docs/label.md", "docs/labelling.md", "docs/labelling-zh-hant.md", "docs/zh-hant.toml")
PAGES = "archive/technical_file/html/"
_TITLED = (".md", ".toml")
_NO_DOCUMENT = ("_static/", "_images/", "_downloads/", "sources/", "genindex.html", "search.html")
"""What is no text that somebody wrote; figures, which the pages below sources/ list, are compared by themselves."""


@dataclass(frozen=True)
class DocumentChange:
    """One document that differs: its name, its title, what became of it, and the redline."""

    name: str
    title: str
    how: str
    pieces: tuple[Piece, ...]

    @property
    def counts(self) -> tuple[int, int]:
        """Return how many words were deleted and inserted."""
        return self._words(Mark.DELETED), self._words(Mark.INSERTED)

    def _words(self, kind: Mark) -> int:
        return sum(len(piece.text.split()) for piece in self.pieces if piece.kind is kind)


def documents(before: Path, after: Path) -> tuple[DocumentChange, ...]:
    """Return the documents of two sources that differ, sorted by path."""
    return tuple(_changed(_texts(before), _texts(after)))


def _texts(root: Path) -> dict[str, str]:
    paths = [path for folder in FOLDERS for path in (root / folder).rglob("*") if path.suffix in TEXTS]
    paths += [root / name for name in FILES]
    built = ("docs/_build/",)
    named = ((path.relative_to(root).as_posix(), path) for path in paths if path.is_file())
    return {name: path.read_text(encoding="utf-8", errors="replace") for name, path in named if not name.startswith(built)}


def _changed(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[DocumentChange]:
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if old != new:
            how = "added" if old is None else "removed" if new is None else "changed"
            title = _title(new or old or "") if name.endswith(_TITLED) else ""
            yield DocumentChange(name, title or name, how, redline(old or "", new or ""))


def _title(text: str) -> str:
    """Return the first heading of a page; nothing of a file without one.

    >>> _title("# Intended use"), _title("schema = 1")
    ('Intended use', '')
    """
    return next(
        (line.removeprefix("# ").strip() for line in text.splitlines() if line.startswith("# ") and "schema" not in line), ""
    )


def sealed_pages(before: End, after: End, compared: Iterable[PartChange]) -> tuple[DocumentChange, ...]:
    """Return the sealed pages of the technical file whose words differ; a page that was not compared is not among them.

    Args:
        before: the older end.
        after: the newer end.
        compared: what came of every part.

    Raises:
        ChangePackageRefused: ``CPK-PART``.
    """
    names = [each for each in compared if _is_page(each.name) and each.state in {State.OTHER, State.ADDED, State.REMOVED}]
    old = {each.name: before.part(each.name).decode("utf-8", "replace") for each in names if each.before}
    new = {each.name: after.part(each.name).decode("utf-8", "replace") for each in names if each.after}
    titles = {name: heading_of(page) for name, page in {**old, **new}.items()}
    words = [{name: words_of(page) for name, page in side.items()} for side in (old, new)]
    found = _changed(words[0], words[1])
    return tuple(DocumentChange(each.name, titles[each.name] or each.name, each.how, each.pieces) for each in found)


def _is_page(name: str) -> bool:
    return name.startswith(PAGES) and name.endswith(".html") and not name.removeprefix(PAGES).startswith(_NO_DOCUMENT)
