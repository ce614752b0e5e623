"""Prints the views of the file: one PDF each, composed from the translated pages and set by Typst, which lies in the lock.

Equal pages give equal bytes: no date, no fonts of the machine, nothing of the place. What the type-setter warns of is an error.

Source: PDF 1.7 (ISO 32000-1), tagged.
"""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typst

from pipeline.dossier.print_font import FOLDER as FONTS
from pipeline.dossier.print_font import require_glyphs
from pipeline.dossier.typst_text import call, literal
from pipeline.file_error import FileError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pipeline.dossier.gaps import Gap
    from pipeline.dossier.views import Part, View

PRINT = "print"
"""Folder of the print sources beside the documents' sources."""

PAGES = f"{PRINT}/pages"
_STYLE = Path(__file__).with_name("print.typ")
_RUNNING_ON = ("adr/", "codes/", "sources/")
"""Pages that follow each other without a new sheet."""

_UNLISTED = ("codes/", "sources/")
"""Pages that are bookmarks and no lines of the contents: there are too many of them."""


@dataclass(frozen=True)
class Cover:
    """What every view says on its first sheet and in its margins."""

    title: str
    status: str
    line: str
    signatures: str
    facts: tuple[tuple[str, str], ...]


def print_view(folder: Path, view: View, pages: Mapping[str, Any], gaps: Sequence[Gap], cover: Cover) -> bytes:
    """Return the PDF of a view.

    Args:
        folder: in which the file is made, with ``source`` and ``print/pages``.
        view: what is printed.
        pages: what the typst builder wrote of each page.
        gaps: every gap, for the parts that name some.
        cover: title, status and facts.

    Raises:
        FileError: FILE-PRINT, the type-setter refuses, warns or is ended; FILE-FONT, a character of cover or parts has no glyph.
    """
    main = compose(view, {gap.id: gap for gap in gaps}, cover)
    require_glyphs(f"docs/views.toml {view.id}", main)
    shutil.copy(_STYLE, folder / PRINT / _STYLE.name)
    source = folder / PRINT / f"{view.id}.typ"
    source.write_text(main, encoding="utf-8")
    return _set(source, folder, {"places": json.dumps(places(view, pages), sort_keys=True)})


def places(view: View, pages: Mapping[str, Any]) -> dict[str, str]:
    """Return where references of a view may lead: each anchor of its pages, and the anchor that carries the place.

    >>> from pipeline.dossier.views import Part, View
    >>> places(View("v", "V", "", (Part("P", ("a",), (), ()),)), {"a": {"anchors": {"a::y": "a::x"}}, "b": {"anchors": {"b::": "b::z"}}})
    {'a::y': 'a::x'}
    """
    return {name: there for page in view.pages() for name, there in pages[page]["anchors"].items()}


def compose(view: View, gaps: Mapping[str, Gap], cover: Cover) -> str:
    """Return the Typst source that sets cover, contents, completeness and pages of a view."""
    facts = "".join(f"({literal(name)}, {literal(value)})," for name, value in (*cover.facts, ("Order", view.order)))
    words = {"title": cover.title, "view": view.title, "status": cover.status, "line": cover.line, "signatures": cover.signatures}
    named = [f"{name}: {literal(text)}" for name, text in words.items()]
    head = ['#import "/print/print.typ": *', f"#show: {call('paper.with', *named, f'facts: ({facts})')}"]
    if any(part.clause for part in view.parts):
        head.append(f"#completeness(({''.join(_row(part) for part in view.parts if part.clause)}))")
    return "\n".join([*head, *(line for part in view.parts for line in _part(part, gaps))]) + "\n"


def _row(part: Part) -> str:
    cells = (part.title, part.clause, part.state, ", ".join(part.gaps))
    return "(" + ", ".join(map(literal, cells)) + "),"


def _part(part: Part, gaps: Mapping[str, Gap]) -> Iterator[str]:
    notes = "".join(_notes(part, gaps))
    yield f"#part({literal(part.title)}, {literal(part.clause)}, {literal(part.state)}, ({notes}))"
    for number, page in enumerate(part.pages):
        fresh = "true" if number and not page.startswith(_RUNNING_ON) else "false"
        listed = "false" if page.startswith(_UNLISTED) else "true"
        yield f"#page-of({literal(f'/{PAGES}/{page}.typ')}, {fresh}, {listed})"


def _notes(part: Part, gaps: Mapping[str, Gap]) -> Iterator[str]:
    for reason in part.reasons:
        yield f"[#{literal(reason)}],"
    for page in part.also:
        yield f"[Rests on #goto({literal(page + '::')}, ref-title({literal(page + '::')}))],"
    for gap in (gaps[name] for name in part.gaps):
        yield f"[#goto({literal(f'gaps::{gap.id.lower()}')}, strong({literal(gap.id)})) #{literal(f' {gap.title}. {gap.effect}')}],"


def _set(source: Path, root: Path, inputs: dict[str, str]) -> bytes:
    """Compile a source in a process of its own, because the type-setter keeps what it made: gigabytes for a view of hundreds of pages.

    Raises:
        FileError: FILE-PRINT, the source cannot be set, was warned of, or the process was ended from outside.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        try:
            made, complaint = process.submit(_compiled, source, root, inputs).result()
        except BrokenProcessPool as err:
            raise _refused(
                source, "a type-setter that ended before its work did", "free memory (a view takes about 3 GB), then again"
            ) from err
    if complaint:
        raise _refused(source, complaint)
    return made


def _compiled(source: Path, root: Path, inputs: dict[str, str]) -> tuple[bytes, str]:
    """Return the PDF and what the type-setter complained of; every warning is a complaint."""
    try:
        made, warnings = typst.compile_with_warnings(
            source, root=root, font_paths=[FONTS], ignore_system_fonts=True, sys_inputs=inputs, timestamp=0
        )
    except typst.TypstError as err:
        return b"", f"{err.message} {err.diagnostic}".strip()
    if warnings:
        return b"", f"{len(warnings)} warnings, first: {warnings[0].message} {warnings[0].diagnostic}".strip()
    return made, ""


def _refused(source: Path, said: str, repair: str = "mend the page that is named, or its translation") -> FileError:
    return FileError(
        "FILE-PRINT",
        f"{PRINT}/{source.name}",
        " ".join(said.split())[:600],
        "a page that can be set without warnings",
        repair,
    )
