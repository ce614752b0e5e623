"""Harms to items: removed, twice there, their sentences edited; with links and scenarios taken along, recorded and run again."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

from verification.trace.mutants.mutant import Change, Form, Mutant, Operator, Part, Sign
from verification.trace.mutants.operators.signs import obligation, unrecorded
from verification.trace.mutants.project import CONTROLS, DataRow, Project, place
from verification.trace.mutants.toml_text import TomlText

if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS = {
    "need": "need",
    "requirement": "requirement",
    "item": "software item",
    "soup": "soup",
    "hazard": "hazard",
    "situation": "situation",
    "control": "control",
}
"""Kinds of items as the graph calls them, by their name in the data files."""

_SENTENCE = {
    "need": "text",
    "requirement": "text",
    "item": "purpose",
    "soup": "purpose",
    "hazard": "source",
    "situation": "text",
    "control": "text",
}
"""The key of the sentence that says what an item is."""


def owner(project: Project, row: DataRow) -> DataRow:
    """Return the item whose fingerprint a row is part of: of a situation, its hazard."""
    if row.kind != "situation":
        return row
    path = row.path.rsplit(".", 1)[0]
    return next(each for each in project.of("hazard") if each.path == path)


def _removed(row: DataRow, project: Project) -> Change:
    """Remove an item and nothing else."""
    text = project.toml(row.file).without_row(row.path)
    if row.kind == "situation":
        hazard = owner(project, row)
        if len(hazard.data["situation"]) == 1:
            where = place(row.file, text, hazard.id)
            return Change({row.file: text}, (Sign("SPC-MISSING-KEY", where, f"{hazard.path}.situation"),))
        return Change({row.file: text}, (unrecorded(row.file, text, hazard.id),))
    where = project.last_entry(row.id, row.ledger)
    return Change({row.file: text}, (Sign("CHG-UNRECORDED", where, row.id, "removed"),))


def _twice(row: DataRow, project: Project) -> Change:
    """Put an item in twice; the second is the problem."""
    text = project.toml(row.file).with_row_twice(row.path)
    second = _line_of_second(text, row.id)
    return Change({row.file: text}, (Sign("SPC-DUPLICATE-ID", f"{row.file}:{second}", row.id),))


def _line_of_second(text: str, item: str) -> int:
    at = [match.start() for match in re.finditer(rf'(?m)^id = "{re.escape(item)}"$', text)][1]
    return text[: text.rindex("\n[", 0, at) + 1].count("\n") + 1


def _edited(row: DataRow, project: Project, form: Form) -> Change:
    """Change one word of an item's sentence."""
    key = _SENTENCE[row.kind]
    text = project.toml(row.file).with_value(f"{row.path}.{key}", f"{row.data[key]} Where practicable.")
    if form is Form.RECORDED:
        where = place(row.file, text, row.id)
        return Change({row.file: text}, (obligation("OBL-TEXT", where, row.id, "text"),), form)
    return Change({row.file: text}, (unrecorded(row.file, text, owner(project, row).id),))


def _vanished(row: DataRow, project: Project) -> Change:
    """Remove an item with every link to it and every scenario that only it had, record that, and run again."""
    edits: dict[str, str] = {}
    _forget(project, row, edits)
    edits[row.file] = _without(edits.get(row.file, project.text(row.file)), row)
    return Change(dict(edits), (obligation("OBL-REMOVED", _old_place(project, row), row.id, "item"),), Form.RECORDED)


def _old_place(project: Project, row: DataRow) -> str:
    """Return where the baseline says that an item stood: the place of something that is no longer there."""
    baseline = project.inputs.baseline
    return next((each.where for each in (baseline.obligations if baseline else ()) if each.item == row.id), project.where(row))


def _without(text: str, row: DataRow) -> str:
    """Return a text without a row, found by its id, because rows before it may have gone."""
    source = TomlText(text)
    for path, data in _rows_of(source):
        if data.get("id") == row.id:
            return source.without_row(path)
    return text


def _rows_of(source: TomlText) -> Iterator[tuple[str, dict[str, Any]]]:
    for key, rows in source.data.items():
        for index, data in enumerate(rows if isinstance(rows, list) else ()):
            if isinstance(data, dict):
                yield f"$.{key}[{index}]", data
                for number, each in enumerate(data.get("situation", ())):
                    yield f"$.{key}[{index}].situation[{number}]", each


def _forget(project: Project, gone: DataRow, edits: dict[str, str]) -> None:
    """Take every mention of an item out of the lists of the others; a list that would be empty keeps what it has."""
    for row in project.rows:
        for key, value in row.data.items():
            if isinstance(value, list) and any(_names(each, gone.id) for each in value):
                rest = [each for each in value if not _names(each, gone.id)]
                if rest or key == "controls":
                    edits[row.file] = _put(edits.get(row.file, project.text(row.file)), row.id, key, rest)
        arising = row.data.get("arising", {})
        if gone.id in arising.get("situations", ()):
            rest = [each for each in arising["situations"] if each != gone.id]
            edits[row.file] = _put(
                edits.get(row.file, project.text(row.file)), row.id, "arising", {**arising, "situations": rest}
            )
    if gone.kind in {"requirement", "control"}:
        for file in project.features:
            text = re.sub(rf"@{re.escape(gone.id)}\b ?", "", project.text(file))
            if text != project.text(file):
                edits[file] = re.sub(r"(?m)^[ \t]+$\n?", "", text)


def _names(value: object, item: str) -> bool:
    return isinstance(value, str) and value in {item, f"@{item}"}


def _put(text: str, item: str, key: str, value: object) -> str:
    """Return a text with another value of an item's key; a requirement without controls says instead that it is not risk-related."""
    source = TomlText(text)
    path = next(path for path, data in _rows_of(source) if data.get("id") == item)
    if key == "controls" and not value:
        text = source.with_value(f"{path}.safety", value=False)
        text = TomlText(text).with_line_after(f"{path}.safety", 'not_risk_related = "Its control is gone."')
        return TomlText(text).without_key(f"{path}.controls")
    return source.with_value(f"{path}.{key}", value)


def _hidden_behind_not_risk_related(row: DataRow, project: Project) -> Change:
    """Let a requirement call itself not risk-related, and let every control forget it."""
    edits = {row.file: _put(project.text(row.file), row.id, "controls", [])}
    for control in project.of("control"):
        if row.id in control.data["requirements"] and len(control.data["requirements"]) > 1:
            rest = [each for each in control.data["requirements"] if each != row.id]
            edits[CONTROLS] = _put(edits.get(CONTROLS, project.text(CONTROLS)), control.id, "requirements", rest)
    where = place(row.file, edits[row.file], row.id)
    return Change(dict(edits), (obligation("OBL-DISPOSITION", where, row.id, "disposition"),), Form.RECORDED)


def _flag_dropped(row: DataRow, project: Project) -> Change:
    text = project.toml(row.file).with_value(f"{row.path}.safety", value=False)
    return Change({row.file: text}, (Sign("SPC-DISPOSITION", place(row.file, text, row.id), row.id),))


def _inspected_instead(row: DataRow, project: Project) -> Change:
    """Verify a requirement by inspection instead of by test."""
    text = project.toml(row.file).with_value(f"{row.path}.verification", "inspection")
    where = place(row.file, text, row.id)
    return Change({row.file: text}, (obligation("OBL-CLASS", where, row.id, "verified by test"),), Form.RECORDED)


def _not_applicable(row: DataRow, project: Project) -> Change:
    """Call a requirement's acceptance criterion not applicable."""
    text = project.toml(row.file).with_value(f"{row.path}.acceptance", "N/A")
    where = place(row.file, text, row.id)
    return Change({row.file: text}, (obligation("OBL-TEXT", where, row.id, "acceptance"),), Form.RECORDED)


def _each(name: str, make: Any, *kinds: str, **options: Any) -> Any:
    """Return the places of an operator that is applied to every item of the kinds."""

    def places(project: Project) -> Iterator[Mutant]:
        yield from (Mutant(name, row.id, partial(make, row, **options)) for row in project.of(*kinds))

    return places


def _safety_related(project: Project) -> Iterator[DataRow]:
    yield from (row for row in project.of("requirement") if row.data["safety"])


def _dispositions(project: Project) -> Iterator[Mutant]:
    name = "disposition-not-risk-related"
    yield from (Mutant(name, row.id, partial(_hidden_behind_not_risk_related, row)) for row in _safety_related(project))


def _flags(project: Project) -> Iterator[Mutant]:
    yield from (Mutant("safety-flag-dropped", row.id, partial(_flag_dropped, row)) for row in _safety_related(project))


def _methods(project: Project) -> Iterator[Mutant]:
    rows = (row for row in project.of("requirement") if row.data["verification"] == "test")
    yield from (Mutant("verified-by-inspection", row.id, partial(_inspected_instead, row)) for row in rows)


_REASON = "what the baseline owes stays, or somebody answers for it"

OPERATORS = (
    Operator("item-removed", Part.GRAPH, "an item that is gone has an entry", _each("item-removed", _removed, *KINDS)),
    Operator("duplicate-id", Part.GRAPH, "an id names one item", _each("duplicate-id", _twice, *KINDS)),
    Operator("text-edited", Part.GRAPH, "an edited item has an entry", _each("text-edited", _edited, *KINDS, form=Form.EDITED)),
    Operator(
        "text-edited-and-recorded",
        Part.GRAPH,
        _REASON,
        _each("text-edited-and-recorded", _edited, "need", "requirement", "situation", "control", form=Form.RECORDED),
    ),
    Operator("item-vanished", Part.GRAPH, _REASON, _each("item-vanished", _vanished, *KINDS)),
    Operator("disposition-not-risk-related", Part.GRAPH, _REASON, _dispositions),
    Operator("safety-flag-dropped", Part.GRAPH, "safety follows from the controls that a requirement implements", _flags),
    Operator("verified-by-inspection", Part.GRAPH, _REASON, _methods),
    Operator(
        "acceptance-not-applicable", Part.GRAPH, _REASON, _each("acceptance-not-applicable", _not_applicable, "requirement")
    ),
)
