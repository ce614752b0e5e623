"""What a page of the instructions for use will print: its template filled with what the risk file owes the user, and with nothing else.

The gate cannot wait for the built page, which is made after it and from its result; but the template decides what the page prints. So it is rendered here
with the sentences and residual risks of the risk file, and with silence for every other name. What does not come through then (a call that was taken
out, a false condition, a comment around it) does not come through in the technical file either.

Source: ISO 14971 7.1 c, 8; MDR Annex I 23.1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from requirements_spec.model import SECTIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from jinja2 import Template

    from risk.labelling import Disclosure, Sentence

HIDDEN = re.compile(r"<!--.*?(-->|\Z)|^[ \t]*%[^\n]*$", re.DOTALL | re.MULTILINE)
"""Comments of HTML and of MyST: they reach the page's source and no reader."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a page shows, with single spaces; ``error`` is why it could not be rendered, or ""."""

    text: str
    error: str = ""

    def shows(self, text: str) -> bool:
        """Say whether the page shows a text, line breaks aside.

        >>> Rendered("Read the whole film.").shows("the whole")
        True
        """
        return " ".join(text.split()) in self.text


def read_label_pages(root: Path) -> Mapping[str, str]:
    """Return the templates of all sections of the technical file by section id; a page that is missing or no text is left out."""
    found = {}
    for name in SECTIONS:
        try:
            found[name] = (root / "docs" / f"{name}.md").read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
    return found


def render(section: str, template: str, sentences: Iterable[Sentence], disclosures: Iterable[Disclosure]) -> Rendered:
    """Return what the page of a section shows of the given sentences and residual risks."""
    from jinja2 import TemplateError  # noqa: PLC0415 - loaded only where a project has something to say to users

    names = {
        "risk": _Owed(tuple(sentences), tuple(disclosures)),
        "plain": str,
    }
    try:
        shown = _compiled(template).render(names)
    except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as err:
        line = getattr(err, "lineno", None)
        return Rendered("", f"docs/{section}.md{f':{line}' if line else ''} cannot be rendered: {err}")
    return Rendered(" ".join(HIDDEN.sub(" ", shown).split()))


@lru_cache(maxsize=64)
def _compiled(template: str) -> Template:
    from jinja2.sandbox import SandboxedEnvironment  # noqa: PLC0415

    return SandboxedEnvironment(undefined=_silence()).from_string(template)


class _Owed:
    """Stands in for the risk pages of the technical file: it prints what users are owed, and nothing for anything else."""

    def __init__(self, sentences: tuple[Sentence, ...], disclosures: tuple[Disclosure, ...]) -> None:
        self._sentences = sentences
        self._disclosures = disclosures

    def instructions(self, section: str = "labelling") -> str:
        return "\n".join(f"- {each.text}" for each in self._sentences if each.section == section)

    def residuals(self) -> str:
        return "\n".join(f"- {each.situation} {each.text} {each.harm}" for each in self._disclosures)

    def __getattr__(self, _name: str) -> Any:
        return _silence()()


def _silence() -> Any:
    from jinja2 import ChainableUndefined  # noqa: PLC0415

    class Silence(ChainableUndefined):
        """A value that prints nothing, holds nothing, and answers every question with itself."""

        def __call__(self, *_arguments: Any, **_named: Any) -> Any:
            return self

    return Silence
