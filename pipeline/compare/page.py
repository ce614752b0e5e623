"""The design rationale as one HTML page with its pictures inside, made from the record alone."""

from __future__ import annotations

import base64
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.compare.plots import HEADLINES, PLOTS
from pipeline.html_page import page_environment
from pipeline.run import write_json
from validation.plots.canvas import save

if TYPE_CHECKING:
    from collections.abc import Mapping

TEMPLATE = "comparison.html.jinja"
COLUMNS = {**HEADLINES, "sensitivity": "sensitivity at the operating point", "false_positives": "false positives a film there"}
"""Figures of the page's tables, by their title."""


def write(folder: Path, record: Mapping[str, Any]) -> Path:
    """Write comparison.json, the pictures and comparison.html into a folder, and return the page."""
    write_json(folder / "comparison.json", record)
    for stem in _drawable(record):
        save(PLOTS[stem][1](record), folder / f"{stem}.png")
    page = folder / "comparison.html"
    page.write_text(render(record), encoding="utf-8")
    return page


def render(record: Mapping[str, Any]) -> str:
    """Return the page."""
    environment = page_environment(Path(__file__).parent)
    environment.filters["shown"] = shown
    pictures = {PLOTS[stem][0]: _inline(stem, record) for stem in _drawable(record)}
    return environment.get_template(TEMPLATE).render(record=record, columns=COLUMNS, pictures=pictures)


def shown(metric: Mapping[str, Any], digits: int = 3) -> str:
    """Return a metric with its interval as text.

    >>> shown({"value": 0.5, "interval": {"low": 0.4, "high": 0.6}})
    '0.500 [0.400, 0.600]'
    >>> shown({"value": None, "reason": "no truth boxes"})
    'undefined: no truth boxes'
    """
    if metric["value"] is None:
        return f"undefined: {str(metric['reason']).removeprefix('undefined ')}"
    interval = metric.get("interval")
    between = f" [{interval['low']:.{digits}f}, {interval['high']:.{digits}f}]" if interval else ""
    return f"{metric['value']:.{digits}f}{between}"


def _drawable(record: Mapping[str, Any]) -> list[str]:
    """Return the pictures that the record has something for."""
    if not record["families"]:
        return []
    return [stem for stem in PLOTS if stem != "differences" or record["differences"]]


def _inline(stem: str, record: Mapping[str, Any]) -> str:
    stream = BytesIO()
    PLOTS[stem][1](record).savefig(stream, format="png", metadata={"Software": None})
    return base64.b64encode(stream.getvalue()).decode("ascii")
