"""Writes the dataset report as one HTML page for people: counts, sizes, films with their boxes drawn, exclusions and remarks, the books of the masks.

The page holds patients' pictures, as the films beside it do. It needs no other file and no network.
"""

from __future__ import annotations

import base64
import html
from typing import TYPE_CHECKING, Any

from pipeline.adapters.remarks import MEANING
from pipeline.adapters.report_pictures import gallery, sizes_figure

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from pipeline.adapters.outcome import Outcome

MOST_ROWS = 500
"""Longest table on the page; the JSON beside it has all rows."""

_STYLE = """
body { font: 15px/1.45 system-ui, "Noto Sans", "Noto Sans CJK TC", sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem; color: #1c2733 }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2.2rem; border-bottom: 1px solid #d5dce3 }
table { border-collapse: collapse; margin: .6rem 0 1rem } th, td { padding: .22rem .7rem; border-bottom: 1px solid #e4e9ee; text-align: left; vertical-align: top }
td.n { text-align: right; font-variant-numeric: tabular-nums } img { max-width: 100% } .none { color: #5b6b7a }
"""


def write_page(folder: Path, profile: str, outcome: Outcome, report: dict[str, Any], preprocessing: str) -> None:
    """Write ``dataset_report.html`` beside the films of a cohort folder.

    Args:
        folder: the cohort folder, films already written.
        profile: name of the data profile.
        outcome: what the adapter handed back.
        report: the report as values.
        preprocessing: id of the recipe of the normalised views.
    """
    parts = [
        f"<h1>Dataset report: profile {html.escape(profile)}</h1>",
        "<ul>" + "".join(f"<li>{html.escape(note)}</li>" for note in outcome.notes) + "</ul>",
        _section("Films", _films(report)),
        _section("Findings", _findings(report)),
        _section("Sizes of boxes", _picture(sizes_figure(outcome.entries), "Width and height of each box as share of its film")),
        _section("Films with their boxes", _pictures(folder, outcome, preprocessing)),
        _section("Boxes left out", _excluded(report)),
        _section(
            "Films not scored", _table(("split", "reason", "films"), [tuple(row.values()) for row in report["unscored_films"]])
        ),
        _section("Remarks", _remarks(report)),
        *([_section("Books of the masks", _masks(report))] if report["masks"] else []),
        _section("Tables read", _sources(report)),
    ]
    page = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Dataset report: {html.escape(profile)}</title>'
        f"<style>{_STYLE}</style><body>{''.join(parts)}</body></html>\n"
    )
    (folder / "dataset_report.html").write_text(page, encoding="utf-8")


def _section(title: str, body: str) -> str:
    return f"<h2>{html.escape(title)}</h2>{body}"


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    listed = list(rows)
    if not listed:
        return '<p class="none">None.</p>'
    lines = "".join(f"<tr>{''.join(_cell(cell) for cell in row)}</tr>" for row in listed[:MOST_ROWS])
    more = f"<p>{len(listed) - MOST_ROWS} further rows in dataset_report.json.</p>" if len(listed) > MOST_ROWS else ""
    return f"<table><tr>{''.join(f'<th>{html.escape(name)}</th>' for name in head)}</tr>{lines}</table>{more}"


def _cell(value: Any) -> str:
    number = isinstance(value, int | float)
    text = "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
    return f'<td class="n">{text}</td>' if number else f"<td>{html.escape(text)}</td>"


def _films(report: dict[str, Any]) -> str:
    rows = [
        (
            split,
            part["films"],
            part["patients"],
            _counts(part["sizes"]),
            *(_counts(part["strata"][name]) for name in ("view", "sex", "age_band")),
        )
        for split, part in report["splits"].items()
    ]
    return _table(("split", "films", "patients", "sizes (rows x columns)", "view", "sex", "age band"), rows)


def _counts(counted: dict[str, int], most: int = 6) -> str:
    ranked = sorted(counted.items(), key=lambda item: -item[1])
    shown = ", ".join(f"{name or 'unknown'}: {count}" for name, count in ranked[:most])
    return shown + (f", {len(ranked) - most} more" if len(ranked) > most else "")


def _findings(report: dict[str, Any]) -> str:
    rows = [
        (name, split, part["present"], part["absent"], part["nobody_looked"], part["boxes"], *_medians(part))
        for split, films in report["splits"].items()
        for name, part in films["findings"].items()
    ]
    head = (
        "finding",
        "split",
        "present",
        "absent",
        "unknown",
        "boxes",
        "median width (px)",
        "median height (px)",
        "median share of the film",
    )
    return _table(head, sorted(rows, key=lambda row: (row[0], ("train", "val", "test").index(row[1]))))


def _medians(part: dict[str, Any]) -> tuple[float | None, ...]:
    return tuple(part[name]["median"] if part[name] else None for name in ("width_px", "height_px", "area_share"))


def _picture(png: bytes | None, text: str) -> str:
    if png is None:
        return '<p class="none">No boxes.</p>'
    return f'<img alt="{html.escape(text)}" src="data:image/png;base64,{base64.b64encode(png).decode()}">'


def _pictures(folder: Path, outcome: Outcome, preprocessing: str) -> str:
    shown = gallery(folder, outcome.entries, preprocessing)
    text = f"<p>Each row is a film: the values as stored, their logarithm, and what the network sees ({html.escape(preprocessing)}).</p>"
    return text + "".join(_picture(png, caption) for caption, png in shown)


def _excluded(report: dict[str, Any]) -> str:
    return _table(
        ("split", "class in the source", "reason", "boxes"),
        [(row["split"], row["class"], row["reason"], row["boxes"]) for row in report["excluded_boxes"]],
    )


def _remarks(report: dict[str, Any]) -> str:
    counts = _table(
        ("code", "what it says", "times"), [(code, MEANING[code], count) for code, count in report["remark_counts"].items()]
    )
    rows = [(remark["where"], remark["code"], remark["found"], remark["effect"]) for remark in report["remarks"]]
    return counts + (_table(("where", "code", "found", "effect"), rows) if rows else "")


def _masks(report: dict[str, Any]) -> str:
    rows = [_mask(mask) for mask in report["masks"]]
    head = (
        *("film", "finding", "components", "kept", "dropped as specks", "boxes", "mark (px)", "JPEG ringing (px)"),
        *("components if every pixel above 0 counted", "edge shift 64..192 (px)", "refused"),
    )
    return _table(head, rows)


def _mask(mask: dict[str, Any]) -> tuple[Any, ...]:
    if "refused" in mask:
        return (mask["film"], mask["finding"], *[None] * 8, f"{mask['refused']}: {mask['found']}")
    parts = mask["components"]
    kept = [part for part in parts if part["dropped"] is None]
    boxes = "; ".join(",".join(str(edge) for edge in part["box"]) for part in kept)
    return (
        *(
            mask["film"],
            mask["finding"],
            len(parts),
            len(kept),
            len(parts) - len(kept),
            boxes,
            mask["foreground_px"],
            mask["ringing_px"],
        ),
        *(mask["components_above_zero"], mask["edge_shift_px"], None),
    )


def _sources(report: dict[str, Any]) -> str:
    rows = [(name, one["encoding"], one["rows"], _counts(one["labels"])) for name, one in report["sources"].items()]
    return _table(("table", "encoding", "rows", "labels written in"), rows)
