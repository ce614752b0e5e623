"""Harms to the scenarios and to what their steps assert; each of them after the run was repeated, so that no stale evidence gives them away."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from verification.trace.assembly import ITEM_PREFIXES
from verification.trace.assertions import STEPS, short
from verification.trace.features import FOLDER
from verification.trace.graph import Link
from verification.trace.mutants.gherkin_text import FeatureText
from verification.trace.mutants.mutant import Change, Form, Mutant, Operator, Part, Sign
from verification.trace.mutants.operators.signs import obligation
from verification.trace.mutants.project import Project

if TYPE_CHECKING:
    from verification.trace.mutants.gherkin_text import Tag, WrittenScenario, WrittenStep

Places = Callable[[Project], Iterator[Mutant]]
"""What an operator is applied to."""

NOBODY = "SRS-999999"


def _id(file: str, scenario: str) -> str:
    return f"TC:{file.removeprefix(f'{FOLDER}/')}::{scenario}"


def _at(file: str, text: str, scenario: str) -> str:
    return f"{file}:{FeatureText(text).where(scenario)}"


def _tags(project: Project) -> Iterator[tuple[str, Tag]]:
    for file in project.features:
        yield from ((file, tag) for tag in project.feature(file).tags if tag.name.startswith(ITEM_PREFIXES))


def _carriers(project: Project, file: str, tag: Tag) -> list[str]:
    """Return the scenarios that carry the tag at this place only."""
    every = [each for each in project.feature(file).tags if each.name == tag.name]
    return [name for name in tag.scenarios if sum(name in each.scenarios for each in every) == 1]


def _lost_links(project: Project, file: str, text: str, tag: Tag) -> tuple[Sign, ...]:
    aspect = f"link {Link.VERIFIES}"
    return tuple(
        obligation("OBL-LINK", _at(file, text, name), _id(file, name), aspect, tag.name) for name in _carriers(project, file, tag)
    )


def _untagged(file: str, tag: Tag, project: Project) -> Change:
    """Take a tag away; where it was the item's last scenario, that is named too."""
    text = project.feature(file).without_tag(tag)
    signs = _lost_links(project, file, text, tag)
    others = [each for each in _tags(project) if each[1].name == tag.name and each != (file, tag)]
    if not others:
        code = "TRC-REQ-SCENARIO" if tag.name.startswith("SRS-") else "TRC-CONTROL-SCENARIO"
        signs = (*signs, Sign(code, project.where(project.row(tag.name)), tag.name))
    return Change({file: text}, signs, Form.RECORDED)


def _tagged_with_nobody(file: str, tag: Tag, project: Project) -> Change:
    text = project.feature(file).with_tag(tag, NOBODY)
    signs = tuple(Sign("TRC-TAG-UNKNOWN", _at(file, text, name), _id(file, name), NOBODY) for name in tag.scenarios)
    return Change({file: text}, signs, Form.RECORDED)


def _tagged_with_another(file: str, tag: Tag, project: Project) -> Change:
    """Let a scenario verify the next item of the kind in place of the one it was written for."""
    kind = "requirement" if tag.name.startswith("SRS-") else "control"
    every = [row.id for row in project.of(kind)]
    start = every.index(tag.name)
    taken = {each.name for each in project.feature(file).tags if set(each.scenarios) & set(tag.scenarios)}
    other = next(each for each in (*every[start + 1 :], *every[:start]) if each not in taken)
    text = project.feature(file).with_tag(tag, other)
    return Change({file: text}, _lost_links(project, file, text, tag), Form.RECORDED)


def _scenarios(project: Project) -> Iterator[tuple[str, WrittenScenario]]:
    for file in project.features:
        yield from ((file, scenario) for scenario in project.feature(file).scenarios)


def _old_place(project: Project, item: str, fallback: str) -> str:
    baseline = project.inputs.baseline
    return next((each.where for each in (baseline.obligations if baseline else ()) if each.item == item), fallback)


def _removed(file: str, scenario: WrittenScenario, project: Project) -> Change:
    text = project.feature(file).spliced(scenario.first, scenario.last, [])
    item = _id(file, scenario.name)
    where = _old_place(project, item, f"{file}:{scenario.line}")
    return Change({file: text}, (obligation("OBL-REMOVED", where, item, "item"),), Form.RECORDED)


def _twice(file: str, scenario: WrittenScenario, project: Project) -> Change:
    lines = project.feature(file).lines
    again = ["", *lines[scenario.first - 1 : scenario.last]]
    text = project.feature(file).spliced(scenario.last + 1, scenario.last, again)
    second = scenario.last + 2 + scenario.line - scenario.first
    item = _id(file, scenario.name)
    signs = tuple(Sign("TRC-SCENARIO-DUPLICATE", f"{file}:{line}", item) for line in (scenario.line, second))
    return Change({file: text}, signs, Form.RECORDED)


def _switched_off(tag: str, file: str, scenario: WrittenScenario, project: Project) -> Change:
    """Tag a scenario so that the runner leaves it out, whatever the results say."""
    line = project.feature(file).lines[scenario.line - 1]
    indent = line[: len(line) - len(line.lstrip())]
    text = project.feature(file).spliced(scenario.line, scenario.line - 1, [f"{indent}@{tag}"])
    sign = obligation("OBL-SKIP", _at(file, text, scenario.name), _id(file, scenario.name), "switch", f"@{tag}")
    return Change({file: text}, (sign,), Form.RECORDED)


def _steps(project: Project) -> Iterator[tuple[str, WrittenStep]]:
    for file in project.features:
        yield from ((file, step) for step in project.feature(file).steps)


def _step_signs(file: str, text: str, step: WrittenStep) -> tuple[Sign, ...]:
    aspect = "expected" if step.kind == "Outcome" else "done"
    return tuple(
        obligation("OBL-ASSERTION", _at(file, text, name), _id(file, name), aspect, step.text) for name in step.scenarios
    )


def _step_removed(file: str, step: WrittenStep, project: Project) -> Change:
    """Remove a step; where it was the only one that expects something, that is named too. What follows with ``And`` keeps its kind."""
    feature = project.feature(file)
    following = feature.lines[step.last] if step.last < len(feature.lines) else ""
    keyword = feature.lines[step.first - 1].split()[0]
    kept = [following.replace("And ", f"{keyword} ", 1)] if following.strip().startswith("And ") and keyword != "And" else []
    text = feature.spliced(step.first, step.last + len(kept), kept)
    only = [each for each in feature.steps if each.kind == "Outcome" and each.scenarios == step.scenarios] == [step]
    signs = _step_signs(file, text, step)
    if only and len(step.scenarios) == 1:
        name = step.scenarios[0]
        signs = (*signs, Sign("TRC-SCENARIO-NO-OUTCOME", _at(file, text, name), _id(file, name)))
    return Change({file: text}, signs, Form.RECORDED)


def _step_reworded(file: str, step: WrittenStep, project: Project) -> Change:
    line = project.feature(file).lines[step.first - 1]
    text = project.feature(file).spliced(step.first, step.first, [f"{line.rstrip()} or not"])
    return Change({file: text}, _step_signs(file, text, step), Form.RECORDED)


def _rows(project: Project) -> Iterator[tuple[str, WrittenScenario, int, str]]:
    read = {each.id: each for each in project.inputs.scenarios}
    for file, scenario in _scenarios(project):
        rows = read[_id(file, scenario.name)].rows
        yield from ((file, scenario, row.line, row.text) for row in rows)


def _row_removed(file: str, scenario: WrittenScenario, line: int, row: str, project: Project) -> Change:
    text = project.feature(file).spliced(line, line, [])
    where, item = _at(file, text, scenario.name), _id(file, scenario.name)
    signs = [obligation("OBL-ROWS", where, item, "row", row)]
    if len(scenario.rows) == 1:
        signs.append(Sign("TRC-OUTLINE-EMPTY", where, item))
    return Change({file: text}, tuple(signs), Form.RECORDED)


def _row_twice(file: str, scenario: WrittenScenario, line: int, row: str, project: Project) -> Change:
    feature = project.feature(file)
    text = feature.spliced(line + 1, line, [feature.lines[line - 1]])
    item = f"{_id(file, scenario.name)} [{row}]"
    signs = tuple(Sign("TRC-SCENARIO-DUPLICATE", f"{file}:{at}", item) for at in (line, line + 1))
    return Change({file: text}, signs, Form.RECORDED)


def _emptied(file: str, scenario: WrittenScenario, project: Project) -> Change:
    """Take every example from an outline: nothing is tried any more."""
    text = project.feature(file).spliced(scenario.rows[0], scenario.rows[-1], [])
    return Change(
        {file: text}, (Sign("TRC-OUTLINE-EMPTY", _at(file, text, scenario.name), _id(file, scenario.name)),), Form.RECORDED
    )


def _tag_on_examples(file: str, scenario: WrittenScenario, project: Project) -> Change:
    """Put a tag where the runner loses it."""
    feature = project.feature(file)
    at = next(line for line in range(scenario.line, scenario.rows[0]) if feature.lines[line - 1].strip().startswith("Examples"))
    text = feature.spliced(at, at - 1, [f"    @{NOBODY}"])
    return Change({file: text}, (Sign("TRC-TAG-LOST", _at(file, text, scenario.name), _id(file, scenario.name)),), Form.RECORDED)


def _checks(project: Project) -> Iterator[tuple[str, ast.FunctionDef, ast.Assert]]:
    """Yield every assertion of the step implementations with the function it stands in."""
    for path in sorted((project.root / STEPS).glob("*.py")):
        name = f"{STEPS}/{path.name}"
        for function in ast.walk(ast.parse(project.text(name))):
            if isinstance(function, ast.FunctionDef):
                yield from ((name, function, node) for node in ast.walk(function) if isinstance(node, ast.Assert))


def _unasserted(name: str, function: ast.FunctionDef, node: ast.Assert, project: Project) -> Change:
    """Put ``pass`` in the place of an assertion: the scenario goes on passing, whatever the device does."""
    lines = project.text(name).split("\n")
    indent = lines[node.lineno - 1][: node.col_offset]
    span = (node.end_lineno or node.lineno) - node.lineno
    text = "\n".join([*lines[: node.lineno - 1], f"{indent}pass", *[""] * span, *lines[node.lineno + span :]])
    return Change({name: text}, _assertion_signs(project, f"{name}:{function.lineno}", node), Form.RECORDED)


def _always_true(name: str, function: ast.FunctionDef, node: ast.Assert, project: Project) -> Change:
    """Let an assertion hold whatever it is about."""
    lines = project.text(name).split("\n")
    indent = lines[node.lineno - 1][: node.col_offset]
    span = (node.end_lineno or node.lineno) - node.lineno
    said = f"{indent}assert {ast.unparse(node.test)} or True"
    text = "\n".join([*lines[: node.lineno - 1], said, *[""] * span, *lines[node.lineno + span :]])
    return Change({name: text}, _assertion_signs(project, f"{name}:{function.lineno}", node), Form.RECORDED)


def _assertion_signs(project: Project, where: str, node: ast.Assert) -> tuple[Sign, ...]:
    """Return what is owed for an assertion, under the names that the written obligations give the function at this place."""
    ending = short(f"assert {ast.unparse(node.test)}")
    found = [
        each
        for each in project.inputs.written
        if each.aspect == "asserts" and each.where == where and (each.member.endswith(ending) or "... #" in each.member)
    ]
    names = {each.item: each.member for each in found}
    return tuple(Sign("OBL-ASSERTION", where, item) for item in names) or (Sign("OBL-ASSERTION", where, "step"),)


def _of_tags(name: str, make: Callable[[str, Tag, Project], Change]) -> Places:
    def places(project: Project) -> Iterator[Mutant]:
        for file, tag in _tags(project):
            yield Mutant(name, f"{file}:{tag.line} @{tag.name}", partial(make, file, tag))

    return places


def _of_scenarios(name: str, make: Callable[[str, WrittenScenario, Project], Change], *, outlines: bool = False) -> Places:
    def places(project: Project) -> Iterator[Mutant]:
        for file, scenario in _scenarios(project):
            if scenario.rows or not outlines:
                yield Mutant(name, _id(file, scenario.name), partial(make, file, scenario))

    return places


def _of_steps(name: str, make: Callable[[str, WrittenStep, Project], Change], *kinds: str) -> Places:
    def places(project: Project) -> Iterator[Mutant]:
        for file, step in _steps(project):
            if not kinds or step.kind in kinds:
                yield Mutant(name, f"{file}:{step.first}", partial(make, file, step))

    return places


def _of_rows(name: str, make: Callable[[str, WrittenScenario, int, str, Project], Change]) -> Places:
    def places(project: Project) -> Iterator[Mutant]:
        for file, scenario, line, row in _rows(project):
            yield Mutant(name, f"{file}:{line}", partial(make, file, scenario, line, row))

    return places


def _of_checks(name: str, make: Callable[[str, ast.FunctionDef, ast.Assert, Project], Change]) -> Places:
    def places(project: Project) -> Iterator[Mutant]:
        for file, function, node in _checks(project):
            yield Mutant(name, f"{file}:{node.lineno}", partial(make, file, function, node))

    return places


_OWED = "what the baseline owes stays, or somebody answers for it"

OPERATORS = (
    Operator("tag-deleted", Part.GRAPH, _OWED, _of_tags("tag-deleted", _untagged)),
    Operator("tag-dangling", Part.GRAPH, "a tag names something that exists", _of_tags("tag-dangling", _tagged_with_nobody)),
    Operator("tag-redirected", Part.GRAPH, _OWED, _of_tags("tag-redirected", _tagged_with_another)),
    Operator("scenario-removed", Part.GRAPH, _OWED, _of_scenarios("scenario-removed", _removed)),
    Operator("scenario-twice", Part.GRAPH, "a name is one scenario's", _of_scenarios("scenario-twice", _twice)),
    Operator("scenario-skipped", Part.GRAPH, _OWED, _of_scenarios("scenario-skipped", partial(_switched_off, "skip"))),
    Operator(
        "scenario-expected-to-fail",
        Part.GRAPH,
        _OWED,
        _of_scenarios("scenario-expected-to-fail", partial(_switched_off, "xfail")),
    ),
    Operator("then-removed", Part.GRAPH, _OWED, _of_steps("then-removed", _step_removed, "Outcome")),
    Operator("step-reworded", Part.GRAPH, _OWED, _of_steps("step-reworded", _step_reworded)),
    Operator("row-removed", Part.GRAPH, _OWED, _of_rows("row-removed", _row_removed)),
    Operator("row-twice", Part.GRAPH, "a row is there once", _of_rows("row-twice", _row_twice)),
    Operator(
        "outline-emptied", Part.GRAPH, "an outline tries something", _of_scenarios("outline-emptied", _emptied, outlines=True)
    ),
    Operator(
        "tag-on-examples",
        Part.GRAPH,
        "a tag reaches the result",
        _of_scenarios("tag-on-examples", _tag_on_examples, outlines=True),
    ),
    Operator("assertion-removed", Part.GRAPH, _OWED, _of_checks("assertion-removed", _unasserted)),
    Operator("assertion-always-true", Part.GRAPH, _OWED, _of_checks("assertion-always-true", _always_true)),
)
