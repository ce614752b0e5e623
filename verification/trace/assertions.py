"""What the step implementations assert, read from their syntax trees: so that a scenario cannot go on passing after its assertion was taken away.

For each function that checks something (a step, or what a step calls within verification/steps) these are obligations: every `assert` and expected
exception with the conditions it stands under, every assignment that feeds one, and every call of another checking function. A function whose value is
asserted, as `wrong = offences(result)`, owes each of its statements. Messages, names of functions, comments and order are no obligation. Leaving
a function before its last assertion is a way to silence it and is listed as one.

What this does not see: what given and when steps prepare, that a value computed by the device's own code was weakened, and a mock put in its place at run
time. The seeded defects are the answer to these: a scenario that no longer notices anything passes under its defect.
"""

from __future__ import annotations

import ast
import hashlib
from collections import Counter
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from requirements_spec.remembered import remembered
from verification.trace.obligations import OBLIGATION_ORDER, Obligation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

STEPS = "verification/steps"
PACKAGE = "verification.steps"
LONGEST = 160
"""Longest text of an expression, characters; a longer one is cut and carries the hash of the whole."""

_KEYWORDS = frozenset({"given", "when", "then", "step"})
_EXITS = (ast.Return, ast.Continue, ast.Break)
_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Statement:
    """A simple statement and the conditions it stands under, outermost first."""

    node: ast.stmt
    guards: tuple[str, ...]

    def text(self, body: str) -> str:
        """Return the statement's text behind its conditions."""
        return short(": ".join((*self.guards, body)))


@dataclass(frozen=True)
class Function:
    """One function of the steps: its module, its name with its class, and its syntax tree."""

    module: str
    name: str
    node: _Function
    imports: Mapping[str, str]
    constants: Mapping[str, ast.expr]

    @property
    def where(self) -> str:
        """Return ``file:line`` of the function."""
        return f"{STEPS}/{self.module}.py:{self.node.lineno}"

    @cached_property
    def patterns(self) -> tuple[str, ...]:
        """The steps that the function implements, as ``then every mark ...``; empty for a function that is no step."""
        return tuple(found for decorator in self.node.decorator_list for found in _pattern(decorator))

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        """Every simple statement with its conditions, without the docstring."""
        body = self.node.body[1:] if ast.get_docstring(self.node) is not None else self.node.body
        return tuple(_flat(body, ()))

    @cached_property
    def tests(self) -> tuple[ast.AST, ...]:
        """The expressions that the checks ask, with the conditions they stand under."""
        return tuple(_tests(self))

    @cached_property
    def feeding(self) -> tuple[Statement, ...]:
        """The assignments, in their order, whose values reach a check."""
        return _feeding(self)

    @cached_property
    def calls(self) -> tuple[ast.expr, ...]:
        """What is called anywhere in the function."""
        return tuple(node.func for node in ast.walk(self.node) if isinstance(node, ast.Call))

    @cached_property
    def checks(self) -> tuple[Statement, ...]:
        """The statements that make a scenario fail by themselves."""
        return tuple(each for each in self.statements if isinstance(each.node, ast.Assert | ast.Raise) or _expects(each.node))


def assertion_duties(modules: Mapping[str, str]) -> tuple[Obligation, ...]:
    r"""Return the obligations of the step implementations; ``modules`` maps a module's name below verification/steps to its text.

    A module that cannot be parsed has none, so that each of its obligations is missing.

    >>> text = "@then('it is refused')\ndef _refused(ending):\n    wrong = ending.code\n    assert wrong == 'ADM', 'message'\n"
    >>> [each.member for each in assertion_duties({"admission": text}) if each.member]
    ["assert wrong == 'ADM'", 'wrong = ending.code']
    """
    functions = tuple(function for module, text in sorted(modules.items()) for function in _functions_of(module, text))
    return tuple(sorted(_Steps(functions).duties(), key=OBLIGATION_ORDER))


def short(text: str) -> str:
    """Return a text of at most ``LONGEST`` characters that still tells two texts apart, on one line."""
    line = " ".join(text.split())
    if len(line) <= LONGEST:
        return line
    return f"{line[: LONGEST - 20]}... #{hashlib.sha256(line.encode()).hexdigest()[:12]}"


class _Steps:
    """All functions of the steps, and who of them checks."""

    def __init__(self, functions: tuple[Function, ...]) -> None:
        self.functions = functions
        self.by_name = {f"{each.module}.{each.name}": each for each in functions}
        self.methods: dict[str, list[str]] = {}
        for name, each in self.by_name.items():
            if "." in each.name:
                self.methods.setdefault(each.name.rsplit(".", 1)[1], []).append(name)
        self.calls = {name: self._meant(each, each.calls) for name, each in self.by_name.items()}
        self.checking = self._closed(name for name, each in self.by_name.items() if each.checks)
        self.values = self._value_functions()

    def duties(self) -> Iterator[Obligation]:
        """Yield the obligations of every step and of every helper that checks or whose value is checked."""
        for name, function in self.by_name.items():
            owners = function.patterns or ((f"steps {name}",) if name in self.checking | self.values else ())
            for owner in owners:
                yield Obligation(owner, "step", "", "step", function.where)
                counts = Counter(self._members(name, function))
                yield from (Obligation(owner, "asserts", text, count, function.where) for text, count in counts.items())
                if name in self.checking:
                    yield from self._exits(owner, function)

    def _closed(self, names: Iterable[str]) -> frozenset[str]:
        """Return the functions that check, and those that call one that does."""
        found = set(names)
        while more := {name for name, called in self.calls.items() if called & found} - found:
            found |= more
        return frozenset(found)

    def _value_functions(self) -> frozenset[str]:
        """Return the functions whose value some check rests on, directly or through other functions; those that check are listed as such."""
        found: set[str] = set()
        for each in self.functions:
            for node in (*each.tests, *(statement.node for statement in each.feeding)):
                found |= self._called(each, node)
        while more := {called for name in found for called in self.calls[name]} - found:
            found |= more
        return frozenset(found)

    def _called(self, function: Function, node: ast.AST) -> set[str]:
        return set(self._meant(function, _called_in(node)))

    def _meant(self, function: Function, callees: Iterable[ast.expr]) -> frozenset[str]:
        return frozenset(name for callee in callees for name in self._targets(function, callee))

    def _targets(self, function: Function, callee: ast.expr) -> Iterable[str]:
        """Return the functions of the steps that a call may mean; a method by its name, whatever the object."""
        if isinstance(callee, ast.Name):
            name = function.imports.get(callee.id, f"{function.module}.{callee.id}")
            return (name,) if name in self.by_name else ()
        if not isinstance(callee, ast.Attribute):
            return ()
        if isinstance(callee.value, ast.Name) and callee.value.id in function.imports:
            name = f"{function.imports[callee.value.id]}.{callee.attr}"
            return (name,) if name in self.by_name else ()
        return self.methods.get(callee.attr, ())

    def _members(self, name: str, function: Function) -> Iterator[str]:
        if name not in self.checking and name in self.values and not function.patterns:
            yield from (each.text(_unparsed(each.node)) for each in function.statements)
            return
        yield from (each.text(_said(each.node)) for each in function.checks)
        feeding = function.feeding
        yield from (each.text(_unparsed(each.node)) for each in feeding)
        yield from (short(f"{key} = {_unparsed(value)}") for key, value in _constants(function, feeding))
        yield from (f"calls {called}" for called in sorted(self.calls[name] & self.checking))

    def _exits(self, owner: str, function: Function) -> Iterator[Obligation]:
        last = max((each.node.lineno for each in function.checks), default=0)
        early = [each for each in function.statements if isinstance(each.node, _EXITS) and each.node.lineno < last]
        for text, count in Counter(each.text(_unparsed(each.node)) for each in early).items():
            yield Obligation(owner, "leaves early", text, count, f"{STEPS}/{function.module}.py:{early[0].node.lineno}")


@lru_cache(maxsize=256)
def _functions_of(module: str, text: str) -> tuple[Function, ...]:
    """Return the functions of a module; remembered by its text, because a campaign of mutants asks for the same modules thousands of times."""
    return tuple(_functions(module, text))


def _functions(module: str, text: str) -> Iterator[Function]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    imports = dict(_imports(tree))
    constants = {name: value for node in tree.body for name, value in _assigned(node)}
    for node in tree.body:
        if isinstance(node, _Function):
            yield Function(module, node.name, node, imports, constants)
        elif isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, _Function):
                    yield Function(module, f"{node.name}.{inner.name}", inner, imports, constants)


def _imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield the names under which a module knows other modules of the steps and their functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and (node.module + ".").startswith(PACKAGE + "."):
            below = node.module.removeprefix(PACKAGE).removeprefix(".")
            for alias in node.names:
                yield alias.asname or alias.name, f"{below}.{alias.name}" if below else alias.name


def _assigned(node: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(node, ast.Assign):
        yield from ((target.id, node.value) for target in node.targets if isinstance(target, ast.Name))
    elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
        yield node.target.id, node.value


def _pattern(decorator: ast.expr) -> Iterator[str]:
    """Yield the step that a decorator registers, without the keyword arguments, which say where its value goes."""
    if isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Name) and decorator.func.id in _KEYWORDS:
        texts = [node.value for node in ast.walk(decorator.args[0]) if isinstance(node, ast.Constant)] if decorator.args else []
        yield short(f"step {decorator.func.id} {' '.join(map(str, texts))}")


def _flat(body: Iterable[ast.stmt], guards: tuple[str, ...]) -> Iterator[Statement]:  # noqa: C901  one case for each kind of statement
    """Yield the simple statements of a body; a `with` that expects an exception is one itself."""
    for node in body:
        match node:
            case ast.If():
                test = ast.unparse(node.test)
                yield from _flat(node.body, (*guards, f"if {test}"))
                yield from _flat(node.orelse, (*guards, f"if not ({test})"))
            case ast.For() | ast.AsyncFor():
                yield from _flat(node.body, (*guards, f"for {ast.unparse(node.target)} in {ast.unparse(node.iter)}"))
                yield from _flat(node.orelse, guards)
            case ast.While():
                yield from _flat(node.body, (*guards, f"while {ast.unparse(node.test)}"))
                yield from _flat(node.orelse, guards)
            case ast.With() | ast.AsyncWith():
                items = ", ".join(ast.unparse(item) for item in node.items)
                if _expects(node):
                    yield Statement(node, guards)
                yield from _flat(node.body, (*guards, f"with {items}"))
            case ast.Try():
                handlers = ", ".join(ast.unparse(each.type) if each.type else "everything" for each in node.handlers)
                yield from _flat(node.body, (*guards, f"try, except {handlers}") if handlers else guards)
                for each in node.handlers:
                    yield from _flat(each.body, (*guards, f"except {ast.unparse(each.type) if each.type else 'everything'}"))
                yield from _flat((*node.orelse, *node.finalbody), guards)
            case ast.Match():
                for case in node.cases:
                    yield from _flat(case.body, (*guards, f"case {ast.unparse(case.pattern)} of {ast.unparse(node.subject)}"))
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield from _flat(node.body, (*guards, f"in {node.name}"))
            case _:
                yield Statement(node, guards)


def _expects(node: ast.stmt) -> bool:
    """Say whether a statement expects an exception or fails the test: `with pytest.raises(...)`, `pytest.fail(...)`."""
    if isinstance(node, ast.With):
        return any(_is_pytest(item.context_expr, "raises", "warns") for item in node.items)
    return isinstance(node, ast.Expr) and _is_pytest(node.value, "fail", "raises")


def _is_pytest(node: ast.expr, *names: str) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) in {f"pytest.{name}" for name in names}


@remembered
def _said(node: ast.stmt) -> str:
    """Return what a check asks, without the message it would print."""
    match node:
        case ast.Assert():
            return f"assert {ast.unparse(node.test)}"
        case ast.With():
            return f"expects {', '.join(ast.unparse(item.context_expr) for item in node.items)}"
        case ast.Raise():
            kind = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            return f"raises {ast.unparse(kind)}" if kind else "raises again"
        case _:
            return "fails"


def _tests(function: Function) -> Iterator[ast.AST]:
    """Yield the expressions that a function's checks ask, with the conditions they stand under."""
    for each in function.checks:
        if isinstance(each.node, ast.Assert):
            yield each.node.test
        elif isinstance(each.node, ast.With):
            yield from (item.context_expr for item in each.node.items)
    if function.checks:
        for node in ast.walk(function.node):
            if isinstance(node, ast.If | ast.While):
                yield node.test
            elif isinstance(node, ast.For):
                yield node.iter


@remembered
def _names(node: ast.AST) -> frozenset[str]:
    return frozenset(each.id for each in ast.walk(node) if isinstance(each, ast.Name))


@remembered
def _called_in(node: ast.AST) -> tuple[ast.expr, ...]:
    """Return what is called anywhere in a node."""
    return tuple(call.func for call in ast.walk(node) if isinstance(call, ast.Call))


@remembered
def _unparsed(node: ast.AST) -> str:
    return ast.unparse(node)


def _feeding(function: Function) -> tuple[Statement, ...]:
    """Return the assignments, in their order, whose values reach a check of the function."""
    wanted = {name for node in function.tests for name in _names(node)}
    assignments = [each for each in function.statements if isinstance(each.node, ast.Assign | ast.AnnAssign | ast.AugAssign)]
    found: dict[int, Statement] = {}
    while more := [each for each in assignments if each.node.lineno not in found and _targets_of(each.node) & wanted]:
        for each in more:
            found[each.node.lineno] = each
            wanted |= _names(each.node)
    return tuple(found[line] for line in sorted(found))


def _targets_of(node: ast.stmt) -> set[str]:
    targets = (
        node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign | ast.AugAssign) else []
    )
    return {name for target in targets for name in _names(target)}


def _constants(function: Function, feeding: tuple[Statement, ...]) -> Iterator[tuple[str, ast.expr]]:
    """Yield the module's constants that a check rests on."""
    used = {name for node in (*function.tests, *(each.node for each in feeding)) for name in _names(node)}
    yield from ((name, function.constants[name]) for name in sorted(used & function.constants.keys()))
