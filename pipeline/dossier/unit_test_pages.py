"""The unit and integration tests of the device, read from their source: what each module of tests is about, and what each test states.

A test is of one unit's level where its module reaches one software item of the device, and of integration where it reaches several. Only what is written is read;
no test is run, and nothing is said of an outcome.

Source: FDA software guidance VI.H (Enhanced: unit and integration level protocols); IEC 62304 5.5.2, 5.6.3.
"""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.dossier.tables import link, links, plain, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from requirements_spec.model import SoftwareItem

TESTS = "tests"
DEVICE = "device_sw"
DEFINITIONS = frozenset(f"{DEVICE}.{name}" for name in ("_version", "errors", "findings", "settings", "types"))
"""Modules that only define what passes between items; using them makes no test one of integration."""


@dataclass(frozen=True, slots=True)
class TestModule:
    """A module of tests as it is written.

    Attributes:
        path: from the root.
        about: what its docstring says.
        states: what each test function states, which is its name.
        items: ids of the software items of the device that it reaches.
    """

    __test__ = False

    path: str
    about: str
    states: tuple[str, ...]
    items: tuple[str, ...]


def read_modules(root: Path, items: Sequence[SoftwareItem]) -> tuple[TestModule, ...]:
    """Return every module of tests below ``root``, by path."""
    owners = {module: item.id for item in items for module in item.modules}
    return tuple(_read(root, path, owners) for path in sorted((root / TESTS).rglob("test_*.py")))


def _read(root: Path, path: Path, owners: dict[str, str]) -> TestModule:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]
    used = {module for module in _imported(tree) if module not in DEFINITIONS}
    reached = {owner for module in used if (owner := _owner(module, owners))}
    about = (ast.get_docstring(tree) or "").split("\n\n", 1)[0]
    return TestModule(
        path.relative_to(root).as_posix(), " ".join(about.split()), tuple(map(_stated, names)), tuple(sorted(reached))
    )


def _imported(tree: ast.Module) -> Iterator[str]:
    """Yield the modules of the device that are imported anywhere; of a package the imported names, too, since they may be modules."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names if each.name.split(".")[0] == DEVICE)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == DEVICE:
            whole = node.module == DEVICE
            yield from (f"{DEVICE}.{each.name}" for each in node.names) if whole else (str(node.module),)


def _owner(module: str, owners: dict[str, str]) -> str:
    return next((item for name, item in owners.items() if module == name or module.startswith(f"{name}.")), "")


def _stated(name: str) -> str:
    """Return what a test states.

    >>> _stated("test_a_lateral_film_is_refused")
    'a lateral film is refused'
    """
    return name.removeprefix("test_").replace("_", " ")


@dataclass(frozen=True)
class UnitTestPages:
    """The tests of the device and of what surrounds it."""

    modules: tuple[TestModule, ...]
    items: tuple[SoftwareItem, ...]

    def units(self) -> str:
        """Return the tests of one software item alone, item by item; an item without any says so."""
        return "\n\n".join(self._unit(item) for item in self.items)

    def _unit(self, item: SoftwareItem) -> str:
        own = [each for each in self.modules if each.items == (item.id,)]
        listing = _listing(own) if own else "No test module reaches this item alone; it is tested in integration only."
        return f"### {plain(item.title)}\n\n{link(item.id)}: {_functions(own)} test functions.\n\n{listing}"

    def integration(self) -> str:
        """Return the tests that reach several software items of the device."""
        return _listing([each for each in self.modules if len(each.items) > 1], reach=True)

    def around(self) -> str:
        """Return how many tests are of what surrounds the device, by package."""
        others = [each for each in self.modules if not each.items]
        modules = Counter(map(_package, others))
        functions = Counter({name: _functions(each for each in others if _package(each) == name) for name in modules})
        rows = [[f"`{name}`", str(modules[name]), str(functions[name])] for name in sorted(modules)]
        return table(["Package", "Modules of tests", "Test functions"], rows, widths=[50, 25, 25])

    def counts(self) -> dict[str, int]:
        """Return how many test functions there are of units, of integration, and of what surrounds the device."""
        return {
            "units": _functions(each for each in self.modules if len(each.items) == 1),
            "integration": _functions(each for each in self.modules if len(each.items) > 1),
            "around": _functions(each for each in self.modules if not each.items),
        }


def _functions(modules: Iterable[TestModule]) -> int:
    return sum(len(each.states) for each in modules)


def _package(module: TestModule) -> str:
    return "/".join(module.path.split("/")[:2])


def _listing(modules: Sequence[TestModule], *, reach: bool = False) -> str:
    rows = [[_named(each, reach=reach), str(len(each.states)), "; ".join(map(plain, each.states))] for each in modules]
    return table(["Module, and what it is about", "Tests", "What each test states"], rows, widths=[34, 8, 58])


def _named(module: TestModule, *, reach: bool) -> str:
    parts = [f"`{module.path.removeprefix(f'{TESTS}/')}`", plain(module.about)]
    return "\n\n".join([*filter(None, parts), *([links(module.items)] if reach else [])])
