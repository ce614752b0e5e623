"""The indicators of post-market surveillance: what is watched, from which records of the device, with which limit, and who acts.

An indicator may name only what the device really writes: fields of an audit line are read from the code that writes it, fields of a result from its published
schema. So a plan cannot rest on records that do not exist.

    limits of a share:  p +- 3 sqrt(p (1 - p) / n)     p of the baseline, n films of the window

Source: MDR Annex III 1.1(b) (indicators and thresholds); ISO 14971 10.1 to 10.3; Shewhart, Economic Control of Quality of Manufactured Product, 1931 (control limits).
"""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any

from pipeline.dossier.errors import FileError
from pipeline.dossier.handwritten import HS, require_known, sound, value_of
from pipeline.dossier.tables import identified, links, plain, table
from pipeline.dossier.validation_pages import RECORD
from requirements_spec.datafile import Table, Tables, Text, Texts, Whole

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from pipeline.dossier.evidence import EvidenceBook

PLAN = "docs/surveillance.toml"
WRITER, IDENTITY, RESULTS = "device_sw/batch/run.py", "device_sw/batch/examination.py", "docs/schemas/result.schema.json"
_LINE, _MADE_BY = "_line", "Identity"
_CHAIN = frozenset({"previous"})
"""What the trail itself adds to each line."""

_TABLE = Table(
    {
        "schema": Text(choices=frozenset({"thoratrace/surveillance/1"})),
        "window": Table(
            {"films": Whole(1, 1_000_000), "reason": Text(), "baseline_films": Whole(1, 1_000_000), "baseline_reason": Text()}
        ),
        "indicator": Tables(
            Table(
                {
                    "id": Text(pattern=r"PMI-\d{2}"),
                    "title": Text(),
                    "asks": Text(),
                    "records": Texts(each=Text(pattern=r"(audit|result):[a-z0-9_]+"), least=0),
                    "formula": Text(),
                    "chart": Text(choices=frozenset({"share", "count", "level"})),
                    "limit": Text(),
                    "action": Text(),
                    "owner_role": Text(),
                    "situations": Texts(each=HS),
                }
            )
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Indicator:
    """One thing that is watched; the fields are those of the plan."""

    id: str
    title: str
    asks: str
    records: tuple[str, ...]
    formula: str
    chart: str
    limit: str
    action: str
    owner_role: str
    situations: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """The window with its reasons, and the indicators in the order of the file."""

    window: Mapping[str, Any]
    indicators: tuple[Indicator, ...]


def load_plan(root: Path, situations: Collection[str]) -> Plan:
    """Return the plan.

    Args:
        root: of the repository.
        situations: ids of the hazardous situations of the risk file.

    Raises:
        FileError: FILE-DATA, the file does not hold what it must; FILE-CONTENT, an indicator names a record or a situation that does not exist.
    """
    document = sound(root, PLAN, _TABLE, ("indicator",))
    written = {f"audit:{name}" for name in audit_fields(root)} | {f"result:{name}" for name in result_fields(root)}
    indicators = tuple(value_of(Indicator, row.data) for row in document.rows("indicator"))
    for indicator in indicators:
        require_known(f"{PLAN} {indicator.id}", indicator.records, written, "record of the device")
        require_known(f"{PLAN} {indicator.id}", indicator.situations, situations, "hazardous situation")
    return Plan(document.data["window"], indicators)


def audit_fields(root: Path) -> frozenset[str]:
    """Return the fields of an audit line, from the code that writes it: the keys of its dictionary, the identity it unfolds, and the link of the chain.

    Raises:
        FileError: FILE-CONTENT, the code that writes a line is not where it was.
    """
    writer, identity = _tree(root, WRITER), _tree(root, IDENTITY)
    keys = {
        key.value
        for function in ast.walk(writer)
        if isinstance(function, ast.FunctionDef) and function.name == _LINE
        for written in ast.walk(function)
        if isinstance(written, ast.Dict)
        for key in written.keys
        if isinstance(key, ast.Constant) and isinstance(key.value, str)
    }
    made_by = {
        field.target.id
        for held in ast.walk(identity)
        if isinstance(held, ast.ClassDef) and held.name == _MADE_BY
        for field in held.body
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
    }
    if not (keys and made_by):
        found = f"no {_LINE} with a dictionary, or no {_MADE_BY}"
        raise FileError(
            "FILE-CONTENT",
            f"{WRITER}, {IDENTITY}",
            found,
            "the code that writes an audit line",
            "name it in surveillance_pages.py",
        )
    return frozenset(keys | made_by | _CHAIN)


def _tree(root: Path, name: str) -> ast.Module:
    return ast.parse((root / name).read_text(encoding="utf-8"))


def result_fields(root: Path) -> frozenset[str]:
    """Return the fields of a result, from its published schema."""
    return frozenset(json.loads((root / RESULTS).read_text(encoding="utf-8"))["properties"])


def control_limits(share: float, films: int) -> tuple[float, float]:
    """Return the limits of a share in a window, cut off at 0 and 1.

    >>> [round(limit, 4) for limit in control_limits(0.05, 500)]
    [0.0208, 0.0792]
    >>> control_limits(0.0, 500)
    (0.0, 0.0)
    """
    width = 3.0 * sqrt(share * (1.0 - share) / films)
    return max(0.0, share - width), min(1.0, share + width)


class SurveillancePages:
    """The tables of the page of surveillance."""

    def __init__(self, plan: Plan, book: EvidenceBook) -> None:
        """Keep the plan, and the book for the worked example."""
        self._plan = plan
        self._book = book

    def window(self) -> str:
        """Return window and baseline with their reasons."""
        window = self._plan.window
        return (
            f"**Window:** {window['films']} analysed films. {plain(window['reason'])}\n\n"
            f"**Baseline:** {window['baseline_films']} films. {plain(window['baseline_reason'])}"
        )

    def indicators(self) -> str:
        """Return every indicator with its records, its limit, what follows and who acts."""
        rows = [self._indicator(each) for each in self._plan.indicators]
        return table(
            ["Id", "Indicator", "Computed from", "Limit", "What follows, and who acts"], rows, widths=[9, 23, 25, 18, 25]
        )

    @staticmethod
    def _indicator(each: Indicator) -> list[str]:
        records = ", ".join(f"`{record}`" for record in each.records) or "reports of people and publishers; nothing of the device"
        return [
            identified(each.id),
            f"**{plain(each.title)}**\n\n{plain(each.asks)}\n\n{links(each.situations)}",
            f"{plain(each.formula)}\n\n{records}",
            plain(each.limit),
            f"{plain(each.action)}\n\n*{plain(each.owner_role)}*",
        ]

    def worked(self) -> str:
        """Return the limits as they would come out if the phantom test films of this build were a baseline, which they are of no site."""
        rows = [self._worked(what, *counts, where) for what, *counts, where in self._shares()]
        films = self._plan.window["films"]
        return table(["Share", "On the phantom test films", f"Limits in a window of {films}"], rows, widths=[44, 28, 28])

    def _worked(self, what: str, count: int, films: int, where: str) -> list[str]:
        low, high = control_limits(count / films, self._plan.window["films"])
        shown = self._book.cited(f"{count} of {films} ({count / films:.3f})", RECORD, where)
        limits = f"{low:.3f} to {high:.3f}" if count else "none by this formula: each one is looked at"
        return [plain(what), shown, self._book.cited(limits, RECORD, where)]

    def _shares(self) -> Iterator[tuple[str, int, int, str]]:
        value, films = self._book.value, self._book.value(RECORD, "/films/test")
        yield "refused films (PMI-01)", value(RECORD, "/refused/films"), films, "/refused/films"
        for code, count in value(RECORD, "/refused/codes").items():
            yield f"refused with {code} (PMI-01)", count, films, f"/refused/codes/{code}"
        place = "/operating_point/all_findings/film_specificity"
        clean, normal = value(RECORD, f"{place}/numerator"), value(RECORD, f"{place}/denominator")
        yield "normal films with a mark (PMI-06)", normal - clean, normal, f"{place}/numerator"
