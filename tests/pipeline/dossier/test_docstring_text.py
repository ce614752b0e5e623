"""A docstring reaches the page whole and in its form: nothing left out, nothing read as markup."""

import re

import pytest

from pipeline.dossier.docstring_text import docstring_text, said

WHOLE = """Return the area.

Over two
lines.

    area = width * height

Args:
    width: in mm, ``> 0``;
        goes on here.
    height (float): in mm.

Returns:
    Square millimetres.

Raises:
    ValueError: a side is *negative*.

Source: Euclid, Elements I.

>>> area(2, 3)
6
"""


def test_every_part_has_its_form():
    text = docstring_text(WHOLE)
    assert "Over two lines." in text
    assert "```text\narea = width * height\n```" in text
    assert "*Args*\n\n- `width`: in mm, `> 0`; goes on here.\n- `height (float)`: in mm." in text
    assert "*Returns:* Square millimetres." in text
    assert "*Raises*\n\n- `ValueError`: a side is \\*negative\\*." in text
    assert "*Source:* Euclid, Elements I." in text
    assert text.endswith("```python\n>>> area(2, 3)\n6\n```")


def test_no_word_is_lost():
    words = set(re.findall(r"\w+", WHOLE))
    assert words - set(re.findall(r"\w+", docstring_text(WHOLE))) == set()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a_b [c] <d>", "a\\_b \\[c\\] &lt;d&gt;"),
        ("``x_y`` and `z`", "`x_y` and `z`"),
        ("half ` a quote", "half \\` a quote"),
    ],
)
def test_only_code_is_markup(text, shown):
    assert said(text) == shown


def test_a_list_stays_a_list():
    assert docstring_text("Rules:\n\n- one\n- two\n  goes on") == "Rules:\n\n- one\n- two\n  goes on"
