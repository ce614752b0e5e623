"""Computes the list of all pages at the side of each page once for a folder, instead of once for each page; the pages stay the same byte for byte.

Pages of one folder that stand in the same table of contents and have none below them have the same list but for two entries: their own is marked as the
current one, and leads to `#`. The first of them is made by Sphinx and the theme; for the others the mark is moved. Where either entry is not found exactly
once the list is made in full. Pages of one folder that stand in no table of contents have the same list. It took a third of the time of all pages.

Source: Sphinx, event html-page-context; Furo, furo_navigation_tree.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sphinx.addnodes import toctree

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx

    Family = tuple[str, str]
    """Folder, and table of contents."""

BEFORE_THEME, AFTER_THEME = 400, 600
"""Order of our two steps around the theme's, which is at the usual 500."""

TREE = "furo_navigation_tree"
NOWHERE = "nowhere"
"""The table of contents of pages that stand in none."""
_CURRENT = re.compile(
    r'<li class="(toctree-l\d+) current current-page"><a class="current reference internal" href="#">([^<]*)</a></li>'
)


def moved(tree: str, old: str, new: str) -> str | None:
    """Return the list of the page ``new`` from that of the page ``old``, given as they link to each other; None where it cannot be told.

    >>> here = '<li class="toctree-l2 current current-page"><a class="current reference internal" href="#">A</a></li>'
    >>> there = '<li class="toctree-l2"><a class="reference internal" href="b.html">B</a></li>'
    >>> print(moved(here + there, "a.html", "b.html"))
    <li class="toctree-l2"><a class="reference internal" href="a.html">A</a></li><li class="toctree-l2 current current-page"><a class="current reference internal" href="#">B</a></li>
    >>> moved(here, "a.html", "b.html") is None
    True
    """
    current = _CURRENT.findall(tree)
    entry = re.compile(rf'<li class="(toctree-l\d+)"><a class="reference internal" href="{re.escape(new)}">([^<]*)</a></li>')
    if len(current) != 1 or len(entry.findall(tree)) != 1:
        return None
    left = _CURRENT.sub(lambda at: f'<li class="{at[1]}"><a class="reference internal" href="{old}">{at[2]}</a></li>', tree)
    return entry.sub(
        lambda at: f'<li class="{at[1]} current current-page"><a class="current reference internal" href="#">{at[2]}</a></li>',
        left,
    )


class Navigation:
    """The lists made so far: for each folder and table of contents the name of the page that it was made for, and the list."""

    def __init__(self) -> None:
        """Start with none."""
        self._made: dict[Family, tuple[str, str]] = {}
        self._waiting: dict[str, tuple[str, Any]] = {}

    def before(self, app: Sphinx, page: str, _template: str, context: dict[str, Any], _document: nodes.document | None) -> None:
        """Where the list can be had from another page's, let the theme make an empty one."""
        tree = self._known(_family(app, page), page)
        if tree is not None:
            self._waiting[page] = tree, context["toctree"]
            context["toctree"] = _nothing

    def after(self, app: Sphinx, page: str, _template: str, context: dict[str, Any], _document: nodes.document | None) -> None:
        """Put the list in its place, or keep what the theme made for the pages beside this one."""
        family = _family(app, page)
        if page in self._waiting:
            context[TREE], context["toctree"] = self._waiting.pop(page)
        elif family and TREE in context:
            self._made[family] = _name(page), context[TREE]

    def _known(self, family: Family | None, page: str) -> str | None:
        """Return the list of a page from that of its family; None where there is none yet, or it cannot be told."""
        if family is None or family not in self._made:
            return None
        name, tree = self._made[family]
        return tree if family[1] == NOWHERE else moved(tree, name, _name(page))


def _nothing(**_how: object) -> str:
    return ""


def _name(page: str) -> str:
    """Return how a page beside it links to a page."""
    return f"{quote(posixpath.basename(page))}.html"


def _family(app: Sphinx, page: str) -> Family | None:
    """Return folder and table of contents of a page; None of a page with others below it, of one that stands in several, and of what is no document."""
    if page in app.env.toctree_includes or page not in app.env.found_docs or page == app.config.root_doc:
        return None
    parents = [above for above, below in app.env.toctree_includes.items() if page in below]
    if len(parents) > 1:
        return None
    return posixpath.dirname(page), _list_of(app, parents[0], page) if parents else NOWHERE


def _list_of(app: Sphinx, parent: str, page: str) -> str:
    """Return which table of contents of its parent names a page: the list that holds the current page is marked as a whole, too."""
    lists = app.env.tocs[parent].findall(toctree)
    return f"{parent}#{next((number for number, each in enumerate(lists) if page in each['includefiles']), -1)}"


def setup(app: Sphinx) -> dict[str, Any]:
    """Register both steps."""
    navigation = Navigation()
    app.connect("html-page-context", navigation.before, priority=BEFORE_THEME)
    app.connect("html-page-context", navigation.after, priority=AFTER_THEME)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
