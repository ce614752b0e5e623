"""A figure of a record as text: value with its interval, or why it is undefined, cited with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.dossier.tables import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.dossier.evidence import EvidenceBook

NO_BREAK = "\N{NO-BREAK SPACE}"
"""Keeps the two ends of an interval on one line."""


def interval_text(interval: Mapping[str, float] | None) -> str:
    """Return an interval as it follows its figure; nothing where there is none.

    >>> interval_text({"low": 0.6, "high": 0.8}).replace(NO_BREAK, " "), interval_text(None)
    (' [0.600, 0.800]', '')
    """
    return f" [{interval['low']:.3f},{NO_BREAK}{interval['high']:.3f}]" if interval else ""


def metric_text(book: EvidenceBook, path: str, pointer: str) -> str:
    """Return the figure that ``validation.metrics.result.Metric`` wrote at a pointer of a record, as ``0.700 [0.600, 0.800]``."""
    found: dict[str, Any] = book.value(path, pointer)
    if found["value"] is None:
        return f"undefined: {plain(found['reason'])}"
    return book.cited(f"{found['value']:.3f}{interval_text(found.get('interval'))}", path, f"{pointer}/value")
