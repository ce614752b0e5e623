"""Harms to what several sources have to agree on.

SOUP and lock, warnings and the page that prints them, controls and seeded defects, anomalies and their run, the obligations and their baseline, and the
gate's own list of questions.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from verification.trace.anomalies import ANOMALIES
from verification.trace.baseline import BASELINE, LEDGER
from verification.trace.case import Level
from verification.trace.mutants.mutant import Change, Form, Mutant, Operator, Part, Sign
from verification.trace.mutants.operators.signs import obligation
from verification.trace.mutants.project import SOUP, DataRow, Project, place
from verification.trace.mutants.toml_text import TomlText
from verification.trace.seeded import FAULTS, SHOWN

if TYPE_CHECKING:
    from verification.trace.obligations import Obligation
    from verification.trace.seeded import FaultRecord

Places = Callable[[Project], Iterator[Mutant]]
"""What an operator is applied to."""

REGISTER = "verification/trace/checks/register.py"
RUNNER = "verification/test_features.py"
SETTINGS = "pyproject.toml"


def _soups(project: Project) -> Iterator[Mutant]:
    name = "soup-not-the-lock"
    declared = {each.name for each in project.inputs.dependencies or ()}
    for row in project.of("soup"):
        distribution = row.data["distribution"]
        yield Mutant(name, f"{row.id} of a distribution that is not locked", partial(_unlocked, row))
        if distribution in declared:
            yield Mutant(name, f"{row.id} removed though declared", partial(_unlisted, row, distribution))
    for each in project.inputs.dependencies or ():
        yield Mutant(name, f"one dependency more than {each.name}", partial(_declared, each.where))


def _unlocked(row: DataRow, project: Project) -> Change:
    text = project.toml(SOUP).with_value(f"{row.path}.distribution", "no-such-distribution")
    return Change({SOUP: text}, (Sign("SPC-SOUP-UNLOCKED", place(SOUP, text, row.id), row.id),))


def _unlisted(row: DataRow, distribution: str, project: Project) -> Change:
    """Take a library that the device declares out of the SOUP list."""
    where = next(each.where for each in project.inputs.dependencies or () if each.name == distribution)
    return Change({SOUP: project.toml(SOUP).without_row(row.path)}, (Sign("TRC-SOUP-UNLISTED", where, distribution),))


def _declared(where: str, project: Project) -> Change:
    """Declare one dependency more, behind the line of another."""
    line = int(where.rpartition(":")[2])
    lines = project.text(SETTINGS).split("\n")
    text = "\n".join([*lines[:line], '  "unheard-of>=1",', *lines[line:]])
    return Change({SETTINGS: text}, (Sign("TRC-SOUP-UNLISTED", f"{SETTINGS}:{line + 1}", "unheard-of"),))


def _pins(project: Project) -> Iterator[Mutant]:
    """Take the pin of every SOUP item out of the lock."""
    text = project.text("requirements.lock")
    for row in project.of("soup"):
        if re.search(rf"(?mi)^{re.escape(row.data['distribution'])}==", text):
            yield Mutant("soup-pin-removed", row.id, partial(_unpinned, row))


def _unpinned(row: DataRow, project: Project) -> Change:
    name = re.escape(row.data["distribution"])
    text = re.sub(rf"(?mi)^{name}==.*\n(?:[ \t]+.*\n)*", "", project.text("requirements.lock"))
    return Change({"requirements.lock": text}, (Sign("SPC-SOUP-UNLOCKED", project.where(row), row.id),))


def _sentences(project: Project) -> Iterator[Mutant]:
    """Let a page of the instructions for use keep silent about the warnings that it owes; and reword each warning in the page's place."""
    rows = [row for row in project.of("control") if row.data.get("label_section")]
    for section in sorted({row.data["label_section"] for row in rows}):
        mine = [row for row in rows if row.data["label_section"] == section]
        for name, change in (("without its calls", _uncalled), ("all of it a comment", _commented)):
            yield Mutant("warning-not-printed", f"{section}, {name}", partial(_silent_page, section, mine, change))


def _uncalled(text: str) -> str:
    return re.sub(r"\{\{.*?risk\..*?\}\}", "", text)


def _commented(text: str) -> str:
    return f"<!--\n{text}\n-->\n"


def _silent_page(section: str, rows: list[DataRow], change: Callable[[str], str], project: Project) -> Change:
    file = f"docs/{section}.md"
    signs = tuple(Sign("TRC-LABEL-SENTENCE", project.where(row), row.id) for row in rows)
    return Change({file: change(project.text(file))}, signs)


def _residuals(_: Project) -> Iterator[Mutant]:
    yield Mutant("residual-not-disclosed", "docs/labelling.md", _undisclosed)


def _undisclosed(project: Project) -> Change:
    """Let the instructions for use keep silent about the residual risks that are not plainly acceptable (asked at release)."""
    file = "docs/labelling.md"
    judged = project.verdict.evaluation
    open_ones = [each.id for each in judged.situations if each.residual_acceptability.word != "acceptable"] if judged else []
    text = re.sub(r"\{\{\s*risk\.residuals\(\)\s*\}\}", "", project.text(file))
    signs = tuple(Sign("TRC-LABEL-RESIDUAL", project.where(project.row(name)), name) for name in open_ones)
    return Change({file: text}, signs, level=Level.RELEASE)


def _tables(project: Project, file: str, key: str) -> list[tuple[int, dict[str, Any]]]:
    return list(enumerate(project.toml(file).data.get(key, ()))) if project.has(file) else []


def _faults(project: Project) -> Iterator[Mutant]:
    name = "seeded-defect-lost"
    declared = _tables(project, FAULTS, "fault")
    for index, fault in declared:
        yield Mutant(name, f"{fault['id']} of nobody", partial(_fault_of_nobody, index))
        yield Mutant(name, f"{fault['id']} for a scenario that does not exist", partial(_fault_unshown, index))
    for control in sorted({fault["control"] for _, fault in declared}):
        yield Mutant(name, f"every defect of {control}", partial(_unseeded, control))


def _fault_of_nobody(index: int, project: Project) -> Change:
    path = f"$.fault[{index}]"
    text = project.toml(FAULTS).with_value(f"{path}.control", "RC-999999")
    fault = project.toml(FAULTS).value(path)
    return Change({FAULTS: text}, (Sign("TRC-SEEDED-LINK", place(FAULTS, text, fault["id"]), fault["id"], "RC-999999"),))


def _fault_unshown(index: int, project: Project) -> Change:
    path = f"$.fault[{index}]"
    fault = project.toml(FAULTS).value(path)
    text = project.toml(FAULTS).with_value(f"{path}.scenarios", ["TC:polarity.feature::no such scenario"])
    return Change({FAULTS: text}, (Sign("TRC-SEEDED-LINK", place(FAULTS, text, fault["id"]), fault["id"], "no such scenario"),))


def _unseeded(control: str, project: Project) -> Change:
    """Remove every seeded defect of a control."""
    text = project.text(FAULTS)
    for index, fault in reversed(_tables(project, FAULTS, "fault")):
        if fault["control"] == control:
            text = TomlText(text).without_row(f"$.fault[{index}]")
    return Change({FAULTS: text}, (Sign("TRC-CONTROL-UNSEEDED", project.where(project.row(control)), control),))


def _trials(project: Project) -> Iterator[Mutant]:
    """Let each trial of a seeded defect end unnoticed, or be lost; only where a record of trials counts for this state."""
    record = project.inputs.seeded.record
    for index, trial in enumerate(record.trials if record else ()):
        yield Mutant("seeded-trial-spoilt", f"{trial.fault} not noticed", partial(_unnoticed, index))
        yield Mutant("seeded-trial-spoilt", f"{trial.fault} not tried", partial(_untried, index))


def _unnoticed(index: int, project: Project) -> Change:
    record = _record_of_trials(project)
    trial = record.trials[index]
    trials = (*record.trials[:index], replace(trial, shown=False, reason="passed"), *record.trials[index + 1 :])
    sign = Sign("TRC-SEEDED-SURVIVED", place(FAULTS, project.text(FAULTS), trial.fault), trial.fault)
    return Change({SHOWN: json.dumps(replace(record, trials=trials).to_json())}, (sign,), Form.AGREED)


def _untried(index: int, project: Project) -> Change:
    record = _record_of_trials(project)
    trial = record.trials[index]
    rest = replace(record, trials=(*record.trials[:index], *record.trials[index + 1 :]))
    sign = Sign("TRC-SEEDED-MISSING", place(FAULTS, project.text(FAULTS), trial.fault), trial.fault)
    return Change({SHOWN: json.dumps(rest.to_json())}, (sign,), Form.AGREED, Level.RELEASE)


def _record_of_trials(project: Project) -> FaultRecord:
    record = project.inputs.seeded.record
    if record is None:
        raise ValueError("no record of seeded defects counts for this state")
    return record


def _anomalies(project: Project) -> Iterator[Mutant]:
    name = "anomaly-list-unsound"
    for index, anomaly in _tables(project, ANOMALIES, "anomaly"):
        item = str(anomaly["id"])
        for target in anomaly["concerns"]:
            yield Mutant(name, f"{item} concerns {target} no more, but nobody", partial(_concerns_nobody, index, target))
        if anomaly["state"] != "open":
            yield Mutant(name, f"{item} without its evaluation", partial(_unevaluated, index))
        if anomaly["security"]:
            yield Mutant(name, f"{item} not assessed for security", partial(_insecure, index))
        yield Mutant(name, f"{item} twice", partial(_anomaly_twice, index))
    if project.has(ANOMALIES):
        yield Mutant(name, "list older than the run", _list_outdated)
        yield Mutant(name, "no list", lambda _: Change({ANOMALIES: None}, (_review(),), level=Level.RELEASE))


def _review() -> Sign:
    return Sign("ANO-REVIEW", ANOMALIES, "anomalies")


def _concerns_nobody(index: int, target: str, project: Project) -> Change:
    path = f"$.anomaly[{index}]"
    names = ["SRS-999999" if each == target else each for each in project.toml(ANOMALIES).value(f"{path}.concerns")]
    text = project.toml(ANOMALIES).with_value(f"{path}.concerns", names)
    item = project.toml(ANOMALIES).value(f"{path}.id")
    return Change({ANOMALIES: text}, (Sign("ANO-UNKNOWN-ITEM", place(ANOMALIES, text, item), item, "SRS-999999"),))


def _unevaluated(index: int, project: Project) -> Change:
    path = f"$.anomaly[{index}]"
    item = project.toml(ANOMALIES).value(f"{path}.id")
    text = project.toml(ANOMALIES).with_value(f"{path}.evaluation", "")
    return Change({ANOMALIES: text}, (Sign("ANO-ASSESSMENT", place(ANOMALIES, text, item), item, "evaluation"),))


def _insecure(index: int, project: Project) -> Change:
    path = f"$.anomaly[{index}]"
    item = project.toml(ANOMALIES).value(f"{path}.id")
    text = project.toml(ANOMALIES).with_value(f"{path}.security", "")
    return Change({ANOMALIES: text}, (Sign("ANO-SECURITY", place(ANOMALIES, text, item), item),), level=Level.RELEASE)


def _anomaly_twice(index: int, project: Project) -> Change:
    source = project.toml(ANOMALIES)
    item = str(source.value(f"$.anomaly[{index}].id"))
    text = source.with_row_twice(f"$.anomaly[{index}]")
    second = [match.start() for match in re.finditer(rf'(?m)^id = "{item}"$', text)][1]
    line = text[: text.rindex("\n[", 0, second) + 1].count("\n") + 1
    return Change({ANOMALIES: text}, (Sign("SPC-DUPLICATE-ID", f"{ANOMALIES}:{line}", item),))


def _list_outdated(project: Project) -> Change:
    text = project.toml(ANOMALIES).with_value("$.reviewed_identity", "0" * 64)
    return Change({ANOMALIES: text}, (Sign("ANO-REVIEW", ANOMALIES, "anomalies", "0" * 12),), level=Level.RELEASE)


def _questions(project: Project) -> Iterator[Mutant]:
    """Take every question out of the gate's list, one at a time."""
    for line, member in _members(project.text(REGISTER)):
        yield Mutant("check-removed", member, partial(_unasked, line, member))


def _members(text: str) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Dict):
            for table in node.value.values:
                if isinstance(table, ast.Tuple):
                    yield from ((each.lineno, ast.unparse(each)) for each in table.elts)


def _unasked(line: int, member: str, project: Project) -> Change:
    lines = project.text(REGISTER).split("\n")
    text = "\n".join([*lines[: line - 1], re.sub(rf"\b{re.escape(member)},?", "", lines[line - 1], count=1), *lines[line:]])
    known = _asked(project, member)
    return Change({REGISTER: text}, (Sign("OBL-CHECK", known.where, known.item, f"{known.name}: from "),))


def _asked(project: Project, member: str) -> Obligation:
    """Return the obligation to ask a question; one that nobody owes could vanish unseen, so its absence is an error."""
    return next(
        each
        for each in project.inputs.written
        if each.aspect == "check" and each.item.startswith(REGISTER) and each.member.endswith(f": {member}")
    )


def _switches(_: Project) -> Iterator[Mutant]:
    name = "runner-forgiving"
    for option in ("--strict-markers", "--strict-config"):
        yield Mutant(name, option, partial(_option_gone, option))
    yield Mutant(name, "xfail_strict", _xfail_lenient)
    yield Mutant(name, "scenarios left out", _unbound)
    yield Mutant(name, "a skip in the steps", _skipping_step)


def _option_gone(option: str, project: Project) -> Change:
    text = project.text(SETTINGS).replace(f'"{option}", ', "", 1)
    line = text[: text.index("addopts")].count("\n") + 1
    return Change({SETTINGS: text}, (obligation("OBL-SKIP", f"{SETTINGS}:{line}", SETTINGS, "strict", f"option {option}"),))


def _xfail_lenient(project: Project) -> Change:
    text = project.text(SETTINGS).replace("xfail_strict = true", "xfail_strict = false")
    line = text[: text.index("xfail_strict")].count("\n") + 1
    return Change({SETTINGS: text}, (obligation("OBL-SKIP", f"{SETTINGS}:{line}", SETTINGS, "strict", "xfail_strict"),))


def _unbound(project: Project) -> Change:
    """Bind no feature file to the runner any more."""
    text = re.sub(r"(?m)^scenarios\(.*\)$", "", project.text(RUNNER))
    known = next((each for each in project.inputs.written if each.item == RUNNER and each.aspect == "strict"), None)
    said = f"{known.name}: from " if known else "nothing is known of it"
    return Change({RUNNER: text}, (Sign("OBL-SKIP", known.where if known else RUNNER, RUNNER, said),), Form.RECORDED)


def _skipping_step(project: Project) -> Change:
    file = "verification/steps/admission.py"
    text = f"{project.text(file)}\n\nif ADULT_ONLY:\n    pytest.skip('later', allow_module_level=True)\n"
    line = text.count("\n")
    return Change({file: text}, (Sign("OBL-SKIP", f"{file}:{line}", file, "pytest.skip"),), Form.RECORDED)


def _forgeries(project: Project) -> Iterator[Mutant]:
    """Make the baseline or its ledger agree with a smaller obligation by hand, for one obligation of every item that has a level."""
    name = "baseline-forged"
    for row in project.of("situation"):
        yield Mutant(name, f"{row.id} in the baseline", partial(_baseline_edited, row))
        yield Mutant(name, f"{row.id} by a pattern", partial(_entered, row, "HS-*: severity"))
        yield Mutant(name, f"{row.id} by an entry for another value", partial(_entered, row, f"{row.id}: severity"))
    yield Mutant(name, "no baseline", lambda _: Change({BASELINE: None}, (Sign("OBL-BASELINE", BASELINE, "baseline"),)))
    yield Mutant(name, "no ledger", lambda _: Change({LEDGER: None}, (Sign("SPC-FILE", f"{LEDGER}:1", "$"),)))


def _baseline_edited(row: DataRow, project: Project) -> Change:
    """Lower a severity in the data and in the baseline."""
    data = json.loads(project.text(BASELINE))
    data["obligations"][row.id]["severity"][""] = row.data["severity"] - 1
    text = project.toml(row.file).with_value(f"{row.path}.severity", row.data["severity"] - 1)
    edits = {row.file: text, BASELINE: json.dumps(data)}
    return Change(dict(edits), (Sign("OBL-BASELINE", BASELINE, "baseline", "edited by hand"),), Form.RECORDED)


def _entered(row: DataRow, what: str, project: Project) -> Change:
    """Lower a severity by two and enter something else: a pattern, or one level only."""
    lowered = max(row.data["severity"] - 2, 1)
    text = project.toml(row.file).with_value(f"{row.path}.severity", lowered)
    baseline = project.inputs.baseline
    said = baseline.sha256 if baseline else "0" * 64
    entry = (
        f'\n[[reduction]]\nid = "OBR-998"\nbaseline = "{said}"\nwhat = "{what}"\nfrom = "{row.data["severity"]}"\n'
        f'to = "{row.data["severity"]}"\nauthor = "DEMO-author"\nreason = "It was looked at and found to be in order."\n'
    )
    ledger = project.text(LEDGER) + entry
    sign = obligation("OBL-SEVERITY", place(row.file, text, row.id), row.id, "severity")
    line = ledger[: ledger.index('id = "OBR-998"')].count("\n")
    signs = (sign, Sign("OBL-LEDGER", f"{LEDGER}:{line}", "OBR-998"))
    return Change({row.file: text, LEDGER: ledger}, signs, Form.RECORDED)


_OWED = "what the baseline owes stays, or somebody answers for it"

OPERATORS = (
    Operator("soup-not-the-lock", Part.GRAPH, "SOUP list, declared dependencies and lock name the same", _soups),
    Operator("soup-pin-removed", Part.GRAPH, "SOUP list, declared dependencies and lock name the same", _pins),
    Operator("warning-not-printed", Part.GRAPH, "a warning stands where the user reads", _sentences),
    Operator("residual-not-disclosed", Part.GRAPH, "a residual risk is disclosed in the instructions for use", _residuals),
    Operator("seeded-defect-lost", Part.GRAPH, "each control has a seeded defect that its scenario fails on", _faults),
    Operator("seeded-trial-spoilt", Part.EVIDENCE, "each seeded defect was tried and noticed", _trials),
    Operator("anomaly-list-unsound", Part.GRAPH, "the list of anomalies is whole, assessed and as new as the run", _anomalies),
    Operator("check-removed", Part.GRAPH, _OWED, _questions),
    Operator("runner-forgiving", Part.GRAPH, _OWED, _switches),
    Operator("baseline-forged", Part.GRAPH, "baseline and ledger cannot be made to agree by hand", _forgeries),
)
