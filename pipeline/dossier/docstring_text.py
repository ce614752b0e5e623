"""Docstrings as MyST: paragraphs, the sections of Google style, formulas and examples, each in its own form on the page.

The convention of the code (CONTRIBUTING.md, 3) decides what is read: what is computed, `Args:`, `Returns:`, `Yields:`, `Raises:`, `Attributes:`, examples that
begin with ``>>>``, and `Source:`. What follows none of these is a paragraph; nothing is left out.

Source: PEP 257; Google Python Style Guide 3.8 (docstrings).
"""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING

from pipeline.dossier.tables import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEADED = re.compile(r"(Args|Attributes|Raises|Returns|Yields):$")
_ENTRY = re.compile(r"(?P<name>\*{0,2}[A-Za-z_][\w.]*(?: \([^)]*\))?): (?P<text>.*)")
_CODE = re.compile(r"``(?P<double>.+?)``|`(?P<single>[^`]+)`")
_INDENT = "    "


def docstring_text(docstring: str) -> str:
    r"""Return a docstring as MyST.

    >>> print(docstring_text("Return `x` squared.\n\nArgs:\n    x: in mm.\n\nSource: Euclid."))
    Return `x` squared.
    <BLANKLINE>
    *Args*
    <BLANKLINE>
    - `x`: in mm.
    <BLANKLINE>
    *Source:* Euclid.
    """
    return "\n\n".join(_block(lines) for lines in _blocks(inspect.cleandoc(docstring).splitlines()))


def said(text: str) -> str:
    r"""Return a sentence with its code marked and everything else taken literally.

    >>> said("a_b is ``c_d`` or `e`")
    'a\\_b is `c_d` or `e`'
    """
    parts, last = [], 0
    for found in _CODE.finditer(text):
        parts += [plain(text[last : found.start()]), _code(found["double"] or found["single"])]
        last = found.end()
    return "".join([*parts, plain(text[last:])])


def _code(text: str) -> str:
    return f"`{text}`" if "`" not in text else f"`` {text} ``"


def _blocks(lines: list[str]) -> Iterator[list[str]]:
    """Yield what blank lines, an example and a headed section part; a headed section goes on over blank lines while it is indented."""
    block: list[str] = []
    for line in lines:
        begins = line.startswith(">>>") and not (block and block[0].startswith(">>>"))
        ends = not line.strip() and not (block and block[0].startswith(">>>") and line.strip())
        if block and (ends or begins or _HEADED.match(line)):
            yield block
            block = []
        if line.strip():
            block.append(line)
    if block:
        yield block


def _block(lines: list[str]) -> str:
    if lines[0].startswith(">>>"):
        return "\n".join(["```python", *lines, "```"])
    if all(line.startswith(_INDENT) for line in lines):
        return "\n".join(["```text", *(line[len(_INDENT) :] for line in lines), "```"])
    if _HEADED.match(lines[0]):
        return _section(lines[0].removesuffix(":"), lines[1:])
    return _paragraph(lines)


def _paragraph(lines: list[str]) -> str:
    if any(line.lstrip().startswith("- ") for line in lines):
        return "\n".join(_item(line) for line in lines)
    text = " ".join(line.strip() for line in lines)
    return f"*Source:* {said(text.removeprefix('Source:').strip())}" if text.startswith("Source:") else said(text)


def _item(line: str) -> str:
    stripped = line.strip()
    return f"- {said(stripped[2:])}" if stripped.startswith("- ") else f"  {said(stripped)}"


def _section(head: str, lines: list[str]) -> str:
    """Return a headed section: a list where its lines are entries, else a paragraph behind its head."""
    entries: list[str] = []
    for line in lines:
        text = line.removeprefix(_INDENT)
        entry = None if text.startswith(" ") else _ENTRY.match(text)
        if entry:
            entries.append(f"- `{entry['name']}`: {said(entry['text'])}")
        elif entries:
            entries[-1] += f" {said(text.strip())}"
        else:
            entries.append(said(text.strip()))
    listed = bool(entries) and entries[0].startswith("- `")
    return f"*{head}*\n\n" + "\n".join(entries) if listed else f"*{head}:* {' '.join(entries)}"
