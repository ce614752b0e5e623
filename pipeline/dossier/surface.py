"""What the device's code touches outside of memory, found by reading it: files, environment, streams, processes and libraries that open connections.

The diagram of the data flow is drawn from what is meant; this is what the code does. The two are compared, so that a new way in or out is a difference that
somebody has to look at. It finds calls by their names: what a library does inside is not seen here (the scenario with sockets disabled looks at that).

Source: FDA cybersecurity guidance 2026 V.B.2 (security views of what the software is); IEC 81001-5-1 5.3 (attack surface).
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

TOUCHES = ("reads", "writes", "environment", "streams", "process", "network")

_READS = frozenset({"read_bytes", "read_text", "dcmread"})
_WRITES = frozenset({"write_bytes", "write_text", "unlink", "mkdir", "rmdir", "ftruncate"})
_STREAMS = frozenset({"echo", "stdin", "stdout", "stderr"})
_PROCESS = frozenset({"execve", "execv", "fork", "system", "popen", "spawnv"})
_NETWORK = frozenset({"socket", "ssl", "http", "urllib", "requests", "httpx", "asyncio", "ftplib", "smtplib", "xmlrpc", "ray"})
_STARTING = frozenset({"subprocess", "multiprocessing"})
_WRITING_FLAGS = frozenset({"O_WRONLY", "O_RDWR", "O_CREAT", "O_APPEND"})


@dataclass(frozen=True, slots=True, order=True)
class Touch:
    """One place of the code: what it touches, and where."""

    kind: str
    where: str


def touches(root: Path, modules: Iterable[str]) -> tuple[Touch, ...]:
    """Return every place in modules, or packages with all their modules, that touches something outside of memory; sorted."""
    found = {
        touch
        for path in _paths(root, modules)
        for touch in _of(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8"))
    }
    return tuple(sorted(found))


def _paths(root: Path, modules: Iterable[str]) -> Iterator[Path]:
    for module in modules:
        place = root.joinpath(*module.split("."))
        yield from sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]


def _of(name: str, text: str) -> Iterator[Touch]:
    for node in ast.walk(ast.parse(text)):
        if kind := _kind(node):
            yield Touch(kind, f"{name}:{node.lineno}")  # type: ignore[attr-defined]


def _kind(node: ast.AST) -> str:
    """Return what a node touches, "" for nothing.

    >>> [_kind(node) for node in ast.walk(ast.parse("path.read_bytes()")) if _kind(node)]
    ['reads']
    >>> [_kind(node) for node in ast.walk(ast.parse("path.open('ab+')")) if _kind(node)]
    ['writes']
    """
    if isinstance(node, ast.Import | ast.ImportFrom):
        return _imported(node)
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        if (node.value.id, node.attr) == ("os", "environ"):
            return "environment"
        if node.value.id == "sys" and node.attr in _STREAMS:
            return "streams"
    return _called(node) if isinstance(node, ast.Call) else ""


def _imported(node: ast.Import | ast.ImportFrom) -> str:
    names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
    first = {name.split(".")[0] for name in names}
    if first & _NETWORK:
        return "network"
    return "process" if first & _STARTING else ""


def _called(node: ast.Call) -> str:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id if isinstance(node.func, ast.Name) else ""
    if name == "open":
        return _opened(node)
    for kind, names in (("reads", _READS), ("writes", _WRITES), ("process", _PROCESS)):
        if name in names and not _of_the_package(node):
            return kind
    return "streams" if name in {"echo", "print"} else ""


def _opened(node: ast.Call) -> str:
    """Tell a file opened for reading from one opened for writing; other things have an ``open`` too, which take no mode."""
    named = {each.attr for argument in node.args for each in ast.walk(argument) if isinstance(each, ast.Attribute)}
    if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name) and node.func.value.id == "os":
        return "writes" if named & _WRITING_FLAGS else "reads"
    given = node.args[0] if isinstance(node.func, ast.Attribute) and node.args else node.args[1] if len(node.args) > 1 else None
    if given is None:
        return "reads" if isinstance(node.func, ast.Name) or not node.args else ""
    mode = given.value if isinstance(given, ast.Constant) and isinstance(given.value, str) else None
    if mode is None:
        return ""
    return "writes" if set(mode) & set("wax+") else "reads"


def _of_the_package(node: ast.Call) -> bool:
    """Say whether a file is read that lies in the wheel itself (``importlib.resources.files``)."""
    return any(isinstance(each, ast.Name) and each.id == "files" for each in ast.walk(node.func))
