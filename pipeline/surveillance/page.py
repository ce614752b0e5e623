"""The record as one HTML page with its control charts inside, made from record and plan alone: equal inputs give equal bytes."""

from __future__ import annotations

import base64
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.html_page import page_environment
from pipeline.run import write_json
from pipeline.surveillance.charts import chart
from validation.plots.canvas import label

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.surveillance.plan import Plan

TEMPLATE = "surveillance.html.jinja"
RECORD, PAGE = "surveillance.json", "surveillance.html"


def write(folder: Path, record: Mapping[str, Any], plan: Plan) -> Path:
    """Write record, control charts and page into a folder, and return the page; control charts of an earlier run are removed."""
    write_json(folder / RECORD, record)
    pictures = _pictures(record)
    for left in folder.glob("PMI-[0-9][0-9].png"):
        left.unlink()
    for name, content in pictures.items():
        (folder / f"{name}.png").write_bytes(content)
    page = folder / PAGE
    page.write_text(_render(record, plan, pictures), encoding="utf-8")
    return page


def _pictures(record: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the control chart of each indicator that has windows, by its id."""
    drawn = {}
    for indicator in record["indicators"] if record["windows"] else ():
        if indicator["series"]:
            stream = BytesIO()
            chart(indicator, record["films_are"]).savefig(stream, format="png", metadata={"Software": None})
            drawn[indicator["id"]] = stream.getvalue()
    return drawn


def _render(record: Mapping[str, Any], plan: Plan, pictures: Mapping[str, bytes]) -> str:
    environment = page_environment(Path(__file__).parent)
    environment.filters |= {"shown": shown, "between": between, "words": lambda name: label(name).replace("\n", " ")}
    inline = {name: base64.b64encode(content).decode("ascii") for name, content in pictures.items()}
    plans = {each.id: each for each in plan.indicators}
    return environment.get_template(TEMPLATE).render(record=record, plans=plans, pictures=inline)


def shown(value: float | None) -> str:
    """Return a figure in three digits, whole numbers whole.

    >>> shown(0.12345), shown(3.0), shown(None)
    ('0.123', '3', 'none')
    """
    if value is None:
        return "none"
    return f"{value:.0f}" if float(value).is_integer() and value > 1 else f"{value:.3f}"


def between(ends: tuple[float, float] | None) -> str:
    """Return an interval or limits.

    >>> between((0.25, 0.5)), between(None)
    ('0.250 to 0.500', '')
    """
    return f"{ends[0]:.3f} to {ends[1]:.3f}" if ends else ""
