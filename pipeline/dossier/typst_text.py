r"""Text and code of the typesetting language Typst: how a string is written, and where a long name may break.

Pages are written in Typst's code mode, where text is a string literal and nothing in it can be read as markup.

Source: Typst reference, "Scripting" and "Strings".
"""

from __future__ import annotations

import re

BREAK = "\u200b"
"""Zero-width space: a line may break here, nothing is printed."""

_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "    ", "\r": ""})
_LONG = re.compile(r"\S{18,}")
_JOINT = re.compile(r"(?<=[/_.,:;=\-\]})])(?=\w)|(?<=[a-z])(?=[A-Z])")
_SOLID = re.compile(r"[^\u200b]{24}(?=[^\u200b])")


def literal(text: str) -> str:
    r"""Return a string literal.

    >>> print(literal('a "b" \\c'))
    "a \"b\" \\c"
    """
    return f'"{text.translate(_ESCAPES)}"'


def breakable(text: str) -> str:
    r"""Return text whose long words may break after their joints, and after 24 characters where they have none.

    >>> breakable("short words stay").split(BREAK)
    ['short words stay']
    >>> breakable("artifacts/validation/validation.json").split(BREAK)
    ['artifacts/', 'validation/', 'validation.', 'json']
    """
    return _LONG.sub(lambda word: _SOLID.sub(rf"\g<0>{BREAK}", _JOINT.sub(BREAK, word[0])), text)


def call(name: str, *arguments: str) -> str:
    """Return a function call.

    >>> call("f", "1", "two: 2")
    'f(1, two: 2)'
    """
    return f"{name}({', '.join(arguments)})"
