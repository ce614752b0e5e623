"""Defects of the numeric environment: a variable left as it was found, or a start that comes too late. Only the standard library is imported here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from verification.faults.alteration import replace, wrap

if TYPE_CHECKING:
    from types import ModuleType

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def _left_as_found(module: ModuleType, *names: str) -> None:
    kept = {name: value for name, value in module.NUMERIC_ENVIRONMENT.items() if name not in names}
    if len(kept) + len(names) != len(module.NUMERIC_ENVIRONMENT):
        raise LookupError(f"no {', '.join(names)} to leave as found")
    replace(module, "NUMERIC_ENVIRONMENT", kept)


def threads_left_as_found(module: ModuleType) -> None:
    """The number of threads is that of the machine."""
    _left_as_found(module, *_THREADS)


def hash_seed_left_as_found(module: ModuleType) -> None:
    """The hash seed is that of the caller."""
    _left_as_found(module, "PYTHONHASHSEED")


def engine_limit_left_as_found(module: ModuleType) -> None:
    """The instructions of the engine's own kernels are those of the machine."""
    _left_as_found(module, "OV_CPU_MAX_ISA")


def too_late_goes_on(module: ModuleType) -> None:
    """A process that has loaded its numeric libraries goes on with what it has."""

    def relaunch(original: Any) -> None:
        if not {"numpy", "torch"} & set(module.sys.modules):
            original()

    wrap(module, "relaunch", relaunch)
