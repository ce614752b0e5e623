"""The document builder's second output: each page as Typst source for print, beside the HTML, from the same resolved documents.

It also writes what the other forms need and only the documents know: which place each anchor is, the order of the pages, and every figure with its source.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.builders import Builder

from pipeline.dossier.print_font import require_glyphs
from pipeline.dossier.typst_pages import PAGE_SCHEME, PageTranslator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    from sphinx.application import Sphinx

INDEX = "pages.json"
"""What was written: title and status of the file, and for each page its title, the aliases of its anchors and its figures."""


class TypstBuilder(Builder):
    """Writes ``NAME.typ`` for each page, and ``pages.json``."""

    name = "typst"
    format = "typst"
    epilog = ""
    allow_parallel = False
    supported_image_types = ["image/svg+xml", "image/png", "image/jpeg"]  # noqa: RUF012  the interface of builders

    def init(self) -> None:
        """Start with no page."""
        self._pages: dict[str, dict[str, Any]] = {}

    def get_outdated_docs(self) -> Iterator[str]:
        """Return every page: printing is made from nothing."""
        yield from sorted(self.env.found_docs)

    def get_target_uri(self, docname: str, typ: str | None = None) -> str:  # noqa: ARG002  the interface of builders
        """Return how a reference names a page."""
        return PAGE_SCHEME + docname

    def get_relative_uri(self, from_: str, to: str, typ: str | None = None) -> str:  # noqa: ARG002
        """Return how a reference names a page; from where does not matter on paper."""
        return self.get_target_uri(to)

    def prepare_writing(self, docnames: AbstractSet[str]) -> None:
        """Prepare nothing."""

    def write_doc(self, docname: str, doctree: nodes.document) -> None:
        """Translate one page.

        Raises:
            FileError: FILE-PRINT or FILE-FONT, the page cannot be printed whole.
        """
        translator = PageTranslator(doctree, docname, Path(self.srcdir))
        doctree.walkabout(translator)
        require_glyphs(f"docs/{docname}", "".join(translator.letters))
        target = Path(self.outdir) / f"{docname}.typ"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(translator.text(), encoding="utf-8")
        self._pages[docname] = {
            "title": self.env.titles[docname].astext(),
            "anchors": translator.aliases,
            "figures": list(_figures(doctree)),
        }

    def finish(self) -> None:
        """Write the index of what was written."""
        status = self.config.html_theme_options["announcement"]
        written = {"title": self.config.html_title, "status": status, "pages": self._pages}
        text = json.dumps(written, sort_keys=True, ensure_ascii=False, indent=1)
        (Path(self.outdir) / INDEX).write_text(text + "\n", encoding="utf-8")


def _figures(doctree: nodes.document) -> Iterator[dict[str, str]]:
    """Yield every figure of a page with the place it was read from, in the order of the page."""
    for node in doctree.findall(nodes.reference):
        if "ev" in node.get("classes", ()):
            path, sha256, pointer = node["reftitle"].split(" · ")
            yield {"text": node.astext(), "file": path, "sha256": sha256.removeprefix("sha256 "), "pointer": pointer}


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the builder."""
    app.add_builder(TypstBuilder)
    return {"parallel_read_safe": True, "parallel_write_safe": False}
