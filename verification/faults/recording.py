"""Defects of recording: what is left, found again and continued when a run was interrupted, repeated or shared out."""

from __future__ import annotations

import os
import uuid
from typing import TYPE_CHECKING, Any

from verification.faults.alteration import nothing, replace, wrap

if TYPE_CHECKING:
    from types import ModuleType


def named_parts_removed(module: ModuleType) -> None:
    """Whatever a run that died left is removed, named or not (device_sw.report.folder)."""
    wrap(module, "OutputFolder.recover", lambda original, self, _named: original(self, {}))


def nothing_recovered(module: ModuleType) -> None:
    """What a run that died left stays (device_sw.report.folder)."""
    replace(module, "OutputFolder.recover", lambda _self, _named: (0, 0))


def cut_lines_dropped(module: ModuleType) -> None:
    """A line that a crash cut is cut off and no line tells of it (device_sw.audit)."""

    def set_aside(self: Any, cut: bytes) -> None:
        os.ftruncate(self._file.fileno(), os.fstat(self._file.fileno()).st_size - len(cut))

    replace(module, "AuditTrail._set_aside", set_aside)


def folder_not_locked(module: ModuleType) -> None:
    """A run does not look whether another one writes (device_sw.audit)."""
    replace(module, "_lock", nothing)


def always_begun_anew(module: ModuleType) -> None:
    """No input is found again among those that are recorded (device_sw.batch.run)."""
    replace(module, "_key", lambda _digest, _made_by: (uuid.uuid4().hex,))


def unforeseen_errors_end_the_batch(module: ModuleType) -> None:
    """An error that nobody foresaw is not taken for a failure of the input (device_sw.batch.examination)."""

    def unexpected(broken: Exception) -> None:
        raise broken

    replace(module, "_unexpected", unexpected)


def duplicates_not_noticed(module: ModuleType) -> None:
    """Another picture under a recorded UID is taken like any other (device_sw.batch.run)."""
    replace(module, "Batch._unique", lambda _self, examination: examination)


def root_in_order(module: ModuleType) -> None:
    """The leaves are not sorted before the tree is built (device_sw.merkle)."""
    module.sorted = list  # type: ignore[attr-defined]


def files_not_compared(module: ModuleType) -> None:
    """Every file is taken to be what its line says (device_sw.batch.inspection)."""
    wrap(module, "_differences", lambda _original, *_arguments: iter(()))
