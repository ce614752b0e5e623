"""Translates one page of the file, as the document builder has resolved it, into Typst for print.

A small translation of exactly the node kinds that the pages use: another kind, or raw markup that is none of ours, stops the build instead of vanishing
from paper. References lead to where they lead on screen; where a view leaves the target out, the words stay and the link goes.

Source: docutils document tree; Typst reference. Existing builders need Python 3.12 or load packages from the net (ADR 0036).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from docutils import nodes

from pipeline.dossier.print_tables import layout
from pipeline.dossier.typst_text import breakable, call, literal
from pipeline.file_error import FileError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_WRAPPED = {
    "emphasis": "it",
    "strong": "bd",
    "paragraph": "par-of",
    "compact_paragraph": "run",
    "bullet_list": "points",
    "list_item": "item",
    "inline": "run",
    "caption": "title-of",
    "container": "run",
    "download_reference": "run",
    "legend": "run",
    "admonition": "box-of",
}
"""Node kinds that are one function of print.typ around their content."""

_WHOLE_UP_TO = 1600
"""Letters of a table row that stays on one page; a longer one may go on overleaf."""

_CLOSED = frozenset({*_WRAPPED, "title", "enumerated_list", "reference"})
"""Node kinds whose visit opens a function around their content."""

_SILENT = frozenset({"document", "section", "compound", "target", "comment", "index", "substitution_definition"})
_TONE = re.compile(r'<span class="(\w+)">')
_PASSED = re.compile(r"<(a|code)\b[^>]*>")
_ENDED = re.compile(r"</(span|a|code)>")
_BREAK = re.compile(r"<br\s*/?>")
_DRAWING = re.compile(r'viewBox="0 0 (?P<width>\d+)')
_LARGE, _HEAD = 1000, 400
"""A drawing wider than so many of its units needs a turned page for its words to be read; the letters of its head that are looked at."""

_PAGE = re.compile(r"(?:\.\./)*(?P<page>[\w./-]+?)\.html(?:#(?P<place>.*))?")
_MARKED_INSIDE = (nodes.document, nodes.section, nodes.list_item, nodes.entry)
"""Node kinds whose place is marked within them, or by their heading."""

PAGE_SCHEME = "page:"
"""How the builder writes a reference to another page: ``page:NAME#PLACE``."""


def anchor(page: str, place: str = "") -> str:
    """Return the name of a place in print.

    >>> anchor("adr/index", "top")
    'adr/index::top'
    """
    return f"{page}::{place}"


class PageTranslator(nodes.NodeVisitor):
    """Walks one document tree; afterwards ``text()`` is its Typst source and ``aliases`` says which anchor each id of the page is."""

    def __init__(self, document: nodes.document, page: str, source: Path) -> None:
        """Start with nothing written; pictures lie below ``source``."""
        super().__init__(document)
        self.page = page
        self._source = source
        self.aliases: dict[str, str] = {}
        self.letters: set[str] = set()
        self._out: list[str] = []

    def text(self) -> str:
        """Return the source of the page."""
        return '#import "/print/print.typ": *\n#{\n' + "".join(self._out) + "}\n"

    def dispatch_visit(self, node: nodes.Node) -> Any:
        """Write words; of anything else mark the place where it has ids, then visit it."""
        if isinstance(node, nodes.Text):
            return self._say(breakable(node.astext().replace("\n", " ")))
        if isinstance(node, nodes.Element) and not isinstance(node, _MARKED_INSIDE):
            self._mark(node)
        return super().dispatch_visit(node)

    def unknown_visit(self, node: nodes.Node) -> None:
        """Open the function of a node kind that has one.

        Raises:
            FileError: FILE-PRINT, the kind has no translation.
        """
        kind = type(node).__name__
        if kind in _SILENT:
            return
        if kind not in _WRAPPED:
            raise FileError(
                "FILE-PRINT",
                f"docs/{self.page}",
                f"a {kind} node",
                "a kind of node that print knows",
                "write it otherwise, or translate it in typst_pages.py",
            )
        self._out.append(f"{_function(node)}({{\n")
        if isinstance(node, _MARKED_INSIDE):
            self._mark(node)

    def unknown_departure(self, node: nodes.Node) -> None:
        """Close what the visit opened."""
        if type(node).__name__ in _CLOSED:
            self._out.append("})\n")

    def visit_title(self, node: nodes.title) -> None:
        """Write a heading, or the title of a table or box."""
        if isinstance(node.parent, nodes.section):
            self._out.append(f"head({_depth(node)}, {literal(self._canonical(node.parent))}, {{\n")
        else:
            self._out.append("title-of({\n")

    def visit_literal(self, node: nodes.literal) -> None:
        """Write code within a line."""
        self._mono("code", breakable(node.astext()))
        raise nodes.SkipNode

    def visit_literal_block(self, node: nodes.literal_block) -> None:
        """Write a block of code."""
        self._mono("listing", node.astext())
        raise nodes.SkipNode

    def visit_enumerated_list(self, node: nodes.enumerated_list) -> None:
        """Open a numbered list at its first number."""
        self._out.append(f"numbers(start: {node.get('start', 1)}, {{\n")

    def visit_reference(self, node: nodes.reference) -> None:
        """Open a reference: to a place of the file, to a source of a figure, or to an address."""
        uri = node.get("refuri", "")
        if node.get("refid"):
            self._out.append(f"goto({literal(anchor(self.page, node['refid']))}, {{\n")
        elif uri.startswith(PAGE_SCHEME):
            page, _, place = uri.removeprefix(PAGE_SCHEME).partition("#")
            self._out.append(f"goto({literal(anchor(page, place))}, {{\n")
        elif "ev" in node.get("classes", ()):
            found = _PAGE.fullmatch(uri)
            self._out.append(f"figure-from({literal(anchor(found['page'], found['place']) if found else uri)}, {{\n")
        elif "://" in uri or uri.startswith("mailto:"):
            self._out.append(f"link({literal(uri)}, {{\n")
        else:
            self._out.append("run({\n")

    def visit_figure(self, node: nodes.figure) -> None:
        """Write a picture with its caption."""
        self._open_picture(next(iter(node.findall(nodes.image))))
        for caption in node.findall(nodes.caption):
            for child in caption.children:
                child.walkabout(self)
        self._out.append("})\n")
        raise nodes.SkipNode

    def visit_image(self, node: nodes.image) -> None:
        """Write a picture that stands in the text."""
        self._open_picture(node)
        self._out.append("})\n")
        raise nodes.SkipNode

    def visit_raw(self, node: nodes.raw) -> None:
        """Take the few HTML marks that pages use; anything else would be lost on paper.

        Raises:
            FileError: FILE-PRINT, other raw markup.
        """
        text = node.astext().strip()
        if toned := _TONE.fullmatch(text):
            self._out.append(f"tone({literal(toned[1])}, {{\n")
        elif _PASSED.fullmatch(text):
            self._out.append("run({\n")
        elif _ENDED.fullmatch(text):
            self._out.append("})\n")
        elif _BREAK.fullmatch(text):
            self._out.append("linebreak()\n")
        else:
            raise FileError(
                "FILE-PRINT", f"docs/{self.page}", f"raw markup {text[:60]!r}", "text", "put it in backticks, or write it in MyST"
            )
        raise nodes.SkipNode

    def visit_table(self, node: nodes.table) -> None:
        """Write a table with widths that fit its words, its head repeated on each page."""
        group = next(iter(node.findall(nodes.tgroup)))
        specs = list(group.findall(nodes.colspec))
        head = _rows(group, nodes.thead)
        body = _rows(group, nodes.tbody)
        asked = [float(spec["colwidth"]) for spec in specs] if "colwidths-given" in node.get("classes", ()) else None
        cells = [[_words(row[index]) for row in (*head, *body)] for index in range(len(specs))]
        how = layout(cells, asked)
        fractions = ", ".join(f"{part}fr" for part in how.fractions)
        for title in node.findall(nodes.title):
            title.walkabout(self)
        self._out.append(f"grid-of(({fractions},), {how.points}pt, {'true' if how.turned else 'false'}, (\n")
        self._cells(head)
        self._out.append("), (\n")
        self._cells(body)
        self._out.append("))\n")
        raise nodes.SkipNode

    def _open_picture(self, node: nodes.image) -> None:
        large = (_DRAWING.search(self._drawing(node["uri"])) or {"width": "0"})["width"]
        turned = "true" if int(large) > _LARGE else "false"
        self._out.append(f"picture({literal('/source/' + node['uri'])}, {literal(node.get('alt', ''))}, {turned}, {{\n")

    def _drawing(self, uri: str) -> str:
        """Return the head of a drawing; empty for a picture of pixels."""
        return (self._source / uri).read_text(encoding="utf-8")[:_HEAD] if uri.endswith(".svg") else ""

    def _cells(self, rows: Sequence[Sequence[nodes.entry]]) -> None:
        for row in rows:
            whole = sum(len(_words(entry)) for entry in row) <= _WHOLE_UP_TO
            for entry in row:
                self._out.append("whole({\n" if whole else "cell({\n")
                for child in entry.children:
                    child.walkabout(self)
                self._out.append("}),\n")

    def _mark(self, node: nodes.Element) -> None:
        if node.get("ids"):
            self._out.append(call("mark", literal(self._canonical(node))) + "\n")

    def _canonical(self, node: nodes.Element) -> str:
        """Return the anchor of a node and remember that its other ids are the same place."""
        first = anchor(self.page, node["ids"][0])
        self.aliases.update({anchor(self.page, name): first for name in node["ids"]})
        if isinstance(node, nodes.section) and isinstance(node.parent, nodes.document):
            self.aliases[anchor(self.page)] = first
        return first

    def _say(self, text: str) -> None:
        self.letters.update(text)
        self._out.append(literal(text) + "\n")

    def _mono(self, function: str, text: str) -> None:
        self.letters.update(text)
        self._out.append(call(function, literal(text)) + "\n")


def _depth(node: nodes.Node) -> int:
    """Return how many sections a node lies in."""
    return 0 if node.parent is None else _depth(node.parent) + isinstance(node.parent, nodes.section)


def _function(node: nodes.Node) -> str:
    """Return the function of print.typ around a node's content; an item's id stands out as it does on screen."""
    if isinstance(node, nodes.inline) and "item" in node.get("classes", ()):
        return "bd"
    return "run" if _stands_alone(node) else _WRAPPED[type(node).__name__]


def _stands_alone(node: nodes.Node) -> bool:
    """Say whether a paragraph is all that its cell or list item holds, or holds a picture and nothing else; print needs no paragraph there."""
    alone = isinstance(node.parent, nodes.list_item | nodes.entry) and len(node.parent.children) == 1
    pictures = all(isinstance(child, nodes.image) for child in node.children)
    return isinstance(node, nodes.paragraph) and (alone or pictures)


def _rows(group: nodes.tgroup, part: type[nodes.Element]) -> list[list[nodes.entry]]:
    return [list(row.findall(nodes.entry)) for found in group.findall(part) for row in found.findall(nodes.row)]


def _words(entry: nodes.entry) -> str:
    """Return what a cell says on paper: its text without the marks that only colour it."""
    bare = entry.deepcopy()
    for markup in list(bare.findall(nodes.raw)):
        markup.parent.remove(markup)
    return bare.astext()
