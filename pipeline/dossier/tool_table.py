"""The tools that build and verify: every library of requirements.lock that is no part of the device, with what its error could do and what would show it.

    tools and what they bring = pins of requirements.lock - pins of device.lock - SOUP items that are installed on request, and what those bring

Versions are those of the lock. A pin that no row of `docs/tools.toml` has, or two have, and a row without a pin stop the build, so that no tool comes into
the environment without a word on it. The SOUP list, device.lock and the bill of materials of the device are another list and stay so: no row may name what is in them.

Source: ISO 13485 4.1.6 (software used in the quality management system); IEC 62304 5.1.4, 5.1.10.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.dossier.tables import link, plain, table
from pipeline.file_error import FileError
from pipeline.handwritten import sound, value_of
from pipeline.release.parts.components import LOCK as DEVICE_LOCK
from requirements_spec.datafile import Table, Tables, Text, Texts
from requirements_spec.lock import LOCK, pins

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

TOOLS = "docs/tools.toml"
GAP = "GAP-021"
"""What every tool without a validation by record leads to; so far each."""

_NAME = Text(pattern=r"[a-z0-9]+(-[a-z0-9]+)*")
_TABLE = Table(
    {
        "schema": Text(choices=frozenset({"thoratrace/tools/1"})),
        "author": Text(),
        "status": Text(choices=frozenset({"draft"})),
        "on_request": Tables(Table({"soup": _NAME, "brings": Texts(_NAME)}), least=0, required=False),
        "tool": Tables(
            Table(
                {
                    "id": _NAME,
                    "used_for": Text(),
                    "harm": Text(),
                    "noticed": Text(),
                    "shown": Texts(least=0),
                    "brings": Texts(_NAME, least=0),
                }
            )
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool, named as in the lock.

    Attributes:
        id: its name.
        used_for: what it does here.
        harm: what its error could do.
        noticed: how that would show.
        shown: tests and evidence that speak for it in this use; empty where nothing does.
        brings: libraries that come along with it and that nothing here calls by itself.
    """

    id: str
    used_for: str
    harm: str
    noticed: str
    shown: tuple[str, ...]
    brings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ToolTable:
    """The tools by name, with the versions that the lock gives everything in their rows."""

    tools: tuple[Tool, ...]
    versions: Mapping[str, str]

    def counts(self) -> dict[str, int]:
        """Return how many tools there are, how many libraries they bring, and for how many tools something speaks."""
        return {
            "tools": len(self.tools),
            "brought": sum(len(each.brings) for each in self.tools),
            "shown": sum(bool(each.shown) for each in self.tools),
        }

    def listed(self) -> str:
        """Return every tool with version, purpose, harm, what would show it, and the state of its validation."""
        header = ["Tool", "Used for", "What its error could do", "How it would be noticed", "Validation"]
        return table(header, map(self._row, self.tools), widths=[14, 17, 22, 25, 22])

    def brought(self) -> str:
        """Return what comes along with each tool, with versions."""
        rows = [[f"`{each.id}`", ", ".join(map(self._versioned, each.brings))] for each in self.tools if each.brings]
        return table(["Tool", "Libraries that come along"], rows, widths=[20, 80])

    def _row(self, tool: Tool) -> list[str]:
        state = f"none by record ({link(GAP)})"
        if tool.shown:
            state = "\n\n".join(["in part:", *(f"`{_short(each)}`" for each in tool.shown), f"the rest: {link(GAP)}"])
        name = f"**{plain(tool.id)}** {plain(self.versions[tool.id])}"
        return [name, plain(tool.used_for), plain(tool.harm), plain(tool.noticed), state]

    def _versioned(self, name: str) -> str:
        return f"{plain(name)} {plain(self.versions[name])}"


def _short(path: str) -> str:
    """Return a test by its file alone, as other tables name it, and evidence by its path.

    >>> _short("tests/verification/trace/test_truth_table.py"), _short("evidence/dvc_remote")
    ('test_truth_table.py', 'evidence/dvc_remote')
    """
    return path.rsplit("/", maxsplit=1)[-1] if path.startswith("tests/") else path


def load_tools(root: Path, soup: Collection[str]) -> ToolTable:
    """Return the tools, after rows and lock were found to hold the same names.

    Args:
        root: of the repository.
        soup: distributions of the SOUP list.

    Raises:
        FileError: FILE-DATA, the table does not hold what it must; FILE-CONTENT, lock and table differ, or something that is to speak for a tool is not there.
    """
    document = sound(root, TOOLS, _TABLE, ("tool",))
    tools = tuple(sorted((value_of(Tool, row.data) for row in document.rows("tool")), key=lambda each: each.id))
    on_request = {row.data["soup"]: row.data["brings"] for row in document.rows("on_request")}
    for name in sorted(on_request.keys() - set(soup)):
        raise _refused(f"on_request {name}", "no SOUP item", "the name of a SOUP item", "correct the name, or remove the row")
    locked = pins((root / LOCK).read_text(encoding="utf-8"))
    device = pins((root / DEVICE_LOCK).read_text(encoding="utf-8")).keys() | set(soup)
    named = [
        *(name for tool in tools for name in (tool.id, *tool.brings)),
        *(each for row in on_request.values() for each in row),
    ]
    _require_once(named, locked.keys() - device, device)
    _require_there(root, tools)
    return ToolTable(tools, {name: locked[name] for name in named})


def _require_once(named: list[str], owed: Collection[str], device: Collection[str]) -> None:
    """Refuse the first library that no row has, that two have, that is a part of the device, or that the lock does not have."""
    for name in sorted(set(owed) - set(named)):
        repair = "write a row with what its error could do and how that would be noticed, or enter it under `brings` of the tool that brings it"
        raise _refused(name, f"a library of {LOCK} in no row", "each library beside the device in one row", repair)
    for name, found in _surplus(named, owed, device):
        raise _refused(name, found, f"each library of {LOCK} beside the device in one row", "remove the name")


def _surplus(named: list[str], owed: Collection[str], device: Collection[str]) -> Iterator[tuple[str, str]]:
    for name in sorted(set(named)):
        if name in device:
            yield name, "a library of the device, which is on the SOUP list or in its lock"
        elif name not in owed:
            yield name, f"no such library in {LOCK}"
        elif named.count(name) > 1:
            yield name, "two rows"


def _require_there(root: Path, tools: Collection[Tool]) -> None:
    for tool in tools:
        for name in tool.shown:
            if not (root / name).exists():
                raise _refused(tool.id, f"no {name}", "tests and evidence that exist", "correct the path, or remove it")


def _refused(item: str, found: str, expected: str, repair: str) -> FileError:
    return FileError("FILE-CONTENT", f"{TOOLS} {item}", found, expected, repair)
