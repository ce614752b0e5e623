"""Tables as MyST text: a cell may hold several paragraphs, which pipe tables cannot."""

from __future__ import annotations

import re
from itertools import cycle
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

NOTHING = "–"  # noqa: RUF001  an en dash is how an empty cell is printed

_CODE = re.compile(r"(`[^`\n]+`)")
_ITEM = re.compile(r"(?<![\w-])(?:ANO|GAP|HS|LIT|RC|SRS)-\d+(?![\w-])")
"""Ids of items that have a place of their own in the file."""


def table(header: Sequence[str], rows: Iterable[Sequence[str]], *, widths: Sequence[int] | None = None, caption: str = "") -> str:
    r"""Return a list-table directive.

    Args:
        header: column titles.
        rows: cells, each MyST text of one or more lines.
        widths: relative widths, one a column; automatic without.
        caption: title of the table.

    >>> print(table(["a", "b"], [["1", "2\n\n3"]]))
    ```{list-table}
    :header-rows: 1
    <BLANKLINE>
    * - a
      - b
    * - 1
      - 2
    <BLANKLINE>
        3
    ```
    """
    lines = [f"```{{list-table}} {caption}".rstrip(), ":header-rows: 1"]
    if widths:
        lines.append(f":widths: {' '.join(map(str, widths))}")
    lines.append("")
    for row in (header, *rows):
        lines += _row(row)
    return "\n".join([*lines, "```"])


def _row(cells: Sequence[str]) -> list[str]:
    lines: list[str] = []
    for index, cell in enumerate(cells):
        first, *rest = (cell or NOTHING).split("\n")
        lines.append(("* - " if index == 0 else "  - ") + first)
        lines += [f"    {line}" if line else "" for line in rest]
    return lines


def plain(text: str) -> str:
    r"""Return text with the characters that MyST would read as markup escaped; what stands between two backticks stays code.

    >>> print(plain("a_b <c> *d*"))
    a\_b &lt;c&gt; \*d\*
    >>> print(plain("`a_b --c` and one ` more"))
    `a_b --c` and one \` more
    """
    return _outside_code(text, _escaped)


def _outside_code(text: str, change: Callable[[str], str]) -> str:
    parts = zip(_CODE.split(text), cycle((False, True)), strict=False)
    return "".join(part if code else change(part) for part, code in parts)


def _escaped(text: str) -> str:
    for letter in "\\`*_[]{}$|~#":
        text = text.replace(letter, f"\\{letter}")
    if text.startswith(("-", "+")):
        text = f"\\{text}"
    return text.replace("<", "&lt;").replace(">", "&gt;").replace("@", "&#64;")


def toned(tone: str, text: str = "") -> str:
    """Return words in the tone of a style of the pages; without words the style names itself.

    >>> toned("acceptable")
    '<span class="acceptable">acceptable</span>'
    >>> toned("failed", "open")
    '<span class="failed">open</span>'
    """
    return f'<span class="{tone}">{text or tone}</span>'


def target(item_id: str) -> str:
    """Return the anchor of an item, to stand before its paragraph.

    >>> target("SRS-001")
    '(srs-001)='
    """
    return f"({item_id.lower()})="


def identified(item_id: str) -> str:
    """Return the first cell of an item's row: its anchor and its id, which never breaks over two lines.

    >>> print(identified("SRS-001"))
    (srs-001)=
    [SRS-001]{.item}
    """
    return f"{target(item_id)}\n[{item_id}]{{.item}}"


def link(item_id: str) -> str:
    """Return a reference to an item's place in the file; the build fails where it has none.

    >>> link("SRS-001")
    '[SRS-001](#srs-001)'
    """
    return f"[{item_id}](#{item_id.lower()})"


def referenced(text: str) -> str:
    """Return text as `plain` does, with the ids of items in it as references.

    >>> referenced("Planned (GAP-005); in `HS-001` it is code.")
    'Planned ([GAP-005](#gap-005)); in `HS-001` it is code.'
    """
    return _outside_code(plain(text), lambda part: _ITEM.sub(lambda found: link(found[0]), part))


def links(item_ids: Iterable[str]) -> str:
    """Return references in a row, or an empty text."""
    return ", ".join(link(item_id) for item_id in item_ids)
