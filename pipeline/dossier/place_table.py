"""A directive of the documents: the places of one file that figures were read from, each row with the JSON pointer as its anchor.

    ```{places}
    /figures/ap50/macro/value<TAB>0.7123
    ```

A line is a row and is taken as it stands: no markup is read in it, so thousands of rows cost little and no letter of a pointer or value has to be escaped.

Source: RFC 6901, section 6 (a JSON pointer as the fragment of an address).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from docutils import nodes
from docutils.utils import unescape
from sphinx.util.docutils import SphinxDirective

from pipeline.dossier.evidence import fragment

if TYPE_CHECKING:
    from sphinx.application import Sphinx

HEADS = ("Place in the file (JSON pointer)", "What stands there")
WIDTHS = (62, 38)
SEPARATOR = "\t"


class PlaceTable(SphinxDirective):
    """Rows of pointer and value, separated by a tab."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        group = nodes.tgroup("", *(nodes.colspec("", colwidth=width) for width in WIDTHS), cols=len(WIDTHS))
        group += nodes.thead("", _row(*(nodes.Text(head) for head in HEADS)))
        group += nodes.tbody("", *(_place(*line.partition(SEPARATOR)[::2]) for line in self.content))
        return [nodes.table("", group, classes=["colwidths-given", "places"])]


def _place(pointer: str, value: str) -> nodes.row:
    return _row(nodes.literal("", pointer, ids=[fragment(pointer)]), nodes.Text(unescape(value)))


def _row(*cells: nodes.Node) -> nodes.row:
    return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", cell)) for cell in cells))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("places", PlaceTable)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
