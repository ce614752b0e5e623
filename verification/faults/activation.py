"""Makes one seeded defect active in this process: once the module that it concerns is loaded, the defect changes that module, before anybody uses it.

Which one is told by a variable of the environment, so that it reaches every process that is started under it. Without the variable nothing happens.
Only the standard library is imported here and nothing of the device, because a process may still have to set its numeric environment.
"""

from __future__ import annotations

import os
import sys
import tomllib
from importlib import import_module, util
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

VARIABLE = "THORATRACE_SEEDED_DEFECT"
"""Names the defect of a process, by its id. A verification run that finds it set does not start."""

TRACE_VARIABLE = "THORATRACE_SEEDED_DEFECT_TRACE"
"""Names the file into which every process writes a line when the defect became active in it."""

TABLE = Path(__file__).with_name("faults.toml")


def activate_named() -> None:
    """Activate the defect that the environment names, if it names one.

    Raises:
        LookupError: no such defect in the table.
    """
    if name := os.environ.get(VARIABLE):
        activate(name)


def activate(fault_id: str, table: Path = TABLE) -> None:
    """Let the defect change its module as soon as that is loaded.

    Raises:
        LookupError: no such defect in the table, or its module is loaded already, so that others may hold what was not changed.
    """
    rows = tomllib.loads(table.read_text(encoding="utf-8"))["fault"]
    row = next((row for row in rows if row["id"] == fault_id), None)
    if row is None:
        raise LookupError(f"no seeded defect {fault_id!r} in {table.name}")
    module = row["where"].partition(":")[0]
    if module in sys.modules:
        raise LookupError(f"{module} is loaded already, {fault_id} would come too late")
    sys.meta_path.insert(0, _AfterLoading(module, lambda loaded: _apply(row, loaded)))


def _apply(row: dict[str, Any], module: ModuleType) -> None:
    drawer, _, name = row["defect"].partition(".")
    getattr(import_module(f"verification.faults.{drawer}"), name)(module)
    if place := os.environ.get(TRACE_VARIABLE):
        with Path(place).open("a", encoding="utf-8") as stream:
            stream.write(f"{row['id']} {module.__name__}\n")


class _AfterLoading(MetaPathFinder):
    """Finds one module the way it is found without this, and calls a function when it is loaded."""

    def __init__(self, module: str, change: Callable[[ModuleType], None]) -> None:
        self._module = module
        self._change = change
        self._searching = False

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:  # noqa: ARG002
        """Return the module's own spec, whose loader is followed by the change."""
        if fullname != self._module or self._searching:
            return None
        self._searching = True
        try:
            spec = util.find_spec(fullname)
        finally:
            self._searching = False
        if spec is not None and spec.loader is not None:
            self._follow(spec.loader)
        return spec

    def _follow(self, loader: Any) -> None:
        load = loader.exec_module

        def load_and_change(module: ModuleType) -> None:
            load(module)
            self._change(module)

        loader.exec_module = load_and_change
