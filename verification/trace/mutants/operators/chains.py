"""Harms to the signed chains, audit log and approvals: every line deleted, moved, edited, cut off or entered a second time.

The head is made to agree wherever somebody without a key could make it agree. What nothing in the files can show is left out: an end that was cut off together
with its head. A copy of the head that was kept elsewhere (a release record, the history of the repository) shows it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from verification.trace import approvals, audit_log
from verification.trace.mutants.mutant import Change, Mutant, Operator, Part, Sign
from verification.trace.mutants.project import Project
from verification.trace.signed_chain import Form

Places = Callable[[Project], Iterator[Mutant]]
"""What an operator is applied to."""

Lines = tuple[str, ...]

CHAINS = (audit_log.CHAIN, approvals.CHAIN)
_ABOUT = {audit_log.CHAIN.code: "event", approvals.CHAIN.code: "target"}
"""Field of a line that names what it is about, by the code of the chain."""

_FORGED = {audit_log.CHAIN.code: "AUD-SIGNED", approvals.CHAIN.code: "SIG-SIGNATURE"}
"""Code of a signature that does not fit its line, by the code of the chain."""


def _lines(project: Project, form: Form) -> Lines:
    return tuple(project.text(form.file).split("\n")[:-1]) if project.has(form.file) else ()


def _about(line: str, form: Form) -> str:
    return str(json.loads(line)[_ABOUT[form.code]])


def _written(lines: Lines, form: Form, *signs: Sign) -> Change:
    """Return a chain of these lines with a head that fits them."""
    return Change({**_file(lines, form), form.head: json.dumps(form.head_json(lines))}, signs)


def _file(lines: Lines, form: Form) -> dict[str, str | bytes | None]:
    return {form.file: "".join(f"{line}\n" for line in lines) if lines else None}


def _break(form: Form, number: int, line: str) -> Sign:
    """Return what is said of the line that stands where its predecessor is another."""
    return Sign(form.code, f"{form.file}:{number}", _about(line, form), "the line before")


def _end(form: Form) -> Sign:
    """Return what is said of an end that does not fit the head."""
    return Sign(form.code, form.head, form.item, "the end was cut off or put on")


def _deleted(form: Form, index: int, project: Project) -> Change:
    """Take out a line before the last, with a head that counts one less."""
    lines = _lines(project, form)
    return _written(lines[:index] + lines[index + 1 :], form, _break(form, index + 1, lines[index + 1]))


def _moved(form: Form, index: int, project: Project) -> Change:
    """Let a line and the next one change places."""
    lines = _lines(project, form)
    swapped = (*lines[:index], lines[index + 1], lines[index], *lines[index + 2 :])
    return _written(swapped, form, _break(form, index + 1, lines[index + 1]), _break(form, index + 2, lines[index]))


def _edited(form: Form, index: int, project: Project) -> Change:
    """Give a line other words under its old signature; the next line still names the old one."""
    lines = _lines(project, form)
    data: dict[str, Any] = json.loads(lines[index])
    other = approvals.canonical({**data, "statement": f"{data['statement']}, looked at again"})
    forged = Sign(_FORGED[form.code], f"{form.file}:{index + 1}", _about(other, form))
    behind = [_break(form, index + 2, lines[index + 1])] if index + 1 < len(lines) else []
    return _written((*lines[:index], other, *lines[index + 1 :]), form, forged, *behind)


def _again(form: Form, index: int, project: Project) -> Change:
    """Put a line on at the end that stands in the chain already."""
    lines = _lines(project, form)
    return _written((*lines, lines[index]), form, _break(form, len(lines) + 1, lines[index]))


def _cut_to(form: Form, left: int, project: Project) -> Change:
    """Cut the chain off; its head stays."""
    return Change(_file(_lines(project, form)[:left], form), (_end(form),))


def _put_on(form: Form, project: Project) -> Change:
    """Let the head be one line behind, as where a line was put on without it."""
    lines = _lines(project, form)
    return Change({form.head: json.dumps(form.head_json(lines[:-1]))}, (_end(form),))


def _without_head(form: Form, _: Project) -> Change:
    return Change({form.head: None}, (_end(form),))


def _torn(form: Form, project: Project) -> Change:
    """Let the last line end in its middle, as a crash leaves it."""
    text = project.text(form.file)
    half = len(_lines(project, form)[-1]) // 2
    return Change({form.file: text[:-half]}, (Sign(form.code, form.file, form.item, "cut off"),))


_Harm = Callable[[Form, int, Project], Change]


def _of_lines(name: str, harm: _Harm, last: int) -> Places:
    """Return a mutant for each line of each chain but the ``last`` ones, which the harm needs behind it."""

    def places(project: Project) -> Iterator[Mutant]:
        for form in CHAINS:
            for index in range(len(_lines(project, form)) - last):
                yield Mutant(name, f"{form.file}:{index + 1}", partial(harm, form, index))

    return places


def _ends(project: Project) -> Iterator[Mutant]:
    name = "chain-cut-off"
    for form in CHAINS:
        count = len(_lines(project, form))
        yield from (
            Mutant(name, f"{form.file} to {left} of {count} lines", partial(_cut_to, form, left)) for left in range(count)
        )
        if count:
            yield Mutant(name, f"{form.file} torn", partial(_torn, form))
            yield Mutant(name, f"{form.head} removed", partial(_without_head, form))
            yield Mutant(name, f"{form.head} one behind", partial(_put_on, form))


_RULE = "what was signed stays, in its order"

OPERATORS = (
    Operator("chain-line-deleted", Part.EVIDENCE, _RULE, _of_lines("chain-line-deleted", _deleted, 1)),
    Operator("chain-lines-moved", Part.EVIDENCE, _RULE, _of_lines("chain-lines-moved", _moved, 1)),
    Operator("chain-line-edited", Part.EVIDENCE, _RULE, _of_lines("chain-line-edited", _edited, 0)),
    Operator("chain-line-again", Part.EVIDENCE, _RULE, _of_lines("chain-line-again", _again, 0)),
    Operator("chain-cut-off", Part.EVIDENCE, "the head says how long a chain is and how it ends", _ends),
)
