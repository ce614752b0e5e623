"""Reads the source texts that hold obligations (steps, runner, settings, protocol, the gate itself) and takes them apart once, before anything is judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verification.trace.assertions import STEPS, assertion_duties
from verification.trace.duties import PROTOCOL, protocol_duties
from verification.trace.obligations import OBLIGATION_ORDER
from verification.trace.switches import FOREIGN_SETTINGS, GATE, RUNNER, SETTINGS, switch_duties

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from verification.trace.obligations import Obligation

MUTANTS = "verification/trace/mutants"
"""The gate's own test, which names codes and asks nothing."""

_FOLDERS = (STEPS, *GATE[1:])
_FILES = ("verification/conftest.py", "verification/test_features.py", RUNNER, SETTINGS, *FOREIGN_SETTINGS)


def read_written(root: Path) -> tuple[Obligation, ...]:
    """Return the obligations that stand in source texts, sorted; a file that is not there or cannot be read has none, so each of them is missing."""
    steps = {_module(root, path): _text(path) for path in sorted((root / STEPS).rglob("*.py"))}
    sources = {path.relative_to(root).as_posix(): _text(path) for path in _sources(root)}
    found = (*assertion_duties(steps), *switch_duties(sources), *protocol_duties(_text(root / PROTOCOL)))
    return tuple(sorted(found, key=OBLIGATION_ORDER))


def _module(root: Path, path: Path) -> str:
    return ".".join(path.relative_to(root / STEPS).with_suffix("").parts)


def _sources(root: Path) -> Iterator[Path]:
    yield from (root / name for name in _FILES if (root / name).is_file())
    yield from (path for path in sorted((root / "verification").rglob("*")) if path.name in FOREIGN_SETTINGS and path.is_file())
    modules = (path for folder in _FOLDERS for path in sorted((root / folder).rglob("*.py")))
    yield from (path for path in modules if not path.is_relative_to(root / MUTANTS))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
