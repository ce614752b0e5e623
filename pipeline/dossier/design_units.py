"""The units of the device as their files say: what each module offers, with signatures and docstrings, read from its syntax tree and never imported.

Public classes, functions, methods and constants with a description are what a unit offers; what begins with an underscore belongs to its unit alone and is read
in the code. A module that offers something and says nothing about itself is refused: a unit nobody describes has no detailed design.

Source: IEC 62304 5.4.1 to 5.4.3 (units, detailed design of units and interfaces).
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from enum import StrEnum
from itertools import zip_longest
from typing import TYPE_CHECKING

from pipeline.file_error import FileError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

SHORTEST_HIDDEN = 60
"""Letters of a value that is still printed with its constant; longer ones are read in the code."""

_FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef
_SHOWN_SPECIAL = frozenset({"__call__", "__enter__", "__exit__", "__init__", "__iter__"})


class Kind(StrEnum):
    """What a unit offers."""

    CLASS = "class"
    FUNCTION = "function"
    FIELD = "field"
    CONSTANT = "constant"


@dataclass(frozen=True, slots=True)
class Offer:
    """One thing that a unit offers.

    Attributes:
        kind: what it is.
        signature: as code.
        docstring: as written; empty where there is none.
        members: fields and methods of a class.
    """

    kind: Kind
    signature: str
    docstring: str
    members: tuple[Offer, ...] = ()


@dataclass(frozen=True, slots=True)
class Unit:
    """One module: its dotted name, its docstring and what it offers, in the order of the file."""

    name: str
    docstring: str
    offers: tuple[Offer, ...]


def read_unit(path: Path, name: str) -> Unit:
    """Return one module as its file says.

    Raises:
        FileError: FILE-CONTENT, it has no docstring though it offers something.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    offers = tuple(_offers(tree.body))
    docstring = ast.get_docstring(tree, clean=True) or ""
    if offers and not docstring:
        where = name.replace(".", "/")
        raise FileError("FILE-CONTENT", f"{where}.py", "no docstring", "what the unit does, by which rule", "write it")
    return Unit(name, docstring, offers)


def _offers(body: Iterable[ast.stmt]) -> Iterator[Offer]:
    """Yield the public classes, functions and described constants of a module."""
    statements = list(body)
    for statement, following in zip_longest(statements, statements[1:]):
        if isinstance(statement, ast.ClassDef) and not statement.name.startswith("_"):
            yield _class(statement)
        elif isinstance(statement, _FUNCTION) and not statement.name.startswith("_"):
            yield Offer(Kind.FUNCTION, _signature(statement), ast.get_docstring(statement) or "")
        elif (constant := _constant(statement)) and (text := _text(following)):
            yield Offer(Kind.CONSTANT, constant, text)


def _class(node: ast.ClassDef) -> Offer:
    bases = ", ".join(ast.unparse(base) for base in node.bases)
    fields = [Offer(Kind.FIELD, found, "") for each in node.body if (found := _constant(each))]
    methods = [
        Offer(Kind.FUNCTION, _signature(each), ast.get_docstring(each) or "")
        for each in node.body
        if isinstance(each, _FUNCTION) and (not each.name.startswith("_") or each.name in _SHOWN_SPECIAL)
    ]
    head = f"class {node.name}({bases})" if bases else f"class {node.name}"
    return Offer(Kind.CLASS, head, ast.get_docstring(node) or "", (*fields, *methods))


def _signature(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """Return the head of a function as one line of code.

    >>> _signature(ast.parse("def f(a: int, *, b=2) -> str: pass").body[0])
    'f(a: int, *, b=2) -> str'
    """
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    prefix = "property " if any(ast.unparse(each).endswith("property") for each in node.decorator_list) else ""
    arguments = ast.unparse(node.args).removeprefix("self, ").removeprefix("cls, ")
    return f"{prefix}{node.name}({'' if arguments in {'self', 'cls'} else arguments}){returns}"


def _constant(statement: ast.stmt) -> str:
    """Return a public constant with its annotation, and with its value where that is short; empty for anything else.

    >>> _constant(ast.parse("LIMIT: float = 0.4").body[0]), _constant(ast.parse("TABLE = " + repr([0] * 99)).body[0])
    ('LIMIT: float = 0.4', 'TABLE')
    """
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        head, value = f"{statement.target.id}: {ast.unparse(statement.annotation)}", statement.value
    elif isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
        head, value = statement.targets[0].id, statement.value
    else:
        return ""
    shown = ast.unparse(value) if value is not None else ""
    if head.startswith("_"):
        return ""
    return f"{head} = {shown}" if 0 < len(shown) <= SHORTEST_HIDDEN else head


def _text(statement: ast.stmt | None) -> str:
    """Return the string that stands alone behind a constant and describes it."""
    value = statement.value if isinstance(statement, ast.Expr) else None
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else ""
