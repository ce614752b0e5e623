"""Draft worksheets for "new 510(k)?" and for a significant change under the MDR: the questions, what a program can answer of them, and what is left to a person.

A program answers from a few rules only (see ``Rule``), each of which can be checked in the lists that stand beside it. It never draws the conclusion, and never says "no" where
something was not compared. A worksheet is a draft until a person has answered, signed and dated it; that is done outside of this program.

Source: 21 CFR 807.81(a)(3); FDA software change guidance 2017; MDCG 2020-3; MDR Article 120.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.change_package.errors import ChangePackageRefused
from pipeline.change_package.facts import NAMES
from requirements_spec.datafile import Table, Tables, Text, Texts, duplicate_ids, read

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipeline.change_package.facts import Fact

FILES = ("fda_software_change.toml", "mdr_significant_change.toml")
BY_A_PERSON = "to be answered by a person"


class Rule(StrEnum):
    """What a program may answer."""

    PERSON = "person"
    NO_WHEN_ANY = "no-when-any"
    NO_WHEN_NONE = "no-when-none"
    WHETHER_ANY = "whether-any"


_NAME = Text(choices=NAMES)
_TABLE = Table(
    {
        "schema": Text(choices=frozenset({"thoratrace/worksheet/1"})),
        "id": Text(pattern=r"[a-z0-9-]+"),
        "title": Text(),
        "text": Text(),
        "standard": Text(pattern=r"[a-z0-9-]+"),
        "basis": Text(),
        "applies": Text(),
        "together": Text(),
        "decision": Text(),
        "look_up": Texts(),
        "question": Tables(
            Table(
                {
                    "id": Text(),
                    "text": Text(),
                    "rule": Text(choices=frozenset(Rule)),
                    "of": Texts(_NAME, required=False),
                    "unless": Texts(_NAME, required=False),
                    "evidence": Texts(_NAME),
                    "then_yes": Text(required=False),
                    "then_no": Text(required=False),
                }
            )
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Question:
    """One question in our words, what may be computed of it, and the facts that are laid beside it; facts in ``unless`` keep "no" away and say nothing else."""

    id: str
    text: str
    rule: Rule
    of: tuple[str, ...]
    unless: tuple[str, ...]
    evidence: tuple[str, ...]
    then_yes: str = ""
    then_no: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A worksheet: what it asks, by which text, for which devices, and what a person has to look up before using it."""

    id: str
    title: str
    text: str
    standard: str
    basis: str
    applies: str
    together: str
    decision: str
    look_up: tuple[str, ...]
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """One question with the answer that was computed ("yes", "no", or left to a person), why, and its facts."""

    question: Question
    computed: str
    because: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """A worksheet as far as a program can fill it in; the decision is nobody's yet."""

    sheet: Sheet
    answers: tuple[Answer, ...]


def load_sheets(folder: Path = Path(__file__).parent) -> tuple[Sheet, ...]:
    """Return the worksheets.

    Raises:
        ChangePackageRefused: ``CPK-WORKSHEET``, one of them does not hold what it must.
    """
    return tuple(_sheet(folder, name) for name in FILES)


def _sheet(folder: Path, name: str) -> Sheet:
    document = read(folder, name, _TABLE)
    problems = [str(each) for each in (*document.problems, *duplicate_ids(document.rows("question")))]
    rows = [row.data for row in document.rows("question")]
    problems += [
        f"{row['id']}: a rule without the facts it asks"
        for row in rows
        if (row.get("rule") != Rule.PERSON) != bool(row.get("of"))
    ]
    if problems:
        raise ChangePackageRefused(
            "CPK-WORKSHEET", where=name, found=problems[0], expected="the questions of a worksheet", repair="mend what is named"
        )
    questions = (
        Question(
            row["id"],
            row["text"],
            Rule(row["rule"]),
            tuple(row.get("of", ())),
            tuple(row.get("unless", ())),
            tuple(row["evidence"]),
            row.get("then_yes", ""),
            row.get("then_no", ""),
        )
        for row in rows
    )
    head = {key: value for key, value in document.data.items() if key not in {"schema", "look_up", "question"}}
    return Sheet(**head, look_up=tuple(document.data["look_up"]), questions=tuple(questions))


def drafts(sheets: Iterable[Sheet], facts: Mapping[str, Fact]) -> tuple[Draft, ...]:
    """Return the worksheets with what can be computed."""
    return tuple(Draft(sheet, tuple(_answer(each, facts) for each in sheet.questions)) for sheet in sheets)


def _answer(question: Question, facts: Mapping[str, Fact]) -> Answer:
    computed, because = answered(question.rule, *([facts[name] for name in names] for names in (question.of, question.unless)))
    return Answer(question, computed, because, tuple(facts[name] for name in question.evidence))


def answered(rule: Rule, asked: Iterable[Fact], unless: Iterable[Fact] = ()) -> tuple[str, str]:
    """Return what a rule answers from the facts it asks, and why; where nothing changed in them, those in ``unless`` have to be without a change too.

    >>> from pipeline.change_package.facts import Fact
    >>> answered(Rule.NO_WHEN_NONE, [Fact("labels", "label", ())])
    ('no', 'compared and without a change: label')
    >>> answered(Rule.NO_WHEN_NONE, [Fact("labels", "label", (), "not here")])[0]
    'to be answered by a person'
    >>> answered(Rule.WHETHER_ANY, [Fact("labels", "label", ())], [Fact("wheel", "wheel", ("device.whl other",))])
    ('to be answered by a person', 'changed: wheel (1)')
    """
    held = tuple(asked)
    if rule in {Rule.NO_WHEN_NONE, Rule.WHETHER_ANY} and not any(each.entries for each in held):
        held += tuple(unless)
        rule = Rule.NO_WHEN_NONE
    changed = ", ".join(f"{each.title} ({len(each.entries)})" for each in held if each.entries)
    missing = "; ".join(f"{each.title}: {each.incomplete}" for each in held if each.incomplete)
    if rule is Rule.NO_WHEN_ANY and changed:
        return "no", f"it changes more than that: {changed}"
    if rule is Rule.WHETHER_ANY and changed:
        return "yes", f"changed: {changed}"
    if rule in {Rule.NO_WHEN_NONE, Rule.WHETHER_ANY} and not changed and not missing:
        return "no", f"compared and without a change: {', '.join(each.title for each in held)}"
    return BY_A_PERSON, "; ".join(part for part in (f"changed: {changed}" if changed else "", missing) if part)
