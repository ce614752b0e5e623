"""Finds everything by which a scenario can be kept from running or its result from counting, and what keeps the runner and the gate strict.

A switch is an obligation turned round: none may be new. It is read from the source as text and tree, so one that is computed at run time escapes; the results do
not, because what did not run has no pass.

Source: IEC 62304 5.7.1 (each requirement is tested), 5.7.4 (the tests are adequate).
"""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from requirements_spec.source_lines import line_index, line_of
from verification.trace.assertions import short
from verification.trace.obligations import OBLIGATION_ORDER, Obligation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

RUNNER = "pipeline/verification_run.py"
SETTINGS = "pyproject.toml"
FOREIGN_SETTINGS = ("pytest.ini", ".pytest.ini", "tox.ini", "setup.cfg", "conftest.py", "pytest.toml", ".pytest.toml")
"""Further files from which pytest takes settings or hooks; at the root or beside the features they would act unseen."""

GATE = ("verification/trace/checks/", "verification/trace/", "requirements_spec/", "risk/")
"""Where the gate's questions stand: the tables of the first are kept member by member, of all of them every code that can be reported."""

JUDGES = frozenset(
    f"verification/trace/{name}.py"
    for name in (
        "anomalies",
        "approvals",
        "baseline",
        "evidence",
        "identity",
        "inputs",
        "keys",
        "obligations",
        "outcomes",
        "people",
        "records",
    )
) | {"verification/trace/seeded.py", "verification/trace/slices.py", "verification/trace/switches.py"}
"""Modules whose constants decide what is asked: what has to be signed, how long reading takes, what a slice holds, what counts as smaller."""

STRICT = frozenset({"--strict-markers", "--strict-config"})
"""Options whose loss makes the runner more forgiving."""

_WORDS = frozenset({"skip", "skipif", "xfail", "importorskip", "exit", "deselect", "flaky"})
_OWNERS = frozenset({"pytest", "mark", "unittest"})
_COLLECTION = frozenset({"collect_ignore", "collect_ignore_glob", "pytest_ignore_collect", "pytest_deselected"})
_CHANGES = frozenset({"remove", "clear", "pop", "force_result"})
_HARMLESS = frozenset({"minversion", "markers", "pythonpath", "testpaths", "addopts", "xfail_strict", "bdd_features_base_dir"})
_CODE = re.compile(r"(?:TRC|SPC|RSK|CHG|ANO|OBL|SIG|AUD)-[A-Z]+(?:-[A-Z]+)*")


def switch_duties(sources: Mapping[str, str]) -> tuple[Obligation, ...]:
    r"""Return the switches and the strictness of the verification as it is written; ``sources`` maps paths to texts.

    >>> found = switch_duties({"verification/steps/a.py": "import pytest\npytest.skip('later')\n"})
    >>> [(each.where, each.member) for each in found if each.aspect == "switch"]
    [('verification/steps/a.py:2', "pytest.skip('later')")]
    """
    found = [each for path, text in sources.items() for each in _of_source(path, text)]
    first = {OBLIGATION_ORDER(each): each for each in sorted(found, key=lambda one: one.where, reverse=True)}
    return tuple(sorted(first.values(), key=OBLIGATION_ORDER))


@lru_cache(maxsize=2048)
def _of_source(path: str, text: str) -> tuple[Obligation, ...]:
    """Return what stands in one file; remembered by its text, because a campaign of mutants asks for the same files thousands of times."""
    found: list[Obligation] = []
    if path == SETTINGS:
        found += _settings(text)
    elif path != "verification/conftest.py" and path.rpartition("/")[2] in FOREIGN_SETTINGS:
        found.append(Obligation(path, "switch", "a file of settings that pytest would obey", 1, f"{path}:1"))
    elif path.startswith(GATE):
        found += _gate(path, text) if path.startswith(GATE[0]) or path in JUDGES else _codes(path, _parsed(text))
        found += _python(path, text) if "\ndef pytest_" in text else ()
    elif path.endswith(".py"):
        found += _python(path, text)
    return tuple(found)


def _python(path: str, text: str) -> Iterator[Obligation]:
    """Yield the switches of a module of the verification; one that cannot be parsed cannot run either."""
    tree = _parsed(text)
    places: dict[str, int] = {}
    counts: Counter[str] = Counter()
    for line, member in _runner_options(tree) if path == RUNNER else _switches(tree):
        counts[member] += 1
        places.setdefault(member, line)
    yield from (Obligation(path, "switch", member, count, f"{path}:{places[member]}") for member, count in counts.items())
    if path.endswith("test_features.py"):
        for line, member in _bindings(tree):
            yield Obligation(path, "strict", member, 1, f"{path}:{line}")


def _parsed(text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module(body=[], type_ignores=[])


def _switches(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the marks, calls and names by which pytest leaves tests out, and what hooks do to the tests and outcomes handed to them."""
    called = {id(node.func): node for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr=name) if name in _WORDS and ast.unparse(node.value).split(".")[0] in _OWNERS:
                yield node.lineno, short(ast.unparse(called.get(id(node), node)))
            case ast.ImportFrom(module="pytest" | "unittest") if hidden := sorted({each.name for each in node.names} & _WORDS):
                yield node.lineno, f"from {node.module} import {', '.join(hidden)}"
            case ast.Name(id=name, ctx=ast.Store()) | ast.FunctionDef(name=name) if name in _COLLECTION:
                yield node.lineno, name
            case ast.FunctionDef(name=name) if name.startswith("pytest_"):
                yield from _hook_switches(node)


def _hook_switches(hook: ast.FunctionDef) -> Iterator[tuple[int, str]]:
    """Yield where a hook takes tests away or writes an outcome."""
    for node in ast.walk(hook):
        match node:
            case ast.Attribute(attr="pytest_deselected"):
                yield node.lineno, "pytest_deselected"
            case ast.Call(func=ast.Attribute(attr=name, value=ast.Name(id="items" | "outcome"))) if name in _CHANGES:
                yield node.lineno, short(ast.unparse(node))
            case ast.Subscript(value=ast.Name(id="items"), ctx=ast.Store() | ast.Del()):
                yield node.lineno, short(f"{ast.unparse(node)} is written")
            case ast.Attribute(attr="outcome" | "wasxfail", ctx=ast.Store()):
                yield node.lineno, short(f"{ast.unparse(node)} is written")


def _runner_options(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield every option that the runner's source hands on; a new one has to be looked at."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.match(r"--?[a-z]", node.value):
            yield node.lineno, node.value


def _bindings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "scenarios":
            yield node.lineno, ast.unparse(node)


def _settings(text: str) -> Iterator[Obligation]:
    """Yield what pyproject.toml tells pytest: strict options have to stay, any other option or setting must not be new."""
    try:
        options: dict[str, Any] = tomllib.loads(text).get("tool", {}).get("pytest", {}).get("ini_options", {})
    except (ValueError, AttributeError, RecursionError):
        return
    lines = line_index(text)

    def at(key: str) -> str:
        return f"{SETTINGS}:{line_of(lines, f'$.tool.pytest.ini_options.{key}')}"

    addopts = options.get("addopts", [])
    for option in addopts if isinstance(addopts, list) else str(addopts).split():
        yield Obligation(SETTINGS, "strict" if option in STRICT else "switch", f"option {option}", 1, at("addopts"))
    yield Obligation(SETTINGS, "strict", "xfail_strict", options.get("xfail_strict") is True, at("xfail_strict"))
    for folder in options.get("testpaths", []):
        yield Obligation(SETTINGS, "strict", f"testpaths {folder}", 1, at("testpaths"))
    for key in sorted(options.keys() - _HARMLESS):
        yield Obligation(SETTINGS, "switch", short(f"{key} = {json.dumps(options[key], default=str)}"), 1, at(key))


def _gate(path: str, text: str) -> Iterator[Obligation]:
    """Yield what the gate itself asks: each constant, each member of its tables, and each code it can report."""
    tree = _parsed(text)
    for node in tree.body:
        name, value = _constant(node)
        if name.isupper() and value is not None:
            for member in map(short, _elements(value)):
                yield Obligation(f"{path} {name}", "check", member, 1, f"{path}:{node.lineno}")
    yield from _codes(path, tree)


def _codes(path: str, tree: ast.Module) -> Iterator[Obligation]:
    """Yield each code that a module can report."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _CODE.fullmatch(node.value):
            yield Obligation(f"code {node.value}", "code", "", 1, f"{path}:{node.lineno}")


def _constant(node: ast.stmt) -> tuple[str, ast.expr | None]:
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id, node.value
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return node.target.id, node.value
    return "", None


def _elements(value: ast.expr) -> list[str]:
    """Return the members of a table; a table in a table is taken apart too, so that each of its members is one obligation."""
    if isinstance(value, ast.Call) and len(value.args) == 1 and ast.unparse(value.func) == "frozenset":
        return _elements(value.args[0])
    if isinstance(value, ast.Dict):
        pairs = zip(value.keys, value.values, strict=True)
        return [f"{ast.unparse(key) if key else '**'}: {member}" for key, each in pairs for member in _elements(each)]
    if isinstance(value, ast.Tuple | ast.List | ast.Set):
        return [ast.unparse(each) for each in value.elts]
    return [ast.unparse(value)]
