"""A figure of a record as text: value with its interval, or why it is undefined, cited with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.dossier.tables import plain

if TYPE_CHECKING:
    from pipeline.dossier.evidence import EvidenceBook

NO_BREAK = "\N{NO-BREAK SPACE}"


def metric_text(book: EvidenceBook, path: str, pointer: str) -> str:
    """Return the figure that ``validation.metrics.result.Metric`` wrote at a pointer of a record, as ``0.700 [0.600, 0.800]``."""
    found: dict[str, Any] = book.value(path, pointer)
    if found["value"] is None:
        return f"undefined: {plain(found['reason'])}"
    between = found.get("interval")
    text = f"{found['value']:.3f}" + (f" [{between['low']:.3f},{NO_BREAK}{between['high']:.3f}]" if between else "")
    return book.cited(text, path, f"{pointer}/value")
