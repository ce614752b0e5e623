"""Tells readers and their programs the language of a page that is not written in English: the front matter's ``language`` becomes the page's own.

Source: HTML, attribute lang (BCP 47); WCAG 2.2, 3.1.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx


def stated(metadata: dict[str, str], usual: str) -> str:
    """Return the language that a page states for itself, else the usual one.

    >>> stated({"language": "zh-Hant-TW"}, "en"), stated({}, "en")
    ('zh-Hant-TW', 'en')
    """
    return metadata.get("language", usual)


def _tell(app: Sphinx, page: str, _template: str, context: dict[str, Any], _document: nodes.document | None) -> None:
    context["language"] = stated(app.env.metadata.get(page, {}), app.config.language)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register what runs before each HTML page is written."""
    app.connect("html-page-context", _tell)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
