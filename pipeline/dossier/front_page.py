"""The front page of the folder that is handed over: what lies in it, of what size, and how to check that nothing is missing or changed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.dossier.file_record import CHECKSUMS, RECORD
from pipeline.html_page import page_environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.dossier.printing import Cover
    from pipeline.dossier.views import View

FRONT_PAGE = "index.html"
_SHEET = re.compile(rb"/Type\s*/Page\b")


@dataclass(frozen=True)
class Contents:
    """What the folder holds.

    Attributes:
        pages: of HTML that were written from document sources.
        views: in the order of docs/views.toml.
        sheets: printed pages of each view by its id.
        gaps: how many are open.
    """

    pages: int
    views: Sequence[View]
    sheets: Mapping[str, int]
    gaps: int


def front_page(cover: Cover, contents: Contents) -> str:
    """Return the page; it holds no time and no place of a machine."""
    template = page_environment(Path(__file__).parent).get_template("front_page.html.j2")
    return template.render(cover=cover, contents=contents, record=RECORD, checksums=CHECKSUMS) + "\n"


def page_count(pdf: bytes) -> int:
    """Return how many pages a PDF of our type-setter has; its page objects lie in the open.

    >>> page_count(b"<</Type /Pages/Count 2>> <</Type /Page>> <</Type/Page/X 1>>")
    2
    """
    return len(_SHEET.findall(pdf))
