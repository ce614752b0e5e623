"""The environment that HTML pages for people are rendered in: what is printed is escaped, and a value that is missing stops the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined

if TYPE_CHECKING:
    from pathlib import Path


def page_environment(folder: Path) -> Environment:
    """Return the environment of the templates in a folder."""
    loader = FileSystemLoader(folder)
    return Environment(loader=loader, undefined=StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True)
