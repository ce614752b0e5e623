"""Sphinx configuration of the technical file. Pages render exported data and evidence and compute nothing; no date enters the output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from docutils import nodes
from docutils.utils import unescape
from sphinx.util.docutils import SphinxRole

from pipeline.dossier.evidence import place_of

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "ThoraTrace technical file"
author = ""
extensions = ["myst_parser"]
myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist"]
myst_heading_anchors = 0
source_suffix = {".md": "markdown"}
language = "en"
today = ""
nitpicky = True
smartquotes = False  # a command's "--" has to stay two hyphens
html_theme = "furo"
html_title = "ThoraTrace technical file"
html_static_path = ["_static"]
html_css_files = ["file.css"]
html_extra_path = ["_extra"]
html_show_copyright = False
html_show_sphinx = False
html_show_sourcelink = False
html_copy_source = False
html_use_index = False
html_last_updated_fmt = None
html_theme_options = {
    "announcement": "Engineering baseline: not cleared, not for clinical use, no clinical performance shown; phantom results are phantom results.",
    "light_css_variables": {
        "color-brand-primary": "#0b5c7a",
        "color-brand-content": "#0b5c7a",
        "font-stack": "system-ui, 'Noto Sans', 'Noto Sans CJK TC', sans-serif",
    },
    "dark_css_variables": {"color-brand-primary": "#7cc4dd", "color-brand-content": "#7cc4dd"},
    "top_of_page_buttons": [],
}
pygments_style = "default"


class EvidenceRole(SphinxRole):
    """A figure with its source: text that links to the place it was read from, and names file, hash and JSON pointer on hover."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Return the reference node of ``text <key::path::sha256::pointer>``."""
        text, _, place = unescape(self.text).rpartition(" <")
        key, path, sha256, pointer = place.removesuffix(">").split("::")
        title = f"{path} · sha256 {sha256} · {pointer or 'whole file'}"
        uri = "../" * self.env.docname.count("/") + place_of(key, pointer)
        node = nodes.reference(self.rawtext, text, internal=True, refuri=uri, reftitle=title, classes=["ev"])
        return [node], []


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the role."""
    app.add_role("ev", EvidenceRole())
    return {"parallel_read_safe": True, "parallel_write_safe": True}
