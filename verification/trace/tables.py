"""The trace matrix as plain tables, and these as CSV, as an Excel workbook and as JSON.

The first table, ``items``, holds every item of every kind on one line with all its neighbours by kind; it alone is the CSV. The others are the tables of
the page. In JSON a cell with several entries is a list; in CSV and Excel they stand one a line. A text that begins like a formula is text everywhere.
`matrix.schema.json` describes the JSON (``python -m verification.trace.tables`` prints it).
"""

from __future__ import annotations

import csv
import io
import json
import sys
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from verification.trace.graph import Kind, Status
from verification.trace.spreadsheet import LONGEST_CELL, Sheet, escape, inert, to_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from verification.trace.graph import Graph, Node
    from verification.trace.matrix_rows import Case, ControlRow, Matrix

SCHEMA = "thoratrace/matrix/1"
Cell = str | int | float | bool | None | tuple[str, ...]

NEIGHBOURS = {
    Kind.NEED: "needs",
    Kind.REQUIREMENT: "requirements",
    Kind.CONTROL: "controls",
    Kind.SITUATION: "situations",
    Kind.HAZARD: "hazards",
    Kind.SCENARIO: "scenarios",
    Kind.FAULT: "seeded_defects",
    Kind.ANOMALY: "anomalies",
    Kind.ENDPOINT: "endpoints",
    Kind.ITEM: "software_items",
    Kind.MODULE: "modules",
    Kind.SOUP: "soup",
    Kind.SECTION: "sections",
}
"""The column of an item's neighbours of each kind, whichever of the two owns the link."""

MISSING = "missing"
"""The column of what an item names and nobody declares."""


@dataclass(frozen=True)
class Table:
    """One table: columns by name with their meaning, and rows of as many cells."""

    name: str
    title: str
    columns: Mapping[str, str]
    rows: tuple[tuple[Cell, ...], ...]


def tables(matrix: Matrix) -> tuple[Table, ...]:
    """Return every table of a matrix, in order."""
    return tuple(Table(name, title, columns, tuple(rows(matrix))) for name, title, columns, rows in TABLES)


_ID, _WHERE = "id of the item", "file and line"
_ITEMS = {
    "kind": "what the item is",
    "id": _ID,
    "title": "its title",
    "text": "its text, where it has one besides the title",
    "status": "what the accepted evidence says: passed, not passed or no evidence",
    **{name: f"linked {name.replace('_', ' ')}" for name in NEIGHBOURS.values()},
    MISSING: "ids that it names and nobody declares",
    "where": _WHERE,
}
_REQUIREMENTS = {
    "id": _ID,
    "title": "its title",
    "text": "what the device shall do",
    "needs": "needs it serves",
    "type": "what it is about",
    "safety": "whether it implements a risk control",
    "method": "how it is verified",
    "acceptance": "when it holds",
    "software_item": "where it is implemented",
    "controls": "risk controls it contributes to",
    "not_risk_related": "why it is not related to risk",
    "sections": "sections of the technical file",
    "scenarios": "scenarios that verify it",
    "endpoints": "validation endpoints that verify it",
    "status": "what the accepted evidence says",
    "where": _WHERE,
}
_SITUATIONS = {
    "hazard": "id of its hazard",
    "hazard_title": "title of its hazard",
    "id": _ID,
    "text": "the situation",
    "harm": "what it leads to",
    "initial": "severity and probability before any control",
    "initial_acceptability": "by the policy",
    "controls": "controls that reduce it",
    "residual": "severity and probability with them",
    "residual_acceptability": "by the policy",
    "status": "whether all its controls are verified",
    "where": _WHERE,
}
_CONTROLS = {
    "id": _ID,
    "title": "its title",
    "type": "option of ISO 14971 7.1",
    "text": "the measure",
    "situations": "situations it reduces",
    "requirements": "requirements that implement it",
    "implemented": "whether they are verified (ISO 14971 7.2, first half)",
    "scenarios": "scenarios that show its effect",
    "effective": "whether they passed (ISO 14971 7.2, second half)",
    "seeded_defects": "defects seeded against it",
    "would_fail_if": "what each of them does",
    "shown": "whether its scenario failed under it, in this build",
    "arising": "risks that it brings (ISO 14971 7.5)",
    "where": _WHERE,
}
_SCENARIOS = {
    "id": _ID,
    "name": "its name",
    "verifies": "requirements and controls it is evidence for",
    "status": "passed only where each row has one clean pass",
    "rows": "number of its examples",
    "outcomes": "how many rows had which outcome",
    "not_passed": "rows that are no clean pass",
    "bridges": "bridges that carried results of another state of the sources over",
    "where": _WHERE,
}
_FAULTS = {
    "id": _ID,
    "changes": "what of the device or of the instructions for use it changes",
    "control": "the control it is seeded against",
    "would_fail_if": "what it does",
    "scenarios": "scenarios that must fail under it",
    "shown": "shown, not shown or not run, in this build",
    "killed_by": "scenarios that failed under it",
    "where": _WHERE,
}
_ANOMALIES = {
    "id": _ID,
    "title": "what is wrong",
    "state": "of its handling",
    "category": "where the cause lies",
    "concerns": "items it is about",
    "situations": "hazardous situations it can lead to",
    "no_safety_impact": "why it leads to none",
    "where": _WHERE,
}
_SOFTWARE = {
    "id": _ID,
    "title": "its title",
    "purpose": "what it is for",
    "modules": "its modules",
    "requirements": "requirements allocated to it",
    "soup": "SOUP it uses",
    "where": _WHERE,
}
_ENDPOINTS = {
    "id": _ID,
    "title": "its title",
    "value": "the figure; empty where it is undefined",
    "direction": "which way is better",
    "threshold": "the goal",
    "bound": "what is compared with the goal",
    "primary": "whether it is a primary endpoint",
    "status": "whether the goal is met",
    "reason": "why the figure is undefined",
    "requirements": "requirements it is evidence for",
}
_OBLIGATIONS = {
    "id": "id of the entry",
    "what": "the obligation",
    "before": "what it was",
    "after": "what it is",
    "author": "who entered it",
    "reason": "why it became smaller",
    "where": _WHERE,
}
_PROBLEMS = {
    "code": "stable code",
    "where": _WHERE,
    "item": "the item or path concerned",
    "found": "what is there",
    "expected": "what should be there",
    "repair": "what to do",
    "clause": "who asks for it",
}


def _item_rows(matrix: Matrix) -> Iterator[tuple[Cell, ...]]:
    graph = matrix.result.graph
    near = _neighbours(graph)
    names = (*NEIGHBOURS.values(), MISSING)
    for name in sorted(graph.nodes):
        node = graph.nodes[name]
        text = node.facts.get("text")
        linked = (tuple(sorted(near[name, column])) if (name, column) in near else () for column in names)
        yield str(node.kind), name, node.title, str(text) if text else None, _status(graph, node), *linked, node.where


def _neighbours(graph: Graph) -> Mapping[tuple[str, str], set[str]]:
    """Return for each item and column the ids that stand there, following every link once in both directions."""
    table: dict[tuple[str, str], set[str]] = defaultdict(set)
    for edge in graph.edges:
        target = graph.nodes.get(edge.target)
        column = NEIGHBOURS[target.kind] if target else MISSING
        table[edge.source, column].add(edge.target)
        if target and edge.source in graph.nodes:
            table[edge.target, NEIGHBOURS[graph.nodes[edge.source].kind]].add(edge.source)
    return table


def _status(graph: Graph, node: Node) -> str | None:
    match node.kind:
        case Kind.SCENARIO:
            return str(graph.scenario_status(node.id))
        case Kind.REQUIREMENT | Kind.CONTROL:
            return str(graph.status(node.id))
        case Kind.ENDPOINT:
            return str(Status.PASSED if node.facts.get("passed") else Status.NOT_PASSED)
        case _:
            return None


def _requirement_rows(matrix: Matrix) -> Iterator[tuple[Cell, ...]]:
    for row in sorted((row for band in matrix.needs for row in band.rows if row.first), key=lambda row: row.node.id):
        facts = row.node.facts
        yield (
            row.node.id,
            row.node.title,
            facts["text"],
            row.marks.needs,
            facts["type"],
            facts["safety"],
            facts["verification"],
            facts["acceptance"],
            row.item,
            tuple(control.id for control in row.controls),
            facts["not_risk_related"],
            row.sections,
            _ids(row.cases),
            tuple(node.id for node in row.endpoints),
            str(row.status),
            row.node.where,
        )


def _ids(cases: Iterable[Case]) -> tuple[str, ...]:
    return tuple(case.id for case in cases)


def _situation_rows(matrix: Matrix) -> Iterator[tuple[Cell, ...]]:
    for band in matrix.hazards:
        for row in band.rows:
            facts = row.node.facts
            controls = tuple(control.node.id for control in row.controls)
            before = (
                facts["harm"],
                facts["initial_level"],
                facts["initial"],
                controls,
                facts["residual_level"],
                facts["residual"],
            )
            yield band.node.id, band.node.title, row.node.id, row.node.title, *before, str(row.status), row.node.where


def _control_rows(matrix: Matrix) -> Iterator[tuple[Cell, ...]]:
    return map(_control_row, matrix.controls)


def _control_row(row: ControlRow) -> tuple[Cell, ...]:
    facts = row.node.facts
    return (
        row.node.id,
        row.node.title,
        facts["type"],
        facts["text"],
        row.situations,
        row.requirements,
        str(row.implemented),
        _ids(row.cases),
        str(row.effective),
        tuple(fault.node.id for fault in row.faults),
        tuple(fault.would_fail_if for fault in row.faults),
        tuple(fault.shown for fault in row.faults),
        facts["arising"] or facts["arising_assessment"],
        row.node.where,
    )


def _scenario_rows(matrix: Matrix) -> Iterator[tuple[Cell, ...]]:
    return map(_scenario_row, matrix.scenarios)


def _scenario_row(case: Case) -> tuple[Cell, ...]:
    outcomes = tuple(f"{count} {outcome}" for outcome, count in case.outcomes)
    bad = tuple(f"{outcome}: {row}" if row else outcome for row, outcome in case.bad)
    return case.id, case.name, case.verifies, str(case.status), case.rows, outcomes, bad, case.bridges, case.place


def _fault_rows(matrix: Matrix) -> Iterator[tuple[Cell, ...]]:
    for row in matrix.faults:
        killed = row.killed_by
        yield (
            row.node.id,
            str(row.node.facts.get("changes", "")),
            row.control,
            row.would_fail_if,
            _ids(row.cases),
            row.shown,
            killed,
            row.node.where,
        )


def _anomaly_rows(matrix: Matrix) -> Iterator[tuple[Cell, ...]]:
    for row in matrix.anomalies:
        facts = row.node.facts
        situations = tuple(str(each) for each in facts.get("situations", ()))
        reason = facts.get("no_safety_impact") or None
        head = (row.node.id, row.node.title, str(facts.get("state", "")), str(facts.get("category", "")))
        yield *head, row.targets, situations, reason, row.node.where


def _software_rows(matrix: Matrix) -> Iterator[tuple[Cell, ...]]:
    for row in matrix.items:
        soup = tuple(node.id for node in row.soup)
        yield row.node.id, row.node.title, row.node.facts["purpose"], row.modules, row.requirements, soup, row.node.where


def _endpoint_rows(matrix: Matrix) -> Iterator[tuple[Cell, ...]]:
    for row in matrix.endpoints:
        facts = row.node.facts
        goal = (facts["value"], facts["direction"], facts["threshold"], facts["bound"], facts["primary"])
        yield row.node.id, row.node.title, *goal, row.marks.status, facts["reason"], row.targets


def _obligation_rows(matrix: Matrix) -> Iterator[tuple[Cell, ...]]:
    for each in matrix.ledger:
        yield each.id, each.what, each.before, each.after, each.author, each.reason, each.where


def _problem_rows(matrix: Matrix) -> Iterator[tuple[Cell, ...]]:
    for each in matrix.result.problems:
        yield each.code, each.where, each.item, each.found, each.expected, each.repair, each.clause


TABLES: tuple[tuple[str, str, Mapping[str, str], Callable[[Matrix], Iterator[tuple[Cell, ...]]]], ...] = (
    ("items", "Every item with its neighbours", _ITEMS, _item_rows),
    ("requirements", "Requirements", _REQUIREMENTS, _requirement_rows),
    ("situations", "Hazardous situations", _SITUATIONS, _situation_rows),
    ("controls", "Risk controls", _CONTROLS, _control_rows),
    ("scenarios", "Scenarios", _SCENARIOS, _scenario_rows),
    ("seeded_defects", "Seeded defects", _FAULTS, _fault_rows),
    ("anomalies", "Anomalies", _ANOMALIES, _anomaly_rows),
    ("software_items", "Software items", _SOFTWARE, _software_rows),
    ("endpoints", "Validation endpoints", _ENDPOINTS, _endpoint_rows),
    ("obligations", "Obligations made smaller, as entered", _OBLIGATIONS, _obligation_rows),
    ("problems", "Problems", _PROBLEMS, _problem_rows),
)
"""Name, title, columns with their meaning, and rows of every table."""


def to_csv(found: tuple[Table, ...]) -> bytes:
    """Return the table of items as CSV: UTF-8 with the mark that Excel asks for, commas, CR LF, every text quoted and inert."""
    items = found[0]
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    writer.writerow(items.columns)
    writer.writerows([_flat(cell, inert) for cell in row] for row in items.rows)
    return out.getvalue().encode("utf-8-sig")


def _flat(cell: Cell, safe: Any) -> str | int | float | bool:
    if isinstance(cell, tuple):
        return str(safe("\n".join(cell)))
    return str(safe(cell)) if isinstance(cell, str) else "" if cell is None else cell


def to_xlsx(matrix: Matrix, found: tuple[Table, ...]) -> bytes:
    """Return the workbook: one sheet that says what was judged, then one for each table; equal matrices give equal bytes."""
    return to_bytes([_overview(matrix), *(_sheet(table) for table in found)])


def _overview(matrix: Matrix) -> Sheet:
    result = matrix.result
    lines = [
        ("notice", "Engineering baseline: not cleared, not for clinical use. Phantom results are phantom results."),
        ("level", str(result.level)),
        ("verdict", "nothing stands against it" if result.passed else f"{len(result.problems)} problems stand against it"),
        ("identity", result.identity.sha256 or f"none: {result.identity.reason}"),
        ("evidence", "accepted" if result.accepted else "not accepted, so no result is shown"),
        ("overall residual risk", result.evaluation.conclusion if result.evaluation else "not judged"),
        *((name, str(count)) for name, count in result.counts.items()),
    ]
    return Sheet("overview", (("what", 28), ("value", 100)), lines)


_WIDE = frozenset(
    {"text", "title", "harm", "acceptance", "scenarios", "would_fail_if", "found", "expected", "repair", "id", "where", "reason"}
)


def _sheet(table: Table) -> Sheet:
    columns = [(name, 36 if name in _WIDE else 18) for name in table.columns]
    return Sheet(table.name, columns, ([_cell(cell) for cell in row] for row in table.rows))


def _cell(cell: Cell) -> str | int | float | bool | None:
    if isinstance(cell, str | tuple):
        text = "\n".join(cell) if isinstance(cell, tuple) else cell
        return _cut(text) or None
    return cell


def _cut(text: str) -> str:
    """Return a text that fits into a cell and says what was left out: the whole one stands in the JSON."""
    if len(text) <= LONGEST_CELL // 8 or len(escape(text)) <= LONGEST_CELL:
        return text
    return f"{text[: LONGEST_CELL // 8]}... ({len(text)} characters; the whole text is in matrix.json)"


def to_json(matrix: Matrix, found: tuple[Table, ...]) -> bytes:
    """Return the matrix as JSON in the form that `json_schema` describes, a row a line."""
    result = matrix.result
    head = {
        "schema": SCHEMA,
        "level": str(result.level),
        "passed": result.passed,
        "identity": result.identity.sha256,
        "evidence_accepted": result.accepted,
        "overall_residual_risk": result.evaluation.conclusion if result.evaluation else None,
        "counts": result.counts,
    }
    members = [f"{_dumped(name)}: {_dumped(value)}" for name, value in head.items()]
    listed = ",\n".join(f"{_dumped(table.name)}: [{_lines(table)}]" for table in found)
    return ("{\n" + ",\n".join([*members, f'"tables": {{\n{listed}\n}}']) + "\n}\n").encode()


def _lines(table: Table) -> str:
    """Return the rows, one a line; without indentation the encoder is compiled, and several times faster."""
    return (
        "\n" + ",\n".join(_dumped(dict(zip(table.columns, row, strict=True))) for row in table.rows) + "\n" if table.rows else ""
    )


def _dumped(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of the file, with the meaning of every column."""
    cell = {"anyOf": [{"type": ["string", "number", "boolean", "null"]}, {"type": "array", "items": {"type": "string"}}]}
    shown = {"$ref": "#/$defs/cell"}
    described = {
        name: {
            "title": title,
            "type": "array",
            "items": {
                "type": "object",
                "properties": {column: {"description": text, **shown} for column, text in columns.items()},
                "required": list(columns),
                "additionalProperties": False,
            },
        }
        for name, title, columns, _ in TABLES
    }
    head: dict[str, Any] = {
        "schema": {"const": SCHEMA},
        "level": {"enum": ["development", "release", "submission"]},
        "passed": {"type": "boolean", "description": "whether nothing stands against the level"},
        "identity": {"type": ["string", "null"], "description": "SHA-256 of what was judged"},
        "evidence_accepted": {"type": "boolean", "description": "whether the run's results belong to what lies here"},
        "overall_residual_risk": {"type": ["string", "null"], "description": "the conclusion computed from the policy"},
        "counts": {"type": "object", "additionalProperties": {"type": "integer"}},
    }
    tables_part = {"type": "object", "properties": described, "required": list(described), "additionalProperties": False}
    properties = {**head, "tables": tables_part}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "ThoraTrace trace matrix",
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
        "$defs": {"cell": cell},
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(json_schema(), indent=1) + "\n")
