"""The page for people: one sheet of A4 about one input, as HTML that needs no other file and runs nothing.

Of an analysed film it shows the picture with its numbered marks, what was found of each of the seven findings, every caution, what made the result, and what it
is not for; of an input that was not analysed, the reasons and what to do. It is made from the same values and words as the JSON file beside it, so that the
two cannot tell different things, and it names no patient. Where a finding has more marks, or an input more reasons, than a sheet has room for, the page says
how many it leaves out and which file has them; no caution is left out.
"""

from __future__ import annotations

import base64
import io
import re
from datetime import UTC, datetime
from functools import cache
from html import escape
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Any

from device_sw.findings import all_findings
from device_sw.report.content import STATEMENT, conclusion, mark, score_note, training_note
from device_sw.report.drawing import colour, display
from device_sw.report.overlay import marks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from device_sw.findings import Finding
    from device_sw.report.content import AnalysisResult

SIDE = 640
"""Longest side of the film on the page, pixels: at 130 mm its labels are about as high as the text beside it."""

SHOWN_MARKS = 6
"""So many marks of one finding are told with their scores; all of them are drawn."""

SHOWN_REASONS = 8
"""So many reasons are told in full; of the others the codes are named."""

NOT_FOR_READING = "Film as displayed, made small. It shows where the marks are; read the film itself."
NO_RESULT = "It has no result, and nothing about the patient follows from this page."


def result_page(result: AnalysisResult, index: int, stem: str, run_time: datetime) -> str:
    """Return the page of an analysed film.

    Args:
        result: of the film.
        index: the input's number in its output folder.
        stem: the name that the film's files share.
        run_time: when the run began, with its time zone.
    """
    settings, film = result.settings, result.film
    made = f"ThoraTrace {result.device_version}, model {settings.model_version}. {training_note(settings)}"
    facts = {
        "Film": f"{film.modality}, view {film.view_position}, {film.columns} x {film.rows} pixels, {film.photometric}",
        "SOP Instance UID": film.sop_instance_uid,
        "Content SHA-256": film.content_sha256,
        "Bundle SHA-256": result.bundle_sha256,
        "Made with": f"{settings.preprocessing_id}; {settings.engine}; policy {result.policy.value}",
        **_when(index, run_time),
    }
    leads = f"The whole result: results/{stem}.json. Heat map over all findings together: overlays/{stem}.png."
    side = f"<div><p>{escape(score_note(settings))}</p>{_facts(facts)}</div>"
    body = f'{_cautions(result)}{_findings(result)}<div class="film">{_figure(result)}{side}</div>'
    return _filled(mark(result.policy), made, conclusion(result), body, leads, stem)


def refusal_page(record: Mapping[str, Any], stem: str, run_time: datetime) -> str:
    """Return the page of an input that was not analysed.

    Args:
        record: what `device_sw.report.refusal.refusal_record` says of it.
        stem: the name that the input's files share.
        run_time: when the run began, with its time zone.
    """
    told = record["input"]
    made = f"{record['device']['name']} {record['device']['version']}."
    facts = {
        "SOP Instance UID": told["sop_instance_uid"] or "could not be read",
        "Content SHA-256": told["content_sha256"] or "could not be read",
        "Bundle SHA-256": record["model"]["bundle_sha256"],
        "Made with": f"policy {record['policy']}",
        **_when(told["index"], run_time),
    }
    outcome = "was refused" if record["status"] == "refused" else "was admitted, but its analysis failed"
    reasons = record["reasons"]
    body = f"<p>The input {outcome}. {NO_RESULT}</p><table>{_row('th', 'Reason', 'Found', 'Expected', 'What to do')}"
    body += "".join(_reason(reason) for reason in reasons[:SHOWN_REASONS]) + "</table>"
    if len(reasons) > SHOWN_REASONS:
        more = ", ".join(reason["code"] for reason in reasons[SHOWN_REASONS:])
        body += f"<p>{len(reasons) - SHOWN_REASONS} more reasons stand in the record: {escape(more)}.</p>"
    body += f'<div class="room"></div>{_facts(facts)}'
    return _filled(record.get("mark"), made, record["conclusion"], body, f"The record: refusals/{stem}.json.", stem)


def _filled(  # noqa: PLR0913, PLR0917 - the parts of a page
    words: str | None, made: str, concluded: str, body: str, leads: str, stem: str
) -> str:
    """Return the page of these parts; body is HTML, everything else is text."""
    return _template().substitute(
        title=escape(f"ThoraTrace {stem}"),
        kind="research" if words else "intended-use",
        banner=escape(f"{words} - NOT FOR CLINICAL USE" if words else "NOT FOR CLINICAL USE"),
        made_by=escape(made),
        conclusion=escape(concluded),
        body=body,
        statement=escape(STATEMENT),
        leads=escape(leads),
    )


@cache
def _template() -> Template:
    return Template((files("device_sw.report") / "page.html").read_text(encoding="utf-8"))


def _facts(facts: Mapping[str, str]) -> str:
    return f"<dl>{''.join(f'<dt>{escape(name)}</dt><dd>{escape(value)}</dd>' for name, value in facts.items())}</dl>"


def stated_time(page: str) -> datetime:
    """Return the time that a page states.

    >>> stated_time("... run of 2026-11-21 17:31:05+00:00 ...")
    datetime.datetime(2026, 11, 21, 17, 31, 5, tzinfo=datetime.timezone.utc)

    Raises:
        ValueError: it states none.
    """
    stated = re.search(r"run of (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d)", page)
    if stated is None:
        raise ValueError("no time on the page")
    return datetime.fromisoformat(stated[1])


def _when(index: int, run_time: datetime) -> dict[str, str]:
    """Return the number of the input and the begin of the run, to the second and with its time zone."""
    return {
        "Input and run": f"number {index:04d} of its folder, run of {run_time.astimezone(UTC).isoformat(sep=' ', timespec='seconds')}"
    }


def _figure(result: AnalysisResult) -> str:
    """Return the film with its marks as an image within the page."""
    film = display(result.picture, SIDE)
    marks(film, result, (0, 0), film.size)
    stream = io.BytesIO()
    film.save(stream, format="PNG", compress_level=2)
    data = base64.b64encode(stream.getvalue()).decode("ascii")
    said = escape(f"The film with its marks. {conclusion(result)}", quote=True)
    return f'<figure><figcaption>{NOT_FOR_READING}</figcaption><div><img alt="{said}" src="data:image/png;base64,{data}"></div></figure>'


def _findings(result: AnalysisResult) -> str:
    """Return the table of the findings in the table's order; marks are numbered as in every picture."""
    rows, number = [_row("th", "Finding", "Marks and their scores", "Operating point")], 1
    for row in all_findings():
        rows.append(_finding(result, row, number))
        number += len(result.of(row))
    return f'<table class="findings">{"".join(rows)}</table>'


def _finding(result: AnalysisResult, row: Finding, first: int) -> str:
    found, looked = result.of(row), result.looked_for(row)
    tint = colour(row.id) if found else "none"
    key = f'<span class="key" style="background: {tint}"></span>'
    name = f'{key}{escape(row.name)} <span class="small">{escape(" ".join(row.chinese))}</span>'
    scores = [f"<b>[{number}] {detection.score:.2f}</b>" for number, detection in enumerate(found, start=first)]
    more = len(scores) - SHOWN_MARKS
    told = ", ".join([*scores[:SHOWN_MARKS], *([f"and {more} more"] if more > 0 else [])])
    state = told or ("not marked" if looked else "not analysed")
    return f"<tr><td>{name}</td><td>{state}</td><td>{f'{result.settings.thresholds[row.id]:.2f}' if looked else '-'}</td></tr>"


def _cautions(result: AnalysisResult) -> str:
    if not result.cautions:
        return ""
    return f'<div class="cautions">{"".join(f"<p>Caution: {escape(caution)}.</p>" for caution in result.cautions)}</div>'


def _reason(reason: Mapping[str, str]) -> str:
    code = f"<b>{escape(reason['code'])}</b><br>{escape(reason['where'])}"
    rest = "".join(f"<td>{escape(reason[name])}</td>" for name in ("found", "expected", "repair"))
    return f"<tr><td>{code}</td>{rest}</tr>"


def _row(cell: str, *texts: str) -> str:
    return f"<tr>{''.join(f'<{cell}>{escape(text)}</{cell}>' for text in texts)}</tr>"
