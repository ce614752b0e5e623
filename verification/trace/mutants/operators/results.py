"""Harms to the evidence: every result row spoiled, lost, doubled or talked up, and the run bound to something else than what lies here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from verification.trace.assembly import ITEM_PREFIXES
from verification.trace.evidence import JUNIT, VERDICTS, case_id
from verification.trace.features import FOLDER
from verification.trace.identity import Identity, digest, flatten
from verification.trace.junit import parse_run
from verification.trace.mutants.mutant import Change, Form, Mutant, Operator, Part, Sign
from verification.trace.mutants.project import Project
from verification.trace.mutants.sealing import HEAD, TAIL, case, cases
from verification.trace.outcomes import VERDICT_ORDER, judge

if TYPE_CHECKING:
    from verification.trace.evidence import Record
    from verification.trace.features import Scenario

Key = tuple[str, str, str]
Places = Callable[[Project], Iterator[Mutant]]
"""What an operator is applied to."""


def _rows(project: Project) -> Iterator[tuple[Scenario, Key]]:
    for scenario in project.inputs.scenarios:
        yield from ((scenario, key) for key in scenario.expected())


def _junit(project: Project, key: Key, lines: list[str]) -> str:
    """Return a raw record in which the row's case is replaced; every other row passed."""
    found = [text for own, text in project.clean_cases if own != key]
    return "".join((HEAD, *found, *lines, TAIL))


def _tags(scenario: Scenario) -> list[str]:
    return [tag for tag in scenario.tags if tag.startswith(ITEM_PREFIXES)]


def _record(project: Project) -> Record:
    record = project.inputs.evidence.record
    if record is None:
        raise ValueError("a project without evidence has no rows to harm")
    return record


def _agreed(project: Project, scenario: Scenario, key: Key, lines: list[str]) -> dict[str, str]:
    """Return both files of a run in which a row's case is replaced, the verdicts counted from the raw record.

    Only the scenario's own verdicts are counted again, and those of results that belong to none: the others cannot have changed.
    """
    own = [text for each, text in zip(scenario.expected(), cases([scenario]), strict=True) if each != key]
    counted = judge([scenario], parse_run(JUNIT, "".join((HEAD, *own, *lines, TAIL)).encode()).results)
    rest = [each for each in _record(project).verdicts if each.key[:2] != key[:2]]
    record = replace(_record(project), verdicts=tuple(sorted([*rest, *counted], key=VERDICT_ORDER)))
    return {JUNIT: _junit(project, key, lines), VERDICTS: json.dumps(record.to_json())}


def _spoiled(code: str, children: str, scenario: Scenario, key: Key, project: Project) -> Change:
    """Let a row end in another way than a clean pass, in the raw record and in the verdicts alike."""
    lines = [case(*key, _tags(scenario), children)]
    return Change(_agreed(project, scenario, key, lines), (Sign(code, _where(project, scenario), case_id(*key)),), Form.AGREED)


def _where(project: Project, scenario: Scenario) -> str:
    """Return ``file:line`` of a scenario, found by searching its file."""
    file = f"{FOLDER}/{scenario.feature}"
    return f"{file}:{project.feature(file).where(scenario.name)}"


def _missing(scenario: Scenario, key: Key, project: Project) -> Change:
    """Lose a row in both files: a row among others is missing, a scenario without any is unbound."""
    code = "TRC-RESULT-MISSING" if len(scenario.rows) > 1 else "TRC-SCENARIO-UNBOUND"
    sign = Sign(code, _where(project, scenario), case_id(*key))
    return Change(_agreed(project, scenario, key, []), (sign,), Form.AGREED)


def _doubled(scenario: Scenario, key: Key, project: Project) -> Change:
    """Let a row have two results, both passed."""
    text = case(*key, _tags(scenario))
    sign = Sign("TRC-RESULT-DUPLICATE", _where(project, scenario), case_id(*key))
    return Change(_agreed(project, scenario, key, [text, text]), (sign,), Form.AGREED)


def _foreign(scenario: Scenario, key: Key, project: Project) -> Change:
    """Add a result of a scenario that no feature file holds."""
    other = (key[0], f"{key[1]} (draft)", key[2])
    lines = [case(*key, _tags(scenario)), case(*other, _tags(scenario))]
    return Change(_agreed(project, scenario, key, lines), (Sign("TRC-RESULT-FOREIGN", VERDICTS, case_id(*other)),), Form.AGREED)


def _untagged(scenario: Scenario, key: Key, project: Project) -> Change:
    """Let a passed row carry one id less than the feature file gives it."""
    lines = [case(*key, _tags(scenario)[1:])]
    return Change(
        _agreed(project, scenario, key, lines), (Sign("TRC-TAG-LOST", _where(project, scenario), case_id(*key)),), Form.AGREED
    )


def _talked_up(scenario: Scenario, key: Key, project: Project) -> Change:
    """Let a row fail in the raw record, and leave the verdict a pass."""
    junit = _junit(project, key, [case(*key, _tags(scenario), '<failure message="assert False" />')])
    return Change({JUNIT: junit}, (Sign("TRC-EVIDENCE-ALTERED", VERDICTS, case_id(*key)),))


def _cut_out(scenario: Scenario, key: Key, project: Project) -> Change:
    """Cut a verdict out of the verdict file and count the rest again."""
    del scenario
    record = _record(project)
    rest = replace(record, verdicts=tuple(each for each in record.verdicts if each.key != key))
    return Change({VERDICTS: json.dumps(rest.to_json())}, (Sign("TRC-EVIDENCE-ALTERED", VERDICTS, case_id(*key)),))


def _miscounted(outcome: str, project: Project) -> Change:
    """Let the counts of the verdict file say something else than its verdicts: the report is not the recount."""
    data = _record(project).to_json()
    data["counts"] = {**data["counts"], outcome: data["counts"].get(outcome, 0) + 1}
    return Change({VERDICTS: json.dumps(data)}, (Sign("TRC-EVIDENCE-UNREADABLE", VERDICTS, "verification", "counts"),))


_ENDS = {
    "result-failed": ("TRC-RESULT-FAILED", '<failure message="AssertionError: assert False" />'),
    "result-error": ("TRC-RESULT-ERROR", '<error message="boom" />'),
    "result-skipped": ("TRC-RESULT-SKIPPED", '<skipped type="pytest.skip" message="later" />'),
    "result-expected-to-fail": ("TRC-RESULT-XFAILED", '<skipped type="pytest.xfail" message="known" />'),
    "result-passed-unexpectedly": ("TRC-RESULT-XPASSED", '<failure message="[XPASS(strict)] known" />'),
}
"""Ways in which a row can end without a clean pass: code, and what the runner writes."""


def _of_rows(name: str, make: Callable[[Scenario, Key, Project], Change]) -> Places:
    def places(project: Project) -> Iterator[Mutant]:
        yield from (Mutant(name, case_id(*key), partial(make, scenario, key)) for scenario, key in _rows(project))

    return places


def _of_tagged_rows(name: str, make: Callable[[Scenario, Key, Project], Change]) -> Places:
    def places(project: Project) -> Iterator[Mutant]:
        yield from (
            Mutant(name, case_id(*key), partial(make, scenario, key)) for scenario, key in _rows(project) if _tags(scenario)
        )

    return places


def _identities(project: Project) -> Iterator[Mutant]:
    """Bind the run to a state in which one file, or one part of the lineage, was another."""
    identity = project.inputs.identity
    for name in identity.files:
        yield Mutant("run-of-another-state", name, partial(_other_file, name))
    for name in flatten(identity.lineage):
        yield Mutant("run-of-another-state", name, partial(_other_lineage, name))


def _other_file(name: str, project: Project) -> Change:
    identity = project.inputs.identity
    files = {**identity.files, name: "0" * 64}
    return _bound_to(project, replace(identity, files=files), f"{name} changed")


def _other_lineage(name: str, project: Project) -> Change:
    identity = project.inputs.identity
    lineage = json.loads(json.dumps(identity.lineage))
    _change_leaf(lineage, name)
    return _bound_to(project, replace(identity, lineage=lineage), f"{name} changed")


def _change_leaf(table: dict[str, Any], name: str) -> None:
    """Change one leaf of a nested table, named as `identity.flatten` names it."""
    for key, value in table.items():
        if key == name:
            table[key] = "another" if value != "another" else "a third"
            return
        if isinstance(value, dict) and name.startswith(f"{key} > "):
            _change_leaf(value, name.removeprefix(f"{key} > "))
            return


def _bound_to(project: Project, identity: Identity, said: str) -> Change:
    """Return a run that states, without contradiction in itself, that it judged another state."""
    sealed = replace(identity, sha256=digest(identity.slice_name, identity.files, identity.lineage))
    text = json.dumps(replace(_record(project), identity=sealed).to_json())
    return Change({VERDICTS: text}, (Sign("TRC-EVIDENCE-STALE", VERDICTS, "verification", said),), Form.AGREED)


def _edited_files(project: Project) -> Iterator[Mutant]:
    """Change every file that the run judged, after the run."""
    for name in project.inputs.identity.files:
        yield Mutant("file-changed-after-run", name, partial(_touched, name))


def _touched(name: str, project: Project) -> Change:
    content = (project.root / name).read_bytes()
    return Change({name: content + b"\n"}, (Sign("TRC-EVIDENCE-STALE", VERDICTS, "verification", f"{name} changed"),))


def _spoilt_records(project: Project) -> Iterator[Mutant]:
    """Spoil the two files as a whole."""
    name = "record-spoilt"
    yield Mutant(name, "no verdict file", lambda _: Change({VERDICTS: None}, (_refused("TRC-EVIDENCE-MISSING"),)))
    yield Mutant(name, "no raw record", lambda _: Change({JUNIT: None}, (_refused("TRC-EVIDENCE-UNREADABLE"),)))
    for file in (VERDICTS, JUNIT):
        half = project.text(file)[: len(project.text(file)) // 2]
        yield Mutant(name, f"half of {file}", partial(_whole, {file: half}, _refused("TRC-EVIDENCE-UNREADABLE")))
    bad_end = json.dumps(replace(_record(project), exit_code=1).to_json())
    yield Mutant(name, "bad end", partial(_whole, {VERDICTS: bad_end}, _refused("TRC-EVIDENCE-EXIT")))
    typed = {**_record(project).to_json()}
    typed["identity"] = {**typed["identity"], "sha256": "0" * 64}
    yield Mutant(name, "typed identity", partial(_whole, {VERDICTS: json.dumps(typed)}, _refused("TRC-EVIDENCE-UNREADABLE")))
    typed = {**_record(project).to_json()}
    typed["identity"] = {**typed["identity"], "sha256": None, "reason": "lost"}
    yield Mutant(name, "no identity", partial(_whole, {VERDICTS: json.dumps(typed)}, _refused("TRC-EVIDENCE-STALE")))
    for outcome in ("passed", "failed"):
        yield Mutant(name, f"one more {outcome} counted", partial(_miscounted, outcome))


def _refused(code: str) -> Sign:
    return Sign(code, VERDICTS, "verification")


def _whole(edits: dict[str, str | bytes | None], sign: Sign, _: Project) -> Change:
    return Change(edits, (sign,))


def _ends(name: str) -> Operator:
    code, children = _ENDS[name]
    return Operator(name, Part.EVIDENCE, "only a clean pass counts", _of_rows(name, partial(_spoiled, code, children)))


_COUNTED = "the verdicts are those of the raw record, counted again"

OPERATORS = (
    *map(_ends, _ENDS),
    Operator("result-missing", Part.EVIDENCE, "every row owed has a result", _of_rows("result-missing", _missing)),
    Operator("result-twice", Part.EVIDENCE, "a row has one result", _of_rows("result-twice", _doubled)),
    Operator("result-foreign", Part.EVIDENCE, "a result belongs to a scenario", _of_rows("result-foreign", _foreign)),
    Operator(
        "result-untagged",
        Part.EVIDENCE,
        "a result carries the ids of its scenario",
        _of_tagged_rows("result-untagged", _untagged),
    ),
    Operator("result-talked-up", Part.EVIDENCE, _COUNTED, _of_rows("result-talked-up", _talked_up)),
    Operator("verdict-cut-out", Part.EVIDENCE, _COUNTED, _of_rows("verdict-cut-out", _cut_out)),
    Operator("run-of-another-state", Part.EVIDENCE, "a run counts for the state it judged", _identities),
    Operator("file-changed-after-run", Part.EVIDENCE, "a run counts for the state it judged", _edited_files),
    Operator("record-spoilt", Part.EVIDENCE, "a record is whole and ended well", _spoilt_records),
)
