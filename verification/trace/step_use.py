"""Which scenario depends on which definition in the step files: found by reading the sources, without importing or running them.

A scenario uses the step functions whose patterns match its steps (its outline's rows put in), and with them everything they name: fixtures, helpers, constants
and imports, across the step files. Where a name cannot be resolved or a step matches nothing, everything it could mean counts as used: the answer may
be too long and is never too short. Comments and layout are no content; docstrings are, since programs can read them.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections import defaultdict
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from pytest_bdd import parsers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from pytest_bdd.parsers import StepParser

    from verification.trace.features import Scenario

STEPS = "verification/steps"
"""Folder of the step files."""

EVERYWHERE = ("verification/conftest.py", "verification/test_features.py")
"""Files every scenario runs through."""

STAR = "::* of "
"""Stands in the name of an import that hands on all names of a module: only scenarios that use something of that module depend on it."""

KEYWORDS = {"Context": "given", "Action": "when", "Outcome": "then"}
"""Gherkin's kind of a step to the decorator that defines it."""


@dataclass(frozen=True, slots=True)
class Definition:
    """One top-level statement of a step file.

    Attributes:
        names: what it binds; a statement that binds nothing has the name of its file.
        sha256: of its syntax tree, without positions.
        references: every name, attribute, parameter and plain string in it: what it may depend on.
        steps: (decorator, pattern) of each step it defines; the pattern is None where it is no literal.
        fixture: whether pytest hands it to whoever names it as a parameter.
        autouse: whether pytest runs it for every scenario.
    """

    names: tuple[str, ...]
    sha256: str
    references: frozenset[str]
    steps: tuple[tuple[str, Pattern | None], ...]
    fixture: bool
    autouse: bool


@dataclass(frozen=True, slots=True)
class Pattern:
    """A step's pattern: how it is written (``string``, ``parse``, ``re``, ``cfparse``) and its text."""

    form: str
    text: str

    def matches(self, step: str) -> bool:
        """Say whether pytest-bdd would take a step for this pattern."""
        return _parser(self).is_matching(step)


@dataclass(frozen=True, slots=True)
class StepFiles:
    """The definitions of all step files, by ``path::name``."""

    definitions: Mapping[str, Definition]
    reached: Mapping[str, frozenset[str]] = field(repr=False)
    """What a definition depends on, itself included, by its name."""


@lru_cache(maxsize=1024)
def _parser(pattern: Pattern) -> StepParser:
    forms: dict[str, Callable[[str], StepParser]] = {
        "string": parsers.string,
        "parse": parsers.parse,
        "re": parsers.re,
        "cfparse": parsers.cfparse,
    }
    return forms[pattern.form](pattern.text)


def read_files(texts: Mapping[str, str]) -> StepFiles:
    """Return the definitions of step files given by path; a file that is no Python is one definition that everything uses."""
    definitions: dict[str, Definition] = {}
    for path, text in sorted(texts.items()):
        for definition in _definitions(path, text):
            for name in definition.names:
                key = f"{path}::{name}"
                definitions[key] = _together(definitions[key], definition) if key in definitions else definition
    return StepFiles(definitions, _reached(definitions))


def _together(one: Definition, two: Definition) -> Definition:
    """Return what two statements that bind one name are together."""
    both = hashlib.sha256(f"{one.sha256} {two.sha256}".encode()).hexdigest()
    return Definition(
        tuple(dict.fromkeys((*one.names, *two.names))),
        both,
        one.references | two.references,
        (*one.steps, *two.steps),
        one.fixture or two.fixture,
        one.autouse or two.autouse,
    )


def used(scenario: Scenario, files: StepFiles) -> frozenset[str]:
    """Return the names of all definitions a scenario depends on."""
    found: set[str] = set()
    for name in _entry_points(scenario, files):
        found |= files.reached[name]
    modules = {name.split("::", 1)[0].removesuffix(".py").replace("/", ".") for name in found}
    return frozenset(found | {name for name in files.definitions if STAR in name and name.split(STAR, 1)[1] in modules})


def _entry_points(scenario: Scenario, files: StepFiles) -> Iterator[str]:
    """Yield the definitions that a scenario names itself, and those that run for every one."""
    wanted = {(KEYWORDS.get(step.kind, ""), text) for step in scenario.steps for text in _concrete(step.text, scenario)}
    matched: set[tuple[str, str]] = set()
    for name, definition in files.definitions.items():
        if STAR in name:
            continue
        if definition.autouse or name.startswith(EVERYWHERE) or not definition.sha256:
            yield name
            continue
        hits = {each for each in wanted for keyword, pattern in definition.steps if _fits(keyword, pattern, *each)}
        matched |= hits
        if hits:
            yield name
    if wanted - matched:
        yield from (name for name, definition in files.definitions.items() if definition.steps)


def _fits(keyword: str, pattern: Pattern | None, wanted: str, text: str) -> bool:
    return keyword in (wanted, "step") and (pattern is None or pattern.matches(text))


def _concrete(text: str, scenario: Scenario) -> Iterator[str]:
    """Yield a step's text with each row's values in place of the names in angle brackets."""
    if not scenario.rows or "<" not in text:
        yield text
        return
    names = sorted({name for step in scenario.steps for name in re.findall(r"<([^<>]+)>", step.text)})
    for row in scenario.rows:
        values = _values(row.text, names)
        yield re.sub(r"<([^<>]+)>", lambda found, values=values: values.get(found[1], found[0]), text)  # type: ignore[misc]


def _values(row: str, names: list[str]) -> dict[str, str]:
    """Take a row's text apart again.

    >>> _values("view=LATERAL, code=ADM-VIEW", ["code", "view"])
    {'view': 'LATERAL', 'code': 'ADM-VIEW'}
    """
    parts = re.split(rf"(?:^|, )({'|'.join(map(re.escape, names))})=", row)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _definitions(path: str, text: str) -> Iterator[Definition]:
    try:
        statements = _flat(ast.parse(text).body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        yield Definition((path,), "", frozenset(), (), fixture=False, autouse=False)
        return
    for statement in statements:
        names = tuple(dict.fromkeys(_bound(statement))) or (path,)
        decorators = getattr(statement, "decorator_list", [])
        steps = tuple(step for decorator in decorators if (step := _step(decorator)))
        fixtures = [ast.unparse(decorator) for decorator in decorators if "fixture" in ast.unparse(decorator).split("(")[0]]
        digest = hashlib.sha256(ast.dump(statement).encode()).hexdigest()
        autouse = any("autouse=True" in decorator for decorator in fixtures)
        yield Definition(names, digest, frozenset(_references(statement)), steps, bool(fixtures), autouse)


def _flat(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield top-level statements; those below ``if`` and ``try`` count as top-level too, and each name of an import as an import of its own."""
    for statement in body:
        if isinstance(statement, ast.ImportFrom):
            yield from (ast.ImportFrom(statement.module, [alias], statement.level) for alias in statement.names)
        elif isinstance(statement, ast.If):
            yield from _flat([*statement.body, *statement.orelse])
        elif isinstance(statement, ast.Try):
            yield from _flat([*statement.body, *statement.orelse, *statement.finalbody])
        else:
            yield statement


def _bound(statement: ast.stmt) -> Iterator[str]:
    """Yield the names a statement binds; the variable of a comprehension lives in it alone."""
    match statement:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield statement.name
        case ast.ImportFrom(names=[ast.alias(name="*")]):
            yield f"{STAR.removeprefix('::')}{statement.module}"
        case ast.Import() | ast.ImportFrom():
            yield from ((alias.asname or alias.name).split(".")[0] for alias in statement.names)
        case ast.Assign() | ast.AnnAssign() | ast.AugAssign():
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            named = (node for target in targets for node in ast.walk(target))
            yield from (node.id for node in named if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
            yield from (node.target.id for node in ast.walk(statement) if isinstance(node, ast.NamedExpr))


def _step(decorator: ast.expr) -> tuple[str, Pattern | None] | None:
    """Return what a decorator defines, where it is one of pytest-bdd's."""
    if not isinstance(decorator, ast.Call) or not isinstance(decorator.func, ast.Name):
        return None
    if decorator.func.id not in {"given", "when", "then", "step"}:
        return None
    return decorator.func.id, _pattern(decorator.args[0]) if decorator.args else None


def _pattern(argument: ast.expr) -> Pattern | None:
    """Return a literal pattern; None for one that only running the module would tell, which then matches every step.

    What a regular expression has put in while it runs may be any text.
    """
    form = "string"
    if isinstance(argument, ast.Call) and isinstance(argument.func, ast.Attribute):
        if argument.func.attr not in {"string", "parse", "re", "cfparse"} or len(argument.args) != 1 or argument.keywords:
            return None
        form, argument = argument.func.attr, argument.args[0]
    if form == "re" and isinstance(argument, ast.JoinedStr):
        return Pattern(form, "".join(str(part.value) if isinstance(part, ast.Constant) else ".*" for part in argument.values))
    return Pattern(form, argument.value) if isinstance(argument, ast.Constant) and isinstance(argument.value, str) else None


def _references(statement: ast.stmt) -> Iterator[str]:
    """Yield every word by which a statement may name another definition; what an object has of its own and a name that is only bound are none."""
    for node in ast.walk(statement):
        match node:
            case ast.Name(ctx=ast.Load()):
                yield node.id
            case ast.Attribute(value=ast.Name(id="self" | "cls")):
                continue
            case ast.Attribute():
                yield node.attr
            case ast.arg():
                yield node.arg
            case ast.ImportFrom(module=str() as module):
                yield module.rsplit(".", 1)[-1]
            case ast.alias():
                yield from (node.name.rsplit(".", 1)[-1], node.asname or "")
            case ast.Constant(value=str() as value) if value.isidentifier():
                yield value


def _reached(definitions: Mapping[str, Definition]) -> dict[str, frozenset[str]]:
    """Return the transitive closure of references."""
    direct = _direct(definitions)
    return {name: _closure(name, direct) for name in definitions}


def _direct(definitions: Mapping[str, Definition]) -> dict[str, frozenset[str]]:
    """Return what each definition names: of its own file and of files it imports from; fixtures of every file, as the root conftest hands them on."""
    by_name: dict[str, list[str]] = defaultdict(list)
    for name in definitions:
        by_name[name.rsplit("::", 1)[1]].append(name)
    imports = {path: _imported(path, definitions) for path in {name.rsplit("::", 1)[0] for name in definitions}}
    found: dict[str, frozenset[str]] = {}
    for name, definition in definitions.items():
        path = name.rsplit("::", 1)[0]
        near = (other for word in definition.references for other in by_name.get(word, ()))
        found[name] = frozenset(
            other
            for other in near
            if other.rsplit("::", 1)[0] in imports[path] or definitions[other].fixture or definitions[other].steps
        )
    return found


def _imported(path: str, definitions: Mapping[str, Definition]) -> frozenset[str]:
    """Return a file and the step files whose names its imports mention."""
    stems = {other.rsplit("/", 1)[-1].removesuffix(".py"): other for other in {name.rsplit("::", 1)[0] for name in definitions}}
    words = {
        word
        for name, definition in definitions.items()
        if name.startswith(f"{path}::")
        for word in (*definition.names, *definition.references)
    }
    return frozenset({path, *(other for stem, other in stems.items() if stem in words or other in words)})


def _closure(start: str, direct: Mapping[str, frozenset[str]]) -> frozenset[str]:
    seen, waiting = {start}, [start]
    while waiting:
        new = direct[waiting.pop()] - seen
        seen |= new
        waiting += new
    return frozenset(seen)
