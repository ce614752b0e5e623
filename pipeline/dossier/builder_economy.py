"""Spares the document builder work that changes no byte of a page: links looked for where they cannot lead, reference cycles, and stems of known words.

A link such as ``[SRS-001](#srs-001)`` leads to a page or to an anchor. MyST asks each domain of Sphinx unless told otherwise, and those of C and C++ parse the
target as a declaration, which took three quarters of the time of a link. The tree of a page is hundreds of thousands of nodes, and Python's
search for reference cycles went through them again and again, which took a fifth of the time of reading; memory grows by a tenth. The index of the search
reduces each word to its stem anew on every page; a stem depends on the word alone, so it is kept.

Source: MyST-Parser, myst_ref_domains; Python, gc.set_threshold.
"""

from __future__ import annotations

import gc
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx
    from sphinx.config import Config

THRESHOLDS = (100_000, 50, 100)
"""New objects before the youngest, young collections before the middle, middle collections before the oldest generation is searched."""


def _narrow(_app: Sphinx, config: Config) -> None:
    """Look for links among pages and anchors only, unless the configuration names domains itself."""
    config.myst_ref_domains = config.myst_ref_domains or ["std"]


def _remember_stems(app: Sphinx, _page: str, _template: str, _context: dict[str, Any], _document: nodes.document | None) -> None:
    """Keep the stem of each word from page to page; it depends on the word alone."""
    language = getattr(getattr(app.builder, "indexer", None), "lang", None)
    if language is not None and not hasattr(language.stem, "cache_info"):
        language.stem = cache(language.stem)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register what is spared."""
    gc.set_threshold(*THRESHOLDS)
    app.connect("config-inited", _narrow)
    app.connect("html-page-context", _remember_stems)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
